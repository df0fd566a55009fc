import { canonicalJson } from './encoding.js';

// A recorded history, read from Temporal's own JSON (`historyToJSON`, `temporal workflow show -o json`) without a package, so that the
// stand-alone verifier can do it too. Only what a verdict compares is taken out; every event keeps its number and time.

interface JsonPayload {
  readonly data?: string | null;
}
interface JsonPayloads {
  readonly payloads?: readonly JsonPayload[] | null;
}
export type JsonEvent = { readonly eventId: string; readonly eventTime: string; readonly eventType: string } & Readonly<
  Record<string, unknown>
>;

export interface RecordedActivity {
  readonly eventId: number;
  readonly id: string;
  readonly type: string;
  readonly arguments: readonly unknown[];
  /** Undefined: not completed. */
  readonly completed: { readonly eventId: number; readonly result: unknown } | undefined;
}
export interface RecordedLocalActivity {
  readonly eventId: number;
  readonly id: string;
  readonly type: string;
  readonly result: unknown;
}
export interface RecordedTimer {
  readonly eventId: number;
  readonly id: string;
  readonly ms: number;
}
export interface RecordedSignal {
  readonly eventId: number;
  readonly name: string;
  readonly argument: unknown;
}

/**
 * A workflow task that was begun and not completed: its worker died, or the server refused its commands because a signal had come
 * meanwhile. Its markers are lost, what its local activities wrote is not; the next attempt numbers its activities anew from the same
 * place, in the order that the rows have by then.
 */
export interface LostAttempt {
  /** The highest number of an activity that was issued before; the lost ones have higher numbers. */
  readonly afterOrder: number;
  /** What the first step of the next attempt answered: the lost ones wrote this number or lower ones. Infinity: no step came after. */
  readonly throughSeq: number;
}

export interface Recording {
  readonly workflowType: string;
  readonly runId: string;
  /** Set when this run was opened by continue-as-new, and when it ended so. */
  readonly continuedFromRunId: string | null;
  readonly continuedToRunId: string | null;
  readonly eventCount: number;
  readonly firstEventAt: string;
  readonly lastEventAt: string;
  readonly closeStatus: string;
  readonly buildId: string | null;
  /** Without a completed workflow task a replay passes silently (temporal.md 10.2). */
  readonly hasCompletedTask: boolean;
  readonly input: unknown;
  readonly result: unknown;
  readonly events: readonly JsonEvent[];
  readonly activities: readonly RecordedActivity[];
  readonly localActivities: readonly RecordedLocalActivity[];
  readonly timers: readonly RecordedTimer[];
  readonly signals: readonly RecordedSignal[];
  readonly lostAttempts: readonly LostAttempt[];
}

function decode(payload: JsonPayload | undefined): unknown {
  if (payload?.data === undefined || payload.data === null || payload.data === '') return null;
  const bytes = Uint8Array.from(atob(payload.data), (character) => character.charCodeAt(0));
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(text);
  } catch {
    return { undecodable: text.slice(0, 64) }; // sent by a hand that did not write JSON: shown, never believed
  }
}

function decodeAll(payloads: unknown): readonly unknown[] {
  return ((payloads as JsonPayloads | undefined)?.payloads ?? []).map(decode);
}

function attributes(event: JsonEvent, name: string): Readonly<Record<string, unknown>> | undefined {
  return event[name] as Readonly<Record<string, unknown>> | undefined;
}

/** A text that says something; null for anything else. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** `30s`, `0.250s` → milliseconds. */
function milliseconds(duration: unknown): number {
  return typeof duration === 'string' && duration.endsWith('s') ? Math.round(Number.parseFloat(duration) * 1_000) : 0;
}

const closing: Readonly<Record<string, string>> = {
  EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: 'completed',
  EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: 'failed',
  EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: 'cancelled',
  EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: 'terminated',
  EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: 'continued_as_new',
  EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: 'timed_out',
};

