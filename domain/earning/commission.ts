import type { Mode } from '../act.js';
import type { AffiliateStatus } from '../affiliate/affiliate.js';
import { type Decided, refused, type Refused } from '../decided.js';
import type { AffiliateId, CommissionId, LeadId, ProgramId, ReferralId, SaleId } from '../ids.js';
import { type CurrencyCode, type Fraction, type MoneyWire, reversedInAll } from '../money.js';
import type { FlatRefundMode } from '../program/commissionPlan.js';
import type { ChainMember } from '../program/planEvent.js';
import { addDuration, type Duration, type Instant } from '../time.js';
import { type EventOf, nextStatus, type StatusOf, transitionTable } from '../transitions.js';
import type { ReferralStatus } from './referral.js';

/** features.md 2.3. Being in a payout is a reference, being on hold a flag; neither is a status. */
export const commissionTransitions = transitionTable({
  pending: { approved: 'approved', rejected: 'rejected' },
  rejected: { reinstated: 'pending' },
  approved: { approvalWithdrawn: 'pending', reversed: 'reversed', paid: 'paid' },
  reversed: {},
  paid: {},
});
export type CommissionStatus = StatusOf<typeof commissionTransitions>;
export type CommissionEvent = EventOf<typeof commissionTransitions>;

export const commissionKinds = [
  'earned',
  'bonus',
  'adjustment',
  'clawback',
  'payout_return',
  'late_payment',
  'write_off',
] as const;
export type CommissionKind = (typeof commissionKinds)[number];

export interface CommissionPart {
  readonly lineIndexes: readonly number[];
  readonly ruleId: string;
  readonly ruleVersion: number;
  readonly scope: string;
  readonly base: MoneyWire;
  readonly baseType: string | null;
  readonly ratePpm: number | null;
  readonly flat: MoneyWire | null;
  readonly exact: { readonly numerator: string; readonly denominator: string; readonly unit: 'minor' };
  /** Of a band: the row it fell into and which counted event it was. Absent on lines older than bands. */
  readonly bandFrom?: string | null;
  readonly ordinal?: number | null;
  /** Of a flat part: what a partial refund does to it (RFD-05). */
  readonly onPartialRefund: FlatRefundMode | null;
}

