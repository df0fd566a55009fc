import type { Knex } from 'knex';
import { currentWorkspace, dropTables, isolateAll, workspaceColumn } from '../migrationKit.js';

// The only history, its chain, decisions, archived workflow histories, the outbox. Why: written by everything that follows. New tables
// only. Reversible.

const tables = [
  'audit_entries',
  'audit_heads',
  'audit_leaves',
  'decisions',
  'histories',
  'history_replays',
  'outbox',
  'emails',
  'operations',
  'operation_items',
];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table audit_entries (
      ${workspaceColumn},
      id text not null,
      mode text not null constraint audit_entries_mode check (mode in ('live', 'test')),
      object_type text not null,
      object_id text not null,
      seq integer not null constraint audit_entries_seq check (seq >= 1),
      from_status text,
      to_status text,
      event text not null,
      actor_type text not null constraint audit_entries_actor check (actor_type in ('user', 'api_key', 'system', 'visitor', 'temporal')),
      actor_id text,
      actor_user_id text,
      reason_code text,
      cause_type text,
      cause_id text,
      changes jsonb not null default '{}',
      request_id text,
      workflow_id text,
      run_id text,
      activity_id text,
      commit_id uuid not null default nullif(current_setting('tributary.commit_id', true), '')::uuid,
      at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint audit_entries_pkey primary key (workspace_id, id),
      constraint audit_entries_in_order unique (workspace_id, object_id, seq)
    )`);
  await knex.raw(
    `create unique index audit_entries_once on audit_entries (workspace_id, object_id, cause_id, event) where cause_id is not null`,
  );
  await knex.raw(`comment on index audit_entries_once is 'the same cause has one effect on an object (money.md 8)'`);
  await knex.raw(`create index audit_entries_commit on audit_entries (workspace_id, commit_id)`);
  await knex.raw(`comment on index audit_entries_commit is 'audit chain: what one transaction wrote'`);
  await knex.raw(`create index audit_entries_run on audit_entries (workspace_id, run_id) where run_id is not null`);
  await knex.raw(`comment on index audit_entries_run is 'verdict: every entry that names this run'`);
  await knex.raw(`create index audit_entries_at on audit_entries (workspace_id, at, id)`);
  await knex.raw(`comment on index audit_entries_at is 'audit list, newest first; chain: entries since the head'`);
  await knex.raw(`
    create table audit_heads (
      ${workspaceColumn},
      sequence bigint not null,
      leaf_hash bytea not null,
      signature text,
      updated_at timestamptz(3) not null default now(),
      constraint audit_heads_pkey primary key (workspace_id)
    )`);
  await knex.raw(`
    create table audit_leaves (
      ${workspaceColumn},
      sequence bigint not null,
      commit_id uuid not null,
      previous_hash bytea not null,
      content_hash bytea not null,
      leaf_hash bytea not null,
      entry_count integer not null,
      transfer_count integer not null,
      history_count integer not null,
      row_hashes jsonb not null,
      created_at timestamptz(3) not null default now(),
      constraint audit_leaves_pkey primary key (workspace_id, sequence),
      constraint audit_leaves_one_per_commit unique (workspace_id, commit_id)
    )`);
  await knex.raw(
    `comment on column audit_leaves.row_hashes is '[[id, sha256], ...] of what the commit wrote: names the row that was altered'`,
  );
  await knex.raw(`
    create table decisions (
      ${workspaceColumn},
      id text not null,
      mode text not null,
      verb text not null,
      object_type text not null,
      object_id text not null,
      workflow_id text not null,
      actor_type text not null,
      actor_id text,
      actor_user_id text,
      reason_code text not null,
      note text,
      public_reason text,
      params jsonb not null default '{}',
      via text not null constraint decisions_via check (via in ('api', 'bulk', 'temporal', 'system')),
      caller_key text,
      request_hash bytea,
      request_id text,
      stepped_up boolean not null default false,
      operation_id text,
      state text not null default 'open' constraint decisions_state check (state in ('open', 'done', 'refused')),
      code text,
      outcome jsonb,
      nudged_at timestamptz(3),
      nudges integer not null default 0,
      processed_at timestamptz(3),
      commit_id uuid not null default nullif(current_setting('tributary.commit_id', true), '')::uuid,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint decisions_pkey primary key (workspace_id, id),
      constraint decisions_settled check ((state = 'open') = (processed_at is null))
    )`);
  await knex.raw(
    `create unique index decisions_caller_key on decisions (workspace_id, mode, coalesce(actor_id, ''), verb, object_id, caller_key) where caller_key is not null`,
  );
  await knex.raw(
    `comment on index decisions_caller_key is 'the same Idempotency-Key again finds its decision (api.md 1.4)'`,
  );
  await knex.raw(
    `create index decisions_open on decisions (workspace_id, workflow_id, created_at, id) where state = 'open'`,
  );
  await knex.raw(`comment on index decisions_open is 'facts of a step: decisions without outcome'`);
  await knex.raw(`create index decisions_object on decisions (workspace_id, object_id, processed_at desc)`);
  await knex.raw(`comment on index decisions_object is 'the last decision shown on a resource'`);
  await knex.raw(`
    create table histories (
      ${workspaceColumn},
      id text not null,
      workflow_type text not null,
      workflow_id text not null,
      run_id text not null,
      object_id text not null,
      build_id text,
      event_count integer not null,
      first_event_at timestamptz(3) not null,
      last_event_at timestamptz(3) not null,
      close_status text not null,
      sha256 bytea not null,
      event_hashes bytea not null,
      bytes bytea not null,
      commit_id uuid not null default nullif(current_setting('tributary.commit_id', true), '')::uuid,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint histories_pkey primary key (workspace_id, id),
      constraint histories_run_key unique (workspace_id, run_id)
    )`);
  await knex.raw(`create index histories_object on histories (workspace_id, object_id, first_event_at)`);
  await knex.raw(`comment on index histories_object is 'the runs of one referral, in order'`);
  await knex.raw(`
    create table history_replays (
      ${workspaceColumn},
      id text not null,
      history_id text not null,
      verdict text not null constraint history_replays_verdict check (verdict in ('pass', 'fail', 'not_possible')),
      checks jsonb not null,
      recorded_build text,
      checked_build text not null,
      first_difference jsonb,
      requested_by text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint history_replays_pkey primary key (workspace_id, id),
      constraint history_replays_history foreign key (workspace_id, history_id) references histories (workspace_id, id)
    )`);
  // temporal.md 4.2
  await knex.raw(`
    create table outbox (
      id bigint generated always as identity constraint outbox_pkey primary key,
      ${workspaceColumn},
      lane text not null constraint outbox_lane check (lane in ('workflow', 'http')),
      topic text not null,
      ordering_key text,
      endpoint text not null default '',
      priority smallint not null constraint outbox_priority check (priority between 1 and 5),
      payload jsonb not null,
      attempts integer not null default 0,
      lease_token uuid,
      due_at timestamptz(3) not null default now(),
      sent_at timestamptz(3),
      dead_at timestamptz(3),
      error_code text,
      created_at timestamptz(3) not null default now()
    )`);
  await knex.raw(
    `create index outbox_waiting on outbox (lane, workspace_id, priority, endpoint, due_at, id) where sent_at is null and dead_at is null`,
  );
  await knex.raw(`create index outbox_in_order on outbox (ordering_key, id) where sent_at is null and dead_at is null`);
  await knex.raw(
    `create index outbox_in_flight on outbox (lane, workspace_id, endpoint) where lease_token is not null`,
  );
  await knex.raw(`create index outbox_sent on outbox (sent_at)`);
  await knex.raw(`comment on index outbox_waiting is 'the relay''s claim: heads of each line'`);
  await knex.raw(`comment on index outbox_in_order is 'the relay''s claim: is an earlier one of this key unsent?'`);
  await knex.raw(`comment on index outbox_in_flight is 'the relay''s claim: calls under way per endpoint'`);
  await knex.raw(`comment on index outbox_sent is 'delete what was sent 30 days ago'`);
  await knex.raw(`
    create table emails (
      ${workspaceColumn},
      id text not null,
      kind text not null,
      recipient text not null,
      subject text not null,
      body text not null,
      links text[] not null default '{}',
      sent_at timestamptz(3),
      failed_code text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint emails_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(`create index emails_newest on emails (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index emails_newest is 'mail log, newest first'`);
  await knex.raw(`
    create table operations (
      ${workspaceColumn},
      id text not null,
      mode text not null,
      kind text not null,
      status text not null default 'queued' constraint operations_status check (status in ('queued', 'running', 'done', 'failed', 'cancelled')),
      request jsonb not null,
      result jsonb,
      total integer not null default 0,
      cursor text,
      requested_by_type text not null,
      requested_by text,
      requested_by_user text,
      request_id text,
      reversible boolean not null default false,
      finished_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint operations_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(`
    create table operation_items (
      ${workspaceColumn},
      operation_id text not null,
      position integer not null,
      object_id text not null,
      decision_id text,
      outcome text constraint operation_items_outcome check (outcome in ('succeeded', 'skipped', 'failed')),
      code text,
      detail text,
      constraint operation_items_pkey primary key (workspace_id, operation_id, position),
      constraint operation_items_operation foreign key (workspace_id, operation_id) references operations (workspace_id, id)
    )`);
  await isolateAll(knex, ['audit_entries', 'audit_leaves', 'histories', 'history_replays'], 'select, insert');
  await isolateAll(
    knex,
    ['audit_heads', 'decisions', 'emails', 'operations', 'operation_items'],
    'select, insert, update',
  );
  await isolateAll(knex, ['outbox'], 'select, insert, update, delete');

  // The relay claims rows of all workspaces and marks them; it sees nothing else but clicks not taken up.
  await knex.raw('create policy outbox_relay on outbox to tributary_relay using (true) with check (true)');
  await knex.raw('grant select, update, delete on outbox to tributary_relay');
  await knex.raw('alter table outbox set (autovacuum_vacuum_scale_factor = 0.02)');

  await knex.raw(`
    create function refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$`);
  for (const table of ['audit_entries', 'audit_leaves', 'histories']) {
    await knex.raw(
      `create trigger append_only before update or delete on ${table} for each row execute function refuse_change()`,
    );
    await knex.raw(
      `create trigger append_only_all before truncate on ${table} for each statement execute function refuse_change()`,
    );
  }
  // Two relays append leaves of one workspace in turn: the head row is the lock, made at the workspace's birth.
  await knex.raw(
    `comment on table audit_heads is 'one row per workspace, locked while its leaves are appended; ${currentWorkspace.replaceAll("'", "''")} scopes it'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, tables);
  await knex.raw('drop function if exists refuse_change()');
}
