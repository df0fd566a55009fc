import type { Mode } from '../../../domain/act.js';
import type { AffiliateId, ContactId, ProgramId } from '../../../domain/ids.js';
import type { ReadTx, Tx } from '../../transaction.js';

/**
 * In which program is a lead that names no credited click? The one it names; else the only one its sender is enrolled in; else the one
 * where its contact has a referral already, the newest first. Null: none, the lead stands for itself.
 */
export async function findDefaultProgram(
  tx: ReadTx | Tx,
  of: {
    readonly mode: Mode;
    readonly named: ProgramId | null;
    readonly affiliateId: AffiliateId | null;
    readonly contactId: ContactId;
  },
): Promise<ProgramId | null | 'not_found' | 'ambiguous'> {
  if (of.named !== null) {
    const row = await tx('programs').where({ id: of.named }).first<{ id: ProgramId } | undefined>('id');
    return row?.id ?? 'not_found';
  }
  if (of.affiliateId !== null) {
    const rows = await tx('enrolments')
      .where({ affiliate_id: of.affiliateId, status: 'active' })
      .limit(2)
      .select<{ program_id: ProgramId }[]>('program_id');
    if (rows.length > 1) return 'ambiguous';
    if (rows[0] !== undefined) return rows[0].program_id;
  }
  const row = await tx('referrals')
    .where({ mode: of.mode, contact_id: of.contactId })
    .whereIn('status', ['pending', 'approved', 'rejected'])
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .first<{ program_id: ProgramId } | undefined>('program_id');
  return row?.program_id ?? null;
}
