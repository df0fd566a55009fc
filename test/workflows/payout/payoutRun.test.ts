import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { currentWorkflows, replayHistory } from '../../../activities/audit/history.js';
import { insertSchedule } from '../../../db/payout/payoutSchedule.js';
import type { AffiliateId, PayoutId, PayoutRunId } from '../../../domain/ids.js';
import { everybody } from '../../../domain/payout/payoutRun.js';
import { readSandboxJournal, sandboxKeyWindowMs } from '../../../domain/payout/sandboxJournal.js';
import { workflowIds } from '../../../workflows/contract.js';
import type { PayoutWorld } from '../../activities/payout/payoutWorld.js';
import { eventually } from '../../support/eventually.js';
import { createWorkflowWorld, type WorkflowWorld } from './workflowWorld.js';

// Runs and payouts on a real Temporal server, with the simulated gateway and real Postgres. What the gateway did is read from its journal.

let w: WorkflowWorld;
let world: PayoutWorld;
let ben: string;

beforeAll(async () => {
  w = await createWorkflowWorld();
  ({ world, ben } = w);
});
afterAll(() => w?.close());

const client = () => w.temporal.client.workflow;
const startRun: WorkflowWorld['startRun'] = (options) => w.startRun(options);
const statusOf: WorkflowWorld['statusOf'] = (table, id, status) => w.statusOf(table, id, status);
const decide: WorkflowWorld['decide'] = (of) => w.decide(of);
const execute: WorkflowWorld['execute'] = (run) => w.execute(run);
const payoutOf: WorkflowWorld['payoutOf'] = (run, affiliateId) => w.payoutOf(run, affiliateId);
const payable: WorkflowWorld['payable'] = (account, minor, method) => w.payable(account, minor, method);
const record = (name: string, run: PayoutRunId): Promise<void> =>
  w.record('payoutRun', name, workflowIds.payoutRun({ workspaceId: world.workspaceId, payoutRunId: run }));

async function journal() {
  return readSandboxJournal(await world.journal.readAll(), sandboxKeyWindowMs, (at) => Date.parse(at));
}

test('PAY-29: every scripted outcome of the simulated gateway, to the journal', async () => {
  const ok = await payable('ok');
  const slow = await payable('slow');
  const refuse = await payable('refuse');
  const lostReply = await payable('lost_reply');
  const { run, handle } = await startRun({ filter: { affiliateIds: [ok, slow, refuse, lostReply] } });
  await execute(run);

  for (const affiliate of [ok, slow, lostReply]) {
    const payout = await payoutOf(run, affiliate);
    await statusOf('payouts', payout['id'] as string, 'paid');
    const attempts = await world.rows('payout_attempts', { payout_id: payout['id'] });
    expect(attempts.map((attempt) => attempt['state'])).toEqual(['paid']);
    const entries = (await journal()).filter((entry) => entry.requestKey === attempts[0]?.['request_key']);
    expect(entries.filter((entry) => !entry.replay)).toMatchObject([{ amountMinor: '2000', outcome: 'paid' }]);
  }
  const refused = await payoutOf(run, refuse);
  await eventually(
    async () => (await world.rows('payout_attempts', { payout_id: refused['id'], state: 'refused' })).length === 1,
  );
  expect(await world.row('payout_runs', run)).toMatchObject({ status: 'executing' });
  expect(await decide({ type: 'payout', id: refused['id'] as string, verb: 'cancel' })).toMatchObject({
    state: 'done',
  });
  expect(await handle.result()).toMatchObject({ status: 'completed' });
  expect((await world.rows('commissions', { affiliate_id: refuse }))[0]).toMatchObject({ status: 'approved' });
  await record('completed', run);
});

