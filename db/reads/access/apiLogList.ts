import type { Mode } from '../../../domain/act.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export interface ApiLogFilter {
  readonly keyId?: readonly string[] | undefined;
  readonly code?: readonly string[] | undefined;
  readonly outcome?: readonly string[] | undefined;
  readonly requestId?: readonly string[] | undefined;
  readonly q?: string | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

export interface ApiLogRow {
  readonly id: string;
  readonly created_at: Instant;
  readonly key_id: string | null;
  readonly key_name: string | null;
  readonly affiliate_id: string | null;
  readonly form_id: string | null;
  readonly lead_id: string | null;
  readonly address: string | null;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly code: string | null;
  readonly payload: unknown;
  readonly request_id: string | null;
}

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

// Which calls did machines and public edges make, and what became of them?
export async function listApiLog(
  tx: ReadTx,
  mode: Mode,
  filter: ApiLogFilter,
  page: Page,
): Promise<readonly ApiLogRow[]> {
  const query = tx('api_log as call')
    .leftJoin('api_keys as key', (on) => on.on('key.workspace_id', 'call.workspace_id').andOn('key.id', 'call.key_id'))
    .where('call.mode', mode)
    .select<ApiLogRow[]>('call.*', 'key.name as key_name');
  if (filter.keyId !== undefined) query.whereIn('call.key_id', [...filter.keyId]);
  if (filter.code !== undefined) query.whereIn('call.code', [...filter.code]);
  if (filter.requestId !== undefined) query.whereIn('call.request_id', [...filter.requestId]);
  if (filter.outcome?.length === 1) query.where('call.status', filter.outcome[0] === 'refused' ? '>=' : '<', 400);
  // A log of some days, read from the newest on: a part of the path is what people know of a call.
  if (filter.q !== undefined)
    query.whereRaw(
      `(call.request_id = :q or call.id = :q or call.lead_id = :q or call.address = :q or strpos(lower(call.path), lower(:q)) > 0
        or strpos(lower(coalesce(key.name, '')), lower(:q)) > 0)`,
      { q: filter.q },
    );
  for (const [bound, at] of Object.entries(filter.createdAt ?? {}))
    query.where('call.created_at', comparison[bound as keyof typeof comparison], at);
  return keyset(query, page, { createdAt: 'call.created_at' }, 'call.id');
}
