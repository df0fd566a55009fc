import type { Knex } from 'knex';

// The address of who acted is found in the log of calls by the request's id (AUD-01). An index on a log of one day's size at most: no
// CONCURRENTLY needed before the first release. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`create index api_log_request on api_log (workspace_id, request_id) where request_id is not null`);
  await knex.raw(`comment on index api_log_request is 'from where was this done? (audit entries)'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index if exists api_log_request');
}
