import type { Knex } from 'knex';

// Why: sessions, one-time links and mails that nobody can use any more are personal data without a purpose. Sessions and links stand above
// workspaces, so a function deletes them; mails get the right to. No lock worth naming. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create function directory_delete_outdated(days integer, at_most integer) returns integer
    language sql security definer set search_path = public, pg_temp as $$
      with ended as (
        delete from sessions where id = any (array(
          select id from sessions where least(expires_at, coalesce(ended_at, expires_at)) < now() - make_interval(days => days) limit at_most)) returning 1
      ), links as (
        delete from one_time_tokens where id = any (array(
          select id from one_time_tokens where least(expires_at, coalesce(used_at, expires_at)) < now() - make_interval(days => days) limit at_most)) returning 1
      )
      select ((select count(*) from ended) + (select count(*) from links))::integer
    $$`);
  await knex.raw(`revoke execute on function directory_delete_outdated(integer, integer) from public`);
  await knex.raw(`grant execute on function directory_delete_outdated(integer, integer) to tributary_app`);
  await knex.raw(`grant delete on emails to tributary_app`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`revoke delete on emails from tributary_app`);
  await knex.raw(`drop function if exists directory_delete_outdated(integer, integer)`);
}
