import type { Knex } from 'knex';

// The customer numbers of one person: every row of the list of referrals asks for them, and read all of them (4.3 ms a page over 2,000 of
// them). It serves the foreign key too. One index; it waits for writers of customers while it is built. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `create index external_customers_contact_index on external_customers (workspace_id, contact_id, mode, external_id)`,
  );
  await knex.raw(
    `comment on index external_customers_contact_index is 'customer numbers of a person: referrals, contacts, merges'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index if exists external_customers_contact_index');
}
