import type { Knex } from 'knex';

// Why: under row-level security Postgres gives an index only conditions that are leakproof, and `@>` of arrays is not (20261207_0102). So the
// messages of a referral (screens.md 4) were looked for in all that the workspace has: a mail may be about several referrals, so a column of its
// own does not hold them. This function reads the two indexes that are there as their owner, and answers ids of the session's workspace and
// nothing else; the rows themselves are read under the policy. Planned once per connection, because it is PL/pgSQL. Reversible.

export async function up(knex: Knex): Promise<void> {
  // The workspace is asked for outside (offset 0): one workspace often holds most rows, and its own index would be walked from end to end.
  const ofTable = (table: string): string =>
    `select about.id from (select workspace_id, id from ${table}
                           where referral_ids <> '{}' and referral_ids @> array[wanted] offset 0) as about
     where about.workspace_id = nullif(current_setting('tributary.workspace_id', true), '')`;
  await knex.raw(`
    create function messages_of_referral(wanted text) returns setof text
    language plpgsql stable security definer set search_path = public, pg_temp as $$
    begin return query ${ofTable('emails')} union all ${ofTable('notices')}; end $$`);
  await knex.raw('revoke execute on function messages_of_referral(text) from public');
  await knex.raw('grant execute on function messages_of_referral(text) to tributary_app');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function messages_of_referral(text)');
}
