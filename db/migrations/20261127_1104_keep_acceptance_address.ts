import type { Knex } from 'knex';

// From which address an agreement was accepted (PRT-13): kept with the acceptance, for as long as that is evidence, and not in the audit
// trail, which never forgets. A nullable column: earlier acceptances, and those on paper, have none. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table agreement_acceptances add column address text');
  await knex.raw(
    `comment on column agreement_acceptances.address is 'personal: network address of whoever accepted in the portal; null on paper'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table agreement_acceptances drop column address');
}
