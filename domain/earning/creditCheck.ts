import type { AffiliateId } from '../ids.js';
import { addDays, type Instant } from '../time.js';
import type { Candidate } from '../tracking/attribution.js';

/** So many questions in 24 hours (api.md 17). */
export const creditChecksPerDay = 10;

/** How the credit was decided, in a word that names nobody. */
export type CreditRule = 'first_referrer' | 'last_referrer' | 'coupon' | 'first_payment';

export interface CreditAnswer {
  /** `no_touch` also where there is no such order: whoever has no touch learns nothing about orders. */
  readonly outcome: 'credited' | 'other' | 'nobody' | 'no_touch';
  readonly touch: {
    readonly kind: Candidate['kind'];
    readonly at: Instant;
    readonly endsAt: Instant;
    readonly sub1: string | null;
    /** Did it still count when the sale or lead happened? Null: nothing has happened yet. */
    readonly inWindow: boolean | null;
  } | null;
  readonly decidedBy: CreditRule | null;
  /** Why not (features.md 4.1 to 4.3). */
  readonly code: string | null;
}

/** A touch of the asking affiliate's own. */
export type OwnTouch = Pick<Candidate, 'kind' | 'affiliateId' | 'occurredAt' | 'endsAt' | 'sub1' | 'sourceId'>;

/**
 * "Why was I not credited?" (BEY-14): from the affiliate's own touches on the journey, what happened, and how its credit was decided. Nobody
 * else's identity goes in but as "somebody else".
 */
export function answerCredit(
  affiliateId: AffiliateId,
  of: {
    readonly touches: readonly OwnTouch[];
    /** When the sale or lead happened; null: nothing came of the click yet. */
    readonly happenedAt: Instant | null;
    readonly creditedTo: AffiliateId | null;
    readonly unattributedCode: string | null;
    /** The decision that was taken for it, or for the first payment where it is a renewal. */
    readonly decision: {
      readonly referrerChoice: 'first' | 'last';
      readonly candidates: readonly Candidate[];
      readonly isOfThis: boolean;
    } | null;
  },
): CreditAnswer {
  const { happenedAt, decision } = of;
  const before = of.touches.filter((touch) => happenedAt === null || touch.occurredAt <= happenedAt);
  const counting = before.filter((touch) => happenedAt === null || happenedAt < touch.endsAt);
  const shown = (counting.length > 0 ? counting : before.length > 0 ? before : of.touches).at(-1);
  if (shown === undefined) return { outcome: 'no_touch', touch: null, decidedBy: null, code: 'no_touch' };
  const touch = {
    kind: shown.kind,
    at: shown.occurredAt,
    endsAt: shown.endsAt,
    sub1: shown.sub1,
    inWindow: happenedAt === null ? null : shown.occurredAt <= happenedAt && happenedAt < shown.endsAt,
  };
  const decidedBy = decision === null ? null : ruleOf(decision);
  if (of.creditedTo === affiliateId) return { outcome: 'credited', touch, decidedBy, code: null };
  const lost =
    decision?.candidates.filter((one) => one.affiliateId === affiliateId && one.code !== null).at(-1)?.code ?? null;
  if (of.creditedTo !== null) return { outcome: 'other', touch, decidedBy, code: lost };
  return { outcome: 'nobody', touch, decidedBy: null, code: lost ?? of.unattributedCode };
}

function ruleOf(decision: {
  readonly referrerChoice: 'first' | 'last';
  readonly candidates: readonly Candidate[];
  readonly isOfThis: boolean;
}): CreditRule {
  if (!decision.isOfThis) return 'first_payment'; // renewals stay with the affiliate of the first payment (api.md 8.3)
  if (decision.candidates.find((one) => one.won)?.kind === 'coupon') return 'coupon';
  return decision.referrerChoice === 'first' ? 'first_referrer' : 'last_referrer';
}

/** How many questions are left, and when the next may be asked where none is. */
export function questionsLeft(asked: readonly Instant[]): { readonly left: number; readonly nextAt: Instant | null } {
  const left = Math.max(0, creditChecksPerDay - asked.length);
  const [oldest] = [...asked].sort();
  return { left, nextAt: left > 0 || oldest === undefined ? null : addDays(oldest, 1) };
}
