import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AffiliateId, PayoutId, PayoutRunId } from '../../../domain/ids.js';
import { readSandboxJournal, sandboxKeyWindowMs } from '../../../domain/payout/sandboxJournal.js';
import { gatewayQueue, queueName, type SignalMessage, workflowIds } from '../../../workflows/contract.js';
import { createPayoutWorld, type PayoutWorld } from '../../activities/payout/payoutWorld.js';
import { eventually } from '../../support/eventually.js';
import { connectToTestTemporal, type TestTemporal } from '../../support/temporal.js';

// Runs and payouts on a real Temporal server, with the simulated gateway and real Postgres. What the gateway did is read from its journal.

let world: PayoutWorld;
let temporal: TestTemporal;
let workers: Worker[];
let running: Promise<unknown>;
let ben: string;
let owner: Knex;
let isOver = false;
let relaying: Promise<void>;
const prefix = `pay${randomUUID().slice(0, 8)}`;
const queue = queueName(prefix, 'payouts');

beforeAll(async () => {
  world = await createPayoutWorld({ poolSize: 10 });
  temporal = await connectToTestTemporal();
  ben = await world.makePerson('Ben', ['finance_approver']);
  await world.fund(10_000_000n);
  workers = [
    // With a cache: at size 0 the SDK drops local activities of workflows that run side by side, and each waits out its task's 10 s.
    await temporal.createWorker({ taskQueue: queue, activities: world.activities }),
    await temporal.createWorker({
      taskQueue: queueName(prefix, gatewayQueue('sandbox')),
      activities: world.activities,
    }),
  ];
  running = Promise.all(workers.map((worker) => worker.run()));
  owner = knexFactory({ client: 'pg', connection: world.database.ownerUrl, pool: { min: 0, max: 1 } });
  relaying = relaySignals();
});
afterAll(async () => {
  isOver = true;
  await relaying;
  await owner.destroy();
  for (const worker of workers) worker.shutdown();
  await running;
  await temporal.close();
  await world.close();
});

const client = () => temporal.client.workflow;

/** What the relay does with a run's signals; the relay itself is tested in test/platform. */
async function relaySignals(): Promise<void> {
  while (!isOver) {
    const rows = await owner('outbox')
      .where({ topic: 'signal' })
      .whereNull('sent_at')
      .orderBy('id')
      .select<{ id: string; payload: SignalMessage }[]>('id', 'payload');
    for (const { id, payload } of rows) {
      if (payload.workflowType !== 'referral')
        await client().signalWithStart(payload.workflowType, {
          workflowId: payload.workflowId,
          taskQueue: queue,
          args: [payload.input],
          signal: payload.signal,
          signalArgs: [payload.argument],
        });
      await owner('outbox').where({ id }).update({ sent_at: owner.fn.now() });
    }
    await pause(50);
  }
}

async function startRun(options: Parameters<PayoutWorld['startRun']>[0] = {}) {
  const run = await world.startRun(options);
  const ref = { workspaceId: world.workspaceId, payoutRunId: run };
  const handle = await client().start('payoutRun', {
    workflowId: workflowIds.payoutRun(ref),
    taskQueue: queue,
    args: [ref],
  });
  return { run, handle };
}

async function statusOf(table: string, id: string, status: string): Promise<Record<string, unknown>> {
  return eventually(async () => {
    const row = await world.row(table, id);
    return row['status'] === status ? row : undefined;
  });
}

/** As the relay delivers a decision: its row, then the signal with its id. */
async function decide(of: {
  readonly type: 'payout' | 'payout_run';
  readonly id: string;
  readonly verb: string;
  readonly params?: Record<string, unknown>;
  readonly by?: string;
  readonly steppedUp?: boolean;
}) {
  const fact = await world.wish({ by: ben, ...of });
  const { workspaceId } = world;
  const payoutRef = { workspaceId, payoutId: of.id as PayoutId };
  const runRef = { workspaceId, payoutRunId: of.id as PayoutRunId };
  const isPayout = of.type === 'payout';
  await client().signalWithStart(isPayout ? 'payout' : 'payoutRun', {
    workflowId: isPayout ? workflowIds.payout(payoutRef) : workflowIds.payoutRun(runRef),
    taskQueue: queue,
    args: [isPayout ? payoutRef : runRef],
    signal: of.verb,
    signalArgs: [{ decisionId: fact.id }],
  });
  return eventually(async () => {
    const outcome = await world.outcome(fact.id);
    return outcome.state === 'open' ? undefined : outcome;
  });
}

async function execute(run: PayoutRunId): Promise<void> {
  const { plan_hash: planHash } = await statusOf('payout_runs', run, 'planned');
  expect(await decide({ type: 'payout_run', id: run, verb: 'approve', params: { planHash } })).toMatchObject({
    state: 'done',
  });
  expect(await decide({ type: 'payout_run', id: run, verb: 'execute' })).toMatchObject({ state: 'done' });
}

async function payoutOf(run: PayoutRunId, affiliateId: AffiliateId): Promise<Record<string, unknown>> {
  const [row] = await world.rows('payouts', { run_id: run, affiliate_id: affiliateId });
  if (row === undefined) throw new Error('no payout');
  return row;
}

async function payable(account: string, minor = 2_000n): Promise<AffiliateId> {
  const affiliate = await world.makeAffiliate(account);
  await world.makeMethod(affiliate, { account });
  await world.earn(affiliate, minor);
  return affiliate;
}

async function journal() {
  return readSandboxJournal(await world.journal.readAll(), sandboxKeyWindowMs, (at) => Date.parse(at));
}

test('every scripted outcome of the simulated gateway, to the journal', async () => {
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

test('money that comes back after it was paid is owed again', async () => {
  const back = await payable('returned');
  const { run } = await startRun({ filter: { affiliateIds: [back] } });
  await execute(run);
  const payout = await payoutOf(run, back);
  await statusOf('payouts', payout['id'] as string, 'paid');
  const returns = await eventually(async () => {
    const rows = await world.rows('commissions', { affiliate_id: back, kind: 'payout_return' });
    return rows.length > 0 ? rows : undefined;
  });
  expect(returns).toMatchObject([{ amount_minor: 2_000n, status: 'approved' }]);
  expect((await world.balances())[`affiliate_payable:${back}`]).toBe(2_000n);
  expect(await world.row('payouts', payout['id'] as string)).toMatchObject({
    status: 'paid',
    returned: { amountMinor: '2000' },
  });
});

test('four eyes, a changed plan and a second approval are refused with their codes', async () => {
  const affiliate = await payable('ok');
  const { run } = await startRun({ filter: { affiliateIds: [affiliate] } });
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
  const service = temporal.client.workflowService;
  await service.resetWorkflowExecution({
    namespace: temporal.namespace,
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
