import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Performance thresholds of programs and what came of them at the end of each period (PRG-18). New tables: no lock. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table program_standards (
      ${workspaceColumn},
      program_id text not null,
      thresholds jsonb not null,
      set_by text,
      set_at timestamptz(3) not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint program_standards_pkey primary key (workspace_id, program_id),
      constraint program_standards_program foreign key (workspace_id, program_id) references programs (workspace_id, id)
    )`);
  await knex.raw(`
    create table standard_results (
      ${workspaceColumn},
      program_id text not null,
      affiliate_id text not null,
      metric text not null,
      period text not null constraint standard_results_period check (period in ('month', 'quarter', 'year')),
      period_from timestamptz(3) not null,
      period_until timestamptz(3) not null,
      value bigint,
      minimum bigint,
      maximum bigint,
      outcome text not null constraint standard_results_outcome check (outcome in ('met', 'below')),
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint standard_results_pkey primary key (workspace_id, affiliate_id, program_id, metric, period, period_from),
      constraint standard_results_program foreign key (workspace_id, program_id) references programs (workspace_id, id),
      constraint standard_results_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(
    `create index standard_results_period_index on standard_results (workspace_id, program_id, metric, period, period_from desc)`,
  );
  await knex.raw(
    `comment on index standard_results_period_index is 'was this period judged already? the newest one of a program'`,
  );
  await isolate(knex, 'program_standards', 'select, insert, update');
  await isolate(knex, 'standard_results', 'select, insert');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['program_standards', 'standard_results']);
}
