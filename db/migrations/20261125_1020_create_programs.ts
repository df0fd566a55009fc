import type { Knex } from 'knex';
import { dropTables, isolateAll, workspaceColumn } from '../migrationKit.js';

// Programs, products, rules, agreements; affiliates, enrolments, contacts, links. New tables only. Reversible.

const tables = [
  'programs',
  'products',
  'program_products',
  'agreements',
  'commission_rules',
  'commission_rule_versions',
  'contacts',
  'affiliates',
  'enrolments',
  'links',
];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table programs (
      ${workspaceColumn},
      id text not null,
      name text not null,
      slug text not null constraint programs_slug_key unique,
      status text not null constraint programs_status check (status in ('draft', 'active', 'paused', 'closed')),
      currency text not null,
      time_zone text,
      levels smallint not null default 1 constraint programs_levels check (levels between 1 and 10),
      enrolment text not null default 'open' constraint programs_enrolment check (enrolment in ('open', 'invite', 'closed')),
      acquisition_model text constraint programs_acquisition check (acquisition_model in ('cpl', 'cpa')),
      requirements text[] not null default '{email_verified}',
      required_checks text[] not null default '{}',
      own_terms jsonb not null default '{}',
      landing_url text,
      fallback_url text,
      destination_hosts text[] not null default '{}',
      metadata jsonb not null default '{}',
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint programs_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column programs.own_terms is 'overrides of settings by field name of api.md 6.1 (attributionWindow, commissionHold, ...); absent = inherited'`,
  );
  await knex.raw(`
    create table products (
      ${workspaceColumn},
      id text not null,
      name text not null,
      sku text,
      price_minor bigint,
      price_currency text,
      period text,
      url text,
      active boolean not null default true,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      deleted_at timestamptz(3),
      constraint products_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index products_sku_key on products (workspace_id, sku) where sku is not null and deleted_at is null`,
  );
  await knex.raw(`
    create table program_products (
      ${workspaceColumn},
      program_id text not null,
      product_id text not null,
      active boolean not null default true,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint program_products_pkey primary key (workspace_id, program_id, product_id),
      constraint program_products_program foreign key (workspace_id, program_id) references programs (workspace_id, id),
      constraint program_products_product foreign key (workspace_id, product_id) references products (workspace_id, id)
    )`);
  await knex.raw(`
    create table agreements (
      ${workspaceColumn},
      id text not null,
      program_id text not null,
      kind text not null constraint agreements_kind check (kind in ('terms', 'guidelines')),
      number integer not null,
      title text not null,
      body text not null,
      body_sha256 bytea not null,
      must_accept boolean not null default true,
      effective_from timestamptz(3) not null,
      grace_until timestamptz(3),
      created_by text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint agreements_pkey primary key (workspace_id, id),
      constraint agreements_number_key unique (workspace_id, program_id, kind, number),
      constraint agreements_program foreign key (workspace_id, program_id) references programs (workspace_id, id)
    )`);
  await knex.raw(`
    create table commission_rules (
      ${workspaceColumn},
      id text not null,
      name text not null,
      scope text not null constraint commission_rules_scope check (scope in ('global', 'program', 'program_product', 'group', 'affiliate')),
      program_id text,
      product_id text,
      group_id text,
      affiliate_id text,
      event text not null,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      ended_at timestamptz(3),
      constraint commission_rules_pkey primary key (workspace_id, id),
      constraint commission_rules_program foreign key (workspace_id, program_id) references programs (workspace_id, id),
      constraint commission_rules_product foreign key (workspace_id, product_id) references products (workspace_id, id)
    )`);
  await knex.raw(`create index commission_rules_program_index on commission_rules (workspace_id, program_id, event)`);
  await knex.raw(`comment on index commission_rules_program_index is 'which rules could pay for this sale?'`);
  await knex.raw(`
    create table commission_rule_versions (
      ${workspaceColumn},
      rule_id text not null,
      version integer not null,
      body jsonb not null,
      effective_from timestamptz(3) not null,
      effective_to timestamptz(3),
      created_by text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint commission_rule_versions_pkey primary key (workspace_id, rule_id, version),
      constraint commission_rule_versions_rule foreign key (workspace_id, rule_id) references commission_rules (workspace_id, id),
      constraint commission_rule_versions_span check (effective_to is null or effective_to >= effective_from)
    )`);
  await knex.raw(`
    create table contacts (
      ${workspaceColumn},
      id text not null,
      name text,
      email text,
      email_key text,
      phone text,
      phone_key text,
      company text,
      country text,
      merged_into_id text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint contacts_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index contacts_email_key on contacts (workspace_id, email_key) where email_key is not null and merged_into_id is null`,
  );
  await knex.raw(
    `create index contacts_phone_key on contacts (workspace_id, phone_key) where phone_key is not null and merged_into_id is null`,
  );
  await knex.raw(`comment on index contacts_email_key is 'one contact per person and workspace, by normalised e-mail'`);
  await knex.raw(`comment on index contacts_phone_key is 'is this phone known?'`);
  await knex.raw(`
    create table affiliates (
      ${workspaceColumn},
      id text not null,
      contact_id text not null,
      name text not null,
      company text,
      email text not null,
      email_verified_at timestamptz(3),
      phone text,
      website text,
      country text,
      language text,
      time_zone text,
      kind text not null default 'external' constraint affiliates_kind check (kind in ('external', 'reseller', 'customer')),
      status text not null constraint affiliates_status check (status in ('pending', 'approved', 'declined', 'suspended', 'terminated')),
      status_reason text,
      group_id text,
      rank integer,
      recruiter_id text,
      tags text[] not null default '{}',
      notes text,
      minimum_payout jsonb not null default '[]',
      sub_id_access boolean not null default true,
      metadata jsonb not null default '{}',
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint affiliates_pkey primary key (workspace_id, id),
      constraint affiliates_contact foreign key (workspace_id, contact_id) references contacts (workspace_id, id),
      constraint affiliates_recruiter foreign key (workspace_id, recruiter_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index affiliates_email_key on affiliates (workspace_id, lower(email)) where status <> 'terminated'`,
  );
  await knex.raw(`create index affiliates_newest on affiliates (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index affiliates_newest is 'list of affiliates'`);
  await knex.raw(`
    create table enrolments (
      ${workspaceColumn},
      id text not null,
      affiliate_id text not null,
      program_id text not null,
      status text not null constraint enrolments_status check (status in ('pending', 'active', 'paused', 'ended')),
      joined_at timestamptz(3) not null,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint enrolments_pkey primary key (workspace_id, id),
      constraint enrolments_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id),
      constraint enrolments_program foreign key (workspace_id, program_id) references programs (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index enrolments_one_open on enrolments (workspace_id, affiliate_id, program_id) where status <> 'ended'`,
  );
  await knex.raw(`
    create table links (
      ${workspaceColumn},
      id text not null,
      affiliate_id text not null,
      program_id text not null,
      kind text not null default 'standard' constraint links_kind check (kind in ('standard', 'direct', 'recruit')),
      slug text not null constraint links_slug_key unique,
      destination_url text not null,
      destination_type text not null default 'landing' constraint links_destination_type check (destination_type in ('landing', 'registration', 'product')),
      status text not null constraint links_status check (status in ('active', 'expired', 'disabled', 'archived')),
      health text not null default 'unknown' constraint links_health check (health in ('unknown', 'ok', 'unreachable', 'untracked')),
      health_checked_at timestamptz(3),
      expires_at timestamptz(3),
      campaign text,
      ad text,
      is_default boolean not null default false,
      metadata jsonb not null default '{}',
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint links_pkey primary key (workspace_id, id),
      constraint links_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id),
      constraint links_program foreign key (workspace_id, program_id) references programs (workspace_id, id)
    )`);
  await knex.raw(`create index links_affiliate_index on links (workspace_id, affiliate_id, program_id)`);
  await knex.raw(`comment on index links_affiliate_index is 'an affiliate''s links'`);
  await isolateAll(knex, tables);
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, tables);
}
