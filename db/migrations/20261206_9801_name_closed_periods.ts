import type { Knex } from 'knex';

// Periods are closed by a person now (docs/decisions/0980), so each closing has an id, who closed it and a note. Closings go forward only: one that
// ends where another closed already would say nothing; in the database, because two who close at once see each other only under its lock. And a
// closing stands for good: the application could update one and needs it no more. Only adds; whatever is closed stays closed.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table closed_periods add column id text, add column closed_by text, add column note text`);
  await knex.raw(`update closed_periods set id = 'per_0' || substr(md5(workspace_id || mode || through::text), 1, 25)`);
  await knex.raw(`
    alter table closed_periods
      alter column id set not null,
      add constraint closed_periods_id_key unique (workspace_id, id)`);
  await knex.raw(`comment on column closed_periods.closed_by is 'whose word it was'`);
  await knex.raw(`comment on column closed_periods.note is 'what whoever closed wants others to know'`);
  await knex.raw(`comment on index closed_periods_id_key is 'one closing by its id'`);
  await knex.raw(`revoke update on closed_periods from tributary_app`);
  await knex.raw(`
    create or replace function close_period() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
    begin
      lock table ledger_transfers in share row exclusive mode;
      new.closed_at := date_trunc('milliseconds', clock_timestamp());
      if new.through >= new.closed_at then
        raise exception 'a period that is not over cannot be closed'
          using errcode = 'check_violation', constraint = 'closed_period_is_over';
      end if;
      if exists (select from closed_periods
                 where workspace_id = new.workspace_id and mode = new.mode and through >= new.through) then
        raise exception 'this period is closed already'
          using errcode = 'check_violation', constraint = 'closed_period_is_later';
      end if;
      return new;
    end $$`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    create or replace function close_period() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
    begin
      lock table ledger_transfers in share row exclusive mode;
      new.closed_at := date_trunc('milliseconds', clock_timestamp());
      if new.through >= new.closed_at then
        raise exception 'a period that is not over cannot be closed'
          using errcode = 'check_violation', constraint = 'closed_period_is_over';
      end if;
      return new;
    end $$`);
  await knex.raw(`grant update on closed_periods to tributary_app`);
  await knex.raw(`alter table closed_periods drop column id, drop column closed_by, drop column note`);
}
