import type { Knex } from 'knex';

// Visits counted by days (TRK-15, PRT-02) and their list. A new index only. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`create index visits_newest on visits (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index visits_newest is 'visits of some days: reports and list'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index visits_newest`);
}
