import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// The second factor of a login (TOTP, BEY-35) and roles of a workspace's own (ROL-09). Why functions: logins lie above workspaces, so the
// application reaches them by their key only, as in 20261125_1080. A code's time step is kept, so that a used code is refused; recovery
// codes are kept as hashes and taken out one by one. Nullable columns, a new table, two functions replaced: no lock worth naming.
// Reversible: `down` puts the two functions of 20261125_1080 back.

const head = `security definer set search_path = public, pg_temp`;

const functions: readonly (readonly [name: string, args: string, sql: string])[] = [
  [
    'directory_totp',
    '(text)',
    `create function directory_totp(wanted_login text) returns table (
       totp_secret text, totp_draft text, confirmed_at timestamptz, last_step bigint, recovery_left integer)
     language sql stable ${head} as $$
       select totp_secret, totp_draft, totp_confirmed_at, totp_last_step, cardinality(totp_recovery) from logins where id = wanted_login $$`,
  ],
  [
    'directory_draft_totp',
    '(text, text)',
    `create function directory_draft_totp(wanted_login text, sealed text) returns void
     language sql volatile ${head} as $$ update logins set totp_draft = sealed where id = wanted_login $$`,
  ],
  [
    'directory_confirm_totp',
    '(text, text, bigint, bytea[])',
    // Only the draft that was shown becomes the secret: a second enrolment in another window voids the first.
    `create function directory_confirm_totp(wanted_login text, sealed text, step bigint, recovery bytea[]) returns boolean
     language sql volatile ${head} as $$
       with confirmed as (
         update logins set totp_secret = totp_draft, totp_draft = null, totp_confirmed_at = now(), totp_last_step = step, totp_recovery = recovery
         where id = wanted_login and totp_draft = sealed returning id)
       select exists (select from confirmed) $$`,
  ],
  [
    'directory_use_totp',
    '(text, bigint)',
    // True once per step: two requests with one code meet at the row, and the second finds it used.
    `create function directory_use_totp(wanted_login text, step bigint) returns boolean
     language sql volatile ${head} as $$
       with used as (
         update logins set totp_last_step = step
         where id = wanted_login and totp_secret is not null and (totp_last_step is null or totp_last_step < step) returning id)
       select exists (select from used) $$`,
  ],
  [
    'directory_use_recovery',
    '(text, bytea)',
    `create function directory_use_recovery(wanted_login text, code_hash bytea) returns boolean
     language sql volatile ${head} as $$
       with used as (
         update logins set totp_recovery = array_remove(totp_recovery, code_hash)
         where id = wanted_login and totp_secret is not null and code_hash = any(totp_recovery) returning id)
       select exists (select from used) $$`,
  ],
  [
    'directory_disable_totp',
    '(text)',
    `create function directory_disable_totp(wanted_login text) returns boolean
     language sql volatile ${head} as $$
       with ended as (
         update logins set totp_secret = null, totp_draft = null, totp_confirmed_at = null, totp_last_step = null, totp_recovery = '{}'
         where id = wanted_login and (totp_secret is not null or totp_draft is not null) returning id)
       select exists (select from ended) $$`,
  ],
];

/** The workspace's own roles among these ids, as the server needs them to make a grant. */
function customRoles(workspace: string, ids: string): string {
  return `(select coalesce(jsonb_agg(jsonb_build_object('id', role.id, 'name', role.name, 'permissions', to_jsonb(role.permissions),
             'reach', role.reach, 'limited', role.limited)), '[]')
           from roles as role where role.workspace_id = ${workspace} and role.id = any(${ids}))`;
}

