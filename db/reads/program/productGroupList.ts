import { type CountedProductGroup, type ProductGroupRow, toProductGroup } from '../../program/productGroup.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

interface CountedRow extends ProductGroupRow {
  readonly product_count: number;
  readonly promo_tool_count: number;
}

function counted(tx: ReadTx | Tx) {
  return tx('product_groups')
    .whereNull('deleted_at')
    .select<CountedRow[]>(
      'product_groups.*',
      tx.raw(`(
        select count(*)::int from products as product
        where product.product_group_id = product_groups.id and product.deleted_at is null
      ) as product_count`),
      tx.raw(`(
        select count(*)::int from promo_tools as tool
        where tool.product_group_id = product_groups.id and tool.deleted_at is null
      ) as promo_tool_count`),
    );
}

function toCounted(row: CountedRow): CountedProductGroup {
  return { ...toProductGroup(row), productCount: row.product_count, promoToolCount: row.promo_tool_count };
}

// Which product groups are there, and how much stands in each?
export async function listProductGroups(
  tx: ReadTx,
  filter: { readonly q?: string | undefined },
  page: Page,
): Promise<readonly CountedProductGroup[]> {
  const query = counted(tx);
  if (filter.q !== undefined)
    query.whereRaw('(strpos(lower(name), lower(:q)) > 0 or id = :q)', {
      q: filter.q,
    });
  const rows = await keyset(query, page, { createdAt: 'created_at', name: 'name' });
  return rows.map(toCounted);
}

// What does this group hold?
export async function findCountedProductGroup(tx: ReadTx | Tx, id: string): Promise<CountedProductGroup | undefined> {
  const [row] = await counted(tx).where({ id });
  return row === undefined ? undefined : toCounted(row);
}
