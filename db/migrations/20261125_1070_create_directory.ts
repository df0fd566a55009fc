import type { Knex } from 'knex';
import { currencyTable } from '../../domain/money.js';

// The directory: look-ups before a workspace is known. Each definer function returns only the columns asked for, sets its search path and
// takes the key it looks up, never a filter. Why not a role with BYPASSRLS: a process that could see everything would, one day.

const functions: readonly (readonly [name: string, args: string, sql: string])[] = [
  [
    'directory_workspaces',
    '()',
    `
    create function directory_workspaces() returns table (id text, name text)
    language sql stable security definer set search_path = public, pg_temp as $$ select id, name from workspaces order by id $$`,
  ],
  [
    'directory_link',
    '(text)',
    `
    create function directory_link(wanted text) returns table (
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
      where link.slug = wanted
    $$`,
  ],
  [
    'directory_program',
    '(text)',
    `
    create function directory_program(wanted text) returns table (workspace_id text, program_id text, name text, status text)
    language sql stable security definer set search_path = public, pg_temp as $$
      select workspace_id, id, name, status from programs where slug = wanted
    $$`,
  ],
  [
    'directory_session',
    '(bytea)',
    `
    create function directory_session(wanted bytea) returns table (
      session_id text, csrf_token text, login_id text, workspace_id text, user_id text, audience text, stepped_up_at timestamptz,
      last_seen_at timestamptz, expires_at timestamptz, user_status text, user_name text, user_email text, role_ids text[], rights text[],
      affiliate_id text, is_instance_admin boolean)
    language sql stable security definer set search_path = public, pg_temp as $$
      select session.id, session.csrf_token, session.login_id, session.workspace_id, session.user_id, session.audience,
             session.stepped_up_at, session.last_seen_at, session.expires_at, person.status, person.name, person.email, person.role_ids,
             person.rights, person.affiliate_id, person.is_instance_admin
      from sessions as session
      join users as person on (person.workspace_id, person.id) = (session.workspace_id, session.user_id)
      where session.token_hash = wanted and session.ended_at is null and session.expires_at > now()
    $$`,
  ],
  [
    'directory_api_key',
    '(bytea)',
    `
    create function directory_api_key(wanted bytea) returns table (
      key_id text, workspace_id text, kind text, mode text, permissions text[], role_id text, affiliate_id text, created_by text,
      expires_on date, ip_restricted boolean, ip_allow_list text[], revoked_at timestamptz, last_used_at timestamptz,
      creator_status text, creator_name text, creator_role_ids text[], creator_is_instance_admin boolean, affiliate_status text, time_zone text)
    language sql stable security definer set search_path = public, pg_temp as $$
      select key.id, key.workspace_id, key.kind, key.mode, key.permissions, key.role_id, key.affiliate_id, key.created_by, key.expires_on,
             key.ip_restricted, key.ip_allow_list, key.revoked_at, key.last_used_at, creator.status, creator.name, creator.role_ids,
             creator.is_instance_admin, affiliate.status,
             coalesce((select settings.sections -> 'general' ->> 'timeZone' from settings where settings.workspace_id = key.workspace_id), 'UTC')
      from api_keys as key
      join users as creator on (creator.workspace_id, creator.id) = (key.workspace_id, key.created_by)
      left join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (key.workspace_id, key.affiliate_id)
      where key.token_hash = wanted
    $$`,
  ],
  [
    'directory_public_key',
    '(text)',
    `
    create function directory_public_key(wanted text) returns table (key_id text, workspace_id text, mode text, signing_secret text, affiliate_id text)
    language sql stable security definer set search_path = public, pg_temp as $$
      select id, workspace_id, mode, signing_secret, affiliate_id from api_keys
      where public_key = wanted and kind = 'public' and revoked_at is null
    $$`,
  ],
];

export async function up(knex: Knex): Promise<void> {
  for (const [name, args, sql] of functions) {
    await knex.raw(sql);
    await knex.raw(`revoke execute on function ${name}${args} from public`);
    await knex.raw(`grant execute on function ${name}${args} to tributary_app`);
  }
  // The relay needs the list too (audit chain, sweeps run as tributary_app; its own claims do not need names).
  await knex.raw('grant execute on function directory_workspaces() to tributary_relay');
  await knex.raw('create unique index api_keys_public_key on api_keys (public_key) where public_key is not null');
  for (const { code, exponent } of currencyTable()) {
    await knex.raw('insert into currencies (code, exponent) values (?, ?)', [code, exponent]);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const [name, args] of [...functions].reverse()) await knex.raw(`drop function if exists ${name}${args}`);
  await knex.raw('drop index if exists api_keys_public_key');
  await knex.raw('delete from currencies');
}
