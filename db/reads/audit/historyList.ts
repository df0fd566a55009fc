import type { Mode } from '../../../domain/act.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { listNamedIds } from '../namedIds.js';

// Which runs are archived, of which object, recorded by which build, sealed by which leaf?

export interface HistoryView {
  readonly id: string;
  readonly mode: Mode;
  readonly workflowType: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly objectId: string;
  readonly build: string | null;
  readonly events: number;
  readonly firstEventAt: Instant;
  readonly lastEventAt: Instant;
  readonly closeStatus: string;
  readonly sha256: string;
  /** Null: the chain takes it within a minute. */
  readonly leaf: { readonly sequence: bigint; readonly hash: string; readonly previousHash: string } | null;
  readonly createdAt: Instant;
}

export interface HistoryFilter {
  readonly mode: Mode;
  readonly id?: readonly string[] | undefined;
  readonly workflowType?: readonly string[] | undefined;
  readonly workflowId?: readonly string[] | undefined;
  readonly runId?: readonly string[] | undefined;
  readonly objectId?: readonly string[] | undefined;
  readonly closeStatus?: readonly string[] | undefined;
  readonly q?: string | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

interface ListedRow {
  readonly id: string;
  readonly mode: Mode;
  readonly workflow_type: string;
  readonly workflow_id: string;
  readonly run_id: string;
  readonly object_id: string;
  readonly build_id: string | null;
  readonly event_count: number;
  readonly first_event_at: Instant;
  readonly last_event_at: Instant;
  readonly close_status: string;
  readonly sha256: Buffer;
  readonly created_at: Instant;
  readonly sequence: bigint | null;
  readonly leaf_hash: Buffer | null;
  readonly previous_hash: Buffer | null;
}

// A history has no mode of its own: it is that of the object whose run it was. Of archived test facts (TST-07) only the audit trail tells the
// mode here: their recordings stay, and stand in no list.
const listed = `(
  select history.id, history.workflow_type, history.workflow_id, history.run_id, history.object_id, history.build_id,
         history.event_count, history.first_event_at, history.last_event_at, history.close_status, history.sha256,
         history.created_at, leaf.sequence, leaf.leaf_hash, leaf.previous_hash,
         coalesce(referral.mode, payout.mode, payout_run.mode, operation.mode, (
           select case entry.mode when 'test' then 'archived' else entry.mode end from audit_entries as entry
           where entry.workspace_id = history.workspace_id and entry.object_id = history.object_id limit 1), 'live') as mode
  from histories as history
  left join audit_leaves as leaf on (leaf.workspace_id, leaf.commit_id) = (history.workspace_id, history.commit_id)
  left join referrals as referral on (referral.workspace_id, referral.id) = (history.workspace_id, history.object_id)
  left join payouts as payout on (payout.workspace_id, payout.id) = (history.workspace_id, history.object_id)
  left join payout_runs as payout_run on (payout_run.workspace_id, payout_run.id) = (history.workspace_id, history.object_id)
  left join operations as operation on (operation.workspace_id, operation.id) = (history.workspace_id, history.object_id)
) as listed`;

export async function listHistories(tx: ReadTx, filter: HistoryFilter, page: Page): Promise<readonly HistoryView[]> {
  const query = tx(tx.raw(listed)).where({ mode: filter.mode });
  const columns = {
    id: filter.id,
    workflow_type: filter.workflowType,
    workflow_id: filter.workflowId,
    run_id: filter.runId,
    object_id: filter.objectId,
    close_status: filter.closeStatus,
  };
  for (const [column, values] of Object.entries(columns)) if (values !== undefined) query.whereIn(column, [...values]);
  if (filter.q !== undefined) {
    const { q } = filter;
    // `referral/<workspace>/<id>`: a workflow's id ends with that of its object.
    const ids = await listNamedIds(tx, filter.mode, q.split('/').at(-1) ?? q);
    query.where((where) => {
      where
        .whereIn('object_id', [...ids])
        .orWhere({ run_id: q })
        .orWhere({ id: q });
    });
  }
  const operators = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;
  for (const [bound, at] of Object.entries(filter.createdAt ?? {}))
    query.where('created_at', operators[bound as keyof typeof operators], at);
  const sorts = { createdAt: 'created_at', firstEventAt: 'first_event_at' };
  return (await keyset(query.select<ListedRow[]>('*'), page, sorts)).map(toView);
}

export async function findHistoryView(tx: ReadTx | Tx, mode: Mode, id: string): Promise<HistoryView | undefined> {
  const row = await tx(tx.raw(listed)).where({ mode, id }).first<ListedRow | undefined>('*');
  return row === undefined ? undefined : toView(row);
}

/** The archived runs of one object, oldest first: the chapters of a referral. */
export async function listRunsOf(tx: ReadTx | Tx, objectId: string): Promise<readonly HistoryView[]> {
  const rows = await tx(tx.raw(listed))
    .where({ object_id: objectId })
    .orderBy('first_event_at')
    .orderBy('id')
    .select<ListedRow[]>('*');
  return rows.map(toView);
}

function toView(row: ListedRow): HistoryView {
  return {
    id: row.id,
    mode: row.mode,
    workflowType: row.workflow_type,
    workflowId: row.workflow_id,
    runId: row.run_id,
    objectId: row.object_id,
    build: row.build_id,
    events: row.event_count,
    firstEventAt: row.first_event_at,
    lastEventAt: row.last_event_at,
    closeStatus: row.close_status,
    sha256: row.sha256.toString('hex'),
    leaf:
      row.sequence === null || row.leaf_hash === null || row.previous_hash === null
        ? null
        : {
            sequence: row.sequence,
            hash: row.leaf_hash.toString('hex'),
            previousHash: row.previous_hash.toString('hex'),
          },
    createdAt: row.created_at,
  };
}
