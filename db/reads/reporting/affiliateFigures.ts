import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import type { Measure } from '../../reporting/rollup.js';
import type { ReadTx } from '../../transaction.js';
import { type ActivitySpan, readHappened, sumsOf } from './rollup.js';

// What each affiliate brought in some days (ADM-05, RPT-01): counts, money per currency, and when it last did anything.

/** Fields that affiliates may be ordered by; amounts by those of one currency, since currencies are never added (api.md 13). */
export const figureSorts = ['clicks', 'visits', 'leads', 'sales', 'earned', 'lastActivityAt'] as const;
export type FigureSort = (typeof figureSorts)[number];
export function isFigureSort(field: string): field is FigureSort {
  return (figureSorts as readonly string[]).includes(field);
}

export interface AffiliateFigures {
  readonly clicks: number;
  readonly validClicks: number;
  readonly visits: number;
  readonly leads: number;
  readonly uniqueLeads: number;
  readonly acceptedLeads: number;
  readonly sales: number;
  readonly refundedSales: number;
  /** What customers paid, before anything was given back. */
  readonly totalSales: readonly Money[];
  /** What was given back of it since. */
  readonly refunded: readonly Money[];
  /** Lines made in the days, less what was taken off them since. */
  readonly earned: readonly Money[];
  /** The part of these lines that is paid. */
  readonly commissionPaid: readonly Money[];
}

export const noFigures: AffiliateFigures = {
  clicks: 0,
  validClicks: 0,
  visits: 0,
  leads: 0,
  uniqueLeads: 0,
  acceptedLeads: 0,
  sales: 0,
  refundedSales: 0,
  totalSales: [],
  refunded: [],
  earned: [],
  commissionPaid: [],
};

const wanted = [
  'clicks',
  'valid_clicks',
  'visits',
  'leads',
  'unique_leads',
  'accepted_leads',
  'sales',
  'refunded_sales',
  'captured_minor',
  'refunded_minor',
  'earned_minor',
  'paid_minor',
] as const satisfies readonly Measure[];
type FigureRow = Readonly<Record<(typeof wanted)[number], number | bigint>> & { readonly currency: CurrencyCode | '' };

/** A row per currency, and one without for what has none, as one set of figures. */
function figuresOf(rows: readonly FigureRow[]): AffiliateFigures {
  const count = (name: (typeof wanted)[number]): number => rows.reduce((sum, row) => sum + Number(row[name]), 0);
  const money = (name: 'captured_minor' | 'refunded_minor' | 'earned_minor' | 'paid_minor'): readonly Money[] =>
    rows.flatMap((row) => {
      const minor = row[name] as bigint;
      return row.currency === '' || minor === 0n ? [] : [{ minor, currency: row.currency }];
    });
  return {
    clicks: count('clicks'),
    validClicks: count('valid_clicks'),
    visits: count('visits'),
    leads: count('leads'),
    uniqueLeads: count('unique_leads'),
    acceptedLeads: count('accepted_leads'),
    sales: count('sales'),
    refundedSales: count('refunded_sales'),
    totalSales: money('captured_minor'),
    refunded: money('refunded_minor'),
    earned: money('earned_minor'),
    commissionPaid: money('paid_minor'),
  };
}

/** The figures of these affiliates; one that did nothing is missing. */
export async function listAffiliateFigures(
  tx: ReadTx,
  span: ActivitySpan,
): Promise<ReadonlyMap<string, AffiliateFigures>> {
  const happened = await readHappened(tx, span, { grain: 'affiliate', wanted });
  const { rows } = await tx.raw<{ rows: (FigureRow & { affiliate_id: string })[] }>(
    `select affiliate_id, currency, ${sumsOf(wanted)} from (${happened.sql}) as happened
     where affiliate_id <> '' group by affiliate_id, currency order by affiliate_id, currency`,
    happened.bindings,
  );
  const grouped = new Map<string, FigureRow[]>();
  for (const row of rows) {
    const own = grouped.get(row.affiliate_id);
    if (own === undefined) grouped.set(row.affiliate_id, [row]);
    else own.push(row);
  }
  return new Map([...grouped].map(([id, own]) => [id, figuresOf(own)]));
}

/** A select of affiliate ids, with its bindings: who is meant. Its names must not be those of a span. */
export interface AffiliateChoice {
  readonly sql: string;
  readonly bindings: Readonly<Record<string, unknown>>;
}

