import knexFactory, { type Knex } from 'knex';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { temporalClosedRuns } from '../../activities/gateways/closedRuns.js';
import { sweepActivities } from '../../activities/sweep.js';
import { connect, type Db } from '../../db/connection.js';
import type { WorkspaceId } from '../../domain/ids.js';
import { createLogger } from '../../platform/logger.js';
import { newId } from '../../platform/newId.js';
import type { SweepKind } from '../../workflows/contract.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { insertRow } from '../support/rows.js';
import { connectToTestTemporal, type TestTemporal } from '../support/temporal.js';

let database: TestDatabase;
let owner: Knex;
let db: Db;
let temporal: TestTemporal;
let workspaceId: WorkspaceId;
let programId: string;

beforeAll(async () => {
  temporal = await connectToTestTemporal();
});

// A database per test: a sweep goes over all workspaces, also over those of the test before.
beforeEach(async () => {
  database = await createTestDatabase();
  owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 2 } });
  db = connect({ url: database.appUrl, poolSize: 4, applicationName: 'test sweep' });
  await createWorkspace('first');
});

afterEach(async () => {
  await db.destroy();
  await owner.destroy();
  await database.drop();
});

afterAll(async () => {
  await temporal.close();
});

async function createWorkspace(name: string): Promise<void> {
  workspaceId = newId('workspace');
  programId = newId('program');
  await insertRow(owner, 'workspaces', { id: workspaceId, name });
  await insertRow(owner, 'programs', { workspace_id: workspaceId, id: programId, status: 'active', slug: name });
}

/** One pass, as its schedule starts it: the real workflow, the real activities. */
async function sweep(kind: SweepKind): Promise<number> {
  const taskQueue = temporal.unique('sweep');
  const worker = await temporal.createWorker({
    taskQueue,
    activities: sweepActivities({
      db,
      logger: createLogger({ logLevel: 'fatal' }),
      closedRuns: temporalClosedRuns(temporal.client),
      newId,
    }),
  });
  const result: unknown = await worker.runUntil(
    temporal.client.workflow.execute('sweep', {
      taskQueue,
      workflowId: temporal.unique(`sweep/${kind}`),
      args: [{ kind }],
    }),
  );
  return (result as { found: number }).found;
}

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

async function insertReferral(values: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const id = newId('referral');
  await insertRow(owner, 'referrals', {
    workspace_id: workspaceId,
    id,
    mode: 'live',
    program_id: programId,
    status: 'approved',
    stage: 'lead',
    ...values,
  });
  return id;
}

async function insertRefund(
  referralId: string | null,
  values: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const id = newId('refund');
  await insertRow(owner, 'refunds', {
    workspace_id: workspaceId,
    id,
    mode: 'live',
    external_id: id,
    referral_id: referralId,
    created_at: minutesAgo(3),
    ...values,
  });
  return id;
}

async function nudgedIds(): Promise<readonly string[]> {
  const rows: { ordering_key: string; priority: number; payload: { signal: string } }[] = await owner('outbox')
    .where({ topic: 'signal' })
    .select('ordering_key', 'priority', 'payload');
  for (const row of rows) expect(row).toMatchObject({ priority: 4, payload: { signal: 'nudged', argument: null } });
  return rows.map((row) => row.ordering_key.split('/').at(-1) ?? '').toSorted();
}

