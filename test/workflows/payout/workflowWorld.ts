import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { WorkflowHandle } from '@temporalio/client';
import { failureInterceptor } from '../../../activities/failures.js';
import { connectRelay } from '../../../db/connection.js';
import { findKeysWithLaterRow, findReferralStates } from '../../../db/messaging/relay.js';
import { readWorkspace } from '../../../db/transaction.js';
import type { AffiliateId, PayoutId, PayoutRunId, WorkspaceId } from '../../../domain/ids.js';
import { createLogger } from '../../../platform/logger.js';
import { createMetrics } from '../../../platform/metrics.js';
import { startRelay } from '../../../platform/relay/loop.js';
import { createRelayMetrics } from '../../../platform/relay/metrics.js';
import { workflowMessages } from '../../../platform/relay/workflowMessages.js';
import { gatewayQueue, queueName, workflowIds } from '../../../workflows/contract.js';
import { createPayoutWorld, type PayoutWorld } from '../../activities/payout/payoutWorld.js';
import { eventually } from '../../support/eventually.js';
import { projectRoot } from '../../support/sourceTree.js';
import { connectToTestTemporal, type TestTemporal } from '../../support/temporal.js';

/** A decision's row once it is settled. */
export type Outcome = Awaited<ReturnType<PayoutWorld['outcome']>>;

/** What a payout or a run has cost so far, over all runs of its workflow (temporal.md 3.13). */
export interface Cost {
  readonly transitions: number;
  readonly events: number;
  readonly runs: number;
}

