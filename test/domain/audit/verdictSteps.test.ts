import { expect, test } from 'vitest';
import { parseRecording } from '../../../domain/audit/recording.js';
import { compareRecorded } from '../../../domain/audit/verdict.js';

const payload = (value: unknown) => ({ payloads: [{ data: btoa(JSON.stringify(value)) }] });

/** A run whose one local activity answered with `seq`. */
function runThatAnswered(seq: number): string {
  const at = '2026-11-25T12:00:00.000Z';
  return JSON.stringify({
    events: [
      {
        eventId: '1',
        eventTime: at,
        eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
        workflowExecutionStartedEventAttributes: {
          workflowType: { name: 'referral' },
          originalExecutionRunId: 'run-1',
          input: payload({ workspaceId: 'ws_1', referralId: 'ref_1' }),
        },
      },
      {
        eventId: '2',
        eventTime: at,
        eventType: 'EVENT_TYPE_MARKER_RECORDED',
        markerRecordedEventAttributes: {
          markerName: 'core_local_activity',
          details: {
            data: payload({ activity_id: '1', activity_type: 'resumeReferral' }),
            result: payload({ seq, status: 'pending' }),
          },
        },
      },
    ],
  });
}

// The object's history: 1 tracking, 2 pending, 3 a touch, which moves no status.
const facts = {
  workspaceId: 'ws_1',
  objectId: 'ref_1',
  entries: [],
  statusAt: new Map([
    [1, 'tracking'],
    [2, 'pending'],
  ]),
  newestSeq: 3,
};

test.each([
  { step: 'that read the last move', seq: 2, field: undefined },
  { step: 'that read the number of a touch', seq: 3, field: undefined },
  { step: 'that claims a number nobody wrote', seq: 4, field: 'resumeReferral.seq' },
  { step: 'that claims a status of another number', seq: 1, field: 'resumeReferral.status' },
])('a step $step: $field differs', ({ seq, field }) => {
  expect(compareRecorded(parseRecording(runThatAnswered(seq)), facts)?.field).toBe(field);
});

// One task read the row and then decided; its worker died before the task completed. The next attempt read what was decided and had
// nothing left to do, or decided again to no effect.
const markers = (steps: readonly { readonly id: string; readonly type: string; readonly seq: number }[]) =>
  steps.map(({ id, type, seq }) => ({
    eventType: 'EVENT_TYPE_MARKER_RECORDED',
    markerRecordedEventAttributes: {
      markerName: 'core_local_activity',
      details: {
        data: payload({ activity_id: id, activity_type: type }),
        result: payload({ seq, status: seq >= 4 ? 'approved' : 'pending' }),
      },
    },
  }));

function runWithTasks(events: readonly { readonly eventType: string }[]): string {
  const { events: first } = JSON.parse(runThatAnswered(2)) as { events: readonly object[] };
  const numbered = [...first, ...events].map((event, index) => ({
    eventTime: '2026-11-25T12:00:00.000Z',
    ...event,
    eventId: String(index + 1),
  }));
  return JSON.stringify({ events: numbered });
}

const begun = { eventType: 'EVENT_TYPE_WORKFLOW_TASK_STARTED' };
const completed = { eventType: 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED' };
const timedOut = { eventType: 'EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT' };
const refused = { eventType: 'EVENT_TYPE_WORKFLOW_TASK_FAILED' };
const read = { id: '2', type: 'resumeReferral', seq: 4 };
const decided = { id: '3', type: 'decideByHand', seq: 4 };

test.each([
  { what: 'a lost attempt decided, the next one reads it', tasks: [begun, timedOut, begun, completed] },
  { what: 'the server refused the task that decided', tasks: [begun, refused, begun, completed] },
  {
    what: 'a lost attempt decided, the next one only reads',
    tasks: [begun, timedOut, begun, completed],
    steps: [read],
  },
  { what: 'no attempt was lost', tasks: [begun, completed], field: 'resumeReferral.seq' },
  {
    what: 'no attempt was lost, and nobody decided',
    tasks: [begun, completed],
    steps: [{ ...read, seq: 3 }],
    field: 'auditEntry.activity',
  },
  { what: 'a task waited in vain for its worker', tasks: [timedOut, begun, completed], field: 'resumeReferral.seq' },
  {
    what: 'an attempt was lost, but its entry is newer than what the next one read',
    tasks: [begun, timedOut, begun, completed],
    steps: [{ ...read, seq: 3 }],
    field: 'auditEntry.activity',
  },
  {
    what: 'a later attempt was lost',
    tasks: [begun, completed],
    later: [begun, timedOut, begun, completed],
    field: 'resumeReferral.seq',
  },
  { what: 'a worker was at it when the run was terminated', tasks: [], steps: [], later: [begun] },
] as const)('an entry of activity 3 with number 4, and $what', ({ tasks, ...more }) => {
  const steps = 'steps' in more ? more.steps : [read, decided];
  const text = runWithTasks([...tasks, ...markers(steps), ...('later' in more ? more.later : [])]);
  const entry = {
    objectId: 'ref_1',
    seq: 4,
    to: 'approved',
    event: 'approved',
    activityId: '3',
    causeId: null,
    commitId: null,
  };
  const found = compareRecorded(parseRecording(text), {
    ...facts,
    entries: [entry],
    statusAt: new Map([...facts.statusAt, [4, 'approved']]),
    newestSeq: 4,
  });
  expect(found?.field).toBe('field' in more ? more.field : undefined);
});
