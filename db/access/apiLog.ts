import type { Mode } from '../../domain/act.js';
import type { AffiliateId, ApiKeyId, Id, LeadFormId, LeadId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { insertSet } from '../setInsert.js';
import type { Tx } from '../transaction.js';

export type ApiLogEntryId = Id<'apiLogEntry'>;

/** One call of a machine or of the public edge, with what became of it (LED-15). Its payload is masked already. */
export interface ApiLogEntry {
  readonly id: ApiLogEntryId;
  readonly mode: Mode;
  /** Set where it was to bring a lead: refused ones stand in the lead log. */
  readonly leadChannel: string | null;
  readonly keyId: ApiKeyId | null;
  readonly formId: LeadFormId | null;
  readonly affiliateId: AffiliateId | null;
  readonly leadId: LeadId | null;
  readonly address: string | null;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly code: string | null;
  readonly payload: unknown;
  readonly requestId: string | null;
  readonly at: Instant;
}

/** Writes the calls in one statement; there is no history of a log. */
export async function insertApiLog(tx: Tx, entries: readonly ApiLogEntry[]): Promise<void> {
  await insertSet(
    tx,
    'api_log',
    {
      id: 'text',
      mode: 'text',
      lead_channel: 'text',
      key_id: 'text',
      form_id: 'text',
      affiliate_id: 'text',
      lead_id: 'text',
      address: 'text',
      method: 'text',
      path: 'text',
      status: 'integer',
      code: 'text',
      payload: 'jsonb',
      request_id: 'text',
      created_at: 'timestamptz',
    },
    entries.map((entry) => ({
      id: entry.id,
      mode: entry.mode,
      lead_channel: entry.leadChannel,
      key_id: entry.keyId,
      form_id: entry.formId,
      affiliate_id: entry.affiliateId,
      lead_id: entry.leadId,
      address: entry.address,
      method: entry.method,
      path: entry.path,
      status: entry.status,
      code: entry.code,
      payload: JSON.stringify(entry.payload),
      request_id: entry.requestId,
      created_at: entry.at,
    })),
  );
}
