import { continueAsNew, sleep, workflowInfo } from '@temporalio/workflow';
import type { JobRef } from './contract.js';
import { pages } from './proxies.js';

const firstPauseMs = 250;
const longestPauseMs = 30_000;

/**
 * One bulk decision (temporal.md 2.1, 3.7): a page of decisions per activity until no item is left, then their outcomes, asked for ever
 * more seldom. Everything is in Postgres: a further run, or the same after a kill, goes on where the rows stand. Cancelling is a status of
 * the row, which the next activity sees.
 */
export async function bulkOperation(ref: JobRef): Promise<{ readonly status: string }> {
  let step = await pages.decideBulkPage(ref);
  while (step.hasMore) {
    if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof bulkOperation>(ref);
    step = await pages.decideBulkPage(ref);
  }
  let pauseMs = firstPauseMs;
  for (step = await pages.collectBulkOutcomes(ref); step.status === 'running'; ) {
    if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof bulkOperation>(ref);
    await sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    step = await pages.collectBulkOutcomes(ref);
  }
  return { status: step.status };
}
