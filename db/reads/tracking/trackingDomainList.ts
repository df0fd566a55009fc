import type { TrackingDomain } from '../../../domain/tracking/trackingDomain.js';
import { toTrackingDomain, type TrackingDomainRow } from '../../tracking/trackingDomain.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

// Which link domains does the workspace have?
export async function listTrackingDomains(
  tx: ReadTx,
  filter: { readonly q?: string },
  page: Page,
): Promise<readonly TrackingDomain[]> {
  const query = tx('tracking_domains').whereNull('deleted_at').select<TrackingDomainRow[]>('*');
  if (filter.q !== undefined) query.whereRaw('(id = :q or strpos(domain, lower(:q)) > 0)', { q: filter.q });
  const rows = await keyset(query, page, { createdAt: 'created_at', domain: 'domain' });
  return rows.map(toTrackingDomain);
}
