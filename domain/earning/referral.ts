import type { Mode } from '../act.js';
import { type Decided, refused } from '../decided.js';
import type { AffiliateId, ContactId, LinkId, ProgramId, ReferralId, UserId } from '../ids.js';
import type { Instant } from '../time.js';
import { type EventOf, nextStatus, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.2 */
export const referralTransitions = transitionTable({
  tracking: { leadReported: 'pending', saleReported: 'pending', windowEnded: 'expired', merged: 'merged' },
  pending: { approved: 'approved', rejected: 'rejected', merged: 'merged' },
  approved: { rejected: 'rejected' },
  rejected: { reopened: 'pending' },
  expired: {},
  merged: {},
});
export type ReferralStatus = StatusOf<typeof referralTransitions>;
export type ReferralEvent = EventOf<typeof referralTransitions>;

/** How far the journey has come; stages only advance (features.md 2.6). */
export const referralStages = ['click', 'visit', 'lead', 'sale'] as const;
export type ReferralStage = (typeof referralStages)[number];

export function laterStage(a: ReferralStage, b: ReferralStage): ReferralStage {
  return referralStages.indexOf(a) >= referralStages.indexOf(b) ? a : b;
}

/** features.md 2.2, below the table */
export const checkTransitions = transitionTable({
  waiting: { passed: 'passed', failed: 'failed', waived: 'waived' },
  passed: { failed: 'failed' },
  failed: { askedAnew: 'waiting', waived: 'waived' },
  waived: {},
});
export type CheckStatus = StatusOf<typeof checkTransitions>;
export type CheckEvent = EventOf<typeof checkTransitions>;

/** One prospect's journey in one program (REF-01). Who is credited is data on it and may change; the referral stays. */
export interface Referral {
  readonly id: ReferralId;
  readonly mode: Mode;
  readonly programId: ProgramId;
  readonly status: ReferralStatus;
  readonly stage: ReferralStage;
  readonly visitorId: string | null;
  readonly contactId: ContactId | null;
  /** The affiliate credited: by the program's choice the first or the last referrer. */
  readonly affiliateId: AffiliateId | null;
  readonly linkId: LinkId | null;
  readonly firstAffiliateId: AffiliateId | null;
  readonly lastAffiliateId: AffiliateId | null;
  readonly referrerChoice: 'first' | 'last' | null;
  /** The root it merged into, never a chain. */
  readonly mergedIntoId: ReferralId | null;
  readonly manual: boolean;
  readonly tags: readonly string[];
  readonly notes: string | null;
  readonly assigneeId: UserId | null;
  /** When the newest touch ends, exclusive. */
  readonly windowEndsAt: Instant | null;
  /** Since when it waits for its decision; null until the workflow has opened the wait. */
  readonly pendingSince: Instant | null;
  /** When the next step of its verification deadline is due: the reminder, then the deadline (REF-09). */
  readonly decideBy: Instant | null;
  readonly remindedAt: Instant | null;
  readonly clickAt: Instant | null;
  readonly visitAt: Instant | null;
  readonly leadAt: Instant | null;
  readonly saleAt: Instant | null;
  readonly decidedAt: Instant | null;
  /** Last change of it or of its money: from here `dormantAfter` is counted (temporal.md 3.9). */
  readonly lastChangedAt: Instant;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** What happens to a referral without moving its status. */
export type ReferralNote =
  | 'touched'
  | 'visited'
  | 'attributed'
  | 'leadAdded'
  | 'saleAdded'
  | 'customerMerged'
  | 'waitOpened'
  | 'reminded'
  | 'escalated'
  | 'edited';

/** What staff decide on a referral itself; the other verbs of its workflow are about one commission. */
export const referralDecisions = {
  approve: 'approved',
  reject: 'rejected',
  reopen: 'reopened',
} as const satisfies Readonly<Record<string, ReferralEvent>>;
export type ReferralDecision = keyof typeof referralDecisions;

export function isReferralDecision(verb: string): verb is ReferralDecision {
  return Object.hasOwn(referralDecisions, verb);
}

/** The actions the state table offers, in wire form; the caller drops those without the right. */
export function referralActions(status: ReferralStatus): readonly ReferralDecision[] {
  return (Object.keys(referralDecisions) as ReferralDecision[]).filter(
    (verb) => nextStatus(referralTransitions, status, referralDecisions[verb]) !== undefined,
  );
}

/**
 * Refuses with `referral.already_decided` (somebody has decided, this way or the other), `referral.transition_not_allowed`, and an
 * approval while required checks stand in its way with `referral.check_open` or `referral.check_failed`, all of them in `open`.
 */
export function decideReferralMove(
  referral: Pick<Referral, 'status'>,
  verb: ReferralDecision,
  blocking: readonly { readonly code: 'check_open' | 'check_failed'; readonly detail: string }[],
): Decided<ReferralEvent> {
  const event = referralDecisions[verb];
  if (nextStatus(referralTransitions, referral.status, event) === undefined) {
    const isDecided = referral.status === 'approved' || referral.status === 'rejected';
    return refused(verb !== 'reopen' && isDecided ? 'referral.already_decided' : 'referral.transition_not_allowed', {
      currentStatus: referral.status,
      allowedActions: referralActions(referral.status),
    });
  }
  const [first] = blocking;
  if (verb === 'approve' && first !== undefined) {
    return refused(first.code === 'check_open' ? 'referral.check_open' : 'referral.check_failed', { open: blocking });
  }
  return { kind: 'accepted', event };
}
