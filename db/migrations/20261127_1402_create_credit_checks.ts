import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Questions of affiliates why a sale was not theirs (BEY-14): counted, ten a day, and kept for whoever looks into a quarrel. New table only.
// Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table credit_checks (
      ${workspaceColumn},
      affiliate_id text not null,
      asked_at timestamptz(3) not null,
      asked_kind text not null constraint credit_checks_kind check (asked_kind in ('order', 'click')),
      asked text not null,
      outcome text not null,
      constraint credit_checks_pkey primary key (workspace_id, affiliate_id, asked_at, asked),
      constraint credit_checks_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(`comment on table credit_checks is 'what an affiliate asked about its credit, and what it was told'`);
  await isolate(knex, 'credit_checks', 'select, insert, delete');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['credit_checks']);
}
