import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDecisionOutcomes } from '../../api/decisionOutcome.js';
import { bulkOperationActivities } from '../../activities/reporting/bulkOperation.js';
import { createExportDesk } from '../../api/exportDesk.js';
import { routes } from '../../api/routes.js';
import { insertApiKey } from '../../db/access/apiKey.js';
import { listCustomerAccountsOfEmail } from '../../db/directory.js';
import { insertReferral } from '../../db/earning/referral.js';
import type { ReferralId } from '../../domain/ids.js';
import { addMs } from '../../domain/time.js';
import { createLogger } from '../../platform/logger.js';
import { newId } from '../../platform/newId.js';
import { hashToken, newApiKey } from '../../platform/secrets.js';
import { queueName } from '../../workflows/contract.js';
import { startTestApi, type TestApi } from '../api/support.js';
import { eventually } from '../support/eventually.js';
import { insertRow } from '../support/rows.js';
import { createReferralWorld, type ReferralWorld } from './referralWorld.js';

// A bulk decision on a real server: api, relay, the job's workflow, and the referrals' own (temporal.md 3.7).

const many = 300;
let w: ReferralWorld;
let api: TestApi;
let key: string;
let stopJobs: () => Promise<void>;
/** The first page's answer is lost after its commit, as by a kill. */
let losses = 1;
/** Where a purge of test data and an export die, once each: before a commit and after it. */
const deaths = new Set(['testData.archived', 'testData.paged', 'export.begun', 'export.paged']);

beforeAll(async () => {
  w = await createReferralWorld();
  await w.startWorker();
  const { db, database } = w.world;
  const reached = (point: string): void => {
    if (deaths.delete(point)) throw new Error('the worker died here');
    if (point !== 'bulk.paged' || losses === 0) return;
    losses -= 1;
    throw new Error('the worker died here');
  };
  const jobs = await w.temporal.createWorker({
    taskQueue: queueName(w.prefix, 'jobs'),
    activities: bulkOperationActivities({
      db,
      longDb: db,
      newId,
      reached,
      gatewayPolicy: { sandboxPaysLive: true },
      exportDesk: { make: (order, sink) => createExportDesk(routes, api.deps).make(order, sink) },
    }),
  });
  const running = jobs.run();
  stopJobs = async () => {
    jobs.shutdown();
    await running;
  };
  const logger = createLogger({ logLevel: 'fatal' });
  api = await startTestApi({
    deps: { db, longDb: db, outcomes: createDecisionOutcomes({ db, url: database.appUrl, logger }) },
  });
  key = await w.inTx(async (tx, act) => {
    const secret = newApiKey('sk', 'live');
    await insertApiKey(tx, act, {
      id: newId('apiKey'),
      name: 'owner',
      kind: 'secret',
      mode: 'live',
      tokenHash: hashToken(secret),
      hint: secret.slice(-4),
      publicKey: null,
      signingSecret: null,
      permissions: [],
      roleId: 'owner',
      affiliateId: null,
      createdBy: w.ana,
      expiresOn: null,
      ipRestricted: false,
      ipAllowList: [],
    });
    return secret;
  });
});
afterAll(async () => {
  await stopJobs?.();
  await api?.deps.outcomes.stop();
  await api?.close();
  await w?.close();
});

async function pendingReferrals(count: number): Promise<readonly ReferralId[]> {
  const { programId } = w.world;
  return w.inTx(async (tx, act) => {
    const ids: ReferralId[] = [];
    for (let index = 0; index < count; index += 1) {
      const id = newId('referral');
      const windowEndsAt = addMs(act.now, 3_600_000);
      const visitorId = newId('visitor');
      await insertReferral(
        tx,
        act,
        { id, programId, status: 'pending', stage: 'lead', visitorId, clickAt: act.now, windowEndsAt },
        'clicked',
      );
      ids.push(id);
    }
    return ids;
  });
}

const post = (path: string, body: unknown) => api.as(key, path, { method: 'POST', body });