/** One line of one affiliate, for one cause, at one level (money.md 3.1). Amounts in minor units; rows are signed, postings never. */
export interface Commission {
  readonly id: CommissionId;
  readonly mode: Mode;
  readonly kind: CommissionKind;
  readonly level: number;
  readonly affiliateId: AffiliateId;
  readonly programId: ProgramId;
  readonly referralId: ReferralId | null;
  readonly saleId: SaleId | null;
  readonly leadId: LeadId | null;
  readonly originCommissionId: CommissionId | null;
  readonly level1CommissionId: CommissionId | null;
  readonly causeType: string;
  readonly causeId: string;
  readonly currency: CurrencyCode;
  readonly base: bigint | null;
  readonly baseType: string | null;
  readonly ratePpm: number | null;
  readonly ruleId: string | null;
  readonly ruleVersion: number | null;
  readonly parts: readonly CommissionPart[];
  readonly explanation: Readonly<Record<string, unknown>>;
  readonly exact: Fraction;
  readonly clipReason: string | null;
  readonly amount: bigint;
  /** Taken off the line itself; stands still while it is in a live attempt and after payment. */
  readonly reversed: bigint;
  /** Sum of its clawback lines. */
  readonly clawedBack: bigint;
  /** Of a raise by hand: what had been given back of the sale before, of which it bears no share. Else zero. */
  readonly givenBack: bigint;
  /** False: nothing is posted until approval (a negative adjustment). */
  readonly accrues: boolean;
  readonly status: CommissionStatus;
  readonly onHold: boolean;
  /** The program wants a person to approve it, or somebody took an approval back: it never approves itself. */
  readonly needsReviewer: boolean;
  readonly sub1: string | null;
  readonly reason: string | null;
  readonly createdBy: string | null;
  readonly eligibleAt: Instant;
  readonly approvedAt: Instant | null;
  readonly paidAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** What is left of the line itself. A clawback is a line of its own. */
export function leftOf(commission: Pick<Commission, 'amount' | 'reversed'>): bigint {
  return commission.amount - commission.reversed;
}

/** What is around a commission when it is judged. */
export interface ApprovalContext {
  readonly now: Instant;
  /** Null: an entry without a referral, which then stands in no one's way. */
  readonly referralStatus: ReferralStatus | null;
  readonly hasOpenCheck: boolean;
  readonly isSaleInReview: boolean;
  readonly affiliateStatus: AffiliateStatus;
}

export interface Blocker {
  readonly code: 'on_hold' | 'in_review' | 'check_open' | 'referral_not_approved' | 'in_hold_period' | 'suspended';
  readonly detail: string;
  readonly until: Instant | null;
}

/** Why a pending commission cannot be approved now, all reasons, in the order of features.md 4.6. */
export function blockersOf(
  commission: Pick<Commission, 'status' | 'onHold' | 'eligibleAt'>,
  context: ApprovalContext,
): readonly Blocker[] {
  if (commission.status !== 'pending') return [];
  const { referralStatus } = context;
  const blockers: readonly (Blocker | false)[] = [
    commission.onHold && { code: 'on_hold', detail: 'Release the hold first.', until: null },
    context.isSaleInReview && { code: 'in_review', detail: 'Confirm the sale first.', until: null },
    context.hasOpenCheck && { code: 'check_open', detail: 'A check of the referral is open.', until: null },
    referralStatus !== null &&
      referralStatus !== 'approved' && {
        code: 'referral_not_approved',
        detail: 'Decide the referral first.',
        until: null,
      },
    commission.eligibleAt > context.now && {
      code: 'in_hold_period',
      detail: `Releases on ${commission.eligibleAt}.`,
      until: commission.eligibleAt,
    },
    // Money of a suspended affiliate is held until it is back (features.md 20.1).
    context.affiliateStatus === 'suspended' && {
      code: 'suspended',
      detail: 'The affiliate is suspended.',
      until: null,
    },
  ];
  return blockers.filter((blocker) => blocker !== false);
}

/** features.md 2.3: refused with `commission_blocked` and every blocker, or as already decided. */
export function decideApproval(commission: Commission, context: ApprovalContext): Decided<CommissionEvent> {
  if (nextStatus(commissionTransitions, commission.status, 'approved') === undefined)
    return notMovable(commission, 'approved');
  const blockers = blockersOf(commission, context);
  if (blockers.length > 0) return refused('commission.commission_blocked', { blockers });
  return { kind: 'accepted', event: 'approved' };
}

/** Rejecting, reinstating, taking an approval back: by the table, and by where the money is. */
export function decideMove(
  commission: Commission,
  event: 'rejected' | 'reinstated' | 'approvalWithdrawn',
  context: { readonly livePayoutId: string | null; readonly isSaleRefunded: boolean },
): Decided<CommissionEvent> {
  if (nextStatus(commissionTransitions, commission.status, event) === undefined) return notMovable(commission, event);
  if (event === 'approvalWithdrawn' && context.livePayoutId !== null)
    return refused('commission.in_open_payout', { payoutId: context.livePayoutId });
  if (event === 'reinstated' && context.isSaleRefunded)
    return refused('commission.transition_not_allowed', { currentStatus: commission.status, reasonCode: 'refunded' });
  return { kind: 'accepted', event };
}

const statusAfter: Readonly<Record<CommissionEvent, CommissionStatus>> = {
  approved: 'approved',
  rejected: 'rejected',
  reinstated: 'pending',
  approvalWithdrawn: 'pending',
  reversed: 'reversed',
  paid: 'paid',
};

function notMovable(commission: Commission, event: CommissionEvent): Refused {
  const params = { currentStatus: commission.status, allowedActions: commissionActions(commission, []) };
  if (commission.status === 'paid') return refused('commission.commission_paid', params);
  // The same wish again, or the opposite of what was decided: who and when is added by the caller.
  const isDecided =
    statusAfter[event] === commission.status || (event === 'approved' && commission.status === 'rejected');
  return refused(isDecided ? 'commission.already_decided' : 'commission.transition_not_allowed', params);
}

/**
 * Actions of the state table and the flag, in wire form; the caller drops those without the right. Blocked: no `approve`; replaced by a line of the
 * sale's true amount: no `reinstate`.
 */
export function commissionActions(
  commission: Pick<Commission, 'status' | 'onHold'>,
  blockers: readonly Pick<Blocker, 'code'>[],
  isReplaced = false,
): readonly string[] {
  const flag = commission.onHold ? 'release' : 'hold';
  switch (commission.status) {
    case 'pending':
      return [...(blockers.length === 0 ? ['approve'] : []), 'reject', flag, 'adjust'];
    case 'approved':
      return ['withdraw_approval', flag, 'adjust'];
    case 'rejected':
      return isReplaced ? [] : ['reinstate'];
    case 'reversed':
    case 'paid':
      return [];
    default:
      return commission.status satisfies never;
  }
}

/** Where the money of a line is when something is taken off it (money.md 5). */
export type Whereabouts = 'pending' | 'payable' | 'draft' | 'sent';

/** What taking `step` off a line does: the transfer's kind, the move of its status, or a clawback beside it. */
export type Reduction =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'reduce';
      readonly step: bigint;
      readonly to: CommissionStatus;
      readonly event: 'reduced' | 'rejected' | 'reversed';
    }
  | { readonly kind: 'clawBack'; readonly step: bigint };

