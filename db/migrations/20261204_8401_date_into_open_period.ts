import type { Knex } from 'knex';

// Why: nothing is dated into a closed period (money.md I17), and a fact must always be postable (rule 6), so one that happened there is booked in the
// open period, at the instant it was recorded; the fact's own row keeps when it happened. In the database, so that no writer can forget it, nor
// refuse a fact when a period is closed beside it: closing waits for every transfer under way, and takes its time after them.
// Adds two triggers; nothing that is there changes.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create function date_into_open_period() returns trigger language plpgsql as $$
    begin
      if exists (select from closed_periods
                 where workspace_id = new.workspace_id and mode = new.mode and through >= new.effective_at) then
        new.effective_at := new.recorded_at;
      end if;
      return new;
    end $$`);
  await knex.raw(
    `create trigger date_into_open_period before insert on ledger_transfers for each row execute function date_into_open_period()`,
  );
  await knex.raw(`
    create function close_period() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
    begin
      lock table ledger_transfers in share row exclusive mode;
      new.closed_at := date_trunc('milliseconds', clock_timestamp());
      if new.through >= new.closed_at then
        raise exception 'a period that is not over cannot be closed'
          using errcode = 'check_violation', constraint = 'closed_period_is_over';
      end if;
      return new;
    end $$`);
  await knex.raw(`revoke execute on function close_period() from public`);
  await knex.raw(
    `create trigger close_period before insert on closed_periods for each row execute function close_period()`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop trigger close_period on closed_periods`);
  await knex.raw(`drop function close_period()`);
  await knex.raw(`drop trigger date_into_open_period on ledger_transfers`);
  await knex.raw(`drop function date_into_open_period()`);
}
