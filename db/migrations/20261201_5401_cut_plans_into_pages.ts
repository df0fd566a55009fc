import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Why: a payout run is planned in pages, and a cursor on the run's row let only one of them be under way. Each page has a row now, taken by
// its lock and marked in the transaction that plans it, so that pages are planned side by side (docs/decisions/0540). A new table: nothing is
// rewritten. A run that was half planned by the version before goes on behind its cursor. Going down, a plan under way is begun anew: its
// version moves on, as after a refund.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table payout_run_pages (
      ${workspaceColumn},
      run_id text not null,
      plan_version integer not null,
      page integer not null,
      after_id text not null,
      until_id text,
      planned_at timestamptz(3),
      constraint payout_run_pages_pkey primary key (workspace_id, run_id, plan_version, page),
      constraint payout_run_pages_range check (until_id > after_id),
      constraint payout_run_pages_run foreign key (workspace_id, run_id) references payout_runs (workspace_id, id)
    )`);
  await knex.raw(
    `comment on table payout_run_pages is 'the pages of a plan: the affiliates behind after_id up to until_id (null: all), each planned once, by whoever holds the row'`,
  );
  await isolate(knex, 'payout_run_pages', 'select, insert, update');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    `update payout_runs as run set plan_version = run.plan_version + 1, plan_cursor = null
     where run.status = 'planning' and exists (
       select from payout_run_pages as page
       where page.workspace_id = run.workspace_id and page.run_id = run.id and page.plan_version = run.plan_version and page.planned_at is not null)`,
  );
  await dropTables(knex, ['payout_run_pages']);
}
