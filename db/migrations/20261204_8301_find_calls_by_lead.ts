import type { Knex } from 'knex';

// The lead log shows from where a lead was sent, so that its sender can be blocked: the call is found by its lead. An index on a log that is
// pruned by privacy.apiLog: no CONCURRENTLY needed before the first release. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`create index api_log_lead on api_log (workspace_id, lead_id) where lead_id is not null`);
  await knex.raw(`comment on index api_log_lead is 'from where was this lead sent? (lead log)'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index if exists api_log_lead');
}
