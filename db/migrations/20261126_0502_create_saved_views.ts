import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Kept filters of a list, of one person or shared with the workspace (screens.md 1.1). A new table: no lock on anything old. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table saved_views (
      ${workspaceColumn},
      id text not null,
      user_id text not null,
      screen text not null,
      name text not null,
      query text not null,
      shared boolean not null default false,
      is_default boolean not null default false,
      version integer not null default 1,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now(),
      constraint saved_views_pkey primary key (workspace_id, id),
      constraint saved_views_user foreign key (workspace_id, user_id) references users (workspace_id, id)
    )`);
  await knex.raw(
    'create unique index saved_views_name_key on saved_views (workspace_id, user_id, screen, lower(name))',
  );
  await knex.raw(`comment on index saved_views_name_key is 'two views of one name cannot be told apart in a menu'`);
  await knex.raw(
    'create unique index saved_views_one_default on saved_views (workspace_id, user_id, screen) where is_default',
  );
  await knex.raw(`comment on index saved_views_one_default is 'which view does this screen open with?'`);
  await knex.raw('create index saved_views_screen on saved_views (workspace_id, screen) where shared');
  await knex.raw(`comment on index saved_views_screen is 'views that colleagues shared for this screen'`);
  await isolate(knex, 'saved_views');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['saved_views']);
}
