import { type Decided, refused } from '../decided.js';
import type { AffiliateId, ContactId, EnrolmentId, LinkId, ProgramId } from '../ids.js';
import type { MoneyWire } from '../money.js';
import type { AcquisitionModel } from '../program/planEvent.js';
import type { Instant } from '../time.js';
import { type EventOf, eventsFrom, nextStatus, type StatusOf, transitionTable } from '../transitions.js';
import type { EnrolmentStatus } from './enrolment.js';
import type { OpenRequirement } from './requirement.js';

/** features.md 2.1 */
export const affiliateTransitions = transitionTable({
  pending: { approved: 'approved', declined: 'declined' },
  declined: { reopened: 'pending' },
  approved: { suspended: 'suspended', terminated: 'terminated' },
  suspended: { reactivated: 'approved', terminated: 'terminated' },
  terminated: {},
});
export type AffiliateStatus = StatusOf<typeof affiliateTransitions>;
export type AffiliateEvent = EventOf<typeof affiliateTransitions>;

export const affiliateKinds = ['external', 'reseller', 'customer'] as const;
export type AffiliateKind = (typeof affiliateKinds)[number];

/** What becomes of approved commissions when an affiliate is terminated (AFF-09). */
export type ApprovedMoney = 'pay' | 'forfeit';

export interface Affiliate {
  readonly id: AffiliateId;
  readonly contactId: ContactId;
  readonly name: string;
  readonly company: string | null;
  readonly email: string;
  readonly emailVerifiedAt: Instant | null;
  readonly phone: string | null;
  readonly website: string | null;
  readonly country: string | null;
  readonly language: string | null;
  readonly timeZone: string | null;
  readonly kind: AffiliateKind;
  readonly status: AffiliateStatus;
  /** The text that came with the last decision. */
  readonly statusReason: string | null;
  readonly groupId: string | null;
  readonly rank: number | null;
  readonly recruiterId: AffiliateId | null;
  readonly managerId: string | null;
  readonly leadAgentId: string | null;
  readonly tags: readonly string[];
  readonly notes: string | null;
  readonly minimumPayout: readonly MoneyWire[];
  /** What it is paid for, in place of what its programs say (PRG-21); null: as they say. */
  readonly acquisitionModel: AcquisitionModel | null;
  readonly subIdAccess: boolean;
  readonly approvedMoney: ApprovedMoney | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** An enrolment as the affiliate's own record shows it. */
export interface EnrolmentSummary {
  readonly id: EnrolmentId;
  readonly programId: ProgramId;
  readonly status: EnrolmentStatus;
  readonly joinedAt: Instant;
  readonly linkId: LinkId | null;
}

const statusAfter: Readonly<Record<AffiliateEvent, AffiliateStatus>> = {
  approved: 'approved',
  declined: 'declined',
  reopened: 'pending',
  suspended: 'suspended',
  reactivated: 'approved',
  terminated: 'terminated',
};

const actionOf: Readonly<Record<AffiliateEvent, string>> = {
  approved: 'approve',
  declined: 'decline',
  reopened: 'reopen',
  suspended: 'suspend',
  reactivated: 'reactivate',
  terminated: 'terminate',
};

/**
 * Judges one move of features.md 2.1. Refuses with `affiliate.already_decided` where that decision or its opposite was taken (an
 * application decides once), `affiliate.transition_not_allowed` for any other move, `affiliate.requirements_open` before an approval.
 */
export function decideAffiliateMove(
  affiliate: Pick<Affiliate, 'status'>,
  event: AffiliateEvent,
  open: readonly OpenRequirement[] = [],
): Decided<AffiliateEvent> {
  if (nextStatus(affiliateTransitions, affiliate.status, event) === undefined) {
    const isReview = event === 'approved' || event === 'declined';
    const wasDecided = statusAfter[event] === affiliate.status || isReview;
    return refused(wasDecided ? 'affiliate.already_decided' : 'affiliate.transition_not_allowed', {
      currentStatus: affiliate.status,
    });
  }
  return event === 'approved' && open.length > 0
    ? refused('affiliate.requirements_open', { open })
    : { kind: 'accepted', event };
}

/** The actions the state table offers, in wire form; the caller drops those without the right. */
export function affiliateActions(status: AffiliateStatus): readonly string[] {
  return eventsFrom(affiliateTransitions, status).map((event) => actionOf[event]);
}

/** `active` is a label, not a state: approved, with at least one active enrolment (features.md 2.1). */
export function isActive(
  affiliate: Pick<Affiliate, 'status'>,
  enrolments: readonly Pick<EnrolmentSummary, 'status'>[],
): boolean {
  return affiliate.status === 'approved' && enrolments.some((enrolment) => enrolment.status === 'active');
}

/** The status a new affiliate begins with: what the settings say, unless something is still open (AFF-06). */
export function firstStatus(
  defaultStatus: 'pending' | 'approved',
  open: readonly OpenRequirement[],
): 'pending' | 'approved' {
  return defaultStatus === 'approved' && open.length === 0 ? 'approved' : 'pending';
}
