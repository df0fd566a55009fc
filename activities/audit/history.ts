import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { InjectedSinks, WorkflowBundle } from '@temporalio/worker';
import { findHistoryBytes, type StoredHistory, storeHistory } from '../../db/audit/history.js';
import { type Db } from '../../db/connection.js';
import { readVerdictFacts } from '../../db/reads/audit/verdictFacts.js';
import { inWorkspace, type ReadTx, readWorkspace, type Tx } from '../../db/transaction.js';
import { systemAct } from '../../domain/act.js';
import {
  eventTexts,
  firstDifferentEvent,
  orderOf,
  parseRecording,
  type Recording,
  settledEvents,
} from '../../domain/audit/recording.js';
import {
  type AuditReport,
  type AuditSinks,
  compareArguments,
  compareBooks,
  eventsOfSteps,
  type CheckResult,
  type Difference,
  overall,
  type Report,
  type Verdict,
} from '../../domain/audit/verdict.js';
import type { NewId, WorkspaceId } from '../../domain/ids.js';
import { parseInstant, type Instant } from '../../domain/time.js';
import { findLeaf, hashContent, type Leaf, listLeaves, readCommits, sha256 } from '../../db/audit/chain.js';
import type { SignedHead } from '../../domain/audit/bundle.js';
import { encodeLeaf } from '../../domain/audit/encoding.js';
import { type OpenWork, openWorkAt } from '../../domain/audit/eventState.js';
import type { HistoryReader } from '../gateways/historyReader.js';

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/** A replay that hangs (a run still in its start delay) is no verdict (temporal.md 10.2). */
const replayTimeoutMs = 20_000;

let quiet = false;
let loading: Promise<typeof import('@temporalio/worker')> | undefined;

/**
 * For processes that replay and run no worker: the SDK's own lines about each replay stay out of their output, the verdict says it all.
 * Once per process, before the first replay.
 */
export function quietReplays(): void {
  quiet = true;
}

/**
 * The SDK's worker, loaded at the first replay: with its bundler it takes a third of the CPU of an api process's start, and most of
 * them never replay anything.
 */
async function workerSdk(): Promise<typeof import('@temporalio/worker')> {
  loading ??= import('@temporalio/worker').then((sdk) => {
    if (quiet)
      sdk.Runtime.install({
        logger: new sdk.DefaultLogger('ERROR'),
        telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } },
      });
    return sdk;
  });
  return loading;
}

let bundling: Promise<WorkflowBundle> | undefined;

/**
 * The workflow code as this process's workers run it, the audit interceptor included: the file that `npm run build` made, or from sources
 * bundled in about a second, once per process.
 */
export function currentWorkflows(): Promise<WorkflowBundle> {
  bundling ??= loadWorkflows().catch((error: unknown) => {
    bundling = undefined; // the next one who asks tries again
    throw error;
  });
  return bundling;
}

async function loadWorkflows(): Promise<WorkflowBundle> {
  const built = fileURLToPath(new URL('../../workflowBundle.js', import.meta.url));
  if (existsSync(built)) return { code: await readFile(built, 'utf8') };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const pathOf = (name: string): string =>
    fileURLToPath(new URL(`../../workflows/${name}.${extension}`, import.meta.url));
  const { bundleWorkflowCode, DefaultLogger } = await workerSdk();
  return bundleWorkflowCode({
    workflowsPath: pathOf('index'),
    workflowInterceptorModules: [pathOf('auditInterceptor')],
    logger: new DefaultLogger('ERROR'),
  });
}

/** A production worker does not listen to the audit reports; an unregistered sink would log an error for each. */
export const silentAuditSinks: InjectedSinks<AuditSinks> = {
  audit: { report: { fn: () => undefined, callDuringReplay: false } },
};

/** `referral/<workspace>/<object>[…]` → its parts; undefined for a workflow of all workspaces (a sweep). */
export function parseWorkflowId(
  workflowId: string,
): { readonly type: string; readonly workspaceId: WorkspaceId; readonly objectId: string } | undefined {
  const [type, workspaceId, objectId] = workflowId.split('/');
  return type === undefined || workspaceId === undefined || objectId === undefined || objectId === ''
    ? undefined
    : { type, workspaceId: workspaceId as WorkspaceId, objectId };
}

