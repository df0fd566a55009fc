import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { expect, test } from 'vitest';
import { projectRoot } from '../support/sourceTree.js';

// Two copies of protobufjs 8 throw `type must be a Type` here, before any replay (dependencies.md 2, fact 1).
const smallest = {
  events: [
    {
      eventId: '1',
      eventTime: '2027-01-31T12:00:00Z',
      eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
      workflowExecutionStartedEventAttributes: {
        workflowType: { name: 'referral' },
        taskQueue: { name: 'referrals', kind: 'TASK_QUEUE_KIND_NORMAL' },
        input: { payloads: [{ metadata: { encoding: 'anNvbi9wbGFpbg==' }, data: 'eyJyZWZlcnJhbElkIjoicmVmXzEifQ==' }] },
      },
    },
  ],
};

const corpus = path.join(projectRoot, 'test/workflows/histories');
const saved = filesIn(corpus).map((file) => ({
  name: file,
  history: JSON.parse(readFileSync(path.join(corpus, file), 'utf8')) as unknown,
}));

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // nothing recorded yet
    throw error;
  }
}

test.each([{ name: 'the smallest history', history: smallest }, ...saved])(
  '$name comes back from JSON as it was',
  ({ history }) => {
    const read = historyFromJSON(history);
    const again = historyToJSON(read);

    expect(read.events?.length).toBeGreaterThan(0);
    expect(historyToJSON(historyFromJSON(JSON.parse(again)))).toBe(again);
    expect((JSON.parse(again) as typeof smallest).events[0]?.eventType).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_STARTED');
  },
);
