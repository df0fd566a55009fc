import type { Knex } from 'knex';
import { dropTables, isolate, isolateAll, workspaceColumn } from '../migrationKit.js';

// Lead sources with routing, custom fields, lead forms with their published versions, the log of calls, customer accounts that a lead opens,
// with their one-time links. New tables and nullable columns only: no lock worth naming. Reversible.

const tables = ['lead_sources', 'custom_fields', 'lead_forms', 'customer_accounts', 'customer_tokens'];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table lead_sources (
      ${workspaceColumn},
      id text not null,
      name text not null,
      department text,
      assignee_id text,
      lead_acceptance text constraint lead_sources_acceptance check (lead_acceptance in ('automatic', 'manual')),
      active boolean not null default true,
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint lead_sources_pkey primary key (workspace_id, id),
      constraint lead_sources_assignee foreign key (workspace_id, assignee_id) references users (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column lead_sources.lead_acceptance is 'who accepts a lead of this source; null: as its program says'`,
  );
  await knex.raw(
    `create unique index lead_sources_name_key on lead_sources (workspace_id, lower(name)) where deleted_at is null`,
  );
  await knex.raw(`comment on index lead_sources_name_key is 'two sources of one name cannot be told apart in a list'`);
  await knex.raw(`
    create table custom_fields (
      ${workspaceColumn},
      id text not null,
      target text not null constraint custom_fields_target check (target in ('lead')),
      name text not null,
      key text not null,
      type text not null constraint custom_fields_type check (type in ('text', 'number', 'date', 'choice', 'checkbox')),
      required boolean not null default false,
      options text[] not null default '{}',
      position integer not null default 0,
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint custom_fields_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index custom_fields_key_key on custom_fields (workspace_id, target, key) where deleted_at is null`,
  );
  await knex.raw(`comment on index custom_fields_key_key is 'a key names one field'`);
  await knex.raw(`
    create table lead_forms (
      ${workspaceColumn},
      id text not null,
      name text not null,
      program_id text not null,
      lead_source_id text,
      assignee_id text,
      language text not null default 'en',
      event text not null default 'enquiry' constraint lead_forms_event check (event in ('enquiry', 'registration')),
      fields jsonb not null,
      consent_text text,
      thank_you_text text,
      thank_you_url text,
      open_account boolean not null default false,
      sign_in boolean not null default false,
      frame_domains text[] not null default '{}',
      active boolean not null default true,
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint lead_forms_pkey primary key (workspace_id, id),
      constraint lead_forms_id_key unique (id),
      constraint lead_forms_program foreign key (workspace_id, program_id) references programs (workspace_id, id),
      constraint lead_forms_source foreign key (workspace_id, lead_source_id) references lead_sources (workspace_id, id),
      constraint lead_forms_assignee foreign key (workspace_id, assignee_id) references users (workspace_id, id)
    )`);
  await knex.raw(`
    create table lead_form_versions (
      ${workspaceColumn},
      form_id text not null,
      version integer not null,
      definition jsonb not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint lead_form_versions_pkey primary key (workspace_id, form_id, version),
      constraint lead_form_versions_form foreign key (workspace_id, form_id) references lead_forms (workspace_id, id)
    )`);
  await knex.raw(
    `comment on table lead_form_versions is 'what a visitor saw when a lead of this version was sent, consent text included; never edited'`,
  );
  await knex.raw(`
    create table customer_accounts (
      ${workspaceColumn},
      id text not null,
      mode text not null constraint customer_accounts_mode check (mode in ('live', 'test')),
      contact_id text not null,
      status text not null default 'active' constraint customer_accounts_status check (status in ('active', 'suspended')),
      password_hash text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint customer_accounts_pkey primary key (workspace_id, id),
      constraint customer_accounts_contact_key unique (workspace_id, mode, contact_id),
      constraint customer_accounts_contact foreign key (workspace_id, contact_id) references contacts (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column customer_accounts.password_hash is 'null until its owner has set one: no default password exists (LED-12)'`,
  );
  await knex.raw(`
    create table customer_tokens (
      ${workspaceColumn},
      token_hash bytea not null,
      kind text not null constraint customer_tokens_kind check (kind in ('sign_in', 'set_password')),
      customer_account_id text not null,
      lead_id text,
      expires_at timestamptz(3) not null,
      used_at timestamptz(3),
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint customer_tokens_pkey primary key (workspace_id, token_hash),
      constraint customer_tokens_account foreign key (workspace_id, customer_account_id) references customer_accounts (workspace_id, id)
    )`);
  // Its address falls with the log's age; what is in clear of a payload are ids, codes and amounts.
  await knex.raw(`
    create table api_log (
      ${workspaceColumn},
      id text not null,
      mode text not null,
      lead_channel text,
      key_id text,
      form_id text,
      affiliate_id text,
      lead_id text,
      address text,
      method text not null,
      path text not null,
      status integer not null,
      code text,
      payload jsonb not null default '{}',
      request_id text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint api_log_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(`create index api_log_newest on api_log (workspace_id, mode, created_at desc, id desc)`);
  await knex.raw(`comment on index api_log_newest is 'log of calls; deletion after privacy.apiLog'`);
  await knex.raw(
    `create index api_log_leads on api_log (workspace_id, mode, created_at desc, id desc) where lead_channel is not null and code is not null`,
  );
  await knex.raw(`comment on index api_log_leads is 'lead log: attempts that were refused'`);
  await isolateAll(knex, tables);
  await isolate(knex, 'lead_form_versions', 'select, insert');
  await isolate(knex, 'api_log', 'select, insert, delete');

  await knex.raw(`
    alter table leads
      add column source_id text,
      add column form_id text,
      add column form_version integer,
      add column department text,
      add column assigned_by text constraint leads_assigned_by check (assigned_by in ('affiliate', 'form', 'source', 'staff')),
      add column customer_account_id text,
      add column tags text[] not null default '{}',
      add column notes text,
      add constraint leads_source foreign key (workspace_id, source_id) references lead_sources (workspace_id, id),
      add constraint leads_form foreign key (workspace_id, form_id) references lead_forms (workspace_id, id),
      add constraint leads_customer_account foreign key (workspace_id, customer_account_id) references customer_accounts (workspace_id, id)`);
  await knex.raw(`create index leads_log on leads (workspace_id, mode, created_at desc, id desc)`);
  await knex.raw(`comment on index leads_log is 'lead log and list of one mode'`);
  await knex.raw(
    `create index leads_form_index on leads (workspace_id, form_id, created_at desc) where form_id is not null`,
  );
  await knex.raw(`comment on index leads_form_index is 'submissions of a form, and the last one'`);
  await knex.raw(`
    alter table api_keys
      add column lead_source_id text,
      add column contact_id text,
      add column open_account boolean,
      add column acquisition_model text constraint api_keys_acquisition check (acquisition_model in ('cpl', 'cpa')),
      add constraint api_keys_lead_source foreign key (workspace_id, lead_source_id) references lead_sources (workspace_id, id),
      add constraint api_keys_contact foreign key (workspace_id, contact_id) references contacts (workspace_id, id)`);
  await knex.raw(
    `create function directory_lead_form(wanted text) returns table (workspace_id text, active boolean)
     language sql stable security definer set search_path = public, pg_temp as $$
       select workspace_id, active from lead_forms where id = wanted and deleted_at is null $$`,
  );
  await knex.raw(
    `create function directory_customer_token(wanted bytea) returns table (workspace_id text, is_usable boolean)
     language sql stable security definer set search_path = public, pg_temp as $$
       select workspace_id, used_at is null and expires_at > now() from customer_tokens
       where token_hash = wanted and kind = 'set_password' $$`,
  );
  for (const signature of ['directory_lead_form(text)', 'directory_customer_token(bytea)']) {
    await knex.raw(`revoke execute on function ${signature} from public`);
    await knex.raw(`grant execute on function ${signature} to tributary_app`);
  }
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function if exists directory_customer_token(bytea)');
  await knex.raw('drop function if exists directory_lead_form(text)');
  await knex.raw(`
    alter table api_keys drop column lead_source_id, drop column contact_id, drop column open_account, drop column acquisition_model`);
  await knex.raw('drop index if exists leads_log');
  await knex.raw(`
    alter table leads drop column source_id, drop column form_id, drop column form_version, drop column department,
      drop column assigned_by, drop column customer_account_id, drop column tags, drop column notes`);
  await dropTables(knex, [...tables, 'lead_form_versions', 'api_log']);
}
