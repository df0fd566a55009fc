import type { Knex } from 'knex';

// Why: the touches of a referral show the clicks that credited nobody, too, found by the click that their browser named (TRK-23). Only those
// are indexed, so a credited click, which is nearly every one, writes no more than before. Built at once: few rows qualify.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `create index clicks_uncredited on clicks (workspace_id, previous_click_id) where credit <> 'credited' and previous_click_id is not null`,
  );
  await knex.raw(`comment on index clicks_uncredited is 'the touches of a referral: uncredited clicks of its browser'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index clicks_uncredited`);
}
