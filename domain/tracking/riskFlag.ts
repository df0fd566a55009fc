import type { AffiliateId, ReferralId } from '../ids.js';
import type { Instant } from '../time.js';

/** Something odd about a referral or an affiliate, with what showed it. Staff look at it and dismiss it, or act (features.md 19). */
export interface RiskFlag {
  readonly id: string;
  readonly referralId: ReferralId | null;
  readonly affiliateId: AffiliateId | null;
  readonly code: 'self_referral' | 'affiliate_conflict';
  /** Ids and kinds, no addresses. */
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly at: Instant;
  readonly dismissedAt: Instant | null;
}
