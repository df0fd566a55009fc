import type { Knex } from 'knex';

// The daily look at destinations finds the links that are due without reading all. Seconds per million links. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `create index links_health_due on links (workspace_id, health_checked_at nulls first, id) where status = 'active'`,
  );
  await knex.raw(`comment on index links_health_due is 'sweep/linkHealth: links that nobody has looked at for a day'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index links_health_due');
}
