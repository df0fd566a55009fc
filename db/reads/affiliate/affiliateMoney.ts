import type { Mode } from '../../../domain/act.js';
import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

type UsableStatus = 'unverified' | 'active' | 'cooling';

/** How the money of an affiliate stands, in a row of a list (screens.md 3.4). */
export interface AffiliateMoney {
  /** Approved and not paid, as its balance says (api.md 7.1). */
  readonly owed: readonly Money[];
  readonly lastPayout: { readonly id: string; readonly amount: Money; readonly paidAt: Instant } | null;
  /** The methods it has, one per currency. */
  readonly payoutMethods: readonly { readonly currency: CurrencyCode; readonly status: UsableStatus }[];
}

interface OwedRow {
  readonly affiliate_id: string;
  readonly currency: CurrencyCode;
  readonly minor: bigint;
}
interface PayoutRow extends OwedRow {
  readonly id: string;
  readonly paid_at: Instant;
}
interface MethodRow {
  readonly affiliate_id: string;
  readonly currency: CurrencyCode;
  readonly status: UsableStatus;
}

// What is owed to each affiliate of a page, what was it paid last, and can it be paid? Three reads for a page, whatever its length.
export async function listAffiliateMoney(
  tx: ReadTx,
  mode: Mode,
  affiliateIds: readonly string[],
): Promise<(affiliateId: string) => AffiliateMoney> {
  const of = { ids: [...affiliateIds], mode };
  const [owed, payouts, methods] = await Promise.all([
    tx.raw<{ rows: OwedRow[] }>(
      `select affiliate_id, currency, sum(amount_minor - reversed_minor)::bigint as minor
       from commissions
       where affiliate_id = any(:ids) and mode = :mode and status = 'approved'
       group by affiliate_id, currency having sum(amount_minor - reversed_minor) <> 0
       order by affiliate_id, currency`,
      of,
    ),
    tx.raw<{ rows: PayoutRow[] }>(
      `select distinct on (affiliate_id) affiliate_id, currency, amount_minor as minor, id, paid_at
       from payouts
       where affiliate_id = any(:ids) and mode = :mode and status = 'paid' and paid_at is not null
       order by affiliate_id, paid_at desc, id desc`,
      of,
    ),
    tx.raw<{ rows: MethodRow[] }>(
      `select distinct on (affiliate_id, currency) affiliate_id, currency, status
       from payout_methods
       where affiliate_id = any(:ids) and status in ('active', 'cooling', 'unverified')
       order by affiliate_id, currency, status, created_at desc`,
      { ids: of.ids },
    ),
  ]);
  return (affiliateId) => {
    const last = payouts.rows.find((row) => row.affiliate_id === affiliateId);
    return {
      owed: owed.rows
        .filter((row) => row.affiliate_id === affiliateId)
        .map(({ minor, currency }) => ({ minor, currency })),
      lastPayout:
        last === undefined
          ? null
          : { id: last.id, amount: { minor: last.minor, currency: last.currency }, paidAt: last.paid_at },
      payoutMethods: methods.rows
        .filter((row) => row.affiliate_id === affiliateId)
        .map(({ currency, status }) => ({ currency, status })),
    };
  };
}
