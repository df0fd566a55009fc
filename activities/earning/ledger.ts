import {
  accrualKey,
  findAccrualKey,
  findLivePayouts,
  insertCommissions,
  type LivePayout,
  type NewCommission,
  updateCommission,
} from '../../db/earning/commission.js';
import { postMoves } from '../../db/earning/ledger.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor, type Cause } from '../../domain/act.js';
import { type Commission, decideReduction, leftOf, type Whereabouts } from '../../domain/earning/commission.js';
import { account, type LineMove } from '../../domain/earning/ledger.js';
import type { CommissionId } from '../../domain/ids.js';
import { formatMoney } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import { replanAfterRefund } from '../payout/payout.js';
import { isLargeRaise } from './decisionRights.js';

// What the moves of a commission do to the books (money.md 5). The caller holds the locks of the rows; balances are locked last, once.

/** Documents that a transfer may name as its cause (I18); anything else is traced to the line itself. */
const documents: ReadonlySet<string> = new Set(['sale', 'lead', 'refund', 'dispute', 'decision']);

function causeOf(act: Act, line: Pick<Commission, 'id'>): Cause {
  return act.cause !== null && documents.has(act.cause.type) ? act.cause : { type: 'commission', id: line.id };
}

function expense(line: Pick<Commission, 'programId'>) {
  return account('commission_expense', line.programId);
}

function pending(line: Pick<Commission, 'affiliateId'>) {
  return account('commission_pending', line.affiliateId);
}

/** Posts the accrual of new lines. A negative entry posts nothing until it is approved. */
export async function postAccruals(
  tx: Tx,
  act: Act,
  lines: readonly Commission[],
  effectiveAt: Instant | null,
): Promise<void> {
  await postMoves(
    tx,
    act,
    lines
      .filter((line) => line.accrues && line.amount > 0n)
      .map((line) => ({
        kind: 'commission.accrued',
        key: accrualKey(line),
        cause: causeOf(act, line),
        correctsKey: null,
        effectiveAt,
        affiliateId: line.affiliateId,
        amount: { minor: line.amount, currency: line.currency },
        move: { type: 'plain', debit: expense(line), credit: pending(line) },
      })),
  );
}

/** Approves lines that a rule or a person has judged approvable: pending → payable, or against a debt first. */
export async function approveLines(
  tx: Tx,
  act: Act,
  lines: readonly Commission[],
  noted: Readonly<Record<string, unknown>> = {},
): Promise<readonly Commission[]> {
  const approved: Commission[] = [];
  const moves: LineMove[] = [];
  for (const line of lines) {
    const left = leftOf(line);
    const change = { status: 'approved', approvedAt: act.now } as const;
    const now = await updateCommission(tx, act, line, change, 'approved', null, noted);
    approved.push(now);
    moves.push({
      kind: left < 0n ? 'adjustment.charged' : 'commission.approved',
      key: `commission/${line.id}/approved/${now.version}`,
      cause: causeOf(act, line),
      correctsKey: null,
      effectiveAt: null,
      affiliateId: line.affiliateId,
      amount: { minor: left < 0n ? -left : left, currency: line.currency },
      move:
        left < 0n
          ? { type: 'debitAffiliate', credit: expense(line) }
          : { type: 'creditAffiliate', debit: pending(line) },
    });
  }
  await postMoves(tx, act, moves);
  return approved;
}

/** Takes an approval back: payable → pending. It then waits for a person, or its own deadline would approve it at once. */
export async function withdrawApproval(tx: Tx, act: Act, line: Commission): Promise<Commission> {
  const left = leftOf(line);
  const now = await updateCommission(
    tx,
    act,
    line,
    { status: 'pending', approvedAt: null, needsReviewer: true },
    'approvalWithdrawn',
  );
  const isCharge = left < 0n;
  await postMoves(tx, act, [
    {
      kind: isCharge ? 'adjustment.charge_withdrawn' : 'commission.approval_withdrawn',
      key: `commission/${line.id}/approvalWithdrawn/${now.version}`,
      cause: causeOf(act, line),
      correctsKey: null,
      effectiveAt: null,
      affiliateId: line.affiliateId,
      amount: { minor: isCharge ? -left : left, currency: line.currency },
      move: isCharge
        ? { type: 'creditAffiliate', debit: expense(line) }
        : { type: 'debitAffiliate', credit: pending(line) },
    },
  ]);
  return now;
}

