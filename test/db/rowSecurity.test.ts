import knexFactory, { type Knex } from 'knex';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findAffiliateByEmail } from '../../db/affiliate/affiliate.js';
import { connect, type Db } from '../../db/connection.js';
import { listReleased } from '../../db/earning/paymentEvent.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import { keepWantedMails } from '../../db/messaging/notificationChoice.js';
import { listSentMessages } from '../../db/reads/messaging/sentMessages.js';
import { findCouponByCode } from '../../db/tracking/coupon.js';
import { inWorkspace, type Tx } from '../../db/transaction.js';
import { systemAct } from '../../domain/act.js';
import { instantOf } from '../../domain/time.js';
import { newId } from '../../platform/newId.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// Row-level security costs an index when its condition is not leakproof: what is looked for by lower(…) or && is looked for in all rows of the
// workspace, and only a large one shows it. The statements are those that the functions send, planned as the application's own role.

const workspaceId = newId('workspace');
let database: TestDatabase;
let db: Db;
let planner: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  db = connect({ url: database.appUrl, poolSize: 1, applicationName: 'plans' });
  planner = new pg.Client({ connectionString: database.appUrl });
  await planner.connect();
  await planner.query('set role tributary_app');
  await planner.query(`select set_config('tributary.workspace_id', $1, false)`, [workspaceId]);
  await planner.query('set enable_seqscan = off'); // these tables are empty
  await planner.query('set enable_bitmapscan = off');
});
afterAll(async () => {
  await planner?.end();
  await db?.destroy();
  await database?.drop();
});

interface Sent {
  readonly sql: string;
  readonly bindings: unknown[];
}

/** The plans of everything that the work asks for. */
async function plansOf(work: (tx: Tx) => Promise<unknown>): Promise<string> {
  const sent: Sent[] = [];
  const listen = (query: Sent): void => void sent.push(query);
  (db as Knex).on('query', listen);
  try {
    await inWorkspace(db, workspaceId, work);
  } finally {
    (db as Knex).removeListener('query', listen);
  }
  const plans: string[] = [];
  for (const { sql, bindings } of sent.filter((one) => /^\s*select/i.test(one.sql))) {
    const { rows } = await planner.query<{ 'QUERY PLAN': string }>(`explain (costs off) ${sql}`, bindings);
    plans.push(...rows.map((row) => row['QUERY PLAN']));
  }
  return plans.join('\n');
}

const address = 'ada@blog.example';
const page = { limit: 50, sort: 'createdAt', descending: true, after: null };

describe('an index finds', () => {
  test.each<[string, (tx: Tx) => Promise<unknown>, readonly RegExp[]]>([
    ['an affiliate by its address', (tx) => findAffiliateByEmail(tx, address), [/Index Cond: .*email_key = /]],
    ['a coupon by its code', (tx) => findCouponByCode(tx, 'SPRING'), [/Index Cond: .*code_key = /]],
    [
      'what an affiliate was sent',
      (tx) => listSentMessages(tx, { affiliate: { id: newId('affiliate'), email: address } }, page),
      [/Index Cond: .*recipient_key = /],
    ],
    [
      'who reads a notice to an address',
      async (tx) => {
        const act = systemAct({ workspaceId, now: instantOf(0), newId });
        await insertNoticesOnce(tx, act, [
          { to: { email: address }, onceKey: 'k', kind: 'sign_in', subject: 's', body: 'b' },
        ]);
      },
      [/Index Cond: .*email_key = ANY/, /users_staff_index/],
    ],
    [
      'what the owner of a mailbox declines',
      (tx) => keepWantedMails(tx, [{ kind: 'commission_created', recipient: address }]),
      [/notification_choices_/],
    ],
    ['parked events', (tx) => listReleased(tx, { mode: 'live', keys: ['a'] }), [/payment_events_parked_index/]],
  ])('%s', async (_what, work, used) => {
    const plans = await plansOf(work);

    for (const index of used) expect(plans).toMatch(index);
    expect(plans).not.toMatch(/Seq Scan/);
  });

  test('the messages of a referral among many, and of the session’s workspace alone', async () => {
    const owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
    const [referralId, other] = [newId('referral'), newId('workspace')];
    try {
      await owner('workspaces').insert([
        { id: workspaceId, name: 'Own' },
        { id: other, name: 'Other' },
      ]);
      await owner.raw(
        `insert into emails (workspace_id, id, kind, recipient, subject, body, referral_ids)
         select ?, 'eml_' || n, 'k', 'a@b.example', 's', 'b', array['ref_' || n] from generate_series(1, 5000) as n`,
        [workspaceId],
      );
      const about = [newId('referral'), referralId];
      const mail = { kind: 'k', recipient: address, subject: 's', body: 'b', referral_ids: about };
      await owner('emails').insert([
        { ...mail, workspace_id: workspaceId, id: 'eml_own' },
        { ...mail, workspace_id: other, id: 'eml_foreign' },
      ]);
      await owner.raw('analyze emails');

      const found = await inWorkspace(db, workspaceId, (tx) => listSentMessages(tx, { referralId }, page));
      const plans = await plansOf((tx) => listSentMessages(tx, { referralId }, page));
      const { rows: ids } = await planner.query(`select messages_of_referral($1) as id`, [referralId]);

      expect(found.map((message) => message.id)).toEqual(['eml_own']);
      expect(ids).toEqual([{ id: 'eml_own' }]);
      expect(plans).toMatch(/using emails_pkey/);
      expect(plans).not.toMatch(/Seq Scan|emails_newest/);
      // What the function does is not in their plan.
      const { rows: sources } = await owner.raw<{ rows: { prosrc: string }[] }>(
        `select prosrc from pg_proc where proname = 'messages_of_referral'`,
      );
      const look = /return query (.*?) union all/s.exec(sources[0]?.prosrc ?? '')?.[1] ?? '';
      const { rows: inside } = await owner.raw<{ rows: { 'QUERY PLAN': string }[] }>(
        `explain (costs off) ${look.replace('[wanted]', `['${referralId}']`)}`,
      );
      expect(inside.map((row) => row['QUERY PLAN']).join(' ')).toMatch(/emails_referrals_index/);
    } finally {
      await owner.destroy();
    }
  });

  test('nothing by what is not leakproof, which is why addresses have a key of their own', async () => {
    const { rows } = await planner.query<{ 'QUERY PLAN': string }>(
      `explain (costs off) select 1 from groups where lower(name) = 'a'`,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');

    expect(plan).toMatch(/Filter: .*lower\(name\)/);
    expect(plan).not.toMatch(/Index Cond: .*lower/);
  });
});