export type ExportOutcome = 'stored' | 'present' | 'open' | 'gone' | 'not_exported';

/**
 * Archives one closed run: reads it from Temporal, compresses, hashes, stores; the chain takes it with the next leaf. A relay function,
 * because it must not wait inside the run it exports. Safe to repeat: unique by run id. `open`: ask again later.
 */
export async function exportHistory(
  deps: { readonly db: Db; readonly newId: NewId; readonly reader: HistoryReader },
  run: { readonly workflowId: string; readonly runId: string },
): Promise<ExportOutcome> {
  const parsed = parseWorkflowId(run.workflowId);
  if (parsed === undefined) return 'not_exported';
  const read = await deps.reader.read(run.workflowId, run.runId);
  if (read.state !== 'closed') return read.state;
  const recording = parseRecording(read.json);
  const gzipped = await zip(Buffer.from(read.json));
  const stored = await inWorkspace(deps.db, parsed.workspaceId, async (tx, now) =>
    storeHistory(tx, systemAct({ workspaceId: parsed.workspaceId, now, newId: deps.newId }), {
      workflowType: recording.workflowType,
      workflowId: run.workflowId,
      runId: run.runId,
      objectId: (await runOfSchedule(tx, run.workflowId)) ?? parsed.objectId,
      buildId: recording.buildId,
      eventCount: recording.eventCount,
      firstEventAt: instant(recording.firstEventAt),
      lastEventAt: instant(recording.lastEventAt),
      closeStatus: recording.closeStatus,
      sha256: sha256(read.json),
      eventHashes: Buffer.concat(eventTexts(recording).map((text) => Buffer.from(sha256(text), 'hex'))),
      gzipped,
    }),
  );
  return stored ? 'stored' : 'present';
}

/** A scheduled run's workflow id names the schedule and the nominal time; its row knows the id (temporal.md 2.1). */
async function runOfSchedule(tx: Tx, workflowId: string): Promise<string | undefined> {
  return (await tx('payout_runs').where({ workflow_id: workflowId }).first<{ id: string } | undefined>('id'))?.id;
}

/** Temporal's times have up to nine decimals; ours three. */
function instant(eventTime: string): Instant {
  const parsed = parseInstant(eventTime.replace(/(\.\d{3})\d*/, '$1'));
  if (parsed === undefined) throw new TypeError(`not a time: ${eventTime}`);
  return parsed;
}

/** The JSON as it was recorded. */
export async function readHistoryText(tx: ReadTx | Tx, id: string): Promise<string | undefined> {
  const bytes = await findHistoryBytes(tx, id);
  return bytes === undefined ? undefined : (await unzip(bytes)).toString('utf8');
}

export interface ReplayOutcome {
  readonly result: CheckResult;
  readonly reports: readonly Report[];
  /** Temporal's own words for what differs; codes and event numbers, no data. */
  readonly message: string | null;
}

/**
 * Replays a recorded history against the current code, without a server. It passes only when no error came, in time, the history has a
 * completed workflow task, and the audit sink reported at least one state: a resolved promise alone proves nothing (temporal.md 10.2).
 */
export async function replayHistory(
  bundle: WorkflowBundle,
  text: string,
  workflowId: string,
  throughEvent?: number,
): Promise<ReplayOutcome> {
  const recording = parseRecording(text);
  if (!recording.hasCompletedTask)
    return { result: 'not_possible', reports: [], message: 'no workflow task was completed' };
  const reports: Report[] = [];
  const sinks: InjectedSinks<AuditSinks> = {
    audit: {
      report: {
        callDuringReplay: true,
        fn: (info, report: AuditReport) => void reports.push({ ...report, historyLength: info.historyLength }),
      },
    },
  };
  const events =
    throughEvent === undefined ? recording.events : recording.events.slice(0, lastWholeTask(recording, throughEvent));
  const { Worker } = await workerSdk();
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<'timed out'>((resolve) => {
    timer = setTimeout(() => resolve('timed out'), replayTimeoutMs);
  });
  try {
    const replayed = Worker.runReplayHistory({ workflowBundle: bundle, sinks }, { events }, workflowId).then(
      () => 'replayed' as const,
    );
    if ((await Promise.race([replayed, timedOut])) === 'timed out')
      return { result: 'not_possible', reports, message: 'the replay did not end in time' };
  } catch (error) {
    return {
      result: 'fail',
      reports,
      message: error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : 'the replay failed',
    };
  } finally {
    clearTimeout(timer);
  }
  return reports.some((report) => report.kind === 'step' || report.kind === 'result')
    ? { result: 'pass', reports, message: null }
    : { result: 'not_possible', reports, message: 'the replay reported no state' };
}

