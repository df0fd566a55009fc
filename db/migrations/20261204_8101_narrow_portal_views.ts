import type { Knex } from 'knex';

// A look at a portal that a key opened goes no further than that key: not past its ticks, not out of its mode, and not on once the key is for
// some addresses only. One function replaced with three more columns: no lock worth naming. Reversible: `down` puts that of 20261203_7201 back.

const isAssigned = `affiliate.manager_id is not distinct from view.user_id or exists (
               select from user_assignments as assigned
               where (assigned.workspace_id, assigned.user_id, assigned.object_id) = (view.workspace_id, view.user_id, affiliate.id)
                 and assigned.object_type = 'affiliate')`;
const isLivingSession = `own.ended_at is null and own.expires_at > now()`;
const isLivingKey = `(key.workspace_id, key.id) = (view.workspace_id, view.opened_by) and key.revoked_at is null
            and (key.expires_on is null or key.expires_on > (now() at time zone coalesce(
              (select settings.sections -> 'general' ->> 'timeZone' from settings where settings.workspace_id = view.workspace_id),
              'UTC'))::date)`;
const viewAndAffiliate = `from sessions as view
      join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (view.workspace_id, view.viewed_affiliate_id)`;

const narrowed = `
    create function directory_view(wanted text) returns table (
      affiliate_id text, affiliate_name text, is_assigned boolean, key_mode text, key_permissions text[], key_role_id text)
    language sql stable security definer set search_path = public, pg_temp as $$
      select affiliate.id, affiliate.name, ${isAssigned}, key.mode,
             key.permissions || coalesce(
               (select role.permissions from roles as role where (role.workspace_id, role.id) = (key.workspace_id, key.role_id)), '{}'),
             key.role_id
      ${viewAndAffiliate}
      left join sessions as own on own.id = view.opened_by and ${isLivingSession}
      left join api_keys as key on ${isLivingKey} and not key.ip_restricted
      where view.id = wanted and (own.id is not null or key.id is not null) $$`;

const before = `
    create function directory_view(wanted text) returns table (affiliate_id text, affiliate_name text, is_assigned boolean)
    language sql stable security definer set search_path = public, pg_temp as $$
      select affiliate.id, affiliate.name, ${isAssigned}
      ${viewAndAffiliate}
      where view.id = wanted and (
        exists (select from sessions as own where own.id = view.opened_by and ${isLivingSession})
        or exists (select from api_keys as key where ${isLivingKey})) $$`;

async function replace(knex: Knex, sql: string): Promise<void> {
  await knex.raw('drop function directory_view(text)');
  await knex.raw(sql);
  await knex.raw('revoke execute on function directory_view(text) from public');
  await knex.raw('grant execute on function directory_view(text) to tributary_app');
}

export async function up(knex: Knex): Promise<void> {
  await replace(knex, narrowed);
}

export async function down(knex: Knex): Promise<void> {
  await replace(knex, before);
}
