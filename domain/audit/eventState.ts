import { type JsonEvent, type Recording, textOf } from './recording.js';

// What is open after event N of a recorded history, read from the events alone (BEY-11). The status comes from the replay, beside it.

export interface OpenTimer {
  readonly timerId: string;
  readonly ms: number;
  readonly startedEventId: number;
  readonly startedAt: string;
}

/** Delivered or begun, and not yet done. A signal counts until a workflow task that saw it is completed. */
export interface PendingWork {
  readonly kind: 'workflow_task' | 'activity' | 'child' | 'signal';
  /** Type of an activity or child, name of a signal; null for a workflow task. */
  readonly name: string | null;
  readonly eventId: number;
  readonly since: string;
}

export interface OpenWork {
  readonly timers: readonly OpenTimer[];
  readonly pending: readonly PendingWork[];
  readonly isClosed: boolean;
}

type Attributes = Readonly<Record<string, unknown>>;

/** The one member of an event that holds what it is about. */
function about(event: JsonEvent): Attributes {
  const name = Object.keys(event).find((key) => key.endsWith('EventAttributes'));
  return ((name === undefined ? undefined : event[name]) ?? {}) as Attributes;
}

/** Event numbers are texts in Temporal's JSON; 0 for what is none. */
const number = (value: unknown): number => Number.parseInt(textOf(value) ?? '0', 10);

/** Timers and pending work after event `eventId`; all events after it are as if they had not come yet. */
export function openWorkAt(recording: Recording, eventId: number): OpenWork {
  const timers = new Map<string, OpenTimer>();
  const pending = new Map<number, PendingWork>();
  let isClosed = false;
  const msOf = new Map(recording.timers.map((timer) => [timer.eventId, timer.ms]));
  for (const event of recording.events) {
    const id = number(event.eventId);
    if (id > eventId) break;
    const attributes = about(event);
    const add = (kind: PendingWork['kind'], name: string | null): void =>
      void pending.set(id, { kind, name, eventId: id, since: event.eventTime });
    switch (event.eventType.replace('EVENT_TYPE_', '')) {
      case 'TIMER_STARTED':
        timers.set(String(attributes.timerId), {
          timerId: String(attributes.timerId),
          ms: msOf.get(id) ?? 0,
          startedEventId: id,
          startedAt: event.eventTime,
        });
        break;
      case 'TIMER_FIRED':
      case 'TIMER_CANCELED':
        timers.delete(String(attributes.timerId));
        break;
      case 'WORKFLOW_TASK_SCHEDULED':
        add('workflow_task', null);
        break;
      case 'WORKFLOW_TASK_COMPLETED':
        pending.delete(number(attributes.scheduledEventId));
        for (const work of pending.values())
          if (work.kind === 'signal' && work.eventId < number(attributes.startedEventId)) pending.delete(work.eventId);
        break;
      case 'WORKFLOW_TASK_FAILED':
      case 'WORKFLOW_TASK_TIMED_OUT':
      case 'ACTIVITY_TASK_COMPLETED':
      case 'ACTIVITY_TASK_FAILED':
      case 'ACTIVITY_TASK_TIMED_OUT':
      case 'ACTIVITY_TASK_CANCELED':
        pending.delete(number(attributes.scheduledEventId));
        break;
      case 'ACTIVITY_TASK_SCHEDULED':
        add('activity', textOf((attributes.activityType as Attributes | undefined)?.name));
        break;
      case 'START_CHILD_WORKFLOW_EXECUTION_INITIATED':
        add('child', textOf((attributes.workflowType as Attributes | undefined)?.name));
        break;
      case 'START_CHILD_WORKFLOW_EXECUTION_FAILED':
      case 'CHILD_WORKFLOW_EXECUTION_COMPLETED':
      case 'CHILD_WORKFLOW_EXECUTION_FAILED':
      case 'CHILD_WORKFLOW_EXECUTION_CANCELED':
      case 'CHILD_WORKFLOW_EXECUTION_TIMED_OUT':
      case 'CHILD_WORKFLOW_EXECUTION_TERMINATED':
        pending.delete(number(attributes.initiatedEventId));
        break;
      case 'WORKFLOW_EXECUTION_SIGNALED':
        add('signal', textOf(attributes.signalName));
        break;
      case 'WORKFLOW_EXECUTION_COMPLETED':
      case 'WORKFLOW_EXECUTION_FAILED':
      case 'WORKFLOW_EXECUTION_CANCELED':
      case 'WORKFLOW_EXECUTION_TERMINATED':
      case 'WORKFLOW_EXECUTION_CONTINUED_AS_NEW':
      case 'WORKFLOW_EXECUTION_TIMED_OUT':
        isClosed = true; // a closed run waits for nothing, whatever was still open
        timers.clear();
        pending.clear();
        break;
      default: // the other events open and close nothing
    }
  }
  return { timers: [...timers.values()], pending: [...pending.values()], isClosed };
}
