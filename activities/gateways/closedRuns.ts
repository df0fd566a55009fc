import type { Client } from '@temporalio/client';
import type { Instant } from '../../domain/time.js';

/** A page of closed runs as visibility lists them. Few, because it travels through a history: ids only, below 2 KB. */
export interface ClosedRunsPage {
  readonly runs: readonly { readonly workflowId: string; readonly runId: string; readonly terminated: boolean }[];
  /** Null: this was the last one. */
  readonly next: string | null;
}

export interface ClosedRunsQuery {
  readonly from: Instant;
  readonly until: Instant;
  readonly next: string | null;
}

/** Temporal as an outside system: which runs closed when. */
export interface ClosedRuns {
  list(query: ClosedRunsQuery): Promise<ClosedRunsPage>;
  /** How long a closed run is kept. Milliseconds. */
  retentionMs(): Promise<number>;
}

const pageSize = 12;
const callTimeoutMs = 10_000;

export function temporalClosedRuns(client: Client): ClosedRuns {
  const { namespace } = client.options;
  const within = <T>(call: () => Promise<T>): Promise<T> =>
    client.withAbortSignal(AbortSignal.timeout(callTimeoutMs), call);
  return {
    async list({ from, until, next }) {
      // A sweep leaves no history behind: it changes nothing but the outbox (temporal.md 10.1). A statement's reading moves no money and
      // decides nothing either; what it found stands in its items.
      const query = `CloseTime >= '${from}' AND CloseTime < '${until}' AND WorkflowType NOT IN ('sweep', 'reconciliation')`;
      const { executions, nextPageToken } = await within(() =>
        client.workflowService.listWorkflowExecutions({
          namespace,
          query,
          pageSize,
          nextPageToken: next === null ? new Uint8Array() : Buffer.from(next, 'base64'),
        }),
      );
      return {
        runs: (executions ?? []).map((run) => ({
          workflowId: run.execution?.workflowId ?? '',
          runId: run.execution?.runId ?? '',
          terminated: run.status === terminatedStatus,
        })),
        next:
          nextPageToken == null || nextPageToken.length === 0 ? null : Buffer.from(nextPageToken).toString('base64'),
      };
    },
    async retentionMs() {
      const { config } = await within(() => client.workflowService.describeNamespace({ namespace }));
      return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1_000;
    },
  };
}

/** temporal.api.enums.v1.WorkflowExecutionStatus.TERMINATED */
const terminatedStatus = 5;
