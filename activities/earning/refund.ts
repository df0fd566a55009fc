import { lockCommissionsOfSale } from '../../db/earning/commission.js';
import { updateRefund } from '../../db/earning/refund.js';
import { updateSale } from '../../db/earning/sale.js';
import { findLostAmount } from '../../db/earning/dispute.js';
import type { ReadTx, Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { lossesOf } from '../../domain/earning/commission.js';
import type { Refund } from '../../domain/earning/refund.js';
import { decideRefund, type Sale, takenBack } from '../../domain/earning/sale.js';
import { takeOff } from './ledger.js';

/** What a customer has back of a sale in all, in minor units: refunds, and what a lost chargeback was about. Never more than the sale. */
export async function takenBackOf(
  tx: ReadTx | Tx,
  sale: Pick<Sale, 'id' | 'status' | 'refunded' | 'captured'>,
): Promise<bigint> {
  return sale.status === 'charged_back' ? takenBack(sale, await findLostAmount(tx, sale.id)) : sale.refunded;
}

/**
 * Applies one refund: the sale counts it, never beyond its rest, and every line of it loses its share, on every level and on the same
 * people (money.md 2.4, ruling 60). The caller holds the locks of referral (if any), sale and refund.
 */
export async function applyRefund(tx: Tx, act: Act, sale: Sale, refund: Refund): Promise<void> {
  if (refund.processedAt !== null) return;
  const mine = actFor(act, { cause: { type: 'refund', id: refund.id }, reasonCode: 'refunded' });
  const { applied, flag, event } = decideRefund(sale, refund.amount);
  const refunded = sale.refunded + applied;
  if (applied > 0n) await updateSale(tx, mine, sale, event ?? 'processed', { refunded });
  await updateRefund(tx, mine, refund, 'applied', { applied, flag });
  const lines = await lockCommissionsOfSale(tx, sale.id);
  const losses = lossesOf(lines, await takenBackOf(tx, { ...sale, refunded }), sale.captured);
  await takeOff(
    tx,
    mine,
    lines.filter((line) => line.amount > 0n),
    {
      wanted: (line) => losses.get(line.id) ?? 0n,
      reasonCode: 'refunded',
      effectiveAt: refund.occurredAt,
      keyOf: (line) => `refund/${refund.id}/${line.id}`,
    },
  );
}
