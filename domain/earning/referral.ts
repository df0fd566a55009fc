import type { Mode } from '../act.js';
import type { AffiliateId, ContactId, LinkId, ProgramId, ReferralId, UserId } from '../ids.js';
import type { Instant } from '../time.js';
import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

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
