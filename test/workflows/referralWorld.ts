import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { Worker } from '@temporalio/worker';
import { createMetrics } from '../../platform/metrics.js';
import { temporalClosedRuns } from '../../activities/gateways/closedRuns.js';
import { simulatedCheckProvider } from '../../activities/gateways/checkProvider.js';
import { failureInterceptor } from '../../activities/failures.js';
import { createActivities } from '../../activities/index.js';
import { insertDecision } from '../../db/audit/decision.js';
import { lockCommissionsOfReferral, updateCommission } from '../../db/earning/commission.js';
import { insertReferral, insertTouch } from '../../db/earning/referral.js';
import { findKeysWithLaterRow, findReferralStates } from '../../db/messaging/relay.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { insertRule } from '../../db/program/commissionPlan.js';
import { inWorkspace, notify, readWorkspace, type Tx } from '../../db/transaction.js';
import { type Act, type Actor, actFor, systemActor } from '../../domain/act.js';
import type {
  AffiliateId,
  ContactId,
  DecisionId,
  LeadId,
  ProductId,
  ReferralId,
  RefundId,
  SaleId,
  UserId,
  WorkspaceId,
} from '../../domain/ids.js';
import { ppm } from '../../domain/money.js';
import { addMs } from '../../domain/time.js';
import { createLogger } from '../../platform/logger.js';
import { newId } from '../../platform/newId.js';
import { startRelay } from '../../platform/relay/loop.js';
import { createRelayMetrics } from '../../platform/relay/metrics.js';
import { workflowMessages } from '../../platform/relay/workflowMessages.js';
import {
  nudge,
  queueName,
  type ReferralVerb,
  signalMessage,
  signalReferral,
  startMessage,
  workflowIds,
} from '../../workflows/contract.js';
import { createWorld, type World } from '../api/tracking/world.js';
import { eventually } from '../support/eventually.js';
import { insertRow } from '../support/rows.js';
import { projectRoot } from '../support/sourceTree.js';
import { connectToTestTemporal, type TestTemporal } from '../support/temporal.js';

/** What a test looks at on a referral's row. */
export interface ReferralLook {
  readonly status: string;
  readonly stage: string;
  readonly version: number;
  readonly contact_id: string | null;
  readonly merged_into_id: string | null;
}

/** What a workflow id has cost so far, over all its runs (temporal.md 3.13). */
export interface Cost {
  readonly transitions: number;
  readonly events: number;
  readonly runs: number;
}

type Columns = Readonly<Record<string, unknown>>;

