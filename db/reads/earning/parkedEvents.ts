import type { Knex } from 'knex';
import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export const parkedKinds = ['sale', 'refund', 'payment_event'] as const;
export type ParkedKind = (typeof parkedKinds)[number];

export interface ParkedEvent {
  /** Of a sale or refund its own; of an event of a payment source the source's and the event's. */
  readonly id: string;
  readonly kind: ParkedKind;
  readonly code: string;
  readonly source: string;
  readonly externalId: string;
  /** What has to be known first: the customer's number, the sale, or the payment's own names. */
  readonly waitsFor: readonly string[];
  readonly mode: Mode;
  readonly occurredAt: Instant;
  readonly receivedAt: Instant;
}

interface ParkedRow {
  readonly id: string;
  readonly kind: ParkedKind;
  readonly code: string;
  readonly source: string;
  readonly external_id: string;
  readonly waits_for: readonly string[];
  readonly mode: Mode;
  readonly occurred_at: Instant;
  readonly received_at: Instant;
}

// Two keys make one id that fits into a path: the event's own name may hold any character.
const parkedSql = `(
  select id, 'sale' as kind, parked_code as code, source, external_id,
    array_remove(array[case when parked_code = 'fx_missing' then currency else customer_external_id end], null) as waits_for,
    mode, occurred_at, created_at as received_at
  from sales where parked_code is not null and processed_at is null
  union all
  select id, 'refund', parked_code, source, external_id,
    array_remove(array[case when parked_code = 'fx_missing' then currency else sale_external_id end], null), mode, occurred_at, created_at
  from refunds where parked_code is not null and processed_at is null
  union all
  select event.source_id || '.' || encode(convert_to(event.external_id, 'UTF8'), 'hex'), 'payment_event', coalesce(event.code, 'unknown_sale'),
    source.name, event.external_id, event.waits_for, event.mode, event.occurred_at, event.received_at
  from payment_events as event
  join payment_sources as source on (source.workspace_id, source.id) = (event.workspace_id, event.source_id)
  where event.outcome = 'parked'
) as parked`;

// Which facts wait for a customer, a sale or an exchange rate, and since when?
export async function listParkedEvents(
  tx: ReadTx | Tx,
  scope: Scope,
  mode: Mode,
  filter: {
    readonly kind?: readonly string[] | undefined;
    readonly code?: readonly string[] | undefined;
    readonly q?: string | undefined;
  },
  page: Page,
): Promise<readonly ParkedEvent[]> {
  const query = tx.from(tx.raw(parkedSql)).where({ mode }).select<ParkedRow[]>('*');
  scopeParked(query, scope);
  if (filter.kind !== undefined) query.whereIn('kind', [...filter.kind]);
  if (filter.code !== undefined) query.whereIn('code', [...filter.code]);
  if (filter.q !== undefined)
    query.whereRaw(
      `(id = :q or strpos(lower(external_id), lower(:q)) > 0 or strpos(lower(source), lower(:q)) > 0
        or exists (select from unnest(waits_for) as name where strpos(lower(name), lower(:q)) > 0))`,
      { q: filter.q },
    );
  const rows = await keyset(query, page, { createdAt: 'received_at' });
  return rows.map(toParked);
}

export async function findParkedEvent(
  tx: ReadTx | Tx,
  scope: Scope,
  mode: Mode,
  id: string,
): Promise<ParkedEvent | undefined> {
  const query = tx.from(tx.raw(parkedSql)).where({ mode, id }).select<ParkedRow[]>('*');
  scopeParked(query, scope);
  const [row] = await query;
  return row === undefined ? undefined : toParked(row);
}

/** What an affiliate's own key reported stands under its id as the source (api.md 1.4); the rest is not its business. */
function scopeParked(query: Knex.QueryBuilder, scope: Scope): void {
  if (scope.kind === 'affiliate') query.where({ source: scope.affiliateId }).whereNot({ kind: 'payment_event' });
  else if (scope.kind === 'reseller') query.whereRaw('false');
}

function toParked(row: ParkedRow): ParkedEvent {
  return {
    id: row.id,
    kind: row.kind,
    code: row.code,
    source: row.source,
    externalId: row.external_id,
    waitsFor: row.waits_for,
    mode: row.mode,
    occurredAt: row.occurred_at,
    receivedAt: row.received_at,
  };
}
