import type { AffiliateId, ProgramId } from '../../../domain/ids.js';
import type { Tx } from '../../transaction.js';

// Who is in this program, or was suspended from it, and in which language do they read?
export async function listEnrolledReaders(
  tx: Tx,
  programId: ProgramId,
): Promise<readonly { readonly id: AffiliateId; readonly language: string | null }[]> {
  return tx('enrolments as enrolment')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'enrolment.workspace_id').andOn('affiliate.id', 'enrolment.affiliate_id'),
    )
    .where({ 'enrolment.program_id': programId })
    .whereNot({ 'enrolment.status': 'ended' })
    .whereIn('affiliate.status', ['approved', 'suspended'])
    .select<{ id: AffiliateId; language: string | null }[]>('affiliate.id', 'affiliate.language');
}