/**
 * Brings a rejected line back as pending, for what refunds have left of it: at the snapshot rate, not today's. A raise that, with others made since, is
 * more than one person may enter waits for a second one, as a new one would (BEY-04).
 */
export async function reinstateLine(tx: Tx, act: Act, line: Commission, lost: bigint): Promise<Commission> {
  const reversed = line.accrues ? lost : line.reversed;
  const needsReviewer = line.needsReviewer || (await isLargeRaise(tx, { ...line, reversed }));
  const now = await updateCommission(tx, act, line, { status: 'pending', reversed, needsReviewer }, 'reinstated');
  if (line.accrues)
    await postMoves(tx, act, [
      {
        kind: 'commission.reinstated',
        key: `commission/${line.id}/reinstated/${now.version}`,
        cause: causeOf(act, line),
        correctsKey: null,
        effectiveAt: null,
        affiliateId: line.affiliateId,
        amount: { minor: leftOf(now), currency: line.currency },
        move: { type: 'plain', debit: expense(line), credit: pending(line) },
      },
    ]);
  return now;
}

export interface TakingOff {
  /** How much of a line is to go now, in minor units; what is not there any more is not taken. */
  readonly wanted: (line: Commission) => bigint;
  readonly reasonCode: string;
  readonly effectiveAt: Instant | null;
  /** The transfer's key of one line; by default its own move (money.md 8). */
  readonly keyOf?: (line: Commission) => string;
  /** Negative entries that wait are rejected too: everything of a referral goes. */
  readonly includesCharges?: true;
  /** What is on its way or paid is left alone: no clawback. */
  readonly leavesSent?: true;
}

/**
 * Takes something off lines, each by where its money is: pending and payable lines shrink; one in a payout that is not out shrinks and the
 * payout, a draft again, is recalculated first; one that is paid or whose instruction is out stays as it is and a clawback stands beside it (money.md 5).
 * Answers the lines that changed and the clawbacks.
 */
export async function takeOff(
  tx: Tx,
  act: Act,
  lines: readonly Commission[],
  options: TakingOff,
): Promise<readonly Commission[]> {
  const live = await findLivePayouts(
    tx,
    lines.map((line) => line.id),
  );
  const shrunk = await shrinkDrafts(tx, act, lines, live, options);
  const changed: Commission[] = [];
  const moves: LineMove[] = [];
  for (const line of lines) {
    if (options.includesCharges === true && line.status === 'pending' && line.amount < 0n) {
      changed.push(await updateCommission(tx, act, line, { status: 'rejected' }, 'rejected', options.reasonCode));
      continue;
    }
    const where = whereaboutsOf(line, live.get(line.id), shrunk);
    const reduction = decideReduction(line, where, options.wanted(line));
    if (reduction.kind === 'none' || (reduction.kind === 'clawBack' && options.leavesSent === true)) continue;
    const correctsKey = await findAccrualKey(tx, line);
    const common = {
      correctsKey,
      cause: causeOf(act, line),
      effectiveAt: options.effectiveAt,
      affiliateId: line.affiliateId,
      amount: { minor: reduction.step, currency: line.currency },
    };
    if (reduction.kind === 'clawBack') {
      const origin = await updateCommission(
        tx,
        act,
        line,
        { clawedBack: line.clawedBack + reduction.step },
        'clawedBack',
        options.reasonCode,
      );
      const clawback = clawbackLine(act, line, reduction.step);
      changed.push(origin, ...(await insertCommissions(tx, act, [clawback], 'clawedBack')));
      moves.push({
        ...common,
        kind: 'commission.clawed_back',
        key: options.keyOf?.(line) ?? `commission/${line.id}/clawedBack/${origin.version}`,
        move: { type: 'debitAffiliate', credit: expense(line) },
      });
      continue;
    }
    const now = await updateCommission(
      tx,
      act,
      line,
      { status: reduction.to, reversed: line.reversed + reduction.step },
      reduction.event,
      options.reasonCode,
    );
    changed.push(now);
    moves.push({
      ...common,
      kind: `commission.${reduction.event}`,
      key: options.keyOf?.(line) ?? `commission/${line.id}/${reduction.event}/${now.version}`,
      move:
        line.status === 'pending'
          ? { type: 'plain', debit: pending(line), credit: expense(line) }
          : { type: 'debitAffiliate', credit: expense(line) },
    });
  }
  await postMoves(tx, act, moves);
  return changed;
}

