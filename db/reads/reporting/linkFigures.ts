import { type CurrencyCode, type Money, roundToMinor } from '../../../domain/money.js';
import type { ReadTx } from '../../transaction.js';
import { type ActivitySpan, readHappened, sumsOf } from './rollup.js';

export interface LinkFigures {
  readonly clicks: number;
  /** One per visitor, link and day. */
  readonly visits: number;
  readonly leads: number;
  readonly sales: number;
  /** What its sales and leads earned its own affiliate, less what was taken off since; per currency. */
  readonly earned: readonly Money[];
  /** Empty without a click. */
  readonly earningsPerClick: readonly Money[];
  /** The most frequent first labels, at most three, of the workspace's newest clicks of these days. */
  readonly subIds: readonly string[];
}
const wanted = ['clicks', 'visits', 'leads', 'sales'] as const;
/** Labels are read from so many newest clicks at most: days are not kept by label, and a list of links must not read a month of clicks. */
const mostLabelledClicks = 5_000;
const mostSubIds = 3;
type Counts = Readonly<Record<(typeof wanted)[number], number>>;

// What did these links bring in some days (screens.md 3.11)? Counts are those of the kept days; a link without any is missing.
export async function listLinkFigures(
  tx: ReadTx,
  span: Pick<ActivitySpan, 'mode' | 'from' | 'until'>,
  links: readonly { readonly id: string; readonly affiliateId: string }[],
): Promise<ReadonlyMap<string, LinkFigures>> {
  const affiliateIds = [...new Set(links.map(({ affiliateId }) => affiliateId))];
  const linkIds = links.map(({ id }) => id);
  const happened = await readHappened(tx, { ...span, affiliateIds }, { grain: 'link', wanted });
  const counted = await tx.raw<{ rows: (Counts & { link_id: string })[] }>(
    `select link_id, ${sumsOf(wanted)} from (${happened.sql}) as happened
     where link_id = any(cast(:linkIds as text[])) group by link_id`,
    { ...happened.bindings, linkIds },
  );
  // Days by link hold no commissions: a line's link is that of its sale or lead, and level 2 is other people's traffic.
  const lines = await tx.raw<{ rows: { link_id: string; currency: CurrencyCode; minor: bigint }[] }>(
    `select coalesce(sale.link_id, lead.link_id) as link_id, commission.currency,
            sum(commission.amount_minor - commission.reversed_minor)::bigint as minor
     from commissions as commission
     left join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id
     left join leads as lead on lead.workspace_id = commission.workspace_id and lead.id = commission.lead_id
     where commission.mode = :mode and commission.level = 1 and commission.status <> 'rejected'
       and commission.affiliate_id = any(cast(:affiliateIds as text[]))
       and commission.created_at >= cast(:from as timestamptz) and commission.created_at < cast(:until as timestamptz)
       and coalesce(sale.link_id, lead.link_id) = any(cast(:linkIds as text[]))
     group by 1, commission.currency
     order by 1, commission.currency`,
    { mode: span.mode, from: span.from, until: span.until, affiliateIds, linkIds },
  );
  const labels = await tx.raw<{ rows: { link_id: string; sub1: string }[] }>(
    `select link_id, sub1
     from (select link_id, sub1, row_number() over (partition by link_id order by count(*) desc, sub1) as place
           from (select link_id, sub1, mode from clicks
                 where created_at >= cast(:from as timestamptz) and created_at < cast(:until as timestamptz)
                 order by created_at desc, id desc
                 limit ${mostLabelledClicks}) as newest
           where mode = :mode and sub1 <> '' and link_id = any(cast(:linkIds as text[]))
           group by link_id, sub1) as label
     where place <= ${mostSubIds}
     order by link_id, place`,
    { mode: span.mode, from: span.from, until: span.until, linkIds },
  );
  const countsOf = new Map(counted.rows.map(({ link_id, ...counts }) => [link_id, counts]));
  return new Map(
    linkIds.map((id) => {
      const counts = countsOf.get(id) ?? { clicks: 0, visits: 0, leads: 0, sales: 0 };
      const earned = lines.rows
        .filter((line) => line.link_id === id)
        .map(({ minor, currency }): Money => ({ minor, currency }));
      const perClick = ({ minor, currency }: Money): Money => ({
        minor: roundToMinor({ numerator: minor, denominator: BigInt(counts.clicks) }),
        currency,
      });
      const subIds = labels.rows.filter((label) => label.link_id === id).map(({ sub1 }) => sub1);
      return [id, { ...counts, earned, subIds, earningsPerClick: counts.clicks === 0 ? [] : earned.map(perClick) }];
    }),
  );
}
