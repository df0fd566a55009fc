import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import type { Sale } from '../../../domain/earning/sale.js';
import { DomainError } from '../../../domain/errors.js';
import type { Instant } from '../../../domain/time.js';
import { type SaleRow, toSale } from '../../earning/sale.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { scopeToAffiliates } from './affiliateRows.js';

export interface SaleView {
  readonly sale: Sale;
  readonly commissionIds: readonly string[];
}

export interface SaleFilter {
  readonly externalId?: readonly string[] | undefined;
  readonly status?: readonly string[] | undefined;
  readonly inReview?: boolean | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly productId?: readonly string[] | undefined;
  readonly contactId?: readonly string[] | undefined;
  readonly noCommissionCode?: readonly string[] | undefined;
  readonly occurredAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

type ViewRow = SaleRow & { readonly commission_ids: readonly string[] };

function base(tx: ReadTx | Tx, mode: Mode) {
  return tx('sales as sale')
    .where('sale.mode', mode)
    .select<ViewRow[]>(
      'sale.*',
      tx.raw(
        `array(select commission.id from commissions as commission
               where commission.workspace_id = sale.workspace_id and commission.sale_id = sale.id and commission.kind = 'earned'
               order by commission.level, commission.id) as commission_ids`,
      ),
    );
}

function toView(row: ViewRow): SaleView {
  return { sale: toSale(row), commissionIds: row.commission_ids };
}

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

/** Which sales may this reader see, by this filter, newest first? */
export async function listSales(
  tx: ReadTx,
  scope: Scope,
  mode: Mode,
  filter: SaleFilter,
  page: Page,
): Promise<readonly SaleView[]> {
  const query = base(tx, mode);
  scopeToAffiliates(query, scope, 'sale');
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('sale.external_id', filter.externalId);
  among('sale.status', filter.status);
  among('sale.affiliate_id', filter.affiliateId);
  among('sale.program_id', filter.programId);
  among('sale.contact_id', filter.contactId);
  among('sale.no_commission_code', filter.noCommissionCode);
  if (filter.inReview !== undefined) query.where('sale.in_review', filter.inReview);
  if (filter.productId !== undefined)
    query.whereRaw(
      `exists (select from jsonb_array_elements(sale.lines) as line where line ->> 'productId' = any (?::text[]))`,
      [[...filter.productId]],
    );
  for (const [bound, operator] of Object.entries(comparison)) {
    const value = filter.occurredAt?.[bound as keyof typeof comparison];
    if (value !== undefined) query.where('sale.occurred_at', operator, value);
  }
  const rows = (await keyset(query, page, { createdAt: 'sale.created_at' }, 'sale.id')) as ViewRow[];
  return rows.map(toView);
}

/** One sale, when this reader may see it. Codes: resource.not_found. */
export async function getSaleView(tx: ReadTx | Tx, scope: Scope, mode: Mode, id: string): Promise<SaleView> {
  const query = base(tx, mode).where('sale.id', id);
  scopeToAffiliates(query, scope, 'sale');
  const [row] = (await query) as ViewRow[];
  if (row === undefined) throw new DomainError('resource.not_found');
  return toView(row);
}
