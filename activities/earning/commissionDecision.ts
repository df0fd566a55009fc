import { listChecks } from '../../db/earning/check.js';
import {
  findAffiliateStatuses,
  findLastRejection,
  findLivePayouts,
  findRaisedLines,
  updateCommission,
} from '../../db/earning/commission.js';
import { findSale, listSalesInReview } from '../../db/earning/sale.js';
import type { Tx } from '../../db/transaction.js';
import { findCaseHolding } from '../../db/tracking/riskCase.js';
import { type Act, actFor, systemActor } from '../../domain/act.js';
import type { AffiliateStatus } from '../../domain/affiliate/affiliate.js';
import { type Refused, refused } from '../../domain/decided.js';
import { heldByCase } from '../../domain/earning/caseHold.js';
import { disputeHold } from '../../domain/earning/dispute.js';
import {
  type ApprovalContext,
  type Commission,
  commissionActions,
  decideApproval,
  decideMove,
  isRaiseByHand,
  lostInAll,
} from '../../domain/earning/commission.js';
import type { Referral } from '../../domain/earning/referral.js';
import { isSuperseded } from '../../domain/earning/sale.js';
import { judgeEntry, type LineApprover } from './decisionRights.js';
import { approveLines, keepFromPayouts, reinstateLine, takeOff, withdrawApproval } from './ledger.js';
import { takenBackOf } from './refund.js';

/** What stands around lines when they are judged: referral, its checks, sales in review, affiliates. */
export async function contextOf(
  tx: Tx,
  act: Act,
  referral: Referral | null,
  lines: readonly Commission[],
): Promise<(line: Commission) => ApprovalContext> {
  // A raise is of the sale of the line that it raised.
  const raised = await findRaisedLines(
    tx,
    lines.filter(isRaiseByHand).map((line) => line.id),
  );
  const salesOf = (line: Commission): readonly string[] => salesBehind(raised.get(line.id) ?? line);
  const [statuses, inReview, checks] = await Promise.all([
    findAffiliateStatuses(tx, [...new Set(lines.map((line) => line.affiliateId))]),
    listSalesInReview(tx, lines.flatMap(salesOf)),
    referral === null || referral.status === 'approved' ? [] : listChecks(tx, referral.id),
  ]);
  const hasOpenCheck = checks.some((check) => check.required && check.status === 'waiting');
  return (line) => ({
    now: act.now,
    referralStatus: referral?.status ?? null,
    hasOpenCheck,
    isSaleInReview: salesOf(line).some((saleId) => inReview.has(saleId)),
    affiliateStatus: (statuses.get(line.affiliateId) ?? 'terminated') as AffiliateStatus,
  });
}

/** The sale that a line is of, and the one that raised it. */
function salesBehind(line: Commission): readonly string[] {
  return [...(line.saleId === null ? [] : [line.saleId]), ...(line.causeType === 'sale' ? [line.causeId] : [])];
}

/** What refunds and a lost dispute have taken of a line, in all; of one that another amount of its sale has replaced, everything. */
export async function lostToRefunds(tx: Tx, line: Commission): Promise<bigint> {
  const raised = isRaiseByHand(line) ? (await findRaisedLines(tx, [line.id])).get(line.id) : undefined;
  const { saleId, parts } = raised ?? line;
  const sale = saleId === null ? undefined : await findSale(tx, saleId);
  if (sale === undefined) return 0n;
  if (isSuperseded(line, sale)) return line.amount;
  return lostInAll({ ...line, parts }, await takenBackOf(tx, sale), sale.captured);
}

/** Its sale was confirmed with another amount (TRK-19): what that earns has lines of its own, and this one never comes back. */
async function isReplaced(tx: Tx, line: Commission): Promise<boolean> {
  if (line.status !== 'rejected') return false;
  const sale = line.saleId === null ? undefined : await findSale(tx, line.saleId);
  const isFormer = sale !== undefined && isSuperseded(line, sale);
  return isFormer || (await findLastRejection(tx, line.id)) === 'sale_corrected';
}

/** The case whose opening or end a decision is part of; null: one of its own. Only the steps of cases write it. */
export function caseOf(decision: { readonly params: Readonly<Record<string, unknown>> }): string | null {
  const named = decision.params['caseId'];
  return typeof named === 'string' ? named : null;
}

/** Why a rejected line cannot come back: it is not rejected, was given back, or another amount of its sale stands in its place (COM-07). */
export async function refuseReinstatement(tx: Tx, line: Commission): Promise<Refused | undefined> {
  if (await isReplaced(tx, line))
    return refused('commission.transition_not_allowed', { currentStatus: line.status, reasonCode: 'sale_corrected' });
  const isSaleRefunded = line.accrues && (await lostToRefunds(tx, line)) >= line.amount;
  const decided = decideMove(line, 'reinstated', { livePayoutId: null, isSaleRefunded });
  return decided.kind === 'refused' ? decided : undefined;
}

