import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

/** Temporal as an outside system: closed histories come out of it, nothing goes in. */
export interface HistoryReader {
  /** The run's history as Temporal's own JSON once it is closed; `open` while it runs; `gone` when retention took it. */
  read(
    workflowId: string,
    runId: string,
  ): Promise<
    { readonly state: 'closed'; readonly json: string } | { readonly state: 'open' } | { readonly state: 'gone' }
  >;
  /** Closed runs whose close time lies in a window: what the hourly sweep compares with the archive. */
  listClosed(
    fromIso: string,
    untilIso: string,
  ): AsyncIterable<{ readonly workflowId: string; readonly runId: string; readonly type: string }>;
}

export function temporalHistoryReader(client: Client): HistoryReader {
  return {
    async read(workflowId, runId) {
      // With the run id, always: without it Temporal answers the latest run only.
      const handle = client.workflow.getHandle(workflowId, runId);
      try {
        const description = await handle.describe();
        if (description.status.name === 'RUNNING') return { state: 'open' };
        // JSON.stringify of a fetched history cannot be replayed (temporal.md 10.6): only historyToJSON.
        return { state: 'closed', json: historyToJSON(await handle.fetchHistory()) };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return { state: 'gone' };
        throw error;
      }
    },
    async *listClosed(fromIso, untilIso) {
      const query = `CloseTime >= '${fromIso}' and CloseTime < '${untilIso}'`;
      for await (const { workflowId, runId, type } of client.workflow.list({ query }))
        yield { workflowId, runId, type };
    },
  };
}
