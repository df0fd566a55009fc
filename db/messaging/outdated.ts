import type { Knex } from 'knex';
import type { Instant } from '../../domain/time.js';
import type { Db } from '../connection.js';
import type { Tx } from '../transaction.js';

/** Rows per statement: a short one, so that it never holds up the relay or an API call. */
const batch = 5_000;

/**
 * Deletes a batch of what nobody needs any more: messages sent 30 days ago, and the logs of postbacks and webhooks with them; messages that
 * could not be sent, some time later; keys of requests of 30 days ago (not those that guard money); mails as old as the log of requests is
 * kept; what could point to a visitor and is older than the workspace's setting. Answers how many; 0: nothing is left.
 */
export async function deleteOutdated(
  tx: Tx,
  before: {
    readonly sent: Instant;
    readonly dead: Instant;
    readonly keys: Instant;
    readonly mails: Instant;
    readonly clickDetails: Instant;
  },
): Promise<number> {
  const { rows } = await tx.raw<{ rows: { deleted: bigint }[] }>(
    `with messages as (
       delete from outbox where id = any (array(select id from outbox where sent_at < :sent limit :batch)) returning 1
     ), dead as (
       delete from outbox where id = any (array(select id from outbox where dead_at < :dead limit :batch)) returning 1
     ), mails as (
       delete from emails where (workspace_id, id) in (
         select workspace_id, id from emails where created_at < :mails and (sent_at is not null or created_at < :dead) limit :batch) returning 1
     ), told as (
       delete from postback_deliveries where (workspace_id, id) in (
         select workspace_id, id from postback_deliveries where created_at < :sent and status <> 'retrying' limit :batch) returning 1
     ), sent as (
       delete from webhook_deliveries where (workspace_id, id) in (
         select workspace_id, id from webhook_deliveries where created_at < :sent and status <> 'retrying' limit :batch) returning 1
     ), keys as (
       delete from idempotency_keys where ctid = any (array(
         select ctid from idempotency_keys where created_at < :keys and not keep_for_ever limit :batch)) returning 1
     ), details as (
       -- by place: the table is indexed by time alone, a delete by click would read all of it for each batch
       delete from click_details where ctid = any (array(
         select ctid from click_details where created_at < :clickDetails limit :batch)) returning 1
     ), devices as (
       delete from affiliate_devices where ctid = any (array(
         select ctid from affiliate_devices where seen_at < :clickDetails limit :batch)) returning 1
     ), senders as (
       delete from lead_details where ctid = any (array(
         select ctid from lead_details where created_at < :clickDetails limit :batch)) returning 1
     ), calls as (
       -- the log of requests is as old as the mails that it is kept beside
       delete from api_log where ctid = any (array(
         select ctid from api_log where created_at < :mails limit :batch)) returning 1
     ), links as (
       delete from customer_tokens where ctid = any (array(
         select ctid from customer_tokens where expires_at < :keys limit :batch)) returning 1
     )
     select (select count(*) from messages) + (select count(*) from dead) + (select count(*) from mails) + (select count(*) from keys)
          + (select count(*) from details) + (select count(*) from devices) + (select count(*) from senders) + (select count(*) from calls)
          + (select count(*) from links) + (select count(*) from told) + (select count(*) from sent) as deleted`,
    { ...before, batch },
  );
  return Number(rows[0]?.deleted ?? 0n);
}

/** How long the workspace keeps what can point to a visitor, and the log of requests; undefined: the product's default. */
export async function findPrivacySetting(tx: Tx, name: 'clickDetails' | 'apiLog'): Promise<string | undefined> {
  const { rows } = await tx.raw<{ rows: { value: string | null }[] }>(
    `select sections -> 'privacy' ->> :name as value from settings`,
    { name },
  );
  return rows[0]?.value ?? undefined;
}

/** Sessions and one-time links that ended so many days ago: they stand above workspaces. Answers how many; 0: nothing is left. */
export async function deleteOutdatedSignIns(db: Db, days: number): Promise<number> {
  const { rows } = await (db as Knex).raw<{ rows: { deleted: number }[] }>(
    'select directory_delete_outdated(?, ?) as deleted',
    [days, batch],
  );
  return rows[0]?.deleted ?? 0;
}