/** Reads the text of a history; throws a TypeError that says what is missing when it is none. */
export function parseRecording(text: string): Recording {
  const { events = [] } = JSON.parse(text) as { events?: readonly JsonEvent[] };
  const [first] = events;
  const last = events.at(-1);
  const started = first === undefined ? undefined : attributes(first, 'workflowExecutionStartedEventAttributes');
  if (first === undefined || last === undefined || started === undefined)
    throw new TypeError('a history begins with the start of its workflow');
  const activities: (Omit<RecordedActivity, 'completed'> & { completed: RecordedActivity['completed'] })[] = [];
  const localActivities: RecordedLocalActivity[] = [];
  const timers: RecordedTimer[] = [];
  const signals: RecordedSignal[] = [];
  const lostTasks: number[] = [];
  let begunTask: number | undefined;
  let hasCompletedTask = false;
  let buildId: string | null = null;
  let result: unknown = null;
  let continuedToRunId: string | null = null;
  for (const event of events) {
    const eventId = Number.parseInt(event.eventId, 10);
    switch (event.eventType) {
      case 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED': {
        const scheduled = attributes(event, 'activityTaskScheduledEventAttributes');
        activities.push({
          eventId,
          id: textOf(scheduled?.activityId) ?? '',
          type: String((scheduled?.activityType as { name?: string } | undefined)?.name ?? ''),
          arguments: decodeAll(scheduled?.input),
          completed: undefined,
        });
        break;
      }
      case 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED': {
        const completed = attributes(event, 'activityTaskCompletedEventAttributes');
        const scheduled = activities.find(
          (activity) => String(activity.eventId) === String(completed?.scheduledEventId),
        );
        if (scheduled !== undefined) scheduled.completed = { eventId, result: decodeAll(completed?.result)[0] ?? null };
        break;
      }
      case 'EVENT_TYPE_TIMER_STARTED': {
        const timer = attributes(event, 'timerStartedEventAttributes');
        timers.push({ eventId, id: textOf(timer?.timerId) ?? '', ms: milliseconds(timer?.startToFireTimeout) });
        break;
      }
      case 'EVENT_TYPE_MARKER_RECORDED': {
        const marker = attributes(event, 'markerRecordedEventAttributes');
        if (marker?.markerName !== 'core_local_activity') break;
        const details = marker.details as Readonly<Record<string, JsonPayloads>> | undefined;
        const about = decodeAll(details?.data)[0] as { activity_id?: string; activity_type?: string } | undefined;
        localActivities.push({
          eventId,
          id: about?.activity_id ?? '',
          type: about?.activity_type ?? '',
          result: decodeAll(details?.result)[0] ?? null,
        });
        break;
      }
      case 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED': {
        const signal = attributes(event, 'workflowExecutionSignaledEventAttributes');
        signals.push({
          eventId,
          name: textOf(signal?.signalName) ?? '',
          argument: decodeAll(signal?.input)[0] ?? null,
        });
        break;
      }
      case 'EVENT_TYPE_WORKFLOW_TASK_STARTED':
        begunTask = eventId;
        break;
      case 'EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT':
      case 'EVENT_TYPE_WORKFLOW_TASK_FAILED':
        if (begunTask !== undefined) lostTasks.push(begunTask); // else it waited for a worker and was never begun
        begunTask = undefined;
        break;
      case 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED': {
        begunTask = undefined;
        hasCompletedTask = true;
        const task = attributes(event, 'workflowTaskCompletedEventAttributes');
        const version =
          (task?.deploymentVersion as { buildId?: string } | undefined)?.buildId ??
          (task?.workerVersion as { buildId?: string } | undefined)?.buildId;
        if (version !== undefined && version !== '') buildId = version;
        break;
      }
      case 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED':
        result = decodeAll(attributes(event, 'workflowExecutionCompletedEventAttributes')?.result)[0] ?? null;
        break;
      case 'EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW':
        continuedToRunId = textOf(
          attributes(event, 'workflowExecutionContinuedAsNewEventAttributes')?.newExecutionRunId,
        );
        break;
      default: // the other events hold nothing that a verdict compares
    }
  }
  if (begunTask !== undefined) lostTasks.push(begunTask); // terminated while a worker was at it
  return {
    workflowType: String((started.workflowType as { name?: string } | undefined)?.name ?? ''),
    runId: textOf(started.originalExecutionRunId) ?? '',
    continuedFromRunId: textOf(started.continuedExecutionRunId),
    continuedToRunId,
    eventCount: events.length,
    firstEventAt: first.eventTime,
    lastEventAt: last.eventTime,
    closeStatus: closing[last.eventType] ?? 'open',
    buildId,
    hasCompletedTask,
    input: decodeAll(started.input)[0] ?? null,
    result,
    events,
    activities,
    localActivities,
    timers,
    signals,
    lostAttempts: lostTasks.map((begun) => lostAttempt(begun, activities, localActivities)),
  };
}

