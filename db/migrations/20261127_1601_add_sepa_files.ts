import type { Knex } from 'knex';

// A third format of payout files: SEPA credit transfers (pain.001). Replaces a CHECK on a small table: a short ACCESS EXCLUSIVE lock, milliseconds.
// Reversible while no such file was made.

const formats = (words: string): string =>
  `alter table payout_files drop constraint payout_files_format, add constraint payout_files_format check (format in (${words}))`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(formats(`'paypal_mass_pay', 'sepa_pain_001', 'generic_csv'`));
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(formats(`'paypal_mass_pay', 'generic_csv'`));
}
