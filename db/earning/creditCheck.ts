import { addDays, type Instant } from '../../domain/time.js';
import type { AffiliateId } from '../../domain/ids.js';
import type { Tx } from '../transaction.js';

/** When this affiliate asked within the last 24 hours; its questions wait for each other, so that none is counted twice. */
export async function lockQuestions(tx: Tx, affiliateId: AffiliateId, now: Instant): Promise<readonly Instant[]> {
  await tx('affiliates').where({ id: affiliateId }).forNoKeyUpdate().first('id');
  const rows = await tx('credit_checks')
    .where({ affiliate_id: affiliateId })
    .where('asked_at', '>', addDays(now, -1))
    .select<{ asked_at: Instant }[]>('asked_at');
  return rows.map((row) => row.asked_at);
}

export async function insertQuestion(
  tx: Tx,
  of: {
    readonly affiliateId: AffiliateId;
    readonly at: Instant;
    readonly kind: 'order' | 'click';
    readonly asked: string;
    readonly outcome: string;
  },
): Promise<void> {
  await tx('credit_checks')
    .insert({
      affiliate_id: of.affiliateId,
      asked_at: of.at,
      asked_kind: of.kind,
      asked: of.asked,
      outcome: of.outcome,
    })
    .onConflict(['workspace_id', 'affiliate_id', 'asked_at', 'asked'])
    .ignore();
}
