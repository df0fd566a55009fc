import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connect, type Db } from '../../db/connection.js';
import { listSalesInReview } from '../../db/earning/sale.js';
import { later, once, run, runAlone } from '../../db/pipeline.js';
import { inWorkspace, type ReadTx, readWorkspace, type Tx } from '../../db/transaction.js';
import { InvariantError } from '../../domain/errors.js';
import { newId } from '../../platform/newId.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// What a transaction promises when its statements travel together (performance.md 5): nothing is lost, and nothing fails quietly.

const workspaceId = newId('workspace');
let database: TestDatabase;
let owner: Knex;
let db: Db;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 2 } });
  db = connect({ url: database.appUrl, poolSize: 1, applicationName: 'pipeline' });
  await owner.raw(`
    create table kept (id integer constraint transfer_posted_once check (id > 0));
    grant select, insert, update on kept to public;
    create sequence tries;
    create function conflict_once() returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
    declare try bigint := nextval('tries');
    begin
      if try = 1 then raise exception 'somebody else was first' using errcode = '40P01'; end if;
      return try;
    end $$;
    grant execute on function conflict_once() to public`);
});
beforeEach(() => owner('kept').delete());
afterAll(async () => {
  await db?.destroy();
  await owner?.destroy();
  await database?.drop();
});

const keep = (tx: Tx, id: number) => later(tx, 'insert into kept (id) values ($1)', [id], 1);
const kept = () => owner('kept').orderBy('id').pluck('id');

test('a conflict in what was asked ahead repeats the transaction, whichever of it is waited for first', async () => {
  const first = (tx: Tx) => once(tx, [], 'first', () => run(tx, 'select 1', []));
  const second = (tx: Tx) =>
    once(tx, [], 'second', () => run<{ try: bigint }>(tx, 'select conflict_once() as try', []));
  const tried = await inWorkspace(
    db,
    workspaceId,
    async (tx) => {
      keep(tx, 1);
      await first(tx);
      return second(tx);
    },
    (tx) => [first(tx), second(tx)],
  );
  expect(tried).toEqual([{ try: 2n }]);
  expect(await kept()).toEqual([1]);
});

test('a write that finds no row fails the transaction, even where somebody swallowed it', async () => {
  const missing = (tx: Tx) => later(tx, 'update kept set id = $1 where id = $2', [9, 8], 1);
  const atCommit = inWorkspace(db, workspaceId, async (tx) => {
    keep(tx, 1);
    missing(tx);
  });
  await expect(atCommit).rejects.toThrow(InvariantError);
  const swallowed = inWorkspace(db, workspaceId, async (tx) => {
    keep(tx, 1);
    missing(tx);
    await run(tx, 'select 1', []).catch(() => undefined);
  });
  await expect(swallowed).rejects.toThrow(InvariantError);
  expect(await kept()).toEqual([]);
});

test('what a constraint refuses with the COMMIT is told in our words, and nothing is kept', async () => {
  const refused = inWorkspace(db, workspaceId, async (tx) => {
    keep(tx, 1);
    keep(tx, 0);
  });
  await expect(refused).rejects.toThrow('one business fact posts once');
  expect(await kept()).toEqual([]);
});

test('an error that nobody passed on does not look like a commit', async () => {
  const swallowed = inWorkspace(db, workspaceId, async (tx) => {
    keep(tx, 1);
    await run(tx, 'select 1 / 0', []).catch(() => undefined);
  });
  await expect(swallowed).rejects.toThrow('rolled back');
  expect(await kept()).toEqual([]);
});

test('builders see what the transaction wrote and nobody else has seen; none opens another inside', async () => {
  await inWorkspace(db, workspaceId, async (tx) => {
    keep(tx, 1);
    await tx('kept').insert({ id: 2 });
    expect(await tx.from('kept').orderBy('id').pluck('id')).toEqual([1, 2]);
    expect(await tx.select(tx.raw('max(id) as id')).from('kept').first()).toEqual({ id: 2 });
    expect(await kept()).toEqual([]);
    expect(() => tx.transaction(() => Promise.resolve())).toThrow('a transaction opens no other');
  });
  expect(await kept()).toEqual([1, 2]);
});

