import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Why: terms of a program that are to change on a day are kept until then (PRG-17). One row per program and instant; it goes when it has
// taken effect or is taken back, the history keeps both. A new table only. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table program_changes (
      ${workspaceColumn},
      program_id text not null,
      effective_from timestamptz(3) not null constraint program_changes_time check (isfinite(effective_from)),
      fields jsonb not null,
      terms jsonb not null,
      created_by_user text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint program_changes_pkey primary key (workspace_id, program_id, effective_from),
      constraint program_changes_program foreign key (workspace_id, program_id) references programs (workspace_id, id) on delete cascade
    )`);
  await knex.raw(`comment on column program_changes.fields is 'columns of programs by their names in domain/'`);
  await knex.raw(
    `comment on column program_changes.terms is 'terms of the program''s own in wire form; null inherits again'`,
  );
  await knex.raw(`create index program_changes_due on program_changes (workspace_id, effective_from)`);
  await knex.raw(`comment on index program_changes_due is 'the sweep: what takes effect by now'`);
  await isolate(knex, 'program_changes');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['program_changes']);
}