/** A history may be cut only after a workflow task's scheduled/started pair: elsewhere a replay hangs (temporal.md 10.2, 10.5). */
function lastWholeTask(recording: Recording, throughEvent: number): number {
  const cut = recording.events.filter((event) => Number.parseInt(event.eventId, 10) <= throughEvent);
  const last = cut.findLastIndex((event) => event.eventType === 'EVENT_TYPE_WORKFLOW_TASK_STARTED');
  return last === -1 ? cut.length : last + 1;
}

/** Which event does Temporal's refusal name? `[TMPRL1100] … at event 12`, else nothing. */
function eventNamedBy(message: string | null): number | null {
  const match = message === null ? null : /event(?:Id|_id)?[ :=]*\(?(\d+)/i.exec(message);
  return match === null ? null : Number.parseInt(match[1] ?? '', 10);
}

/** The verdict, and which code recorded and which judged. */
export type JudgedHistory = Verdict & { readonly recordedBuild: string | null; readonly checkedBuild: string };

/**
 * The auditor's verdict on a stored history, or on a copy that somebody shows (`shown`): record, replay, arguments, books (temporal.md
 * 10.4). Needs Postgres for the rows, never a Temporal server.
 */
export async function judgeHistory(
  deps: {
    readonly db: Db;
    readonly bundle: () => Promise<WorkflowBundle>;
    /** Heads kept outside the database; without them a chain written anew in whole would pass. */
    readonly heads: readonly SignedHead[];
  },
  workspaceId: WorkspaceId,
  history: StoredHistory,
  shown?: string,
): Promise<JudgedHistory> {
  const { stored, facts, leafHolds } = await readWorkspace(deps.db, workspaceId, async (tx) => ({
    stored: await readHistoryText(tx, history.id),
    facts: await readVerdictFacts(tx, workspaceId, history),
    leafHolds: await isInChain(tx, history, deps.heads),
  }));
  const text = shown ?? stored ?? '';
  const bundle = await deps.bundle();
  const checkedBuild = sha256(bundle.code).slice(0, 16);
  let recording: Recording;
  try {
    recording = parseRecording(text);
  } catch {
    const checks = {
      record: 'fail',
      replay: 'not_possible',
      arguments: 'not_possible',
      books: 'not_possible',
    } as const;
    return {
      verdict: 'fail',
      checks,
      firstDifference: { eventId: null, field: 'history', recorded: history.sha256, replayed: 'not a history' },
      recordedBuild: history.buildId,
      checkedBuild,
    };
  }

  const record = recordDifference(text, recording, history, leafHolds);
  const replay = await replayHistory(bundle, text, history.workflowId);
  const compared = replay.result === 'not_possible' ? undefined : compareArguments(recording, replay.reports, facts);
  const books = replay.result === 'pass' ? compareBooks(recording, replay.reports, facts) : undefined;
  const checks: Verdict['checks'] = {
    record: record === undefined ? 'pass' : 'fail',
    replay: replay.result,
    arguments: replay.result === 'not_possible' ? 'not_possible' : compared === undefined ? 'pass' : 'fail',
    books: replay.result === 'pass' ? (books === undefined ? 'pass' : 'fail') : 'not_possible',
  };
  return {
    verdict: overall(checks),
    checks,
    firstDifference: record ?? compared ?? replayDifference(replay) ?? books ?? null,
    recordedBuild: history.buildId,
    checkedBuild,
  };
}

/** The verdict on a run that is still open, and the event up to which it was judged. */
export type JudgedRun = JudgedHistory & { readonly throughEvent: number };

/**
 * The same for a run that is still open (screens.md 4, Replay): judged up to where its workflow last stood still. Its record is sealed when it
 * closes, so that line is not possible yet and has no part in the verdict. The history is read before the rows: they may be ahead of it, never behind.
 */
export async function judgeOpenRun(
  deps: { readonly db: Db; readonly bundle: () => Promise<WorkflowBundle> },
  workspaceId: WorkspaceId,
  run: {
    readonly workflowType: string;
    readonly workflowId: string;
    readonly runId: string;
    readonly objectId: string;
    readonly json: string;
  },
): Promise<JudgedRun> {
  const whole = parseRecording(run.json);
  const events = settledEvents(whole.events);
  const bundle = await deps.bundle();
  const builds = { recordedBuild: whole.buildId, checkedBuild: sha256(bundle.code).slice(0, 16) };
  if (events.length === 0)
    return {
      verdict: 'not_possible',
      checks: { record: 'not_possible', replay: 'not_possible', arguments: 'not_possible', books: 'not_possible' },
      firstDifference: { eventId: null, field: 'replay', recorded: null, replayed: 'no workflow task was completed' },
      ...builds,
      throughEvent: 0,
    };
  const text = JSON.stringify({ events });
  const recording = parseRecording(text);
  const replay = await replayHistory(bundle, text, run.workflowId);
  const all = await readWorkspace(deps.db, workspaceId, (tx) =>
    readVerdictFacts(tx, workspaceId, { ...run, firstEventAt: whole.firstEventAt }),
  );
  const newest = Math.max(0, ...[...recording.activities, ...recording.localActivities].map(({ id }) => orderOf(id)));
  // What the next task wrote already is judged with it.
  const entries = all.entries.filter((entry) => entry.activityId === null || orderOf(entry.activityId) <= newest);
  const facts = { ...all, entries };
  const compared = replay.result === 'not_possible' ? undefined : compareArguments(recording, replay.reports, facts);
  const books = replay.result === 'pass' ? compareBooks(recording, replay.reports, facts) : undefined;
  const checks = {
    replay: replay.result,
    arguments: replay.result === 'not_possible' ? 'not_possible' : compared === undefined ? 'pass' : 'fail',
    books: replay.result !== 'pass' ? 'not_possible' : books === undefined ? 'pass' : 'fail',
  } as const;
  return {
    verdict: overall(checks),
    checks: { record: 'not_possible', ...checks },
    firstDifference: compared ?? replayDifference(replay) ?? books ?? null,
    ...builds,
    throughEvent: recording.eventCount,
  };
}

/** What a replay that did not pass says, and at which event. */
function replayDifference(replay: ReplayOutcome): Difference | undefined {
  return replay.result === 'pass'
    ? undefined
    : { eventId: eventNamedBy(replay.message), field: 'replay', recorded: null, replayed: replay.message };
}

function recordDifference(
  text: string,
  recording: Recording,
  history: StoredHistory,
  leafHolds: boolean,
): Difference | undefined {
  if (sha256(text) !== history.sha256) {
    const hashes = eventTexts(recording).map(sha256);
    const kept = history.eventHashes.toString('hex').match(/.{64}/g) ?? [];
    const eventId = firstDifferentEvent(kept, hashes) ?? null;
    return {
      eventId,
      field: eventId === null ? 'sha256' : `event.${recording.events[eventId - 1]?.eventType ?? 'missing'}`,
      recorded: history.sha256,
      replayed: sha256(text),
    };
  }
  return leafHolds
    ? undefined
    : { eventId: null, field: 'chain', recorded: history.sha256, replayed: 'not in the audit chain as it stands' };
}

/**
 * Is the history's hash in its leaf, is the leaf what its rows say, and does the chain lead from there to a head that was signed outside
 * the database? A leaf may be up to a minute late: then it counts as held.
 */
async function isInChain(tx: ReadTx, history: StoredHistory, outside: readonly SignedHead[]): Promise<boolean> {
  const row = await tx('histories').where({ id: history.id }).first<{ commit_id: string } | undefined>('commit_id');
  if (row === undefined) return false;
  const leaf = await findLeaf(tx, row.commit_id);
  if (leaf === undefined) {
    const { rows } = await tx.raw<{ rows: { is_young: boolean }[] }>(
      `select cast(:at as timestamptz) > now() - interval '60 seconds' as is_young`,
      { at: history.createdAt },
    );
    return rows[0]?.is_young === true;
  }
  const content = (await readCommits(tx, [row.commit_id])).get(row.commit_id);
  return content !== undefined && hashContent(content).hash === leaf.contentHash && leadsToHead(tx, leaf, outside);
}

/** Follows the seals from a leaf to the next head signed outside; without one, to the newest leaf. */
async function leadsToHead(tx: ReadTx, leaf: Leaf, outside: readonly SignedHead[]): Promise<boolean> {
  const signed = outside
    .map((head) => ({ sequence: BigInt(head.sequence), leafHash: head.leafHash }))
    .filter((head) => head.sequence >= leaf.sequence)
    .sort((a, b) => (a.sequence < b.sequence ? -1 : 1))[0];
  let previous = { sequence: leaf.sequence - 1n, leafHash: leaf.previousHash };
  for (;;) {
    const page = await listLeaves(tx, previous.sequence, 1_000);
    for (const next of page) {
      const isSealed =
        next.sequence === previous.sequence + 1n &&
        next.previousHash === previous.leafHash &&
        sha256(encodeLeaf(next.previousHash, next.sequence, next.commitId, next.contentHash)) === next.leafHash;
      if (!isSealed) return false;
      if (next.sequence === signed?.sequence) return next.leafHash === signed.leafHash;
      previous = next;
    }
    if (page.length === 0) return signed === undefined; // a head beyond the last leaf: the tail was cut
  }
}

export interface TimelinePoint {
  readonly eventId: number;
  readonly activity: string;
  /** What the activity answered: seq, status, what is waited for. */
  readonly state: unknown;
}

/**
 * Every state the workflow has been in, with the number of the event that holds it, a local activity's marker or a regular one's
 * completion; one replay for all (temporal.md 10.5).
 */
export function timelineOf(recording: Recording, reports: readonly Report[]): readonly TimelinePoint[] {
  const eventOf = eventsOfSteps(recording);
  return reports.flatMap((report) =>
    report.kind === 'step' && isState(report.result)
      ? [{ eventId: eventOf.get(report.id) ?? report.historyLength, activity: report.type, state: report.result }]
      : [],
  );
}

/** A provider's or a gateway's answer is no state: only what says where the row stands. */
function isState(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'status' in result && typeof result.status === 'string';
}

/** What an auditor sees at event N: the state after it, open timers, pending work (BEY-11). */
export interface StateAtEvent extends OpenWork {
  readonly eventId: number;
  readonly eventType: string;
  readonly at: string;
  /** Undefined: before the first state. */
  readonly point: TimelinePoint | undefined;
}

/** Undefined: the history has no such event. Fails with what the replay said when it cannot be replayed. */
export async function stateAtEvent(
  bundle: WorkflowBundle,
  text: string,
  workflowId: string,
  eventId: number,
): Promise<{ readonly replay: ReplayOutcome; readonly state: StateAtEvent | undefined }> {
  const recording = parseRecording(text);
  const event = recording.events.find((one) => one.eventId === String(eventId));
  // An open run is replayed up to its last whole task: beyond it there is no state.
  const throughEvent = recording.closeStatus === 'open' ? recording.eventCount : undefined;
  const replay = await replayHistory(bundle, text, workflowId, throughEvent);
  if (event === undefined) return { replay, state: undefined };
  const point = timelineOf(recording, replay.reports).findLast((one) => one.eventId <= eventId);
  return {
    replay,
    state: { eventId, eventType: event.eventType, at: event.eventTime, point, ...openWorkAt(recording, eventId) },
  };
}
