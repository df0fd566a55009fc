import {
  findLivePayouts,
  findRaisedLines,
  insertCommissions,
  lockCommissions,
  lockEndedLines,
  listCommissions,
  lockRaises,
  readRaiseChain,
  type NewCommission,
} from '../../db/earning/commission.js';
import { lockReferral } from '../../db/earning/referral.js';
import { lockSale } from '../../db/earning/sale.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import type { Tx } from '../../db/transaction.js';
import { findCaseHolding } from '../../db/tracking/riskCase.js';
import { type Act, actFor } from '../../domain/act.js';
import type { Refused } from '../../domain/decided.js';
import { heldByCase } from '../../domain/earning/caseHold.js';
import {
  type Commission,
  eligibleFrom,
  isRaiseByHand,
  raisedAmount,
  standingAmount,
} from '../../domain/earning/commission.js';
import { DomainError } from '../../domain/errors.js';
import type { AffiliateId, ProgramId, SaleId } from '../../domain/ids.js';
import { formatMoney, type Money } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import { refuseReinstatement } from './commissionDecision.js';
import { isLargeEntry, type LineApprover, noApprover, refuseLargeEntry } from './decisionRights.js';
import { postAccruals, takeOff } from './ledger.js';
import { decideWithRaises } from './raiseDecision.js';
import { takenBackOf } from './refund.js';
import { endLines } from './termination.js';

/** A line that raises or restores another one and names it. It waits like any other. */
export function adjustmentLine(
  act: Act,
  line: Commission,
  amount: bigint,
  of: { readonly reason: string; readonly eligibleAt: Instant; readonly saleId: SaleId | null },
): NewCommission {
  const id = act.newId('commission');
  const text = formatMoney({ minor: amount, currency: line.currency });
  return {
    ...entry(act, {
      id,
      kind: 'adjustment',
      affiliateId: line.affiliateId,
      programId: line.programId,
      amount: { minor: amount, currency: line.currency },
      reason: of.reason,
      eligibleAt: of.eligibleAt,
    }),
    level: line.level,
    referralId: line.referralId,
    saleId: of.saleId,
    originCommissionId: line.id,
    explanation: { sentence: `${text.amount} ${text.currency} more for an earlier commission: ${of.reason}` },
    needsReviewer: line.needsReviewer,
    sub1: line.sub1,
  };
}

function entry(
  act: Act,
  of: {
    readonly id: NewCommission['id'];
    readonly kind: 'bonus' | 'adjustment';
    readonly affiliateId: AffiliateId;
    readonly programId: ProgramId;
    readonly amount: Money;
    readonly reason: string;
    readonly eligibleAt: Instant;
  },
): NewCommission {
  const text = formatMoney(of.amount);
  return {
    id: of.id,
    kind: of.kind,
    level: 1,
    affiliateId: of.affiliateId,
    programId: of.programId,
    referralId: null,
    saleId: null,
    leadId: null,
    originCommissionId: null,
    level1CommissionId: null,
    causeType: 'commission',
    causeId: of.id,
    currency: of.amount.currency,
    base: null,
    baseType: null,
    ratePpm: null,
    ruleId: null,
    ruleVersion: null,
    parts: [],
    explanation: { sentence: `A ${of.kind} of ${text.amount} ${text.currency}: ${of.reason}` },
    exact: { numerator: of.amount.minor, denominator: 1n },
    clipReason: null,
    amount: of.amount.minor,
    accrues: of.amount.minor > 0n,
    status: 'pending',
    onHold: false,
    // Nothing sequences an entry without a referral: a person approves it (COM-09).
    needsReviewer: true,
    sub1: null,
    reason: of.reason,
    createdBy: act.actor.userId,
    eligibleAt: of.eligibleAt,
    approvedAt: null,
  };
}

