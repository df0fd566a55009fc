import { lockCommissionsOfSale } from '../../db/earning/commission.js';
import { lockSale } from '../../db/earning/sale.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { type Decided, type Refused, refused } from '../../domain/decided.js';
import type { Referral } from '../../domain/earning/referral.js';
import { decideRerun, isSuperseded } from '../../domain/earning/sale.js';
import { accrueSale } from './commission.js';
import { noApprover } from './decisionRights.js';
import { decideWithRaises } from './raiseDecision.js';

/**
 * Judges a sale once more (COM-07, BEY-13): its rejected commissions come back as pending, the same records; one that earned nothing is judged
 * anew, with its own time and the terms of that time. Codes: resource.not_found, sale.transition_not_allowed (given back, or it stands
 * already), commission.commission_paid. The caller holds the referral's lock.
 */
export async function rerunSale(tx: Tx, act: Act, referral: Referral, saleId: string): Promise<Decided> {
  const sale = await lockSale(tx, saleId);
  if (sale === undefined || sale.referralId !== referral.id) return refused('resource.not_found');
  const lines = (await lockCommissionsOfSale(tx, sale.id)).filter(
    (line) => line.kind === 'earned' && !isSuperseded(line, sale),
  );
  const decided = decideRerun(sale, referral.status, lines);
  if (decided.kind !== 'accepted') return decided;
  // Of two levels one may be gone for good (a flat amount that any refund takes): the other comes back all the same.
  const refusals: Refused[] = [];
  const rejected = lines.filter((line) => line.status === 'rejected');
  for (const line of rejected) {
    const refusal = await decideWithRaises(tx, act, referral, line, 'reinstate', noApprover);
    if (refusal !== undefined) refusals.push(refusal);
  }
  const [refusal] = refusals;
  if (refusal !== undefined && refusals.length === rejected.length) return refusal;
  if (lines.length === 0) await accrueSale(tx, act, referral, { ...sale, processedAt: null }, act.cause);
  return decided;
}