test('what was read is read anew after a write to its table, and of a transaction that ended nothing is left', async () => {
  const read = (tx: Tx) =>
    once(tx, ['kept'], 'all', () => run<{ id: number }>(tx, 'select id from kept order by id', []));
  const ended = await inWorkspace(db, workspaceId, async (tx) => {
    expect(await read(tx)).toEqual([]);
    keep(tx, 1);
    expect(await read(tx)).toEqual([{ id: 1 }]);
    return tx;
  });
  await inWorkspace(db, workspaceId, async (tx) => {
    expect(await read(tx)).toEqual([{ id: 1 }]);
    expect(() => keep(ended, 2)).toThrow('the transaction has ended');
    // Nor by a builder: it would see the workspace of whoever has the connection now.
    await expect(ended('kept').insert({ id: 2 })).rejects.toThrow('the transaction has ended');
    await expect(ended.raw('select 1')).rejects.toThrow('the transaction has ended');
  });
  expect(await kept()).toEqual([1]);
});

test('a read that does not ask when travels with its opening, sees its workspace and moment, and leaves the connection clean', async () => {
  const seen = (tx: ReadTx) =>
    run<{ workspace: string; isolation: string; writes: string }>(
      tx,
      `select current_setting('tributary.workspace_id') as workspace, current_setting('transaction_isolation') as isolation,
              current_setting('transaction_read_only') as writes`,
      [],
    );
  const others = newId('workspace');
  const [own, other] = await Promise.all([
    readWorkspace(db, workspaceId, (tx) => seen(tx)),
    readWorkspace(db, others, async (tx, now) => [...(await seen(tx)), now]),
  ]);
  expect(own).toEqual([{ workspace: workspaceId, isolation: 'repeatable read', writes: 'on' }]);
  expect(other).toEqual([{ workspace: others, isolation: 'repeatable read', writes: 'on' }, expect.any(String)]);
  // The pool has one connection: whoever gets it next finds the read ended, although nobody waited for its COMMIT.
  await inWorkspace(db, workspaceId, async (tx) => keep(tx, 1));
  expect(await kept()).toEqual([1]);
  const ended = await readWorkspace(db, workspaceId, async (tx) => tx);
  await expect(seenAfter(ended)).rejects.toThrow('the transaction has ended');
});

test('a read tells what was refused, whether or not anything waited for it', async () => {
  const write = readWorkspace(db, workspaceId, (tx) => run(tx, 'insert into kept (id) values (5)', []));
  await expect(write).rejects.toThrow('read-only');
  const swallowed = readWorkspace(db, workspaceId, async (tx) => {
    await run(tx, 'select 1 / 0', []).catch(() => undefined);
  });
  await expect(swallowed).rejects.toThrow('rolled back');
  const early = readWorkspace(db, workspaceId, async (): Promise<void> => {
    throw new Error('before it read anything');
  });
  await expect(early).rejects.toThrow('before it read anything');
  expect(await readWorkspace(db, workspaceId, (tx) => run(tx, 'select 1 as one', []))).toEqual([{ one: 1 }]);
  expect(await kept()).toEqual([]);
});

test('a pool for long statements keeps no plan, inside and outside of a transaction; the other one does', async () => {
  const longOne = () =>
    connect({ url: database.appUrl, poolSize: 1, applicationName: 'long', statementTimeoutMs: 60_000 });
  const [inside, outside] = [longOne(), longOne()]; // a connection each: one way must not stand in for the other
  const look = `select count(*)::int as plans from pg_prepared_statements where statement = 'select id from kept where id = $1'`;
  const statement = ['select id from kept where id = $1', [1]] as const;
  const within = async (pool: Db): Promise<unknown> => {
    for (let time = 0; time < 3; time += 1) await inWorkspace(pool, workspaceId, (tx) => run(tx, ...statement));
    return inWorkspace(pool, workspaceId, (tx) => run(tx, look, []));
  };
  const alone = async (pool: Db): Promise<unknown> => {
    for (let time = 0; time < 3; time += 1) await runAlone(pool, ...statement);
    return runAlone(pool, look, []);
  };
  try {
    expect([await within(inside), await alone(outside)]).toEqual([[{ plans: 0 }], [{ plans: 0 }]]);
    expect([await within(db), await alone(db)]).toEqual([[{ plans: 1 }], [{ plans: 1 }]]);
  } finally {
    await inside.destroy();
    await outside.destroy();
  }
});

const seenAfter = async (tx: ReadTx) => run(tx, 'select 1', []);

test('what every approval looks up keeps its plan, also where a line names its sale twice', async () => {
  const sale = newId('sale');
  for (let look = 0; look < 8; look += 1)
    await inWorkspace(db, workspaceId, (tx) => listSalesInReview(tx, [sale, sale]));
  const [kept] = await inWorkspace(db, workspaceId, (tx) =>
    run<{ plans: number }>(
      tx,
      `select generic_plans::int as plans from pg_prepared_statements where statement like 'select id from sales where id = $1 and %'`,
      [],
    ),
  );
  expect(kept?.plans).toBeGreaterThan(0);
});