/**
 * Payouts that are not out give back what they held of these lines first, so that the reversal finds it payable (`payout.replanned`).
 * Answers those that were reached under their lock: anything else is on its way, and a clawback.
 */
async function shrinkDrafts(
  tx: Tx,
  act: Act,
  lines: readonly Commission[],
  live: ReadonlyMap<string, LivePayout>,
  options: TakingOff,
): Promise<ReadonlySet<string>> {
  const left = new Map<string, Map<CommissionId, bigint>>();
  for (const line of lines) {
    const payout = live.get(line.id);
    if (line.status !== 'approved' || payout === undefined || !isReachable(payout)) continue;
    const reduction = decideReduction(line, 'draft', options.wanted(line));
    if (reduction.kind !== 'reduce') continue;
    const ofPayout = left.get(payout.payoutId) ?? new Map<CommissionId, bigint>();
    left.set(payout.payoutId, ofPayout.set(line.id, leftOf(line) - reduction.step));
  }
  const shrunk = new Set<string>();
  for (const [payoutId, ofPayout] of [...left].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (await replanAfterRefund(tx, act, payoutId, ofPayout)) shrunk.add(payoutId);
  return shrunk;
}

/**
 * Lines that are held from now on do not go out with a payout that is not out yet: they leave it and stay owed, the rest of it is worked out anew
 * and waits for an approval (features.md 2.3: a hold blocks payment). What is on its way stays. The caller holds the lines' locks.
 */
export async function keepFromPayouts(tx: Tx, act: Act, lines: readonly Commission[]): Promise<void> {
  const live = await findLivePayouts(
    tx,
    lines.map((line) => line.id),
  );
  const gone = new Map<string, Map<CommissionId, bigint>>();
  for (const line of lines) {
    const payout = live.get(line.id);
    if (line.status !== 'approved' || payout === undefined || !isReachable(payout)) continue;
    gone.set(payout.payoutId, (gone.get(payout.payoutId) ?? new Map<CommissionId, bigint>()).set(line.id, 0n));
  }
  const held = actFor(act, { reasonCode: 'on_hold' });
  for (const [payoutId, ofPayout] of [...gone].sort(([a], [b]) => (a < b ? -1 : 1)))
    await replanAfterRefund(tx, held, payoutId, ofPayout);
}

/** Nothing of it is out: a draft, or one that waits to be sent (RFD-10). Judged once more under the payout's lock. */
function isReachable(payout: LivePayout): boolean {
  return payout.status === 'draft' || (payout.status === 'pending' && !payout.isAttemptLive);
}

function whereaboutsOf(line: Commission, payout: LivePayout | undefined, shrunk: ReadonlySet<string>): Whereabouts {
  if (line.status === 'paid') return 'sent';
  if (line.status === 'pending') return 'pending';
  if (payout === undefined) return 'payable';
  return shrunk.has(payout.payoutId) ? 'draft' : 'sent';
}

function clawbackLine(act: Act, line: Commission, step: bigint): NewCommission {
  const cause = causeOf(act, line);
  const taken = formatMoney({ minor: step, currency: line.currency });
  return {
    id: act.newId('commission'),
    kind: 'clawback',
    level: line.level,
    affiliateId: line.affiliateId,
    programId: line.programId,
    referralId: line.referralId,
    saleId: line.saleId,
    leadId: line.leadId,
    originCommissionId: line.id,
    level1CommissionId: null,
    causeType: cause.type,
    causeId: cause.id,
    currency: line.currency,
    base: null,
    baseType: null,
    ratePpm: null,
    ruleId: null,
    ruleVersion: null,
    parts: [],
    explanation: {
      sentence: `${taken.amount} ${taken.currency} of a commission that was already sent is taken back.`,
    },
    exact: { numerator: -step, denominator: 1n },
    clipReason: null,
    amount: -step,
    accrues: true,
    status: 'approved',
    onHold: false,
    needsReviewer: false,
    sub1: line.sub1,
    reason: act.reasonCode,
    createdBy: act.actor.userId,
    eligibleAt: act.now,
    approvedAt: act.now,
  };
}
