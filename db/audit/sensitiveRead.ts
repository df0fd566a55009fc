import type { Act } from '../../domain/act.js';
import type { Tx } from '../transaction.js';
import { recordAudit } from './audit.js';

interface Unversioned {
  readonly objectType: string;
  readonly objectId: string;
  readonly event: string;
  readonly changes?: Readonly<Record<string, unknown>>;
}

/** One line for a sensitive read: who looked at what, when (AUD-12). */
export function recordSensitiveRead(tx: Tx, act: Act, read: Unversioned): Promise<void> {
  return recordUnversioned(tx, act, read);
}

/** One line about an object that has no row with a version: the next number is counted under a lock of its own. */
export async function recordUnversioned(tx: Tx, act: Act, read: Unversioned): Promise<void> {
  await tx.raw(`select pg_advisory_xact_lock(hashtextextended(:objectId, 0))`, { objectId: read.objectId });
  const last = await tx('audit_entries')
    .where({ object_id: read.objectId })
    .max<{ seq: number | null }[]>('seq as seq');
  await recordAudit(tx, act, {
    objectType: read.objectType,
    objectId: read.objectId,
    seq: (last[0]?.seq ?? 0) + 1,
    event: read.event,
    ...(read.changes === undefined ? {} : { changes: read.changes }),
  });
}
