import type { Mode } from '../../../domain/act.js';
import type { WebhookEndpoint } from '../../../domain/messaging/webhook.js';
import { addDays, type Instant } from '../../../domain/time.js';
import {
  endpointColumns,
  type EndpointRow,
  toEndpoint,
  toWebhookDelivery,
  type WebhookDelivery,
  type WebhookDeliveryRow,
} from '../../messaging/webhook.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { narrowToEvents } from './eventList.js';

/** How an endpoint did in the last seven days. */
export interface EndpointFigures {
  readonly delivered: number;
  readonly failed: number;
  readonly p95Ms: number | null;
}

export interface EndpointView extends EndpointFigures {
  readonly endpoint: WebhookEndpoint;
}

type ViewRow = EndpointRow & { readonly delivered: number; readonly failed: number; readonly p95_ms: number | null };

const figureDays = 7;

function base(tx: ReadTx | Tx, mode: Mode, now: Instant) {
  return tx('webhook_endpoints as endpoint')
    .joinRaw(
      `left join lateral (
         select count(*) filter (where delivery.status = 'delivered')::int as delivered,
           count(*) filter (where delivery.status in ('failed', 'retrying'))::int as failed,
           round(percentile_cont(0.95) within group (order by delivery.duration_ms))::int as p95_ms
         from webhook_deliveries as delivery
         where delivery.endpoint_id = endpoint.id and delivery.entry_id is not null and delivery.created_at >= ?
       ) as figures on true`,
      [addDays(now, -figureDays)],
    )
    .where('endpoint.mode', mode)
    .whereNull('endpoint.deleted_at')
    .select<ViewRow[]>([
      ...endpointColumns.map((name) => `endpoint.${name}`),
      'figures.delivered',
      'figures.failed',
      'figures.p95_ms',
    ]);
}

const toView = (row: ViewRow): EndpointView => ({
  endpoint: toEndpoint(row),
  delivered: row.delivered,
  failed: row.failed,
  p95Ms: row.p95_ms,
});

/** Switched off by failures, or warned about. */
const failingSql = '(endpoint.disabled_at is not null or endpoint.failed_in_row >= 5)';

// Who is told of what happens here, and do they take it?
export async function listEndpoints(
  tx: ReadTx | Tx,
  filter: {
    readonly mode: Mode;
    readonly now: Instant;
    readonly active?: boolean | undefined;
    readonly failing?: boolean | undefined;
    /** Literal, in address and id. */
    readonly q?: string | undefined;
  },
  page: Page,
): Promise<readonly EndpointView[]> {
  const query = base(tx, filter.mode, filter.now);
  if (filter.active !== undefined) query.where('endpoint.active', filter.active);
  if (filter.failing !== undefined) query.whereRaw(`${failingSql} = ?`, [filter.failing]);
  if (filter.q !== undefined)
    query.whereRaw('(endpoint.id = :q or strpos(lower(endpoint.url), lower(:q)) > 0)', { q: filter.q });
  return (await keyset(query, page, { createdAt: 'endpoint.created_at' }, 'endpoint.id')).map(toView);
}

export async function findEndpointView(
  tx: ReadTx | Tx,
  of: { readonly id: string; readonly mode: Mode; readonly now: Instant },
): Promise<EndpointView | undefined> {
  const [row] = await base(tx, of.mode, of.now).where('endpoint.id', of.id);
  return row === undefined ? undefined : toView(row);
}

export async function countFailingEndpoints(tx: ReadTx, mode: Mode): Promise<number> {
  const row = await tx('webhook_endpoints as endpoint')
    .where({ mode })
    .whereNull('deleted_at')
    .whereRaw(failingSql)
    .first<{ count: bigint } | undefined>(tx.raw('count(*) as count'));
  return Number(row?.count ?? 0n);
}

// What was sent, when, and what did the other side say?
export async function listWebhookDeliveries(
  tx: ReadTx | Tx,
  filter: {
    readonly mode: Mode;
    readonly endpointId?: readonly string[] | undefined;
    readonly status?: readonly string[] | undefined;
    readonly type?: readonly string[] | undefined;
    readonly q?: string | undefined;
    readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
  },
  page: Page,
): Promise<readonly WebhookDelivery[]> {
  const query = deliveriesOf(tx, filter.mode);
  if (filter.endpointId !== undefined) query.whereIn('delivery.endpoint_id', [...filter.endpointId]);
  if (filter.status !== undefined) query.whereIn('delivery.status', [...filter.status]);
  if (filter.type !== undefined) query.whereIn('delivery.event_type', [...filter.type]);
  if (filter.q !== undefined)
    query.whereRaw('(delivery.id = :q or delivery.event_id = :q or delivery.object_id = :q or delivery.code = :q)', {
      q: filter.q,
    });
  const operators = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;
  for (const [bound, at] of Object.entries(filter.createdAt ?? {}))
    query.where('delivery.created_at', operators[bound as keyof typeof operators], at);
  return (await keyset(query, page, { createdAt: 'delivery.created_at' }, 'delivery.id')).map(toWebhookDelivery);
}

export async function findDeliveryById(
  tx: ReadTx | Tx,
  of: { readonly id: string; readonly mode: Mode },
): Promise<WebhookDelivery | undefined> {
  const [row] = await deliveriesOf(tx, of.mode).where('delivery.id', of.id);
  return row === undefined ? undefined : toWebhookDelivery(row);
}

/** The log of endpoints of this mode; of one that was deleted it stays as long as every other. */
function deliveriesOf(tx: ReadTx | Tx, mode: Mode) {
  return tx('webhook_deliveries as delivery')
    .whereIn('delivery.endpoint_id', tx('webhook_endpoints').where({ mode }).select('id'))
    .select<WebhookDeliveryRow[]>('delivery.*');
}

// Which events of a range does this endpoint want? The oldest first; one more than asked for tells that there are more.
export async function listEventIds(
  tx: ReadTx | Tx,
  of: {
    readonly mode: Mode;
    readonly type: readonly string[];
    readonly from: Instant;
    readonly to: Instant;
    readonly limit: number;
  },
): Promise<readonly string[]> {
  const query = narrowToEvents(tx('audit_entries') as never, {
    mode: of.mode,
    type: of.type,
    createdAt: { gte: of.from, lt: of.to },
  }) as ReturnType<ReadTx>;
  const rows = await query
    .orderBy('at')
    .orderBy('id')
    .limit(of.limit + 1)
    .select<{ id: string }[]>('id');
  return rows.map(({ id }) => id.replace(/^aud_/, 'evt_'));
}
