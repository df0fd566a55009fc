import type { Knex } from 'knex';

// The image library goes into use (LNK-18): one picture is stored once in a workspace, and a foreign page asks for it by its hash before any
// workspace is known. The table was never written to before this release, so neither index has anything to do. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`create unique index media_sha_key on media (workspace_id, sha256) where deleted_at is null`);
  await knex.raw(`comment on index media_sha_key is 'the same picture again is the one that is there'`);
  await knex.raw(`create index media_by_sha on media (sha256) where deleted_at is null`);
  await knex.raw(`comment on index media_by_sha is 'directory_media: a page asks for a picture by its hash'`);
  await knex.raw(`
    create function directory_media(wanted bytea) returns table (content_type text, bytes bytea)
    language sql stable security definer set search_path = public, pg_temp as $$
      select content_type, bytes from media where sha256 = wanted and deleted_at is null order by created_at, id limit 1
    $$`);
  await knex.raw(
    `comment on function directory_media is 'a picture of any workspace by the hash of its bytes: whoever knows it has the snippet'`,
  );
  await knex.raw(`revoke execute on function directory_media(bytea) from public`);
  await knex.raw(`grant execute on function directory_media(bytea) to tributary_app`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop function if exists directory_media(bytea)`);
  await knex.raw(`drop index media_by_sha, media_sha_key`);
}
