import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// An affiliate against a rejected referral or commission (features.md 2.11). A new table. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table appeals (
      ${workspaceColumn},
      id text not null,
      mode text not null,
      affiliate_id text not null,
      object_type text not null constraint appeals_object_type check (object_type in ('referral', 'commission')),
      object_id text not null,
      referral_id text,
      body text not null,
      status text not null default 'open' constraint appeals_status check (status in ('open', 'upheld', 'dismissed', 'withdrawn')),
      rejected_by text,
      answer text,
      answered_by text,
      answered_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint appeals_pkey primary key (workspace_id, id),
      constraint appeals_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column appeals.rejected_by is 'who rejected, where a person did: not the one who answers (four eyes)'`,
  );
  await knex.raw('create unique index appeals_object_key on appeals (workspace_id, object_id)');
  await knex.raw(`comment on index appeals_object_key is 'once per object'`);
  await knex.raw('create index appeals_newest on appeals (workspace_id, mode, created_at desc, id desc)');
  await knex.raw(`comment on index appeals_newest is 'list of appeals'`);
  await knex.raw('create index appeals_affiliate_index on appeals (workspace_id, affiliate_id)');
  await knex.raw(`comment on index appeals_affiliate_index is 'the appeals of an affiliate'`);
  await isolate(knex, 'appeals', 'select, insert, update');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['appeals']);
}
