import type { Act, Mode } from '../../domain/act.js';
import type { Id, OperationId, WorkspaceId } from '../../domain/ids.js';
import {
  type ExportAsker,
  type ExportFormat,
  exportKind,
  type ExportOrder,
} from '../../domain/reporting/listExport.js';
import type { Instant } from '../../domain/time.js';
import type { ReadTx, Tx } from '../transaction.js';

export type ExportId = Id<'export'>;

export interface ListExport {
  readonly id: ExportId;
  readonly operationId: OperationId;
  readonly mode: Mode;
  readonly status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly resource: string;
  readonly query: Readonly<Record<string, string>>;
  readonly columns: readonly string[] | null;
  readonly format: ExportFormat;
  readonly asker: ExportAsker;
  readonly actorType: ExportOrder['actor']['type'];
  readonly actorId: string | null;
  readonly actorUserId: string | null;
  readonly requestId: string | null;
  /** Rows written so far. */
  readonly rowCount: number;
  /** Rows when it was asked for, where the list counts them. */
  readonly total: number | null;
  readonly byteCount: bigint;
  readonly partCount: number;
  readonly fileName: string | null;
  readonly code: string | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly finishedAt: Instant | null;
  readonly expiresAt: Instant | null;
  readonly emptiedAt: Instant | null;
}

/**
 * How many files does this person have in the making, in either mode? Under a lock of the person's, until the transaction ends: many orders at
 * once are counted one after the other. A key of nobody's counts for itself.
 */
export async function countOpenExports(tx: Tx, actor: Act['actor']): Promise<number> {
  const person = actor.userId ?? actor.id ?? actor.type;
  await tx.raw(
    `select pg_advisory_xact_lock(hashtextextended(current_setting('tributary.workspace_id') || ' exports ' || ?, 0))`,
    [person],
  );
  const { rows } = await tx.raw<{ rows: { open: number }[] }>(
    `select count(*)::int as open from operations
     where kind = :kind and status in ('queued', 'running')
       and case when requested_by_user is null then requested_by else requested_by_user end = :person`,
    { kind: exportKind, person },
  );
  return rows[0]?.open ?? 0;
}

/** Writes the order beside its job, which is an operation. */
export async function insertExport(
  tx: Tx,
  act: Act,
  order: Pick<ListExport, 'id' | 'operationId' | 'resource' | 'query' | 'columns' | 'format' | 'asker' | 'total'>,
): Promise<void> {
  await tx('exports').insert({
    id: order.id,
    operation_id: order.operationId,
    resource: order.resource,
    query: JSON.stringify(order.query),
    columns: order.columns === null ? null : JSON.stringify(order.columns),
    format: order.format,
    asked_as: JSON.stringify(order.asker),
    total: order.total,
    created_at: act.now,
  });
}

export async function findExport(
  tx: ReadTx | Tx,
  by: { readonly id: string } | { readonly operationId: string },
): Promise<ListExport | undefined> {
  const { rows } = await tx.raw<{ rows: ListExport[] }>(
    `select export.id, export.operation_id as "operationId", operation.mode, operation.status, export.resource, export.query, export.columns,
            export.format, export.asked_as as asker, operation.requested_by_type as "actorType", operation.requested_by as "actorId",
            operation.requested_by_user as "actorUserId", operation.request_id as "requestId", export.row_count as "rowCount", export.total,
            export.byte_count as "byteCount", export.part_count as "partCount", export.file_name as "fileName", export.code, export.version,
            export.created_at as "createdAt", operation.finished_at as "finishedAt", export.expires_at as "expiresAt",
            export.emptied_at as "emptiedAt"
     from exports as export
     join operations as operation on operation.workspace_id = export.workspace_id and operation.id = export.operation_id
     where ${'id' in by ? 'export.id' : 'export.operation_id'} = :id`,
    { id: 'id' in by ? by.id : by.operationId },
  );
  return rows[0];
}

