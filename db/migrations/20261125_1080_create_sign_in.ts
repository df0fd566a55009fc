import type { Knex } from 'knex';
import { dropTables, isolateAll, workspaceColumn } from '../migrationKit.js';

// Sign-in: the definer functions on logins, sessions and one-time tokens, which lie above workspaces; who is assigned to whom; the second
// secret of a key that is being rotated. Why functions: the application's role has no grant on those tables, so a query that forgot its
// key cannot list people. New objects and nullable columns only: no lock worth naming. Reversible.

const head = `security definer set search_path = public, pg_temp`;

const functions: readonly (readonly [name: string, args: string, sql: string])[] = [
  [
    'directory_create_workspace',
    '(text, text)',
    `create function directory_create_workspace(new_id text, new_name text) returns void
     language sql volatile ${head} as $$ insert into workspaces (id, name) values (new_id, new_name) $$`,
  ],
  [
    'directory_ensure_login',
    '(text, text)',
    // The id that the address has already, or the new one. The no-op update makes the row visible to returning.
    `create function directory_ensure_login(new_id text, wanted_email text) returns text
     language sql volatile ${head} as $$
       insert into logins (id, email) values (new_id, wanted_email)
       on conflict (email) do update set email = excluded.email returning id $$`,
  ],
  [
    'directory_login',
    '(text)',
    `create function directory_login(wanted_email text) returns table (
       login_id text, email_verified_at timestamptz, password_hash text, failed_attempts integer, locked_until timestamptz)
     language sql stable ${head} as $$
       select id, email_verified_at, password_hash, failed_attempts, locked_until from logins where email = wanted_email $$`,
  ],
  [
    'directory_login_by_id',
    '(text)',
    `create function directory_login_by_id(wanted text) returns table (
       login_id text, email text, password_hash text, failed_attempts integer, locked_until timestamptz)
     language sql stable ${head} as $$
       select id, email, password_hash, failed_attempts, locked_until from logins where id = wanted $$`,
  ],
  [
    'directory_memberships',
    '(text)',
    `create function directory_memberships(wanted_login text) returns table (
       user_id text, workspace_id text, workspace_name text, audience text, status text, name text, email text,
       role_ids text[], rights text[], affiliate_id text, is_instance_admin boolean)
     language sql stable ${head} as $$
       select person.id, person.workspace_id, workspace.name, person.audience, person.status, person.name, person.email,
              person.role_ids, person.rights, person.affiliate_id, person.is_instance_admin
       from users as person join workspaces as workspace on workspace.id = person.workspace_id
       where person.login_id = wanted_login
       order by person.created_at, person.id $$`,
  ],
  [
    'directory_set_password',
    '(text, text)',
    `create function directory_set_password(wanted_login text, new_hash text) returns void
     language sql volatile ${head} as $$
       update logins set password_hash = new_hash, failed_attempts = 0, locked_until = null where id = wanted_login $$`,
  ],
  [
    'directory_verify_email',
    '(text)',
    `create function directory_verify_email(wanted_login text) returns void
     language sql volatile ${head} as $$
       update logins set email_verified_at = coalesce(email_verified_at, now()) where id = wanted_login $$`,
  ],
  [
    'directory_count_failure',
    '(text, integer, integer)',
    // Counts and locks in one statement, so that parallel guesses cannot slip between reading and writing.
    // The strictest of the person's workspaces decides after how many; an unknown login costs the same statement.
    `create function directory_count_failure(wanted_login text, lock_after integer, lock_seconds integer) returns void
     language sql volatile ${head} as $$
       with allowed as (
         select least(lock_after, min((settings.sections -> 'security' ->> 'lockAfterFailures')::integer)) as failures
         from users as person join settings on settings.workspace_id = person.workspace_id
         where person.login_id = wanted_login and person.status <> 'disabled')
       update logins
       set failed_attempts = case when failed_attempts + 1 >= allowed.failures then 0 else failed_attempts + 1 end,
           locked_until = case when failed_attempts + 1 >= allowed.failures then now() + make_interval(secs => lock_seconds) else locked_until end
       from allowed
       where id = wanted_login $$`,
  ],
  [
    'directory_clear_failures',
    '(text)',
    `create function directory_clear_failures(wanted_login text) returns void
     language sql volatile ${head} as $$
       update logins set failed_attempts = 0, locked_until = null where id = wanted_login and (failed_attempts > 0 or locked_until is not null) $$`,
  ],
  [
    'directory_create_session',
    '(text, bytea, text, text, text, text, text, text, timestamptz)',
    `create function directory_create_session(new_id text, new_hash bytea, new_csrf text, of_login text, of_workspace text, of_user text,
       of_audience text, of_agent text, ends_at timestamptz) returns void
     language sql volatile ${head} as $$
       insert into sessions (id, token_hash, csrf_token, login_id, workspace_id, user_id, audience, user_agent, expires_at)
       select new_id, new_hash, new_csrf, of_login, of_workspace, of_user, of_audience, of_agent, ends_at
       from users where workspace_id = of_workspace and id = of_user and login_id = of_login and status = 'active' $$`,
  ],
  [
    'directory_touch_session',
    '(text)',
    `create function directory_touch_session(wanted text) returns void
     language sql volatile ${head} as $$ update sessions set last_seen_at = now() where id = wanted and ended_at is null $$`,
  ],
  [
    'directory_step_up',
    '(text)',
    `create function directory_step_up(wanted text) returns void
     language sql volatile ${head} as $$ update sessions set stepped_up_at = now() where id = wanted and ended_at is null $$`,
  ],
  [
    'directory_end_session',
    '(text, text)',
    `create function directory_end_session(of_login text, wanted text) returns boolean
     language sql volatile ${head} as $$
       with ended as (
         update sessions set ended_at = now() where id = wanted and login_id = of_login and ended_at is null returning id)
       select exists (select from ended) $$`,
  ],
  [
    'directory_end_sessions',
    '(text, text, text)',
    // All of a login, or only those of one membership; one may be spared.
    `create function directory_end_sessions(of_login text, only_user text, spared text) returns void
     language sql volatile ${head} as $$
       update sessions set ended_at = now()
       where login_id = of_login and ended_at is null
         and (only_user is null or user_id = only_user) and (spared is null or id <> spared) $$`,
  ],
  [
    'directory_sessions',
    '(text)',
    `create function directory_sessions(of_login text) returns table (
       session_id text, workspace_id text, audience text, user_agent text, last_seen_at timestamptz, expires_at timestamptz, created_at timestamptz)
     language sql stable ${head} as $$
       select id, workspace_id, audience, user_agent, last_seen_at, expires_at, created_at
       from sessions where login_id = of_login and ended_at is null and expires_at > now()
       order by created_at desc, id desc $$`,
  ],
  [
    'directory_create_token',
    '(text, bytea, text, text, text, text, timestamptz)',
    `create function directory_create_token(new_id text, new_hash bytea, new_kind text, of_login text, of_workspace text, of_user text,
       ends_at timestamptz) returns void
     language sql volatile ${head} as $$
       insert into one_time_tokens (id, token_hash, kind, login_id, workspace_id, user_id, expires_at)
       values (new_id, new_hash, new_kind, of_login, of_workspace, of_user, ends_at) $$`,
  ],
  [
    'directory_find_token',
    '(bytea)',
    `create function directory_find_token(wanted bytea) returns table (
       token_id text, kind text, login_id text, workspace_id text, user_id text, is_usable boolean)
     language sql stable ${head} as $$
       select id, kind, login_id, workspace_id, user_id, used_at is null and expires_at > now()
       from one_time_tokens where token_hash = wanted $$`,
  ],
  [
    'directory_take_token',
    '(text)',
    // True once: two requests with one token meet here, and the second finds it used.
    `create function directory_take_token(wanted text) returns boolean
     language sql volatile ${head} as $$
       with taken as (
         update one_time_tokens set used_at = now() where id = wanted and used_at is null and expires_at > now() returning id)
       select exists (select from taken) $$`,
  ],
  [
    'directory_void_tokens',
    '(text, text)',
    `create function directory_void_tokens(of_login text, of_kind text) returns void
     language sql volatile ${head} as $$
       update one_time_tokens set used_at = now() where login_id = of_login and kind = of_kind and used_at is null $$`,
  ],
];

