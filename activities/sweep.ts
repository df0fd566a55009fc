import { Context } from '@temporalio/activity';
import type { Db } from '../db/connection.js';
import { listWorkspaces } from '../db/directory.js';
import { markNudged } from '../db/messaging/nudge.js';
import { emptyExports } from '../db/reporting/listExport.js';
import { deleteOutdated, deleteOutdatedSignIns, findPrivacySetting } from '../db/messaging/outdated.js';
import { enqueue } from '../db/messaging/outbox.js';
import { type ClosedRun, listMissingExports, listPurgedWorkflows } from '../db/reads/audit/missingExports.js';
import { listUnapplied, type Unapplied } from '../db/reads/messaging/unapplied.js';
import { applyDueChanges } from '../db/program/programChange.js';
import { inWorkspace, notify, readWorkspace } from '../db/transaction.js';
import type { NewId, WorkspaceId } from '../domain/ids.js';
import { addDays, addMs, durationMs, type Instant, parseDuration } from '../domain/time.js';
import type { Logger } from '../platform/logger.js';
import { actOf } from './calendar.js';
import { exportMessage, nudge } from '../workflows/contract.js';
import type { ClosedRuns, ClosedRunsPage, ClosedRunsQuery } from './gateways/closedRuns.js';

export interface SweepDeps {
  readonly db: Db;
  readonly logger: Logger;
  readonly closedRuns: ClosedRuns;
  readonly newId: NewId;
}

/** Nudges in one pass over all workspaces, and in one workspace: a broken one must not use up everybody's (temporal.md 4.5). */
const nudgesPerPass = 1_000;
const nudgesPerWorkspace = 250;
const keptDays = 30;
/** What could not be sent is evidence for the operator, longer than what was. */
const deadDays = 90;
/** Product defaults of settings.privacy.clickDetails and .apiLog (features.md 20.1); a mail is kept as long as the log of requests. */
const clickDetailsDays = 90;
const apiLogDays = 180;
/** Files of exports emptied in one transaction: each may have a hundred pieces. */
const exportsPerPass = 20;

/** What the sweeps do. All workspaces in one pass, a transaction each: it writes outbox rows, deletes what is outdated, nothing else. */
export function sweepActivities(deps: SweepDeps) {
  return {
    /** Wakes whatever waits without an outcome, and lets planned terms take effect. Safe to repeat: what was nudged is not due again. */
    nudgeUnapplied: async (): Promise<{ readonly found: number }> => {
      let found = 0;
      for (const workspaceId of await workspacesInTurn(deps.db)) {
        const limit = Math.min(nudgesPerWorkspace, nudgesPerPass - found);
        if (limit <= 0) break;
        await applyPlannedTerms(deps, workspaceId);
        found += await nudgeWorkspace(deps, workspaceId, limit);
        Context.current().heartbeat(found);
      }
      if (found > 0) await notify(deps.db, 'outbox', '');
      return { found };
    },

    /** One call: a page of runs that closed in a window. */
    listClosedRuns: (query: ClosedRunsQuery): Promise<ClosedRunsPage> => deps.closedRuns.list(query),

    /** One call: until when closed runs are kept. */
    readRetention: async (): Promise<{ readonly ms: number }> => ({ ms: await deps.closedRuns.retentionMs() }),

    /** Asks for the export of those that have none. `late`: retention takes them in 3 days, which somebody has to know now. */
    requestExports: async (input: {
      readonly runs: ClosedRunsPage['runs'];
      readonly late: boolean;
    }): Promise<{ readonly found: number }> => {
      const known = new Set((await listWorkspaces(deps.db)).map((workspace) => workspace.id as string));
      const workspaceOf = (run: ClosedRun): string => run.workflowId.split('/')[1] ?? '';
      let found = 0;
      for (const workspaceId of new Set(input.runs.map(workspaceOf))) {
        if (!known.has(workspaceId)) continue; // somebody else's workflow in a shared namespace
        const runs = input.runs.filter((run) => workspaceOf(run) === workspaceId);
        found += await requestExportsOf(deps, workspaceId as WorkspaceId, runs, input.late);
      }
      if (found > 0) await notify(deps.db, 'outbox', '');
      return { found };
    },

    /** Deletes what is outdated, in batches. */
    deleteOutdated: async (): Promise<{ readonly found: number }> => {
      let found = 0;
      for (const { id } of await listWorkspaces(deps.db)) {
        for (;;) {
          const deleted = await inWorkspace(deps.db, id, async (tx, now) => {
            const emptied = await emptyExports(tx, now, addDays(now, -1), exportsPerPass);
            const rest = await deleteOutdated(tx, {
              sent: addDays(now, -keptDays),
              dead: addDays(now, -deadDays),
              keys: addDays(now, -keptDays),
              mails: keptSince(now, await findPrivacySetting(tx, 'apiLog'), apiLogDays),
              clickDetails: keptSince(now, await findPrivacySetting(tx, 'clickDetails'), clickDetailsDays),
            });
            return emptied + rest;
          });
          found += deleted;
          Context.current().heartbeat(found);
          if (deleted === 0) break;
        }
      }
      for (let deleted = -1; deleted !== 0; found += deleted) {
        deleted = await deleteOutdatedSignIns(deps.db, keptDays);
        Context.current().heartbeat(found);
      }
      return { found };
    },
  };
}

