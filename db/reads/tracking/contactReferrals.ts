import type { Mode } from '../../../domain/act.js';
import type { ProgramId, ReferralId } from '../../../domain/ids.js';
import type { ReadTx, Tx } from '../../transaction.js';

// Which living referrals has this person, of both modes?
export async function listOwnReferrals(
  tx: ReadTx | Tx,
  contactId: string,
): Promise<readonly { readonly id: ReferralId; readonly mode: Mode; readonly programId: ProgramId }[]> {
  const rows = await tx('referrals')
    .where({ contact_id: contactId })
    .whereIn('status', ['pending', 'approved', 'rejected'])
    .orderBy('id')
    .select<{ id: ReferralId; mode: Mode; program_id: ProgramId }[]>('id', 'mode', 'program_id');
  return rows.map((row) => ({ id: row.id, mode: row.mode, programId: row.program_id }));
}
