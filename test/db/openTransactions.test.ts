import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type Db } from '../../db/connection.js';
import { readFinalInstant } from '../../db/payout/reconciliation.js';
import { readOpenTransactions } from '../../db/openTransactions.js';
import { inWorkspace, readWorkspace } from '../../db/transaction.js';
import type { Instant } from '../../domain/time.js';
import { newId } from '../../platform/newId.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// A transaction that is still open has its time already, and its postings appear when it commits: no figure as of a later instant is final
// before (money.md 9). The processes act as a role that may not see other sessions' times by itself.

const workspaceId = newId('workspace');
let database: TestDatabase;
let db: Db;
let other: Db;

beforeAll(async () => {
  database = await createTestDatabase();
  db = connect({ url: database.appUrl, poolSize: 2, applicationName: 'final' });
  other = connect({ url: database.appUrl, poolSize: 1, applicationName: 'another process' });
});
afterAll(async () => {
  await db?.destroy();
  await other?.destroy();
  await database?.drop();
});

test('a comparison is final before the oldest transaction of another process that is still open, and goes on when it ends', async () => {
  const final = (): Promise<Instant> => readWorkspace(db, workspaceId, readFinalInstant);
  const now = (): Promise<Instant> => readWorkspace(db, workspaceId, (_tx, at) => Promise.resolve(at));
  const { opened, end, ended } = await hold();
  await expect.poll(async () => (await now()) > opened).toBe(true);
  expect((await final()) < opened).toBe(true);
  end();
  await ended;
  await expect.poll(async () => (await final()) > opened).toBe(true);
});

test('who asks which transactions are open acts as before afterwards', async () => {
  const { opened, end, ended } = await hold();
  const seen = await readWorkspace(db, workspaceId, async (tx) => {
    const { oldestStart } = await readOpenTransactions(tx);
    const { rows } = await tx.raw<{ rows: { role: string }[] }>('select current_user as role');
    return { oldestStart, role: rows[0]?.role };
  });
  end();
  await ended;
  expect(seen).toEqual({ oldestStart: opened, role: 'tributary_app' });
});

/** A transaction of another process that has begun and waits. */
async function hold(): Promise<{ readonly opened: Instant; readonly end: () => void; readonly ended: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const ended = inWorkspace(other, workspaceId, async (tx, opened) => {
      await tx.raw('select 1');
      await new Promise<void>((end) => resolve({ opened, end, ended }));
    });
    ended.catch(reject);
  });
}
