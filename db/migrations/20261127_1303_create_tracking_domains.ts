import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Own link domains of a workspace (LNK-08). A new table only. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table tracking_domains (
      ${workspaceColumn},
      id text not null,
      domain text not null constraint tracking_domains_lower check (domain = lower(domain)),
      token text not null,
      verified_at timestamptz(3),
      checked_at timestamptz(3),
      dns_result text,
      https_result text,
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint tracking_domains_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column tracking_domains.token is 'what the name''s TXT record and its own page must show; no secret'`,
  );
  await knex.raw(
    `comment on column tracking_domains.verified_at is 'since when links are printed with it; null: it is never used'`,
  );
  await knex.raw(
    `create unique index tracking_domains_own_key on tracking_domains (workspace_id, domain) where deleted_at is null`,
  );
  await knex.raw(`comment on index tracking_domains_own_key is 'a workspace names a domain once'`);
  await knex.raw(
    `create unique index tracking_domains_verified_key on tracking_domains (domain) where deleted_at is null and verified_at is not null`,
  );
  await knex.raw(
    `comment on index tracking_domains_verified_key is 'one workspace answers on a name; who has only claimed it keeps nobody from proving it. Also the redirect''s look-up'`,
  );
  await knex.raw(`create index tracking_domains_claims on tracking_domains (domain) where deleted_at is null`);
  await knex.raw(`comment on index tracking_domains_claims is 'directory_tracking_domain: who has claimed this name?'`);
  await isolate(knex, 'tracking_domains', 'select, insert, update');
  await knex.raw(`
    create function directory_tracking_domain(wanted text) returns table (workspace_id text, token text, is_verified boolean)
    language sql stable security definer set search_path = public, pg_temp as $$
      select workspace_id, token, verified_at is not null from tracking_domains where domain = wanted and deleted_at is null
      order by verified_at nulls last limit 20
    $$`);
  await knex.raw(
    `comment on function directory_tracking_domain is 'whose name is the host of a request? Those who proved it before those who claim it'`,
  );
  await knex.raw(`revoke execute on function directory_tracking_domain(text) from public`);
  await knex.raw(`grant execute on function directory_tracking_domain(text) to tributary_app`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop function if exists directory_tracking_domain(text)`);
  await dropTables(knex, ['tracking_domains']);
}
