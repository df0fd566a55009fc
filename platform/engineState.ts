import { orAway, type TemporalClient } from './temporalClient.js';

/** One task queue: who polls it, and how much waits there. */
export interface QueueState {
  readonly queue: string;
  /** Processes that polled for decisions and for work within the last minutes. */
  readonly pollers: number;
  readonly waiting: number;
}

export interface ScheduleState {
  readonly id: string;
  readonly paused: boolean;
  readonly lastRunAt: string | null;
  readonly nextRunAt: string | null;
}

export interface FailedRun {
  readonly workflowId: string;
  readonly runId: string;
  readonly workflowType: string;
  readonly status: string;
  readonly startedAt: string;
  readonly closedAt: string | null;
}

export interface EngineState {
  readonly queues: readonly QueueState[];
  readonly schedules: readonly ScheduleState[];
}

/** What Temporal knows of its own health. Answers `away` within the deadline instead of hanging with it. */
export interface Engine {
  readState(wanted: {
    readonly queues: readonly string[];
    readonly schedules: readonly string[];
  }): Promise<EngineState | 'away'>;
  /** Runs of one workspace that ended in a way that no run of ours should: newest first. */
  listFailed(wanted: { readonly workspaceId: string; readonly limit: number }): Promise<readonly FailedRun[] | 'away'>;
}

const deadlineMs = 3_000;
/** Temporal's numbers of kinds of task queue (temporal.api.enums.v1.TaskQueueType). */
const [workflowTasks, activityTasks] = [1, 2];
const failedStates = ['Failed', 'TimedOut', 'Terminated'];

export function temporalEngine({ client, connection }: TemporalClient, namespace: string): Engine {
  const readQueue = async (queue: string): Promise<QueueState> => {
    const both = await Promise.all(
      [workflowTasks, activityTasks].map((taskQueueType) =>
        connection.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: queue },
          taskQueueType: taskQueueType as never,
          reportStats: true,
        }),
      ),
    );
    const pollers = new Set(both.flatMap((one) => (one.pollers ?? []).map((poller) => poller.identity ?? '')));
    const waiting = both.reduce((sum, one) => sum + Number(one.stats?.approximateBacklogCount ?? 0), 0);
    return { queue, pollers: pollers.size, waiting };
  };

  const readSchedule = async (id: string): Promise<readonly ScheduleState[]> => {
    try {
      const { info, state } = await client.schedule.getHandle(id).describe();
      const last = info.recentActions.at(-1)?.takenAt ?? null;
      const [next = null] = info.nextActionTimes;
      return [
        { id, paused: state.paused, lastRunAt: last?.toISOString() ?? null, nextRunAt: next?.toISOString() ?? null },
      ];
    } catch (error) {
      if (error instanceof Error && error.name === 'ScheduleNotFoundError') return []; // not made yet: bootstrap does
      throw error;
    }
  };

  return {
    readState: ({ queues, schedules }) =>
      orAway(deadlineMs, async () => {
        const [read, plans] = await Promise.all([
          Promise.all(queues.map(readQueue)),
          Promise.all(schedules.map(readSchedule)),
        ]);
        return { queues: read, schedules: plans.flat() };
      }),
    listFailed: ({ workspaceId, limit }) =>
      orAway(deadlineMs, async () => {
        const states = failedStates.map((state) => `ExecutionStatus = '${state}'`).join(' or ');
        const { executions } = await connection.workflowService.listWorkflowExecutions({
          namespace,
          pageSize: limit,
          query: `WorkspaceId = '${workspaceId}' and (${states})`,
        });
        return executions.slice(0, limit).map((one) => ({
          workflowId: one.execution?.workflowId ?? '',
          runId: one.execution?.runId ?? '',
          workflowType: one.type?.name ?? '',
          status: statusName(one.status),
          startedAt: instantOf(one.startTime) ?? new Date(0).toISOString(),
          closedAt: instantOf(one.closeTime),
        }));
      }),
  };
}

/** Temporal's numbers of how a run ended (temporal.api.enums.v1.WorkflowExecutionStatus). */
function statusName(status: unknown): string {
  const names: Readonly<Record<number, string>> = { 3: 'failed', 5: 'terminated', 7: 'timed_out' };
  return names[Number(status)] ?? 'failed';
}

function instantOf(time: { readonly seconds?: unknown; readonly nanos?: unknown } | null | undefined): string | null {
  if (time === null || time === undefined) return null;
  return new Date(Number(time.seconds ?? 0) * 1_000 + Math.floor(Number(time.nanos ?? 0) / 1_000_000)).toISOString();
}

/** For processes that have no Temporal at all. */
export const noEngine: Engine = {
  readState: () => Promise.resolve('away'),
  listFailed: () => Promise.resolve('away'),
};
