import type { Knex } from 'knex';

// The leads of one referral: fraud checks, story, merge. One index; it waits for writers of leads while it is built. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `create index leads_referral_index on leads (workspace_id, referral_id) where referral_id is not null`,
  );
  await knex.raw(`comment on index leads_referral_index is 'leads of a referral: fraud checks, merge'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index if exists leads_referral_index');
}
