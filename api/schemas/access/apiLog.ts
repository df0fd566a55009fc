import { z } from 'zod';
import type { ApiLogRow } from '../../../db/reads/access/apiLogList.js';
import { anyOf, anyText, instantRange, listQuery } from '../../lists.js';
import { idWire, instantWire, listOf, objectFields } from '../wire.js';

export const apiLogQuery = listQuery(
  {
    keyId: anyText(),
    code: anyText(),
    outcome: anyOf(['succeeded', 'refused']),
    requestId: anyText(),
    ...instantRange('createdAt'),
  },
  { q: true },
);

export const apiLogWire = z
  .strictObject({
    ...objectFields('apiLogEntry', 'api_log_entry'),
    at: instantWire,
    key: z.strictObject({ id: idWire('apiKey'), name: z.string().nullable() }).nullable(),
    affiliateId: z.string().nullable(),
    formId: z.string().nullable(),
    leadId: z.string().nullable(),
    address: z.string().nullable(),
    method: z.string(),
    path: z.string(),
    status: z.int(),
    outcome: z.enum(['succeeded', 'refused']),
    code: z.string().nullable(),
    /** As it was sent, personal data masked. */
    payload: z.unknown(),
    requestId: z.string().nullable(),
  })
  .openapi('ApiLogEntry');
export const apiLogList = listOf(apiLogWire);

export function presentApiLog(row: ApiLogRow): z.output<typeof apiLogWire> {
  return {
    id: row.id as z.output<typeof apiLogWire>['id'],
    object: 'api_log_entry',
    at: row.created_at,
    key: row.key_id === null ? null : { id: row.key_id as never, name: row.key_name },
    affiliateId: row.affiliate_id,
    formId: row.form_id,
    leadId: row.lead_id,
    address: row.address,
    method: row.method,
    path: row.path,
    status: row.status,
    outcome: row.status >= 400 ? 'refused' : 'succeeded',
    code: row.code,
    payload: row.payload,
    requestId: row.request_id,
  };
}
