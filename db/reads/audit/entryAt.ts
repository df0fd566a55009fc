import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

// What did Postgres record about an object under this sequence? Shown beside the replayed state (temporal.md 10.5).

export async function findEntryAt(
  tx: ReadTx,
  objectId: string,
  sequence: number,
): Promise<
  | {
      readonly id: string;
      readonly event: string;
      readonly from: string | null;
      readonly to: string | null;
      readonly at: Instant;
    }
  | undefined
> {
  return tx('audit_entries')
    .where({ object_id: objectId, seq: sequence })
    .first<{ id: string; event: string; from: string | null; to: string | null; at: Instant } | undefined>(
      'id',
      'event',
      { from: 'from_status' },
      { to: 'to_status' },
      'at',
    );
}
