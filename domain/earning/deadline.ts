import type { EffectiveTerms } from '../access/settings.js';
import { addDuration, addMs, type Duration, earliest, epochMs, type Instant } from '../time.js';
import type { Referral } from './referral.js';

/** A run with nothing left but unpaid money closes after this without a change; the payout opens a short one (temporal.md 3.9). */
export const dormantAfter = 'P60D' as Duration;
/** A wait for people has no deadline of its own, but no wait is without an end (decisions 3). Milliseconds. */
const longestWaitMs = 30 * 86_400_000;

/** The referral's commissions as far as a wait depends on them. */
export interface OpenMoney {
  /** The earliest end of a hold that nothing but time stands before; null: none. */
  readonly nextHoldEnd: Instant | null;
  readonly hasPending: boolean;
  readonly hasHeld: boolean;
  /** Approved and not paid, corrections included. */
  readonly hasUnpaid: boolean;
  readonly lastChangedAt: Instant | null;
}

export interface WaitInput {
  readonly referral: Pick<Referral, 'status' | 'decideBy' | 'lastChangedAt'>;
  /** When its newest touch ends, exclusive. */
  readonly windowEnd: Instant | null;
  readonly money: OpenMoney;
  /** When a provider has to be asked again; not those that are being asked now. */
  readonly nextAsk: Instant | null;
  readonly now: Instant;
}

/** Until when the referral's workflow waits; null: nothing is left to wait for (temporal.md 3.9). */
export function waitUntil({ referral, windowEnd, money, nextAsk, now }: WaitInput): Instant | null {
  const people = addMs(now, longestWaitMs);
  switch (referral.status) {
    case 'expired':
    case 'merged':
      return null;
    case 'tracking':
      return windowEnd ?? now;
    case 'pending':
      return earliest([referral.decideBy, nextAsk].filter((at) => at !== null)) ?? people;
    case 'approved':
    case 'rejected': {
      if (money.nextHoldEnd !== null && referral.status === 'approved') return money.nextHoldEnd;
      if (money.hasPending || money.hasHeld) return people;
      if (!money.hasUnpaid) return null;
      const changed = money.lastChangedAt ?? referral.lastChangedAt;
      const since = changed > referral.lastChangedAt ? changed : referral.lastChangedAt;
      const dormant = addDuration(since, dormantAfter);
      return dormant > now ? dormant : null;
    }
    default:
      return referral.status satisfies never;
  }
}

/** Milliseconds from now, rounded up, at least 1: a wait of 0 would leave a hidden marker in the history (temporal.md 3.5). */
export function msUntil(until: Instant, now: Instant): number {
  return Math.max(1, Math.ceil(epochMs(until) - epochMs(now)));
}

type DeadlineTerms = Pick<EffectiveTerms, 'checkReminder' | 'checkDeadline' | 'checkDeadlineAction'>;

/** When the first step of the verification deadline is due: the reminder, or the deadline where that comes first. */
export function firstDeadline(pendingSince: Instant, terms: DeadlineTerms): Instant {
  return earliest([
    addDuration(pendingSince, terms.checkReminder),
    addDuration(pendingSince, terms.checkDeadline),
  ]) as Instant;
}

/** What the verification deadline demands now (REF-09): remind and wait on, hand it on, reject, or nothing yet. */
export type DeadlineStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'remind'; readonly decideBy: Instant }
  | { readonly kind: 'escalate' }
  | { readonly kind: 'reject' };

export function deadlineStep(
  referral: Pick<Referral, 'status' | 'decideBy' | 'pendingSince' | 'remindedAt'>,
  terms: DeadlineTerms,
  now: Instant,
): DeadlineStep {
  const { decideBy, pendingSince, remindedAt } = referral;
  if (referral.status !== 'pending' || decideBy === null || pendingSince === null || decideBy > now)
    return { kind: 'none' };
  const deadline = addDuration(pendingSince, terms.checkDeadline);
  if (remindedAt === null && deadline > now) return { kind: 'remind', decideBy: deadline };
  return { kind: terms.checkDeadlineAction };
}
