import type { Knex } from 'knex';

// An entry by hand that nobody wants is rejected, by who asked or by the second person, and waits no more (docs/decisions/0451). New columns are
// empty, so only the checks read the table, which holds what people asked for: a short ACCESS EXCLUSIVE lock. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ledger_adjustments
      add column rejected_by text,
      add column rejected_at timestamptz(3),
      add column rejection_reason text,
      add constraint ledger_adjustments_one_end check (approved_at is null or rejected_at is null),
      add constraint ledger_adjustments_rejected check ((rejected_at is null) = (rejection_reason is null))`);
  await knex.raw(`comment on column ledger_adjustments.rejected_by is 'whose word it was'`);
  await knex.raw(
    `comment on column ledger_adjustments.rejected_at is 'when it was withdrawn or refused: nothing was posted'`,
  );
  await knex.raw('drop index if exists ledger_adjustments_open');
  await knex.raw(
    `create index ledger_adjustments_open on ledger_adjustments (workspace_id, mode, created_at) where approved_at is null and rejected_at is null`,
  );
  await knex.raw(`comment on index ledger_adjustments_open is 'what waits for a second person: the work queue'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index if exists ledger_adjustments_open');
  await knex.raw(
    `create index ledger_adjustments_open on ledger_adjustments (workspace_id, mode, created_at) where approved_at is null`,
  );
  await knex.raw(`comment on index ledger_adjustments_open is 'what waits for a second person: the work queue'`);
  await knex.raw(`
    alter table ledger_adjustments
      drop constraint ledger_adjustments_one_end, drop constraint ledger_adjustments_rejected, drop column rejected_by,
      drop column rejected_at, drop column rejection_reason`);
}