/** The first one changes from pass to pass, so that the limit of a pass starves nobody. */
async function workspacesInTurn(db: Db): Promise<readonly WorkspaceId[]> {
  const ids = (await listWorkspaces(db)).map((workspace) => workspace.id);
  const minute = Math.floor((Context.current().info.scheduledTimestampMs ?? 0) / 60_000);
  const first = ids.length === 0 ? 0 : minute % ids.length;
  return [...ids.slice(first), ...ids.slice(0, first)];
}

/** A transaction of its own, and a fault is told and left to the next pass: what waits in this workspace and the others is woken all the same. */
async function applyPlannedTerms(deps: SweepDeps, workspaceId: WorkspaceId): Promise<void> {
  try {
    await inWorkspace(deps.db, workspaceId, (tx, now) => applyDueChanges(tx, actOf(deps, workspaceId, now)));
  } catch (error) {
    deps.logger.error({ err: error, workspaceId }, 'planned terms could not take effect');
  }
}

async function nudgeWorkspace(deps: SweepDeps, workspaceId: WorkspaceId, limit: number): Promise<number> {
  return inWorkspace(deps.db, workspaceId, async (tx, now) => {
    const late = await markNudged(tx, now, await listUnapplied(tx, now, limit));
    // Several rows may wait for one workflow; one nudge makes it read them all.
    const workflows = new Map(late.map((row) => [row.workflowId, row]));
    await enqueue(tx, ...[...workflows.values()].map((row) => nudgeOf(workspaceId, row)));
    if (workflows.size > 0) deps.logger.warn({ workspaceId, workflows: workflows.size }, 'unapplied rows nudged');
    return workflows.size;
  });
}

function nudgeOf(workspaceId: WorkspaceId, { workflowType, workflowId, objectId }: Unapplied) {
  switch (workflowType) {
    case 'referral':
      return nudge(workflowType, workflowId, { workspaceId, referralId: objectId });
    case 'payout':
      return nudge(workflowType, workflowId, { workspaceId, payoutId: objectId });
    case 'payoutRun':
      return nudge(workflowType, workflowId, { workspaceId, payoutRunId: objectId });
    default:
      return workflowType satisfies never;
  }
}

async function requestExportsOf(
  deps: SweepDeps,
  workspaceId: WorkspaceId,
  runs: ClosedRunsPage['runs'],
  late: boolean,
): Promise<number> {
  const missing = await readWorkspace(deps.db, workspaceId, (tx) => listMissingExports(tx, runs));
  if (missing.length === 0) return 0;
  await inWorkspace(deps.db, workspaceId, (tx) => enqueue(tx, ...missing.map((run: ClosedRun) => exportMessage(run))));
  const ended = new Set(runs.filter((run) => run.terminated).map((run) => run.runId));
  const byHand = missing.filter((run) => ended.has(run.runId));
  const purged =
    byHand.length === 0
      ? new Set<string>()
      : await readWorkspace(deps.db, workspaceId, (tx) =>
          listPurgedWorkflows(
            tx,
            byHand.map((run) => run.workflowId),
          ),
        );
  for (const run of byHand) {
    if (!purged.has(run.workflowId)) deps.logger.error({ workspaceId, ...run }, 'workflow was terminated by hand');
  }
  if (late)
    deps.logger.error(
      { workspaceId, runs: missing.length },
      'histories not archived 3 days before retention takes them',
    );
  return missing.length;
}

function keptSince(now: Instant, setting: string | undefined, days: number): Instant {
  const duration = setting === undefined ? undefined : parseDuration(setting);
  return duration === undefined ? addDays(now, -days) : addMs(now, -durationMs(duration));
}
