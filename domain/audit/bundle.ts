import { type CommitContent, encodeContent, encodeLeaf, genesis } from './encoding.js';

/** What an auditor takes away: everything the stand-alone verifier needs, and nothing personal (`GET /v1/audit-bundle`). */
export interface AuditBundle {
  readonly format: 'tributary-audit-1';
  readonly workspaceId: string;
  readonly publicKeyPem: string;
  readonly heads: readonly {
    readonly workspaceId: string;
    readonly sequence: string;
    readonly leafHash: string;
    readonly at: string;
    readonly signature: string;
  }[];
  readonly leaves: readonly {
    readonly sequence: string;
    readonly commitId: string;
    readonly previousHash: string;
    readonly contentHash: string;
    readonly leafHash: string;
  }[];
  readonly commits: readonly CommitContent[];
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
    | 'head_differs'
    | 'cut'
    | 'bad_signature'
    | 'history_differs'
    | 'history_unknown'
    | 'unbalanced';
  readonly at: string;
  readonly detail: string;
}

/** The text that a head's signature covers. */
export function headText(head: {
  readonly workspaceId: string;
  readonly sequence: string;
  readonly leafHash: string;
  readonly at: string;
}): string {
  return `${head.workspaceId}\n${head.sequence}\n${head.leafHash}\n${head.at}`;
}

/**
 * Checks the chain of a bundle that begins at the first leaf: order, contents, heads and their signatures, histories against their leaves.
 * Hash and signature are given, so that this file needs no library. First finding first; none: the record is as it was written.
 */
export function verifyBundle(
  bundle: AuditBundle,
  sha256: (text: string) => string,
  isSigned: (text: string, signature: string, publicKeyPem: string) => boolean,
): readonly BundleFinding[] {
  const findings: BundleFinding[] = [];
  const commits = new Map(bundle.commits.map((commit) => [commit.commitId, commit]));
  const leafAt = new Map<string, string>();
  let previous = { sequence: 0n, leafHash: genesis };
  for (const leaf of bundle.leaves) {
    const sequence = BigInt(leaf.sequence);
    if (sequence !== previous.sequence + 1n)
      findings.push({ code: 'gap', at: `leaf ${leaf.sequence}`, detail: `follows leaf ${previous.sequence}` });
    if (leaf.previousHash !== previous.leafHash)
      findings.push({ code: 'reordered', at: `leaf ${leaf.sequence}`, detail: 'does not name the leaf before it' });
    const commit = commits.get(leaf.commitId);
    if (commit === undefined)
      findings.push({ code: 'missing_commit', at: `leaf ${leaf.sequence}`, detail: leaf.commitId });
    else if (sha256(encodeContent(commit)) !== leaf.contentHash) {
      findings.push({
        code: 'edited',
        at: `leaf ${leaf.sequence}`,
        detail: commit.entries[0]?.id ?? commit.transfers[0]?.id ?? commit.histories[0]?.id ?? leaf.commitId,
      });
    }
    if (sha256(encodeLeaf(leaf.previousHash, sequence, leaf.commitId, leaf.contentHash)) !== leaf.leafHash) {
      findings.push({ code: 'edited', at: `leaf ${leaf.sequence}`, detail: 'its own hash' });
    }
    leafAt.set(leaf.sequence, leaf.leafHash);
    previous = { sequence, leafHash: leaf.leafHash };
  }
  for (const head of bundle.heads) {
    if (!isSigned(headText(head), head.signature, bundle.publicKeyPem)) {
      findings.push({ code: 'bad_signature', at: `head ${head.sequence}`, detail: head.at });
      continue;
    }
    const leafHash = leafAt.get(head.sequence);
    if (leafHash === undefined)
      findings.push({ code: 'cut', at: `head ${head.sequence}`, detail: 'the chain no longer reaches this head' });
    else if (leafHash !== head.leafHash)
      findings.push({ code: 'head_differs', at: `head ${head.sequence}`, detail: 'the chain was written anew' });
  }
  const recorded = new Map(
    bundle.commits.flatMap((commit) => commit.histories.map((history) => [history.id, history] as const)),
  );
  for (const history of bundle.histories) {
    const kept = recorded.get(history.id);
    if (kept === undefined) findings.push({ code: 'history_unknown', at: history.id, detail: history.workflowId });
    else if (sha256(history.json) !== kept.sha256)
      findings.push({ code: 'history_differs', at: history.id, detail: history.workflowId });
  }
  for (const transfer of bundle.commits.flatMap((commit) => commit.transfers)) {
    const isSound =
      transfer.postings.length > 0 &&
      transfer.postings.every(
        (posting) => BigInt(posting.amountMinor) > 0n && posting.debitAccountId !== posting.creditAccountId,
      );
    if (!isSound) findings.push({ code: 'unbalanced', at: transfer.id, detail: transfer.kind });
  }
  return findings;
}
