import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TemporalClient } from './temporalClient.js';

/** A run that Temporal still holds, open or closed; the JSON is Temporal's own form, as it is archived. */
export interface LiveHistory {
  readonly runId: string;
  readonly isOpen: boolean;
  readonly json: string;
}

export interface LiveHistories {
  /** The newest run of a workflow; undefined when Temporal has none. Throws `TemporalAway` when it does not answer in time. */
  readNewest(workflowId: string): Promise<LiveHistory | undefined>;
}

/** Temporal did not answer within the deadline: the caller asks again later. */
export class TemporalAway extends Error {
  constructor(options: { readonly cause?: unknown } = {}) {
    super('Temporal does not answer', options);
    this.name = 'TemporalAway';
  }
}

const deadlineMs = 3_000;

export function temporalLiveHistories(client: TemporalClient['client']): LiveHistories {
  return {
    async readNewest(workflowId) {
      try {
        return await client.withDeadline(Date.now() + deadlineMs, async () => {
          const { runId, status } = await client.workflow.getHandle(workflowId).describe();
          // With the run id: between two calls a further run may have begun. Only historyToJSON can be replayed (temporal.md 10.6).
          const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
          return { runId, isOpen: status.name === 'RUNNING', json: historyToJSON(history) };
        });
      } catch (error) {
        if (error instanceof Error && error.name === 'WorkflowNotFoundError') return undefined;
        throw new TemporalAway({ cause: error });
      }
    },
  };
}

/** For processes that have no Temporal at all. */
export const noLiveHistories: LiveHistories = {
  readNewest: () => Promise.reject(new TemporalAway()),
};
