import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import type { Sale } from '../../../domain/earning/sale.js';
import { DomainError } from '../../../domain/errors.js';
import type { Instant } from '../../../domain/time.js';
import { type SaleRow, toSale } from '../../earning/sale.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { toolIdIn } from '../tracking/toolOfClick.js';
import { scopeToAffiliates } from './affiliateRows.js';

export interface SaleView {
  readonly sale: Sale;
  readonly commissionIds: readonly string[];
  /** Something of it is pending or approved still. */
  readonly hasOpenLines: boolean;
  /** Of the tool or link that brought it (LNK-17); null: unnamed, or brought by nobody. */
  readonly campaign: string | null;
  readonly ad: string | null;
}

export interface SaleFilter {
  /** Literal, in order number, customer, affiliate and id (ADM-07). */
  readonly q?: string | undefined;
  readonly externalId?: readonly string[] | undefined;
  readonly status?: readonly string[] | undefined;
  readonly inReview?: boolean | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly productId?: readonly string[] | undefined;
  readonly contactId?: readonly string[] | undefined;
  /** Of the customer. */
  readonly country?: readonly string[] | undefined;
  readonly noCommissionCode?: readonly string[] | undefined;
  /** It made a commission, whatever became of that. */
  readonly earned?: boolean | undefined;
  readonly campaign?: readonly string[] | undefined;
  readonly ad?: readonly string[] | undefined;
  readonly occurredAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

type ViewRow = SaleRow & {
  readonly commission_ids: readonly string[];
  readonly has_open_lines: boolean;
  readonly campaign: string | null;
  readonly ad: string | null;
};

/**
 * The names of what brought a sale: its own click's, else those of the last click on the credited link before it. A tool's own before its
 * link's.
 */
export const saleOrigin = `
  left join lateral (
    select coalesce(tool.campaign, link.campaign) as campaign, coalesce(tool.ad, link.ad) as ad,
           click.query, click.sub2, click.sub3, click.sub4, click.sub5
    from links as link
    -- a join of its own and \`case\` below: a condition with a query or a \`coalesce\` in it counts as leaky, waits for row-level security
    -- and so could use no index: each sale read all clicks of its link
    left join lateral (
      select touch.source_id
      from touches as touch
      where touch.workspace_id = sale.workspace_id and touch.referral_id = sale.referral_id and touch.kind = 'click'
        and touch.link_id = sale.link_id and touch.occurred_at <= sale.occurred_at
      order by touch.occurred_at desc, touch.source_id desc
      limit 1) as last_touch on true
    left join clicks as click
      on click.workspace_id = sale.workspace_id and click.link_id = link.id
      and click.id = case when sale.click_id is null then last_touch.source_id else sale.click_id end
    left join promo_tools as tool on tool.workspace_id = sale.workspace_id and tool.id = ${toolIdIn('click.query')}
    where link.workspace_id = sale.workspace_id and link.id = sale.link_id
  ) as source on true`;

function base(tx: ReadTx | Tx, mode: Mode) {
  return tx('sales as sale')
    .joinRaw(saleOrigin)
    .where('sale.mode', mode)
    .select<ViewRow[]>(
      'sale.*',
      'source.campaign',
      'source.ad',
      tx.raw(
        `array(select commission.id from commissions as commission
               where commission.workspace_id = sale.workspace_id and commission.sale_id = sale.id and commission.kind = 'earned'
               order by commission.level, commission.id) as commission_ids`,
      ),
      tx.raw(
        // `exists` here lets Postgres read all open commissions at once into a table of its own: 150 ms for a page of 50 among 100,000.
        `coalesce((select true from commissions as commission
                   where commission.workspace_id = sale.workspace_id and commission.sale_id = sale.id and commission.kind <> 'clawback'
                     and commission.status in ('pending', 'approved')
                   limit 1), false) as has_open_lines`,
      ),
    );
}

function toView(row: ViewRow): SaleView {
  return {
    sale: toSale(row),
    commissionIds: row.commission_ids,
    hasOpenLines: row.has_open_lines,
    campaign: row.campaign,
    ad: row.ad,
  };
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
  // An affiliate finds nobody by what it may not see of them.
  if (filter.country !== undefined)
    query.whereRaw(
      `:mayAsk and exists (select from contacts as customer where customer.id = sale.contact_id and customer.country = any(:countries))`,
      { mayAsk: scope.kind !== 'affiliate', countries: [...filter.country] },
    );
  among('sale.no_commission_code', filter.noCommissionCode);
  among('source.campaign', filter.campaign);
  among('source.ad', filter.ad);
  if (filter.earned !== undefined)
    query.whereRaw(
      `${filter.earned ? '' : 'not '}exists (
         select from commissions as commission
         where commission.workspace_id = sale.workspace_id and commission.sale_id = sale.id and commission.kind = 'earned')`,
    );
  if (filter.inReview !== undefined) query.where('sale.in_review', filter.inReview);
  if (filter.q !== undefined)
    query.whereRaw(
      `(sale.id = :q or strpos(lower(sale.external_id), lower(:q)) > 0
        or exists (select from affiliates as affiliate where affiliate.id = sale.affiliate_id
                   and (strpos(lower(affiliate.name), lower(:q)) > 0 or strpos(lower(affiliate.email), lower(:q)) > 0))
        or :mayName and exists (select from contacts as contact where contact.id = sale.contact_id
                   and (strpos(lower(coalesce(contact.name, '')), lower(:q)) > 0 or strpos(lower(coalesce(contact.email, '')), lower(:q)) > 0)))`,
      { q: filter.q, mayName: scope.kind !== 'affiliate' },
    );
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
  const found = await findSaleView(tx, scope, mode, id);
  if (found === undefined) throw new DomainError('resource.not_found');
  return found;
}

export async function findSaleView(
  tx: ReadTx | Tx,
  scope: Scope,
  mode: Mode,
  id: string,
): Promise<SaleView | undefined> {
  const query = base(tx, mode).where('sale.id', id);
  scopeToAffiliates(query, scope, 'sale');
  const [row] = (await query) as ViewRow[];
  return row === undefined ? undefined : toView(row);
}
