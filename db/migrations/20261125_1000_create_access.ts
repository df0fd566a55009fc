import type { Knex } from 'knex';
import { dropTables, isolateAll, workspaceColumn } from '../migrationKit.js';

// Workspaces, people, keys, settings. Why: everything else refers to a workspace and to who acts in it. New tables only: no lock on
// anything old. Reversible.

const isolated = ['users', 'api_keys', 'settings', 'settings_versions', 'idempotency_keys', 'preferences'];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table workspaces (
      id text not null constraint workspaces_pkey primary key,
      name text not null,
      features jsonb not null default '{}',
      restore_epoch integer not null default 1,
      payouts_frozen_at timestamptz(3),
      payouts_frozen_reason text,
      created_at timestamptz(3) not null default now()
    )`);
  await knex.raw('grant select on workspaces to tributary_app');
  // The readiness check compares what is applied with what the code knows.
  await knex.raw('grant select on schema_migrations to tributary_app');
  // A workspace sees itself; the list of all of them comes from the directory's function.
  await knex.raw('alter table workspaces enable row level security');
  await knex.raw(
    `create policy workspaces_own on workspaces to tributary_app using (id = (select nullif(current_setting('tributary.workspace_id', true), '')))`,
  );
  await knex.raw(
    'grant update (name, features, restore_epoch, payouts_frozen_at, payouts_frozen_reason) on workspaces to tributary_app',
  );

  // Above workspaces: one person's sign-in. Reached only through the directory's definer functions.
  await knex.raw(`
    create table logins (
      id text not null constraint logins_pkey primary key,
      email text not null constraint logins_email_key unique,
      email_verified_at timestamptz(3),
      password_hash text,
      failed_attempts integer not null default 0,
      locked_until timestamptz(3),
      created_at timestamptz(3) not null default now()
    )`);
  await knex.raw(`
    create table users (
      ${workspaceColumn},
      id text not null,
      login_id text not null references logins,
      audience text not null constraint users_audience check (audience in ('staff', 'affiliate', 'reseller')),
      name text not null,
      email text not null,
      role_ids text[] not null default '{}',
      rights text[] not null default '{}',
      affiliate_id text,
      status text not null constraint users_status check (status in ('invited', 'active', 'disabled')),
      is_instance_admin boolean not null default false,
      version integer not null default 1,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now(),
      constraint users_pkey primary key (workspace_id, id),
      constraint users_id_key unique (id)
    )`);
  await knex.raw(
    `create unique index users_one_per_login on users (workspace_id, login_id, audience, coalesce(affiliate_id, ''))`,
  );
  await knex.raw(`comment on index users_one_per_login is 'invite: is this person in already?'`);
  await knex.raw(`
    create table sessions (
      id text not null constraint sessions_pkey primary key,
      token_hash bytea not null constraint sessions_token_key unique,
      csrf_token text not null,
      login_id text not null references logins,
      workspace_id text not null references workspaces,
      user_id text not null,
      audience text not null,
      user_agent text,
      stepped_up_at timestamptz(3) not null default now(),
      last_seen_at timestamptz(3) not null default now(),
      expires_at timestamptz(3) not null,
      ended_at timestamptz(3),
      created_at timestamptz(3) not null default now(),
      constraint sessions_user foreign key (workspace_id, user_id) references users (workspace_id, id)
    )`);
  await knex.raw(`create index sessions_login on sessions (login_id) where ended_at is null`);
  await knex.raw(`comment on index sessions_login is 'own sessions; end all of a login'`);
  await knex.raw(`
    create table one_time_tokens (
      id text not null constraint one_time_tokens_pkey primary key,
      token_hash bytea not null constraint one_time_tokens_token_key unique,
      kind text not null constraint one_time_tokens_kind check (kind in ('sign_in', 'invite', 'reset', 'verify_email', 'verify_method')),
      login_id text references logins,
      workspace_id text references workspaces,
      user_id text,
      subject_id text,
      expires_at timestamptz(3) not null,
      used_at timestamptz(3),
      created_at timestamptz(3) not null default now()
    )`);
  await knex.raw(`
    create table api_keys (
      ${workspaceColumn},
      id text not null,
      name text not null,
      kind text not null constraint api_keys_kind check (kind in ('secret', 'public')),
      mode text not null constraint api_keys_mode check (mode in ('live', 'test')),
      token_hash bytea not null constraint api_keys_token_key unique,
      hint text not null,
      public_key text,
      signing_secret text,
      permissions text[] not null default '{}',
      role_id text,
      affiliate_id text,
      created_by text not null,
      expires_on date,
      ip_restricted boolean not null default false,
      ip_allow_list text[] not null default '{}',
      last_used_at timestamptz(3),
      revoked_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now(),
      constraint api_keys_pkey primary key (workspace_id, id),
      constraint api_keys_creator foreign key (workspace_id, created_by) references users (workspace_id, id)
    )`);
  await knex.raw(`
    create table settings (
      ${workspaceColumn},
      version integer not null,
      sections jsonb not null,
      saved_at timestamptz(3),
      updated_at timestamptz(3) not null default now(),
      constraint settings_pkey primary key (workspace_id)
    )`);
  await knex.raw(`
    create table settings_versions (
      ${workspaceColumn},
      version integer not null,
      sections jsonb not null,
      changed_by text,
      created_at timestamptz(3) not null default now(),
      constraint settings_versions_pkey primary key (workspace_id, version)
    )`);
  await knex.raw(`
    create table idempotency_keys (
      ${workspaceColumn},
      mode text not null,
      caller_id text not null,
      route text not null,
      key text not null,
      request_hash bytea not null,
      request_id text not null,
      status smallint,
      body bytea,
      headers jsonb,
      keep_for_ever boolean not null,
      created_at timestamptz(3) not null default now(),
      constraint idempotency_keys_pkey primary key (workspace_id, mode, caller_id, route, key)
    )`);
  await knex.raw(`create index idempotency_keys_old on idempotency_keys (created_at) where not keep_for_ever`);
  await knex.raw(`comment on index idempotency_keys_old is 'sweep/due: delete after 30 days'`);
  await knex.raw(`
    create table preferences (
      ${workspaceColumn},
      user_id text not null,
      key text not null,
      value jsonb not null,
      created_at timestamptz(3) not null default now(),
      constraint preferences_pkey primary key (workspace_id, user_id, key)
    )`);
  await isolateAll(knex, isolated);
  // The installation itself: one row. Payout freeze of the whole system, the head of the audit chain seen last.
  await knex.raw(`
    create table installation (
      only_row boolean not null default true constraint installation_pkey primary key constraint installation_one check (only_row),
      id uuid not null default gen_random_uuid(),
      payouts_frozen_at timestamptz(3),
      payouts_frozen_reason text,
      created_at timestamptz(3) not null default now()
    )`);
  await knex.raw('insert into installation default values');
  await knex.raw('grant select, update (payouts_frozen_at, payouts_frozen_reason) on installation to tributary_app');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, [
    'workspaces',
    'logins',
    'users',
    'sessions',
    'one_time_tokens',
    ...isolated.slice(1),
    'installation',
  ]);
}
