import { type Decided, refused } from '../decided.js';
import type { CheckId, ReferralId } from '../ids.js';
import type { Instant } from '../time.js';
import { nextStatus } from '../transitions.js';
import { type CheckEvent, type CheckStatus, checkTransitions } from './referral.js';

export const checkKinds = ['fraud', 'identity', 'payment'] as const;
export type CheckKind = (typeof checkKinds)[number];

/** A verification of a referral (REF-04). */
export interface Check {
  readonly id: CheckId;
  readonly referralId: ReferralId;
  readonly kind: CheckKind;
  readonly status: CheckStatus;
  readonly required: boolean;
  /** The adapter that is asked; null: decided by our own rules or by staff. */
  readonly provider: string | null;
  readonly reasonCode: string | null;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly decidedBy: string | null;
  readonly decidedAt: Instant | null;
  /** When the provider has to be asked, again or for the first time. */
  readonly askAt: Instant | null;
  /** What a provider said and nobody has judged yet. */
  readonly pendingVerdict: string | null;
  readonly version: number;
  readonly createdAt: Instant;
}

/** What a provider may answer; `unknown`: it did not, or nobody knows. */
export type CheckVerdict = 'passed' | 'failed' | 'unknown';

export function parseVerdict(text: string): CheckVerdict {
  return text === 'passed' || text === 'failed' ? text : 'unknown';
}

/** The wire's wanted status → the event of the table (api.md 9.1). */
export const checkEventOf: Readonly<Record<CheckStatus, CheckEvent>> = {
  passed: 'passed',
  failed: 'failed',
  waived: 'waived',
  waiting: 'askedAnew',
};

/** Refuses with `check.transition_not_allowed`; the status it has already is nothing to do. */
export function decideCheckMove(check: Pick<Check, 'status'>, event: CheckEvent): Decided<CheckEvent> {
  if (nextStatus(checkTransitions, check.status, event) !== undefined) return { kind: 'accepted', event };
  return nextStatusOf(event) === check.status
    ? { kind: 'unchanged' }
    : refused('check.transition_not_allowed', { currentStatus: check.status });
}

function nextStatusOf(event: CheckEvent): CheckStatus {
  return (Object.keys(checkEventOf) as CheckStatus[]).find((status) => checkEventOf[status] === event) as CheckStatus;
}

/**
 * The required check that a person found to fail: it rejects the referral (features.md 2.2, FRD-04). What our own rules find waits for a person
 * (FRD-01); what was known when somebody reopened the referral does not reject it again.
 */
export function findFailedByPerson<C extends Pick<Check, 'status' | 'required' | 'decidedBy' | 'decidedAt'>>(
  checks: readonly C[],
  referral: { readonly decidedAt: Instant | null },
): C | undefined {
  return checks.find(
    (check) =>
      check.status === 'failed' &&
      check.required &&
      check.decidedBy !== null &&
      check.decidedAt !== null &&
      (referral.decidedAt === null || check.decidedAt > referral.decidedAt),
  );
}

export interface OpenCheck {
  readonly code: 'check_open' | 'check_failed';
  readonly detail: string;
}

const nameOf: Readonly<Record<CheckKind, string>> = {
  fraud: 'fraud check',
  identity: 'identity check',
  payment: 'payment check',
};

/** What stands before an approval: required checks that wait or failed, in the order fraud, identity, payment (features.md 4.6). */
export function blockingChecks(checks: readonly Pick<Check, 'kind' | 'status' | 'required'>[]): readonly OpenCheck[] {
  return checkKinds.flatMap((kind) =>
    checks
      .filter((check) => check.kind === kind && check.required)
      .flatMap((check): OpenCheck[] => {
        if (check.status === 'waiting') return [{ code: 'check_open', detail: `The ${nameOf[kind]} is still open.` }];
        return check.status === 'failed' ? [{ code: 'check_failed', detail: `The ${nameOf[kind]} has failed.` }] : [];
      }),
  );
}

/** How long to wait until a provider that did not answer is asked again: 1 min, doubling, at most 6 h. Milliseconds. */
export function askAgainMs(unknownSoFar: number): number {
  return Math.min(6 * 3_600_000, 60_000 * 2 ** Math.min(unknownSoFar, 12));
}
