import type { ProgramId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { type Product, type ProductRow, type ProgramProduct, toProduct } from '../../program/product.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export interface ProductFilter {
  readonly active?: boolean | undefined;
  readonly productGroupId?: readonly string[] | undefined;
  readonly q?: string | undefined;
}

// Which products does this workspace sell?
export async function listProducts(tx: ReadTx, filter: ProductFilter, page: Page): Promise<readonly Product[]> {
  const query = tx('products')
    .whereNull('deleted_at')
    .where((where) => {
      if (filter.active !== undefined) where.where({ active: filter.active });
      if (filter.productGroupId !== undefined) where.whereIn('product_group_id', filter.productGroupId);
      if (filter.q !== undefined)
        where.whereRaw(`(strpos(lower(name), lower(?)) > 0 or lower(sku) = lower(?) or id = ?)`, [
          filter.q,
          filter.q,
          filter.q,
        ]);
    })
    .select<ProductRow[]>('*');
  const rows = await keyset(query, page, { createdAt: 'created_at', name: 'name' });
  return rows.map(toProduct);
}

// Which products earn in this program?
export async function listProgramProducts(
  tx: ReadTx,
  programId: ProgramId,
  page: Page,
): Promise<readonly ProgramProduct[]> {
  const query = tx('program_products as attached')
    .join('products as product', (on) =>
      on.on('product.workspace_id', 'attached.workspace_id').andOn('product.id', 'attached.product_id'),
    )
    .where({ 'attached.program_id': programId })
    .select<(ProductRow & { attached_active: boolean; attached_at: Instant })[]>(
      'product.*',
      'attached.active as attached_active',
      'attached.created_at as attached_at',
    );
  const rows = await keyset(query, page, { createdAt: 'attached.created_at' }, 'attached.product_id');
  return rows.map((row) => ({ product: toProduct(row), active: row.attached_active, attachedAt: row.attached_at }));
}
