import { createHash } from 'node:crypto';
import {
  type CommitContent,
  encodeRows,
  type LeafEntry,
  type LeafHistory,
  type LeafTransfer,
  type RowHash,
  rowTexts,
} from '../../domain/audit/encoding.js';
import type { Instant } from '../../domain/time.js';
import type { ReadTx, Tx } from '../transaction.js';

/** Lower-case hex, of the text in UTF-8. */
export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The rows of a commit by their hashes, and the hash of them all. */
export function hashContent(content: CommitContent): { readonly rows: readonly RowHash[]; readonly hash: string } {
  const rows = rowTexts(content).map(({ id, text }): RowHash => [id, sha256(text)]);
  return { rows, hash: sha256(encodeRows(content.commitId, rows)) };
}

export interface ChainHead {
  readonly sequence: bigint;
  readonly leafHash: string;
}

export interface Leaf extends ChainHead {
  readonly commitId: string;
  readonly previousHash: string;
  readonly contentHash: string;
  readonly counts: LeafCounts;
  readonly rows: readonly RowHash[];
  readonly at: Instant;
}

export interface LeafCounts {
  readonly entries: number;
  readonly transfers: number;
  readonly histories: number;
}

interface LeafRow {
  readonly sequence: bigint;
  readonly commit_id: string;
  readonly previous_hash: Buffer;
  readonly content_hash: Buffer;
  readonly leaf_hash: Buffer;
  readonly entry_count: number;
  readonly transfer_count: number;
  readonly history_count: number;
  readonly row_hashes: readonly RowHash[];
  readonly created_at: Instant;
}

/** The head of a workspace's chain, locked: its leaves are appended one writer at a time. */
export async function lockHead(tx: Tx): Promise<ChainHead | undefined> {
  const row = await tx('audit_heads')
    .forNoKeyUpdate()
    .first<{ sequence: bigint; leaf_hash: Buffer } | undefined>('sequence', 'leaf_hash');
  return row === undefined ? undefined : { sequence: row.sequence, leafHash: row.leaf_hash.toString('hex') };
}

export async function findHead(tx: ReadTx | Tx): Promise<ChainHead | undefined> {
  const row = await tx('audit_heads').first<{ sequence: bigint; leaf_hash: Buffer } | undefined>(
    'sequence',
    'leaf_hash',
  );
  return row === undefined ? undefined : { sequence: row.sequence, leafHash: row.leaf_hash.toString('hex') };
}

/** When was written what the newest leaf covers? Undefined for an empty chain. The chain goes on from there, however long nobody appended. */
export async function findCoveredUntil(tx: Tx, sequence: bigint): Promise<Instant | undefined> {
  const { rows } = await tx.raw<{ rows: { at: Instant | null }[] }>(
    `select least(
       (select min(entry.at) from audit_entries as entry where entry.commit_id = leaf.commit_id),
       (select min(transfer.recorded_at) from ledger_transfers as transfer where transfer.commit_id = leaf.commit_id),
       (select min(history.created_at) from histories as history where history.commit_id = leaf.commit_id)) as at
     from audit_leaves as leaf
     where leaf.sequence = :sequence`,
    { sequence: sequence.toString() },
  );
  return rows[0]?.at ?? undefined;
}

/** Which commits since `since` (null: ever) have no leaf yet, oldest first? A leaf may be late, never missing (I14). */
export async function listUncoveredCommits(
  tx: ReadTx | Tx,
  since: Instant | null,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { commit_id: string }[] }>(
    `select written.commit_id
     from (
       select commit_id, min(at) as at from audit_entries where at >= :since group by commit_id
       union all
       select commit_id, min(recorded_at) from ledger_transfers where recorded_at >= :since group by commit_id
       union all
       select commit_id, min(created_at) from histories where created_at >= :since group by commit_id
     ) as written
     where written.commit_id is not null
       and not exists (select from audit_leaves as leaf where leaf.commit_id = written.commit_id)
     group by written.commit_id
     order by min(written.at), written.commit_id
     limit :limit`,
    { since: since ?? '-infinity', limit },
  );
  return rows.map((row) => row.commit_id);
}

