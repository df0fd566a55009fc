import type { AffiliateId } from '../../../domain/ids.js';
import type { PayoutMethod } from '../../../domain/payout/payoutMethod.js';
import { payoutMethodColumns, type PayoutMethodRow, toPayoutMethod } from '../../payout/payoutMethod.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

// How is this affiliate paid, and how was it? Removed methods have left the list.
export async function listPayoutMethods(
  tx: ReadTx,
  affiliateId: AffiliateId,
  page: Page,
): Promise<readonly PayoutMethod[]> {
  const query = tx('payout_methods')
    .where({ affiliate_id: affiliateId })
    .whereNot({ status: 'removed' })
    .select<PayoutMethodRow[]>(...payoutMethodColumns);
  const rows = await keyset(query, page, { createdAt: 'created_at' });
  return rows.map(toPayoutMethod);
}
