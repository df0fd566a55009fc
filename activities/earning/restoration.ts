import { insertCommissions, lockCommissionsOfReferral, sumTakenFor } from '../../db/earning/commission.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { decideRestoration } from '../../domain/earning/commission.js';
import type { Referral } from '../../domain/earning/referral.js';
import { adjustmentLine } from './adjustment.js';
import { lostToRefunds } from './commissionDecision.js';
import { postAccruals } from './ledger.js';

/**
 * The referral is approved again: what its rejection reversed or clawed back, and no refund has taken since, comes back as `adjustment` lines
 * that name their origin (features.md 2.3). They wait as the origin did. What was pending came back at the reopening. The caller holds the
 * referral's lock.
 */
export async function restoreReversedOf(tx: Tx, act: Act, referral: Referral): Promise<void> {
  const lines = await lockCommissionsOfReferral(tx, referral.id);
  const taken = await sumTakenFor(
    tx,
    lines.filter((line) => line.reversed > 0n || line.clawedBack > 0n).map((line) => line.id),
    'referral_rejected',
  );
  const back = [];
  for (const line of lines) {
    const takenOff = taken.get(line.id) ?? 0n;
    if (takenOff <= 0n) continue;
    const due = decideRestoration(line, lines, takenOff, await lostToRefunds(tx, line));
    if (due <= 0n) continue;
    const adjustment = adjustmentLine(act, line, due, {
      reason: 'Referral approved again.',
      eligibleAt: line.eligibleAt,
      saleId: line.saleId,
    });
    back.push({ ...adjustment, leadId: line.leadId, causeId: line.id, createdBy: null });
  }
  await postAccruals(tx, act, await insertCommissions(tx, act, back), null);
}
