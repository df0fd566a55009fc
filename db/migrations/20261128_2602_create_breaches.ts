import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Breaches of a program's policies (PRG-19): what was broken, what shows it, and what followed. A new table, append-only for the application.
// Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table affiliate_breaches (
      ${workspaceColumn},
      id text not null,
      affiliate_id text not null,
      policy text not null,
      evidence text not null,
      action text not null constraint affiliate_breaches_action check (action in ('warning', 'suspension', 'termination')),
      recorded_by_type text not null,
      recorded_by text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint affiliate_breaches_pkey primary key (workspace_id, id),
      constraint affiliate_breaches_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(
    `create index affiliate_breaches_index on affiliate_breaches (workspace_id, affiliate_id, created_at desc, id desc)`,
  );
  await knex.raw(`comment on index affiliate_breaches_index is 'breaches of an affiliate, newest first'`);
  await isolate(knex, 'affiliate_breaches', 'select, insert');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['affiliate_breaches']);
}
