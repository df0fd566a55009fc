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
