import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// What says that a workspace holds demo data, and how far its making came. Why a table: the banner, the demo shop and a start that was killed
// half way all ask. A new table: no lock on anything old. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table demo_data (
      ${workspaceColumn},
      seed integer not null,
      anchored_on date not null,
      shop_key text not null,
      recent_done_at timestamptz(3),
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint demo_data_pkey primary key (workspace_id)
    )`);
  await knex.raw(`comment on table demo_data is 'one row: this workspace was filled by npm start (screens.md 9.2)'`);
  await knex.raw(
    `comment on column demo_data.shop_key is 'the demo shop''s secret key, sealed with SECRET_KEY; it may report leads, sales and refunds'`,
  );
  await knex.raw(
    `comment on column demo_data.recent_done_at is 'null: the recent items, made through the API, are still under way'`,
  );
  await knex.raw(`comment on constraint demo_data_pkey on demo_data is 'is this demo data?'`);
  await isolate(knex, 'demo_data', 'select, insert, update');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['demo_data']);
}
