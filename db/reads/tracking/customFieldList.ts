import { type CustomField, type CustomFieldRow, toCustomField } from '../../tracking/customField.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

// Which fields of its own has this workspace on leads?
export async function listCustomFields(tx: ReadTx, page: Page): Promise<readonly CustomField[]> {
  const query = tx('custom_fields').whereNull('deleted_at').select<CustomFieldRow[]>('*');
  const rows = await keyset(query, page, { order: 'position', createdAt: 'created_at', name: 'name' });
  return rows.map(toCustomField);
}