/** The order as a job reads it. */
export function orderOf(workspaceId: WorkspaceId, found: ListExport): ExportOrder {
  return {
    id: found.id,
    workspaceId,
    mode: found.mode,
    resource: found.resource,
    query: found.query,
    columns: found.columns,
    format: found.format,
    actor: { type: found.actorType, id: found.actorId, userId: found.actorUserId },
    asker: found.asker,
    requestId: found.requestId,
    createdAt: found.createdAt,
  };
}

/** A try begins anew: what an earlier one has written is gone, and its number is over. Answers the number of this one. */
export async function beginExport(tx: Tx, id: ExportId): Promise<number> {
  await tx('export_parts').where({ export_id: id }).delete();
  const { rows } = await tx.raw<{ rows: { try: number }[] }>(
    `update exports set try = try + 1, row_count = 0, byte_count = 0, part_count = 0 where id = :id returning try`,
    { id },
  );
  return rows[0]?.try ?? 0;
}

/** The next piece of the file, while this try is the one that writes; false: it is not any more, and nothing was written. */
export async function addExportPart(
  tx: Tx,
  of: { readonly id: ExportId; readonly try: number },
  part: { readonly content: Buffer; readonly rows: number },
): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: { part_count: number }[] }>(
    `update exports set row_count = row_count + :rows, byte_count = byte_count + :bytes,
            part_count = part_count + case when :bytes > 0 then 1 else 0 end
     where id = :id and try = :try returning part_count`,
    { id: of.id, try: of.try, rows: part.rows, bytes: part.content.length },
  );
  const [row] = rows;
  if (row === undefined) return false;
  if (part.content.length > 0)
    await tx('export_parts').insert({ export_id: of.id, position: row.part_count, content: part.content });
  return true;
}

/** The file is whole. False: another try writes, and nothing was changed. */
export async function completeExport(
  tx: Tx,
  of: { readonly id: ExportId; readonly try: number },
  file: { readonly fileName: string; readonly expiresAt: Instant },
): Promise<boolean> {
  const changed = await tx('exports')
    .where({ id: of.id, try: of.try })
    .update({ file_name: file.fileName, expires_at: file.expiresAt, version: tx.raw('version + 1') });
  return changed === 1;
}

/** Why there is no file. */
export async function failExport(tx: Tx, id: ExportId, code: string): Promise<void> {
  await tx('export_parts').where({ export_id: id }).delete();
  await tx('exports')
    .where({ id })
    .update({ code, version: tx.raw('version + 1') });
}

/** Somebody fetches the file: the number of this entry of its history. */
export async function countExportRead(tx: Tx, id: ExportId): Promise<number> {
  const { rows } = await tx.raw<{ rows: { version: number }[] }>(
    `update exports set version = version + 1 where id = :id returning version`,
    { id },
  );
  return rows[0]?.version ?? 0;
}

export async function readExportPart(tx: ReadTx, id: ExportId, position: number): Promise<Buffer | undefined> {
  const row = await tx('export_parts')
    .where({ export_id: id, position })
    .first<{ content: Buffer } | undefined>('content');
  return row?.content;
}

/**
 * Empties the files whose time is over, and what was left of those that were cancelled, some at a time: what was asked may name a person too.
 * Answers how many; 0: nothing is left.
 */
export async function emptyExports(tx: Tx, now: Instant, before: Instant, limit: number): Promise<number> {
  const { rows } = await tx.raw<{ rows: { emptied: number }[] }>(
    `with over as (
       select export.id
       from exports as export
       join operations as operation on operation.workspace_id = export.workspace_id and operation.id = export.operation_id
       where export.emptied_at is null and export.created_at < :now
         and (export.expires_at < :now or (operation.status in ('failed', 'cancelled') and export.created_at < :before))
       order by export.created_at
       limit :limit
     ), gone as (
       delete from export_parts where export_id in (select id from over)
     ), emptied as (
       update exports set emptied_at = :now, query = '{}' where id in (select id from over) returning 1
     )
     select count(*)::int as emptied from emptied`,
    { now, before, limit },
  );
  return rows[0]?.emptied ?? 0;
}
