import type { Knex } from 'knex';

// Thresholds change with an effective date, too (PRG-17): what is planned waits beside what holds, so that the periods that end before its day are still
// judged by what held in them. Adds columns without a default, which rewrites nothing.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table program_standards
      add column next_thresholds jsonb,
      add column next_from timestamptz(3),
      add column next_by text,
      add constraint program_standards_next check ((next_thresholds is null) = (next_from is null) and isfinite(next_from))`);
  await knex.raw(`comment on column program_standards.next_from is 'from then on next_thresholds hold'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table program_standards
      drop constraint program_standards_next, drop column next_thresholds, drop column next_from, drop column next_by`);
}
