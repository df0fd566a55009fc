import type { Mode } from '../../../domain/act.js';
import type { AffiliateId } from '../../../domain/ids.js';
import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { ReadTx } from '../../transaction.js';

/** api.md 7.1; each may be below zero but `clawedBack`, which is printed positive and counted in the others already. */
export interface AffiliateBalance {
  readonly currency: CurrencyCode;
  readonly pending: Money;
  readonly owed: Money;
  readonly payable: Money;
  readonly inPayout: Money;
  readonly paid: Money;
  readonly clawedBack: Money;
}

interface Row {
  readonly currency: CurrencyCode;
  readonly pending: bigint;
  readonly owed: bigint;
  readonly in_payout: bigint;
  readonly payable: bigint;
  readonly paid: bigint;
  readonly clawed_back: bigint;
}

// What has this affiliate earned, what is owed, on its way, paid? Sums of amount − reversed over its lines, per currency (money.md 3.1).
export async function getAffiliateBalances(
  tx: ReadTx,
  mode: Mode,
  affiliateId: AffiliateId,
): Promise<readonly AffiliateBalance[]> {
  const { rows } = await tx.raw<{ rows: Row[] }>(
    `
    with lines as (
      select commission.currency, commission.status, commission.kind, commission.accrues,
             commission.amount_minor - commission.reversed_minor as net_minor,
             exists (
               select from payout_lines as line
               join payouts as payout on payout.workspace_id = line.workspace_id and payout.id = line.payout_id
               where line.workspace_id = commission.workspace_id and line.commission_id = commission.id
                 and line.released_at is null and payout.status in ('draft', 'pending')) as is_in_payout
      from commissions as commission
      where commission.affiliate_id = :affiliateId
        and commission.mode = :mode)
    select lines.currency,
      coalesce(sum(net_minor) filter (where status = 'pending' and accrues), 0)::bigint as pending,
      coalesce(sum(net_minor) filter (where status = 'approved'), 0)::bigint as owed,
      coalesce(sum(net_minor) filter (where status = 'approved' and is_in_payout), 0)::bigint as in_payout,
      coalesce(sum(net_minor) filter (where status = 'approved' and not is_in_payout), 0)::bigint as payable,
      coalesce(sum(net_minor) filter (where status = 'paid'), 0)::bigint as paid,
      coalesce(-sum(net_minor) filter (where kind = 'clawback' and status in ('pending', 'approved', 'paid')), 0)::bigint as clawed_back
    from lines
    group by lines.currency
    order by lines.currency`,
    { affiliateId, mode },
  );
  return rows.map((row) => {
    const of = (minor: bigint): Money => ({ minor, currency: row.currency });
    return {
      currency: row.currency,
      pending: of(row.pending),
      owed: of(row.owed),
      payable: of(row.payable),
      inPayout: of(row.in_payout),
      paid: of(row.paid),
      clawedBack: of(row.clawed_back),
    };
  });
}
