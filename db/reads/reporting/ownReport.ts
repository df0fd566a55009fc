import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { LocalDate } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import type { ActivitySpan } from './activity.js';

// The reports of an affiliate's portal (api.md 17). Same conditions as the lists behind each figure: what `/v1/me/commissions` adds up to
// is what a report says.

const within = (column: string): string =>
  `${column} >= cast(:from as timestamptz) and ${column} < cast(:until as timestamptz)`;

export type OwnSpan = Pick<ActivitySpan, 'mode' | 'from' | 'until'> & { readonly affiliateId: string };

export interface SubIdRow {
  /** Null: traffic without a label, in a row of its own (TRK-15). */
  readonly subId: string | null;
  readonly clicks: number;
  readonly visits: number;
  readonly leads: number;
  readonly sales: number;
  /** What the affiliate's own sales and leads earned under it, less what was taken off; per currency. */
  readonly earned: readonly Money[];
}

// What came in under each sub1, most earned first? Level 2 lines are of other people's traffic and have no label of this affiliate's.
export async function listSubIds(tx: ReadTx, span: OwnSpan, limit: number): Promise<readonly SubIdRow[]> {
  const { rows } = await tx.raw<{
    rows: {
      sub_id: string | null;
      clicks: number;
      visits: number;
      leads: number;
      sales: number;
      earned: readonly { currency: CurrencyCode; minor: string }[] | null;
    }[];
  }>(
    `with happened as (
       select sub1, 'clicks' as fact, null as currency, 0::bigint as minor from clicks
       where affiliate_id = :affiliateId and mode = :mode and ${within('created_at')}
       union all
       select click.sub1, 'visits', null, 0 from visits as visit
       join links as link on link.workspace_id = visit.workspace_id and link.id = visit.link_id
       left join clicks as click on click.workspace_id = visit.workspace_id and click.id = visit.click_id
       where link.affiliate_id = :affiliateId and visit.mode = :mode and not visit.suspect and ${within('visit.created_at')}
       union all
       select sub1, 'leads', null, 0 from leads
       where affiliate_id = :affiliateId and mode = :mode and ${within('created_at')}
       union all
       select sub1, 'sales', null, 0 from sales
       where affiliate_id = :affiliateId and mode = :mode and status <> 'declined' and ${within('occurred_at')}
       union all
       select sub1, 'earned', currency, amount_minor - reversed_minor from commissions
       where affiliate_id = :affiliateId and mode = :mode and level = 1 and referral_id is not null and status <> 'rejected'
         and ${within('created_at')}),
     earned as (
       select sub1, currency, sum(minor)::bigint as minor from happened where fact = 'earned' group by sub1, currency)
     select happened.sub1 as sub_id,
            (count(*) filter (where fact = 'clicks'))::int as clicks,
            (count(*) filter (where fact = 'visits'))::int as visits,
            (count(*) filter (where fact = 'leads'))::int as leads,
            (count(*) filter (where fact = 'sales'))::int as sales,
            (select jsonb_agg(jsonb_build_object('currency', earned.currency, 'minor', earned.minor::text) order by earned.currency)
             from earned where earned.sub1 is not distinct from happened.sub1) as earned
     from happened
     group by happened.sub1
     order by sales desc, leads desc, clicks desc, happened.sub1 nulls last
     limit :limit`,
    { ...span, limit },
  );
  return rows.map(({ sub_id, earned, ...counts }) => ({
    ...counts,
    subId: sub_id,
    earned: (earned ?? []).map(({ currency, minor }) => ({ currency, minor: BigInt(minor) })),
  }));
}

export interface EarningPeriod {
  /** The first day of the month. */
  readonly month: LocalDate;
  readonly currency: CurrencyCode;
  readonly lines: number;
  /** Before anything was taken off; a bonus and a correction by hand count, a clawback does not. */
  readonly earned: Money;
  /** Reversed before it was paid, and clawed back after. */
  readonly takenBack: Money;
  readonly net: Money;
  readonly paid: Money;
}

// Per month of the zone and currency: what the lines made in it came to, what was taken off since, and how much of it is paid?
export async function listEarningMonths(
  tx: ReadTx,
  span: OwnSpan & { readonly zone: string },
): Promise<readonly EarningPeriod[]> {
  const { rows } = await tx.raw<{
    rows: {
      month: LocalDate;
      currency: CurrencyCode;
      lines: number;
      earned: bigint;
      reversed: bigint;
      net: bigint;
      paid: bigint;
    }[];
  }>(
    `select to_char(date_trunc('month', created_at at time zone :zone), 'YYYY-MM-DD') as month, currency, count(*)::int as lines,
            coalesce(sum(amount_minor) filter (where kind <> 'clawback'), 0)::bigint as earned,
            (sum(reversed_minor) - coalesce(sum(amount_minor) filter (where kind = 'clawback'), 0))::bigint as reversed,
            sum(amount_minor - reversed_minor)::bigint as net,
            coalesce(sum(amount_minor - reversed_minor) filter (where status = 'paid'), 0)::bigint as paid
     from commissions
     where affiliate_id = :affiliateId and mode = :mode and status <> 'rejected' and ${within('created_at')}
     group by 1, currency
     order by 1, currency`,
    { ...span },
  );
  return rows.map(({ month, currency, lines, ...sums }) => ({
    month,
    currency,
    lines,
    earned: { minor: sums.earned, currency },
    takenBack: { minor: sums.reversed, currency },
    net: { minor: sums.net, currency },
    paid: { minor: sums.paid, currency },
  }));
}