const apiKeyColumns = `
  key_id text, workspace_id text, kind text, mode text, permissions text[], role_id text, affiliate_id text, created_by text,
  expires_on date, ip_restricted boolean, ip_allow_list text[], revoked_at timestamptz, last_used_at timestamptz,
  creator_status text, creator_name text, creator_role_ids text[], creator_is_instance_admin boolean, affiliate_status text, time_zone text`;

function apiKeyFunction(where: string): string {
  return `
    create or replace function directory_api_key(wanted bytea) returns table (${apiKeyColumns})
    language sql stable ${head} as $$
      select key.id, key.workspace_id, key.kind, key.mode, key.permissions, key.role_id, key.affiliate_id, key.created_by, key.expires_on,
             key.ip_restricted, key.ip_allow_list, key.revoked_at, key.last_used_at, creator.status, creator.name, creator.role_ids,
             creator.is_instance_admin, affiliate.status,
             coalesce((select settings.sections -> 'general' ->> 'timeZone' from settings where settings.workspace_id = key.workspace_id), 'UTC')
      from api_keys as key
      join users as creator on (creator.workspace_id, creator.id) = (key.workspace_id, key.created_by)
      left join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (key.workspace_id, key.affiliate_id)
      where ${where}
    $$`;
}

/** The session's idle limit comes from the workspace's settings: with it, or without as it was. */
function sessionFunction(withLimit: boolean): string {
  return `
    create function directory_session(wanted bytea) returns table (
      session_id text, csrf_token text, login_id text, workspace_id text, user_id text, audience text, stepped_up_at timestamptz,
      last_seen_at timestamptz, expires_at timestamptz, user_status text, user_name text, user_email text, role_ids text[], rights text[],
      affiliate_id text, is_instance_admin boolean${withLimit ? ', idle_timeout text' : ''})
    language sql stable ${head} as $$
      select session.id, session.csrf_token, session.login_id, session.workspace_id, session.user_id, session.audience,
             session.stepped_up_at, session.last_seen_at, session.expires_at, person.status, person.name, person.email, person.role_ids,
             person.rights, person.affiliate_id, person.is_instance_admin${withLimit ? `, settings.sections -> 'security' ->> 'idleTimeout'` : ''}
      from sessions as session
      join users as person on (person.workspace_id, person.id) = (session.workspace_id, session.user_id)
      ${withLimit ? 'join settings on settings.workspace_id = session.workspace_id' : ''}
      where session.token_hash = wanted and session.ended_at is null and session.expires_at > now()
    $$`;
}

