import { z } from 'zod';
import type { ListExport } from '../../../db/reporting/listExport.js';
import { publicCode, type DomainErrorCode } from '../../../domain/errors.js';
import { exportFormats } from '../../../domain/reporting/listExport.js';
import { idWire, instantWire, text } from '../wire.js';

const mostColumns = 100;

/** What a list's own address would say: its path behind `/v1/`, its query, its columns (api.md 16.2). */
export const exportCreate = z.strictObject({
  resource: text(200),
  /** The list's own query, its order (`sort`) included. */
  filter: z.record(z.string(), z.string()).default({}),
  /** Fields in the order wanted; left out: all. */
  columns: z.array(text(100)).min(1).max(mostColumns).exactOptional(),
  format: z.enum(exportFormats),
});

export const exportWire = z
  .strictObject({
    id: idWire('export'),
    object: z.literal('export'),
    resource: z.string(),
    filter: z.record(z.string(), z.string()),
    columns: z.array(z.string()).nullable(),
    format: z.enum(exportFormats),
    status: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
    /** Rows in the file so far. */
    rows: z.int(),
    /** Rows when it was asked for; null where the list does not count them. */
    total: z.int().nullable(),
    /** Bytes of the file so far. */
    size: z.int(),
    fileName: z.string().nullable(),
    /** Why there is no file. */
    code: z.string().nullable(),
    /** The job: `POST /v1/operations/{operationId}/cancel` stops it. */
    operationId: idWire('operation'),
    createdAt: instantWire,
    finishedAt: instantWire.nullable(),
    /** Until when the file may be fetched. */
    expiresAt: instantWire.nullable(),
  })
  .openapi('Export');

export const exportParams = z.strictObject({ exportId: idWire('export') });

export function presentExport(found: ListExport): z.output<typeof exportWire> {
  return {
    id: found.id,
    object: 'export',
    resource: found.resource,
    filter: { ...found.query },
    columns: found.columns === null ? null : [...found.columns],
    format: found.format,
    status: found.status,
    rows: found.rowCount,
    total: found.total,
    size: Number(found.byteCount),
    fileName: found.fileName,
    code: found.code === null ? null : publicCode(found.code as DomainErrorCode),
    operationId: found.operationId,
    createdAt: found.createdAt,
    finishedAt: found.finishedAt,
    expiresAt: found.expiresAt,
  };
}
