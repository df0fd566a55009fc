import { type CustomField, type CustomFieldRow, toCustomField } from '../../tracking/customField.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

// Which fields of its own has this workspace on leads?
export async function listCustomFields(
  tx: ReadTx,
  filter: { readonly q?: string },
  page: Page,
): Promise<readonly CustomField[]> {
  const query = tx('custom_fields').whereNull('deleted_at').select<CustomFieldRow[]>('*');
  if (filter.q !== undefined)
    query.whereRaw('(id = :q or strpos(lower(name), lower(:q)) > 0 or strpos(lower(key), lower(:q)) > 0)', {
      q: filter.q,
    });
  const rows = await keyset(query, page, { order: 'position', createdAt: 'created_at', name: 'name' });
  return rows.map(toCustomField);
}
