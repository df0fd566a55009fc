import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { currentWorkflows, replayHistory, type ReplayOutcome } from '../../activities/audit/history.js';
import { parseRecording } from '../../domain/audit/recording.js';
import { projectRoot } from '../support/sourceTree.js';

// The replay corpus: histories that the product's own workflows recorded on a real server, replayed against the code as it is now, without a
// server. A change that breaks one would break runs that are open at a merchant's: it needs a patch, never a new recording (temporal.md 9).

const corpus = path.join(projectRoot, 'test/workflows/histories');
const files = readdirSync(corpus, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .toSorted();

function replay(text: string): Promise<ReplayOutcome> {
  return currentWorkflows().then((bundle) => replayHistory(bundle, text, 'replay/of/corpus'));
}

function read(file: string): string {
  return readFileSync(path.join(corpus, file), 'utf8');
}

test('the corpus has every path of the referral', () => {
  const names = files.filter((file) => file.startsWith('referral/')).map((file) => path.basename(file, '.json'));

  for (const name of [
    'expired',
    'rejected',
    'approvedAndPaid',
    'outsideCheck',
    'refundInHold',
    'clawback',
    'clawback-run2',
    'recurring',
    'recurring-run2',
    'merged',
    'parked',
    'parkedByHand',
  ])
    expect(names).toContain(name);
});

test('the corpus has every path of a payout and of a run', () => {
  const named = files.map((file) => file.replace('.json', ''));

  for (const name of [
    'payout/paid',
    'payout/refusedRetried',
    'payout/unknownThenPaid',
    'payout/lostRequestResubmitted',
    'payout/returned',
    'payout/returned-run2',
    'payout/cancelled',
    'payout/resolvedByTwo',
    'payout/approvedAlone',
    'payout/markedPaidByHand',
    'payout/paidLate',
    'payout/frozen',
    'payoutRun/completed',
    'payoutRun/replanned',
    'payoutRun/cancelled',
    'payoutRun/paused',
    'payoutRun/nobodyDue',
    'payoutRun/scheduled',
    'payoutRun/backfilled',
  ])
    expect(named).toContain(name);
});

// Counts only where all hold (temporal.md 10.2): no error, in time, a task was completed, and the sink reported a state.
test.each(files)('%s replays with the code of today', async (file) => {
  const text = read(file);
  const recording = parseRecording(text);
  expect(recording.hasCompletedTask).toBe(true);

  const outcome = await replay(text);

  expect(outcome.message).toBeNull();
  expect(outcome.result).toBe('pass');
  const calls = outcome.reports.filter((report) => report.kind === 'localActivity' || report.kind === 'activity');
  expect(calls).toHaveLength(recording.localActivities.length + recording.activities.length);
  expect(outcome.reports.some((report) => report.kind === 'step')).toBe(true);
});

describe('what a replay must notice', () => {
  const text = read('referral/approvedAndPaid.json');
  type Event = { eventType: string; [attributes: string]: unknown };
  type Details = Record<string, { payloads?: { data: string }[] }>;

  function altered(change: (events: Event[]) => Event[]): string {
    const history = JSON.parse(text) as { events: Event[] };
    return JSON.stringify({ events: change(history.events) });
  }

  test('a local activity of another name', async () => {
    const renamed = altered((events) =>
      events.map((event) => {
        const details = (event['markerRecordedEventAttributes'] as { details?: Details } | undefined)?.details;
        const [payload] = details?.['data']?.payloads ?? [];
        if (payload === undefined) return event;
        const data = Buffer.from(payload.data, 'base64').toString('utf8').replace('"applyLead"', '"applyLeaf"');
        payload.data = Buffer.from(data, 'utf8').toString('base64');
        return event;
      }),
    );
    expect(renamed).not.toBe(altered((events) => events));

    expect((await replay(renamed)).result).toBe('fail');
  });

  test('a timer that became something else', async () => {
    const outcome = await replay(
      altered((events) =>
        events.map((event) =>
          event.eventType === 'EVENT_TYPE_TIMER_STARTED'
            ? {
                ...event,
                eventType: 'EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES',
                timerStartedEventAttributes: undefined,
                upsertWorkflowSearchAttributesEventAttributes: { searchAttributes: {} },
              }
            : event,
        ),
      ),
    );

    expect(outcome.result).toBe('fail');
  });
});
