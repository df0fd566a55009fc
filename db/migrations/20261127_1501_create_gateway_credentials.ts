import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// What a workspace gives us to act for it at a payout provider (PAY-19, api.md 10.1); uploaded statements, each content once. New table, a
// nullable column and an index on a small table: a short lock each. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table gateway_credentials (
      ${workspaceColumn},
      gateway text not null,
      environment text not null constraint gateway_credentials_environment check (environment in ('production', 'sandbox')),
      account text not null,
      sealed text not null,
      set_by text,
      set_at timestamptz(3) not null,
      tried_at timestamptz(3),
      tried_code text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint gateway_credentials_pkey primary key (workspace_id, gateway)
    )`);
  await knex.raw(
    `comment on table gateway_credentials is 'a row = this gateway is connected; who pays locks it for share, who changes it for update'`,
  );
  await knex.raw(`comment on column gateway_credentials.sealed is 'sealed with SECRET_KEY: nobody reads it back'`);
  await knex.raw(
    `comment on column gateway_credentials.account is 'ours there, no secret: it does not change while something is on its way from it'`,
  );
  await isolate(knex, 'gateway_credentials');

  await knex.raw(`alter table gateway_statements add column file_name text`);
  await knex.raw(
    `create unique index gateway_statements_upload on gateway_statements (workspace_id, gateway, mode, currency, sha256) where source = 'upload'`,
  );
  await knex.raw(`comment on index gateway_statements_upload is 'the same file is read in once'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index if exists gateway_statements_upload');
  await knex.raw('alter table gateway_statements drop column if exists file_name');
  await dropTables(knex, ['gateway_credentials']);
}