/** All of these affiliates together. */
export async function sumAffiliateFigures(
  tx: ReadTx,
  span: ActivitySpan,
  choice: AffiliateChoice | null,
): Promise<AffiliateFigures> {
  const happened = await readHappened(tx, span, { grain: 'affiliate', wanted });
  const { rows } = await tx.raw<{ rows: FigureRow[] }>(
    `select currency, ${sumsOf(wanted)} from (${happened.sql}) as happened
     where affiliate_id <> ''${choice === null ? '' : ` and affiliate_id in (${choice.sql})`}
     group by currency order by currency`,
    { ...happened.bindings, ...choice?.bindings },
  );
  return figuresOf(rows);
}

/** When each affiliate was last clicked for, brought a lead or a sale: `affiliate_id`, `at`, whatever the days. */
async function lastActivitySql(
  tx: ReadTx,
  affiliateIds: readonly string[] | null,
): Promise<{ sql: string; bindings: Record<string, unknown> }> {
  const head = await tx('rollup_heads').first<{ clicks_until: Instant } | undefined>('clicks_until');
  const own = affiliateIds === null ? '' : ' and affiliate_id = any(cast(:activeIds as text[]))';
  const parts =
    head === undefined
      ? [
          `select affiliate_id, created_at as at from clicks where mode = :mode${own}`,
          `select affiliate_id, created_at from leads where affiliate_id is not null and mode = :mode${own}`,
          `select affiliate_id, occurred_at from sales where affiliate_id is not null and mode = :mode and status <> 'declined'${own}`,
        ]
      : [
          `select affiliate_id, greatest(last_click_at, last_fact_at) as at from affiliate_last_activity where mode = :mode${own}`,
          `select affiliate_id, last_at from rollup_deltas where affiliate_id <> '' and last_at is not null and mode = :mode${own}`,
          `select affiliate_id, created_at from clicks where created_at >= cast(:countedUntil as timestamptz) and mode = :mode${own}`,
        ];
  return {
    sql: `select affiliate_id, max(at) as at from (${parts.join(' union all ')}) as seen group by affiliate_id`,
    bindings: {
      activeIds: affiliateIds === null ? null : [...affiliateIds],
      ...(head === undefined ? {} : { countedUntil: head.clicks_until }),
    },
  };
}

/** Of these affiliates; one that never did anything is missing. */
export async function listLastActivity(
  tx: ReadTx,
  of: { readonly mode: ActivitySpan['mode']; readonly affiliateIds: readonly string[] },
): Promise<ReadonlyMap<string, Instant>> {
  const { sql, bindings } = await lastActivitySql(tx, of.affiliateIds);
  const { rows } = await tx.raw<{ rows: { affiliate_id: string; at: Instant | null }[] }>(sql, {
    ...bindings,
    mode: of.mode,
  });
  return new Map(rows.flatMap(({ affiliate_id, at }) => (at === null ? [] : [[affiliate_id, at]])));
}

/**
 * A select of `affiliate_id` and `figure`, by which affiliates are ordered; who is missing in it has the figure `ifNone`. `currency` is that
 * of amounts.
 */
export async function figureToSortBy(
  tx: ReadTx,
  span: ActivitySpan,
  of: { readonly sort: FigureSort; readonly currency: CurrencyCode },
): Promise<{ readonly sql: string; readonly bindings: Readonly<Record<string, unknown>>; readonly ifNone: string }> {
  if (of.sort === 'lastActivityAt') {
    const { sql, bindings } = await lastActivitySql(tx, span.affiliateIds);
    return {
      sql: `select affiliate_id, at as figure from (${sql}) as active`,
      bindings: { ...bindings, mode: span.mode },
      ifNone: `timestamptz '1970-01-01 00:00:00+00'`,
    };
  }
  const measure: Measure = of.sort === 'earned' ? 'earned_minor' : of.sort;
  const happened = await readHappened(tx, span, { grain: 'affiliate', wanted: [measure] });
  return {
    sql: `select affiliate_id, sum(${measure})::bigint as figure from (${happened.sql}) as happened
      where affiliate_id <> ''${of.sort === 'earned' ? ' and currency = :sortCurrency' : ''} group by affiliate_id`,
    bindings: { ...happened.bindings, ...(of.sort === 'earned' ? { sortCurrency: of.currency } : {}) },
    ifNone: '0',
  };
}

export interface OwedRow {
  readonly affiliateId: string;
  readonly amount: Money;
}

