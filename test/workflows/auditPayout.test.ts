import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { currentWorkflows, exportHistory, judgeHistory, stateAtEvent } from '../../activities/audit/history.js';
import { appendAuditLeaves, verifyChain } from '../../activities/audit/chain.js';
import { temporalHistoryReader } from '../../activities/gateways/historyReader.js';
import { findHistoryBytes, listHistoriesOf } from '../../db/audit/history.js';
import { listBrokenMoves } from '../../db/reads/audit/brokenMoves.js';
import { readWorkspace } from '../../db/transaction.js';
import { gunzipSync } from 'node:zlib';
import type { PayoutId } from '../../domain/ids.js';
import { newId } from '../../platform/newId.js';
import { gatewayQueue, queueName, type SignalMessage, workflowIds } from '../../workflows/contract.js';
import { createPayoutWorld, type PayoutWorld } from '../activities/payout/payoutWorld.js';
import { eventually } from '../support/eventually.js';
import { connectToTestTemporal, type TestTemporal } from '../support/temporal.js';

// The runs that move money are archived and judged like a referral's (temporal.md 10): a payout run and its payouts, on a real server.

let world: PayoutWorld;
let temporal: TestTemporal;
let owner: Knex;
let workers: readonly Worker[];
let running: Promise<unknown>;
let relaying: Promise<void>;
let isOver = false;
const prefix = `aud${randomUUID().slice(0, 8)}`;
const queue = queueName(prefix, 'payouts');

beforeAll(async () => {
  world = await createPayoutWorld({ poolSize: 10 });
  temporal = await connectToTestTemporal();
  await world.fund(10_000_000n);
  owner = knexFactory({ client: 'pg', connection: world.database.ownerUrl, pool: { min: 0, max: 1 } });
  workers = [
    await temporal.createWorker({ taskQueue: queue, activities: world.activities }),
    await temporal.createWorker({
      taskQueue: queueName(prefix, gatewayQueue('sandbox')),
      activities: world.activities,
    }),
  ];
  running = Promise.all(workers.map((worker) => worker.run()));
  relaying = relaySignals();
});
afterAll(async () => {
  isOver = true;
  await relaying;
  for (const worker of workers) worker.shutdown();
  await running;
  await owner.destroy();
  await temporal.close();
  await world.close();
});

async function relaySignals(): Promise<void> {
  while (!isOver) {
    const rows = await owner('outbox')
      .whereIn('topic', ['signal', 'start'])
      .whereNull('sent_at')
      .orderBy('id')
      .select<{ id: string; topic: string; payload: SignalMessage }[]>('id', 'topic', 'payload');
    for (const { id, topic, payload } of rows) {
      if (topic === 'start') {
        // The run is started by the test itself; the gateway's statement is what it then waits for.
        if (payload.workflowType === 'reconciliation')
          await temporal.client.workflow.start(payload.workflowType, {
            workflowId: payload.workflowId,
            taskQueue: queue,
            args: [payload.input],
            workflowIdConflictPolicy: 'USE_EXISTING',
          });
      } else if (payload.workflowType !== 'referral')
        await temporal.client.workflow.signalWithStart(payload.workflowType, {
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

test('a payout run and its payout pass the verdict, and their moves keep to the tables', async () => {
  const { workspaceId } = world;
  const ben = await world.makePerson('Ben', ['finance_approver']);
  const affiliate = await world.makeAffiliate('ok');
  await world.makeMethod(affiliate, { account: 'ok' });
  await world.earn(affiliate, 2_000n);
  const payoutRunId = await world.startRun();
  const runRef = { workspaceId, payoutRunId };
  const handle = await temporal.client.workflow.start('payoutRun', {
    workflowId: workflowIds.payoutRun(runRef),
    taskQueue: queue,
    args: [runRef],
  });
  const status = (table: string, id: string, wanted: string) =>
    eventually(async () => {
      const row = await world.row(table, id);
      return row['status'] === wanted ? row : undefined;
    });
  const { plan_hash: planHash } = await status('payout_runs', payoutRunId, 'planned');
  for (const [verb, params] of [
    ['approve', { planHash }],
    ['execute', {}],
  ] as const) {
    const fact = await world.wish({ type: 'payout_run', id: payoutRunId, verb, params, by: ben });
    await handle.signal(verb, { decisionId: fact.id });
    await eventually(async () => (await world.outcome(fact.id)).state === 'done');
  }
  const [payout] = await eventually(async () => {
    const rows = await world.rows('payouts', { run_id: payoutRunId });
    return rows[0]?.['status'] === 'paid' ? rows : undefined;
  });
  await status('payout_runs', payoutRunId, 'completed');
  await handle.result();

  const payoutId = String(payout?.['id']) as PayoutId;
  const reader = temporalHistoryReader(temporal.client);
  for (const workflowId of [workflowIds.payoutRun(runRef), workflowIds.payout({ workspaceId, payoutId })]) {
    const { runId } = await temporal.client.workflow.getHandle(workflowId).describe();
    const exported = await eventually(async () => {
      const outcome = await exportHistory({ db: world.db, newId, reader }, { workflowId, runId });
      return outcome === 'open' ? undefined : outcome;
    });
    expect(exported).toBe('stored');
  }
  await appendAuditLeaves(world.db, workspaceId);
  expect(await verifyChain(world.db, workspaceId, [])).toMatchObject({ holds: true });

  for (const [objectId, last] of [
    [payoutRunId, 'completed'],
    [payoutId, 'paid'],
  ] as const) {
    const [history] = await readWorkspace(world.db, workspaceId, (tx) => listHistoriesOf(tx, objectId));
    if (history === undefined) throw new Error(`no history of ${objectId}`);
    const judged = await judgeHistory({ db: world.db, bundle: currentWorkflows, heads: [] }, workspaceId, history);
    expect(judged.firstDifference, history.workflowType).toBeNull();
    expect(judged).toMatchObject({
      verdict: 'pass',
      checks: { record: 'pass', replay: 'pass', arguments: 'pass', books: 'pass' },
    });
    const bytes = await readWorkspace(world.db, workspaceId, (tx) => findHistoryBytes(tx, history.id));
    const text = gunzipSync(bytes ?? Buffer.alloc(0)).toString('utf8');
    const { state } = await stateAtEvent(await currentWorkflows(), text, history.workflowId, history.eventCount);
    expect(state?.point?.state).toMatchObject({ status: last });
  }

  // The commission and what else the test's set-up put into tables without their writers begins without a history.
  const broken = await readWorkspace(world.db, workspaceId, (tx) => listBrokenMoves(tx));
  const isSetUp = (move: (typeof broken)[number]): boolean =>
    move.code === 'no_history' || (move.objectType === 'commission' && move.detail === '2 follows 0');
  expect(broken.filter((move) => !isSetUp(move))).toEqual([]);
});
