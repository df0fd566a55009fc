import type { Mode } from '../act.js';
import type { AffiliateStatus } from '../affiliate/affiliate.js';
import { type Decided, refused, type Refused } from '../decided.js';
import type { AffiliateId, CommissionId, LeadId, ProgramId, ReferralId, SaleId } from '../ids.js';
import { type CurrencyCode, type Fraction, type MoneyWire, reversedInAll } from '../money.js';
import type { ChainMember, FlatRefundMode } from '../program/commissionPlan.js';
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

/** Actions of the state table and the flag, in wire form; the caller drops those without the right. Blocked: no `approve`. */
export function commissionActions(
  commission: Pick<Commission, 'status' | 'onHold'>,
  blockers: readonly Pick<Blocker, 'code'>[],
): readonly string[] {
  const flag = commission.onHold ? 'release' : 'hold';
  switch (commission.status) {
    case 'pending':
      return [...(blockers.length === 0 ? ['approve'] : []), 'reject', flag, 'adjust'];
    case 'approved':
      return ['withdraw_approval', flag, 'adjust'];
    case 'rejected':
      return ['reinstate'];
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
export function lostInAll(commission: Commission, refunded: bigint, captured: bigint): bigint {
  if (commission.amount <= 0n || captured <= 0n || refunded <= 0n) return 0n;
  const modes = new Set(commission.parts.map((part) => part.onPartialRefund ?? 'proportional'));
  const mode = modes.size === 1 ? [...modes][0] : 'proportional';
  if (mode === 'at_once') return commission.amount;
  if (mode === 'full_only') return refunded >= captured ? commission.amount : 0n;
  return reversedInAll(commission.amount, refunded, captured);
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
