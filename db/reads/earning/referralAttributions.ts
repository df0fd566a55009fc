import type { Candidate } from '../../../domain/tracking/attribution.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

export interface AttributionView {
  readonly id: string;
  readonly causeType: string;
  readonly causeId: string;
  readonly referrerChoice: 'first' | 'last';
  readonly affiliateId: string | null;
  readonly code: string | null;
  readonly candidates: readonly Candidate[];
  readonly at: Instant;
}

// How was the credit decided, each time? Candidates, winner, and each loser with its reason (REF-18). Oldest first.
export async function listReferralAttributions(tx: ReadTx, referralId: string): Promise<readonly AttributionView[]> {
  const rows = await tx('attributions')
    .where({ referral_id: referralId })
    .orderBy('created_at')
    .orderBy('id')
    .limit(200)
    .select<
      {
        id: string;
        cause_type: string;
        cause_id: string;
        referrer_choice: 'first' | 'last';
        affiliate_id: string | null;
        code: string | null;
        candidates: readonly Candidate[];
        created_at: Instant;
      }[]
    >('*');
  return rows.map((row) => ({
    id: row.id,
    causeType: row.cause_type,
    causeId: row.cause_id,
    referrerChoice: row.referrer_choice,
    affiliateId: row.affiliate_id,
    code: row.code,
    candidates: row.candidates,
    at: row.created_at,
  }));
}