/** Postgres, Temporal, worker and relay as a worker process has them, around one program with one affiliate and a 20 % rule. */
export interface ReferralWorld {
  readonly world: World;
  readonly temporal: TestTemporal;
  readonly workspaceId: WorkspaceId;
  readonly affiliateId: AffiliateId;
  readonly ana: UserId;
  readonly prefix: string;
  workflowId(referralId: string): string;
  inTx<T>(work: (tx: Tx, act: Act) => Promise<T>): Promise<T>;
  setTerms(columns: Columns): Promise<void>;
  makeUser(columns?: Columns): Promise<UserId>;
  makeContact(columns?: Columns): Promise<ContactId>;
  /** A visitor's first credited click, as the relay's click step leaves it. */
  click(windowMs?: number): Promise<ReferralId>;
  /** A further touch of the referral. */
  touch(referralId: string, windowMs: number): Promise<void>;
  lead(referralId: ReferralId, contactId: ContactId): Promise<LeadId>;
  sale(referralId: ReferralId, contactId: ContactId, minor?: bigint): Promise<SaleId>;
  refund(referralId: ReferralId, saleId: SaleId, minor: bigint): Promise<RefundId>;
  decide(
    referralId: ReferralId,
    verb: ReferralVerb,
    options?: { readonly by?: UserId; readonly params?: Columns; readonly silent?: boolean },
  ): Promise<DecisionId>;
  outcome(decisionId: string): Promise<{ state: string; code: string | null; outcome: Columns | null }>;
  look(referralId: string): Promise<ReferralLook>;
  becomes(referralId: string, status: string): Promise<ReferralLook>;
  commissions(referralId: string): Promise<readonly { id: string; status: string; amount_minor: string }[]>;
  /** `broken`: activities put in the place of ours, to see what the workflow does about a bug. */
  startWorker(broken?: Readonly<Record<string, () => Promise<never>>>): Promise<{ stop(): Promise<void> }>;
  /** The referral's payable commissions are marked as paid, and its workflow is told, as a settled payout does. */
  payOut(referralId: ReferralId): Promise<void>;
  /** A signal without anything around it, as Temporal's own tools send it. */
  signal(referralId: string, name: string, ...argument: readonly unknown[]): Promise<void>;
  /** The same as signal-with-start. */
  signalWithStart(referralId: ReferralId, name: string, ...argument: readonly unknown[]): Promise<void>;
  nudge(referralId: ReferralId): Promise<void>;
  /** The decisions that came by hand, oldest first. */
  handDecisions(
    referralId: string,
  ): Promise<readonly { verb: string; state: string; code: string | null; actor_id: string | null }[]>;
  /** All signals sent, and the run waits or has closed. */
  idle(referralId: string): Promise<void>;
  /** The same, and the last run has closed. */
  closed(referralId: string): Promise<void>;
  cost(referralId: string): Promise<Cost>;
  /** Keeps the histories in the replay corpus when RECORD_HISTORIES is set; each run a file. */
  record(name: string, referralId: string): Promise<void>;
  /** The histories of all runs, oldest first, as JSON. */
  histories(referralId: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function createReferralWorld(
  options: { readonly maxCachedWorkflows?: number; readonly commissionHold?: string } = {},
): Promise<ReferralWorld> {
  const temporal = await connectToTestTemporal();
  const world = await createWorld();
  const { workspaceId, programId, owner, db, relayDb } = world;
  const prefix = temporal.unique('ref');
  const taskQueue = queueName(prefix, 'referrals');
  const logger = createLogger({ logLevel: process.env['TEST_LOG'] === undefined ? 'fatal' : 'debug' });
  const productId: ProductId = newId('product');

  const inTx = <T>(work: (tx: Tx, act: Act) => Promise<T>): Promise<T> =>
    inWorkspace(db, workspaceId, (tx, now) =>
      work(tx, {
        workspaceId,
        mode: 'live',
        now,
        actor: systemActor,
        cause: null,
        reasonCode: null,
        origin: null,
        requestId: null,
        newId,
      }),
    );
  const setTerms = async (columns: Columns): Promise<void> => {
    await owner('programs').where({ id: programId }).update(columns);
  };
  await setTerms({ own_terms: JSON.stringify({ commissionHold: options.commissionHold ?? 'PT1S' }) });
  await insertRow(owner, 'products', { workspace_id: workspaceId, id: productId, name: 'Starter' });
  await insertRow(owner, 'program_products', {
    workspace_id: workspaceId,
    program_id: programId,
    product_id: productId,
  });
  await inTx((tx, act) =>
    insertRule(tx, act, {
      id: newId('rule'),
      name: '20 %',
      scope: 'program',
      programId,
      productId: null,
      groupId: null,
      affiliateId: null,
      event: 'payment',
      transactionType: null,
      terms: {
        base: 'gross',
        minimumBase: null,
        flatOnPartialRefund: 'proportional',
        levels: [{ level: 1, kind: 'percent', rate: ppm(200_000), of: 'base' }],
        bands: null,
        limits: { maxPayments: null, maxMonths: null },
        cap: null,
        appliesTo: 'all',
      },
      effectiveFrom: addMs(act.now, -3_600_000),
    }),
  );
  const affiliateId = await world.makeAffiliate();

  const makeUser = async (columns: Columns = {}): Promise<UserId> => {
    const id = newId('user');
    const login = newId('login');
    await insertRow(owner, 'logins', { id: login, email: `${login}@shop.example` });
    await insertRow(owner, 'users', {
      workspace_id: workspaceId,
      id,
      login_id: login,
      audience: 'staff',
      name: 'Ana',
      email: `${login}@shop.example`,
      role_ids: ['owner'],
      status: 'active',
      ...columns,
    });
    return id;
  };
  const ana = await makeUser();

  const relay = startRelay({
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
            readWorkspace(db, workspace as WorkspaceId, (tx) => findReferralStates(tx, ids)),
          keysWithLaterRow: (rows) => findKeysWithLaterRow(relayDb, rows),
        },
        others: { 'history.export': () => Promise.resolve({ kind: 'sent' }) },
      }),
      http: (rows) => rows.map(() => Promise.resolve({ kind: 'sent' })),
    },
  });

  const activities = createActivities({
    db,
    longDb: db,
    newId,
    logger,
    payoutGateways: new Map(),
    closedRuns: temporalClosedRuns(temporal.client),
    checkProviders: new Map([['simulated', simulatedCheckProvider()]]),
  } as unknown as Parameters<typeof createActivities>[0]);
  const stops = new Set<() => Promise<void>>();
  const startWorker: ReferralWorld['startWorker'] = async (broken = {}) => {
    const worker: Worker = await temporal.createWorker({
      taskQueue,
      activities: { ...activities, ...broken },
      interceptors: { activity: [({ info }) => ({ inbound: failureInterceptor(logger, info.activityType) })] },
      ...(options.maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows: options.maxCachedWorkflows }),
    });
    const running = worker.run();
    const stop = async (): Promise<void> => {
      if (!stops.delete(stop)) return;
      worker.shutdown();
      await running;
    };
    stops.add(stop);
    return { stop };
  };

  const workflowId = (referralId: string): string =>
    workflowIds.referral({ workspaceId, referralId: referralId as ReferralId });
  const ref = (referralId: ReferralId) => ({ workspaceId, referralId });
  const tell = async <T>(work: (tx: Tx, act: Act) => Promise<T>): Promise<T> => {
    const result = await inTx(work);
    await notify(db, 'outbox', '');
    return result;
  };
  const look: ReferralWorld['look'] = async (referralId) => {
    const row = await owner('referrals').where({ id: referralId }).first<ReferralLook | undefined>();
    if (row === undefined) throw new Error(`no referral ${referralId}`);
    return row;
  };
  const runsOf = async (referralId: string) => {
    const runs = temporal.client.workflow.list({ query: `WorkflowId = '${workflowId(referralId)}'` });
    const found: { readonly runId: string; readonly startTime: Date }[] = [];
    for await (const run of runs) found.push(run);
    return found.toSorted((a, b) => a.startTime.getTime() - b.startTime.getTime());
  };
  const nothingToSend = async (referralId: string): Promise<boolean> => {
    const row = await owner('outbox')
      .whereNull('sent_at')
      .whereNull('dead_at')
      .whereRaw(`payload ->> 'workflowId' = ?`, [workflowId(referralId)])
      .first<{ id: unknown } | undefined>('id');
    return row === undefined;
  };
  const histories: ReferralWorld['histories'] = async (referralId) => {
    const found: string[] = [];
    for (const { runId } of await runsOf(referralId)) {
      const history = await temporal.client.workflow.getHandle(workflowId(referralId), runId).fetchHistory();
      found.push(historyToJSON(history));
    }
    return found;
  };
  const isIdle = (description: WorkflowExecutionDescription): boolean =>
    description.raw.pendingWorkflowTask == null && (description.raw.pendingActivities ?? []).length === 0;

  return {
    world,
    temporal,
    workspaceId,
    affiliateId,
    ana,
    prefix,
    workflowId,
    inTx,
    setTerms,
    makeUser,
    startWorker,
    look,
    async makeContact(columns = {}) {
      const id: ContactId = newId('contact');
      const email = `${id}@buyer.example`;
      await insertRow(owner, 'contacts', {
        workspace_id: workspaceId,
        id,
        name: 'Jo',
        email,
        email_key: email,
        ...columns,
      });
      return id;
    },
    async click(windowMs = 3_600_000) {
      const id = newId('referral');
      await tell(async (tx, act) => {
        const visitorId = newId('visitor');
        const endsAt = addMs(act.now, windowMs);
        await insertReferral(
          tx,
          act,
          { id, programId, status: 'tracking', stage: 'click', visitorId, clickAt: act.now, windowEndsAt: endsAt },
          'clicked',
        );
        await insertTouch(tx, id, {
          kind: 'click',
          sourceId: newId('click'),
          affiliateId,
          linkId: null,
          sub1: null,
          occurredAt: act.now,
          endsAt,
        });
        await enqueue(
          tx,
          startMessage({ workflowType: 'referral', workflowId: workflowId(id), input: ref(id), startAt: endsAt }),
        );
      });
      return id;
    },
    touch: (referralId, windowMs) =>
      inTx(async (tx, act) => {
        await insertTouch(tx, referralId, {
          kind: 'click',
          sourceId: newId('click'),
          affiliateId,
          linkId: null,
          sub1: null,
          occurredAt: act.now,
          endsAt: addMs(act.now, windowMs),
        });
      }),
    lead: (referralId, contactId) =>
      tell(async (tx, act) => {
        const leadId = newId('lead');
        await tx('leads').insert({
          id: leadId,
          mode: 'live',
          source: 'test',
          external_id: leadId,
          content_hash: Buffer.alloc(32),
          event: 'registration',
          channel: 'api',
          verdict: 'received',
          contact_id: contactId,
          program_id: programId,
          referral_id: referralId,
          occurred_at: act.now,
          created_at: act.now,
        });
        await enqueue(tx, signalReferral(ref(referralId), 'leadReported', { leadId }));
        return leadId;
      }),
    sale: (referralId, contactId, minor = 5_000n) =>
      tell(async (tx, act) => {
        const saleId = newId('sale');
        await tx('sales').insert({
          id: saleId,
          mode: 'live',
          source: 'test',
          external_id: saleId,
          content_hash: Buffer.alloc(32),
          type: 'payment',
          status: 'succeeded',
          channel: 'api',
          currency: 'USD',
          captured_minor: minor,
          lines: JSON.stringify([
            {
              productId,
              product: null,
              quantity: 1,
              amountMinor: minor.toString(),
              taxMinor: '0',
              feesMinor: '0',
              shippingMinor: '0',
              depositMinor: '0',
              code: null,
            },
          ]),
          contact_id: contactId,
          program_id: programId,
          referral_id: referralId,
          occurred_at: act.now,
          created_at: act.now,
        });
        await enqueue(tx, signalReferral(ref(referralId), 'saleReported', { saleId }));
        return saleId;
      }),
    refund: (referralId, saleId, minor) =>
      tell(async (tx, act) => {
        const refundId = newId('refund');
        await tx('refunds').insert({
          id: refundId,
          mode: 'live',
          source: 'test',
          external_id: refundId,
          content_hash: Buffer.alloc(32),
          sale_id: saleId,
          referral_id: referralId,
          currency: 'USD',
          amount_minor: minor,
          occurred_at: act.now,
          created_at: act.now,
        });
        await enqueue(tx, signalReferral(ref(referralId), 'refundReported', { refundId }));
        return refundId;
      }),
    decide: (referralId, verb, { by = ana, params = {}, silent = false } = {}) =>
      tell(async (tx, act) => {
        const id = newId('decision');
        const commissionId = params['commissionId'];
        const actor: Actor = { type: 'user', id: by, userId: by };
        await insertDecision(tx, actFor(act, { actor }), {
          id,
          verb,
          objectType: typeof commissionId === 'string' ? 'commissions' : 'referrals',
          objectId: typeof commissionId === 'string' ? commissionId : referralId,
          workflowId: workflowId(referralId),
          reasonCode: 'staff_decision',
          note: null,
          publicReason: null,
          params,
          via: 'api',
          callerKey: null,
          requestHash: null,
          steppedUp: false,
          operationId: null,
        });
        if (!silent)
          await enqueue(
            tx,
            signalMessage(
              {
                workflowType: 'referral',
                workflowId: workflowId(referralId),
                input: ref(referralId),
                signal: verb,
                argument: { decisionId: id },
              },
              2,
            ),
          );
        return id;
      }),
    outcome: (decisionId) =>
      eventually(async () => {
        const row = await owner('decisions')
          .where({ id: decisionId })
          .whereNot('state', 'open')
          .first<{ state: string; code: string | null; outcome: Columns | null } | undefined>(
            'state',
            'code',
            'outcome',
          );
        return row;
      }),
    becomes: (referralId, status) =>
      eventually(async () => {
        const row = await look(referralId);
        if (row.status !== status) throw new Error(`${referralId} is ${row.status}, not ${status}`);
        return row;
      }),
    async commissions(referralId) {
      return owner('commissions')
        .where({ referral_id: referralId })
        .orderBy('created_at')
        .orderBy('id')
        .select<{ id: string; status: string; amount_minor: string }[]>('id', 'status', 'amount_minor');
    },
    payOut: (referralId) =>
      tell(async (tx, act) => {
        const lines = await lockCommissionsOfReferral(tx, referralId);
        for (const line of lines.filter((one) => one.status === 'approved'))
          await updateCommission(tx, act, line, { status: 'paid', paidAt: act.now }, 'paid');
        await enqueue(tx, signalReferral(ref(referralId), 'payoutSettled', { payoutId: newId('payout') }));
      }),
    signal: async (referralId, name, ...argument) => {
      await temporal.client.workflow.getHandle(workflowId(referralId)).signal(name, ...argument);
    },
    signalWithStart: async (referralId, name, ...argument) => {
      await temporal.client.workflow.signalWithStart('referral', {
        workflowId: workflowId(referralId),
        taskQueue,
        args: [ref(referralId)],
        signal: name,
        signalArgs: [...argument],
      });
    },
    nudge: (referralId) => tell((tx) => enqueue(tx, nudge('referral', workflowId(referralId), ref(referralId)))),
    async handDecisions(referralId) {
      return owner('decisions')
        .where({ workflow_id: workflowId(referralId), via: 'temporal' })
        .orderBy('created_at')
        .select<{ verb: string; state: string; code: string | null; actor_id: string | null }[]>(
          'verb',
          'state',
          'code',
          'actor_id',
        );
    },
    idle: async (referralId) => {
      await eventually(async () => {
        if (!(await nothingToSend(referralId))) return false;
        const description = await temporal.client.workflow.getHandle(workflowId(referralId)).describe();
        return description.status.name !== 'RUNNING' || isIdle(description);
      });
    },
    closed: async (referralId) => {
      await eventually(async () => {
        if (!(await nothingToSend(referralId))) return false;
        const { status } = await temporal.client.workflow.getHandle(workflowId(referralId)).describe();
        return status.name === 'COMPLETED';
      });
    },
    async cost(referralId) {
      let cost: Cost = { transitions: 0, events: 0, runs: 0 };
      for (const { runId } of await runsOf(referralId)) {
        const { raw } = await temporal.client.workflow.getHandle(workflowId(referralId), runId).describe();
        const info = raw.workflowExecutionInfo;
        cost = {
          transitions: cost.transitions + Number(info?.stateTransitionCount ?? 0),
          events: cost.events + Number(info?.historyLength ?? 0),
          runs: cost.runs + 1,
        };
      }
      return cost;
    },
    async record(name, referralId) {
      if (process.env['RECORD_HISTORIES'] === undefined) return;
      const folder = path.join(projectRoot, 'test/workflows/histories/referral');
      mkdirSync(folder, { recursive: true });
      for (const [index, history] of (await histories(referralId)).entries())
        writeFileSync(path.join(folder, index === 0 ? `${name}.json` : `${name}-run${index + 1}.json`), `${history}\n`);
    },
    histories,
    async close() {
      for (const stop of stops) await stop();
      await relay.stop();
      await world.close();
      await temporal.close();
    },
  };
}
