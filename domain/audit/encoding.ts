/**
 * Length-prefixed text, so that no two different lists read alike: `5:hello`, `-` for null. What the audit chain hashes (temporal.md 10.1).
 * The stand-alone verifier uses this file and Node's own hash, nothing else of the product.
 */
export type Encodable = string | number | bigint | boolean | null | readonly Encodable[];

export function encode(value: Encodable): string {
  if (value === null) return '-';
  if (typeof value === 'object') return `[${value.length}:${value.map(encode).join('')}]`;
  const text = typeof value === 'string' ? value : String(value);
  return `${text.length}:${text}`;
}

/** JSON with its keys in order, so that a jsonb column hashes the same wherever it is read. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}

/** The first leaf of a workspace follows this. */
export const genesis = '0'.repeat(64);

export interface LeafEntry {
  readonly id: string;
  readonly mode: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly seq: number;
  readonly from: string | null;
  readonly to: string | null;
  readonly event: string;
  readonly actorType: string;
  readonly actorId: string | null;
  readonly actorUserId: string | null;
  readonly reasonCode: string | null;
  readonly causeType: string | null;
  readonly causeId: string | null;
  readonly changes: unknown;
  readonly requestId: string | null;
  readonly workflowId: string | null;
  readonly runId: string | null;
  readonly activityId: string | null;
  readonly at: string;
}

export interface LeafPosting {
  readonly line: number;
  readonly currency: string;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amountMinor: string;
}

export interface LeafTransfer {
  readonly id: string;
  readonly mode: string;
  readonly kind: string;
  readonly causeType: string;
  readonly causeId: string;
  readonly correctsTransferId: string | null;
  readonly key: string;
  readonly effectiveAt: string;
  readonly recordedAt: string;
  readonly postings: readonly LeafPosting[];
}

export interface LeafHistory {
  readonly id: string;
  readonly workflowType: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly eventCount: number;
  readonly sha256: string;
  readonly eventHashes: string;
}

/** What one transaction wrote: one leaf per commit (decisions 6). */
export interface CommitContent {
  readonly commitId: string;
  readonly entries: readonly LeafEntry[];
  readonly transfers: readonly LeafTransfer[];
  readonly histories: readonly LeafHistory[];
}

function byId<T extends { readonly id: string }>(rows: readonly T[]): readonly T[] {
  return [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The text whose SHA-256 is the leaf's content hash. */
export function encodeContent(content: CommitContent): string {
  return encode([
    content.commitId,
    byId(content.entries).map((entry) => [
      entry.id,
      entry.mode,
      entry.objectType,
      entry.objectId,
      entry.seq,
      entry.from,
      entry.to,
      entry.event,
      entry.actorType,
      entry.actorId,
      entry.actorUserId,
      entry.reasonCode,
      entry.causeType,
      entry.causeId,
      canonicalJson(entry.changes),
      entry.requestId,
      entry.workflowId,
      entry.runId,
      entry.activityId,
      entry.at,
    ]),
    byId(content.transfers).map((transfer) => [
      transfer.id,
      transfer.mode,
      transfer.kind,
      transfer.causeType,
      transfer.causeId,
      transfer.correctsTransferId,
      transfer.key,
      transfer.effectiveAt,
      transfer.recordedAt,
      [...transfer.postings]
        .sort((a, b) => a.line - b.line)
        .map((posting) => [
          posting.line,
          posting.currency,
          posting.debitAccountId,
          posting.creditAccountId,
          posting.amountMinor,
        ]),
    ]),
    byId(content.histories).map((history) => [
      history.id,
      history.workflowType,
      history.workflowId,
      history.runId,
      history.eventCount,
      history.sha256,
      history.eventHashes,
    ]),
  ]);
}

/** The text whose SHA-256 is the leaf: previous leaf, place in the chain, commit, content. Hashes as lower-case hex. */
export function encodeLeaf(previousHash: string, sequence: bigint, commitId: string, contentHash: string): string {
  return encode([previousHash, sequence, commitId, contentHash]);
}
