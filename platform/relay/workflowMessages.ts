import {
  type Client,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { NamespaceNotFoundError, type Priority } from '@temporalio/common';
import type { ClaimedMessage, ReferralState } from '../../db/messaging/relay.js';
import { parseId, type ReferralId, type WorkspaceId } from '../../domain/ids.js';
import { epochMs, parseInstant } from '../../domain/time.js';
import {
  queueName,
  type SignalMessage,
  type StartMessage,
  workflowIds,
  workflowTypes,
} from '../../workflows/contract.js';
import type { WorkflowType } from '../../workflows/contract.js';
import { type SearchAttributeValues, toSearchAttributes } from '../temporalClient.js';
import { backOffMs, type Deliver, type Outcome } from './loop.js';

/** What the sender looks up once per claim, in Postgres. */
export interface MessageLookUp {
  referralStates(workspaceId: string, ids: readonly string[]): Promise<ReadonlyMap<string, ReferralState>>;
  keysWithLaterRow(rows: readonly { readonly key: string; readonly id: string }[]): Promise<ReadonlySet<string>>;
}

export interface WorkflowMessagesOptions {
  readonly client: Client;
  readonly taskQueuePrefix: string;
  readonly lookUp: MessageLookUp;
  /** Default 10 s. An answer later than this is none: the lane pauses (temporal.md 4.3). Below the lease. */
  readonly callTimeoutMs?: number;
  /** Senders of the lane's other topics: the history exporter, the schedules. */
  readonly others: Readonly<Record<string, (row: ClaimedMessage, signal: AbortSignal) => Promise<Outcome>>>;
}

const defaultCallTimeoutMs = 10_000;
const sent: Outcome = { kind: 'sent' };
const malformed: Outcome = { kind: 'dead', code: 'message.malformed' };
const endReason = 'test data was purged';
/** Facts follow the journey they belong to; a decision is about the referral it names, and `merged` is for the one that ended. */
const factSignals: ReadonlySet<string> = new Set([
  'leadReported',
  'saleReported',
  'refundReported',
  'disputeReported',
  'checkReported',
  'payoutSettled',
]);

type Message =
  | { readonly topic: 'start'; readonly start: StartMessage }
  | { readonly topic: 'signal'; readonly signal: SignalMessage };

/** The sender of the outbox's workflow lane: the only place that starts or signals a workflow (temporal.md 4.1). */
export function workflowMessages(options: WorkflowMessagesOptions): Deliver {
  return (rows, signal) => {
    const messages = rows.map(parseMessage);
    const known = settle(lookUp(options.lookUp, rows, messages)); // once for all rows; each waits for it below
    return rows.map(async (row, index): Promise<Outcome> => {
      try {
        const other = options.others[row.topic];
        if (other !== undefined) return await other(row, signal);
        if (row.topic === 'end') return await end(options, row);
        const message = messages[index];
        if (message === undefined) return malformed;
        const facts = await known;
        if ('error' in facts) return { kind: 'away', code: 'postgres.look_up_failed', error: facts.error };
        return await options.client.withDeadline(Date.now() + (options.callTimeoutMs ?? defaultCallTimeoutMs), () =>
          message.topic === 'start'
            ? start(options, row, message.start, facts)
            : signalWithStart(options, row, message.signal, facts),
        );
      } catch (error) {
        return outcomeOf(error, row.attempts);
      }
    });
  };
}

/** A failure as a value: the rows that need no look-up would leave its rejection to nobody. */
function settle(known: Promise<Known>): Promise<Known | { readonly error: unknown }> {
  return known.catch((error: unknown) => ({ error }));
}

interface Known {
  readonly referrals: ReadonlyMap<string, ReferralState>;
  readonly keysWithLaterRow: ReadonlySet<string>;
}

async function start(
  { client, taskQueuePrefix }: WorkflowMessagesOptions,
  row: ClaimedMessage,
  message: StartMessage,
  known: Known,
): Promise<Outcome> {
  const referral = referralOf(message.workflowType, message.input, known);
  // The journey has gone on without its start, or the next row starts it: a start now would cost a run for nothing. (A start without a
  // window is for a referral that never tracked.)
  if (message.workflowType === 'referral' && referral?.status !== 'tracking' && message.startAt !== null) return sent;
  if (known.keysWithLaterRow.has(message.workflowId)) return sent;
  const remainingMs = message.startAt === null ? 0 : epochMs(message.startAt) - epochMs(row.claimedAt);
  await client.workflow.start(message.workflowType, {
    ...shared(taskQueuePrefix, row, message.workflowType, message.workflowId, message.input, referral),
    // What remains of the window, not the whole again: the relay may be late.
    ...(remainingMs > 0 ? { startDelay: remainingMs } : {}),
  });
  return sent;
}

/** The run has nothing left to act on: its object was put away with the other test facts (TST-07). Nothing runs: nothing to do. */
async function end({ client, callTimeoutMs }: WorkflowMessagesOptions, row: ClaimedMessage): Promise<Outcome> {
  const workflowId = textOf(row.payload, 'workflowId');
  // The id names its workspace: a row may end only what is its own workspace's.
  if (workflowId === undefined || workflowId.split('/')[1] !== row.workspaceId) return malformed;
  try {
    await client.withDeadline(Date.now() + (callTimeoutMs ?? defaultCallTimeoutMs), () =>
      client.workflow.getHandle(workflowId).terminate(endReason),
    );
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
  return sent;
}

async function signalWithStart(
  { client, taskQueuePrefix }: WorkflowMessagesOptions,
  row: ClaimedMessage,
  message: SignalMessage,
  known: Known,
): Promise<Outcome> {
  const to = addressee(message, known);
  const referral = referralOf(message.workflowType, to.input, known);
  // Never with startDelay: a run made by this call would sleep through its own first fact (temporal.md 3.2).
  await client.workflow.signalWithStart(message.workflowType, {
    ...shared(taskQueuePrefix, row, message.workflowType, to.workflowId, to.input, referral),
    signal: message.signal,
    signalArgs: (message.argument === null ? [] : [message.argument]) as unknown[],
  });
  return sent;
}

function shared(
  prefix: string,
  row: ClaimedMessage,
  workflowType: WorkflowType,
  workflowId: string,
  input: unknown,
  referral: ReferralState | undefined,
) {
  const values: SearchAttributeValues = {
    WorkspaceId: row.workspaceId,
    ProgramId: referral?.programId,
    AffiliateId: referral?.affiliateId ?? undefined,
    EntityStatus: referral?.status,
    PayoutRunId: textOf(input, 'payoutRunId'),
  };
  const priority: Priority = { priorityKey: row.priority, fairnessKey: row.workspaceId };
  return {
    workflowId,
    taskQueue: queueName(prefix, workflowTypes[workflowType]),
    args: [input] as unknown[],
    // A new run of an old id reads the row and goes on or closes: uniqueness is Postgres's business (temporal.md 2.3). No timeouts, no
    // retry policy: a timed-out run cleans nothing up, a retried one repeats everything.
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    typedSearchAttributes: toSearchAttributes(values),
    priority,
  };
}

/** A fact for a journey that was merged goes to the one it merged into. */
function addressee(message: SignalMessage, known: Known): { readonly workflowId: string; readonly input: unknown } {
  const root = referralOf(message.workflowType, message.input, known)?.mergedIntoId;
  const workspaceId = textOf(message.input, 'workspaceId');
  if (root === undefined || root === null || workspaceId === undefined || !factSignals.has(message.signal))
    return message;
  const input = { workspaceId: workspaceId as WorkspaceId, referralId: root as ReferralId };
  return { workflowId: workflowIds.referral(input), input };
}

function referralOf(workflowType: WorkflowType, input: unknown, known: Known): ReferralState | undefined {
  if (workflowType !== 'referral') return undefined;
  const id = textOf(input, 'referralId');
  return id === undefined ? undefined : known.referrals.get(id);
}

async function lookUp(
  queries: MessageLookUp,
  rows: readonly ClaimedMessage[],
  messages: readonly (Message | undefined)[],
): Promise<Known> {
  const wanted = new Map<string, Set<string>>();
  const starts: { key: string; id: string }[] = [];
  rows.forEach((row, index) => {
    const message = messages[index];
    if (message === undefined) return;
    const { workflowType, input, workflowId } = message.topic === 'start' ? message.start : message.signal;
    if (message.topic === 'start') starts.push({ key: workflowId, id: row.id });
    const id = workflowType === 'referral' ? textOf(input, 'referralId') : undefined;
    if (id === undefined || parseId('referral', id) === undefined) return;
    wanted.set(row.workspaceId, (wanted.get(row.workspaceId) ?? new Set()).add(id));
  });
  const [keysWithLaterRow, ...states] = await Promise.all([
    queries.keysWithLaterRow(starts),
    ...[...wanted].map(([workspaceId, ids]) => queries.referralStates(workspaceId, [...ids])),
  ]);
  const found = await findRoots(queries, wanted, states);
  return { referrals: new Map(found.flatMap((map) => [...map])), keysWithLaterRow };
}

/** The states of the roots as well: a signal that starts the root's run names its program and status. */
async function findRoots(
  queries: MessageLookUp,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
  states: readonly ReadonlyMap<string, ReferralState>[],
): Promise<readonly ReadonlyMap<string, ReferralState>[]> {
  const roots = await Promise.all(
    [...wanted.keys()].map(async (workspaceId, index) => {
      const ids = [...(states[index]?.values() ?? [])].flatMap((state) => state.mergedIntoId ?? []);
      return ids.length === 0 ? new Map<string, ReferralState>() : queries.referralStates(workspaceId, ids);
    }),
  );
  return [...states, ...roots];
}

/** Undefined: not a message of ours. Written by our own code, so it means a bug or a newer build; sending it could only do harm. */
function parseMessage(row: ClaimedMessage): Message | undefined {
  const workflowType = textOf(row.payload, 'workflowType');
  const workflowId = textOf(row.payload, 'workflowId');
  const input = fieldOf(row.payload, 'input');
  if (workflowId === undefined || workflowId.length > 200 || typeof input !== 'object' || input === null)
    return undefined;
  if (workflowType === undefined || !isWorkflowType(workflowType)) return undefined;
  // The id names its workspace: a row may start or signal only what is its own workspace's.
  if (!workflowId.startsWith(`${workflowType}/${row.workspaceId}/`) && workflowType !== 'sweep') return undefined;
  const shape = { workflowType, workflowId, input: input as StartMessage['input'] };
  if (row.topic === 'start') {
    const startAt = fieldOf(row.payload, 'startAt') ?? null;
    const instant = typeof startAt === 'string' ? parseInstant(startAt) : null;
    if (instant === undefined || (startAt !== null && instant === null)) return undefined;
    return { topic: 'start', start: { ...shape, startAt: instant } };
  }
  const signal = textOf(row.payload, 'signal');
  if (row.topic !== 'signal' || signal === undefined || signal === '') return undefined;
  const argument = (fieldOf(row.payload, 'argument') ?? null) as SignalMessage['argument'];
  return { topic: 'signal', signal: { ...shape, signal, argument } };
}

function isWorkflowType(text: string): text is WorkflowType {
  return Object.hasOwn(workflowTypes, text);
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;
}

function textOf(value: unknown, field: string): string | undefined {
  const found = fieldOf(value, field);
  return typeof found === 'string' ? found : undefined;
}

/** gRPC's numbers, from https://grpc.io/docs/guides/status-codes/; the package that names them is not ours to import. */
const grpc = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The table of temporal.md 4.3. */
export function outcomeOf(error: unknown, attempts: number): Outcome {
  if (error instanceof WorkflowExecutionAlreadyStartedError) return sent;
  if (error instanceof NamespaceNotFoundError) return { kind: 'dead', code: 'temporal.namespace_not_found' };
  const answer = isGrpcServiceError(error) ? error : error instanceof Error ? error.cause : undefined;
  if (!isGrpcServiceError(answer)) throw error;
  const later: Outcome = { kind: 'later', delayMs: backOffMs(attempts), code: `temporal.grpc_${answer.code}` };
  switch (answer.code as number) {
    case grpc.unavailable:
    case grpc.deadlineExceeded:
    case grpc.cancelled:
    case grpc.unauthenticated:
    case grpc.permissionDenied:
      return { kind: 'away', code: `temporal.grpc_${answer.code}` };
    case grpc.invalidArgument:
      // A server with an empty store, whose search attributes `bootstrap` is about to add: every message is refused until then, and none of
      // them is at fault (decision 0202).
      if (answer.details.includes('has no mapping defined for search attribute'))
        return { kind: 'away', code: 'temporal.not_prepared' };
      // 10,000 signals in one run: it continues as new once the senders stop.
      return answer.details.includes('exceeded workflow execution limit for signal events')
        ? later
        : { kind: 'dead', code: 'temporal.invalid_argument' };
    case grpc.resourceExhausted:
    default:
      return later;
  }
}
