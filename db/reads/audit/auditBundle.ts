import { gunzipSync } from 'node:zlib';
import type { AuditBundle } from '../../../domain/audit/bundle.js';
import { genesis } from '../../../domain/audit/encoding.js';
import { addMs, type Instant } from '../../../domain/time.js';
import { listLeaves, listUncoveredCommits, readCommits } from '../../audit/chain.js';
import { findHistoryBytes } from '../../audit/history.js';
import type { ReadTx } from '../../transaction.js';
import { lateAfterMs } from './chainVerification.js';

// What does the stand-alone verifier need: leaves, what they cover, what nothing covers, and the archived histories?

/** Leaves appended at or after `from` and before `until`; null: no bound. */
export interface BundleRange {
  readonly from: Instant | null;
  readonly until: Instant | null;
}

const pageSize = 1_000;

/** The bundle of a workspace's chain, all of one instant. The caller adds heads and key, which are kept outside the database. */
export async function readBundle(
  tx: ReadTx,
  now: Instant,
  range: BundleRange = { from: null, until: null },
): Promise<Omit<AuditBundle, 'workspaceId' | 'publicKeyPem' | 'heads'>> {
  const bounds = await findBounds(tx, range);
  const leaves: AuditBundle['leaves'][number][] = [];
  const commits: AuditBundle['commits'][number][] = [];
  const histories: AuditBundle['histories'][number][] = [];
  for (let after = bounds.first - 1n; after < bounds.last; ) {
    const page = (await listLeaves(tx, after, pageSize)).filter((leaf) => leaf.sequence <= bounds.last);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.sequence;
    leaves.push(
      ...page.map((leaf) => ({
        sequence: leaf.sequence.toString(),
        commitId: leaf.commitId,
        previousHash: leaf.previousHash,
        contentHash: leaf.contentHash,
        leafHash: leaf.leafHash,
        rows: leaf.rows,
      })),
    );
    const contents = await readCommits(
      tx,
      page.map((leaf) => leaf.commitId),
    );
    commits.push(...contents.values());
    for (const { id, workflowId, runId, sha256 } of [...contents.values()].flatMap((commit) => commit.histories)) {
      const bytes = await findHistoryBytes(tx, id);
      histories.push({ id, workflowId, runId, sha256, json: bytes === undefined ? '' : unzipped(bytes) });
    }
  }
  const uncovered = await readCommits(tx, await listUncoveredCommits(tx, null, 10_000));
  return {
    format: 'tributary-audit-1',
    exportedAt: now,
    lateBefore: addMs(now, -lateAfterMs),
    anchor: bounds.anchor,
    reachesHead: bounds.reachesHead,
    leaves,
    commits,
    uncovered: [...uncovered.values()],
    histories,
  };
}

async function findBounds(
  tx: ReadTx,
  range: BundleRange,
): Promise<{
  readonly first: bigint;
  readonly last: bigint;
  readonly anchor: AuditBundle['anchor'];
  readonly reachesHead: boolean;
}> {
  const { rows } = await tx.raw<{ rows: { first: bigint | null; last: bigint | null; newest: bigint | null }[] }>(
    `select min(sequence) filter (where cast(:from as timestamptz) is null or created_at >= :from) as first,
            max(sequence) filter (where cast(:until as timestamptz) is null or created_at < :until) as last,
            max(sequence) as newest
     from audit_leaves`,
    { from: range.from, until: range.until },
  );
  const { first, last, newest } = rows[0] ?? { first: null, last: null, newest: null };
  // Without a first leaf in range the file still says where the chain stood: an empty one anchored at its end.
  const begin = first ?? (newest ?? 0n) + 1n;
  const end = last ?? 0n;
  const before = range.from === null ? undefined : (await listLeaves(tx, begin - 2n, 1))[0];
  return {
    first: begin,
    last: end,
    anchor:
      before === undefined || before.sequence !== begin - 1n
        ? { sequence: '0', leafHash: genesis }
        : { sequence: before.sequence.toString(), leafHash: before.leafHash },
    reachesHead: range.until === null || last === newest,
  };
}

function unzipped(bytes: Buffer): string {
  try {
    return gunzipSync(bytes).toString('utf8');
  } catch {
    return ''; // no longer gzip: the verifier finds the hash of nothing
  }
}