/** Payouts as a worker process has them: Postgres, Temporal, a worker per queue and the relay. */
export interface WorkflowWorld {
  readonly world: PayoutWorld;
  readonly temporal: TestTemporal;
  /** May approve and settle, and has made nothing. */
  readonly ben: string;
  readonly queue: string;
  /** An affiliate who is owed so much and has confirmed where to be paid. */
  payable(account: string, minor?: bigint, method?: { readonly type?: string }): Promise<AffiliateId>;
  /** Writes the run's row and lets the relay start it. */
  startRun(options?: Parameters<PayoutWorld['startRun']>[0]): Promise<{ run: PayoutRunId; handle: WorkflowHandle }>;
  statusOf(table: string, id: string, status: string): Promise<Record<string, unknown>>;
  /** The newest attempt of a payout, once it is in this state. */
  attemptOf(payoutId: string, state: string): Promise<Record<string, unknown>>;
  /** As the API and the relay deliver a decision: its row, then the signal with its id. Answers what became of it. */
  decide(of: {
    readonly type: 'payout' | 'payout_run';
    readonly id: string;
    readonly verb: string;
    readonly params?: Record<string, unknown>;
    readonly by?: string;
    readonly steppedUp?: boolean;
  }): Promise<Outcome>;
  /** Approves the plan as it stands, by somebody else than its maker, and lets the money go. */
  execute(run: PayoutRunId): Promise<void>;
  payoutOf(run: PayoutRunId, affiliateId: AffiliateId): Promise<Record<string, unknown> & { readonly id: PayoutId }>;
  /** One affiliate's payout on its way, in a run of its own. */
  sent(affiliateId: AffiliateId): Promise<{ readonly run: PayoutRunId; readonly payoutId: PayoutId }>;
  payoutHandle(payoutId: PayoutId): WorkflowHandle;
  /** The last run of a payout's workflow has closed. */
  closed(payoutId: PayoutId): Promise<void>;
  cost(workflowId: string): Promise<Cost>;
  /** The histories of all runs, oldest first, as JSON. */
  histories(workflowId: string): Promise<readonly string[]>;
  /** Keeps them in the replay corpus when RECORD_HISTORIES is set; each run a file. */
  record(type: 'payout' | 'payoutRun', name: string, workflowId: string): Promise<void>;
  /** Meanwhile Temporal cannot be reached: what is written waits in the outbox. */
  undelivered<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function createWorkflowWorld(
  options: Parameters<typeof createPayoutWorld>[0] = {},
): Promise<WorkflowWorld> {
  const temporal = await connectToTestTemporal();
  const world = await createPayoutWorld({ poolSize: 10, ...options });
  const { workspaceId } = world;
  const ben = await world.makePerson('Ben', ['finance_approver']);
  await world.fund(10_000_000n);
  const prefix = temporal.unique('pay');
  const queue = queueName(prefix, 'payouts');
  const logger = createLogger({ logLevel: process.env['TEST_LOG'] === undefined ? 'fatal' : 'debug' });
  const interceptors = {
    activity: [
      ({ info }: { readonly info: { readonly activityType: string } }) => ({
        inbound: failureInterceptor(logger, info.activityType),
      }),
    ],
  };
  const { activities } = world;
  // With a cache: at size 0 the SDK drops local activities of workflows that run side by side, and each waits out its task's 10 s.
  const workers = [
    await temporal.createWorker({ taskQueue: queue, activities, interceptors }),
    await temporal.createWorker({ taskQueue: queueName(prefix, gatewayQueue('sandbox')), activities, interceptors }),
  ];
  const running = Promise.all(workers.map((worker) => worker.run()));
  const relayDb = connectRelay({ url: world.database.appUrl, poolSize: 3, applicationName: 'test relay' });
  const deliver = () =>
    startRelay({
      db: relayDb,
      listenUrl: world.database.appUrl,
      logger,
      metrics: createRelayMetrics(createMetrics()),
      steps: [],
      deliver: {
        workflow: workflowMessages({
          client: temporal.client,
          taskQueuePrefix: prefix,
          lookUp: {
            referralStates: (workspace, ids) =>
              readWorkspace(world.db, workspace as WorkspaceId, (tx) => findReferralStates(tx, ids)),
            keysWithLaterRow: (rows) => findKeysWithLaterRow(relayDb, rows),
          },
          others: { 'history.export': () => Promise.resolve({ kind: 'sent' }) },
        }),
        http: (rows) => rows.map(() => Promise.resolve({ kind: 'sent' })),
      },
    });
  let relay = deliver();
  const client = temporal.client.workflow;

  const statusOf: WorkflowWorld['statusOf'] = (table, id, status) =>
    eventually(async () => {
      const row = await world.row(table, id);
      if (row['status'] !== status) throw new Error(`${id} is ${String(row['status'])}, not ${status}`);
      return row;
    });
  const decide: WorkflowWorld['decide'] = async (of) => {
    const fact = await world.wish({ by: ben, ...of });
    const isPayout = of.type === 'payout';
    const payoutRef = { workspaceId, payoutId: of.id as PayoutId };
    const runRef = { workspaceId, payoutRunId: of.id as PayoutRunId };
    await client.signalWithStart(isPayout ? 'payout' : 'payoutRun', {
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
  };
  const must = async (of: Parameters<WorkflowWorld['decide']>[0]): Promise<void> => {
    const outcome = await decide(of);
    if (outcome.state !== 'done') throw new Error(`${of.verb} was refused: ${outcome.code}`);
  };
  const startRun: WorkflowWorld['startRun'] = async (of = {}) => {
    const run = await world.startRun(of);
    const workflowId = workflowIds.payoutRun({ workspaceId, payoutRunId: run });
    const handle = client.getHandle(workflowId);
    await eventually(() => handle.describe().then(() => true)); // the relay has started it
    return { run, handle };
  };
  const execute: WorkflowWorld['execute'] = async (run) => {
    const { plan_hash: planHash } = await statusOf('payout_runs', run, 'planned');
    await must({ type: 'payout_run', id: run, verb: 'approve', params: { planHash } });
    await must({ type: 'payout_run', id: run, verb: 'execute' });
  };
  const payoutOf: WorkflowWorld['payoutOf'] = async (run, affiliateId) => {
    const [row] = await world.rows('payouts', { run_id: run, affiliate_id: affiliateId });
    if (row === undefined) throw new Error('no payout');
    return row as Record<string, unknown> & { readonly id: PayoutId };
  };
  const payoutHandle = (payoutId: PayoutId): WorkflowHandle =>
    client.getHandle(workflowIds.payout({ workspaceId, payoutId }));
  const runsOf = async (workflowId: string) => {
    const found: { readonly runId: string; readonly startTime: Date }[] = [];
    for await (const run of client.list({ query: `WorkflowId = '${workflowId}'` })) found.push(run);
    return found.toSorted((a, b) => a.startTime.getTime() - b.startTime.getTime());
  };
  const histories: WorkflowWorld['histories'] = async (workflowId) => {
    const found: string[] = [];
    for (const { runId } of await runsOf(workflowId))
      found.push(historyToJSON(await client.getHandle(workflowId, runId).fetchHistory()));
    return found;
  };

  return {
    world,
    temporal,
    ben,
    queue,
    startRun,
    statusOf,
    decide,
    execute,
    payoutOf,
    payoutHandle,
    histories,
    async undelivered(work) {
      await relay.stop();
      try {
        return await work();
      } finally {
        relay = deliver();
      }
    },
    async payable(account, minor = 2_000n, method = {}) {
      const affiliate = await world.makeAffiliate(account);
      await world.makeMethod(affiliate, { account, ...method });
      await world.earn(affiliate, minor);
      return affiliate;
    },
    attemptOf: (payoutId, state) =>
      eventually(async () => {
        const rows = await world.rows('payout_attempts', { payout_id: payoutId });
        const newest = rows.toSorted((a, b) => Number(b['number']) - Number(a['number']))[0];
        if (newest?.['state'] !== state) throw new Error(`its attempt is ${String(newest?.['state'])}, not ${state}`);
        return newest;
      }),
    async sent(affiliateId) {
      const { run } = await startRun({ filter: { affiliateIds: [affiliateId] } });
      await execute(run);
      return { run, payoutId: (await payoutOf(run, affiliateId)).id };
    },
    closed: async (payoutId) => {
      await eventually(async () => (await payoutHandle(payoutId).describe()).status.name === 'COMPLETED');
    },
    async cost(workflowId) {
      let cost: Cost = { transitions: 0, events: 0, runs: 0 };
      for (const { runId } of await runsOf(workflowId)) {
        const { raw } = await client.getHandle(workflowId, runId).describe();
        const info = raw.workflowExecutionInfo;
        cost = {
          transitions: cost.transitions + Number(info?.stateTransitionCount ?? 0),
          events: cost.events + Number(info?.historyLength ?? 0),
          runs: cost.runs + 1,
        };
      }
      return cost;
    },
    async record(type, name, workflowId) {
      if (process.env['RECORD_HISTORIES'] === undefined) return;
      const folder = path.join(projectRoot, 'test/workflows/histories', type);
      mkdirSync(folder, { recursive: true });
      // The list of runs comes from visibility, which is late by a moment.
      const found = await eventually(async () => {
        const all = await histories(workflowId);
        return all.length > 0 && all;
      });
      for (const [index, history] of found.entries())
        writeFileSync(path.join(folder, index === 0 ? `${name}.json` : `${name}-run${index + 1}.json`), `${history}\n`);
    },
    async close() {
      await relay.stop();
      for (const worker of workers) worker.shutdown();
      await running;
      await relayDb.destroy();
      await temporal.close();
      await world.close();
    },
  };
}