test('each kind of fact, decision and deadline that nobody took up for a minute gets one nudge', async () => {
  const waiting = {
    lead: await insertReferral(),
    sale: await insertReferral(),
    refund: await insertReferral(),
    dispute: await insertReferral(),
    check: await insertReferral(),
    decision: await insertReferral(),
    window: await insertReferral({ status: 'tracking', window_ends_at: minutesAgo(2) }),
    decideBy: await insertReferral({ status: 'pending', decide_by: minutesAgo(2) }),
    hold: await insertReferral(),
  };
  const fact = (referralId: string) => ({
    workspace_id: workspaceId,
    mode: 'live',
    referral_id: referralId,
    created_at: minutesAgo(2),
  });
  await insertRow(owner, 'leads', {
    ...fact(waiting.lead),
    id: newId('lead'),
    event: 'enquiry',
    channel: 'api',
    verdict: 'accepted',
  });
  await insertRow(owner, 'sales', { ...fact(waiting.sale), id: newId('sale'), type: 'payment', status: 'succeeded' });
  await insertRefund(waiting.refund);
  await insertRow(owner, 'disputes', { ...fact(waiting.dispute), id: newId('dispute'), step: 'opened' });
  await insertRow(owner, 'checks', {
    workspace_id: workspaceId,
    id: newId('check'),
    referral_id: waiting.check,
    kind: 'identity',
    status: 'waiting',
    pending_verdict: 'passed',
    updated_at: minutesAgo(2),
  });
  await insertRow(owner, 'decisions', {
    workspace_id: workspaceId,
    id: newId('decision'),
    object_id: waiting.decision,
    via: 'api',
    created_at: minutesAgo(2),
    workflow_id: `referral/${workspaceId}/${waiting.decision}`,
    commit_id: crypto.randomUUID(),
  });
  await insertHold(waiting.hold);
  const payoutId = newId('payout');
  await insertRow(owner, 'gateway_events', {
    workspace_id: workspaceId,
    id: newId('gatewayEvent'),
    payout_id: payoutId,
    created_at: minutesAgo(2),
  });
  const runId = newId('payoutRun');
  await insertRow(owner, 'payout_runs', {
    workspace_id: workspaceId,
    id: runId,
    mode: 'live',
    status: 'approved',
    pay_at: minutesAgo(2),
    workflow_id: `payoutRun/${workspaceId}/${runId}`,
  });

  expect(await sweep('unapplied')).toBe(11);
  expect(await nudgedIds()).toEqual([...Object.values(waiting), payoutId, runId].toSorted());

  // What was nudged is not due again, and its unsent nudge would be enough anyway.
  expect(await sweep('unapplied')).toBe(0);
});

async function insertHold(
  referralId: string,
  values: Readonly<Record<string, unknown>> = {},
  affiliateStatus = 'approved',
) {
  const affiliateId = newId('affiliate');
  const contactId = newId('contact');
  await insertRow(owner, 'contacts', { workspace_id: workspaceId, id: contactId });
  await insertRow(owner, 'affiliates', {
    workspace_id: workspaceId,
    id: affiliateId,
    contact_id: contactId,
    status: affiliateStatus,
    email: affiliateId,
  });
  await insertRow(owner, 'commissions', {
    workspace_id: workspaceId,
    id: newId('commission'),
    mode: 'live',
    kind: 'earned',
    affiliate_id: affiliateId,
    program_id: programId,
    referral_id: referralId,
    cause_id: referralId,
    status: 'pending',
    eligible_at: minutesAgo(2),
    ...values,
  });
}

test('what is fresh, done, on hold or about to be told by a signal is left alone', async () => {
  await insertRefund(await insertReferral(), { created_at: minutesAgo(0.5) });
  await insertRefund(await insertReferral(), { processed_at: minutesAgo(1), outcome: 'applied' });
  await insertRefund(null);
  await insertReferral({ status: 'tracking', window_ends_at: minutesAgo(-60) });
  await insertReferral({ status: 'expired', window_ends_at: minutesAgo(60) });
  await insertHold(await insertReferral(), { on_hold: true });
  await insertHold(await insertReferral(), {}, 'suspended');
  const told = await insertReferral();
  await insertRefund(told);
  await insertRow(owner, 'outbox', {
    workspace_id: workspaceId,
    lane: 'workflow',
    topic: 'signal',
    priority: 3,
    ordering_key: `referral/${workspaceId}/${told}`,
  });

  expect(await sweep('unapplied')).toBe(0);
  expect(await owner('outbox')).toHaveLength(1);
});