test('a request that never arrived is sent again under the same key, never under a new one', async () => {
  const lost = await payable('lost_request');
  const { run } = await startRun({ filter: { affiliateIds: [lost] } });
  await execute(run);
  const payout = await payoutOf(run, lost);
  const [attempt] = await eventually(async () => {
    const rows = await world.rows('payout_attempts', { payout_id: payout['id'] });
    return rows[0] !== undefined && (rows[0]['fence'] as number) >= 2 ? rows : undefined;
  });
  expect(await world.rows('payout_attempts', { payout_id: payout['id'] })).toHaveLength(1);
  expect((await journal()).filter((entry) => entry.requestKey === attempt?.['request_key'])).toEqual([]);
  // A person with evidence settles it, and a second one has to say the same.
  const params = { outcome: 'refused' };
  await eventually(
    async () => (await world.rows('payout_attempts', { payout_id: payout['id'], state: 'unknown' })).length === 1,
  );
  const first = await decide({ type: 'payout', id: payout['id'] as string, verb: 'resolve', params, by: ben });
  expect(first).toMatchObject({ state: 'done', outcome: { proposed: 'refused' } });
  await eventually(async () => {
    const again = await decide({
      type: 'payout',
      id: payout['id'] as string,
      verb: 'resolve',
      params,
      by: world.owner,
    });
    return again.state === 'done' && again.outcome?.['resolved'] === 'refused';
  });
  expect(await decide({ type: 'payout', id: payout['id'] as string, verb: 'cancel' })).toMatchObject({ state: 'done' });
});

test('four eyes, a changed plan and a second approval are refused with their codes', async () => {
  const affiliate = await payable('ok');
  const { run, handle } = await startRun({ filter: { affiliateIds: [affiliate] } });
  const { plan_hash: planHash } = await statusOf('payout_runs', run, 'planned');
  const approve = (by: string, hash: unknown) =>
    decide({ type: 'payout_run', id: run, verb: 'approve', by, params: { planHash: hash } });
  expect(await approve(world.owner, planHash)).toMatchObject({ state: 'refused', code: 'access.own_work' });
  expect(await approve(ben, 'sha256:other')).toMatchObject({ state: 'refused', code: 'payout_run.plan_changed' });
  expect(await approve(ben, planHash)).toMatchObject({ state: 'done' });
  expect(await approve(ben, planHash)).toMatchObject({
    state: 'refused',
    code: 'payout_run.already_decided',
    outcome: { decidedBy: { name: 'Ben' } },
  });
  // Excluding the only one plans again under a new version; nobody is left, so the run is over and its money free.
  expect(await decide({ type: 'payout_run', id: run, verb: 'replan', params: { exclude: [affiliate] } })).toMatchObject(
    { state: 'done' },
  );
  expect(await statusOf('payout_runs', run, 'completed')).toMatchObject({ plan_version: 2 });
  expect((await world.balances())[`affiliate_payable:${affiliate}`]).toBe(2_000n);
  const rows = await world.rows('payout_run_rows', { run_id: run, plan_version: 2 });
  expect(rows[0]?.['reasons']).toMatchObject([{ code: 'excluded_by_user' }]);
  await handle.result();
  await record('replanned', run);
});

test('signals without input, with null and with a string change nothing and block nothing', async () => {
  const affiliate = await payable('ok');
  const { run, handle } = await startRun({ filter: { affiliateIds: [affiliate] } });
  await statusOf('payout_runs', run, 'planned');
  for (const args of [[], [null], ['x'], [{}], [{ decisionId: 7 }], [{ by: 'usr_nobody', reason: 'staff_decision' }]])
    for (const signal of ['approve', 'execute', 'replan', 'nudged', 'drained']) await handle.signal(signal, ...args);
  await eventually(async () => (await world.rows('decisions', { object_id: run, state: 'refused' })).length >= 9);
  expect(await world.row('payout_runs', run)).toMatchObject({ status: 'planned', plan_version: 1 });
  await execute(run);
  expect(await handle.result()).toMatchObject({ status: 'completed' });
});

