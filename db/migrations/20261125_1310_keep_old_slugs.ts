import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Every slug a link ever had. Why: a renamed link's old address goes on redirecting, and no slug is ever given to another link (api.md 7.2,
// LNK-02). A trigger keeps the table, so that no writer can forget it; the directory looks links up through it. New table, one function
// replaced: no lock on anything old worth naming. Reversible: `down` puts the function of the directory's own migration back.

const directoryLink = (where: string): string => `
    create or replace function directory_link(wanted text) returns table (
      workspace_id text, link_id text, affiliate_id text, program_id text, kind text, destination_url text, status text, expires_at timestamptz,
      affiliate_status text, enrolment_status text, program_status text, fallback_url text, destination_hosts text[], own_terms jsonb,
      program_slug text, settings jsonb)
    language sql stable security definer set search_path = public, pg_temp as $$
      select link.workspace_id, link.id, link.affiliate_id, link.program_id, link.kind, link.destination_url, link.status, link.expires_at,
             affiliate.status,
             (select enrolment.status from enrolments as enrolment
              where enrolment.workspace_id = link.workspace_id and enrolment.affiliate_id = link.affiliate_id
                and enrolment.program_id = link.program_id
              order by (enrolment.status <> 'ended') desc, enrolment.created_at desc limit 1),
             program.status, program.fallback_url, program.destination_hosts, program.own_terms, program.slug,
             (select settings.sections from settings where settings.workspace_id = link.workspace_id)
      from links as link
      join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (link.workspace_id, link.affiliate_id)
      join programs as program on (program.workspace_id, program.id) = (link.workspace_id, link.program_id)
      where ${where}
    $$`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table link_slugs (
      ${workspaceColumn},
      slug text not null constraint link_slugs_pkey primary key,
      link_id text not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint link_slugs_link foreign key (workspace_id, link_id) references links (workspace_id, id)
    )`);
  await isolate(knex, 'link_slugs', 'select');
  await knex.raw(`insert into link_slugs (workspace_id, slug, link_id) select workspace_id, slug, id from links`);
  // As the owner: a slug is unique in the installation, so the trigger must see those of other workspaces, and says no more than "taken".
  await knex.raw(`
    create function keep_link_slug() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
    begin
      insert into link_slugs (workspace_id, slug, link_id) values (new.workspace_id, new.slug, new.id) on conflict (slug) do nothing;
      if not exists (select from link_slugs as kept
                     where kept.slug = new.slug and kept.workspace_id = new.workspace_id and kept.link_id = new.id) then
        raise exception 'the slug belonged to another link' using errcode = 'unique_violation', constraint = 'links_slug_key';
      end if;
      return null;
    end $$`);
  await knex.raw('revoke execute on function keep_link_slug() from public');
  await knex.raw(
    'create trigger keep_slug after insert or update of slug on links for each row execute function keep_link_slug()',
  );
  await knex.raw(
    directoryLink(
      '(link.workspace_id, link.id) = (select kept.workspace_id, kept.link_id from link_slugs as kept where kept.slug = wanted)',
    ),
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(directoryLink('link.slug = wanted'));
  await knex.raw('drop trigger if exists keep_slug on links');
  await knex.raw('drop function if exists keep_link_slug()');
  await dropTables(knex, ['link_slugs']);
}