test('a parked sale whose customer is known by now wakes the journey of that customer', async () => {
  const contactId = newId('contact');
  await insertRow(owner, 'contacts', { workspace_id: workspaceId, id: contactId });
  const journey = await insertReferral({ contact_id: contactId });
  const sale = {
    workspace_id: workspaceId,
    mode: 'live',
    type: 'payment',
    status: 'succeeded',
    parked_code: 'unknown_customer',
    created_at: minutesAgo(2),
  };
  await insertRow(owner, 'external_customers', {
    workspace_id: workspaceId,
    mode: 'live',
    external_id: 'known',
    contact_id: contactId,
  });
  await insertRow(owner, 'sales', { ...sale, id: newId('sale'), external_id: '1', customer_external_id: 'known' });
  await insertRow(owner, 'sales', { ...sale, id: newId('sale'), external_id: '2', customer_external_id: 'unknown' });

  expect(await sweep('unapplied')).toBe(1);
  expect(await nudgedIds()).toEqual([journey]);
});

test('the same row is nudged again after 2, 4, 8 … minutes, then hourly; a new wait begins anew', async () => {
  const refundId = await insertRefund(await insertReferral(), { created_at: minutesAgo(600) });
  const isNudgedAfter = async (nudges: number, minutes: number): Promise<boolean> => {
    await owner('refunds')
      .where({ id: refundId })
      .update({ nudges, nudged_at: minutesAgo(minutes) });
    await owner('outbox').delete();
    return (await sweep('unapplied')) === 1;
  };

  expect(await isNudgedAfter(1, 1.8)).toBe(false);
  expect(await isNudgedAfter(1, 2.1)).toBe(true);
  expect(await owner('refunds').where({ id: refundId }).first('nudges')).toEqual({ nudges: 2 });
  expect(await isNudgedAfter(2, 3.8)).toBe(false);
  expect(await isNudgedAfter(2, 4.1)).toBe(true);
  expect(await isNudgedAfter(400, 58)).toBe(false);
  expect(await isNudgedAfter(400, 61)).toBe(true);

  const referralId = await insertReferral({
    status: 'tracking',
    window_ends_at: minutesAgo(2),
    nudges: 9,
    nudged_at: minutesAgo(5),
  });
  expect(await sweep('unapplied')).toBe(1);
  expect(await owner('referrals').where({ id: referralId }).first('nudges')).toEqual({ nudges: 1 });
});

test('a workspace in which much is stuck leaves the others their nudges', async () => {
  const stuck = await insertReferral();
  for (let n = 0; n < 3; n += 1) await insertRefund(stuck);
  for (let n = 0; n < 270; n += 1)
    await insertReferral({ status: 'tracking', visitor_id: `v${n}`, window_ends_at: minutesAgo(90) });
  const first = workspaceId;
  await createWorkspace('second');
  await insertRefund(await insertReferral());

  await sweep('unapplied');

  expect(await owner('outbox').where({ workspace_id: first })).toHaveLength(250);
  expect(await owner('outbox').where({ workspace_id: workspaceId })).toHaveLength(1);
});

test('what was sent or keyed 30 days ago, and what could point to an old visitor, is deleted', async () => {
  const daysAgo = (days: number): string => minutesAgo(days * 24 * 60);
  const message = { workspace_id: workspaceId, lane: 'workflow', topic: 'signal', priority: 3 };
  await insertRow(owner, 'outbox', { ...message, sent_at: daysAgo(31) });
  await insertRow(owner, 'outbox', { ...message, sent_at: daysAgo(29), ordering_key: 'kept' });
  await insertRow(owner, 'outbox', { ...message, dead_at: daysAgo(31), ordering_key: 'dead' });
  const key = { workspace_id: workspaceId, created_at: daysAgo(31) };
  await insertRow(owner, 'idempotency_keys', { ...key, key: 'old' });
  await insertRow(owner, 'idempotency_keys', { ...key, key: 'money', keep_for_ever: true });
  for (const days of [8, 6, 91])
    await insertRow(owner, 'click_details', {
      workspace_id: workspaceId,
      click_id: `clk_${days}`,
      created_at: daysAgo(days),
    });
  const settings = { privacy: { clickDetails: 'P7D' } };
  await insertRow(owner, 'settings', { workspace_id: workspaceId, sections: JSON.stringify(settings) });

  expect(await sweep('due')).toBe(4);

  expect(
    (await owner('outbox').select('ordering_key').orderBy('id')).map(
      (row) => (row as { ordering_key: string }).ordering_key,
    ),
  ).toEqual(['kept', 'dead']);
  expect(await owner('idempotency_keys').select('key')).toEqual([{ key: 'money' }]);
  expect(await owner('click_details').select('click_id')).toEqual([{ click_id: 'clk_6' }]);
});

