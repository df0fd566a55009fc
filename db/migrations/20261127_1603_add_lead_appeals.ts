import type { Knex } from 'knex';

// A lead that does not count can be appealed too (BEY-15). Replaces a CHECK on a small table: a short ACCESS EXCLUSIVE lock. Reversible while
// there is no such appeal.

const types = (words: string): string =>
  `alter table appeals drop constraint appeals_object_type, add constraint appeals_object_type check (object_type in (${words}))`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(types(`'referral', 'commission', 'lead'`));
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(types(`'referral', 'commission'`));
}
