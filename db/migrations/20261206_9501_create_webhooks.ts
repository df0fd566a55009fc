import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Endpoints that the merchant's own systems are told at, and the log of what was sent (INT-11, BEY-23, api.md 15). New tables only: no lock on
// anything old. Reversible.

const tables = ['webhook_endpoints', 'webhook_deliveries'];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table webhook_endpoints (
      ${workspaceColumn},
      id text not null,
      mode text not null constraint webhook_endpoints_mode check (mode in ('live', 'test')),
      url text not null,
      events text[] not null constraint webhook_endpoints_events check (cardinality(events) > 0),
      active boolean not null default true,
      secret text not null,
      secret_set_at timestamptz(3) not null,
      previous_secret text,
      previous_until timestamptz(3),
      failed_in_row integer not null default 0,
      failing_since timestamptz(3),
      disabled_at timestamptz(3),
      last_code text,
      last_at timestamptz(3),
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint webhook_endpoints_pkey primary key (workspace_id, id),
      constraint webhook_endpoints_previous check ((previous_secret is null) = (previous_until is null)),
      constraint webhook_endpoints_disabled check (disabled_at is null or not active)
    )`);
  await knex.raw(`comment on column webhook_endpoints.secret is 'sealed; shown once, when it is made'`);
  await knex.raw(
    `comment on column webhook_endpoints.failed_in_row is 'events in a row whose first try failed; a success starts it anew'`,
  );
  await knex.raw(
    `comment on column webhook_endpoints.disabled_at is 'switched off by failures in a row, and not by a person'`,
  );
  await knex.raw(`create index webhook_endpoints_active on webhook_endpoints (workspace_id, mode) where active`);
  await knex.raw(`comment on index webhook_endpoints_active is 'who is to be told of this event?'`);
  await isolate(knex, 'webhook_endpoints', 'select, insert, update');
  await knex.raw(`
    create table webhook_deliveries (
      ${workspaceColumn},
      id text not null,
      endpoint_id text not null,
      event_id text not null,
      entry_id text,
      event_type text not null,
      object_id text,
      url text not null,
      body text not null,
      status text not null constraint webhook_deliveries_status check (status in ('delivered', 'retrying', 'failed', 'dropped')),
      attempts integer not null,
      response_status integer,
      response_body text,
      code text,
      duration_ms integer,
      next_try_at timestamptz(3),
      last_try_at timestamptz(3) not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint webhook_deliveries_pkey primary key (workspace_id, id),
      constraint webhook_deliveries_endpoint foreign key (workspace_id, endpoint_id) references webhook_endpoints (workspace_id, id),
      constraint webhook_deliveries_once unique (workspace_id, endpoint_id, event_id),
      constraint webhook_deliveries_next check ((status = 'retrying') = (next_try_at is not null))
    )`);
  await knex.raw(
    `comment on table webhook_deliveries is 'the log of calls out: one row per event and endpoint, kept as long as sent messages'`,
  );
  await knex.raw(
    `comment on column webhook_deliveries.body is 'as it was first sent: a replay sends the same bytes under the same id'`,
  );
  await knex.raw(
    `comment on column webhook_deliveries.entry_id is 'the entry of the history that it tells of; null: the test button'`,
  );
  await knex.raw(
    `create index webhook_deliveries_newest on webhook_deliveries (workspace_id, created_at desc, id desc)`,
  );
  await knex.raw(`comment on index webhook_deliveries_newest is 'the log, and what is old enough to go'`);
  await knex.raw(
    `create index webhook_deliveries_of_endpoint on webhook_deliveries (workspace_id, endpoint_id, created_at desc, id desc)`,
  );
  await knex.raw(
    `comment on index webhook_deliveries_of_endpoint is 'the log of an endpoint, and how it did this week'`,
  );
  await isolate(knex, 'webhook_deliveries');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, tables);
}