/**
 * Judges one wish on one locked line and does it. Undefined: done; else why not, and nothing is written. `ofCase`: a risk case puts it on hold,
 * which takes it out of a payout that is not out yet, or found that it was fraud (FRD-09).
 */
export async function decideLine(
  tx: Tx,
  act: Act,
  referral: Referral | null,
  line: Commission,
  verb: string,
  by: LineApprover,
  ofCase: string | null = null,
): Promise<Refused | undefined> {
  const caseId = verb === 'hold' ? undefined : await findCaseHolding(tx, [line.id]);
  if (caseId !== undefined) return heldByCase(caseId);
  if (verb === 'hold' && ofCase !== null) await keepFromPayouts(tx, act, [line]);
  const livePayoutId = (await findLivePayouts(tx, [line.id])).get(line.id)?.payoutId ?? null;
  switch (verb) {
    case 'approve': {
      const context = await contextOf(tx, act, referral, [line]);
      const decided = decideApproval(line, context(line));
      if (decided.kind === 'refused') return decided;
      const eyes = await judgeEntry(tx, act.mode, line, by);
      if (!eyes.ok) return eyes.refusal;
      const { secondPerson } = eyes;
      await approveLines(tx, act, [line], secondPerson === 'single_person' ? { secondPerson } : {});
      return undefined;
    }
    case 'reject': {
      // Fraud takes an approved line too: it is reversed, or clawed back where the money is out (features.md 2.3).
      const isFraud = ofCase !== null && line.status === 'approved';
      const decided = isFraud ? undefined : decideMove(line, 'rejected', { livePayoutId, isSaleRefunded: false });
      if (decided?.kind === 'refused') return decided;
      await takeOff(tx, act, [line], {
        wanted: () => line.amount,
        reasonCode: act.reasonCode ?? 'staff_decision',
        effectiveAt: null,
        includesCharges: true,
      });
      return undefined;
    }
    case 'reinstate': {
      const refusal = await refuseReinstatement(tx, line);
      if (refusal !== undefined) return refusal;
      await reinstateLine(tx, act, line, await lostToRefunds(tx, line));
      return undefined;
    }
    case 'withdrawApproval': {
      const decided = decideMove(line, 'approvalWithdrawn', { livePayoutId, isSaleRefunded: false });
      if (decided.kind === 'refused') return decided;
      await withdrawApproval(tx, act, line);
      return undefined;
    }
    case 'hold':
      return flagHold(tx, act, line, true, livePayoutId);
    case 'release':
      if (await isDisputed(tx, line)) return ofCase === null ? heldByDispute : keepForDispute(tx, act, line);
      return flagHold(tx, act, line, false, livePayoutId);
    default:
      return { kind: 'refused', code: 'decision.malformed', params: { verb } };
  }
}

/** The customer's bank has not decided yet: until it has, nobody frees the money (BEY-26). */
const heldByDispute = refused('commission.commission_blocked', {
  blockers: [{ code: 'on_hold', detail: 'A chargeback of the sale is open.', until: null }],
});

/** A chargeback of its sale is open; of a raise, that of the line that it raised. */
export async function isDisputed(tx: Tx, line: Commission): Promise<boolean> {
  const raised = isRaiseByHand(line) ? (await findRaisedLines(tx, [line.id])).get(line.id) : undefined;
  const { saleId } = raised ?? line;
  const sale = saleId === null ? undefined : await findSale(tx, saleId);
  return sale?.status === 'disputed';
}

/** The case is over, the chargeback is not: the hold is the chargeback's from now on, and ends with it. */
export async function keepForDispute(tx: Tx, act: Act, line: Commission): Promise<undefined> {
  const mine = actFor(act, { actor: systemActor, cause: null });
  if (line.onHold) await updateCommission(tx, mine, line, { onHold: true }, 'held', disputeHold);
  return undefined;
}

async function flagHold(
  tx: Tx,
  act: Act,
  line: Commission,
  onHold: boolean,
  livePayoutId: string | null,
): Promise<Refused | undefined> {
  const params = { currentStatus: line.status, allowedActions: commissionActions(line, []) };
  if (line.status === 'paid') return { kind: 'refused', code: 'commission.commission_paid', params };
  if (line.status !== 'pending' && line.status !== 'approved')
    return { kind: 'refused', code: 'commission.transition_not_allowed', params };
  if (line.onHold === onHold) return { kind: 'refused', code: 'commission.already_decided', params };
  if (onHold && livePayoutId !== null)
    return { kind: 'refused', code: 'commission.in_open_payout', params: { payoutId: livePayoutId } };
  await updateCommission(tx, act, line, { onHold }, onHold ? 'held' : 'released');
  return undefined;
}
