import type { Knex } from 'knex';

// Why: an index that grows at its left end splits its pages in halves; upwards, clicks of a workspace fill them (104 against 168
// bytes a click), and the list reads it backwards. Locks `clicks` against writes while it builds: seconds per million rows. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`drop index clicks_newest`);
  await knex.raw(`create index clicks_newest on clicks (workspace_id, created_at, id)`);
  await knex.raw(`comment on index clicks_newest is 'list of clicks, read backwards'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index clicks_newest`);
  await knex.raw(`create index clicks_newest on clicks (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index clicks_newest is 'list of clicks'`);
}
