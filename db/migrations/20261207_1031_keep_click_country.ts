import type { Knex } from 'knex';

// Where a click came from, as the operator's proxy said (screens.md 3.16, place mismatch). It stands beside the click, with the address's hash
// and for as long, because it says something of a person. A column without a default: its lock is short.

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table click_details add column country text');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table click_details drop column country');
}
