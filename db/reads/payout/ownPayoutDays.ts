import type { Mode } from '../../../domain/act.js';
import type { AffiliateId } from '../../../domain/ids.js';
import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { Instant, LocalDate } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

/** When the parts of a balance move on, per currency; null: nothing is known or there is nothing. */
export interface BalanceDays {
  readonly currency: CurrencyCode;
  /** The earliest end of a hold among the lines that are pending. */
  readonly nextEligibleAt: Instant | null;
  /** The earliest day on which a payout on its way is expected. */
  readonly expectedOn: LocalDate | null;
  readonly lastPaidOn: LocalDate | null;
}

/** What does an affiliate wait for, and since when is it paid? The days beside the four words of its balance (screens.md 6). */
export async function listBalanceDays(
  tx: ReadTx,
  mode: Mode,
  affiliateId: AffiliateId,
): Promise<readonly BalanceDays[]> {
  const { rows } = await tx.raw<{ rows: BalanceDays[] }>(
    `with days as (
       select commission.currency, min(commission.eligible_at) as eligible_at, null::date as expected_on, null::date as paid_on
       from commissions as commission
       where commission.affiliate_id = :affiliateId and commission.mode = :mode and commission.status = 'pending'
         and commission.accrues and not commission.on_hold and commission.eligible_at > now()
       group by commission.currency
       union all
       select payout.currency, null, min(payout.due_on) filter (where payout.status = 'pending'),
              max(payout.paid_on) filter (where payout.status = 'paid')
       from payouts as payout
       where payout.affiliate_id = :affiliateId and payout.mode = :mode and payout.status in ('pending', 'paid')
       group by payout.currency)
     select days.currency, max(days.eligible_at) as "nextEligibleAt", max(days.expected_on) as "expectedOn",
            max(days.paid_on) as "lastPaidOn"
     from days group by days.currency order by days.currency`,
    { affiliateId, mode },
  );
  return rows;
}

export interface PayoutYear {
  readonly year: number;
  readonly payouts: number;
  /** What was sent. */
  readonly paid: Money;
  /** What of it came back later; zero or above. */
  readonly returned: Money;
}

/** What was an affiliate paid in each calendar year, newest first, a row per currency? By the day a payout was paid, as its statement says it. */
export async function listPayoutYears(
  tx: ReadTx,
  mode: Mode,
  affiliateId: AffiliateId,
): Promise<readonly PayoutYear[]> {
  const { rows } = await tx.raw<{
    rows: { year: number; currency: CurrencyCode; payouts: number; paid: bigint; returned: bigint }[];
  }>(
    `select extract(year from payout.paid_on)::int as year, payout.currency, count(*)::int as payouts,
            sum(payout.amount_minor)::bigint as paid,
            coalesce(sum((payout.returned ->> 'amountMinor')::bigint), 0)::bigint as returned
     from payouts as payout
     where payout.affiliate_id = :affiliateId and payout.mode = :mode and payout.status = 'paid' and payout.paid_on is not null
     group by 1, payout.currency
     order by 1 desc, payout.currency`,
    { affiliateId, mode },
  );
  return rows.map(({ year, currency, payouts, paid, returned }) => ({
    year,
    payouts,
    paid: { minor: paid, currency },
    returned: { minor: returned, currency },
  }));
}
