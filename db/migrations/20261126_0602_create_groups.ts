import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Classes of affiliates with common terms (features.md 4). A new table; the group of an affiliate becomes a reference, checked for new rows only
// until nothing else can stand there (no route wrote one before). Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table groups (
      ${workspaceColumn},
      id text not null,
      name text not null,
      is_default boolean not null default false,
      minimum_payout jsonb not null default '[]',
      payout_frequency text constraint groups_frequency check (payout_frequency in ('weekly', 'biweekly', 'monthly', 'quarterly', 'manual')),
      payout_method_types text[] not null default '{}',
      area text,
      traffic_kind text,
      results_class text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint groups_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column groups.minimum_payout is 'threshold per currency, wire form; a currency that is not listed is the workspace''s'`,
  );
  await knex.raw(
    `comment on column groups.payout_method_types is 'kinds of payout method its members may choose; empty: all of the workspace'`,
  );
  await knex.raw('create unique index groups_name_key on groups (workspace_id, lower(name))');
  await knex.raw(`comment on index groups_name_key is 'create: is the name in use here?'`);
  await knex.raw('create unique index groups_one_default on groups (workspace_id) where is_default');
  await knex.raw(`comment on index groups_one_default is 'which group does a new affiliate join?'`);
  await isolate(knex, 'groups');
  await knex.raw(
    'alter table affiliates add constraint affiliates_group foreign key (workspace_id, group_id) references groups (workspace_id, id) not valid',
  );
  await knex.raw(
    'create index affiliates_group_index on affiliates (workspace_id, group_id) where group_id is not null',
  );
  await knex.raw(`comment on index affiliates_group_index is 'the members of a group'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index affiliates_group_index');
  await knex.raw('alter table affiliates drop constraint affiliates_group');
  await dropTables(knex, ['groups']);
}
