import type { Knex } from 'knex';
import { dropTables, isolateAll, workspaceColumn } from '../migrationKit.js';

// Staff sign in through their company's provider (BEY-35, docs/decisions/1160): one provider a workspace, who of its people is which subject
// there, and sessions that know they came that way. New tables and columns with a constant default: no lock worth naming. `directory_session`
// answers two columns more; a process of the release before reads it as it did. Reversible: `down` ends the sessions by a provider, which the
// release before would take for ordinary ones.

const head = `security definer set search_path = public, pg_temp`;

const customRoles = `case when exists (select from unnest(person.role_ids) as held where held like 'rol\\_%') then
               (select coalesce(jsonb_agg(jsonb_build_object('id', role.id, 'name', role.name, 'permissions', to_jsonb(role.permissions),
                  'reach', role.reach, 'limited', role.limited)), '[]')
                from roles as role where role.workspace_id = session.workspace_id and role.id = any(person.role_ids))
             else '[]'::jsonb end`;

/** In PL/pgSQL and wrapped as 20261207_0101 has it, which takes the wrapping off again. */
function sessionFunction(withProvider: boolean): string {
  return `
    create function directory_session(wanted bytea) returns table (
      session_id text, csrf_token text, login_id text, workspace_id text, user_id text, audience text, stepped_up_at timestamptz,
      last_seen_at timestamptz, expires_at timestamptz, user_status text, user_name text, user_email text, role_ids text[], rights text[],
      affiliate_id text, is_instance_admin boolean, idle_timeout text, has_totp boolean, totp_required_for jsonb, custom_roles jsonb,
      viewed_affiliate_id text${withProvider ? ', by_provider boolean, factor_shown boolean' : ''})
    language plpgsql stable ${head} as $$#variable_conflict use_column
begin return query

      select session.id, session.csrf_token, session.login_id, session.workspace_id, session.user_id, session.audience,
             session.stepped_up_at, session.last_seen_at, session.expires_at, person.status, person.name, person.email, person.role_ids,
             person.rights, person.affiliate_id, person.is_instance_admin, settings.sections -> 'security' ->> 'idleTimeout',
             exists (select from logins as login where login.id = session.login_id and login.totp_secret is not null),
             coalesce(settings.sections -> 'security' -> 'totpRequiredFor', '[]'),
             ${customRoles}, session.viewed_affiliate_id${withProvider ? ', session.by_provider, session.factor_shown' : ''}
      from sessions as session
      join users as person on (person.workspace_id, person.id) = (session.workspace_id, session.user_id)
      join settings on settings.workspace_id = session.workspace_id
      where session.token_hash = wanted and session.ended_at is null and session.expires_at > now()
    ;
end$$`;
}

const functions: readonly (readonly [signature: string, sql: string])[] = [
  [
    'directory_sign_in_providers()',
    // What a person who is nobody yet may know of a provider: that it is there, and the words of its button.
    `create function directory_sign_in_providers() returns table (workspace_id text, label text)
     language sql stable ${head} as $$
       select workspace_id, label from sign_in_providers where enabled order by label, workspace_id $$`,
  ],
  [
    'directory_create_provider_session(text, bytea, text, text, text, text, text, timestamptz, boolean)',
    `create function directory_create_provider_session(new_id text, new_hash bytea, new_csrf text, of_login text, of_workspace text,
       of_user text, of_agent text, ends_at timestamptz, shown boolean) returns void
     language sql volatile ${head} as $$
       insert into sessions (id, token_hash, csrf_token, login_id, workspace_id, user_id, audience, user_agent, expires_at, by_provider,
         factor_shown)
       select new_id, new_hash, new_csrf, of_login, of_workspace, of_user, 'staff', of_agent, ends_at, true, shown
       from users where workspace_id = of_workspace and id = of_user and login_id = of_login and audience = 'staff' and status = 'active' $$`,
  ],
  [
    'directory_factor_shown(text)',
    `create function directory_factor_shown(wanted text) returns void
     language sql volatile ${head} as $$ update sessions set factor_shown = true where id = wanted and ended_at is null $$`,
  ],
  [
    'directory_end_provider_sessions(text, text)',
    `create function directory_end_provider_sessions(of_workspace text, spared text) returns void
     language sql volatile ${head} as $$
       update sessions set ended_at = now()
       where workspace_id = of_workspace and by_provider and ended_at is null and (spared is null or id <> spared) $$`,
  ],
];

async function grant(knex: Knex, signature: string): Promise<void> {
  await knex.raw(`revoke execute on function ${signature} from public`);
  await knex.raw(`grant execute on function ${signature} to tributary_app`);
}

async function replaceSession(knex: Knex, withProvider: boolean): Promise<void> {
  await knex.raw('drop function directory_session(bytea)');
  await knex.raw(sessionFunction(withProvider));
  await grant(knex, 'directory_session(bytea)');
}

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table sign_in_providers (
      ${workspaceColumn},
      issuer text not null,
      client_id text not null,
      client_secret text not null,
      label text not null,
      groups_claim text not null,
      role_groups jsonb not null default '[]',
      enabled boolean not null default false,
      version integer not null,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now(),
      constraint sign_in_providers_pkey primary key (workspace_id)
    )`);
  await knex.raw(`comment on column sign_in_providers.client_secret is 'sealed with SECRET_KEY: nobody reads it back'`);
  await knex.raw(
    `comment on column sign_in_providers.role_groups is 'list of {group, roleId}; who saved it could grant each of these roles'`,
  );
  await knex.raw(`
    create table sign_in_subjects (
      ${workspaceColumn},
      user_id text not null,
      issuer text not null,
      subject text not null,
      created_at timestamptz(3) not null default now(),
      constraint sign_in_subjects_pkey primary key (workspace_id, user_id),
      constraint sign_in_subjects_key unique (workspace_id, issuer, subject),
      constraint sign_in_subjects_user foreign key (workspace_id, user_id) references users (workspace_id, id)
    )`);
  await knex.raw(
    `comment on table sign_in_subjects is 'who of a workspace is which subject at its provider: an address that is given to somebody else opens nothing'`,
  );
  await isolateAll(knex, ['sign_in_providers', 'sign_in_subjects']);
  await knex.raw(
    'alter table sessions add column by_provider boolean not null default false, add column factor_shown boolean not null default false',
  );
  await knex.raw(`comment on column sessions.by_provider is 'never leaves its workspace (docs/decisions/1160)'`);
  await knex.raw(
    `comment on column sessions.factor_shown is 'of a session by a provider: a second factor was shown, there (amr) or here'`,
  );
  await knex.raw('create index sessions_by_provider on sessions (workspace_id) where by_provider and ended_at is null');
  await knex.raw(`comment on index sessions_by_provider is 'a provider is switched off: end what came by it'`);
  await replaceSession(knex, true);
  for (const [signature, sql] of functions) {
    await knex.raw(sql);
    await grant(knex, signature);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const [signature] of [...functions].reverse()) await knex.raw(`drop function if exists ${signature}`);
  await replaceSession(knex, false);
  await knex.raw('drop index sessions_by_provider');
  await knex.raw('update sessions set ended_at = now() where by_provider and ended_at is null');
  await knex.raw('alter table sessions drop column by_provider, drop column factor_shown');
  await dropTables(knex, ['sign_in_providers', 'sign_in_subjects']);
}
