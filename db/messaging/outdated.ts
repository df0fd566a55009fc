import type { Instant } from '../../domain/time.js';
import type { Tx } from '../transaction.js';

/** Rows per statement: a short one, so that it never holds up the relay or an API call. */
const batch = 5_000;

/**
 * Deletes a batch of what nobody needs any more: messages sent 30 days ago, keys of requests of 30 days ago (not those that guard money),
 * what could point to a visitor and is older than the workspace's setting. Answers how many; 0: nothing is left.
 */
export async function deleteOutdated(
  tx: Tx,
  before: { readonly sent: Instant; readonly keys: Instant; readonly clickDetails: Instant },
): Promise<number> {
  const { rows } = await tx.raw<{ rows: { deleted: bigint }[] }>(
    `with messages as (
       delete from outbox where id = any (array(select id from outbox where sent_at < :sent limit :batch)) returning 1
     ), keys as (
       delete from idempotency_keys where ctid = any (array(
         select ctid from idempotency_keys where created_at < :keys and not keep_for_ever limit :batch)) returning 1
     ), details as (
       -- by place: the table's key begins with the time, a delete by click would read all of it for each batch
       delete from click_details where ctid = any (array(
         select ctid from click_details where created_at < :clickDetails limit :batch)) returning 1
     )
     select (select count(*) from messages) + (select count(*) from keys) + (select count(*) from details) as deleted`,
    { ...before, batch },
  );
  return Number(rows[0]?.deleted ?? 0n);
}

/** How long what can point to a visitor is kept, as the workspace set it; undefined: the product's default. */
export async function findClickDetailsSetting(tx: Tx): Promise<string | undefined> {
  const { rows } = await tx.raw<{ rows: { value: string | null }[] }>(
    `select sections -> 'privacy' ->> 'clickDetails' as value from settings`,
  );
  return rows[0]?.value ?? undefined;
}