function sessionFunction(isNew: boolean): string {
  return `
    create function directory_session(wanted bytea) returns table (
      session_id text, csrf_token text, login_id text, workspace_id text, user_id text, audience text, stepped_up_at timestamptz,
      last_seen_at timestamptz, expires_at timestamptz, user_status text, user_name text, user_email text, role_ids text[], rights text[],
      affiliate_id text, is_instance_admin boolean, idle_timeout text${isNew ? ', has_totp boolean, totp_required_for jsonb, custom_roles jsonb' : ''})
    language sql stable ${head} as $$
      select session.id, session.csrf_token, session.login_id, session.workspace_id, session.user_id, session.audience,
             session.stepped_up_at, session.last_seen_at, session.expires_at, person.status, person.name, person.email, person.role_ids,
             person.rights, person.affiliate_id, person.is_instance_admin, settings.sections -> 'security' ->> 'idleTimeout'${
               isNew
                 ? `,
             exists (select from logins as login where login.id = session.login_id and login.totp_secret is not null),
             coalesce(settings.sections -> 'security' -> 'totpRequiredFor', '[]'), ${customRoles('session.workspace_id', 'person.role_ids')}`
                 : ''
             }
      from sessions as session
      join users as person on (person.workspace_id, person.id) = (session.workspace_id, session.user_id)
      join settings on settings.workspace_id = session.workspace_id
      where session.token_hash = wanted and session.ended_at is null and session.expires_at > now()
    $$`;
}

function apiKeyFunction(isNew: boolean): string {
  return `
    create function directory_api_key(wanted bytea) returns table (
      key_id text, workspace_id text, kind text, mode text, permissions text[], role_id text, affiliate_id text, created_by text,
      expires_on date, ip_restricted boolean, ip_allow_list text[], revoked_at timestamptz, last_used_at timestamptz,
      creator_status text, creator_name text, creator_role_ids text[], creator_is_instance_admin boolean, affiliate_status text,
      time_zone text${isNew ? ', custom_roles jsonb' : ''})
    language sql stable ${head} as $$
      select key.id, key.workspace_id, key.kind, key.mode, key.permissions, key.role_id, key.affiliate_id, key.created_by, key.expires_on,
             key.ip_restricted, key.ip_allow_list, key.revoked_at, key.last_used_at, creator.status, creator.name, creator.role_ids,
             creator.is_instance_admin, affiliate.status,
             coalesce((select settings.sections -> 'general' ->> 'timeZone' from settings where settings.workspace_id = key.workspace_id), 'UTC')${
               isNew ? `, ${customRoles('key.workspace_id', 'array_append(creator.role_ids, key.role_id)')}` : ''
             }
      from api_keys as key
      join users as creator on (creator.workspace_id, creator.id) = (key.workspace_id, key.created_by)
      left join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (key.workspace_id, key.affiliate_id)
      where key.token_hash = wanted or (key.previous_token_hash = wanted and key.grace_until > now())
    $$`;
}

async function replace(knex: Knex, isNew: boolean): Promise<void> {
  for (const [name, sql] of [
    ['directory_session', sessionFunction(isNew)],
    ['directory_api_key', apiKeyFunction(isNew)],
  ] as const) {
    await knex.raw(`drop function ${name}(bytea)`);
    await knex.raw(sql);
    await knex.raw(`revoke execute on function ${name}(bytea) from public`);
    await knex.raw(`grant execute on function ${name}(bytea) to tributary_app`);
  }
}

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table logins
      add column totp_secret text,
      add column totp_draft text,
      add column totp_confirmed_at timestamptz(3),
      add column totp_last_step bigint,
      add column totp_recovery bytea[] not null default '{}'`);
  await knex.raw(`
    create table roles (
      ${workspaceColumn},
      id text not null,
      name text not null,
      permissions text[] not null default '{}',
      reach text not null constraint roles_reach check (reach in ('workspace', 'assigned')),
      limited boolean not null default false,
      version integer not null default 1,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now(),
      constraint roles_pkey primary key (workspace_id, id)
    )`);
  await knex.raw('create unique index roles_name_key on roles (workspace_id, lower(name))');
  await knex.raw(`comment on index roles_name_key is 'two roles of one name cannot be told apart in a list'`);
  await isolate(knex, 'roles');
  for (const [name, args, sql] of functions) {
    await knex.raw(sql);
    await knex.raw(`revoke execute on function ${name}${args} from public`);
    await knex.raw(`grant execute on function ${name}${args} to tributary_app`);
  }
  await replace(knex, true);
}

export async function down(knex: Knex): Promise<void> {
  await replace(knex, false);
  for (const [name, args] of [...functions].reverse()) await knex.raw(`drop function if exists ${name}${args}`);
  await dropTables(knex, ['roles']);
  await knex.raw(`
    alter table logins drop column totp_secret, drop column totp_draft, drop column totp_confirmed_at, drop column totp_last_step,
      drop column totp_recovery`);
}
