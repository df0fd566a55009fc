import type { AffiliateId, CouponId, ProgramId } from '../ids.js';
import type { Instant } from '../time.js';

/** A code that credits its affiliate without a click (BEY-18). It belongs to one affiliate and program at a time. */
export interface Coupon {
  readonly id: CouponId;
  /** As it was written; compared without case. */
  readonly code: string;
  readonly affiliateId: AffiliateId;
  readonly programId: ProgramId;
  /** Null: from its making. */
  readonly validFrom: Instant | null;
  /** Exclusive; null: without end. */
  readonly validTo: Instant | null;
  readonly active: boolean;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export type CouponProblem = 'coupon_unknown' | 'coupon_expired';

/**
 * Why a code gives no credit at this instant; null: it does. One that is switched off, out of its time, or whose affiliate, enrolment or
 * program is not active is as good as expired (features.md 4.3).
 */
export function couponProblem(
  found: { readonly coupon: Coupon; readonly isCrediting: boolean } | undefined,
  at: Instant,
): CouponProblem | null {
  if (found === undefined) return 'coupon_unknown';
  const { coupon, isCrediting } = found;
  const isInTime =
    (coupon.validFrom === null || coupon.validFrom <= at) && (coupon.validTo === null || at < coupon.validTo);
  return coupon.active && isCrediting && isInTime ? null : 'coupon_expired';
}
