import { type CommitContent, encodeLeaf, encodeRows, firstBadRow, type RowHash, rowTexts } from './encoding.js';
import { parseRecording } from './recording.js';
import { compareRecorded, type EntryFact } from './verdict.js';

/** A head as it was seen and signed outside the database. Whoever re-hashes the whole chain cannot re-sign it. */
export interface SignedHead {
  readonly workspaceId: string;
  readonly sequence: string;
  readonly leafHash: string;
  readonly at: string;
  readonly signature: string;
}

/** What an auditor takes away: everything the stand-alone verifier needs, and nothing personal (`GET /v1/audit-bundle`). */
export interface AuditBundle {
  readonly format: 'tributary-audit-1';
  readonly workspaceId: string;
  readonly publicKeyPem: string;
  /** By the database's clock. */
  readonly exportedAt: string;
  /** A minute before: what was written before it and has no leaf is a finding (temporal.md 10.1). */
  readonly lateBefore: string;
  /** The leaf before the first of this file: `0` and the genesis hash where the file begins with the chain. */
  readonly anchor: { readonly sequence: string; readonly leafHash: string };
  /** False: leaves after the last of this file exist, so heads beyond it say nothing. */
  readonly reachesHead: boolean;
  readonly heads: readonly SignedHead[];
  readonly leaves: readonly {
    readonly sequence: string;
    readonly commitId: string;
    readonly previousHash: string;
    readonly contentHash: string;
    readonly leafHash: string;
    readonly rows: readonly RowHash[];
  }[];
  readonly commits: readonly CommitContent[];
  /** What no leaf covers yet: at most a minute old, or slipped in. */
  readonly uncovered: readonly CommitContent[];
  readonly histories: readonly {
    readonly id: string;
    readonly workflowId: string;
    readonly runId: string;
    readonly sha256: string;
    readonly json: string;
  }[];
}

export interface BundleFinding {
  readonly code:
    | 'gap'
    | 'reordered'
    | 'edited'
    | 'missing_commit'
    | 'uncovered'
    | 'head_differs'
    | 'cut'
    | 'bad_signature'
    | 'history_differs'
    | 'history_unknown'
    | 'history_missing'
    | 'history_contradicts'
    | 'unbalanced'
    | 'not_booked';
  readonly at: string;
  readonly detail: string;
}

/** The text that a head's signature covers. */
export function headText(head: Omit<SignedHead, 'signature'>): string {
  return `${head.workspaceId}\n${head.sequence}\n${head.leafHash}\n${head.at}`;
}

type Sha256 = (text: string) => string;

/**
 * Checks a bundle without the product: the chain's order, contents, heads and their signatures, what slipped in without a leaf, each
 * history against its leaf, its steps against the entries, and the entries against their transfers (temporal.md 10.4). Hash and signature
 * are given, so that this file needs no library. First finding first; none: the record is as it was written.
 */
export function verifyBundle(
  bundle: AuditBundle,
  sha256: Sha256,
  isSigned: (text: string, signature: string, publicKeyPem: string) => boolean,
): readonly BundleFinding[] {
  return [
    ...checkLeaves(bundle, sha256, isSigned),
    ...checkUncovered(bundle),
    ...checkHistories(bundle, sha256),
    ...checkBooks(bundle),
  ];
}

function checkLeaves(
  bundle: AuditBundle,
  sha256: Sha256,
  isSigned: (text: string, signature: string, publicKeyPem: string) => boolean,
): readonly BundleFinding[] {
  const findings: BundleFinding[] = [];
  const commits = new Map(bundle.commits.map((commit) => [commit.commitId, commit]));
  const first = BigInt(bundle.anchor.sequence);
  let previous = { sequence: first, leafHash: bundle.anchor.leafHash };
  const leafAt = new Map([[bundle.anchor.sequence, bundle.anchor.leafHash]]);
  for (const leaf of bundle.leaves) {
    const at = `leaf ${leaf.sequence}`;
    const sequence = BigInt(leaf.sequence);
    if (sequence !== previous.sequence + 1n)
      findings.push({ code: 'gap', at, detail: `follows leaf ${previous.sequence}` });
    if (leaf.previousHash !== previous.leafHash)
      findings.push({ code: 'reordered', at, detail: 'does not name the leaf before it' });
    const commit = commits.get(leaf.commitId);
    const edited = commit === undefined ? undefined : editedRow(leaf, commit, sha256);
    if (commit === undefined) findings.push({ code: 'missing_commit', at, detail: leaf.commitId });
    else if (edited !== undefined) findings.push({ code: 'edited', at, detail: edited });
    if (sha256(encodeLeaf(leaf.previousHash, sequence, leaf.commitId, leaf.contentHash)) !== leaf.leafHash)
      findings.push({ code: 'edited', at, detail: 'its own hash' });
    leafAt.set(leaf.sequence, leaf.leafHash);
    previous = { sequence, leafHash: leaf.leafHash };
  }
  for (const head of bundle.heads) {
    const at = `head ${head.sequence}`;
    if (head.workspaceId !== bundle.workspaceId || !isSigned(headText(head), head.signature, bundle.publicKeyPem)) {
      findings.push({ code: 'bad_signature', at, detail: head.at });
      continue;
    }
    const leafHash = leafAt.get(head.sequence);
    const isOutside =
      BigInt(head.sequence) < first || (!bundle.reachesHead && BigInt(head.sequence) > previous.sequence);
    if (leafHash === undefined && !isOutside)
      findings.push({ code: 'cut', at, detail: 'the chain no longer reaches this head' });
    else if (leafHash !== undefined && leafHash !== head.leafHash)
      findings.push({ code: 'head_differs', at, detail: 'the chain was written anew' });
  }
  return findings;
}

