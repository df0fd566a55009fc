import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Kept filters of the affiliate list that lists, figures and messages can be of (features.md AFF-21). A new table: no lock on anything old.
// Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table segments (
      ${workspaceColumn},
      id text not null,
      name text not null,
      filter jsonb not null,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint segments_pkey primary key (workspace_id, id)
    )`);
  await knex.raw('create unique index segments_name_key on segments (workspace_id, lower(name))');
  await knex.raw(`comment on index segments_name_key is 'two segments of one name cannot be told apart in a menu'`);
  await isolate(knex, 'segments');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['segments']);
}
