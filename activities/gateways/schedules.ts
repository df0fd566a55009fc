import {
  type CalendarSpec,
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleOptions,
  type ScheduleOptionsStartWorkflowAction,
  type Workflow,
} from '@temporalio/client';
import type { Db } from '../../db/connection.js';
import { listWorkspaces } from '../../db/directory.js';
import { listPayoutCalendars, type PayoutScheduleEntry } from '../../db/reads/payout/payoutCalendars.js';
import { listUsedGateways } from '../../db/payout/reconciliation.js';
import { readWorkspace } from '../../db/transaction.js';
import type { WorkspaceId } from '../../domain/ids.js';
import type { PayoutCalendar } from '../../domain/payout/payoutSchedule.js';
import { type GatewayRef, queueName, type SweepKind, workflowIds, workflowTypes } from '../../workflows/contract.js';

/** Temporal's schedules of this installation. */
export interface SchedulesDeps {
  readonly client: Client;
  readonly db: Db;
  /** Put before queues and before the ids that are not a workspace's own, where several installations share a namespace. */
  readonly taskQueuePrefix: string;
}

const sweepIntervals: Readonly<Record<SweepKind, string>> = {
  unapplied: '1 minute',
  historyExport: '10 minutes',
  due: '1 hour',
  risk: '5 minutes',
  linkHealth: '15 minutes',
  retentionAlarm: '1 day',
  calendar: '6 hours',
};

/** 1 is Monday, as in ISO 8601. */
const weekdays = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const;

const callTimeoutMs = 10_000;

/** Makes or updates every schedule: the sweeps, and those of all workspaces. Idempotent; a pause survives. Answers how many there are. */
export async function ensureSchedules(deps: SchedulesDeps): Promise<number> {
  let count = 0;
  for (const kind of Object.keys(sweepIntervals) as SweepKind[]) {
    await ensure(deps, sweepSchedule(deps.taskQueuePrefix, kind));
    count += 1;
  }
  for (const { id: workspaceId } of await listWorkspaces(deps.db)) {
    const entries = await readWorkspace(deps.db, workspaceId, (tx) => listPayoutCalendars(tx));
    for (const entry of entries) {
      if (entry.isDeleted) continue; // taken away when it was deleted
      await ensurePayoutSchedule(deps, workspaceId, entry, 'keep');
      count += 1;
    }
    for (const gatewayId of await readWorkspace(deps.db, workspaceId, (tx) => listUsedGateways(tx))) {
      await ensure(deps, reconciliationSchedule(deps.taskQueuePrefix, { workspaceId, gatewayId }));
      count += 1;
    }
  }
  return count;
}

/**
 * One outbox row of topic `schedule`, `{scheduleId, wish}`: brings Temporal in line with the row, pause included; `wish` `trigger` also runs it
 * now, anything else means as the row says. False: there is no such schedule or it
 * cannot be read, so nothing was done and nothing ever will be.
 */
export async function applySchedule(
  deps: SchedulesDeps,
  row: { readonly workspaceId: string; readonly payload: unknown },
): Promise<boolean> {
  const { scheduleId, wish } = (row.payload ?? {}) as { readonly scheduleId?: unknown; readonly wish?: unknown };
  if (typeof scheduleId !== 'string') return false;
  const workspaceId = row.workspaceId as WorkspaceId;
  const [entry] = await readWorkspace(deps.db, workspaceId, (tx) => listPayoutCalendars(tx, scheduleId));
  if (entry === undefined) return false;
  if (entry.isDeleted || wish === 'delete') {
    await remove(deps, workflowIds.payoutSchedule({ workspaceId, scheduleId: entry.id }));
    return true;
  }
  if (entry.calendar === undefined) return false;
  await ensurePayoutSchedule(deps, workspaceId, entry, 'row');
  if (wish === 'trigger') {
    const handle = deps.client.schedule.getHandle(workflowIds.payoutSchedule({ workspaceId, scheduleId: entry.id }));
    await within(deps, () => handle.trigger(ScheduleOverlapPolicy.BUFFER_ONE));
  }
  return true;
}

