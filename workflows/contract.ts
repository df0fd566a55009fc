import type {
  CheckId,
  DecisionId,
  GatewayEventId,
  LeadId,
  PayoutId,
  PayoutRunId,
  PayoutScheduleId,
  ReferralId,
  RefundId,
  SaleId,
  WorkspaceId,
} from '../domain/ids.js';
import type { Instant } from '../domain/time.js';

// Names and payloads that api, relay, activities and workflows share (temporal.md 2). No package is imported here, so that the api can
// read it without Temporal's workflow library. Fields are added, never renamed: every stored history holds these names.

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
/** What may travel: a bigint, a Date, an undefined or an interface does not compile. Ids, codes, instants, counts and hashes only. */
export type Payload<T extends Json> = T;

export const taskQueues = ['referrals', 'payouts', 'jobs'] as const;
export type TaskQueue = (typeof taskQueues)[number];

/** An activity-only queue per adapter, throttled to the provider's limit. */
export function gatewayQueue(adapter: string): string {
  return `gateway-${adapter}`;
}

/** A namespace is shared by nobody, but two installations (or two tests) may share one: the prefix keeps their queues apart. */
export function queueName(prefix: string, queue: string): string {
  return prefix === '' ? queue : `${prefix}-${queue}`;
}

export const workflowTypes = {
  referral: 'referrals',
  payoutRun: 'payouts',
  payout: 'payouts',
  reconciliation: 'payouts',
  bulkOperation: 'jobs',
  sweep: 'jobs',
} as const satisfies Record<string, TaskQueue>;
export type WorkflowType = keyof typeof workflowTypes;

export type ReferralRef = Payload<{ workspaceId: WorkspaceId; referralId: ReferralId }>;
export type PayoutRef = Payload<{ workspaceId: WorkspaceId; payoutId: PayoutId }>;
export type PayoutRunRef = Payload<{ workspaceId: WorkspaceId; payoutRunId: PayoutRunId }>;
/** A schedule's run finds its row by the schedule and its nominal time (temporal.md 6). */
export type ScheduledRunRef = Payload<{ workspaceId: WorkspaceId; scheduleId: PayoutScheduleId }>;
export type GatewayRef = Payload<{ workspaceId: WorkspaceId; gatewayId: string }>;
export type JobRef = Payload<{ workspaceId: WorkspaceId; jobId: string }>;
export type SweepKind = 'unapplied' | 'historyExport' | 'retentionAlarm' | 'due' | 'risk' | 'linkHealth' | 'calendar';
export type SweepInput = Payload<{ kind: SweepKind }>;

export const workflowIds = {
  referral: (ref: ReferralRef): string => `referral/${ref.workspaceId}/${ref.referralId}`,
  payout: (ref: PayoutRef): string => `payout/${ref.workspaceId}/${ref.payoutId}`,
  payoutRun: (ref: PayoutRunRef): string => `payoutRun/${ref.workspaceId}/${ref.payoutRunId}`,
  payoutSchedule: (ref: ScheduledRunRef): string => `payoutRun/${ref.workspaceId}/${ref.scheduleId}`,
  reconciliation: (ref: GatewayRef): string => `reconciliation/${ref.workspaceId}/${ref.gatewayId}`,
  bulkOperation: (ref: JobRef): string => `bulkOperation/${ref.workspaceId}/${ref.jobId}`,
  sweep: (kind: SweepKind): string => `sweep/${kind}`,
} as const;

/** Facts in the past tense, by signal. */
export type ReferralFacts = {
  leadReported: Payload<{ leadId: LeadId }>;
  saleReported: Payload<{ saleId: SaleId }>;
  refundReported: Payload<{ refundId: RefundId }>;
  disputeReported: Payload<{ disputeId: string }>;
  checkReported: Payload<{ checkId: CheckId }>;
  payoutSettled: Payload<{ payoutId: PayoutId }>;
  merged: Payload<{ intoReferralId: ReferralId }>;
};
export type PayoutFacts = { payoutReported: Payload<{ gatewayEventId: GatewayEventId }> };

/** Decisions in the imperative. From the relay `{decisionId}`; by hand `{by, reason}` and what the verb needs (temporal.md 3.7). */
export const referralVerbs = [
  'approve',
  'reject',
  'reopen',
  'hold',
  'release',
  'reinstate',
  'withdrawApproval',
] as const;
export const payoutRunVerbs = ['approve', 'execute', 'replan', 'pause', 'resume', 'cancel'] as const;
export const payoutVerbs = [
  'approve',
  'hold',
  'release',
  'retry',
  'lookup',
  'resolve',
  'returnToDraft',
  'markPaid',
  'cancel',
] as const;
export type ReferralVerb = (typeof referralVerbs)[number];
export type PayoutRunVerb = (typeof payoutRunVerbs)[number];
export type PayoutVerb = (typeof payoutVerbs)[number];