test('300 are decided once each though a page was lost, a single decision passes them, and each item has its result', async () => {
  const ids = await pendingReferrals(many);
  const [single = ''] = await pendingReferrals(1);
  const dry = await post('/v1/operations', { kind: 'referrals.reject', filter: { status: 'pending' }, dryRun: true });
  expect(dry.body, dry.text).toMatchObject({ matched: many + 1, eligible: many + 1, skipped: [] });

  const changed = await post('/v1/operations', {
    kind: 'referrals.reject',
    filter: { status: 'pending' },
    expectedCount: 7,
    reasonCode: 'fraud',
  });
  expect([changed.status, changed.body['code'], changed.body['currentCount']]).toEqual([
    409,
    'selection_changed',
    many + 1,
  ]);

  const made = await post('/v1/operations', { kind: 'referrals.reject', ids, reason: 'A ring', reasonCode: 'fraud' });
  expect(made.status, made.text).toBe(202);
  const path = `/v1/operations/${String(made.body['id'])}`;
  expect(made.body).toMatchObject({ kind: 'referrals.reject', progress: { total: many } });
  const beside = await post(`/v1/referrals/${single}/reject`, { reason: 'Spam' });
  expect([200, 202]).toContain(beside.status);

  const done = await eventually(
    async () => {
      const { body } = await api.as(key, path);
      if (body['status'] !== 'done') throw new Error(JSON.stringify(body));
      return body;
    },
    { within: 180_000 },
  );
  expect(done).toMatchObject({ progress: { total: many, done: many, succeeded: many, skipped: 0, failed: 0 } });
  expect(losses).toBe(0);
  const decisions = await w.world
    .owner('decisions')
    .where({ operation_id: String(made.body['id']) })
    .select<{ object_id: string; via: string; state: string; note: string; created_at: string }[]>(
      'object_id',
      'via',
      'state',
      'note',
      'created_at',
    );
  expect(decisions).toHaveLength(many);
  // In small pieces, a transaction each: what is sent at once stands before everybody's next decision (docs/decisions/0301).
  const pieces = new Map<number, number>();
  for (const { created_at } of decisions) {
    const at = new Date(created_at).getTime();
    pieces.set(at, (pieces.get(at) ?? 0) + 1);
  }
  expect(Math.max(...pieces.values())).toBeLessThanOrEqual(8);
  expect(new Set(decisions.map((row) => row.object_id))).toEqual(new Set<string>(ids));
  expect(new Set(decisions.map((row) => `${row.via} ${row.state} ${row.note}`))).toEqual(new Set(['bulk done A ring']));

  // What was decided before is skipped with its code, and the list shows both jobs.
  const again = await post('/v1/operations', { kind: 'referrals.reject', ids: ids.slice(0, 2), reasonCode: 'fraud' });
  const items = await eventually(
    async () => {
      const { body } = await api.as(key, `/v1/operations/${String(again.body['id'])}/items`);
      const outcomes = (body['data'] as unknown as readonly { outcome: string | null; code: string | null }[]) ?? [];
      if (outcomes.some((one) => one.outcome === null)) throw new Error(JSON.stringify(body));
      return outcomes;
    },
    { within: 60_000 },
  );
  expect(items.map((one) => [one.outcome, one.code])).toEqual([
    ['skipped', 'already_decided'],
    ['skipped', 'already_decided'],
  ]);
  expect((await api.as(key, '/v1/operations')).body['data']).toHaveLength(2);
  const late = await post(`${path}/cancel`, {});
  expect([late.status, late.body['code']]).toEqual([409, 'transition_not_allowed']);
}, 300_000);

/** Follows a job to its end and answers its items as [outcome, code]. */
async function settled(id: string): Promise<readonly (readonly [string | null, string | null])[]> {
  await eventually(
    async () => {
      const { body } = await api.as(key, `/v1/operations/${id}`);
      return body['status'] === 'done' ? true : undefined;
    },
    { within: 60_000 },
  );
  const { body } = await api.as(key, `/v1/operations/${id}/items`);
  const items = body['data'] as unknown as readonly { outcome: string | null; code: string | null }[];
  return items.map((item) => [item.outcome, item.code]);
}