type Schedule = ScheduleOptions<ScheduleOptionsStartWorkflowAction<Workflow>>;

function sweepSchedule(prefix: string, kind: SweepKind): Schedule {
  const id = queueName(prefix, workflowIds.sweep(kind));
  return {
    scheduleId: id,
    spec: { intervals: [{ every: sweepIntervals[kind] as '1 minute' }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'sweep',
      workflowId: id,
      args: [{ kind }],
      taskQueue: queueName(prefix, workflowTypes.sweep),
    },
    // A missed pass is made good by the next one.
    policies: { overlap: ScheduleOverlapPolicy.BUFFER_ONE, catchupWindow: '1 minute', pauseOnFailure: false },
  };
}

/** Hourly: what a gateway's statement says is compared with the books, whatever runs there are (money.md 10). */
function reconciliationSchedule(prefix: string, ref: GatewayRef): Schedule {
  const id = workflowIds.reconciliation(ref);
  return {
    scheduleId: id,
    spec: { intervals: [{ every: '1 hour' }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'reconciliation',
      workflowId: id,
      args: [ref],
      taskQueue: queueName(prefix, workflowTypes.reconciliation),
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour', pauseOnFailure: false },
  };
}

async function ensurePayoutSchedule(
  deps: SchedulesDeps,
  workspaceId: WorkspaceId,
  entry: PayoutScheduleEntry,
  pause: 'keep' | 'row',
): Promise<void> {
  if (entry.calendar === undefined) throw new TypeError(`payout schedule ${entry.id} has no calendar that can be read`);
  const ref = { workspaceId, scheduleId: entry.id };
  const id = workflowIds.payoutSchedule(ref);
  const schedule: Schedule = {
    scheduleId: id,
    // A calendar with its zone, no cron string; a zone that nobody knows is refused by the server.
    spec: { calendars: [calendarSpec(entry.calendar)], timezone: entry.timeZone },
    action: {
      type: 'startWorkflow',
      workflowType: 'payoutRun',
      workflowId: id,
      args: [ref],
      taskQueue: queueName(deps.taskQueuePrefix, workflowTypes.payoutRun),
    },
    policies: { overlap: ScheduleOverlapPolicy.BUFFER_ONE, catchupWindow: '3 days', pauseOnFailure: true },
    state: { paused: entry.paused },
  };
  await ensure(deps, schedule, pause === 'row' || entry.paused ? entry.paused : undefined);
}

function calendarSpec(calendar: PayoutCalendar): CalendarSpec {
  const comment = 'payout schedule';
  const { hour, minute } = calendar;
  switch (calendar.every) {
    case 'week':
      return { comment, hour, minute, dayOfWeek: weekdays[calendar.dayOfWeek - 1] ?? 'MONDAY' };
    case 'month':
      return { comment, hour, minute, dayOfMonth: calendar.dayOfMonth };
    default:
      return calendar satisfies never;
  }
}

/** `paused` undefined: as it is, so that a pause survives a start. */
async function ensure(deps: SchedulesDeps, schedule: Schedule, paused?: boolean): Promise<void> {
  try {
    await within(deps, () => deps.client.schedule.create(schedule));
    return;
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const { scheduleId: _id, memo: _memo, ...update } = schedule;
  await within(deps, () =>
    deps.client.schedule.getHandle(schedule.scheduleId).update((previous) => ({
      ...update,
      state: {
        ...previous.state,
        ...(paused === undefined || paused === previous.state.paused ? {} : { paused }),
      },
    })),
  );
}

async function remove(deps: SchedulesDeps, id: string): Promise<void> {
  try {
    await within(deps, () => deps.client.schedule.getHandle(id).delete());
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

function within<T>({ client }: SchedulesDeps, call: () => Promise<T>): Promise<T> {
  return client.withAbortSignal(AbortSignal.timeout(callTimeoutMs), call);
}
