import type { Knex } from 'knex';

// Why: a run writes a line per commission, a million at a time. Three foreign keys looked each of them up by itself and cost twice what the
// lines cost (bench payoutRun); the same is now asked once per statement, and a line's workspace is its payout's. The index by payout is the
// beginning of the primary key. Takes a short lock on payout_lines, payouts and commissions; under a second. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create function payout_lines_have_documents() returns trigger language plpgsql as $$
    begin
      if exists (select from (select distinct workspace_id, payout_id from new_lines) as line
                 where not exists (select from payouts as payout where (payout.workspace_id, payout.id) = (line.workspace_id, line.payout_id))) then
        raise exception 'a line belongs to a payout' using errcode = 'foreign_key_violation', constraint = 'payout_lines_payout';
      end if;
      return null;
    end $$`);
  await knex.raw(`
    create trigger payout_lines_have_documents after insert on payout_lines referencing new table as new_lines
      for each statement execute function payout_lines_have_documents()`);
  await knex.raw(`
    create function documents_keep_payout_lines() returns trigger language plpgsql as $$
    begin
      if tg_table_name = 'payouts' and exists (
           select from old_rows as gone join payout_lines as line on (line.workspace_id, line.payout_id) = (gone.workspace_id, gone.id)) then
        raise exception 'a payout with lines stays' using errcode = 'foreign_key_violation', constraint = 'payout_lines_payout';
      end if;
      if tg_table_name = 'commissions' and exists (
           select from payout_lines as line join old_rows as gone on (line.workspace_id, line.commission_id) = (gone.workspace_id, gone.id)) then
        raise exception 'a commission in a payout stays' using errcode = 'foreign_key_violation', constraint = 'payout_lines_commission';
      end if;
      return null;
    end $$`);
  for (const table of ['payouts', 'commissions'])
    await knex.raw(`
      create trigger documents_keep_payout_lines after delete on ${table} referencing old table as old_rows
        for each statement execute function documents_keep_payout_lines()`);
  await knex.raw(`
    alter table payout_lines
      drop constraint payout_lines_payout,
      drop constraint payout_lines_commission,
      drop constraint payout_lines_workspace_id_fkey`);
  await knex.raw(`drop index payout_lines_payout_index`);
  // The same trap for the other tables of a first run: the seal of the plan joined them row by row.
  await knex.raw(`
    create or replace function analyse_payout_lines() returns void language plpgsql security definer set search_path = public, pg_temp as $$
    begin
      analyze payout_lines, payouts, payout_run_rows, ledger_accounts, account_balances;
    end $$`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    create or replace function analyse_payout_lines() returns void language plpgsql security definer set search_path = public, pg_temp as $$
    begin
      analyze payout_lines;
    end $$`);
  await knex.raw(`create index payout_lines_payout_index on payout_lines (workspace_id, payout_id)`);
  await knex.raw(`comment on index payout_lines_payout_index is 'the lines of a payout'`);
  await knex.raw(`
    alter table payout_lines
      add constraint payout_lines_workspace_id_fkey foreign key (workspace_id) references workspaces,
      add constraint payout_lines_payout foreign key (workspace_id, payout_id) references payouts (workspace_id, id),
      add constraint payout_lines_commission foreign key (workspace_id, commission_id) references commissions (workspace_id, id)`);
  for (const table of ['payouts', 'commissions'])
    await knex.raw(`drop trigger if exists documents_keep_payout_lines on ${table}`);
  await knex.raw(`drop trigger if exists payout_lines_have_documents on payout_lines`);
  await knex.raw(`drop function if exists documents_keep_payout_lines()`);
  await knex.raw(`drop function if exists payout_lines_have_documents()`);
}
