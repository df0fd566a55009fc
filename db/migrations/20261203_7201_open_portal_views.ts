import type { Knex } from 'knex';

// Staff look at an affiliate's portal (screens.md 2): a session of theirs that only reads one affiliate's own pages and hangs on the session or
// key that opened it. Two nullable columns, and the functions of sessions once more. What the opener and the assignment say is asked by a
// function of its own: `directory_session` runs at every call, and nearly none of them is a view. `opened_by` names a session or a key, so it
// refers to no table. No lock worth naming. Reversible: `down` puts the functions of 20261125_1080 and 20261126_0503 back.

const head = `security definer set search_path = public, pg_temp`;

async function grant(knex: Knex, signature: string): Promise<void> {
  await knex.raw(`revoke execute on function ${signature} from public`);
  await knex.raw(`grant execute on function ${signature} to tributary_app`);
}

const customRoles = `case when exists (select from unnest(person.role_ids) as held where held like 'rol\\_%') then
               (select coalesce(jsonb_agg(jsonb_build_object('id', role.id, 'name', role.name, 'permissions', to_jsonb(role.permissions),
                  'reach', role.reach, 'limited', role.limited)), '[]')
                from roles as role where role.workspace_id = session.workspace_id and role.id = any(person.role_ids))
             else '[]'::jsonb end`;

function sessionFunction(withView: boolean): string {
  return `
    create function directory_session(wanted bytea) returns table (
      session_id text, csrf_token text, login_id text, workspace_id text, user_id text, audience text, stepped_up_at timestamptz,
      last_seen_at timestamptz, expires_at timestamptz, user_status text, user_name text, user_email text, role_ids text[], rights text[],
      affiliate_id text, is_instance_admin boolean, idle_timeout text, has_totp boolean, totp_required_for jsonb, custom_roles jsonb${withView ? ', viewed_affiliate_id text' : ''})
    language sql stable ${head} as $$
      select session.id, session.csrf_token, session.login_id, session.workspace_id, session.user_id, session.audience,
             session.stepped_up_at, session.last_seen_at, session.expires_at, person.status, person.name, person.email, person.role_ids,
             person.rights, person.affiliate_id, person.is_instance_admin, settings.sections -> 'security' ->> 'idleTimeout',
             exists (select from logins as login where login.id = session.login_id and login.totp_secret is not null),
             coalesce(settings.sections -> 'security' -> 'totpRequiredFor', '[]'),
             ${customRoles}${withView ? ', session.viewed_affiliate_id' : ''}
      from sessions as session
      join users as person on (person.workspace_id, person.id) = (session.workspace_id, session.user_id)
      join settings on settings.workspace_id = session.workspace_id
      where session.token_hash = wanted and session.ended_at is null and session.expires_at > now()
    $$`;
}

async function replaceSession(knex: Knex, withView: boolean): Promise<void> {
  await knex.raw('drop function directory_session(bytea)');
  await knex.raw(sessionFunction(withView));
  await grant(knex, 'directory_session(bytea)');
}

function listFunction(withView: boolean): string {
  return `
    create function directory_sessions(of_login text) returns table (
      session_id text, workspace_id text, audience text, user_agent text, last_seen_at timestamptz, expires_at timestamptz,
      created_at timestamptz${withView ? ', viewed_affiliate_id text' : ''})
    language sql stable ${head} as $$
      select id, workspace_id, audience, user_agent, last_seen_at, expires_at, created_at${withView ? ', viewed_affiliate_id' : ''}
      from sessions where login_id = of_login and ended_at is null and expires_at > now()
      order by created_at desc, id desc $$`;
}

async function replaceList(knex: Knex, withView: boolean): Promise<void> {
  await knex.raw('drop function directory_sessions(text)');
  await knex.raw(listFunction(withView));
  await grant(knex, 'directory_sessions(text)');
}