test('BEY-17: a reversible batch is undone by counter-entries, once, and leaves alone what somebody decided since', async () => {
  const ids = await pendingReferrals(3);
  const statusOf = async (id: string) => String((await api.as(key, `/v1/referrals/${id}`)).body['status']);
  const batch = await post('/v1/operations', { kind: 'referrals.reject', ids, reason: 'A ring' });
  expect(batch.body).toMatchObject({ reversible: true });
  const batchId = String(batch.body['id']);
  expect(await settled(batchId)).toEqual(ids.map(() => ['succeeded', null]));
  const [first = '', second = '', third = ''] = ids;
  expect([200, 202]).toContain((await post(`/v1/referrals/${first}/reopen`, { reason: 'Looked again' })).status);
  await eventually(async () => ((await statusOf(first)) === 'pending' ? true : undefined), { within: 60_000 });
  expect([200, 202]).toContain((await post(`/v1/referrals/${first}/reject`, { reason: 'For good' })).status);
  await eventually(async () => ((await statusOf(first)) === 'rejected' ? true : undefined), { within: 60_000 });

  const undo = await post(`/v1/operations/${batchId}/undo`, {});
  expect(undo.status, undo.text).toBe(202);
  expect(undo.body).toMatchObject({ kind: 'referrals.reopen', reversible: false, progress: { total: 3, skipped: 1 } });

  expect(await settled(String(undo.body['id']))).toEqual([
    ['skipped', 'already_decided'],
    ['succeeded', null],
    ['succeeded', null],
  ]);
  expect(await Promise.all([first, second, third].map(statusOf))).toEqual(['rejected', 'pending', 'pending']);
  const decisions = await w.world
    .owner('decisions')
    .where({ operation_id: String(undo.body['id']) })
    .select<{ verb: string; via: string; note: string }[]>('verb', 'via', 'note');
  expect(decisions).toEqual(decisions.map(() => ({ verb: 'reopen', via: 'bulk', note: `Undoes ${batchId}.` })));
  expect(decisions).toHaveLength(2);
  expect((await api.as(key, `/v1/operations/${batchId}`)).body).toMatchObject({ reversible: false });
  expect(await post(`/v1/operations/${batchId}/undo`, {})).toMatchObject({
    status: 409,
    body: { code: 'transition_not_allowed' },
  });
  expect(await post(`/v1/operations/${String(undo.body['id'])}/undo`, {})).toMatchObject({ status: 409 });
}, 300_000);

test('BEY-17: an approved referral has no way back, so its batch is not reversible', async () => {
  const ids = await pendingReferrals(1);
  const batch = await post('/v1/operations', { kind: 'referrals.approve', ids });
  expect(batch.body).toMatchObject({ reversible: false });
  expect(await settled(String(batch.body['id']))).toEqual([['succeeded', null]]);
  expect(await post(`/v1/operations/${String(batch.body['id'])}/undo`, {})).toMatchObject({
    status: 409,
    body: { code: 'transition_not_allowed', currentStatus: 'done' },
  });
}, 300_000);

test.each([
  ['no selection', { kind: 'referrals.approve' }, '#/ids'],
  ['a kind there is not', { kind: 'payouts.approve', ids: ['pay_1'] }, '#/kind'],
  ['an id twice', { kind: 'referrals.approve', ids: ['ref_1', 'ref_1'] }, '#/ids'],
  ['an unknown id', { kind: 'referrals.approve', ids: [newId('referral')] }, '#/ids/0'],
  ['no number for a filter', { kind: 'referrals.approve', filter: {} }, '#/expectedCount'],
  ['no reason', { kind: 'referrals.reject', ids: ['ref_1'] }, '#/reason'],
])('an operation with %s changes nothing', async (_what, body, pointer) => {
  const refused = await post('/v1/operations', body);
  expect(refused.status, refused.text).toBe(422);
  expect(refused.body['errors'][0]).toMatchObject({ pointer });
});

