import type { CommissionStatus } from '../../../domain/earning/commission.js';
import type { AffiliateId, ReferralId } from '../../../domain/ids.js';
import type { ReadTx, Tx } from '../../transaction.js';

// Which referrals wait for something that this affiliate's status decides: a decision on themselves, or a commission of the affiliate, on
// any level, in one of these statuses?
export async function listReferralsToWake(
  tx: ReadTx | Tx,
  affiliateId: AffiliateId,
  statuses: readonly CommissionStatus[],
): Promise<readonly ReferralId[]> {
  const { rows } = await tx.raw<{ rows: { id: ReferralId }[] }>(
    `
    select referral.id
    from referrals as referral
    where referral.affiliate_id = :affiliateId and referral.status = 'pending'
    union
    select commission.referral_id
    from commissions as commission
    where commission.affiliate_id = :affiliateId and commission.status = any(:statuses)
      and commission.referral_id is not null
    order by 1`,
    { affiliateId, statuses: [...statuses] },
  );
  return rows.map((row) => row.id);
}
