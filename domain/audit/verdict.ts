import { idOfUuid } from '../ids.js';
import { canonicalJson } from './encoding.js';
import { type LostAttempt, orderOf, type Recording } from './recording.js';

/**
 * What a workflow did, as its code says it now (workflows/auditInterceptor.ts). The auditor's replay listens, the production worker does
 * not: a replay alone accepts altered arguments and results (temporal.md 10.3), so they are reported and compared outside.
 */
export type AuditReport =
  | { readonly kind: 'input'; readonly value: unknown }
  | {
      readonly kind: 'activity' | 'localActivity';
      readonly id: string;
      readonly type: string;
      readonly arguments: readonly unknown[];
    }
  | { readonly kind: 'step'; readonly id: string; readonly type: string; readonly result: unknown }
  | { readonly kind: 'timer'; readonly id: string; readonly ms: number }
  | {
      readonly kind: 'child';
      readonly type: string;
      readonly workflowId: string;
      readonly arguments: readonly unknown[];
    }
  | { readonly kind: 'result'; readonly value: unknown };

/** A report with the number of the last event the workflow had seen. */
export type Report = AuditReport & { readonly historyLength: number };

/** The sink's shape as Temporal wants it: one object of functions by name. */
export type AuditSinks = { readonly audit: { report(report: AuditReport): void } };

export type CheckResult = 'pass' | 'fail' | 'not_possible';

/** Where recorded and replayed part: the event's number, what is compared, both sides. Ids, codes, instants and counts only. */
export interface Difference {
  readonly eventId: number | null;
  readonly field: string;
  readonly recorded: unknown;
  readonly replayed: unknown;
}

/** One line of the only history that names this run. */
export interface EntryFact {
  readonly objectId: string;
  readonly seq: number;
  readonly to: string | null;
  readonly event: string;
  readonly activityId: string | null;
  readonly causeId: string | null;
  readonly commitId: string | null;
}

/** A fact or decision that a message may name. */
export interface MessageFact {
  readonly id: string;
  readonly verb: string | null;
  readonly objectId: string | null;
  /** Of a decision that came by hand: who was claimed. Null for every other. */
  readonly by: string | null;
}

/** An accrual as the ledger has it beside the commission's own amount, both as decimal text of minor units. */
export interface BookFact {
  readonly commissionId: string;
  readonly event: string;
  readonly commitId: string | null;
  readonly transfers: number;
  readonly bookedMinor: string | null;
  readonly lineMinor: string | null;
}

export interface VerdictFacts {
  readonly workspaceId: string;
  readonly objectId: string;
  readonly workflowId: string;
  readonly entries: readonly EntryFact[];
  /** Status of the object after each seq, from all its entries. */
  readonly statusAt: ReadonlyMap<number, string>;
  /** Highest number in the object's history, entries without a status (a touch, a note) included. */
  readonly newestSeq: number;
  readonly messages: ReadonlyMap<string, MessageFact>;
  readonly books: readonly BookFact[];
  readonly row: { readonly version: number; readonly status: string } | null;
  /** A later run exists, so this run's last state need not be today's row. */
  readonly isLastRun: boolean;
}

export interface Verdict {
  readonly verdict: CheckResult;
  readonly checks: {
    readonly record: CheckResult;
    readonly replay: CheckResult;
    readonly arguments: CheckResult;
    readonly books: CheckResult;
  };
  readonly firstDifference: Difference | null;
}