/** Everything that some transactions wrote, by commit id. */
export async function readCommits(
  tx: ReadTx | Tx,
  commitIds: readonly string[],
): Promise<ReadonlyMap<string, CommitContent>> {
  const entries = await tx('audit_entries')
    .whereIn('commit_id', [...commitIds])
    .select<
      {
        id: string;
        mode: string;
        object_type: string;
        object_id: string;
        seq: number;
        from_status: string | null;
        to_status: string | null;
        event: string;
        actor_type: string;
        actor_id: string | null;
        actor_user_id: string | null;
        reason_code: string | null;
        cause_type: string | null;
        cause_id: string | null;
        changes: unknown;
        request_id: string | null;
        workflow_id: string | null;
        run_id: string | null;
        activity_id: string | null;
        at: string;
        commit_id: string;
      }[]
    >('*');
  const transfers = await tx('ledger_transfers')
    .whereIn('commit_id', [...commitIds])
    .select<
      {
        id: string;
        mode: string;
        kind: string;
        cause_type: string;
        cause_id: string;
        corrects_transfer_id: string | null;
        idempotency_key: string;
        effective_at: string;
        recorded_at: string;
        commit_id: string;
      }[]
    >('*');
  const { rows: postings } = await tx.raw<{
    rows: {
      transfer_id: string;
      line: number;
      currency: string;
      debit_account_id: string;
      credit_account_id: string;
      debit_account: string | null;
      credit_account: string | null;
      amount_minor: bigint;
    }[];
  }>(
    `select posting.transfer_id, posting.line, posting.currency, posting.debit_account_id, posting.credit_account_id,
            debit.kind || ':' || debit.owner_id as debit_account, credit.kind || ':' || credit.owner_id as credit_account,
            posting.amount_minor
     from ledger_postings as posting
     left join account_names as debit on (debit.workspace_id, debit.id) = (posting.workspace_id, posting.debit_account_id)
     left join account_names as credit on (credit.workspace_id, credit.id) = (posting.workspace_id, posting.credit_account_id)
     where posting.transfer_id = any (:transferIds)`,
    { transferIds: transfers.map((transfer) => transfer.id) },
  );
  const histories = await tx('histories')
    .whereIn('commit_id', [...commitIds])
    .select<
      {
        id: string;
        workflow_type: string;
        workflow_id: string;
        run_id: string;
        object_id: string;
        build_id: string | null;
        event_count: number;
        first_event_at: string;
        last_event_at: string;
        close_status: string;
        sha256: Buffer;
        event_hashes: Buffer;
        commit_id: string;
      }[]
    >(
      'id',
      'workflow_type',
      'workflow_id',
      'run_id',
      'object_id',
      'build_id',
      'event_count',
      'first_event_at',
      'last_event_at',
      'close_status',
      'sha256',
      'event_hashes',
      'commit_id',
    );

  const content = new Map(
    commitIds.map((commitId) => [
      commitId,
      { commitId, entries: [] as LeafEntry[], transfers: [] as LeafTransfer[], histories: [] as LeafHistory[] },
    ]),
  );
  for (const row of entries) {
    content.get(row.commit_id)?.entries.push({
      id: row.id,
      mode: row.mode,
      objectType: row.object_type,
      objectId: row.object_id,
      seq: row.seq,
      from: row.from_status,
      to: row.to_status,
      event: row.event,
      actorType: row.actor_type,
      actorId: row.actor_id,
      actorUserId: row.actor_user_id,
      reasonCode: row.reason_code,
      causeType: row.cause_type,
      causeId: row.cause_id,
      changes: row.changes,
      requestId: row.request_id,
      workflowId: row.workflow_id,
      runId: row.run_id,
      activityId: row.activity_id,
      at: row.at,
    });
  }
  const postingsOf = new Map<string, LeafTransfer['postings'][number][]>();
  for (const posting of postings) {
    const lines = postingsOf.get(posting.transfer_id) ?? [];
    lines.push({
      line: posting.line,
      currency: posting.currency,
      debitAccountId: posting.debit_account_id,
      creditAccountId: posting.credit_account_id,
      debitAccount: posting.debit_account ?? '',
      creditAccount: posting.credit_account ?? '',
      amountMinor: posting.amount_minor.toString(),
    });
    postingsOf.set(posting.transfer_id, lines);
  }
  for (const row of transfers) {
    content.get(row.commit_id)?.transfers.push({
      id: row.id,
      mode: row.mode,
      kind: row.kind,
      causeType: row.cause_type,
      causeId: row.cause_id,
      correctsTransferId: row.corrects_transfer_id,
      key: row.idempotency_key,
      effectiveAt: row.effective_at,
      recordedAt: row.recorded_at,
      postings: postingsOf.get(row.id) ?? [],
    });
  }
  for (const row of histories) {
    content.get(row.commit_id)?.histories.push({
      id: row.id,
      workflowType: row.workflow_type,
      workflowId: row.workflow_id,
      runId: row.run_id,
      objectId: row.object_id,
      buildId: row.build_id,
      eventCount: row.event_count,
      firstEventAt: row.first_event_at,
      lastEventAt: row.last_event_at,
      closeStatus: row.close_status,
      sha256: row.sha256.toString('hex'),
      eventHashes: row.event_hashes.toString('hex'),
    });
  }
  return content;
}

