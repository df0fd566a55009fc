import { type Decided, refused } from '../decided.js';
import type { EnrolmentRequirement } from '../program/program.js';
import type { AffiliateId, EnrolmentId, ProgramId } from '../ids.js';
import type { Instant } from '../time.js';
import { type DocumentFact, type DocumentKind, openDocuments } from './document.js';
import type { OpenRequirement } from './requirement.js';
import { type EventOf, eventsFrom, nextStatus, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.1, second table */
export const enrolmentTransitions = transitionTable({
  pending: { activated: 'active', ended: 'ended' },
  active: { paused: 'paused', ended: 'ended' },
  paused: { resumed: 'active', ended: 'ended' },
  ended: {},
});
export type EnrolmentStatus = StatusOf<typeof enrolmentTransitions>;
export type EnrolmentEvent = EventOf<typeof enrolmentTransitions>;

export interface Enrolment {
  readonly id: EnrolmentId;
  readonly affiliateId: AffiliateId;
  readonly programId: ProgramId;
  readonly status: EnrolmentStatus;
  /** The first join of this affiliate in this program: a later enrolment keeps it (AFF-26). */
  readonly joinedAt: Instant;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** What a program asks, and what this affiliate has done of it. */
export interface RequirementFacts {
  readonly programName: string;
  readonly requirements: readonly EnrolmentRequirement[];
  /** Staff made the record: such people need not verify their e-mail first (AFF-23). */
  readonly madeByStaff: boolean;
  readonly emailVerified: boolean;
  /** The program's current terms ask for acceptance. */
  readonly mustAcceptTerms: boolean;
  readonly termsAccepted: boolean;
  /** What the program asks to see, and what the affiliate has sent, newest first. */
  readonly documentKinds: readonly DocumentKind[];
  readonly documents: readonly DocumentFact[];
}

/** What is still open for one enrolment, each document by its name (AFF-23, AFF-24). */
export function openForEnrolment(facts: RequirementFacts): readonly OpenRequirement[] {
  const asks = (requirement: EnrolmentRequirement): boolean => facts.requirements.includes(requirement);
  return [
    ...(asks('email_verified') && !facts.madeByStaff && !facts.emailVerified
      ? [{ code: 'email_verified', detail: 'The e-mail address is not verified.' }]
      : []),
    ...(asks('agreement_accepted') && facts.mustAcceptTerms && !facts.termsAccepted
      ? [{ code: 'agreement_accepted', detail: `The current terms of ${facts.programName} are not accepted.` }]
      : []),
    ...(asks('documents') ? openDocuments(facts.documentKinds, facts.documents) : []),
  ];
}

const statusAfter: Readonly<Record<EnrolmentEvent, EnrolmentStatus>> = {
  activated: 'active',
  paused: 'paused',
  resumed: 'active',
  ended: 'ended',
};

const actionOf: Readonly<Record<EnrolmentEvent, string>> = {
  activated: 'activate',
  paused: 'pause',
  resumed: 'resume',
  ended: 'end',
};

/**
 * Judges one move of an enrolment. Refuses with `enrolment.already_decided`, `enrolment.transition_not_allowed`; an activation also with
 * `enrolment.requirements_open`, as long as the affiliate is not approved or something the program asks is open.
 */
export function decideEnrolmentMove(
  enrolment: Pick<Enrolment, 'status'>,
  event: EnrolmentEvent,
  open: readonly OpenRequirement[] = [],
): Decided<EnrolmentEvent> {
  if (nextStatus(enrolmentTransitions, enrolment.status, event) === undefined) {
    const isRepeat = statusAfter[event] === enrolment.status;
    return refused(isRepeat ? 'enrolment.already_decided' : 'enrolment.transition_not_allowed', {
      currentStatus: enrolment.status,
    });
  }
  return event === 'activated' && open.length > 0
    ? refused('enrolment.requirements_open', { open })
    : { kind: 'accepted', event };
}

/** The actions the state table offers, in wire form. */
export function enrolmentActions(status: EnrolmentStatus): readonly string[] {
  return eventsFrom(enrolmentTransitions, status).map((event) => actionOf[event]);
}