test('a reset of a paid payout makes no second call under a new key', async () => {
  const affiliate = await payable('ok');
  const { run, handle } = await startRun({ filter: { affiliateIds: [affiliate] } });
  await execute(run);
  await handle.result();
  const payout = await payoutOf(run, affiliate);
  const id = workflowIds.payout({ workspaceId: world.workspaceId, payoutId: payout['id'] as PayoutId });
  await client().getHandle(id).result();
  const before = await journal();
  const description = await client().getHandle(id).describe();
  const service = w.temporal.client.workflowService;
  await service.resetWorkflowExecution({
    namespace: w.temporal.namespace,
    workflowExecution: { workflowId: id, runId: description.runId },
    reason: 'test',
    requestId: randomUUID(),
    workflowTaskFinishEventId: 4 as never,
  });
  await client().getHandle(id).result();
  expect(await journal()).toEqual(before);
  expect(await world.rows('payout_attempts', { payout_id: payout['id'] })).toHaveLength(1);
});

test('the two last payouts of a run may settle at once: the run counts and ends', async () => {
  const affiliates = [await payable('ok'), await payable('ok'), await payable('ok'), await payable('ok')];
  const { run, handle } = await startRun({ filter: { affiliateIds: affiliates } });
  await execute(run);
  for (const affiliate of affiliates)
    await statusOf('payouts', (await payoutOf(run, affiliate))['id'] as string, 'paid');
  expect(await handle.result()).toMatchObject({ status: 'completed' });
});

test('a run whose plan nobody wants is cancelled: all its money is free again', async () => {
  const affiliate = await payable('ok');
  const { run, handle } = await startRun({ filter: { affiliateIds: [affiliate] } });
  await statusOf('payout_runs', run, 'planned');
  expect((await world.balances())[`affiliate_payable:${affiliate}`]).toBe(0n);

  expect(await decide({ type: 'payout_run', id: run, verb: 'cancel', by: world.owner })).toMatchObject({
    state: 'done',
  });

  expect(await handle.result()).toMatchObject({ status: 'cancelled' });
  expect((await world.balances())[`affiliate_payable:${affiliate}`]).toBe(2_000n);
  expect(await payoutOf(run, affiliate)).toMatchObject({ status: 'cancelled' });
  await record('cancelled', run);
});

test('nobody is due: the run completes and keeps the list of those not paid', async () => {
  const affiliate = await payable('ok', 500n);
  const { run, handle } = await startRun({ filter: { affiliateIds: [affiliate] } });

  expect(await handle.result()).toMatchObject({ status: 'completed' });

  const rows = await world.rows('payout_run_rows', { run_id: run });
  expect(rows).toMatchObject([{ outcome: 'not_paid', reasons: [{ code: 'below_minimum' }] }]);
  await record('nobodyDue', run);
});

test('a held draft stays behind while its run goes on, and is sent when it is released; paused, nothing new is sent', async () => {
  const [first, held] = [await payable('ok'), await payable('ok')];
  const { run, handle } = await startRun({ filter: { affiliateIds: [first, held] } });
  await statusOf('payout_runs', run, 'planned');
  const draft = await payoutOf(run, held);
  expect(await decide({ type: 'payout', id: draft.id, verb: 'hold' })).toMatchObject({ state: 'done' });
  await execute(run);
  await statusOf('payouts', (await payoutOf(run, first)).id, 'paid');
  expect(await decide({ type: 'payout_run', id: run, verb: 'pause' })).toMatchObject({ state: 'done' });
  expect(await decide({ type: 'payout_run', id: run, verb: 'pause' })).toMatchObject({
    state: 'refused',
    code: 'payout_run.transition_not_allowed',
  });
  expect(await world.row('payouts', draft.id)).toMatchObject({ status: 'draft', on_hold: true });
  expect(await decide({ type: 'payout_run', id: run, verb: 'resume' })).toMatchObject({ state: 'done' });
  expect(await decide({ type: 'payout', id: draft.id, verb: 'release' })).toMatchObject({ state: 'done' });

  expect(await handle.result()).toMatchObject({ status: 'completed' });
  expect(await world.row('payouts', draft.id)).toMatchObject({ status: 'paid' });
  await record('paused', run);
});

