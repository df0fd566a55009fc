import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Why: a subscription that was cancelled earns nothing for what is paid afterwards (COM-16), and events come in any order, so the cancellation is
// kept: the earliest one that was told. A new table: nothing is rewritten. The index holds payments of subscriptions only; while it is built, sales wait.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table subscription_ends (
      ${workspaceColumn},
      mode text not null constraint subscription_ends_mode check (mode in ('live', 'test') or mode like 'archived:%'),
      subscription_external_id text not null,
      cancelled_at timestamptz(3) not null,
      created_at timestamptz(3) not null,
      constraint subscription_ends_pkey primary key (workspace_id, mode, subscription_external_id)
    )`);
  await knex.raw(
    `comment on table subscription_ends is 'when a subscription was cancelled: a payment after it earns nothing'`,
  );
  await isolate(knex, 'subscription_ends', 'select, insert, update');
  // Which payments does a subscription have? Asked for each of its payments and at its end.
  await knex.raw(
    `create index sales_subscription on sales (workspace_id, subscription_external_id, occurred_at) where subscription_external_id is not null`,
  );
  // Test data that is put away takes it along (TST-07): whatever has this policy is archived.
  await knex.raw(
    `create policy subscription_ends_archived on subscription_ends as restrictive to tributary_app using (mode not like 'archived:%')`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index if exists sales_subscription');
  await dropTables(knex, ['subscription_ends']);
}
