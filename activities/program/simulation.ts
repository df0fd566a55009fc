import { Context } from '@temporalio/activity';
import { draftOf } from '../../db/program/commissionPlan.js';
import { simulatePlan } from '../../db/reads/program/simulation.js';
import { findJob, finishJob, lockOperation, moveOperation } from '../../db/reporting/bulkOperation.js';
import { inWorkspace, readWorkspace } from '../../db/transaction.js';
import type { SimulationRequest } from '../../domain/program/simulationResult.js';
import type { JobRef } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import type { ActivityDeps } from '../deps.js';

const heartbeatMs = 5_000;

/**
 * One simulation: reads for up to minutes in a transaction that writes nothing, then keeps the result on the job. Run twice it computes the
 * same once more; a job that is finished or cancelled stays.
 */
export async function simulateJob(
  deps: Pick<ActivityDeps, 'db' | 'longDb' | 'newId'>,
  ref: JobRef,
): Promise<{ readonly status: string; readonly hasMore: false; readonly open: 0 }> {
  const context = Context.current();
  const job = await databaseActivity(deps, ref, async (tx, act) => {
    const found = await lockOperation(tx, ref.jobId);
    if (found?.status !== 'queued' && found?.status !== 'running') return undefined;
    if (found.status === 'queued') await moveOperation(tx, act, found, 'running');
    return findJob<SimulationRequest>(tx, ref.jobId);
  });
  if (job === undefined) return { status: 'done', hasMore: false, open: 0 };
  const beat = setInterval(() => context.heartbeat(), heartbeatMs);
  try {
    const { request } = job;
    const result = await readWorkspace(deps.longDb, ref.workspaceId, (tx) =>
      simulatePlan(
        tx,
        { mode: job.mode, from: request.from, until: request.until, programIds: request.programIds },
        request.draft === null ? null : { rule: draftOf(request.draft), replacesRuleId: request.replacesRuleId },
        (events) => context.heartbeat(events),
      ),
    );
    await inWorkspace(deps.db, ref.workspaceId, async (tx, now) => {
      const open = await lockOperation(tx, ref.jobId);
      if (open?.status !== 'running') return;
      await finishJob(tx, now, open, { result, total: result.sales });
    });
  } finally {
    clearInterval(beat);
  }
  return { status: 'done', hasMore: false, open: 0 };
}
