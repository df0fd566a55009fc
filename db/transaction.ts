import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Brand } from '../domain/brand.js';
import type { WorkspaceId } from '../domain/ids.js';
import type { Instant } from '../domain/time.js';
import { type Db, replacedClock } from './connection.js';
import { isConflict, translateError } from './errors.js';
import { run, transact } from './pipeline.js';
import { isOutdatedPlan } from './roundTrip.js';

/** An open transaction that sees one workspace. Only this file makes one. */
export type Tx = Brand<Knex.Transaction, 'Tx'>;
/** The same, read-only: a Tx can read, a ReadTx cannot write. */
export type ReadTx = Brand<Knex.Transaction, 'Tx' | 'ReadTx'>;

const maxRepeats = 5;

/**
 * Runs `work` in one transaction that sees one workspace. All of it is committed or none. Repeated only on 40001 and 40P01, and where
 * a table was altered under a prepared plan. `now` is
 * Postgres's time at its start. `ahead` asks for what `work` will surely read (with `once`): it travels with the opening. An error at COMMIT means unknown and is rethrown: whoever repeats finds what is there by its business key.
 */
export async function inWorkspace<T>(
  db: Db,
  workspaceId: WorkspaceId,
  work: (tx: Tx, now: Instant) => Promise<T>,
  ahead?: (tx: Tx) => readonly Promise<unknown>[],
): Promise<T> {
  return retryOnConflict(() =>
    transact(db, 'write', async (opened) => {
      const tx = opened as Tx;
      const opening = open(db, tx, workspaceId);
      for (const read of ahead?.(tx) ?? []) read.catch(() => undefined); // told to whoever asks for it in `work`
      return work(tx, await opening);
    }),
  );
}

/**
 * The same, read-only at repeatable read: every row of an answer is of one instant. A `work` of one parameter does not ask when: its first
 * statement travels with the opening instead of waiting for it.
 */
export async function readWorkspace<T>(
  db: Db,
  workspaceId: WorkspaceId,
  work: (tx: ReadTx, now: Instant) => Promise<T>,
): Promise<T> {
  return retryOnConflict(() =>
    transact(db, 'read', async (opened) => {
      const tx = opened as ReadTx;
      const opening = open(db, tx, workspaceId);
      if (work.length > 1) return work(tx, await opening);
      const reading = (work as (tx: ReadTx) => Promise<T>)(tx);
      // Nothing is read without it: what stands behind an opening that failed was not run, and tells so.
      const [result] = await Promise.all([reading, opening]);
      return result;
    }),
  );
}

const times = new WeakMap<object, Promise<Instant>>();

/** Postgres's time at the start of the transaction, for who does not want to wait for it before asking anything. */
export function timeOf(tx: ReadTx | Tx): Promise<Instant> {
  const time = times.get(tx);
  if (time === undefined) throw new Error('no transaction of ours');
  return time;
}

function open(db: Db, tx: ReadTx | Tx, workspaceId: WorkspaceId): Promise<Instant> {
  const time = openedAt(db, tx, workspaceId);
  times.set(tx, time);
  return time;
}

async function openedAt(db: Db, tx: ReadTx | Tx, workspaceId: WorkspaceId): Promise<Instant> {
  // set_config(…, true) is SET LOCAL, which itself takes no bind parameter.
  const [opened] = await run<{ now: Instant }>(
    tx,
    `select set_config('tributary.workspace_id', $1, true), set_config('tributary.commit_id', gen_random_uuid()::text, true),
            date_trunc('milliseconds', now()) as now`,
    [workspaceId],
  );
  if (opened === undefined) throw new Error('Postgres did not answer the opening of a transaction');
  return replacedClock(db)?.() ?? opened.now;
}

async function retryOnConflict<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (!(isConflict(error) || isOutdatedPlan(error)) || attempt >= maxRepeats) throw translateError(error);
      await sleep(Math.random() * 10 * 2 ** attempt); // jitter: two that collided must not collide again
    }
  }
}

/** After the commit, a statement of its own: inside the transaction it cost half the commits/s at 16 clients (temporal.md 4.3). */
export async function notify(db: Db, channel: 'outbox' | 'decision', payload: string): Promise<void> {
  await (db as Knex).raw('select pg_notify(?, ?)', [`tributary_${channel}`, payload]);
}