export function decideReduction(commission: Commission, where: Whereabouts, wanted: bigint): Reduction {
  const rest = commission.amount - commission.reversed - commission.clawedBack;
  const step = wanted < rest ? wanted : rest;
  if (step <= 0n || commission.status === 'rejected' || commission.status === 'reversed') return { kind: 'none' };
  if (where === 'sent') return { kind: 'clawBack', step };
  const isNothingLeft = step === leftOf(commission);
  if (!isNothingLeft) return { kind: 'reduce', step, to: commission.status, event: 'reduced' };
  return commission.status === 'pending'
    ? { kind: 'reduce', step, to: 'rejected', event: 'rejected' }
    : { kind: 'reduce', step, to: 'reversed', event: 'reversed' };
}

/**
 * What a line should have lost in all, once `refunded` of `captured` is given back (money.md 2.4). A line that is only flat follows its
 * rule: in proportion, not before the refund is full, or all at once (RFD-05).
 */
export function lostInAll(commission: Commission, refundedInAll: bigint, capturedInAll: bigint): bigint {
  const refunded = refundedInAll - commission.givenBack;
  const captured = capturedInAll - commission.givenBack;
  if (commission.amount <= 0n || captured <= 0n || refunded <= 0n) return 0n;
  const modes = new Set(commission.parts.map((part) => part.onPartialRefund ?? 'proportional'));
  const mode = modes.size === 1 ? [...modes][0] : 'proportional';
  if (mode === 'at_once') return commission.amount;
  if (mode === 'full_only') return refunded >= captured ? commission.amount : 0n;
  return reversedInAll(commission.amount, refunded, captured);
}

/** What a whole band added to an earlier line that it names: caused by the sale that reached the row, of the line's own sale (RUL-16). */
export function isTopUp(line: Pick<Commission, 'kind' | 'causeType' | 'originCommissionId'>): boolean {
  return line.kind === 'adjustment' && line.causeType === 'sale' && line.originCommissionId !== null;
}

/** What staff added to an earlier line: it names that line only, and is of the sale or lead of which the line is (COM-08). */
export function isRaiseByHand(
  line: Pick<Commission, 'id' | 'kind' | 'causeId' | 'originCommissionId' | 'saleId' | 'leadId'>,
): boolean {
  const isAdded = line.kind === 'adjustment' && line.originCommissionId !== null && line.causeId === line.id;
  return isAdded && line.saleId === null && line.leadId === null;
}

/** What stands of a line: neither taken off it nor clawed back beside it. */
export function standingAmount(line: Commission): bigint {
  return line.amount - line.reversed - line.clawedBack;
}

/** By how much staff raised a line in all, of the line with its raises and the raises of those: what was rejected or reversed counts no more. */
export function raisedAmount(chain: readonly Commission[]): bigint {
  return chain
    .filter((one) => isRaiseByHand(one) && one.status !== 'rejected' && one.status !== 'reversed')
    .reduce((total, one) => total + standingAmount(one), 0n);
}

