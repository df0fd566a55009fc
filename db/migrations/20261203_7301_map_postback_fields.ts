import type { Knex } from 'knex';

// Why: another system's postbacks call our parameters by its own names (BEY-20: mapped per source). A source of postbacks is a public key, so
// the map stands on the key and comes with it from the directory. The column has a constant default: nothing is rewritten, and a key
// without a map takes the names of api.md 4.1 as before. A function's columns cannot be changed in place, so it is dropped and made anew
// in the same transaction.

async function createFunction(knex: Knex, more: { readonly column: string; readonly value: string }): Promise<void> {
  await knex.raw('drop function directory_public_key(text)');
  await knex.raw(`
    create function directory_public_key(wanted text)
    returns table (key_id text, workspace_id text, mode text, signing_secret text, affiliate_id text${more.column})
    language sql stable security definer set search_path = public, pg_temp as $$
      select id, workspace_id, mode, signing_secret, affiliate_id${more.value} from api_keys
      where public_key = wanted and kind = 'public' and revoked_at is null
    $$`);
  await knex.raw('revoke execute on function directory_public_key(text) from public');
  await knex.raw('grant execute on function directory_public_key(text) to tributary_app');
}

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table api_keys
      add column field_map jsonb not null default '{}',
      add constraint api_keys_field_map check (jsonb_typeof(field_map) = 'object' and (kind = 'public' or field_map = '{}'))`);
  await knex.raw(
    `comment on column api_keys.field_map is 'postback parameter of ours → the name that this source gives it (BEY-20)'`,
  );
  await createFunction(knex, { column: ', field_map jsonb', value: ', field_map' });
}

export async function down(knex: Knex): Promise<void> {
  await createFunction(knex, { column: '', value: '' });
  await knex.raw('alter table api_keys drop column field_map');
}
