import { pathToFileURL } from 'node:url';
import { connect, type Db } from '../db/connection.js';
import { listWorkspaces } from '../db/directory.js';
import { enqueue, type OutboxMessage } from '../db/messaging/outbox.js';
import { listUnfinished, type Unfinished, unfinishedTypes } from '../db/reads/audit/unfinished.js';
import { inWorkspace, notify } from '../db/transaction.js';
import type { WorkspaceId } from '../domain/ids.js';
import { loadConfig, localEnvironment } from '../platform/config.js';
import { nudge, startMessage } from '../workflows/contract.js';

/** Rows per transaction: short locks, and a start that is broken off has written whole pages. */
const perPage = 500;

/**
 * Writes one outbox row for each unfinished aggregate of all workspaces, so that a store of Temporal that was wiped, reset or set back gets
 * its workflows again. Living runs read one snapshot and go on, nothing happens twice, deadlines keep their dates (temporal.md 4.5).
 * Answers how many rows it wrote, by workflow type.
 */
export async function rehydrate(db: Db): Promise<Readonly<Record<string, number>>> {
  const written: Record<string, number> = {};
  for (const { id: workspaceId } of await listWorkspaces(db)) {
    for (const workflowType of unfinishedTypes) {
      for (let after = ''; ; ) {
        const page = await inWorkspace(db, workspaceId, async (tx) => {
          const unfinished = await listUnfinished(tx, workflowType, after, perPage);
          await enqueue(tx, ...unfinished.map((one) => messageFor(workspaceId, one)));
          return unfinished;
        });
        written[workflowType] = (written[workflowType] ?? 0) + page.length;
        const last = page.at(-1);
        if (last === undefined || page.length < perPage) break;
        after = last.id;
      }
    }
  }
  await notify(db, 'outbox', '');
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

async function main(): Promise<void> {
  const config = loadConfig(localEnvironment(process.env));
  const db = connect({ url: config.database.url, poolSize: 2, applicationName: 'tributary rehydrate' });
  try {
    const written = await rehydrate(db);
    const total = Object.values(written).reduce((sum, count) => sum + count, 0);
    console.log(
      `${total} unfinished: ${
        Object.entries(written)
          .map(([type, count]) => `${count} ${type}`)
          .join(', ') || 'nothing'
      }`,
    );
    console.log('The relay of a running worker now starts or wakes their workflows.');
  } finally {
    await db.destroy();
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
