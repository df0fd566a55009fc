import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Postbacks out to affiliates and the log of their calls (BEY-21, api.md 15, 17). New tables only: no lock. Reversible.

const tables = ['postbacks', 'postback_deliveries'];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table postbacks (
      ${workspaceColumn},
      id text not null,
      affiliate_id text not null,
      program_id text,
      events text[] not null constraint postbacks_events check (cardinality(events) > 0),
      url text not null,
      active boolean not null default true,
      failures_in_row integer not null default 0,
      paused_at timestamptz(3),
      last_code text,
      last_at timestamptz(3),
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint postbacks_pkey primary key (workspace_id, id),
      constraint postbacks_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id),
      constraint postbacks_program foreign key (workspace_id, program_id) references programs (workspace_id, id),
      constraint postbacks_paused check (paused_at is null or not active)
    )`);
  await knex.raw(
    `comment on column postbacks.paused_at is 'switched off by 25 failures in a row, and not by a person'`,
  );
  await knex.raw(`comment on column postbacks.last_code is 'why the last call failed; null: it succeeded'`);
  await knex.raw(`create index postbacks_of_affiliate on postbacks (workspace_id, affiliate_id) where active`);
  await knex.raw(`comment on index postbacks_of_affiliate is 'who is to be told of this event?'`);
  await isolate(knex, 'postbacks', 'select, insert, update');
  await knex.raw(`
    create table postback_deliveries (
      ${workspaceColumn},
      id text not null,
      postback_id text not null,
      entry_id text,
      event text not null,
      object_id text,
      url text not null,
      status text not null constraint postback_deliveries_status check (status in ('delivered', 'retrying', 'failed', 'dropped')),
      attempts integer not null,
      response_status integer,
      response_body text,
      code text,
      next_try_at timestamptz(3),
      last_try_at timestamptz(3) not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint postback_deliveries_pkey primary key (workspace_id, id),
      constraint postback_deliveries_postback foreign key (workspace_id, postback_id) references postbacks (workspace_id, id),
      constraint postback_deliveries_next check ((status = 'retrying') = (next_try_at is not null))
    )`);
  await knex.raw(
    `comment on table postback_deliveries is 'the log of calls out: one row per event and postback, kept as long as sent messages'`,
  );
  await knex.raw(
    `comment on column postback_deliveries.entry_id is 'the entry of the history that it tells of; null: the test button'`,
  );
  await knex.raw(
    `create unique index postback_deliveries_once on postback_deliveries (workspace_id, postback_id, entry_id) where entry_id is not null`,
  );
  await knex.raw(`comment on index postback_deliveries_once is 'a message delivered twice is one row'`);
  await knex.raw(
    `create index postback_deliveries_newest on postback_deliveries (workspace_id, postback_id, created_at desc, id desc)`,
  );
  await knex.raw(`comment on index postback_deliveries_newest is 'the log of a postback'`);
  await knex.raw(`create index postback_deliveries_age on postback_deliveries (workspace_id, created_at)`);
  await knex.raw(`comment on index postback_deliveries_age is 'what is old enough to go'`);
  await isolate(knex, 'postback_deliveries');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, tables);
}
