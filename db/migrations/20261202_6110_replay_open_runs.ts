import type { Knex } from 'knex';

// Why: the referral that somebody just approved is still under way, and its verdict is asked for all the same (screens.md 4, Replay). It has no
// archived history yet, so such a verdict names the object and run and the last event that it judged. Columns without a default: nothing is rewritten.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table history_replays
      alter column history_id drop not null,
      add column object_id text,
      add column run_id text,
      add column through_event integer,
      add constraint history_replays_of check (
        (history_id is not null and object_id is null and run_id is null and through_event is null)
        or (history_id is null and object_id is not null and run_id is not null and through_event is not null))`);
  await knex.raw(
    `create index history_replays_object on history_replays (workspace_id, object_id, created_at) where object_id is not null`,
  );
  await knex.raw(`comment on index history_replays_object is 'verdicts on runs that were open, of one referral'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index history_replays_object');
  await knex.raw('delete from history_replays where history_id is null');
  await knex.raw(`
    alter table history_replays
      drop constraint history_replays_of,
      drop column object_id,
      drop column run_id,
      drop column through_event,
      alter column history_id set not null`);
}