/** Sent by hand: `by` is only claimed, `reason` is a code of features.md 4.6. The activity checks everything in Postgres. */
export type Claim = {
  readonly by?: string;
  readonly reason?: string;
  readonly commissionId?: string;
  readonly planHash?: string;
};
export type Decision = Payload<{ decisionId: DecisionId }> | Claim;

export type FactKind =
  | 'lead'
  | 'sale'
  | 'refund'
  | 'dispute'
  | 'check'
  | 'payout'
  | 'merge'
  | 'decision'
  | 'gatewayEvent';
export type Fact = Payload<{ kind: FactKind; id: string }>;

/** What a database activity answers: where the row stands and what to wait for. `ms` is measured by Postgres; null: nothing left. */
export type Wait = Payload<{ until: Instant; ms: number }>;
export type Step = {
  readonly seq: number;
  readonly status: string;
  readonly wait: Wait | null;
  /** Stored, without outcome, oldest first, at most 50. */
  readonly facts: readonly Fact[];
  /** Checks whose provider has to be asked. */
  readonly checksToAsk: readonly string[];
};

/** The payloads of the outbox's workflow lane: what `platform/relay/workflowMessages.ts` delivers. */
export type StartMessage = {
  readonly workflowType: WorkflowType;
  readonly workflowId: string;
  readonly input: Json;
  /** Not before: the end of the attribution window. Null: at once. */
  readonly startAt: Instant | null;
};
export type SignalMessage = {
  readonly workflowType: WorkflowType;
  readonly workflowId: string;
  readonly input: Json;
  readonly signal: string;
  readonly argument: Json;
};
export type ExportMessage = { readonly workflowId: string; readonly runId: string };

type Outgoing = {
  readonly lane: 'workflow';
  readonly topic: 'start' | 'signal' | 'history.export';
  readonly orderingKey: string | null;
  readonly priority: 1 | 2 | 3 | 4 | 5;
  readonly payload: Readonly<Record<string, unknown>>;
};

export function startMessage(message: StartMessage, priority: Outgoing['priority'] = 5): Outgoing {
  return { lane: 'workflow', topic: 'start', orderingKey: null, priority, payload: message };
}

export function signalMessage(message: SignalMessage, priority: Outgoing['priority'] = 3): Outgoing {
  return { lane: 'workflow', topic: 'signal', orderingKey: message.workflowId, priority, payload: message };
}

export function signalReferral<S extends keyof ReferralFacts>(
  ref: ReferralRef,
  signal: S,
  argument: ReferralFacts[S],
): Outgoing {
  return signalMessage({
    workflowType: 'referral',
    workflowId: workflowIds.referral(ref),
    input: ref,
    signal,
    argument,
  });
}

/** "Read your row again": heals whatever got lost (temporal.md 4.5). */
export function nudge(workflowType: WorkflowType, workflowId: string, input: Json): Outgoing {
  return signalMessage({ workflowType, workflowId, input, signal: 'nudged', argument: null }, 4);
}

/** Asks the exporter to archive a run that is about to close. */
export function exportMessage(message: ExportMessage): Outgoing {
  return { lane: 'workflow', topic: 'history.export', orderingKey: null, priority: 5, payload: message };
}

/** The one call a payout's workflow is about to make, or the attempt it asks about. */
export type PayoutCall = Payload<{
  attemptId: string;
  fence: number;
  adapter: string;
  timeoutMs: number;
  repeatable: boolean;
}>;

/** What a payout's database activity answers: what comes next, computed from the rows (temporal.md 5.2). `done`: nothing left to do. */
export type PayoutStep = {
  readonly seq: number;
  readonly status: string;
  readonly next: 'claim' | 'submit' | 'lookUp' | 'wait' | 'done';
  readonly call: PayoutCall | null;
  readonly wait: Wait | null;
  readonly facts: readonly Fact[];
};

/** What a gateway said, without amounts: those stand in the stored answer under its hash (money.md 7.2). */
export type GatewayReply = Payload<{
  class: 'submitted' | 'paid' | 'refused' | 'returned' | 'not_found' | 'unknown' | 'stale';
  code: string | null;
  providerId: string | null;
  gatewayStatus: string | null;
  answerHash: string | null;
}>;

/** What a run's activity answers. `start`: payouts to hand to their workflows, `after` the last id handed out (temporal.md 5.1). */
export type PayoutRunStep = {
  readonly seq: number;
  readonly status: string;
  readonly next: 'plan' | 'start' | 'wait' | 'reconcile' | 'done';
  readonly openPayouts: number;
  readonly wait: Wait | null;
  readonly facts: readonly Fact[];
};
export type PayoutPage = { readonly payoutIds: readonly PayoutId[]; readonly next: string | null };

/** What of a gateway's statement has to be read: per mode, since when, up to when. `adapter` null: it gives no statement. */
export type StatementPlan = Payload<{
  adapter: string | null;
  until: Instant;
  modes: readonly Payload<{ mode: 'live' | 'test'; since: Instant | null }>[];
}>;
