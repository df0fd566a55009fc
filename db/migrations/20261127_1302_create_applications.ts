import type { Knex } from 'knex';
import { dropTables, isolateAll, workspaceColumn } from '../migrationKit.js';

// What a program asks of applicants, and what each of them answered (AFF-03, LNK-23). New tables only. Reversible.

const tables = ['application_forms', 'applications'];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table application_forms (
      ${workspaceColumn},
      id text not null,
      program_id text not null,
      language text not null constraint application_forms_language check (language in ('en', 'de')),
      introduction text,
      company text not null constraint application_forms_company check (company in ('hidden', 'optional', 'required')),
      website text not null constraint application_forms_website check (website in ('hidden', 'optional', 'required')),
      country text not null constraint application_forms_country check (country in ('hidden', 'optional', 'required')),
      questions jsonb not null,
      version integer not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint application_forms_pkey primary key (workspace_id, id),
      constraint application_forms_program_key unique (workspace_id, program_id),
      constraint application_forms_program foreign key (workspace_id, program_id) references programs (workspace_id, id)
    )`);
  await knex.raw(`
    create table applications (
      ${workspaceColumn},
      id text not null,
      affiliate_id text not null,
      program_id text not null,
      answers jsonb not null,
      recruiter_id text,
      agreement_id text,
      token_hash bytea not null,
      token_ends_at timestamptz(3) not null,
      question text,
      asked_at timestamptz(3),
      reply text,
      replied_at timestamptz(3),
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint applications_pkey primary key (workspace_id, id),
      constraint applications_token_key unique (token_hash),
      constraint applications_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id),
      constraint applications_program foreign key (workspace_id, program_id) references programs (workspace_id, id),
      constraint applications_recruiter foreign key (workspace_id, recruiter_id) references affiliates (workspace_id, id),
      constraint applications_agreement foreign key (workspace_id, agreement_id) references agreements (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column applications.answers is 'label and value of each question as it was asked; may hold personal data'`,
  );
  await knex.raw(
    `comment on column applications.token_hash is 'SHA-256 of the status page''s token, which stood in one mail'`,
  );
  await knex.raw(`create index applications_newest on applications (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index applications_newest is 'list of applications'`);
  await knex.raw(
    `create index applications_affiliate_index on applications (workspace_id, affiliate_id, created_at desc)`,
  );
  await knex.raw(
    `comment on index applications_affiliate_index is 'the applications of one affiliate: the latest, and earlier attempts'`,
  );
  await isolateAll(knex, tables, 'select, insert, update');
  await knex.raw(`
    create function directory_application(wanted bytea) returns table (workspace_id text, application_id text, is_usable boolean)
    language sql stable security definer set search_path = public, pg_temp as $$
      select workspace_id, id, token_ends_at > now() from applications where token_hash = wanted
    $$`);
  await knex.raw(`comment on function directory_application is 'the application of a status page, by its token'`);
  await knex.raw(`revoke execute on function directory_application(bytea) from public`);
  await knex.raw(`grant execute on function directory_application(bytea) to tributary_app`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop function if exists directory_application(bytea)`);
  await dropTables(knex, tables);
}
