import type { Mode } from '../../../domain/act.js';
import type { OperationId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { Scope } from '../../../domain/access/permission.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { scopeAffiliates } from '../affiliate/affiliateScope.js';
import { keyset, type Page } from '../keyset.js';

// How far is this job, and what came of each of its items?

export interface OperationView {
  readonly id: OperationId;
  readonly kind: string;
  readonly status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly total: number;
  readonly succeeded: number;
  readonly skipped: number;
  readonly failed: number;
  readonly result: Readonly<Record<string, unknown>> | null;
  /** The state tables have a way back, and nobody has taken it. */
  readonly reversible: boolean;
  readonly requestedByType: 'user' | 'api_key' | 'system';
  readonly requestedBy: string | null;
  readonly requestedByUser: string | null;
  readonly createdAt: Instant;
  readonly finishedAt: Instant | null;
}

export async function findOperation(tx: ReadTx | Tx, mode: Mode, id: string): Promise<OperationView | undefined> {
  const { rows } = await tx.raw<{
    rows: {
      id: OperationId;
      kind: string;
      status: OperationView['status'];
      total: number;
      succeeded: number;
      skipped: number;
      failed: number;
      result: Record<string, unknown> | null;
      reversible: boolean;
      requested_by_type: OperationView['requestedByType'];
      requested_by: string | null;
      requested_by_user: string | null;
      created_at: Instant;
      finished_at: Instant | null;
    }[];
  }>(
    `select operation.id, operation.kind, operation.status, operation.total, operation.result,
            operation.reversible and not exists (
              select from operations as undo where undo.workspace_id = operation.workspace_id and undo.undoes = operation.id
            ) as reversible,
            operation.requested_by_type, operation.requested_by, operation.requested_by_user, operation.created_at, operation.finished_at,
            count(*) filter (where item.outcome = 'succeeded')::int as succeeded,
            count(*) filter (where item.outcome = 'skipped')::int as skipped,
            count(*) filter (where item.outcome = 'failed')::int as failed
     from operations as operation
     left join operation_items as item on item.workspace_id = operation.workspace_id and item.operation_id = operation.id
     where operation.id = :id and operation.mode = :mode
     group by operation.workspace_id, operation.id`,
    { id, mode },
  );
  const [row] = rows;
  return row === undefined
    ? undefined
    : {
        id: row.id,
        kind: row.kind,
        status: row.status,
        total: row.total,
        succeeded: row.succeeded,
        skipped: row.skipped,
        failed: row.failed,
        result: row.result,
        reversible: row.reversible,
        requestedByType: row.requested_by_type,
        requestedBy: row.requested_by,
        requestedByUser: row.requested_by_user,
        createdAt: row.created_at,
        finishedAt: row.finished_at,
      };
}

/** The newest jobs: of one person, or all. */
export async function listOperationIds(
  tx: ReadTx,
  mode: Mode,
  of: { readonly userId: string | null; readonly all: boolean },
  page: Page,
): Promise<readonly { readonly id: OperationId; readonly createdAt: Instant }[]> {
  const query = tx('operations')
    .where({ mode })
    .select<{ id: OperationId; createdAt: Instant }[]>('id', 'created_at as createdAt');
  if (!of.all) query.where('requested_by_user', of.userId ?? '');
  return (await keyset(query, page, { createdAt: 'created_at' })) as { id: OperationId; createdAt: Instant }[];
}

// Which of these objects may this reader decide in bulk: those the lists show it?
export async function findVisibleIds(
  tx: ReadTx | Tx,
  objectType: 'referrals' | 'commissions' | 'payouts' | 'affiliates',
  reader: { readonly scope: Scope; readonly mode: Mode },
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (objectType === 'affiliates') {
    const own = tx('affiliates as affiliate').whereIn('affiliate.id', [...ids]);
    scopeAffiliates(own, reader.scope, 'affiliate');
    const rows = await own.select<{ id: string }[]>('affiliate.id as id');
    return new Set(rows.map((row) => row.id));
  }
  const query = tx(`${objectType} as item`)
    .leftJoin('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'item.workspace_id').andOn('affiliate.id', 'item.affiliate_id'),
    )
    .where('item.mode', reader.mode)
    .whereIn('item.id', [...ids]);
  scopeAffiliates(query, reader.scope, 'affiliate');
  const rows = await query.select<{ id: string }[]>('item.id as id');
  return new Set(rows.map((row) => row.id));
}

export interface OperationItemView {
  readonly position: number;
  readonly objectId: string;
  readonly outcome: 'succeeded' | 'skipped' | 'failed' | null;
  readonly code: string | null;
  readonly detail: string | null;
}

/** A page of items in their order, after a position; one more than `limit` tells that there is a next page. */
export async function listOperationItems(
  tx: ReadTx,
  operationId: string,
  after: number,
  limit: number,
): Promise<readonly OperationItemView[]> {
  const rows = await tx('operation_items')
    .where({ operation_id: operationId })
    .andWhere('position', '>', after)
    .orderBy('position')
    .limit(limit + 1)
    .select<
      {
        position: number;
        object_id: string;
        outcome: OperationItemView['outcome'];
        code: string | null;
        detail: string | null;
      }[]
    >('position', 'object_id', 'outcome', 'code', 'detail');
  return rows.map((row) => ({
    position: row.position,
    objectId: row.object_id,
    outcome: row.outcome,
    code: row.code,
    detail: row.detail,
  }));
}
