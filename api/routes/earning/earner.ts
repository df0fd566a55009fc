import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { listEnrolments } from '../../../db/affiliate/enrolment.js';
import type { Tx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import { invalid } from '../../problems.js';

/**
 * Whom staff give a lead or a sale to, or name as a customer's referrer, can earn in its program now: approved, and enrolled there, as for a referral that they enter (TRK-27). Codes:
 * request.validation_failed (no such affiliate), affiliate.affiliate_not_active.
 */
export async function requireEarner(
  tx: Tx,
  of: { readonly affiliateId: string; readonly programId: string },
): Promise<void> {
  const affiliate = await findAffiliate(tx, of.affiliateId);
  if (affiliate === undefined)
    throw invalid({ pointer: '#/affiliateId', code: 'not_found', detail: 'There is no such affiliate.' });
  const isEnrolled = (await listEnrolments(tx, affiliate.id)).some(
    (one) => one.programId === of.programId && one.status === 'active',
  );
  if (affiliate.status !== 'approved' || !isEnrolled)
    throw new DomainError('affiliate.affiliate_not_active', { detail: 'The affiliate is not active in this program.' });
}
