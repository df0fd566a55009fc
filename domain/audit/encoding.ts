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
  /** What the account is, `<kind>:<owner>`: renaming an account would move money without touching a posting. */
  readonly debitAccount: string;
  readonly creditAccount: string;
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
  readonly objectId: string;
  readonly buildId: string | null;
  readonly eventCount: number;
  readonly firstEventAt: string;
  readonly lastEventAt: string;
  readonly closeStatus: string;
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

/** One row of a commit by its id and hash. */
export type RowHash = readonly [id: string, hash: string];

/** What each row of a commit says, to be hashed one by one: so that the verifier names the row that was altered. Ordered by id. */
export function rowTexts(content: CommitContent): readonly { readonly id: string; readonly text: string }[] {
  const texts = [
    ...content.entries.map((entry) => ({
      id: entry.id,
      text: encode([
        'entry',
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
    })),
    ...content.transfers.map((transfer) => ({
      id: transfer.id,
      text: encode([
        'transfer',
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
            posting.debitAccount,
            posting.creditAccount,
            posting.amountMinor,
          ]),
      ]),
    })),
    ...content.histories.map((history) => ({
      id: history.id,
      text: encode([
        'history',
        history.id,
        history.workflowType,
        history.workflowId,
        history.runId,
        history.objectId,
        history.buildId,
        history.eventCount,
        history.firstEventAt,
        history.lastEventAt,
        history.closeStatus,
        history.sha256,
        history.eventHashes,
      ]),
    })),
  ];
  return texts.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The text whose SHA-256 is the leaf's content hash: the commit and the hashes of what it wrote (temporal.md 10.1). */
export function encodeRows(commitId: string, rows: readonly RowHash[]): string {
  return encode([commitId, rows]);
}

/** The first row of which only one side has this hash; undefined when both tell the same. Both in order of their ids. */
export function firstBadRow(kept: readonly RowHash[], shown: readonly RowHash[]): string | undefined {
  const hashes = new Map(shown);
  const wrong = kept.find(([id, hash]) => hashes.get(id) !== hash);
  if (wrong !== undefined) return wrong[0];
  const known = new Map(kept);
  return shown.find(([id]) => !known.has(id))?.[0];
}

/** The text whose SHA-256 is the leaf: previous leaf, place in the chain, commit, content. Hashes as lower-case hex. */
export function encodeLeaf(previousHash: string, sequence: bigint, commitId: string, contentHash: string): string {
  return encode([previousHash, sequence, commitId, contentHash]);
}