test('a finished period that is backfilled or triggered again is the same run, without a posting', async () => {
  const affiliate = await payable('ok', 3_000n);
  const scheduleId = await world.write((tx, act) =>
    insertSchedule(tx, act, {
      name: 'Weekly',
      calendar: { every: 'week', dayOfWeek: 1, hour: 6, minute: 0 },
      timeZone: 'Europe/Warsaw',
      currencies: ['USD'],
      filter: { ...everybody, affiliateIds: [affiliate] },
      payAfter: 'PT0S' as never,
    }),
  );
  const ref = { workspaceId: world.workspaceId, scheduleId };
  // What Temporal appends to the id of a schedule's action is its nominal time, which also is a search attribute of the run.
  const nominal = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 1_000);
  const act = async (suffix: string) =>
    client().start('payoutRun', {
      workflowId: `${workflowIds.payoutSchedule(ref)}-${nominal.toISOString()}${suffix}`,
      taskQueue: w.queue,
      args: [ref],
      searchAttributes: { TemporalScheduledStartTime: [nominal] },
    });
  const first = await act('');
  const run = await eventually(async () => {
    const [row] = await world.rows('payout_runs', { schedule_id: scheduleId });
    return row?.['status'] === 'planned' ? row : undefined;
  });
  expect(run).toMatchObject({ created_by_type: 'system', period: nominal.toISOString() });
  const fact = await world.wish({
    type: 'payout_run',
    id: run['id'] as string,
    verb: 'approve',
    by: ben,
    params: { planHash: run['plan_hash'] },
  });
  await first.signal('approve', { decisionId: fact.id });
  expect(await first.result()).toMatchObject({ status: 'completed' });
  const before = (await world.rows('ledger_transfers', {})).length;

  const again = await act('-backfilled');

  expect(await again.result()).toMatchObject({ status: 'completed' });
  expect(await world.rows('payout_runs', { schedule_id: scheduleId })).toHaveLength(1);
  expect(await world.rows('ledger_transfers', {})).toHaveLength(before);
  await w.record('payoutRun', 'scheduled', first.workflowId);
  await w.record('payoutRun', 'backfilled', again.workflowId);
});

test('a run of more than 500 payouts goes on in a further run, and both replay', async () => {
  const affiliates: AffiliateId[] = [];
  while (affiliates.length < 501)
    affiliates.push(
      ...(await Promise.all(Array.from({ length: 3 }, () => payable('by hand', 2_000n, { type: 'bank' })))),
    );
  const { run } = await startRun({ filter: { affiliateIds: affiliates } });
  await eventually(async () => (await world.row('payout_runs', run))['status'] === 'planned', { within: 60_000 });
  await execute(run);
  const workflowId = workflowIds.payoutRun({ workspaceId: world.workspaceId, payoutRunId: run });
  // One question: 501 at once waited longer for a connection than the run's own steps let them.
  const ids = (await world.rows('payouts', { run_id: run })).map((row) => String(row['id'])).toSorted();
  expect(ids).toHaveLength(affiliates.length);
  await eventually(
    async () =>
      (await client()
        .getHandle(workflowIds.payout({ workspaceId: world.workspaceId, payoutId: ids.at(-1) as PayoutId }))
        .describe()) !== undefined,
    { within: 90_000 },
  );
  const histories = await eventually(async () => {
    const found = await w.histories(workflowId);
    return found.length === 2 && found;
  });
  expect(histories[0]).toContain('EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW');
  for (const history of histories)
    expect((await replayHistory(await currentWorkflows(), history, workflowId)).message).toBeNull();
}, 240_000);