/** The first row of a commit that is not what its leaf sealed; the commit's id when only the seal itself was touched. */
function editedRow(leaf: AuditBundle['leaves'][number], commit: CommitContent, sha256: Sha256): string | undefined {
  const rows = rowTexts(commit).map(({ id, text }): RowHash => [id, sha256(text)]);
  const bad = firstBadRow(leaf.rows, rows);
  return bad ?? (sha256(encodeRows(leaf.commitId, rows)) === leaf.contentHash ? undefined : leaf.commitId);
}

function checkUncovered(bundle: AuditBundle): readonly BundleFinding[] {
  return bundle.uncovered.flatMap((commit) => {
    const rows = [
      ...commit.entries.map((entry) => ({ id: entry.id, at: entry.at })),
      ...commit.transfers.map((transfer) => ({ id: transfer.id, at: transfer.recordedAt })),
    ];
    const late = rows.find((row) => row.at < bundle.lateBefore);
    return late === undefined ? [] : [{ code: 'uncovered', at: late.id, detail: commit.commitId } as const];
  });
}

function checkHistories(bundle: AuditBundle, sha256: Sha256): readonly BundleFinding[] {
  const recorded = new Map(
    bundle.commits.flatMap((commit) => commit.histories.map((history) => [history.id, history])),
  );
  const entries = bundle.commits.flatMap((commit) =>
    commit.entries.map((entry) => ({ ...entry, commitId: commit.commitId })),
  );
  const shown = new Set(bundle.histories.map((history) => history.id));
  const missing = [...recorded.values()].filter((history) => !shown.has(history.id));
  return [
    ...missing.map(
      (history): BundleFinding => ({ code: 'history_missing', at: history.id, detail: history.workflowId }),
    ),
    ...bundle.histories.flatMap((history): readonly BundleFinding[] => {
      const at = history.id;
      const kept = recorded.get(history.id);
      if (kept === undefined) return [{ code: 'history_unknown', at, detail: history.workflowId }];
      if (sha256(history.json) !== kept.sha256 || history.sha256 !== kept.sha256)
        return [{ code: 'history_differs', at, detail: history.workflowId }];
      const recording = parseRecording(history.json);
      const own = entries.filter((entry) => entry.objectId === kept.objectId && entry.to !== null);
      const difference = compareRecorded(recording, {
        workspaceId: bundle.workspaceId,
        objectId: kept.objectId,
        entries: entries.filter((entry) => entry.runId === kept.runId) satisfies readonly EntryFact[],
        statusAt: new Map(own.map((entry) => [entry.seq, entry.to ?? ''])),
        newestSeq: entries.reduce(
          (most, entry) => (entry.objectId === kept.objectId && entry.seq > most ? entry.seq : most),
          0,
        ),
      });
      return difference === undefined
        ? []
        : [{ code: 'history_contradicts', at, detail: `event ${difference.eventId ?? '-'}: ${difference.field}` }];
    }),
  ];
}

/** Each transfer is sound by itself, and an entry that moves a commission has one in its own commit (temporal.md 10.4, 5). */
function checkBooks(bundle: AuditBundle): readonly BundleFinding[] {
  const findings: BundleFinding[] = [];
  for (const commit of bundle.commits) {
    for (const transfer of commit.transfers) {
      const isSound =
        transfer.postings.length > 0 &&
        transfer.postings.every(
          (posting) => BigInt(posting.amountMinor) > 0n && posting.debitAccountId !== posting.creditAccountId,
        );
      if (!isSound) findings.push({ code: 'unbalanced', at: transfer.id, detail: transfer.kind });
    }
    for (const entry of commit.entries) {
      const accrued =
        entry.objectType === 'commission' && entry.event === 'accrued' ? amountOf(entry.changes) : undefined;
      if (accrued === undefined || accrued === '0' || accrued.startsWith('-')) continue; // posted once it is approved
      const amounts = commit.transfers.flatMap((transfer) => transfer.postings.map((posting) => posting.amountMinor));
      if (!amounts.includes(accrued))
        findings.push({ code: 'not_booked', at: entry.id, detail: `${entry.objectId} over ${accrued}` });
    }
  }
  return findings;
}

function amountOf(changes: unknown): string | undefined {
  const amount =
    typeof changes === 'object' && changes !== null && 'amountMinor' in changes ? changes.amountMinor : undefined;
  return typeof amount === 'string' && /^-?\d+$/.test(amount) ? amount : undefined;
}