test('mails, sessions and one-time links that nobody can use any more are deleted, and what could not be sent', async () => {
  const daysAgo = (days: number): string => minutesAgo(days * 24 * 60);
  const mail = { workspace_id: workspaceId, kind: 'invite', recipient: 'a@shop.example', subject: 's', body: 'b' };
  await insertRow(owner, 'emails', { ...mail, id: 'eml_old', created_at: daysAgo(181), sent_at: daysAgo(181) });
  await insertRow(owner, 'emails', { ...mail, id: 'eml_kept', created_at: daysAgo(179), sent_at: daysAgo(179) });
  const message = { workspace_id: workspaceId, lane: 'http', topic: 'mail', priority: 2 };
  await insertRow(owner, 'outbox', { ...message, dead_at: daysAgo(91), ordering_key: 'old dead' });
  await insertRow(owner, 'outbox', { ...message, dead_at: daysAgo(89), ordering_key: 'young dead' });
  const token = { kind: 'sign_in', token_hash: Buffer.from('x') };
  const link = (id: string, at: string) =>
    owner('one_time_tokens').insert({ ...token, id, token_hash: Buffer.from(id), expires_at: at });
  await link('ott_old', daysAgo(31));
  await link('ott_kept', daysAgo(29));

  await sweep('due');

  expect(await owner('emails').where({ workspace_id: workspaceId }).orderBy('id').pluck('id')).toEqual(['eml_kept']);
  expect(await owner('outbox').whereNotNull('dead_at').pluck('ordering_key')).not.toContain('old dead');
  expect(await owner('outbox').whereNotNull('dead_at').pluck('ordering_key')).toContain('young dead');
  expect(await owner('one_time_tokens').orderBy('id').pluck('id')).toEqual(['ott_kept']);
});

test('a run that closed without asking for its archive is asked for, once; one that only expired is not', async () => {
  const journeys = [await insertReferral(), await insertReferral(), await insertReferral({ status: 'expired' })];
  const runs: string[] = [];
  for (const referralId of journeys) {
    const workflowId = `referral/${workspaceId}/${referralId}`;
    const handle = await temporal.client.workflow.start('referral', {
      taskQueue: 'nobody',
      workflowId,
      args: [{ workspaceId, referralId }],
    });
    runs.push(handle.firstExecutionRunId);
    await handle.terminate('by hand');
  }
  await insertRow(owner, 'histories', {
    workspace_id: workspaceId,
    id: newId('history'),
    run_id: runs[1],
    workflow_id: `referral/${workspaceId}/${journeys[1]}`,
    commit_id: crypto.randomUUID(),
  });
  const query = `WorkflowId STARTS_WITH 'referral/${workspaceId}/' AND ExecutionStatus = 'Terminated'`;
  await eventually(async () => (await temporal.client.workflow.count(query)).count === 3);

  await sweep('historyExport');
  await sweep('historyExport');

  const asked: unknown = await owner('outbox')
    .where({ topic: 'history.export' })
    .select('workspace_id', 'payload', 'priority');
  expect(asked).toEqual([
    {
      workspace_id: workspaceId,
      priority: 5,
      payload: { workflowId: `referral/${workspaceId}/${journeys[0]}`, runId: runs[0] },
    },
  ]);
});
