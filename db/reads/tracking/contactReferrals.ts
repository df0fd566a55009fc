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

/** How many lines hang on the referral: money that only the referral's own merge may move. */
export async function countCommissions(tx: ReadTx | Tx, referralId: string): Promise<number> {
  const row = await tx('commissions').where({ referral_id: referralId }).count({ rows: '*' }).first<{ rows: bigint }>();
  return Number(row.rows);
}
