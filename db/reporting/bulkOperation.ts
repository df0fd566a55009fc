import { type Act, actFor, type Actor, type Mode } from '../../domain/act.js';
import type { OperationId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** A job as its pages read it: who asked for what, and how far it is. */
export interface BulkOperation {
  readonly id: OperationId;
  readonly mode: Mode;
  readonly kind: string;
  readonly status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly request: BulkRequest;
  readonly total: number;
  readonly actor: Actor;
  readonly requestId: string | null;
  readonly version: number;
}

/** What stands in `operations.request`: the reason of every decision, and whether the caller had stepped up. */
export interface BulkRequest {
  readonly reasonCode: string;
  readonly note: string | null;
  readonly publicReason: string | null;
  readonly steppedUp: boolean;
  /** What the verb needs beside, as its single decision takes it: a reference, a day. */
  readonly params?: Readonly<Record<string, unknown>>;
}

interface OperationRow {
  readonly id: OperationId;
  readonly mode: Mode;
  readonly kind: string;
  readonly status: BulkOperation['status'];
  readonly request: BulkRequest;
  readonly total: number;
  readonly requested_by_type: Actor['type'];
  readonly requested_by: string | null;
  readonly requested_by_user: string | null;
  readonly request_id: string | null;
  readonly version: number;
}

/** Writes the job with its items in the order given. */
export async function insertOperation(
  tx: Tx,
  act: Act,
  operation: {
    readonly id: OperationId;
    readonly kind: string;
    readonly request: BulkRequest;
    readonly objectIds: readonly string[];
    /** The state tables have a way back. */
    readonly reversible: boolean;
    /** The operation that this one takes back. */
    readonly undoes?: OperationId;
  },
): Promise<void> {
  await tx('operations').insert({
    id: operation.id,
    mode: act.mode,
    kind: operation.kind,
    status: 'queued',
    reversible: operation.reversible,
    undoes: operation.undoes ?? null,
    request: JSON.stringify(operation.request),
    total: operation.objectIds.length,
    requested_by_type: act.actor.type,
    requested_by: act.actor.id,
    requested_by_user: act.actor.userId,
    request_id: act.requestId,
    created_at: act.now,
  });
  await tx.raw(
    `insert into operation_items (operation_id, position, object_id)
     select :operationId, item.position, item.id from unnest(cast(:ids as text[])) with ordinality as item (id, position)`,
    { operationId: operation.id, ids: [...operation.objectIds] },
  );
}

/** The job, locked until the end of the transaction: two pages of one job never run at once. */
export async function lockOperation(tx: Tx, id: string): Promise<BulkOperation | undefined> {
  const row = await tx('operations').where({ id }).forUpdate().first<OperationRow | undefined>();
  if (row === undefined) return undefined;
  const { requested_by_type: type, requested_by: by, requested_by_user: userId } = row;
  return {
    id: row.id,
    mode: row.mode,
    kind: row.kind,
    status: row.status,
    request: row.request,
    total: row.total,
    actor: { type, id: by, userId },
    requestId: row.request_id,
    version: row.version,
  };
}

/** The end of a job is an entry of the history, and so an event (api.md 15). A simulation has none: it changes nothing. */
export async function recordEnd(
  tx: Tx,
  act: Act,
  job: Pick<BulkOperation, 'id' | 'version' | 'mode' | 'status'>,
  to: 'done' | 'failed' | 'cancelled',
): Promise<void> {
  await recordAudit(tx, actFor(act, { mode: job.mode }), {
    objectType: 'operation',
    objectId: job.id,
    seq: job.version + 1,
    event: 'finished',
    from: job.status,
    to,
  });
}

export async function moveOperation(
  tx: Tx,
  act: Act,
  operation: Pick<BulkOperation, 'id' | 'version' | 'mode' | 'status'>,
  status: Exclude<BulkOperation['status'], 'queued'>,
): Promise<void> {
  await tx('operations')
    .where({ id: operation.id })
    .update({
      status,
      version: operation.version + 1,
      ...(status === 'running' ? {} : { finished_at: act.now }),
    });
  if (status !== 'running') await recordEnd(tx, act, operation, status);
}

export interface OpenItem {
  readonly position: number;
  readonly objectId: string;
}

/** The next items without a decision and without a result. */
export async function listItemsToDecide(tx: Tx, operationId: string, limit: number): Promise<readonly OpenItem[]> {
  const rows = await tx('operation_items')
    .where({ operation_id: operationId })
    .whereNull('decision_id')
    .whereNull('outcome')
    .orderBy('position')
    .limit(limit)
    .select<{ position: number; object_id: string }[]>('position', 'object_id');
  return rows.map((row) => ({ position: row.position, objectId: row.object_id }));
}

/** The open items of a job that are of the affiliates whose rows these items are: whoever gets one message gets all in it. */
export async function listItemsOfSameAffiliates(
  tx: Tx,
  of: { readonly operationId: string; readonly table: 'commissions' | 'payouts' },
  items: readonly OpenItem[],
): Promise<readonly OpenItem[]> {
  const { operationId, table } = of;
  const { rows } = await tx.raw<{ rows: { position: number; object_id: string }[] }>(
    `select item.position, item.object_id
     from operation_items as item
     join ${table} as row on row.workspace_id = item.workspace_id and row.id = item.object_id
     where item.operation_id = :operationId and item.decision_id is null and item.outcome is null
       and row.affiliate_id in (select affiliate_id from ${table} where id = any(cast(:ids as text[])))
     order by item.position`,
    { operationId, ids: items.map((item) => item.objectId) },
  );
  return rows.map((row) => ({ position: row.position, objectId: row.object_id }));
}

/** The items' work is done in the page itself. */
export async function markItemsSucceeded(tx: Tx, operationId: string, positions: readonly number[]): Promise<void> {
  await tx('operation_items')
    .where({ operation_id: operationId })
    .whereIn('position', [...positions])
    .update({ outcome: 'succeeded' });
}

export async function markItemDecided(
  tx: Tx,
  operationId: string,
  position: number,
  decisionId: string,
): Promise<void> {
  await tx('operation_items').where({ operation_id: operationId, position }).update({ decision_id: decisionId });
}

/** The item's work is done in the page itself: nothing sequences it. */
export async function markItemSucceeded(
  tx: Tx,
  operationId: string,
  position: number,
  detail: string | null,
): Promise<void> {
  await tx('operation_items').where({ operation_id: operationId, position }).update({ outcome: 'succeeded', detail });
}

export async function markItemSkipped(
  tx: Tx,
  operationId: string,
  position: number,
  why: { readonly code: string; readonly detail: string | null },
): Promise<void> {
  await tx('operation_items')
    .where({ operation_id: operationId, position })
    .update({ outcome: 'skipped', ...why });
}

/**
 * Takes over the outcomes of decisions that were settled meanwhile; answers how many still wait. What was blocked names its blocker, the first
 * in the order of features.md 4.6, with its date (api.md 1.9).
 */
export async function collectOutcomes(tx: Tx, operationId: string): Promise<number> {
  await tx.raw(
    `update operation_items as item
     set outcome = case decision.state when 'done' then 'succeeded' else 'skipped' end,
       code = coalesce(decision.outcome #>> '{blockers,0,code}', decision.code), detail = decision.outcome #>> '{blockers,0,detail}'
     from decisions as decision
     where item.operation_id = :operationId and item.outcome is null and decision.id = item.decision_id
       and decision.state in ('done', 'refused')`,
    { operationId },
  );
  const { rows } = await tx.raw<{ rows: { open: number }[] }>(
    `select count(*)::int as open from operation_items where operation_id = :operationId and outcome is null`,
    { operationId },
  );
  return rows[0]?.open ?? 0;
}

/** Decisions of a job that nothing has come of yet. */
export async function countOnTheirWay(tx: ReadTx | Tx, operationId: string): Promise<number> {
  const { rows } = await tx.raw<{ rows: { open: number }[] }>(
    `select count(*)::int as open
     from operation_items as item
     join decisions as decision on decision.workspace_id = item.workspace_id and decision.id = item.decision_id
     where item.operation_id = :operationId and item.outcome is null and decision.state not in ('done', 'refused')`,
    { operationId },
  );
  return rows[0]?.open ?? 0;
}

/**
 * What a batch decided, in its order: each object that it moved. `isLast` is false where somebody decided on it after the batch: taking the batch
 * back would then take back what is no longer its own.
 */
export async function listDecidedItems(
  tx: ReadTx | Tx,
  operationId: string,
): Promise<readonly { readonly objectId: string; readonly isLast: boolean }[]> {
  const { rows } = await tx.raw<{ rows: { object_id: string; is_last: boolean }[] }>(
    `select item.object_id,
            not exists (
              select from decisions as later
              where later.object_type = own.object_type and later.object_id = own.object_id and later.state = 'done'
                and later.id <> own.id and (later.created_at, later.id) > (own.created_at, own.id)
            ) as is_last
     from operation_items as item
     join decisions as own on own.workspace_id = item.workspace_id and own.id = item.decision_id
     where item.operation_id = :operationId and item.outcome = 'succeeded'
     order by item.position`,
    { operationId },
  );
  return rows.map((row) => ({ objectId: row.object_id, isLast: row.is_last }));
}

/** Where the decisions of these objects have to go: the referral whose workflow sequences them. */
export async function findReferralsOf(
  tx: Tx,
  kind: 'referrals' | 'commissions',
  mode: Mode,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const { rows } = await tx.raw<{ rows: { id: string; referral_id: string | null }[] }>(
    kind === 'referrals'
      ? `select id, id as referral_id from referrals where id = any(:ids) and mode = :mode`
      : `select id, referral_id from commissions where id = any(:ids) and mode = :mode`,
    { ids: [...ids], mode },
  );
  return new Map(rows.map((row) => [row.id, row.referral_id]));
}

/** Writes a job that has no items: one piece of work with one result. */
export async function insertJob(
  tx: Tx,
  act: Act,
  job: { readonly id: OperationId; readonly kind: string; readonly request: unknown; readonly total: number },
): Promise<void> {
  await tx('operations').insert({
    id: job.id,
    mode: act.mode,
    kind: job.kind,
    status: 'queued',
    request: JSON.stringify(job.request),
    total: job.total,
    requested_by_type: act.actor.type,
    requested_by: act.actor.id,
    requested_by_user: act.actor.userId,
    request_id: act.requestId,
    created_at: act.now,
  });
}

/** What a job was asked, in the form its kind gives it. */
export async function findJob<Request>(
  tx: ReadTx | Tx,
  id: string,
): Promise<{ readonly kind: string; readonly mode: Mode; readonly request: Request } | undefined> {
  return tx('operations')
    .where({ id })
    .first<{ kind: string; mode: Mode; request: Request }>('kind', 'mode', 'request');
}

/** Keeps the result of a job without items and ends it. */
export async function finishJob(
  tx: Tx,
  now: Instant,
  job: Pick<BulkOperation, 'id' | 'version'>,
  outcome: { readonly result: unknown; readonly total: number },
): Promise<void> {
  await tx('operations')
    .where({ id: job.id })
    .update({
      status: 'done',
      result: JSON.stringify(outcome.result),
      total: outcome.total,
      finished_at: now,
      version: job.version + 1,
    });
}
