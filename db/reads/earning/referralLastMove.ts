import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** Who brought the object into its present status, and when? Ids only: whoever shows it adds the name. */
export async function readLastMove(
  tx: ReadTx | Tx,
  objectId: string,
): Promise<{ readonly by: string | null; readonly at: Instant } | undefined> {
  const row = await tx('audit_entries')
    .where({ object_id: objectId })
    .whereRaw('from_status is distinct from to_status')
    .orderBy('seq', 'desc')
    .first<{ actor_user_id: string | null; actor_id: string | null; at: Instant } | undefined>(
      'actor_user_id',
      'actor_id',
      'at',
    );
  return row === undefined ? undefined : { by: row.actor_user_id ?? row.actor_id, at: row.at };
}
