import { type LeadSource, type LeadSourceRow, toLeadSource } from '../../tracking/leadSource.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

// Where do leads come from, and who gets them?
export async function listLeadSources(
  tx: ReadTx,
  filter: { readonly active?: boolean | undefined; readonly q?: string | undefined },
  page: Page,
): Promise<readonly LeadSource[]> {
  const query = tx('lead_sources').whereNull('deleted_at').select<LeadSourceRow[]>('*');
  if (filter.active !== undefined) query.where({ active: filter.active });
  if (filter.q !== undefined)
    query.whereRaw(
      `(strpos(lower(name), lower(:q)) > 0 or strpos(lower(coalesce(department, '')), lower(:q)) > 0 or id = :q)`,
      { q: filter.q },
    );
  const rows = await keyset(query, page, { createdAt: 'created_at', name: 'name' });
  return rows.map(toLeadSource);
}