async function replaceSessionFunction(knex: Knex, withLimit: boolean): Promise<void> {
  await knex.raw('drop function directory_session(bytea)');
  await knex.raw(sessionFunction(withLimit));
  await knex.raw('revoke execute on function directory_session(bytea) from public');
  await knex.raw('grant execute on function directory_session(bytea) to tributary_app');
}

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table user_assignments (
      ${workspaceColumn},
      user_id text not null,
      object_type text not null constraint user_assignments_type check (object_type in ('affiliate', 'reseller')),
      object_id text not null,
      created_at timestamptz(3) not null default now(),
      constraint user_assignments_pkey primary key (workspace_id, user_id, object_id),
      constraint user_assignments_user foreign key (workspace_id, user_id) references users (workspace_id, id)
    )`);
  await isolateAll(knex, ['user_assignments']);
  await knex.raw(`
    alter table workspaces
      add column branding jsonb not null default '{}',
      add column reseller_label text,
      add column version integer not null default 1,
      add column updated_at timestamptz(3) not null default now()`);
  await knex.raw('grant update (branding, reseller_label, version, updated_at) on workspaces to tributary_app');
  await knex.raw(`create index user_assignments_object on user_assignments (workspace_id, object_id)`);
  await knex.raw(`comment on index user_assignments_object is 'who looks after this affiliate or reseller?'`);
  await knex.raw(`
    alter table api_keys
      add column previous_token_hash bytea constraint api_keys_previous_token_key unique,
      add column grace_until timestamptz(3)`);
  await knex.raw(
    apiKeyFunction('key.token_hash = wanted or (key.previous_token_hash = wanted and key.grace_until > now())'),
  );
  await replaceSessionFunction(knex, true);
  for (const [name, args, sql] of functions) {
    await knex.raw(sql);
    await knex.raw(`revoke execute on function ${name}${args} from public`);
    await knex.raw(`grant execute on function ${name}${args} to tributary_app`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const [name, args] of [...functions].reverse()) await knex.raw(`drop function if exists ${name}${args}`);
  await replaceSessionFunction(knex, false);
  await knex.raw(apiKeyFunction('key.token_hash = wanted'));
  await knex.raw('alter table api_keys drop column previous_token_hash, drop column grace_until');
  await knex.raw(
    'alter table workspaces drop column branding, drop column reseller_label, drop column version, drop column updated_at',
  );
  await dropTables(knex, ['user_assignments']);
}
