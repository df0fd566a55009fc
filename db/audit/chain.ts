import type { CommitContent, LeafEntry, LeafHistory, LeafTransfer } from '../../domain/audit/encoding.js';
import type { Instant } from '../../domain/time.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface ChainHead {
  readonly sequence: bigint;
  readonly leafHash: string;
}

export interface Leaf extends ChainHead {
  readonly commitId: string;
  readonly previousHash: string;
  readonly contentHash: string;
  readonly at: Instant;
}

interface LeafRow {
  readonly sequence: bigint;
  readonly commit_id: string;
  readonly previous_hash: Buffer;
  readonly content_hash: Buffer;
  readonly leaf_hash: Buffer;
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

/** Which commits since `since` have no leaf yet, oldest first? A leaf may be late, never missing (I14). */
export async function listUncoveredCommits(tx: Tx, since: Instant, limit: number): Promise<readonly string[]> {
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
    { since, limit },
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
  const postings = await tx('ledger_postings')
    .whereIn(
      'transfer_id',
      transfers.map((transfer) => transfer.id),
    )
    .select<
      {
        transfer_id: string;
        line: number;
        currency: string;
        debit_account_id: string;
        credit_account_id: string;
        amount_minor: bigint;
      }[]
    >('transfer_id', 'line', 'currency', 'debit_account_id', 'credit_account_id', 'amount_minor');
  const histories = await tx('histories')
    .whereIn('commit_id', [...commitIds])
    .select<
      {
        id: string;
        workflow_type: string;
        workflow_id: string;
        run_id: string;
        event_count: number;
        sha256: Buffer;
        event_hashes: Buffer;
        commit_id: string;
      }[]
    >('id', 'workflow_type', 'workflow_id', 'run_id', 'event_count', 'sha256', 'event_hashes', 'commit_id');

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
      eventCount: row.event_count,
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
  readonly counts: { readonly entries: number; readonly transfers: number; readonly histories: number };
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
  return rows.map((row) => ({
    sequence: row.sequence,
    commitId: row.commit_id,
    previousHash: row.previous_hash.toString('hex'),
    contentHash: row.content_hash.toString('hex'),
    leafHash: row.leaf_hash.toString('hex'),
    at: row.created_at,
  }));
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
