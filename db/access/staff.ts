import type { ReadTx, Tx } from '../transaction.js';

/** Is this a person of the staff who can sign in now? */
export async function isActiveStaff(tx: ReadTx | Tx, userId: string): Promise<boolean> {
  const row = await tx('users')
    .where({ id: userId, audience: 'staff', status: 'active' })
    .first<{ id: string } | undefined>('id');
  return row !== undefined;
}
