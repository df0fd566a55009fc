import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Payment sources and the events that they send (api.md 4.2, 15). New tables only: no lock. Reversible.

const tables = ['payment_sources', 'payment_events', 'payment_keys'];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table payment_sources (
      ${workspaceColumn},
      id text not null,
      name text not null,
      adapter text not null constraint payment_sources_adapter check (adapter in ('standard', 'stripe')),
      mode text not null constraint payment_sources_mode check (mode in ('live', 'test')),
      secret text,
      secret_set_at timestamptz(3),
      field_map jsonb not null default '{}',
      active boolean not null default true,
      last_event_at timestamptz(3),
      last_code text,
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint payment_sources_pkey primary key (workspace_id, id),
      constraint payment_sources_id_key unique (id),
      constraint payment_sources_secret check ((secret is null) = (secret_set_at is null))
    )`);
  await knex.raw(`comment on column payment_sources.secret is 'sealed with SECRET_KEY; null: nothing is accepted yet'`);
  await knex.raw(
    `comment on column payment_sources.mode is 'of its facts; a Stripe event says it itself (livemode), then this is not read'`,
  );
  await isolate(knex, 'payment_sources', 'select, insert, update');
  await knex.raw(`
    create table payment_events (
      ${workspaceColumn},
      source_id text not null,
      external_id text not null,
      mode text not null constraint payment_events_mode check (mode in ('live', 'test')),
      type text not null,
      body_hash bytea not null,
      occurred_at timestamptz(3) not null,
      facts integer not null,
      facts_done integer not null default 0,
      outcome text constraint payment_events_outcome check (outcome in ('applied', 'no_effect', 'ignored', 'parked', 'refused')),
      code text,
      parked_fact jsonb,
      waits_for text[],
      received_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      processed_at timestamptz(3),
      constraint payment_events_pkey primary key (workspace_id, source_id, external_id),
      constraint payment_events_source foreign key (workspace_id, source_id) references payment_sources (workspace_id, id),
      constraint payment_events_parked check ((outcome is not distinct from 'parked') = (parked_fact is not null)),
      constraint payment_events_waits check ((parked_fact is null) = (waits_for is null))
    )`);
  await knex.raw(
    `comment on column payment_events.facts_done is 'each fact is a transaction of its own; a repeated delivery goes on behind the last one done'`,
  );
  await knex.raw(
    `comment on column payment_events.parked_fact is 'a refund or dispute whose sale is not known yet: ids and amounts, nobody''s name'`,
  );
  await knex.raw(
    `create index payment_events_parked_index on payment_events using gin (waits_for) where outcome = 'parked'`,
  );
  await knex.raw(`comment on index payment_events_parked_index is 'what waited for the sale that just came'`);
  await knex.raw(
    `create index payment_events_newest on payment_events (workspace_id, source_id, received_at desc, external_id desc)`,
  );
  await knex.raw(`comment on index payment_events_newest is 'the log of a source'`);
  await isolate(knex, 'payment_events', 'select, insert, update');
  await knex.raw(`
    create table payment_keys (
      ${workspaceColumn},
      mode text not null constraint payment_keys_mode check (mode in ('live', 'test')),
      key text not null,
      sale_external_id text not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint payment_keys_pkey primary key (workspace_id, mode, key)
    )`);
  await knex.raw(
    `comment on table payment_keys is 'a payment intent or charge and the sale it paid: refunds and disputes name only the former'`,
  );
  await isolate(knex, 'payment_keys', 'select, insert');
  await knex.raw(`
    create function directory_payment_source(wanted text) returns table (workspace_id text, adapter text, mode text, secret text, active boolean,
      field_map jsonb)
    language sql stable security definer set search_path = public, pg_temp as $$
      select workspace_id, adapter, mode, secret, active, field_map from payment_sources where id = wanted and deleted_at is null
    $$`);
  await knex.raw('revoke execute on function directory_payment_source(text) from public');
  await knex.raw('grant execute on function directory_payment_source(text) to tributary_app');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function if exists directory_payment_source(text)');
  await dropTables(knex, tables);
}
