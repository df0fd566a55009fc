import type { Knex } from 'knex';

// How deep a program pays and for what (levels, acquisition model) changes from a day on, and a sale of before that is told later is judged by what
// held then (PRG-17). The steps stand in the row, so that judging a sale reads no more than it did. Adds a column with a constant default, which
// rewrites nothing; what changed before it is not known, and counts as it is.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table programs
      add column plan_steps jsonb not null default '[]',
      add constraint programs_plan_steps check (jsonb_typeof(plan_steps) = 'array')`);
  await knex.raw(
    `comment on column programs.plan_steps is 'where levels and acquisition model changed or are going to: [{from, levels, acquisitionModel}], from null first'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table programs drop constraint programs_plan_steps, drop column plan_steps');
}
