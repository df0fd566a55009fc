import type { Knex } from 'knex';

// Staff raise a line by an entry that names it (COM-08). Of a sale that is given back the raise goes as the line does, by its share of what is given
// back from then on: what was given back before is kept on the entry (docs/decisions/0981). Adds a column with a constant default, which rewrites nothing.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table commissions
      add column given_back_minor bigint not null default 0,
      add constraint commission_given_back check (given_back_minor between 0 and 1000000000000000)`);
  await knex.raw(
    `comment on column commissions.given_back_minor is 'of a raise by hand: what had been given back of the sale before it'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`alter table commissions drop constraint commission_given_back, drop column given_back_minor`);
}
