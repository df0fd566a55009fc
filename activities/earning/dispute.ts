import {
  findHeldByDispute,
  insertCommissions,
  lockCommissionsOfSale,
  sumTakenFor,
  updateCommission,
} from '../../db/earning/commission.js';
import { markDisputeProcessed } from '../../db/earning/dispute.js';
import { updateSale } from '../../db/earning/sale.js';
import { findCaseHolding } from '../../db/tracking/riskCase.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import {
  type Commission,
  decideRestoration,
  isRaiseByHand,
  isTopUp,
  lossesOf,
  lostInAll,
} from '../../domain/earning/commission.js';
import type { Dispute } from '../../domain/earning/dispute.js';
import { disputeEvent, isSuperseded, type Sale } from '../../domain/earning/sale.js';
import { adjustmentLine } from './adjustment.js';
import { keepFromPayouts, postAccruals, takeOff } from './ledger.js';
import { takenBackOf } from './refund.js';

/**
 * One step of a chargeback (BEY-26): opened holds the sale's unpaid lines, also those that wait in a payout; lost takes what the customer took
 * back, as a refund would; won lifts the hold, and what an earlier loss had taken comes back as an adjustment that names its line. What a person
 * or a case holds stays held. The caller holds the locks.
 */
export async function applyDisputeStep(tx: Tx, act: Act, sale: Sale, dispute: Dispute): Promise<void> {
  const mine = actFor(act, { cause: { type: 'dispute', id: dispute.id }, reasonCode: 'charged_back' });
  const event = disputeEvent(sale, dispute.step);
  if (event === undefined) return markDisputeProcessed(tx, mine, dispute, 'no_effect');
  const moved = await updateSale(tx, mine, sale, event, {});
  await markDisputeProcessed(tx, mine, dispute, 'applied');
  const lines = (await lockCommissionsOfSale(tx, sale.id)).filter((line) => line.amount > 0n);
  switch (dispute.step) {
    case 'opened':
      await keepFromPayouts(tx, mine, lines);
      return setHold(tx, mine, lines, true);
    case 'lost': {
      const losses = lossesOf(lines, await takenBackOf(tx, moved), sale.captured);
      await takeOff(tx, mine, lines, {
        wanted: (line) => losses.get(line.id) ?? 0n,
        reasonCode: 'charged_back',
        effectiveAt: dispute.occurredAt,
      });
      return;
    }
    case 'won':
      await liftHold(tx, mine, lines);
      await restore(tx, mine, sale, lines);
      // Given back in full while it was disputed: the table leads there by the state before.
      if (moved.status === 'part_refunded' && sale.refunded >= sale.captured)
        await updateSale(tx, mine, moved, 'refunded', {});
      return;
    default:
      return dispute.step satisfies never;
  }
}

/** Holds lines, or frees them; `reasonCode` is what their history says, by default that of the act. */
export async function setHold(
  tx: Tx,
  act: Act,
  lines: readonly Commission[],
  onHold: boolean,
  reasonCode: string | null = act.reasonCode,
): Promise<void> {
  for (const line of lines) {
    const isOpen = line.status === 'pending' || line.status === 'approved';
    if (isOpen && line.onHold !== onHold)
      await updateCommission(tx, act, line, { onHold }, onHold ? 'held' : 'released', reasonCode);
  }
}

async function liftHold(tx: Tx, act: Act, lines: readonly Commission[]): Promise<void> {
  const own = await findHeldByDispute(
    tx,
    lines.map((line) => line.id),
  );
  const free: Commission[] = [];
  for (const line of lines)
    if (own.has(line.id) && (await findCaseHolding(tx, [line.id])) === undefined) free.push(line);
  await setHold(tx, act, free, false);
}

/** What a lost dispute took and is due after all: as much as it took itself and has not come back, never what something else took. */
async function restore(tx: Tx, act: Act, sale: Sale, lines: readonly Commission[]): Promise<void> {
  // All that stands for a line counts, its restoring entries of before too: won a second time, nothing comes back twice.
  const owed = lines.filter(
    (line) => (line.kind === 'earned' && !isSuperseded(line, sale)) || isTopUp(line) || isRaiseByHand(line),
  );
  const taken = await sumTakenFor(
    tx,
    owed.map((line) => line.id),
    'charged_back',
    ['pending', 'approved', 'paid'],
  );
  const due = owed.flatMap((line) => {
    const lost = lostInAll(line, sale.refunded, sale.captured);
    const missing = decideRestoration(line, lines, taken.get(line.id) ?? 0n, lost);
    return missing > 0n ? [{ line, missing }] : [];
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