const owedSum = 'sum(line.amount_minor - line.reversed_minor)::bigint as minor';
const owedOf = (programIds: readonly string[] | null | undefined): string =>
  `line.mode = :mode and line.status = 'approved'
   and not exists (select from payout_lines as placed where placed.commission_id = line.id and placed.released_at is null)${
     programIds === null || programIds === undefined ? '' : ' and line.program_id = any(cast(:programIds as text[]))'
   }`;
type OwedSpan = Pick<ActivitySpan, 'mode' | 'programIds'>;
function owedBindings({ mode, programIds }: OwedSpan): Record<string, unknown> {
  return { mode, ...(programIds === null || programIds === undefined ? {} : { programIds: [...programIds] }) };
}

/** Approved and in no live payout, as of now, of these affiliates: a row per affiliate and currency. */
export async function listOwed(
  tx: ReadTx,
  of: OwedSpan & { readonly affiliateIds: readonly string[] },
): Promise<readonly OwedRow[]> {
  const { rows } = await tx.raw<{ rows: { affiliate_id: string; currency: CurrencyCode; minor: bigint }[] }>(
    `select line.affiliate_id, line.currency, ${owedSum} from commissions as line
     where ${owedOf(of.programIds)} and line.affiliate_id = any(cast(:ids as text[]))
     group by line.affiliate_id, line.currency order by line.affiliate_id, line.currency`,
    { ...owedBindings(of), ids: [...of.affiliateIds] },
  );
  return rows.map(({ affiliate_id, currency, minor }) => ({ affiliateId: affiliate_id, amount: { currency, minor } }));
}

/** The same over all of a choice, per currency. */
export async function sumOwedOf(tx: ReadTx, of: OwedSpan, choice: AffiliateChoice | null): Promise<readonly Money[]> {
  const { rows } = await tx.raw<{ rows: { currency: CurrencyCode; minor: bigint }[] }>(
    `select line.currency, ${owedSum} from commissions as line
     where ${owedOf(of.programIds)}${choice === null ? '' : ` and line.affiliate_id in (${choice.sql})`}
     group by line.currency order by line.currency`,
    { ...owedBindings(of), ...choice?.bindings },
  );
  return rows.map(({ currency, minor }) => ({ currency, minor }));
}

export interface PaidRefunds {
  readonly affiliateId: string;
  readonly refunds: number;
  readonly amount: Money;
}

// Which refunds came in these days after their sale's commission had been paid out? A row per affiliate and currency.
export async function listPaidRefunds(
  tx: ReadTx,
  span: ActivitySpan,
  choice: AffiliateChoice | null,
): Promise<readonly PaidRefunds[]> {
  const ofPrograms =
    span.programIds === undefined || span.programIds === null ? '' : ' and sale.program_id = any(:programIds)';
  const ofAffiliates = span.affiliateIds === null ? '' : ' and sale.affiliate_id = any(:affiliateIds)';
  const { rows } = await tx.raw<{
    rows: { affiliate_id: string; currency: CurrencyCode; refunds: number; minor: bigint }[];
  }>(
    `select sale.affiliate_id, sale.currency, count(*)::int as refunds, sum(refund.applied_minor)::bigint as minor
     from refunds as refund
     join sales as sale on sale.workspace_id = refund.workspace_id and sale.id = refund.sale_id
     where refund.mode = :mode and refund.applied_minor > 0
       and refund.occurred_at >= cast(:from as timestamptz) and refund.occurred_at < cast(:until as timestamptz)
       and exists (select from commissions as line
                   where line.sale_id = sale.id and line.affiliate_id = sale.affiliate_id and line.kind = 'earned'
                     and line.paid_at <= refund.processed_at)
       ${ofPrograms}${ofAffiliates}${choice === null ? '' : ` and sale.affiliate_id in (${choice.sql})`}
     group by sale.affiliate_id, sale.currency
     order by sale.affiliate_id, sale.currency`,
    {
      mode: span.mode,
      from: span.from,
      until: span.until,
      ...(span.affiliateIds === null ? {} : { affiliateIds: [...span.affiliateIds] }),
      ...(ofPrograms === '' ? {} : { programIds: [...(span.programIds ?? [])] }),
      ...choice?.bindings,
    },
  );
  return rows.map(({ affiliate_id, currency, refunds, minor }) => ({
    affiliateId: affiliate_id,
    refunds,
    amount: { currency, minor },
  }));
}
