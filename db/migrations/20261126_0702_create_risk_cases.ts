import type { Knex } from 'knex';
import { dropTables, isolate, isolateAll, workspaceColumn } from '../migrationKit.js';

// Fraud: what a device tells, cases that hold money, and flags that are raised once and dismissed with a note. New tables and nullable
// columns; the indexes are on tables that are small when this runs. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `create index contacts_merged_email on contacts (workspace_id, email_key) where email_key is not null and merged_into_id is not null`,
  );
  await knex.raw(
    `comment on index contacts_merged_email is 'whose address is this, when its contact ended as part of another?'`,
  );
  await knex.raw(`
    create table affiliate_devices (
      ${workspaceColumn},
      affiliate_id text not null,
      address_hash bytea not null,
      user_agent text not null,
      visitor_click_id text,
      seen_at timestamptz(3) not null,
      constraint affiliate_devices_pkey primary key (workspace_id, affiliate_id, address_hash, user_agent),
      constraint affiliate_devices_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(
    `comment on table affiliate_devices is 'from where an affiliate signed in to its portal: address as a keyed hash; falls after privacy.clickDetails'`,
  );
  await knex.raw(`create index affiliate_devices_hash on affiliate_devices (workspace_id, address_hash, user_agent)`);
  await knex.raw(`comment on index affiliate_devices_hash is 'who else uses this device?'`);
  await knex.raw(`
    create table lead_details (
      ${workspaceColumn},
      lead_id text not null,
      address_hash bytea not null,
      user_agent text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint lead_details_pkey primary key (workspace_id, lead_id)
    )`);
  await knex.raw(
    `comment on table lead_details is 'what can point to the sender of a form; falls after privacy.clickDetails'`,
  );
  await knex.raw(`create index lead_details_hash on lead_details (workspace_id, address_hash, created_at)`);
  await knex.raw(`comment on index lead_details_hash is 'how many leads came from this address lately?'`);
  await knex.raw(`
    create table risk_cases (
      ${workspaceColumn},
      id text not null,
      mode text not null constraint risk_cases_mode check (mode in ('live', 'test')),
      kind text not null,
      affiliate_id text not null,
      referral_ids text[] not null default '{}',
      commission_ids text[] not null default '{}',
      evidence jsonb not null default '{}',
      notes text,
      status text not null default 'open' constraint risk_cases_status check (status in ('open', 'released', 'rejected')),
      opened_by text,
      closed_by text,
      closed_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint risk_cases_pkey primary key (workspace_id, id),
      constraint risk_cases_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(`create index risk_cases_newest on risk_cases (workspace_id, mode, created_at desc, id desc)`);
  await knex.raw(`comment on index risk_cases_newest is 'list of cases'`);
  await knex.raw(`create index risk_cases_lines on risk_cases using gin (commission_ids) where status = 'open'`);
  await knex.raw(`comment on index risk_cases_lines is 'does an open case hold this commission?'`);
  await isolateAll(knex, ['risk_cases', 'affiliate_devices']);
  await isolate(knex, 'lead_details', 'select, insert, delete');
  await knex.raw(`
    alter table risk_flags
      add column once_key text,
      add column note text,
      add column case_id text,
      add column version integer not null default 1,
      add constraint risk_flags_case foreign key (workspace_id, case_id) references risk_cases (workspace_id, id)`);
  await knex.raw(
    `create unique index risk_flags_once on risk_flags (workspace_id, once_key) where once_key is not null`,
  );
  await knex.raw(`comment on index risk_flags_once is 'one flag per finding, however often it is found'`);
  await knex.raw(
    `create index risk_flags_affiliate on risk_flags (workspace_id, affiliate_id, code) where dismissed_at is null`,
  );
  await knex.raw(`comment on index risk_flags_affiliate is 'open flags of an affiliate'`);
  await knex.raw(`create index risk_flags_newest on risk_flags (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index risk_flags_newest is 'list of flags'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index if exists risk_flags_newest');
  await knex.raw('drop index if exists risk_flags_affiliate');
  await knex.raw(
    'alter table risk_flags drop column once_key, drop column note, drop column case_id, drop column version',
  );
  await dropTables(knex, ['risk_cases', 'affiliate_devices', 'lead_details']);
  await knex.raw('drop index if exists contacts_merged_email');
}
