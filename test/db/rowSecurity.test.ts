import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, type Db } from '../../db/connection.js';
import { readWorkspace } from '../../db/transaction.js';
import { newId } from '../../platform/newId.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// Row-level security costs an index when its condition is not leakproof: what is looked for by lower(…) or && is looked for in all rows of the
// workspace, and only a large one shows it. What is looked for often has to be found as the application's own role.

let database: TestDatabase;
let db: Db;

beforeAll(async () => {
  database = await createTestDatabase();
  db = connect({ url: database.appUrl, poolSize: 1, applicationName: 'plans' });
});
afterAll(async () => {
  await db?.destroy();
  await database?.drop();
});

async function planOf(statement: string): Promise<string> {
  return readWorkspace(db, newId('workspace'), async (tx) => {
    await tx.raw('set local enable_seqscan = off'); // these tables are empty
    await tx.raw('set local enable_bitmapscan = off');
    const { rows } = await tx.raw<{ rows: { 'QUERY PLAN': string }[] }>(`explain (costs off) ${statement}`);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  });
}

describe('an index finds', () => {
  test.each([
    [
      'an affiliate by its address',
      `from affiliates where email_key = 'a' and status <> 'terminated'`,
      /Index Cond: .*email_key/,
    ],
    ['a coupon by its code', `from coupons where code_key = 'a' and deleted_at is null`, /Index Cond: .*code_key/],
    ['the mails to an address', `from emails where recipient_key = 'a'`, /Index Cond: .*recipient_key/],
    [
      'a contact by its address',
      `from contacts where email_key = 'a' and merged_into_id is null`,
      /Index Cond: .*email_key/,
    ],
    ['staff', `from users where lower(email) = 'a' and audience = 'staff'`, /users_staff_index/],
    [
      'parked events',
      `from payment_events where outcome = 'parked' and waits_for && '{a}'`,
      /payment_events_parked_index/,
    ],
  ])('%s', async (_what, from, used) => {
    expect(await planOf(`select 1 ${from}`)).toMatch(used);
  });

  test('nothing by what is not leakproof, which is why addresses have a key of their own', async () => {
    const plan = await planOf(`select 1 from groups where lower(name) = 'a'`);

    expect(plan).toMatch(/Filter: .*lower\(name\)/);
    expect(plan).not.toMatch(/Index Cond: .*lower/);
  });
});
