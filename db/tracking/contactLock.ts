import { once, run } from '../pipeline.js';
import type { Tx } from '../transaction.js';

/** Locks the contact of a lead or sale, before its referral and itself (money.md 9). Nothing where it has none. */
export function lockContactOf(tx: Tx, table: 'leads' | 'sales', id: string): Promise<void> {
  return once(tx, [], `contact of ${id}`, async () => {
    await run(
      tx,
      `select id from contacts where id = (select contact_id from ${table} where id = $1) for no key update`,
      [id],
    );
  });
}
