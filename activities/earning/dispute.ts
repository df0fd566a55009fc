import { insertCommissions, lockCommissionsOfSale, updateCommission } from '../../db/earning/commission.js';
import { markDisputeProcessed } from '../../db/earning/dispute.js';
import { updateSale } from '../../db/earning/sale.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { type Commission, isTopUp, lostInAll } from '../../domain/earning/commission.js';
import type { Dispute } from '../../domain/earning/dispute.js';
import { disputeEvent, isSuperseded, type Sale } from '../../domain/earning/sale.js';
import { adjustmentLine } from './adjustment.js';
import { postAccruals, takeOff } from './ledger.js';

/**
 * One step of a chargeback (BEY-26): opened holds the sale's unpaid lines; lost takes everything that is left, as a refund would; won lifts
 * the hold, and what an earlier loss had taken comes back as an adjustment that names its line. The caller holds the locks.
 */
export async function applyDisputeStep(tx: Tx, act: Act, sale: Sale, dispute: Dispute): Promise<void> {
  const mine = actFor(act, { cause: { type: 'dispute', id: dispute.id }, reasonCode: 'charged_back' });
  const event = disputeEvent(sale, dispute.step);
  if (event === undefined) return markDisputeProcessed(tx, mine, dispute, 'no_effect');
  await updateSale(tx, mine, sale, event, {});
  await markDisputeProcessed(tx, mine, dispute, 'applied');
  const lines = (await lockCommissionsOfSale(tx, sale.id)).filter((line) => line.amount > 0n);
  switch (dispute.step) {
    case 'opened':
      return setHold(tx, mine, lines, true);
    case 'lost':
      await takeOff(tx, mine, lines, {
        wanted: (line) => line.amount,
        reasonCode: 'charged_back',
        effectiveAt: dispute.occurredAt,
      });
      return;
    case 'won':
      await setHold(tx, mine, lines, false);
      return restore(tx, mine, sale, lines);
    default:
      return dispute.step satisfies never;
  }
}

export async function setHold(tx: Tx, act: Act, lines: readonly Commission[], onHold: boolean): Promise<void> {
  for (const line of lines) {
    const isOpen = line.status === 'pending' || line.status === 'approved';
    if (isOpen && line.onHold !== onHold)
      await updateCommission(tx, act, line, { onHold }, onHold ? 'held' : 'released');
  }
}

/** What a lost dispute took and is due after all: lines reversed or clawed back beyond their refunds. */
async function restore(tx: Tx, act: Act, sale: Sale, lines: readonly Commission[]): Promise<void> {
  // All that stands for a line counts, its restoring entries of before too: won a second time, nothing comes back twice.
  const owed = lines.filter((line) => (line.kind === 'earned' && !isSuperseded(line, sale)) || isTopUp(line));
  const due = owed.flatMap((line) => {
    const standing = lines
      .filter((one) => one.id === line.id || (one.originCommissionId === line.id && !isTopUp(one)))
      .reduce((total, one) => total + one.amount - one.reversed - one.clawedBack, 0n);
    const missing = line.amount - lostInAll(line, sale.refunded, sale.captured) - standing;
    const wasLostToRejection =
      line.status === 'rejected' && sale.refunded === 0n && line.clawedBack === 0n && !line.onHold;
    return missing > 0n && !wasLostToRejection ? [{ line, missing }] : [];
  });
  const inserted = await insertCommissions(
    tx,
    act,
    due.map(({ line, missing }) =>
      adjustmentLine(act, line, missing, { reason: 'Dispute won.', eligibleAt: act.now, saleId: sale.id }),
    ),
  );
  await postAccruals(tx, act, inserted, null);
}