test('referrals.update sets tags and assignee on many, decides nothing and cannot be undone', async () => {
  const ids = await pendingReferrals(3);
  const asked = await post('/v1/operations', {
    kind: 'referrals.update',
    ids,
    set: { tags: ['vip'], assigneeId: w.ana },
  });
  expect([asked.status, asked.body['reversible']], asked.text).toEqual([202, false]);
  expect(await settled(String(asked.body['id']))).toEqual(ids.map(() => ['succeeded', null]));
  for (const id of ids)
    expect((await api.as(key, `/v1/referrals/${id}`)).body).toMatchObject({
      status: 'pending',
      tags: ['vip'],
      assigneeId: w.ana,
    });
});

test('RPT-13: an export goes from its order to its file by relay and workflow, whole though its worker died twice', async () => {
  const ids = await pendingReferrals(3);
  const made = await post('/v1/exports', {
    resource: 'referrals',
    filter: { status: 'pending' },
    columns: ['id', 'status'],
    format: 'csv',
  });
  expect(made.status, made.text).toBe(202);
  const path = `/v1/exports/${String(made.body['id'])}`;
  const done = await eventually(
    async () => {
      const { body } = await api.as(key, path);
      if (body['status'] !== 'done') throw new Error(JSON.stringify(body));
      return body;
    },
    { within: 60_000 },
  );
  expect([deaths.has('export.begun'), deaths.has('export.paged')]).toEqual([false, false]);
  expect(done).toMatchObject({ fileName: 'referrals.csv' });
  const lines = (await api.as(key, `${path}/content`)).text.trim().split('\r\n');
  expect(lines).toHaveLength(Number(done['rows']) + 1);
  for (const id of ids) expect(lines.filter((line) => line.startsWith(`${id},pending`))).toHaveLength(1);
}, 120_000);

test('TST-07: a purge that dies before its commit has put nothing away, one that dies after it goes on, and is written down once', async () => {
  const { programId, owner } = w.world;
  const inTest = async (count: number): Promise<void> =>
    w.inTx(async (tx, act) => {
      for (let index = 0; index < count; index += 1)
        await insertReferral(
          tx,
          { ...act, mode: 'test' },
          {
            id: newId('referral'),
            programId,
            status: 'tracking',
            stage: 'click',
            visitorId: newId('visitor'),
            clickAt: act.now,
            windowEndsAt: addMs(act.now, 3_600_000),
          },
          'clicked',
        );
    });
  await inTest(3);
  const [contactId, email] = [newId('contact'), 'kim@test-data.example'];
  await insertRow(owner, 'contacts', { workspace_id: w.workspaceId, id: contactId, email, email_key: email });
  await insertRow(owner, 'customer_accounts', {
    workspace_id: w.workspaceId,
    id: newId('customer'),
    mode: 'test',
    contact_id: contactId,
    status: 'active',
  });
  expect(await listCustomerAccountsOfEmail(w.world.db, email)).toHaveLength(1);
  const live = await owner('referrals').where({ mode: 'live' }).count<{ count: string }[]>();

  const asked = await post('/v1/test-data/purge', {});
  expect(asked.status, asked.text).toBe(202);
  const done = await eventually(
    async () => {
      const { body } = await api.as(key, `/v1/operations/${String(asked.body['id'])}`);
      if (body['status'] !== 'done') throw new Error(JSON.stringify(body));
      return body;
    },
    { within: 60_000 },
  );

  expect(deaths).toEqual(new Set());
  expect(done['result']).toEqual({ archived: { customer_accounts: 1, referrals: 3 } });
  // Whoever looks over all workspaces does not find it either: no link is mailed for it.
  expect(await listCustomerAccountsOfEmail(w.world.db, email)).toEqual([]);
  expect(await owner('referrals').where({ mode: 'test' })).toEqual([]);
  expect(await owner('referrals').where({ mode: 'live' }).count<{ count: string }[]>()).toEqual(live);
  const entries = await owner('audit_entries').where({ event: 'testDataPurged' }).select('object_id', 'actor_user_id');
  expect(entries).toEqual([{ object_id: asked.body['id'], actor_user_id: w.ana }]);
  const again = await post(`/v1/operations/${String(asked.body['id'])}/cancel`, {});
  expect(again.body['code']).toBe('transition_not_allowed');
});
