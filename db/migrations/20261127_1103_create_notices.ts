import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// What people are told inside the product (PRT-14): an affiliate's record, or one person of the staff. A new table. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table notices (
      ${workspaceColumn},
      id text not null,
      affiliate_id text,
      user_id text,
      once_key text not null,
      kind text not null,
      subject text not null,
      body text not null,
      link text,
      requires_acknowledgement boolean not null default false,
      read_at timestamptz(3),
      acknowledged_at timestamptz(3),
      acknowledged_by text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint notices_pkey primary key (workspace_id, id),
      constraint notices_recipient check (num_nonnulls(affiliate_id, user_id) = 1),
      constraint notices_acknowledged check (acknowledged_at is null or (requires_acknowledgement and read_at is not null)),
      constraint notices_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id),
      constraint notices_user foreign key (workspace_id, user_id) references users (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column notices.once_key is 'the fact it tells of: written again, by a repeat or a rerun, it tells nothing twice'`,
  );
  await knex.raw(
    `create unique index notices_once_key on notices (workspace_id, coalesce(affiliate_id, user_id), once_key)`,
  );
  await knex.raw(`comment on index notices_once_key is 'once per recipient and fact'`);
  await knex.raw(
    `create index notices_affiliate_index on notices (workspace_id, affiliate_id, created_at desc, id desc) where affiliate_id is not null`,
  );
  await knex.raw(`comment on index notices_affiliate_index is 'notices of an affiliate, and how many are unread'`);
  await knex.raw(
    `create index notices_user_index on notices (workspace_id, user_id, created_at desc, id desc) where user_id is not null`,
  );
  await knex.raw(`comment on index notices_user_index is 'notices of a person of the staff, and how many are unread'`);
  await isolate(knex, 'notices', 'select, insert, update');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['notices']);
}
