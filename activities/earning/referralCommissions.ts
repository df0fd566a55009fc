import type { DecisionRecord } from '../../db/audit/decision.js';
import {
  findLastRejection,
  lockCommissions,
  lockCommissionsOfReferral,
  updateCommission,
} from '../../db/earning/commission.js';
import type { Tx } from '../../db/transaction.js';
import { addToCase, findCaseHolding } from '../../db/tracking/riskCase.js';
import { type Act, actFor } from '../../domain/act.js';
import { type Decided, refused } from '../../domain/decided.js';
import { type Commission, decideApproval } from '../../domain/earning/commission.js';
import type { Referral } from '../../domain/earning/referral.js';
import { approveLines, reinstateLine, takeOff } from './ledger.js';
import { caseOf, contextOf, lostToRefunds } from './commissionDecision.js';
import { approverIn } from './decisionRights.js';
import { decideWithRaises } from './raiseDecision.js';
import { endLinesOf } from './termination.js';

// What is done with the commissions of a referral once they stand: approved when due, rejected and given back with it, decided one by one.

/**
 * Approves what approves itself: holds that ended, of an approved referral and affiliate, nothing in the way. Lines that wait for a person
 * stay. The caller has locked the referral. Answers the lines that were approved.
 */
export async function approveDue(tx: Tx, act: Act, referral: Referral): Promise<readonly Commission[]> {
  if (referral.status !== 'approved') return [];
  await endLinesOf(tx, act, referral.id); // a terminated affiliate's approve no more
  const lines = await lockCommissionsOfReferral(tx, referral.id);
  const waiting = lines.filter((line) => line.status === 'pending' && !line.needsReviewer);
  const context = await contextOf(tx, act, referral, waiting);
  const due = waiting.filter((line) => decideApproval(line, context(line)).kind === 'accepted');
  return approveLines(tx, act, await withoutHeld(tx, act, due));
}

/** What came of a referral while a case looks at it (a renewal) goes on hold instead of being approved, and is the case's (FRD-09). */
async function withoutHeld(tx: Tx, act: Act, due: readonly Commission[]): Promise<readonly Commission[]> {
  const ids = due.map((line) => line.id);
  if ((await findCaseHolding(tx, ids)) === undefined) return due; // as almost always: one query
  const free: Commission[] = [];
  for (const line of due) {
    const caseId = await findCaseHolding(tx, [line.id]);
    const byCase = actFor(act, { cause: caseId === undefined ? null : { type: 'risk_case', id: caseId } });
    if (caseId === undefined || !(await addToCase(tx, byCase, caseId, [line.id]))) free.push(line);
    else await updateCommission(tx, byCase, line, { onHold: true }, 'held', 'fraud');
  }
  return free;
}

/** The referral is rejected: everything of it that can go goes, what was sent is clawed back (features.md 2.3). */
export async function rejectAllOf(tx: Tx, act: Act, referral: Referral): Promise<readonly Commission[]> {
  const lines = await lockCommissionsOfReferral(tx, referral.id);
  return takeOff(
    tx,
    act,
    lines.filter((line) => line.kind !== 'clawback'),
    {
      wanted: (line) => (line.amount > 0n ? line.amount : 0n),
      reasonCode: 'referral_rejected',
      effectiveAt: null,
      includesCharges: true,
    },
  );
}

/** The referral is open again: what its rejection took from pending lines comes back as pending, but for what was refunded since. */
export async function reinstateAllOf(tx: Tx, act: Act, referral: Referral): Promise<readonly Commission[]> {
  const lines = await lockCommissionsOfReferral(tx, referral.id);
  const back: Commission[] = [];
  for (const line of lines) {
    if (line.status !== 'rejected' || (await findLastRejection(tx, line.id)) !== 'referral_rejected') continue;
    const lost = await lostToRefunds(tx, line);
    if (line.accrues && lost >= line.amount) continue;
    back.push(await reinstateLine(tx, act, line, lost));
  }
  return back;
}

/**
 * One person's decision on one commission: approve, reject, hold, release, reinstate, withdrawApproval. `params.commissionId` names it, or
 * the decision's object does. `referral` null: an entry without one. Writes nothing when refused; the caller settles the decision and
 * says who decided before.
 * Codes: commission.commission_blocked, already_decided, transition_not_allowed, commission_paid, in_open_payout, resource.not_found,
 * access.own_work, access.step_up_required.
 */
export async function decideCommission(
  tx: Tx,
  act: Act,
  referral: Referral | null,
  decision: Pick<
    DecisionRecord,
    'id' | 'verb' | 'objectType' | 'objectId' | 'params' | 'reasonCode' | 'actor' | 'steppedUp'
  >,
): Promise<Decided> {
  const named = decision.params['commissionId'];
  const id = typeof named === 'string' ? named : decision.objectType.startsWith('commission') ? decision.objectId : '';
  if (referral !== null) await endLinesOf(tx, act, referral.id);
  const [line] = await lockCommissions(tx, id === '' ? [] : [id]);
  if (line === undefined || line.referralId !== (referral?.id ?? null) || line.mode !== act.mode)
    return refused('resource.not_found');
  const mine = actFor(act, { reasonCode: decision.reasonCode });
  const refusal = await decideWithRaises(
    tx,
    mine,
    referral,
    line,
    decision.verb,
    approverIn(decision),
    caseOf(decision),
  );
  return refusal ?? { kind: 'accepted', event: decision.verb };
}
