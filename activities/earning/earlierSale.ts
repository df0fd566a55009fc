import { listSalesWithoutJourney } from '../../db/earning/earlierSale.js';
import { lockSale, updateSale } from '../../db/earning/sale.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import type { Referral } from '../../domain/earning/referral.js';
import type { ContactId } from '../../domain/ids.js';

/**
 * A payment may be told of before the form whose click it came by: then nobody was credited for it. It is a fact of this referral now, and is
 * judged by what counted at its own time (TRK-26). The caller holds contact and referral and looks for open facts afterwards.
 */
export async function takeUpEarlierSales(tx: Tx, act: Act, contactId: ContactId, referral: Referral): Promise<void> {
  const { mode, programId, id: referralId } = referral;
  for (const id of await listSalesWithoutJourney(tx, { mode, contactId, referralId, programId })) {
    const sale = await lockSale(tx, id);
    if (sale === undefined || sale.referralId !== null) continue;
    await updateSale(tx, act, sale, 'tied', {
      referralId,
      programId,
      attributionCode: null,
      noCommissionCode: null,
      processedAt: null,
      outcome: null,
    });
  }
}