/** Activity ids are the numbers in which one run's commands were issued. */
/**
 * The events of a run that is still open, up to where its workflow last stood still: after a completed task and the commands of it. What came
 * since waits for its next task; cut anywhere else a replay can hang (temporal.md 10.2). Empty: no task was completed yet.
 */
export function settledEvents(events: readonly JsonEvent[]): readonly JsonEvent[] {
  const last = events.findLastIndex((event) => event.eventType === 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED');
  const task = events[last];
  if (task === undefined) return [];
  const isCommand = (event: JsonEvent): boolean =>
    Object.values(event).some(
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        'workflowTaskCompletedEventId' in value &&
        value.workflowTaskCompletedEventId === task.eventId,
    );
  const next = events.findIndex((event, index) => index > last && !isCommand(event));
  return events.slice(0, next === -1 ? events.length : next);
}

export function orderOf(activityId: string): number {
  return Number.parseInt(activityId, 10);
}

function lostAttempt(
  begun: number,
  activities: readonly RecordedActivity[],
  localActivities: readonly RecordedLocalActivity[],
): LostAttempt {
  const issued = [...activities, ...localActivities];
  const afterOrder = Math.max(0, ...issued.filter(({ eventId }) => eventId < begun).map(({ id }) => orderOf(id)));
  const answers = [
    ...localActivities.map(({ id, result }) => ({ order: orderOf(id), result })),
    ...activities.map(({ id, completed }) => ({ order: orderOf(id), result: completed?.result })),
  ]
    .filter(({ order }) => order > afterOrder)
    .sort((one, other) => one.order - other.order)
    .map(({ result }) => (result as { readonly seq?: unknown } | null | undefined)?.seq);
  return { afterOrder, throughSeq: answers.find((seq) => typeof seq === 'number') ?? Infinity };
}

/** The events as texts to hash, one each: with the hashes kept beside a history an altered event is named by its number. */
export function eventTexts(recording: Recording): readonly string[] {
  return recording.events.map((event) => canonicalJson(event));
}

/** The first event of which only one side has this text; undefined when both tell the same. Event numbers count from 1. */
export function firstDifferentEvent(recorded: readonly string[], shown: readonly string[]): number | undefined {
  const longer = Math.max(recorded.length, shown.length);
  for (let index = 0; index < longer; index += 1) if (recorded[index] !== shown[index]) return index + 1;
  return undefined;
}

/** The same history with every payload's content left out, for eyes without the right to clear text (api.md 16.3). */
export function withoutPayloads(text: string): string {
  return JSON.stringify(JSON.parse(text, (key, value: unknown) => (isPayloadData(key, value) ? null : value)));
}

/** An event's attributes to read: payloads as what they hold, or without their content. */
export function readableAttributes(event: JsonEvent, isDecoded: boolean): Readonly<Record<string, unknown>> {
  const name = Object.keys(event).find((key) => key.endsWith('EventAttributes'));
  const attributes = name === undefined ? {} : event[name];
  return JSON.parse(JSON.stringify(attributes ?? {}), (key, value: unknown) => {
    if (!isDecoded) return isPayloadData(key, value) ? null : value;
    const isPayload = typeof value === 'object' && value !== null && 'metadata' in value && 'data' in value;
    return isPayload ? decode(value as JsonPayload) : value;
  }) as Readonly<Record<string, unknown>>;
}

function isPayloadData(key: string, value: unknown): boolean {
  return key === 'data' && typeof value === 'string';
}
