import { gunzipSync } from 'node:zlib';
import type { SignedHead } from '../../../domain/audit/bundle.js';
import { type CommitContent, encodeLeaf, firstBadRow, genesis } from '../../../domain/audit/encoding.js';
import { addMs, type Instant } from '../../../domain/time.js';
import {
  countUncovered,
  findHead,
  hashContent,
  type Leaf,
  listLeaves,
  readCommits,
  sha256,
} from '../../audit/chain.js';
import { findHistoryBytes } from '../../audit/history.js';
import type { ReadTx } from '../../transaction.js';

// Does the audit chain hold, from its first leaf to the heads kept outside the database?

/** A leaf follows its commit within 60 s (temporal.md 10.1): what has none after that is late, or was slipped in (I14). */
export const lateAfterMs = 60_000;

export interface ChainVerification {
  readonly holds: boolean;
  /** Last leaf up to which everything matches. Where a row was altered, `firstBadEntryId` names it, be it entry, transfer or history. */
  readonly holdsTo: string;
  readonly leaves: number;
  readonly entries: number;
  readonly firstBadSequence: string | null;
  readonly firstBadEntryId: string | null;
  readonly code: 'edited' | 'reordered' | 'gap' | 'cut' | 'uncovered' | 'head_differs' | null;
  readonly head: { readonly sequence: string; readonly leafHash: string } | null;
}

/**
 * Recomputes every leaf from the rows and follows the chain to its head; then compares with the heads kept outside the database. Finds an
 * edit, a deletion, an insertion, a swap, a cut tail and a whole re-hash, and names the first bad place (reliability.md G26).
 */
export async function verifyLeaves(
  tx: ReadTx,
  now: Instant,
  outside: readonly SignedHead[],
): Promise<ChainVerification> {
  const head = await findHead(tx);
  let previous = { sequence: 0n, leafHash: genesis };
  let entries = 0;
  const fail = (
    code: NonNullable<ChainVerification['code']>,
    sequence: bigint,
    entryId: string | null = null,
  ): ChainVerification => ({
    holds: false,
    holdsTo: previous.sequence.toString(),
    leaves: Number(previous.sequence),
    entries,
    firstBadSequence: sequence.toString(),
    firstBadEntryId: entryId,
    code,
    head: head === undefined ? null : { sequence: head.sequence.toString(), leafHash: head.leafHash },
  });
  const seen = new Map<string, string>();
  for (;;) {
    const page: readonly Leaf[] = await listLeaves(tx, previous.sequence, 1_000);
    if (page.length === 0) break;
    const contents = await readCommits(
      tx,
      page.map((leaf) => leaf.commitId),
    );
    for (const leaf of page) {
      if (leaf.sequence !== previous.sequence + 1n) return fail('gap', previous.sequence + 1n);
      if (leaf.previousHash !== previous.leafHash) return fail('reordered', leaf.sequence);
      const content = contents.get(leaf.commitId);
      if (content === undefined) return fail('edited', leaf.sequence);
      const { rows, hash } = hashContent(content);
      if (hash !== leaf.contentHash) return fail('edited', leaf.sequence, firstBadRow(leaf.rows, rows) ?? null);
      const isSealed =
        sha256(encodeLeaf(leaf.previousHash, leaf.sequence, leaf.commitId, leaf.contentHash)) === leaf.leafHash;
      if (!isSealed || !isCounted(leaf, content) || firstBadRow(leaf.rows, rows) !== undefined)
        return fail('edited', leaf.sequence);
      const altered = await alteredHistory(tx, content);
      if (altered !== undefined) return fail('edited', leaf.sequence, altered);
      entries += content.entries.length;
      seen.set(leaf.sequence.toString(), leaf.leafHash);
      previous = { sequence: leaf.sequence, leafHash: leaf.leafHash };
    }
  }
  if ((head?.sequence ?? 0n) !== previous.sequence || (head?.leafHash ?? genesis) !== previous.leafHash)
    return fail('cut', previous.sequence + 1n);
  for (const signed of outside) {
    if (signed.sequence === '0') continue;
    const leafHash = seen.get(signed.sequence);
    if (leafHash === undefined) return fail('cut', BigInt(signed.sequence));
    if (leafHash !== signed.leafHash) return fail('head_differs', BigInt(signed.sequence));
  }
  const late = await countUncovered(tx, addMs(now, -lateAfterMs));
  if (late.entries > 0) return fail('uncovered', previous.sequence + 1n, late.firstEntryId);
  return {
    holds: true,
    holdsTo: previous.sequence.toString(),
    leaves: Number(previous.sequence),
    entries,
    firstBadSequence: null,
    firstBadEntryId: null,
    code: null,
    head: { sequence: previous.sequence.toString(), leafHash: previous.leafHash },
  };
}

function isCounted(leaf: Leaf, content: CommitContent): boolean {
  const { entries, transfers, histories } = leaf.counts;
  return (
    entries === content.entries.length &&
    transfers === content.transfers.length &&
    histories === content.histories.length
  );
}

/** The leaf holds a history's hash, not its bytes: they are compared here. Answers the first that differs. */
async function alteredHistory(tx: ReadTx, content: CommitContent): Promise<string | undefined> {
  for (const history of content.histories) {
    const bytes = await findHistoryBytes(tx, history.id);
    if (bytes === undefined || sha256(unzipped(bytes)) !== history.sha256) return history.id;
  }
  return undefined;
}

function unzipped(bytes: Buffer): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch {
    return new Uint8Array(); // no longer gzip: altered, and the hash of nothing says so
  }
}
