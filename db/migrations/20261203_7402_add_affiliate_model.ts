import type { Knex } from 'knex';

// What an affiliate is paid for, where that is not what its programs say (features.md PRG-21). A column without a default: its lock is short.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `alter table affiliates add column acquisition_model text
     constraint affiliates_acquisition_model check (acquisition_model in ('cpl', 'cpa'))`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table affiliates drop column acquisition_model');
}
