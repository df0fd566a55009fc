import { findCausedAlike, findLivePayouts, lockRaisesBelow, updateCommission } from '../../db/earning/commission.js';
import { findCaseHolding } from '../../db/tracking/riskCase.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { type Refused, refused } from '../../domain/decided.js';
import { heldByCase } from '../../domain/earning/caseHold.js';
import type { Commission } from '../../domain/earning/commission.js';
import type { Referral } from '../../domain/earning/referral.js';
import { decideLine, isDisputed, keepForDispute, lostToRefunds, refuseReinstatement } from './commissionDecision.js';
import type { LineApprover } from './decisionRights.js';
import { keepFromPayouts, reinstateLine, takeOff, withdrawApproval } from './ledger.js';

// Staff raise a line by an entry beside it, and see one amount (COM-08): what a person then says of the line is said of the whole amount
// (docs/decisions/1021).

/** Judges one wish on a locked line and does it, and to what staff had raised the line by. Undefined: done; else why not, and nothing is written. */
export async function decideWithRaises(
  tx: Tx,
  act: Act,
  referral: Referral | null,
  line: Commission,
  verb: string,
  by: LineApprover,
  ofCase: string | null = null,
): Promise<Refused | undefined> {
  // Each entry is approved by itself: it has its own hold and its own reviewer.
  if (verb === 'approve' || verb === 'withdrawApproval') return decideLine(tx, act, referral, line, verb, by, ofCase);
  const raises = await lockRaisesBelow(tx, line.id);
  if (raises.length === 0) return decideLine(tx, act, referral, line, verb, by, ofCase);
  if (verb === 'reject' && line.status === 'pending') {
    const refusal = await refuseTakingBack(tx, raises, ofCase);
    if (refusal !== undefined) return refusal;
  }
  const refusal = await decideLine(tx, act, referral, line, verb, by, ofCase);
  if (refusal !== undefined) return refusal;
  if (verb === 'reject') await rejectRaises(tx, act, raises, ofCase);
  else if (verb === 'hold') await holdRaises(tx, act, raises, ofCase);
  else if (verb === 'release') await releaseRaises(tx, act, line, raises, ofCase);
  else if (verb === 'reinstate') await reinstateRaises(tx, act, line, raises);
  return undefined;
}

/** What cannot go now keeps its line: a raise that a case holds, or in a payout, which a person cancels first. A case of fraud takes both. */
async function refuseTakingBack(
  tx: Tx,
  raises: readonly Commission[],
  ofCase: string | null,
): Promise<Refused | undefined> {
  if (ofCase !== null) return undefined;
  const ids = raises.filter((raise) => raise.status === 'pending' || raise.status === 'approved').map(({ id }) => id);
  const caseId = await findCaseHolding(tx, ids);
  if (caseId !== undefined) return heldByCase(caseId);
  const [payout] = (await findLivePayouts(tx, ids)).values();
  return payout === undefined ? undefined : refused('commission.in_open_payout', { payoutId: payout.payoutId });
}

/** What was paid stays, as it stays after a cut (COM-08); for fraud it is clawed back. */
async function rejectRaises(tx: Tx, act: Act, raises: readonly Commission[], ofCase: string | null): Promise<void> {
  const going: Commission[] = [];
  for (const raise of raises) {
    if (ofCase !== null || raise.status === 'pending') going.push(raise);
    else if (raise.status === 'approved') going.push(await withdrawApproval(tx, act, raise));
  }
  await takeOff(tx, act, going, {
    wanted: (raise) => raise.amount,
    reasonCode: act.reasonCode ?? 'staff_decision',
    effectiveAt: null,
  });
}

async function holdRaises(tx: Tx, act: Act, raises: readonly Commission[], ofCase: string | null): Promise<void> {
  const open = raises.filter((raise) => (raise.status === 'pending' || raise.status === 'approved') && !raise.onHold);
  if (ofCase !== null) await keepFromPayouts(tx, act, open);
  const live = await findLivePayouts(
    tx,
    open.map((raise) => raise.id),
  );
  for (const raise of open) if (!live.has(raise.id)) await updateCommission(tx, act, raise, { onHold: true }, 'held');
}

/** Those that were held together with the line; another case, or a chargeback, keeps its hold. */
async function releaseRaises(
  tx: Tx,
  act: Act,
  line: Commission,
  raises: readonly Commission[],
  ofCase: string | null,
): Promise<void> {
  const alike = await findCausedAlike(tx, { event: 'held', lineId: line.id, ids: raises.map((raise) => raise.id) });
  for (const raise of raises) {
    if (!raise.onHold || !alike.has(raise.id)) continue;
    if (ofCase === null && (await findCaseHolding(tx, [raise.id])) !== undefined) continue;
    if (await isDisputed(tx, raise)) await keepForDispute(tx, act, raise);
    else await updateCommission(tx, act, raise, { onHold: false }, 'released');
  }
}

/** Those that were rejected together with the line, with what refunds leave of each. */
async function reinstateRaises(tx: Tx, act: Act, line: Commission, raises: readonly Commission[]): Promise<void> {
  const alike = await findCausedAlike(tx, { event: 'rejected', lineId: line.id, ids: raises.map((raise) => raise.id) });
  for (const raise of raises) {
    if (raise.status !== 'rejected' || !alike.has(raise.id)) continue;
    if ((await refuseReinstatement(tx, raise)) === undefined)
      await reinstateLine(tx, act, raise, await lostToRefunds(tx, raise));
  }
}
