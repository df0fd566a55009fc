import type { Knex } from 'knex';

// The System screen says how old the newest backup is (screens.md 3.24). A nullable column on a small table, written by the backup itself as the
// owner; the application reads it. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table workspaces add column backed_up_at timestamptz(3)');
  await knex.raw(
    `comment on column workspaces.backed_up_at is 'the instant of the newest backup that was finished and holds this workspace'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table workspaces drop column backed_up_at');
}
