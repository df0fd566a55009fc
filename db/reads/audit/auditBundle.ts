import type { AuditBundle } from '../../../domain/audit/bundle.js';
import type { ReadTx } from '../../transaction.js';
import { listLeaves, readCommits } from '../../audit/chain.js';

/** Which leaves and commits are there, from the first one on? A bundle for the stand-alone verifier; histories are added by the caller. */
export async function readChain(tx: ReadTx): Promise<Pick<AuditBundle, 'leaves' | 'commits'>> {
  const leaves: AuditBundle['leaves'][number][] = [];
  const commits: AuditBundle['commits'][number][] = [];
  let after = 0n;
  for (;;) {
    const page = await listLeaves(tx, after, 1_000);
    const last = page.at(-1);
    if (last === undefined) return { leaves, commits };
    after = last.sequence;
    leaves.push(
      ...page.map((leaf) => ({
        sequence: leaf.sequence.toString(),
        commitId: leaf.commitId,
        previousHash: leaf.previousHash,
        contentHash: leaf.contentHash,
        leafHash: leaf.leafHash,
      })),
    );
    commits.push(
      ...(
        await readCommits(
          tx,
          page.map((leaf) => leaf.commitId),
        )
      ).values(),
    );
  }
}

/** Which runs are archived? Newest first. */
export async function listAllHistories(
  tx: ReadTx,
): Promise<
  readonly { readonly id: string; readonly workflowId: string; readonly runId: string; readonly sha256: string }[]
> {
  const rows = await tx('histories')
    .orderBy('first_event_at', 'desc')
    .orderBy('id')
    .select<{ id: string; workflow_id: string; run_id: string; sha256: Buffer }[]>(
      'id',
      'workflow_id',
      'run_id',
      'sha256',
    );
  return rows.map((row) => ({
    id: row.id,
    workflowId: row.workflow_id,
    runId: row.run_id,
    sha256: row.sha256.toString('hex'),
  }));
}
