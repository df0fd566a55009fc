import {
  appendLeaves,
  findCoveredUntil,
  findHead,
  hashContent,
  listUncoveredCommits,
  lockHead,
  type NewLeaf,
  readCommits,
  sha256,
} from '../../db/audit/chain.js';
import type { Db } from '../../db/connection.js';
import { type ChainVerification, verifyLeaves } from '../../db/reads/audit/chainVerification.js';
import { inWorkspace, readWorkspace } from '../../db/transaction.js';
import type { HeadKeeper } from '../../platform/headKeeper.js';
import type { Logger } from '../../platform/logger.js';
import type { SignedHead } from '../../domain/audit/bundle.js';
import { encodeLeaf } from '../../domain/audit/encoding.js';
import type { WorkspaceId } from '../../domain/ids.js';
import { addMs, type Instant } from '../../domain/time.js';

// Transactions commit in another order than they began: the chain looks for those without a leaf from this far before what its newest leaf
// covers. The longest statement may run 10 min (architecture.md 9). Not from "now": after an outage the rest would stay uncovered for ever.
const lookBackMs = 15 * 60_000;
const beginning = '2000-01-01T00:00:00.000Z' as Instant;
/** Commits per transaction: the head stays locked that long, and a decision's audit waits for nobody but the next appender. */
const leavesPerPass = 500;

/** Appends a leaf for each commit that has none yet. Answers how many. Safe to repeat and to run in several relays at once. */
export async function appendAuditLeaves(db: Db, workspaceId: WorkspaceId): Promise<number> {
  return inWorkspace(db, workspaceId, async (tx) => {
    const head = await lockHead(tx);
    if (head === undefined)
      throw new Error(`workspace ${workspaceId} has no audit head: it was not made by createWorkspace`);
    const coveredUntil = (await findCoveredUntil(tx, head.sequence)) ?? beginning;
    const commitIds = await listUncoveredCommits(tx, addMs(coveredUntil, -lookBackMs), leavesPerPass);
    const contents = await readCommits(tx, commitIds);
    let { sequence, leafHash } = head;
    const leaves: NewLeaf[] = [];
    for (const commitId of commitIds) {
      const content = contents.get(commitId);
      if (content === undefined) continue;
      const { rows, hash: contentHash } = hashContent(content);
      const previousHash = leafHash;
      sequence += 1n;
      leafHash = sha256(encodeLeaf(previousHash, sequence, commitId, contentHash));
      leaves.push({
        sequence,
        commitId,
        previousHash,
        contentHash,
        leafHash,
        counts: {
          entries: content.entries.length,
          transfers: content.transfers.length,
          histories: content.histories.length,
        },
        rows,
      });
    }
    await appendLeaves(tx, leaves);
    return leaves.length;
  });
}

/** Does a workspace's chain hold? Every leaf is recomputed from the rows, then compared with the heads kept outside (reliability.md G26). */
export function verifyChain(
  db: Db,
  workspaceId: WorkspaceId,
  outside: readonly SignedHead[],
): Promise<ChainVerification> {
  return readWorkspace(db, workspaceId, (tx, now) => verifyLeaves(tx, now, outside));
}

/**
 * One pass of the relay over all workspaces: leaves, then the signed head where it moved. Answers how many filled theirs: more may wait.
 * Looking for what has no leaf reads the last quarter of an hour, so nobody looks again for what came meanwhile before its time has come.
 */
export async function appendAuditChains(deps: {
  readonly db: Db;
  readonly keeper: HeadKeeper;
  readonly logger: Logger;
  readonly workspaces: readonly WorkspaceId[];
  readonly lastKept: Map<string, string>;
}): Promise<number> {
  let filled = 0;
  for (const workspaceId of deps.workspaces) {
    if ((await appendAuditLeaves(deps.db, workspaceId)) >= leavesPerPass) filled += 1;
    const seen = await readWorkspace(deps.db, workspaceId, async (tx, now) => ({ head: await findHead(tx), now }));
    if (seen.head === undefined || seen.head.sequence === 0n || deps.lastKept.get(workspaceId) === seen.head.leafHash)
      continue;
    await deps.keeper.keep({
      workspaceId,
      sequence: seen.head.sequence.toString(),
      leafHash: seen.head.leafHash,
      at: seen.now,
    });
    deps.lastKept.set(workspaceId, seen.head.leafHash);
  }
  return filled;
}
