import type { AffiliateId, LinkId } from '../ids.js';
import type { Instant } from '../time.js';
import type { CouponProblem } from './coupon.js';

/** A credited click, a coupon, an API lead or a hand entry that names an affiliate on a referral, good until its window ends. */
export interface Touch {
  readonly kind: 'click' | 'coupon' | 'lead' | 'manual';
  /** The click, coupon use or lead it is: one touch per source on a referral. */
  readonly sourceId: string;
  readonly affiliateId: AffiliateId;
  readonly linkId: LinkId | null;
  readonly sub1: string | null;
  readonly occurredAt: Instant;
  /** Exclusive: at this instant it counts no more (features.md 2.2, TRK-07). */
  readonly endsAt: Instant;
}

export type ReferrerChoice = 'first' | 'last';
export type CouponPriority = 'coupon_first' | 'link_first';

/** Why a touch was not the one: the last four are of features.md 4.3 or say which one was preferred. */
export type LoserCode =
  | 'after_event'
  | 'cookie_expired'
  | 'coupon_preferred'
  | 'link_preferred'
  | 'not_first'
  | 'not_last';
/** features.md 4.3, in its order. */
export type UnattributedCode =
  | 'coupon_unknown'
  | 'coupon_expired'
  | 'referral_lifetime_over'
  | 'cookie_expired'
  | 'before_enrolment'
  | 'no_touch';

export interface Candidate extends Touch {
  readonly won: boolean;
  readonly code: LoserCode | null;
}

export interface AttributionInput {
  readonly touches: readonly Touch[];
  /** When the lead or sale happened. */
  readonly at: Instant;
  readonly referrerChoice: ReferrerChoice;
  readonly couponPriority: CouponPriority;
  /** The referrers already on the referral: the first stays for ever, the last until another touch counts. */
  readonly first: AffiliateId | null;
  readonly last: AffiliateId | null;
  /** A code was named that gives no credit, and why not; null: none was, or it gives credit by a touch of its own. */
  readonly couponProblem: CouponProblem | null;
}

export interface Attribution {
  readonly first: AffiliateId | null;
  readonly last: AffiliateId | null;
  /** Who is credited; null with `code`. */
  readonly affiliateId: AffiliateId | null;
  /** The touch that carries the credit; null where an earlier decision on the referral does. */
  readonly winner: Touch | null;
  readonly code: UnattributedCode | null;
  /** Every touch with the reason it won or lost, oldest first. */
  readonly candidates: readonly Candidate[];
}

/**
 * Who is credited for a lead or sale (REF-18). The touches decide, not the order in which they became known: deciding again from the stored
 * inputs gives the same winner (reliability.md G30).
 */
export function chooseTouch(input: AttributionInput): Attribution {
  const touches = inOrder(input.touches);
  const counting = touches.filter((touch) => touch.occurredAt <= input.at && input.at < touch.endsAt);
  const coupons = counting.filter((touch) => touch.kind === 'coupon');
  const others = counting.filter((touch) => touch.kind !== 'coupon');
  const couponCounts = coupons.length > 0 && (input.couponPriority === 'coupon_first' || others.length === 0);
  const preferred = couponCounts ? coupons : others;

  const first = input.first ?? preferred.at(0)?.affiliateId ?? null;
  const last = preferred.at(-1)?.affiliateId ?? input.last;
  const affiliateId = input.referrerChoice === 'first' ? first : last;
  const ofCredited = preferred.filter((touch) => touch.affiliateId === affiliateId);
  const winner = (input.referrerChoice === 'first' ? ofCredited.at(0) : ofCredited.at(-1)) ?? null;

  return {
    first,
    last,
    affiliateId,
    winner,
    code: affiliateId === null ? whyNobody(input, touches) : null,
    candidates: touches.map((touch) => ({
      ...touch,
      won: touch === winner,
      code: touch === winner ? null : whyNot(touch, { ...input, couponCounts }),
    })),
  };
}

/** By time, then by source: two at the same millisecond have an order too. The same source twice is one touch. */
function inOrder(touches: readonly Touch[]): readonly Touch[] {
  const bySource = new Map(touches.map((touch) => [touch.sourceId, touch]));
  return [...bySource.values()].sort((a, b) =>
    a.occurredAt === b.occurredAt ? (a.sourceId < b.sourceId ? -1 : 1) : a.occurredAt < b.occurredAt ? -1 : 1,
  );
}

function whyNot(touch: Touch, input: AttributionInput & { readonly couponCounts: boolean }): LoserCode {
  if (touch.occurredAt > input.at) return 'after_event';
  if (input.at >= touch.endsAt) return 'cookie_expired';
  if (touch.kind === 'coupon' && !input.couponCounts) return 'link_preferred';
  if (touch.kind !== 'coupon' && input.couponCounts) return 'coupon_preferred';
  return input.referrerChoice === 'first' ? 'not_first' : 'not_last';
}

function whyNobody(input: AttributionInput, touches: readonly Touch[]): UnattributedCode {
  if (input.couponProblem !== null) return input.couponProblem;
  return touches.some((touch) => touch.occurredAt <= input.at) ? 'cookie_expired' : 'no_touch';
}
