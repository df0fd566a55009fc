import type { Knex } from 'knex';

// Why: what names a revoked public key was answered as if there were no such key, so nobody knew whose it was and the call stood in no log (LED-31:
// refused and found again with `api_user_revoked`). The look-up answers revoked keys too; who asks judges them beside expiry and addresses.
// Same columns and language, so the function is replaced in place. Reversible.

async function replace(knex: Knex, condition: string): Promise<void> {
  await knex.raw(`
    create or replace function directory_public_key(wanted text)
    returns table (key_id text, workspace_id text, mode text, signing_secret text, affiliate_id text, field_map jsonb)
    language plpgsql stable security definer set search_path = public, pg_temp as $$#variable_conflict use_column
begin return query

      select id, workspace_id, mode, signing_secret, affiliate_id, field_map from api_keys
      where public_key = wanted and kind = 'public'${condition}
    ;
end$$`);
}

export const up = (knex: Knex): Promise<void> => replace(knex, '');
export const down = (knex: Knex): Promise<void> => replace(knex, ' and revoked_at is null');
