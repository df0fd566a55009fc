import type { Knex } from 'knex';

// Why: a burst's clicks are marked suspect and out of unique counts, but the visits of its clicks, which are the unique landings, were counted
// (FRD-02). A visit carries the mark of its click now, and its trigger counts it only without. The column has a constant default: nothing is
// rewritten. Visits of clicks that are marked already are marked here, after the trigger, so that the days lose them in the same transaction.

const keys = ['workspace_id', 'mode', 'affiliate_id', 'program_id', 'link_id', 'at', 'currency'];

function note(source: string, measure: string): string {
  return `
    insert into rollup_deltas (${[...keys, 'visits', 'leaves'].join(', ')})
    select counted.workspace_id, counted.mode, link.affiliate_id, link.program_id, counted.link_id,
           date_bin('15 minutes', counted.created_at, timestamptz '2000-01-01 00:00:00+00'), '', ${measure}, false
    from ${source} as counted join links as link on link.workspace_id = counted.workspace_id and link.id = counted.link_id
    where not counted.suspect
    group by 1, 2, 3, 4, 5, 6;`;
}

const head = `language plpgsql security definer set search_path = public, pg_temp`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table visits add column suspect boolean not null default false`);
  await knex.raw(`comment on column visits.suspect is 'of a suspect click: kept, and in no unique count (FRD-02)'`);
  await knex.raw(`
    create or replace function note_visits() returns trigger ${head} as $$
    begin
      if tg_op = 'INSERT' then ${note('added', 'count(*)')}
      elsif tg_op = 'DELETE' then ${note('removed', '-count(*)')}
      end if;
      return null;
    end $$`);
  await knex.raw(`
    create function note_change_of_visits() returns trigger ${head} as $$
    begin
      ${note('(select old.*)', '-count(*)')}
      ${note('(select new.*)', 'count(*)')}
      return null;
    end $$`);
  await knex.raw(
    `create trigger rollup_changed after update of suspect on visits for each row
     when (old.suspect is distinct from new.suspect) execute function note_change_of_visits()`,
  );
  await knex.raw(
    `update visits set suspect = true from clicks
     where clicks.workspace_id = visits.workspace_id and clicks.id = visits.click_id and clicks.suspect`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`update visits set suspect = false where suspect`);
  await knex.raw(`drop trigger rollup_changed on visits`);
  await knex.raw(`drop function note_change_of_visits()`);
  await knex.raw(`
    create or replace function note_visits() returns trigger ${head} as $$
    begin
      if tg_op = 'INSERT' then ${note('added', 'count(*)').replace('where not counted.suspect', '')}
      elsif tg_op = 'DELETE' then ${note('removed', '-count(*)').replace('where not counted.suspect', '')}
      end if;
      return null;
    end $$`);
  await knex.raw(`alter table visits drop column suspect`);
}
