import type { Db } from '../db/connection.js';
import { enqueue, type OutboxMessage } from '../db/messaging/outbox.js';
import { listUnfinished, type Unfinished, unfinishedTypes } from '../db/reads/audit/unfinished.js';
import { inWorkspace } from '../db/transaction.js';
import type { WorkspaceId } from '../domain/ids.js';
import { nudge, startMessage } from '../workflows/contract.js';

/** Rows per transaction: short locks, and a start that is broken off has written whole pages. */
const perPage = 500;

/**
 * Writes one outbox row for each unfinished aggregate of a workspace, so that a store of Temporal that was wiped, reset or set back gets
 * its workflows again. Living runs read one snapshot and go on, nothing happens twice, deadlines keep their dates (temporal.md 4.5).
 * Answers how many rows it wrote, by workflow type.
 */
export async function rehydrateWorkspace(
  db: Db,
  workspaceId: WorkspaceId,
): Promise<Readonly<Record<(typeof unfinishedTypes)[number], number>>> {
  const written = Object.fromEntries(unfinishedTypes.map((type) => [type, 0])) as Record<
    (typeof unfinishedTypes)[number],
    number
  >;
  for (const workflowType of unfinishedTypes) {
    for (let after = ''; ; ) {
      const page = await inWorkspace(db, workspaceId, async (tx) => {
        const unfinished = await listUnfinished(tx, workflowType, after, perPage);
        await enqueue(tx, ...unfinished.map((one) => messageFor(workspaceId, one)));
        return unfinished;
      });
      written[workflowType] += page.length;
      const last = page.at(-1);
      if (last === undefined || page.length < perPage) break;
      after = last.id;
    }
  }
  return written;
}

/** A start with the rest of the delay for who only waits for a window's end; "read your row" for all else. Below everybody's daily work. */
function messageFor(workspaceId: WorkspaceId, { id, workflowType, workflowId, startAt }: Unfinished): OutboxMessage {
  switch (workflowType) {
    case 'referral': {
      const input = { workspaceId, referralId: id };
      return startAt === null
        ? { ...nudge(workflowType, workflowId, input), priority: 5 }
        : startMessage({ workflowType, workflowId, input, startAt });
    }
    case 'payoutRun':
      return { ...nudge(workflowType, workflowId, { workspaceId, payoutRunId: id }), priority: 5 };
    case 'payout':
      return { ...nudge(workflowType, workflowId, { workspaceId, payoutId: id }), priority: 5 };
    case 'bulkOperation': // hears no nudge: it goes page by page and reads its row itself
      return startMessage({ workflowType, workflowId, input: { workspaceId, jobId: id }, startAt: null });
    default:
      return workflowType satisfies never;
  }
}