/** A view goes with what opened it, and its use is a use of that. */
function endings(withView: boolean): readonly string[] {
  const opener = withView ? ' or opened_by = wanted' : '';
  const used = withView
    ? `id in (select wanted union all select opened_by from sessions where id = wanted and opened_by is not null)`
    : 'id = wanted';
  return [
    `create or replace function directory_end_session(of_login text, wanted text) returns boolean
     language sql volatile ${head} as $$
       with ended as (
         update sessions set ended_at = now() where (id = wanted${opener}) and login_id = of_login and ended_at is null returning id)
       select exists (select from ended where id = wanted) $$`,
    `create or replace function directory_touch_session(wanted text) returns void
     language sql volatile ${head} as $$ update sessions set last_seen_at = now() where ${used} and ended_at is null $$`,
  ];
}

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table sessions add column viewed_affiliate_id text, add column opened_by text');
  await knex.raw(
    'alter table sessions add constraint sessions_view check ((viewed_affiliate_id is null) = (opened_by is null)) not valid',
  );
  await replaceSession(knex, true);
  await replaceList(knex, true);
  for (const sql of endings(true)) await knex.raw(sql);
  // One view at a time for each opener; never longer than the session that opened it; never stepped up.
  await knex.raw(`
    create function directory_create_view(new_id text, new_hash bytea, new_csrf text, of_workspace text, of_user text, opener text,
      of_affiliate text, of_agent text, ends_at timestamptz) returns table (view_ends_at timestamptz)
    language sql volatile ${head} as $$
      with person as (
        select login_id from users where workspace_id = of_workspace and id = of_user and status = 'active' and audience = 'staff'),
      before as (
        update sessions set ended_at = now()
        from person
        where sessions.login_id = person.login_id and sessions.opened_by = opener and sessions.ended_at is null)
      insert into sessions (id, token_hash, csrf_token, login_id, workspace_id, user_id, audience, user_agent, expires_at, stepped_up_at,
        viewed_affiliate_id, opened_by)
      select new_id, new_hash, new_csrf, person.login_id, of_workspace, of_user, 'affiliate', of_agent,
             least(ends_at, (select own.expires_at from sessions as own where own.id = opener)), 'epoch', of_affiliate, opener
      from person
      where exists (select from affiliates where workspace_id = of_workspace and id = of_affiliate)
      returning expires_at $$`);
  await grant(knex, 'directory_create_view(text, bytea, text, text, text, text, text, text, timestamptz)');
  await knex.raw(`
    create function directory_view(wanted text) returns table (affiliate_id text, affiliate_name text, is_assigned boolean)
    language sql stable ${head} as $$
      select affiliate.id, affiliate.name,
             affiliate.manager_id is not distinct from view.user_id or exists (
               select from user_assignments as assigned
               where (assigned.workspace_id, assigned.user_id, assigned.object_id) = (view.workspace_id, view.user_id, affiliate.id)
                 and assigned.object_type = 'affiliate')
      from sessions as view
      join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (view.workspace_id, view.viewed_affiliate_id)
      where view.id = wanted and (
        exists (select from sessions as own where own.id = view.opened_by and own.ended_at is null and own.expires_at > now())
        or exists (
          select from api_keys as key
          where (key.workspace_id, key.id) = (view.workspace_id, view.opened_by) and key.revoked_at is null
            and (key.expires_on is null or key.expires_on > (now() at time zone coalesce(
              (select settings.sections -> 'general' ->> 'timeZone' from settings where settings.workspace_id = view.workspace_id),
              'UTC'))::date))) $$`);
  await grant(knex, 'directory_view(text)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function directory_view(text)');
  await knex.raw('drop function directory_create_view(text, bytea, text, text, text, text, text, text, timestamptz)');
  for (const sql of endings(false)) await knex.raw(sql);
  await replaceList(knex, false);
  await replaceSession(knex, false);
  await knex.raw('delete from sessions where opened_by is not null');
  await knex.raw('alter table sessions drop column viewed_affiliate_id, drop column opened_by');
}
