import type { Knex } from 'knex';

// Why: an affiliate's own key holds rights over leads that its maker, a person of the portal, has none of (docs/decisions/0731). That it is such
// a key was seen from a maker without roles, which a member of staff becomes whose roles are taken away: what they had made kept its
// rights. So the audience of the maker comes with the key. A function's columns cannot be changed in place: it is dropped and made anew in
// the same transaction. Reversible: `down` puts that of 20261126_0503 back.

const customRoles = `case
    when exists (select from unnest(array_append(creator.role_ids, key.role_id)) as held where held like 'rol\\_%')
    then (select coalesce(jsonb_agg(jsonb_build_object('id', role.id, 'name', role.name, 'permissions', to_jsonb(role.permissions),
            'reach', role.reach, 'limited', role.limited)), '[]')
          from roles as role
          where role.workspace_id = key.workspace_id and role.id = any(array_append(creator.role_ids, key.role_id)))
    else '[]'::jsonb end`;

async function createFunction(knex: Knex, more: { readonly column: string; readonly value: string }): Promise<void> {
  await knex.raw('drop function directory_api_key(bytea)');
  await knex.raw(`
    create function directory_api_key(wanted bytea) returns table (
      key_id text, workspace_id text, kind text, mode text, permissions text[], role_id text, affiliate_id text, created_by text,
      expires_on date, ip_restricted boolean, ip_allow_list text[], revoked_at timestamptz, last_used_at timestamptz,
      creator_status text, creator_name text, creator_role_ids text[], creator_is_instance_admin boolean, affiliate_status text,
      time_zone text, custom_roles jsonb${more.column})
    language sql stable security definer set search_path = public, pg_temp as $$
      select key.id, key.workspace_id, key.kind, key.mode, key.permissions, key.role_id, key.affiliate_id, key.created_by, key.expires_on,
             key.ip_restricted, key.ip_allow_list, key.revoked_at, key.last_used_at, creator.status, creator.name, creator.role_ids,
             creator.is_instance_admin, affiliate.status,
             coalesce((select settings.sections -> 'general' ->> 'timeZone' from settings where settings.workspace_id = key.workspace_id), 'UTC'),
             ${customRoles}${more.value}
      from api_keys as key
      join users as creator on (creator.workspace_id, creator.id) = (key.workspace_id, key.created_by)
      left join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (key.workspace_id, key.affiliate_id)
      where key.token_hash = wanted or (key.previous_token_hash = wanted and key.grace_until > now())
    $$`);
  await knex.raw('revoke execute on function directory_api_key(bytea) from public');
  await knex.raw('grant execute on function directory_api_key(bytea) to tributary_app');
}

export async function up(knex: Knex): Promise<void> {
  await createFunction(knex, { column: ', creator_audience text', value: ', creator.audience' });
}

export async function down(knex: Knex): Promise<void> {
  await createFunction(knex, { column: '', value: '' });
}
