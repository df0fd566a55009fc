import type { Knex } from 'knex';

// A draft program that is deleted takes its thresholds with it (PRG-18). A grant: no lock. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw('grant delete on program_standards to tributary_app');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('revoke delete on program_standards from tributary_app');
}
