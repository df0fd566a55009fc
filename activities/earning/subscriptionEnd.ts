import { lockCommissionsOfSale, lockRaisesCausedBy } from '../../db/earning/commission.js';
import { updateSale } from '../../db/earning/sale.js';
import { findSubscriptionEnd } from '../../db/earning/subscriptionEnd.js';
import type { ReadTx, Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { isPaidAfterEnd, type Sale } from '../../domain/earning/sale.js';
import { takeOff } from './ledger.js';

/** Why a payment after the end of its subscription earns nothing. */
export const subscriptionEnded = 'subscription_cancelled';

/** Was this payment made after its subscription had been cancelled (COM-16)? At the same moment it still counts. */
export async function isAfterEnd(
  tx: ReadTx | Tx,
  sale: Pick<Sale, 'mode' | 'source' | 'subscriptionExternalId' | 'occurredAt'>,
): Promise<boolean> {
  const { mode, source, subscriptionExternalId, occurredAt } = sale;
  if (subscriptionExternalId === null) return false;
  return isPaidAfterEnd(occurredAt, await findSubscriptionEnd(tx, { mode, source, subscriptionExternalId }));
}

/**
 * A payment that had earned before anybody said that its subscription was cancelled: all of it goes, each line by where its money is, and what it
 * had raised of others (RUL-16). False: it had earned nothing yet, and is judged as any other. Safe to repeat. The caller holds the locks.
 */
export async function takeOffAfterEnd(tx: Tx, act: Act, sale: Sale): Promise<boolean> {
  const lines = await lockCommissionsOfSale(tx, sale.id);
  if (lines.length === 0) return false;
  const raises = await lockRaisesCausedBy(tx, {
    saleId: sale.id,
    affiliateIds: lines.map((line) => line.affiliateId),
  });
  // No cause: the sale itself has had its effect, and an effect has its cause once (money.md 8).
  const mine = actFor(act, { cause: null, reasonCode: subscriptionEnded });
  await takeOff(tx, mine, [...lines, ...raises], {
    wanted: (line) => (line.amount > 0n ? line.amount : 0n),
    reasonCode: subscriptionEnded,
    effectiveAt: null,
    includesCharges: true,
  });
  await updateSale(tx, mine, sale, 'processed', {
    processedAt: act.now,
    outcome: subscriptionEnded,
    noCommissionCode: subscriptionEnded,
  });
  return true;
}
