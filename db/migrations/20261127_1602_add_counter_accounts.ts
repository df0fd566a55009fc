import type { Knex } from 'knex';

// Entries into the ledger by hand: where cleared suspense belongs, and what the table had no check for while nothing wrote it. A short ACCESS
// EXCLUSIVE lock on an empty table. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ledger_adjustments
      add column counter_account_id text,
      add constraint ledger_adjustments_kind check (kind in ('write_off', 'suspense_clearing')),
      add constraint ledger_adjustments_amount check (amount_minor between 1 and 1000000000000000),
      add constraint ledger_adjustments_decided check ((approved_at is null) = (second_person is null)),
      add constraint ledger_adjustments_account foreign key (workspace_id, account_id) references ledger_accounts (workspace_id, id)`);
  await knex.raw(
    `comment on column ledger_adjustments.counter_account_id is 'of a clearing: where the money belongs; null: the cash of the same gateway'`,
  );
  await knex.raw(
    `create index ledger_adjustments_open on ledger_adjustments (workspace_id, mode, created_at) where approved_at is null`,
  );
  await knex.raw(`comment on index ledger_adjustments_open is 'what waits for a second person: the work queue'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index if exists ledger_adjustments_open');
  await knex.raw(`
    alter table ledger_adjustments
      drop constraint ledger_adjustments_kind, drop constraint ledger_adjustments_amount, drop constraint ledger_adjustments_decided,
      drop constraint ledger_adjustments_account, drop column counter_account_id`);
}
