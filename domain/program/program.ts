import type { Decided } from '../decided.js';
import { refused } from '../decided.js';
import type { AgreementId, ProgramId } from '../ids.js';
import type { CurrencyCode } from '../money.js';
import type { Instant } from '../time.js';
import { type EventOf, eventsFrom, nextStatus, type StatusOf, transitionTable } from '../transitions.js';
import type { AcquisitionModel } from './planEvent.js';
import type { PlanStep } from './programPlan.js';

/** features.md 2.8 */
export const programTransitions = transitionTable({
  draft: { published: 'active', closed: 'closed' },
  active: { paused: 'paused', closed: 'closed' },
  paused: { resumed: 'active', closed: 'closed' },
  closed: {},
});
export type ProgramStatus = StatusOf<typeof programTransitions>;
export type ProgramEvent = EventOf<typeof programTransitions>;

/** What an applicant, or an affiliate before its enrolment becomes active, must have done (api.md 6.1). */
export const enrolmentRequirements = ['email_verified', 'agreement_accepted', 'documents'] as const;
export type EnrolmentRequirement = (typeof enrolmentRequirements)[number];

/** The terms a program may set for itself; what it does not set comes from the settings (api.md 6.1, `inherited`). */
export const ownTermNames = [
  'attributionWindow',
  'cookie',
  'referrerChoice',
  'referralLifetime',
  'couponPriority',
  'checkReminder',
  'checkDeadline',
  'checkDeadlineAction',
  'leadAcceptance',
  'referralApproval',
  'commissionApproval',
  'commissionHold',
  'requireSignature',
  'reviewAbove',
  'customerVisibility',
  'showDeclinedCharges',
  'showPurchaseHistory',
  'commissionEmail',
  'fxPoint',
  'paidAds',
  'brandTerms',
] as const;
export type OwnTermName = (typeof ownTermNames)[number];
/** In wire form, as the column keeps them: an absent name is inherited. */
export type OwnTerms = { readonly [Name in OwnTermName]?: unknown };

/** A change of terms: null inherits again, an absent name stays. */
export type PlannedTerms = OwnTerms;

/** The program's own terms after a change of some. */
export function withTerms(own: OwnTerms, change: PlannedTerms): OwnTerms {
  const merged: { [Name in OwnTermName]?: unknown } = { ...own };
  for (const name of ownTermNames) {
    const value = change[name];
    if (value === null) delete merged[name];
    else if (value !== undefined) merged[name] = value;
  }
  return merged;
}

/** The terms that hold at an instant: what is due and not written yet counts too, in its order. */
export function termsWithDue(ownTerms: OwnTerms, due: readonly PlannedTerms[]): OwnTerms {
  return due.reduce<OwnTerms>(withTerms, ownTerms);
}

/** After closing: nothing more is earned, or what renews goes on (PRG-20). */
export type Renewals = 'stop' | 'run_out';

export interface Program {
  readonly id: ProgramId;
  readonly name: string;
  /** Unique in the installation: it stands in public addresses. */
  readonly slug: string;
  readonly status: ProgramStatus;
  readonly currency: CurrencyCode;
  readonly timeZone: string | null;
  /** How many levels of the recruiter chain earn, 1 to 10. */
  readonly levels: number;
  readonly enrolment: 'open' | 'invite' | 'closed';
  readonly acquisitionModel: AcquisitionModel | null;
  /** Where the two changed or are going to. */
  readonly planSteps: readonly PlanStep[];
  readonly requirements: readonly EnrolmentRequirement[];
  readonly requiredChecks: readonly ('fraud' | 'identity' | 'payment')[];
  readonly ownTerms: OwnTerms;
  readonly landingUrl: string | null;
  readonly fallbackUrl: string | null;
  readonly destinationHosts: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly closedAt: Instant | null;
  readonly renewals: Renewals | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** What publishing looks at. */
export interface Readiness {
  readonly activeProducts: number;
  readonly currentTermsId: AgreementId | null;
  /** Its own rules, or the global default. */
  readonly hasRule: boolean;
}

/** What a program still needs before it can go live, in the order in which one would do it (api.md 6.1). */
export function openForPublishing(readiness: Readiness): readonly { readonly code: string; readonly detail: string }[] {
  return [
    ...(readiness.activeProducts > 0 ? [] : [{ code: 'product_missing', detail: 'Attach a product.' }]),
    ...(readiness.currentTermsId !== null ? [] : [{ code: 'terms_missing', detail: 'Publish terms.' }]),
    ...(readiness.hasRule ? [] : [{ code: 'rule_missing', detail: 'Add a commission rule, or a global default.' }]),
  ];
}

/** Refuses with `program.already_decided` (it is there already), `program.transition_not_allowed`, `program.requirements_open`. */
export function decideProgramMove(
  program: Pick<Program, 'status'>,
  event: ProgramEvent,
  readiness?: Readiness,
): Decided<ProgramEvent> {
  const next = nextStatus(programTransitions, program.status, event);
  if (next === undefined) {
    const isRepeat = statusAfter[event] === program.status;
    return refused(isRepeat ? 'program.already_decided' : 'program.transition_not_allowed', {
      currentStatus: program.status,
    });
  }
  const open = event === 'published' && readiness !== undefined ? openForPublishing(readiness) : [];
  return open.length > 0 ? refused('program.requirements_open', { open }) : { kind: 'accepted', event };
}

const statusAfter: Readonly<Record<ProgramEvent, ProgramStatus>> = {
  published: 'active',
  paused: 'paused',
  resumed: 'active',
  closed: 'closed',
};

const actionOf: Readonly<Record<ProgramEvent, string>> = {
  published: 'publish',
  paused: 'pause',
  resumed: 'resume',
  closed: 'close',
};

/** The actions the state table offers, in wire form; the caller drops those without the right. */
export function programActions(status: ProgramStatus): readonly string[] {
  return eventsFrom(programTransitions, status).map((event) => actionOf[event]);
}

/** May an affiliate join it without being asked? */
export function isJoinable(program: Pick<Program, 'status' | 'enrolment'>): boolean {
  return program.status === 'active' && program.enrolment === 'open';
}

/** Closed: what happens after it earns nothing, but for renewals that run out (PRG-20). */
export function isClosedTo(
  program: Pick<Program, 'status' | 'closedAt' | 'renewals'>,
  event: { readonly occurredAt: Instant; readonly paymentNumber: number | null },
): boolean {
  const isAfter = program.status === 'closed' && program.closedAt !== null && event.occurredAt >= program.closedAt;
  return isAfter && !(program.renewals === 'run_out' && (event.paymentNumber ?? 1) > 1);
}
