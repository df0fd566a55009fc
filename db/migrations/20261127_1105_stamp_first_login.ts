import type { Knex } from 'knex';

// When an affiliate first came to its portal (PRT-12): staff see who never did. A nullable column, filled from the sessions that are still
// kept, so that nobody who has been in counts as never seen. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table affiliates add column first_login_at timestamptz(3)');
  await knex.raw(`
    update affiliates as affiliate set first_login_at = seen.at
    from (select person.workspace_id, person.affiliate_id, min(session.created_at) as at
          from sessions as session
          join users as person on person.workspace_id = session.workspace_id and person.id = session.user_id
          where person.affiliate_id is not null
          group by person.workspace_id, person.affiliate_id) as seen
    where affiliate.workspace_id = seen.workspace_id and affiliate.id = seen.affiliate_id`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table affiliates drop column first_login_at');
}