/** Books an entry without a sale: pending, from the program's hold unless it is skipped. A negative one posts nothing yet. */
export async function addEntry(
  tx: Tx,
  act: Act,
  wanted: {
    readonly kind: 'bonus' | 'adjustment';
    readonly affiliateId: AffiliateId;
    readonly programId: ProgramId;
    readonly amount: Money;
    readonly reason: string;
    readonly skipHold: boolean;
  },
): Promise<Commission> {
  const { commissionHold } = await readReferralTerms(tx, wanted.programId);
  const line = entry(act, {
    ...wanted,
    id: act.newId('commission'),
    eligibleAt: wanted.skipHold ? act.now : eligibleFrom(act.now, commissionHold),
  });
  const [inserted] = await insertCommissions(tx, act, [line]);
  if (inserted === undefined) throw new DomainError('resource.not_found');
  await postAccruals(tx, act, [inserted], null);
  return inserted;
}

/**
 * Sets the net of an unpaid line, with what it was raised by before: a cut takes it off the newest raise first and then off the line itself, a
 * raise adds a linked `adjustment` (COM-08). What a raise was paid, or has in a payout, stays. Codes:
 * commission.commission_paid, commission.commission_blocked (a case holds it), commission.in_open_payout, commission.transition_not_allowed.
 */
export async function adjustCommission(
  tx: Tx,
  act: Act,
  id: string,
  wanted: { readonly net: bigint; readonly reason: string; readonly skipHold: boolean },
): Promise<Commission> {
  const givenBack = await lockGivenBack(tx, id);
  // With all that it was raised by: two raises at once in one chain would each be judged without the other (BEY-04).
  const chain = await readRaiseChain(tx, id);
  const line = (
    await lockCommissions(
      tx,
      chain.map((one) => one.id),
    )
  ).find((one) => one.id === id);
  if (line === undefined) throw new DomainError('resource.not_found');
  if (line.status === 'paid') throw new DomainError('commission.commission_paid', { currentStatus: line.status });
  if ((line.status !== 'pending' && line.status !== 'approved') || line.amount < 0n)
    throw new DomainError('commission.transition_not_allowed', { currentStatus: line.status, allowedActions: [] });
  const caseId = await findCaseHolding(tx, [line.id]);
  if (caseId !== undefined) throw new DomainError('commission.commission_blocked', heldByCase(caseId).params);
  const payout = (await findLivePayouts(tx, [line.id])).get(line.id);
  if (payout !== undefined) throw new DomainError('commission.in_open_payout', { payoutId: payout.payoutId });
  const raises = await lockRaises(tx, line.id);
  const net = [line, ...raises].reduce((total, one) => total + standingAmount(one), 0n);
  const mine = actFor(act, { reasonCode: 'staff_decision' });
  if (wanted.net < net) {
    const cuts = await cutsOf(tx, line, raises, net - wanted.net);
    const cut = [...raises, line].filter((one) => (cuts.get(one.id) ?? 0n) > 0n);
    await takeOff(tx, mine, cut, {
      wanted: (one) => cuts.get(one.id) ?? 0n,
      reasonCode: 'staff_decision',
      effectiveAt: null,
    });
  } else if (wanted.net > net) {
    const { commissionHold } = await readReferralTerms(tx, line.programId);
    const eligibleAt = wanted.skipHold ? act.now : eligibleFrom(act.now, commissionHold);
    const raise = adjustmentLine(mine, line, wanted.net - net, { reason: wanted.reason, eligibleAt, saleId: null });
    // One that needs a second person waits for a decision: the end of its hold is nobody's approval (BEY-04). So does a small one on top of others.
    const raised = raisedAmount(await readRaiseChain(tx, line.id)) + raise.amount;
    const needsReviewer = raise.needsReviewer || (await isLargeEntry(tx, { minor: raised, currency: line.currency }));
    await postAccruals(tx, mine, await insertCommissions(tx, mine, [{ ...raise, needsReviewer, givenBack }]), null);
  }
  const [after] = await lockCommissions(tx, [id]);
  return after ?? line;
}

/**
 * What was given back so far of the sale of a line, of a raise that of the line it raised; zero where it is of none. The sale is locked before the
 * lines: a refund on its way waits and then sees the raise.
 */
