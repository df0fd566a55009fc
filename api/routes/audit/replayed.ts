import type { z } from 'zod';
import {
  currentWorkflows,
  judgeHistory,
  judgeOpenRun,
  readHistoryText,
  type StateAtEvent,
  stateAtEvent,
} from '../../../activities/audit/history.js';
import { findHistory } from '../../../db/audit/history.js';
import { findReplay, insertReplay } from '../../../db/audit/replay.js';
import { findEntryAt } from '../../../db/reads/audit/entryAt.js';
import type { HistoryView } from '../../../db/reads/audit/historyList.js';
import { DomainError, InvariantError } from '../../../domain/errors.js';
import { addMs, type Instant, parseInstant } from '../../../domain/time.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import type { ApiDeps } from '../../deps.js';
import type { RouteContext } from '../../routeContext.js';
import { presentReplay, type replayWire, type stateWire } from '../../schemas/audit/history.js';

// What the routes of a history and those of a referral do alike: judge, and show the state at an event. Postgres only.

type Asking<R> = RouteContext<unknown, unknown, unknown, R>;

/** Replays a stored history now and keeps the verdict with who asked (api.md 16.3). */
export async function judgeAndKeep(
  ctx: Asking<z.output<typeof replayWire>>,
  deps: ApiDeps,
  historyId: string,
  path: string,
) {
  const history = await ctx.read((tx) => findHistory(tx, historyId));
  if (history === undefined) throw new DomainError('resource.not_found');
  const { heads } = await deps.heads.list(ctx.workspaceId);
  // Before the transaction: a replay takes its time, and nothing may wait on a row meanwhile.
  const judged = await judgeHistory({ db: deps.longDb, bundle: currentWorkflows, heads }, ctx.workspaceId, history);
  return ctx.write(async (tx, act) => {
    const replay = await findReplay(tx, await insertReplay(tx, act, { historyId }, judged));
    if (replay === undefined) throw new InvariantError('a replay that was stored is there', { historyId });
    return answer(presentReplay(replay), { status: 201, location: path });
  });
}

/** The same for a run that is still open, up to where it last stood still. */
export async function judgeOpenAndKeep(
  ctx: Asking<z.output<typeof replayWire>>,
  deps: ApiDeps,
  run: Parameters<typeof judgeOpenRun>[2],
  path: string,
) {
  const judged = await judgeOpenRun({ db: deps.longDb, bundle: currentWorkflows }, ctx.workspaceId, run);
  return ctx.write(async (tx, act) => {
    const { objectId, runId } = run;
    const of = { objectId, runId, throughEvent: judged.throughEvent };
    const replay = await findReplay(tx, await insertReplay(tx, act, of, judged));
    if (replay === undefined) throw new InvariantError('a replay that was stored is there', of);
    return answer(presentReplay(replay), { status: 201, location: path });
  });
}

/** The state at event N of an archived run. 422 when it has no such event. */
export async function archivedState(
  ctx: Asking<z.output<typeof stateWire>>,
  history: HistoryView,
  event: number,
): Promise<z.output<typeof stateWire>> {
  const text = await ctx.read((tx) => readHistoryText(tx, history.id));
  if (text === undefined) throw new DomainError('resource.not_found');
  return replayedState(ctx, { ...history, historyId: history.id, text }, event);
}

export async function replayedState(
  ctx: Asking<z.output<typeof stateWire>>,
  run: {
    readonly historyId: string | null;
    readonly workflowId: string;
    readonly runId: string;
    readonly objectId: string;
    readonly text: string;
  },
  event: number,
): Promise<z.output<typeof stateWire>> {
  const { replay, state } = await stateAtEvent(await currentWorkflows(), run.text, run.workflowId, event);
  if (state === undefined)
    throw invalid({ parameter: 'event', code: 'out_of_range', detail: 'This history has no such event.' });
  const step = stepOf(state);
  const entry =
    step.sequence === null ? undefined : await ctx.read((tx) => findEntryAt(tx, run.objectId, step.sequence ?? 0));
  return {
    historyId: run.historyId,
    runId: run.runId,
    event,
    eventType: wordOf(state.eventType),
    at: instantFrom(state.at),
    status: step.status,
    sequence: step.sequence,
    state: state.point?.state ?? null,
    timers: state.timers.map((timer) => ({
      timerId: timer.timerId,
      startedEvent: timer.startedEventId,
      startedAt: instantFrom(timer.startedAt),
      firesAt: addMs(instantFrom(timer.startedAt), timer.ms),
    })),
    pending: state.pending.map((work) => ({
      kind: work.kind,
      name: work.name,
      event: work.eventId,
      since: instantFrom(work.since),
    })),
    closed: state.isClosed,
    entry: entry ?? null,
    replay: { result: replay.result, message: replay.message },
  };
}

function stepOf(state: StateAtEvent): { readonly status: string | null; readonly sequence: number | null } {
  const step = state.point?.state;
  if (typeof step !== 'object' || step === null) return { status: null, sequence: null };
  return {
    status: 'status' in step && typeof step.status === 'string' ? step.status : null,
    sequence: 'seq' in step && typeof step.seq === 'number' ? step.seq : null,
  };
}

/** `EVENT_TYPE_TIMER_FIRED` → `timer_fired`. */
export function wordOf(eventType: string): string {
  return eventType.replace('EVENT_TYPE_', '').toLowerCase();
}

/** Temporal's times have up to nine decimals, ours three. */
export function instantFrom(eventTime: string): Instant {
  const instant = parseInstant(eventTime.replace(/(\.\d{3})\d*/, '$1'));
  if (instant === undefined) throw new InvariantError('an event has a time', { eventTime });
  return instant;
}
