import type { SaleStatus } from '../../../domain/earning/sale.js';
import type { ReferralId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

/** A purchase of a referred customer as its affiliate may see it. */
export interface OwnPurchase {
  readonly occurredAt: Instant;
  readonly status: SaleStatus;
  readonly currency: CurrencyCode;
  readonly amountMinor: bigint;
  /** The affiliate's own lines of it; zero: it earned nothing. */
  readonly earnedMinor: bigint;
  /** Why it earned nothing. */
  readonly code: string | null;
}

/**
 * What did this customer buy (PRG-05, PRG-06)? Always what earned the affiliate something; a failed charge where the program shows those; the
 * rest where it shows the whole history. Of another program's purchases nothing: their terms are not this one's. Newest first, at most 200.
 */
export async function listOwnPurchases(
  tx: ReadTx,
  of: {
    readonly referralId: ReferralId;
    readonly affiliateId: string;
    readonly showsDeclined: boolean;
    readonly showsHistory: boolean;
  },
): Promise<readonly OwnPurchase[]> {
  const { rows } = await tx.raw<{ rows: OwnPurchase[] }>(
    `select sale.occurred_at as "occurredAt", sale.status, sale.currency, sale.captured_minor as "amountMinor",
            coalesce(earned.minor, 0)::bigint as "earnedMinor",
            case when earned.minor is null then sale.no_commission_code end as code
     from referrals as referral
     join sales as sale
       on sale.workspace_id = referral.workspace_id and sale.mode = referral.mode and sale.processed_at is not null
       and (sale.referral_id = referral.id
            or sale.contact_id = referral.contact_id and (sale.program_id is null or sale.program_id = referral.program_id))
     left join lateral (
       select sum(line.amount_minor - line.reversed_minor) filter (where line.status <> 'rejected') as minor
       from commissions as line
       where line.workspace_id = sale.workspace_id and line.sale_id = sale.id and line.affiliate_id = :affiliateId) as earned on true
     where referral.id = :referralId
       and case when sale.status = 'declined' then :showsDeclined::boolean
                else earned.minor is not null or :showsHistory::boolean end
     order by sale.occurred_at desc, sale.id desc
     limit 200`,
    of,
  );
  return rows;
}