async function lockGivenBack(tx: Tx, id: string): Promise<bigint> {
  const [line] = await listCommissions(tx, [id]);
  if (line === undefined) return 0n;
  const raised = isRaiseByHand(line) ? (await findRaisedLines(tx, [id])).get(id) : line;
  const sale = raised?.saleId == null ? undefined : await lockSale(tx, raised.saleId);
  return sale === undefined ? 0n : takenBackOf(tx, sale);
}

/** How much of a cut each line bears: raises from the newest, then the line. What of a raise is out of reach cannot be cut. */
async function cutsOf(
  tx: Tx,
  line: Commission,
  raises: readonly Commission[],
  cut: bigint,
): Promise<ReadonlyMap<string, bigint>> {
  const ids = raises.map((one) => one.id);
  const live = await findLivePayouts(tx, ids);
  const caseId = await findCaseHolding(tx, ids);
  if (caseId !== undefined) throw new DomainError('commission.commission_blocked', heldByCase(caseId).params);
  const free = raises.filter((one) => one.status !== 'paid' && !live.has(one.id));
  const cuts = new Map<string, bigint>();
  let rest = cut;
  for (const one of [...free.toReversed(), line]) {
    const standing = standingAmount(one);
    const share = rest < standing ? rest : standing;
    cuts.set(one.id, share);
    rest -= share;
  }
  if (rest === 0n) return cuts;
  const [payout] = live.values();
  if (payout !== undefined) throw new DomainError('commission.in_open_payout', { payoutId: payout.payoutId });
  throw new DomainError('commission.commission_paid', { currentStatus: 'paid' });
}

/**
 * A person's decision on an entry without a referral: nothing sequences it, so it takes effect here, under the rule of two persons for what
 * is above the limit for entries by hand. `by`: who decides; an answer to an appeal has its own rule of two. Undefined: done; else why not.
 */
export async function decideEntry(
  tx: Tx,
  act: Act,
  id: string,
  { verb, by = noApprover }: { readonly verb: string; readonly by?: LineApprover },
): Promise<Refused | undefined> {
  const [line] = await lockCommissions(tx, [id]);
  if (line === undefined || line.mode !== act.mode || line.referralId !== null)
    return { kind: 'refused', code: 'resource.not_found', params: {} };
  const refusal = await refuseLargeEntry(tx, line, by.userId);
  return refusal ?? decideWithRaises(tx, act, null, line, verb, by);
}

/**
 * Upheld, what was rejected moves (BEY-15): where its table has no way back any more, the appeal stays open for an answer that is true. Codes:
 * appeal.already_decided (it is not rejected any more), appeal.transition_not_allowed (it was given back).
 */
export async function refuseWithoutEffect(
  tx: Tx,
  appeal: { readonly objectType: string; readonly objectId: string },
): Promise<void> {
  if (appeal.objectType === 'referral') {
    const referral = await lockReferral(tx, appeal.objectId);
    if (referral?.status !== 'rejected')
      throw new DomainError('appeal.already_decided', { currentStatus: referral?.status ?? null, allowedActions: [] });
    return;
  }
  const [line] = await lockCommissions(tx, [appeal.objectId]);
  if (line?.status !== 'rejected')
    throw new DomainError('appeal.already_decided', { currentStatus: line?.status ?? null, allowedActions: [] });
  const refusal = await refuseReinstatement(tx, line);
  if (refusal !== undefined)
    throw new DomainError('appeal.transition_not_allowed', { ...refusal.params, allowedActions: ['dismiss'] });
}

/** Ends a terminated affiliate's entries without a referral, which nothing sequences: at the termination itself, in both modes (AFF-09). */
export async function endEntriesOf(tx: Tx, act: Act, affiliateId: string): Promise<void> {
  const lines = await lockEndedLines(tx, { affiliateId });
  for (const mode of ['live', 'test'] as const) {
    const ofMode = lines.filter((line) => line.mode === mode);
    await endLines(tx, actFor(act, { mode }), ofMode);
  }
}
