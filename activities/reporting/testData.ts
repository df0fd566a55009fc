import { Context } from '@temporalio/activity';
import { finishJob, lockOperation, moveOperation, recordEnd } from '../../db/reporting/bulkOperation.js';
import {
  archiveTestData,
  type ArchivedCounts,
  findFirstPass,
  type FirstPass,
  haveWritersEnded,
  keepFirstPass,
  recordPurge,
} from '../../db/reporting/testData.js';
import { inWorkspace, notify, readWorkspace } from '../../db/transaction.js';
import { actFor } from '../../domain/act.js';
import type { OperationId, WorkspaceId } from '../../domain/ids.js';
import { epochMs } from '../../domain/time.js';
import type { JobRef } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import type { ActivityDeps } from '../deps.js';

/** A transaction that has read and not written yet has no number: none of ours takes longer from its first reading to its first writing. */
const pauseMs = 1_000;
/** A statement ends after 5 s, an idle transaction after 10 s; what still holds numbers later is another database's. */
const longestWaitMs = 20_000;
const pollMs = 200;
const heartbeatMs = 5_000;

type PurgeStep = { readonly status: string; readonly hasMore: boolean; readonly open: 0 };
type PurgeDeps = Pick<ActivityDeps, 'db' | 'longDb' | 'newId' | 'reached'>;

/**
 * A page of the purge (TST-07): the first archives whatever is there, in one transaction; the second takes what was being written meanwhile,
 * and ends the job with one entry of the audit trail. Killed anywhere, it goes on with the page that was not committed.
 */
export async function purgeTestData(deps: PurgeDeps, ref: JobRef): Promise<PurgeStep> {
  const id = ref.jobId as OperationId;
  const before = await readWorkspace(deps.db, ref.workspaceId, (tx) => findFirstPass(tx, id));
  if (before === null) return beating(() => firstPass(deps, ref, id));
  await waitForWriters(deps, ref.workspaceId, before);
  return beating(() => lastPass(deps, ref, id, before));
}

/** Many rows take long, and a worker that is gone is noticed by its silence. */
async function beating<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}

async function firstPass(deps: PurgeDeps, ref: JobRef, id: OperationId): Promise<PurgeStep> {
  const step = await databaseActivity({ db: deps.longDb, newId: deps.newId }, ref, async (tx, act) => {
    const job = await lockOperation(tx, id);
    if (job === undefined || (job.status !== 'queued' && job.status !== 'running')) return ended(job?.status);
    if (job.status === 'queued') await moveOperation(tx, act, job, 'running');
    await keepFirstPass(tx, id, await archiveTestData(tx, id, null));
    deps.reached?.('testData.archived');
    return { status: 'running', hasMore: true, open: 0 } as const;
  });
  deps.reached?.('testData.paged');
  await notify(deps.db, 'outbox', '');
  return step;
}

async function lastPass(deps: PurgeDeps, ref: JobRef, id: OperationId, first: FirstPass): Promise<PurgeStep> {
  const step = await databaseActivity({ db: deps.longDb, newId: deps.newId }, ref, async (tx, act) => {
    const job = await lockOperation(tx, id);
    if (job?.status !== 'running') return ended(job?.status);
    const archived = sum(first.archived, await archiveTestData(tx, id, first.at));
    await recordPurge(tx, actFor(act, { actor: job.actor, mode: job.mode }), id, archived);
    const total = Object.values(archived).reduce((all, rows) => all + rows, 0);
    await finishJob(tx, act.now, job, { result: { archived }, total });
    await recordEnd(tx, act, job, 'done');
    return ended('done');
  });
  await notify(deps.db, 'outbox', '');
  return step;
}

async function waitForWriters(deps: PurgeDeps, workspaceId: WorkspaceId, first: FirstPass): Promise<void> {
  for (;;) {
    const isOver = await inWorkspace(deps.db, workspaceId, async (tx, now) => {
      const passed = epochMs(now) - epochMs(first.at);
      return passed >= pauseMs && (passed >= longestWaitMs || (await haveWritersEnded(tx, first)));
    });
    if (isOver) return;
    Context.current().heartbeat();
    await Context.current().sleep(pollMs);
  }
}

function ended(status: string | undefined): PurgeStep {
  return { status: status ?? 'failed', hasMore: false, open: 0 };
}

function sum(one: ArchivedCounts, other: ArchivedCounts): ArchivedCounts {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].toSorted();
  return Object.fromEntries(names.map((name) => [name, (one[name] ?? 0) + (other[name] ?? 0)]));
}