/** The entries that brought back what a line had lost: they name it and belong to the same fact, which a raise by hand does not name itself. */
function restoresOf(line: Commission, lines: readonly Commission[]): readonly Commission[] {
  const isSameFact = (one: Commission): boolean => {
    if (isRaiseByHand(line)) return !isRaiseByHand(one);
    return line.saleId === null ? one.leadId !== null && one.leadId === line.leadId : one.saleId === line.saleId;
  };
  return lines.filter(
    (one) => one.kind === 'adjustment' && one.originCommissionId === line.id && !isTopUp(one) && isSameFact(one),
  );
}

/**
 * What a line gets back once its referral is approved again, in minor units: what the rejection took (`taken`) and has not come back yet, never
 * more than what refunds (`lost`) leave of the line. A line that brought something back itself is an origin too, should it be taken again.
 */
export function decideRestoration(line: Commission, lines: readonly Commission[], taken: bigint, lost: bigint): bigint {
  const isRestore =
    line.kind === 'adjustment' && line.originCommissionId !== null && line.causeId === line.originCommissionId;
  if (line.amount <= 0n || isRestore) return 0n; // its origin comes back instead, for the whole
  const restores = restoresOf(line, lines);
  const restored = restores.reduce((total, one) => total + standingAmount(one), 0n);
  const missing = taken - restored;
  const room = line.amount - lost - standingAmount(line) - restored;
  const due = missing < room ? missing : room;
  return due > 0n ? due : 0n;
}

/** A raise by hand follows the rule of the line that it raised, where a flat amount has one of its own (RFD-05). */
function likeRaised(line: Commission, lines: readonly Commission[]): Commission {
  let raised: Commission | undefined = line;
  while (raised !== undefined && isRaiseByHand(raised)) {
    const { originCommissionId }: Commission = raised;
    raised = lines.find((one) => one.id === originCommissionId);
  }
  return raised === undefined ? line : { ...line, parts: raised.parts };
}

/**
 * What each positive line of a sale gives up once `refunded` of `captured` is given back, in minor units. A line and the entries that
 * restored it lose together what the line alone would have: what a refund took before they came back is not taken of them again.
 */
export function lossesOf(
  lines: readonly Commission[],
  refunded: bigint,
  captured: bigint,
): ReadonlyMap<CommissionId, bigint> {
  const losses = new Map<CommissionId, bigint>();
  const restoring = new Set(lines.flatMap((line) => restoresOf(line, lines).map((one) => one.id)));
  for (const line of lines) {
    if (line.amount <= 0n || restoring.has(line.id)) continue;
    const lost = lostInAll(likeRaised(line, lines), refunded, captured);
    const wanted = lost - line.reversed - line.clawedBack;
    losses.set(line.id, wanted);
    const restores = restoresOf(line, lines);
    const all = restores.reduce((total, one) => total + standingAmount(one), standingAmount(line));
    const isOver = line.status === 'reversed' || line.status === 'rejected';
    let excess = all - (line.amount - lost) - (isOver || wanted < 0n ? 0n : wanted);
    for (const one of restores) {
      const standing = standingAmount(one);
      const share = excess <= 0n ? 0n : excess < standing ? excess : standing;
      losses.set(one.id, share);
      excess -= share;
    }
  }
  return losses;
}

/** When a commission may be approved: the program's hold, counted from the sale and frozen on the line (COM-19). */
export function eligibleFrom(occurredAt: Instant, hold: Duration): Instant {
  return addDuration(occurredAt, hold);
}

/** Whoever brought the customer keeps him, whatever became of the enrolment; a recruiter earns while enrolled, and waits while suspended. */
export function standingOf(member: {
  readonly level: number;
  readonly status: string;
  readonly enrolment: string | null;
}): ChainMember['standing'] {
  const isGone = member.status === 'terminated' || member.status === 'declined' || member.status === 'pending';
  if (isGone || (member.level > 1 && member.enrolment === null)) return 'nothing';
  return member.status === 'suspended' ? 'held' : 'earns';
}
