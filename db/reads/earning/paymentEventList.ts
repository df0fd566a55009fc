import type { Mode } from '../../../domain/act.js';
import type { Instant } from '../../../domain/time.js';
import type { PaymentOutcome } from '../../earning/paymentEvent.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export interface PaymentEventView {
  readonly externalId: string;
  readonly type: string;
  readonly mode: Mode;
  /** Null: its delivery broke off; it goes on when the sender repeats it. */
  readonly outcome: PaymentOutcome | null;
  readonly code: string | null;
  readonly occurredAt: Instant;
  readonly receivedAt: Instant;
  readonly processedAt: Instant | null;
}

interface EventRow {
  readonly external_id: string;
  readonly type: string;
  readonly mode: Mode;
  readonly outcome: PaymentOutcome | null;
  readonly code: string | null;
  readonly occurred_at: Instant;
  readonly received_at: Instant;
  readonly processed_at: Instant | null;
}

// What did another system report, and what became of it?
export async function listPaymentEvents(
  tx: ReadTx,
  sourceId: string,
  filter: {
    readonly outcome?: readonly string[] | undefined;
    readonly type?: readonly string[] | undefined;
    /** Literal, in the sender's id and the kind. */
    readonly q?: string | undefined;
  },
  page: Page,
): Promise<readonly PaymentEventView[]> {
  const query = tx('payment_events')
    .where({ source_id: sourceId })
    .select<EventRow[]>('external_id', 'type', 'mode', 'outcome', 'code', 'occurred_at', 'received_at', 'processed_at');
  if (filter.outcome !== undefined) query.whereIn('outcome', [...filter.outcome]);
  if (filter.type !== undefined) query.whereIn('type', [...filter.type]);
  if (filter.q !== undefined)
    query.whereRaw('(strpos(lower(external_id), lower(:q)) > 0 or strpos(lower(type), lower(:q)) > 0 or code = :q)', {
      q: filter.q,
    });
  const rows = await keyset(query, page, { createdAt: 'received_at' }, 'external_id');
  return rows.map((row) => ({
    externalId: row.external_id,
    type: row.type,
    mode: row.mode,
    outcome: row.outcome,
    code: row.code,
    occurredAt: row.occurred_at,
    receivedAt: row.received_at,
    processedAt: row.processed_at,
  }));
}