export interface NewLeaf {
  readonly sequence: bigint;
  readonly commitId: string;
  readonly previousHash: string;
  readonly contentHash: string;
  readonly leafHash: string;
  readonly counts: LeafCounts;
  readonly rows: readonly RowHash[];
}

export async function appendLeaves(tx: Tx, leaves: readonly NewLeaf[]): Promise<void> {
  const last = leaves.at(-1);
  if (last === undefined) return;
  await tx('audit_leaves').insert(
    leaves.map((leaf) => ({
      sequence: leaf.sequence,
      commit_id: leaf.commitId,
      previous_hash: Buffer.from(leaf.previousHash, 'hex'),
      content_hash: Buffer.from(leaf.contentHash, 'hex'),
      leaf_hash: Buffer.from(leaf.leafHash, 'hex'),
      entry_count: leaf.counts.entries,
      transfer_count: leaf.counts.transfers,
      history_count: leaf.counts.histories,
      row_hashes: JSON.stringify(leaf.rows),
    })),
  );
  await tx('audit_heads').update({
    sequence: last.sequence,
    leaf_hash: Buffer.from(last.leafHash, 'hex'),
    updated_at: tx.raw('now()'),
  });
}

/** A page of the chain, in order. */
export async function listLeaves(tx: ReadTx | Tx, after: bigint, limit: number): Promise<readonly Leaf[]> {
  const rows = await tx('audit_leaves')
    .whereRaw('sequence > ?', [after.toString()])
    .orderBy('sequence')
    .limit(limit)
    .select<LeafRow[]>('*');
  return rows.map(toLeaf);
}

/** The leaf that covers a transaction; undefined for up to a minute after it. */
export async function findLeaf(tx: ReadTx | Tx, commitId: string): Promise<Leaf | undefined> {
  const row = await tx('audit_leaves').where({ commit_id: commitId }).first<LeafRow | undefined>('*');
  return row === undefined ? undefined : toLeaf(row);
}

function toLeaf(row: LeafRow): Leaf {
  return {
    sequence: row.sequence,
    commitId: row.commit_id,
    previousHash: row.previous_hash.toString('hex'),
    contentHash: row.content_hash.toString('hex'),
    leafHash: row.leaf_hash.toString('hex'),
    counts: { entries: row.entry_count, transfers: row.transfer_count, histories: row.history_count },
    rows: row.row_hashes,
    at: row.created_at,
  };
}

/** Rows older than `before` that no leaf covers: late, or slipped in behind the chain's back (I14). */
export async function countUncovered(
  tx: ReadTx | Tx,
  before: Instant,
): Promise<{ readonly entries: number; readonly firstEntryId: string | null }> {
  const { rows } = await tx.raw<{ rows: { entries: number; first_id: string | null }[] }>(
    `select count(*)::int as entries, min(id) as first_id from (
       select entry.id, entry.commit_id from audit_entries as entry where entry.at < :before
       union all
       select transfer.id, transfer.commit_id from ledger_transfers as transfer where transfer.recorded_at < :before
       union all
       select history.id, history.commit_id from histories as history where history.created_at < :before
     ) as written
     where written.commit_id is null or not exists (select from audit_leaves as leaf where leaf.commit_id = written.commit_id)`,
    { before },
  );
  return { entries: rows[0]?.entries ?? 0, firstEntryId: rows[0]?.first_id ?? null };
}
