import type { Knex } from 'knex';

// A sale in review is confirmed with another amount (TRK-19, api.md 8.3): which decision did it, and so causes the lines that stand. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table sales add column correction_id text`);
  await knex.raw(
    `comment on column sales.correction_id is 'the decision that confirmed it with another amount; lines of another cause stand no more'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`alter table sales drop column correction_id`);
}