function same(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Arguments (temporal.md 10.4, 3 and 4): regular activities and timers against the decoded events; local activities, whose arguments no
 * history holds, against the audit entries of this run and activity; every message against its row; every step against the entries.
 * Undefined: nothing differs.
 */
export function compareArguments(
  recording: Recording,
  reports: readonly Report[],
  facts: VerdictFacts,
): Difference | undefined {
  return (
    compareInput(recording, facts) ??
    compareScheduled(recording, reports) ??
    compareTimers(recording, reports) ??
    compareSignals(recording, facts) ??
    compareCauses(recording, reports, facts) ??
    compareSteps(recording, reports, facts) ??
    compareResult(recording, reports) ??
    compareEntries(recording, reports, facts)
  );
}

/**
 * The part of it that needs no code of ours: what the recording itself says was scheduled and answered, against the entries. For the
 * stand-alone verifier, which cannot replay.
 */
export function compareRecorded(
  recording: Recording,
  facts: Pick<VerdictFacts, 'workspaceId' | 'objectId' | 'entries' | 'statusAt' | 'newestSeq'>,
): Difference | undefined {
  const reports: Report[] = [
    ...recording.localActivities.flatMap((activity): Report[] => [
      { kind: 'localActivity', id: activity.id, type: activity.type, arguments: [], historyLength: activity.eventId },
      { kind: 'step', id: activity.id, type: activity.type, result: activity.result, historyLength: activity.eventId },
    ]),
    ...recording.activities.flatMap((activity): Report[] => [
      {
        kind: 'activity',
        id: activity.id,
        type: activity.type,
        arguments: activity.arguments,
        historyLength: activity.eventId,
      },
      ...(activity.completed === undefined
        ? []
        : [
            {
              kind: 'step' as const,
              id: activity.id,
              type: activity.type,
              result: activity.completed.result,
              historyLength: activity.completed.eventId,
            },
          ]),
    ]),
  ];
  return (
    compareInput(recording, facts) ??
    compareRegular(recording, facts) ??
    compareSteps(recording, reports, facts) ??
    compareEntries(recording, reports, facts)
  );
}

/** A regular activity's arguments stand in the history: they name this workspace, and the fact that its entries name as cause. */
function compareRegular(
  recording: Recording,
  facts: Pick<VerdictFacts, 'workspaceId' | 'entries'>,
): Difference | undefined {
  for (const activity of recording.activities) {
    const [argument] = activity.arguments;
    if (!isObject(argument) || argument.workspaceId !== facts.workspaceId) {
      return {
        eventId: activity.eventId,
        field: `${activity.type}.workspaceId`,
        recorded: isObject(argument) ? (argument.workspaceId ?? null) : null,
        replayed: facts.workspaceId,
      };
    }
  }
  return undefined;
}

function compareInput(
  recording: Recording,
  facts: Pick<VerdictFacts, 'workspaceId' | 'objectId'>,
): Difference | undefined {
  const { input } = recording;
  if (!isObject(input) || input.workspaceId !== facts.workspaceId) {
    return {
      eventId: 1,
      field: 'input.workspaceId',
      recorded: isObject(input) ? (input.workspaceId ?? null) : null,
      replayed: facts.workspaceId,
    };
  }
  const named = input.referralId ?? input.payoutId ?? input.payoutRunId ?? input.jobId;
  if (named !== undefined && named !== facts.objectId)
    return { eventId: 1, field: 'input.objectId', recorded: named, replayed: facts.objectId };
  return undefined;
}

function compareScheduled(recording: Recording, reports: readonly Report[]): Difference | undefined {
  const replayed = new Map(
    reports.flatMap((report) => (report.kind === 'activity' ? [[report.id, report] as const] : [])),
  );
  for (const activity of recording.activities) {
    const report = replayed.get(activity.id);
    if (report === undefined || report.type !== activity.type) {
      return {
        eventId: activity.eventId,
        field: 'activity.type',
        recorded: activity.type,
        replayed: report?.type ?? null,
      };
    }
    if (!same(report.arguments, activity.arguments)) {
      return {
        eventId: activity.eventId,
        field: `activity.${activity.type}.arguments`,
        recorded: activity.arguments,
        replayed: report.arguments,
      };
    }
  }
  return undefined;
}

function compareTimers(recording: Recording, reports: readonly Report[]): Difference | undefined {
  const replayed = new Map(
    reports.flatMap((report) => (report.kind === 'timer' ? [[report.id, report] as const] : [])),
  );
  for (const timer of recording.timers) {
    const report = replayed.get(timer.id);
    if (report === undefined || report.ms !== timer.ms)
      return { eventId: timer.eventId, field: 'timer.ms', recorded: timer.ms, replayed: report?.ms ?? null };
  }
  return undefined;
}

function compareSignals(recording: Recording, facts: VerdictFacts): Difference | undefined {
  for (const signal of recording.signals) {
    if (!isObject(signal.argument)) continue; // empty, or by hand: the run only read its row
    const { decisionId } = signal.argument;
    const named = decisionId ?? Object.entries(signal.argument).find(([field]) => field.endsWith('Id'))?.[1];
    if (typeof named !== 'string' || 'by' in signal.argument) continue; // a claim is judged by the row it made
    const row = facts.messages.get(named);
    if (row === undefined)
      return { eventId: signal.eventId, field: `signal.${signal.name}`, recorded: named, replayed: null };
    if (decisionId !== undefined && row.verb !== signal.name)
      return { eventId: signal.eventId, field: 'signal.name', recorded: signal.name, replayed: row.verb };
  }
  return undefined;
}

function compareCauses(recording: Recording, reports: readonly Report[], facts: VerdictFacts): Difference | undefined {
  const eventOf = eventsOfSteps(recording);
  const entries = accountable(recording, facts);
  for (const report of reports) {
    if (report.kind !== 'localActivity' && report.kind !== 'activity') continue;
    const [argument] = report.arguments;
    const eventId = eventOf.get(report.id) ?? null;
    if (!isObject(argument) || argument.workspaceId !== facts.workspaceId) {
      return {
        eventId,
        field: `${report.type}.workspaceId`,
        recorded: isObject(argument) ? (argument.workspaceId ?? null) : null,
        replayed: facts.workspaceId,
      };
    }
    const factId = isObject(argument.fact) ? argument.fact.id : undefined;
    // A step may cause more than its fact (a refund takes up its sale first): one of its causes is the fact, or none is known.
    const causes = entries
      .filter((entry) => entry.activityId === report.id && entry.causeId !== null && facts.messages.has(entry.causeId))
      .map((entry) => entry.causeId);
    if (typeof factId === 'string' && causes.length > 0 && !causes.includes(factId))
      return { eventId, field: `${report.type}.fact`, recorded: causes[0], replayed: factId };
    const claimed = compareClaim(argument, facts);
    if (claimed !== undefined) return { eventId, field: `${report.type}.${claimed.field}`, ...claimed.sides };
    const verdict = compareCheck(report.id, argument, entries);
    if (verdict !== undefined) return { eventId, field: `${report.type}.verdict`, ...verdict };
  }
  return undefined;
}

/** A decision sent by hand: its row has the verb that was sent and the person who was claimed (temporal.md 10.4, 3). */
function compareClaim(
  argument: Readonly<Record<string, unknown>>,
  facts: VerdictFacts,
): { readonly field: string; readonly sides: { readonly recorded: unknown; readonly replayed: unknown } } | undefined {
  const { decisionId, verb, claim } = argument;
  if (typeof decisionId !== 'string' || typeof verb !== 'string') return undefined;
  const row = facts.messages.get(idOfUuid('decision', decisionId) ?? decisionId);
  if (row === undefined) return { field: 'decisionId', sides: { recorded: null, replayed: decisionId } };
  if (row.verb !== verb) return { field: 'verb', sides: { recorded: row.verb, replayed: verb } };
  const by = isObject(claim) ? claim.by : undefined;
  return row.by !== null && by !== row.by ? { field: 'by', sides: { recorded: row.by, replayed: by } } : undefined;
}

/** A provider's answer: the entry of its check says the same, or that nothing was known. */
function compareCheck(
  activityId: string,
  argument: Readonly<Record<string, unknown>>,
  entries: readonly EntryFact[],
): { readonly recorded: unknown; readonly replayed: unknown } | undefined {
  const { checkId, verdict } = argument;
  if (typeof checkId !== 'string' || typeof verdict !== 'string') return undefined;
  const entry = entries.find((one) => one.activityId === activityId && one.objectId === checkId);
  return entry === undefined || entry.event === verdict ? undefined : { recorded: entry.event, replayed: verdict };
}

function compareSteps(
  recording: Recording,
  reports: readonly Report[],
  facts: Pick<VerdictFacts, 'objectId' | 'entries' | 'statusAt' | 'newestSeq'>,
): Difference | undefined {
  const eventOf = eventsOfSteps(recording);
  // What this run wrote up to a step has its seq or a lower one, what it wrote later a higher one. Not "the last one written": after a
  // worker's death an activity runs again, and its answer tells what others have written meanwhile.
  const own = facts.entries
    .filter((entry) => entry.objectId === facts.objectId && entry.activityId !== null)
    .map((entry) => ({
      seq: entry.seq,
      order: orderOf(entry.activityId ?? ''),
      lostIn: recording.lostAttempts.filter((attempt) => mayHaveWritten(attempt, entry, facts.objectId)),
    }));
  for (const report of reports) {
    if (report.kind !== 'step' || !isObject(report.result)) continue;
    const { seq, status } = report.result;
    if (typeof seq !== 'number' || typeof status !== 'string') continue;
    const eventId = eventOf.get(report.id) ?? null;
    const known = statusAfter(facts.statusAt, seq);
    if (known !== undefined && known !== status)
      return { eventId, field: `${report.type}.status`, recorded: status, replayed: known };
    if (facts.newestSeq > 0 && seq > facts.newestSeq)
      return { eventId, field: `${report.type}.seq`, recorded: seq, replayed: facts.newestSeq };
    const order = orderOf(report.id);
    const wrong = own.find(
      (entry) =>
        entry.order <= order
          ? entry.seq > seq
          : entry.seq <= seq && !entry.lostIn.some((attempt) => attempt.afterOrder < order), // read by a later attempt
    );
    if (wrong !== undefined) return { eventId, field: `${report.type}.seq`, recorded: seq, replayed: wrong.seq };
  }
  return undefined;
}

/**
 * May this attempt, whose markers the history does not hold, have written the entry? Its numbers were given again by the next attempt, to
 * other activities perhaps. The seq is compared for the object itself; a check's or commission's entry counts in another row's numbers.
 */
function mayHaveWritten(attempt: LostAttempt, entry: EntryFact, objectId: string): boolean {
  return (
    orderOf(entry.activityId ?? '') > attempt.afterOrder &&
    (entry.objectId !== objectId || entry.seq <= attempt.throughSeq)
  );
}

/** The entries that the recorded activities must account for: all but those which a lost attempt may have written. */
function accountable(recording: Recording, facts: Pick<VerdictFacts, 'objectId' | 'entries'>): readonly EntryFact[] {
  return facts.entries.filter(
    (entry) => !recording.lostAttempts.some((attempt) => mayHaveWritten(attempt, entry, facts.objectId)),
  );
}

function statusAfter(statusAt: ReadonlyMap<number, string>, seq: number): string | undefined {
  let best: number | undefined;
  for (const at of statusAt.keys()) if (at <= seq && (best === undefined || at > best)) best = at;
  return best === undefined ? undefined : statusAt.get(best);
}

/** The event that holds each activity's result: a local one's marker, a regular one's completion. */
export function eventsOfSteps(recording: Recording): ReadonlyMap<string, number> {
  return new Map([
    ...recording.localActivities.map((activity) => [activity.id, activity.eventId] as const),
    ...recording.activities.flatMap((activity) =>
      activity.completed === undefined ? [] : [[activity.id, activity.completed.eventId] as const],
    ),
  ]);
}

/** What the code returns now, and what the closing event says it returned. */
function compareResult(recording: Recording, reports: readonly Report[]): Difference | undefined {
  if (recording.closeStatus !== 'completed') return undefined;
  const last = reports.findLast((report) => report.kind === 'result');
  const replayed = last?.kind === 'result' ? last.value : null;
  return same(replayed, recording.result)
    ? undefined
    : { eventId: recording.eventCount, field: 'result', recorded: recording.result, replayed };
}

function compareEntries(
  recording: Recording,
  reports: readonly Report[],
  facts: Pick<VerdictFacts, 'objectId' | 'entries'>,
): Difference | undefined {
  const ran = new Set(
    reports.flatMap((report) => (report.kind === 'activity' || report.kind === 'localActivity' ? [report.id] : [])),
  );
  const orphan = accountable(recording, facts).find((entry) => entry.activityId === null || !ran.has(entry.activityId));
  return orphan === undefined
    ? undefined
    : {
        eventId: recording.eventCount,
        field: 'auditEntry.activity',
        recorded: null,
        replayed: `${orphan.event} of activity ${orphan.activityId ?? '-'}`,
      };
}

/** Books (temporal.md 10.4, 5): entries lead to the transfers they caused, amounts agree, the last replayed state is the row's. */
export function compareBooks(
  recording: Recording,
  reports: readonly Report[],
  facts: VerdictFacts,
): Difference | undefined {
  for (const book of facts.books) {
    if (book.transfers === 0)
      return {
        eventId: null,
        field: `books.${book.event}`,
        recorded: book.commissionId,
        replayed: 'no transfer in its transaction',
      };
    if (book.bookedMinor !== null && book.bookedMinor !== book.lineMinor) {
      return { eventId: null, field: 'books.amount', recorded: book.lineMinor, replayed: book.bookedMinor };
    }
  }
  if (!facts.isLastRun || facts.row === null || recording.closeStatus !== 'completed') return undefined;
  const last = reports.findLast((report) => report.kind === 'result');
  const state = last?.kind === 'result' && isObject(last.value) ? last.value : undefined;
  if (state === undefined || typeof state.seq !== 'number' || state.seq !== facts.row.version) return undefined; // changed since, by the API
  return state.status === facts.row.status
    ? undefined
    : { eventId: recording.eventCount, field: 'row.status', recorded: facts.row.status, replayed: state.status };
}

/** The results as one: fail beats not_possible beats pass. */
export function overall(checks: Partial<Verdict['checks']>): CheckResult {
  const results = Object.values(checks);
  return results.includes('fail') ? 'fail' : results.includes('not_possible') ? 'not_possible' : 'pass';
}
