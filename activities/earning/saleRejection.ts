import { findLivePayouts, lockCommissionsOfSale } from '../../db/earning/commission.js';
import { lockSale } from '../../db/earning/sale.js';
import type { Tx } from '../../db/transaction.js';
import { findCaseHolding } from '../../db/tracking/riskCase.js';
import type { Act } from '../../domain/act.js';
import { type Decided, refused } from '../../domain/decided.js';
import { heldByCase } from '../../domain/earning/caseHold.js';
import type { Commission } from '../../domain/earning/commission.js';
import type { Referral } from '../../domain/earning/referral.js';
import { decideSaleRejection } from '../../domain/earning/sale.js';
import { takeOff, withdrawApproval } from './ledger.js';

/**
 * Rejects what a sale earned, on every level, or nothing of it (COM-15): an approval is taken back first, as staff would (features.md 2.3). The same
 * records come back when the sale is judged again (COM-07). Codes: resource.not_found, sale.transition_not_allowed, sale.already_decided,
 * commission.commission_paid, commission.in_open_payout, commission.commission_blocked. The caller holds the referral's lock.
 */
export async function rejectSale(tx: Tx, act: Act, referral: Referral, saleId: string): Promise<Decided> {
  const sale = await lockSale(tx, saleId);
  if (sale === undefined || sale.referralId !== referral.id) return refused('resource.not_found');
  const lines = (await lockCommissionsOfSale(tx, sale.id)).filter((line) => line.kind !== 'clawback');
  const ids = lines.map((line) => line.id);
  const caseId = await findCaseHolding(tx, ids);
  if (caseId !== undefined) return heldByCase(caseId);
  const live = await findLivePayouts(tx, ids);
  const decided = decideSaleRejection(
    sale,
    lines.map((line) => ({ status: line.status, livePayoutId: live.get(line.id)?.payoutId ?? null })),
  );
  if (decided.kind !== 'accepted') return decided;
  const pending: Commission[] = [];
  for (const line of lines) {
    if (line.status === 'approved') pending.push(await withdrawApproval(tx, act, line));
    else if (line.status === 'pending') pending.push(line);
  }
  await takeOff(tx, act, pending, {
    wanted: (line) => (line.amount > 0n ? line.amount : 0n),
    reasonCode: act.reasonCode ?? 'staff_decision',
    effectiveAt: null,
    includesCharges: true,
  });
  return decided;
}
