import { Context } from '@temporalio/activity';
import { recordAudit } from '../../db/audit/audit.js';
import {
  addExportPart,
  beginExport,
  completeExport,
  type ExportId,
  failExport,
  findExport,
  type ListExport,
  orderOf,
} from '../../db/reporting/listExport.js';
import { finishJob, lockOperation, moveOperation, recordEnd } from '../../db/reporting/bulkOperation.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { DomainError, type DomainErrorCode } from '../../domain/errors.js';
import { exportExpiry, type ExportOrder } from '../../domain/reporting/listExport.js';
import type { JobRef } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import type { ActivityDeps } from '../deps.js';

const heartbeatMs = 5_000;

/** Takes a file as it is made. */
export interface ExportSink {
  /** The file begins, or begins anew: what was written before is gone. */
  begin(): Promise<void>;
  /** The next piece of the file (or none yet), and how many rows further it is. Throws when nobody wants the rest. */
  add(part: { readonly content: Buffer; readonly rows: number }): Promise<void>;
}

/** Makes files of lists. The lists are the API's: the worker's process hands them in, because activities know no routes. */
export interface ExportDesk {
  /** Writes the whole list into the sink, all of one instant. Codes: what the list itself refuses, `export.export_too_large`. */
  make(order: ExportOrder, sink: ExportSink): Promise<{ readonly fileName: string }>;
}

export interface ExportDeps {
  readonly exportDesk: ExportDesk;
}

type Deps = Pick<ActivityDeps, 'db' | 'longDb' | 'newId' | 'reached'> & ExportDeps;
type ExportStep = { readonly status: string; readonly hasMore: false; readonly open: 0 };

/** Somebody cancelled the job, or another try of it writes. */
class Stopped extends Error {}

/**
 * One list as a file. It is read in one snapshot, page by page, and stored piece by piece; killed anywhere, the next try begins with a snapshot
 * of its own and an empty file, and a worker that only seemed dead finds that its try is over. What the list refuses ends the job as failed.
 */
export async function makeExport(deps: Deps, ref: JobRef): Promise<ExportStep> {
  const found = await databaseActivity(deps, ref, async (tx, act) => {
    const job = await lockOperation(tx, ref.jobId);
    if (job === undefined || (job.status !== 'queued' && job.status !== 'running')) return undefined;
    if (job.status === 'queued') await moveOperation(tx, act, job, 'running');
    return findExport(tx, { operationId: ref.jobId });
  });
  if (found === undefined) return ended('cancelled');
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), heartbeatMs);
  try {
    const writing = { id: found.id, try: 0 };
    const sink: ExportSink = {
      async begin() {
        writing.try = await whileRunning(deps, ref, (tx) => beginExport(tx, found.id));
        deps.reached?.('export.begun');
      },
      async add(part) {
        const isOurs = await whileRunning(deps, ref, (tx) => addExportPart(tx, writing, part));
        if (!isOurs) throw new Stopped();
        deps.reached?.('export.paged');
      },
    };
    const file = await deps.exportDesk.make(orderOf(ref.workspaceId, found), sink);
    await whileRunning(deps, ref, (tx, act) => complete(tx, act, ref, writing, file.fileName));
    return ended('done');
  } catch (error) {
    if (error instanceof Stopped) return ended('cancelled');
    if (!(error instanceof DomainError)) throw error;
    await fail(deps, ref, found, error.code);
    return ended('failed');
  } finally {
    clearInterval(beat);
  }
}

/** One transaction under the job's lock. Throws when the job was cancelled meanwhile. */
function whileRunning<T>(deps: Deps, ref: JobRef, work: (tx: Tx, act: Act) => Promise<T>): Promise<T> {
  return databaseActivity(deps, ref, async (tx, act) => {
    const job = await lockOperation(tx, ref.jobId);
    if (job?.status !== 'running') throw new Stopped();
    return work(tx, actFor(act, { actor: job.actor, mode: job.mode }));
  });
}

async function complete(
  tx: Tx,
  act: Act,
  ref: JobRef,
  writing: { readonly id: ExportId; readonly try: number },
  fileName: string,
): Promise<void> {
  const job = await lockOperation(tx, ref.jobId);
  const isOurs = await completeExport(tx, writing, { fileName, expiresAt: exportExpiry(act.now) });
  const made = await findExport(tx, { id: writing.id });
  if (!isOurs || job === undefined || made === undefined) throw new Stopped();
  await recordAudit(tx, act, {
    objectType: 'export',
    objectId: made.id,
    seq: made.version,
    event: 'exported',
    // The names of the filters only: their values may be of a person (architecture.md 8).
    changes: {
      list: `/v1/${made.resource}`,
      format: made.format,
      rows: made.rowCount,
      filters: Object.keys(made.query).sort(),
    },
  });
  await finishJob(tx, act.now, job, {
    result: { exportId: made.id, rows: made.rowCount },
    total: made.rowCount,
  });
  await recordEnd(tx, act, job, 'done');
}

async function fail(deps: Deps, ref: JobRef, found: ListExport, code: DomainErrorCode): Promise<void> {
  await databaseActivity(deps, ref, async (tx, act) => {
    const job = await lockOperation(tx, ref.jobId);
    if (job?.status !== 'running') return;
    await failExport(tx, found.id, code);
    await moveOperation(tx, act, job, 'failed');
  });
}

function ended(status: string): ExportStep {
  return { status, hasMore: false, open: 0 };
}
