import type { Knex } from 'knex';

// A difference with a gateway's list may be what an affiliate was paid, of a payout that a restore forgot: whom it was booked to
// (docs/decisions/0452). Nothing that is there changes; the checks read the items once, under a short ACCESS EXCLUSIVE lock. Reversible while no item
// is booked so.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table reconciliation_items
      add column affiliate_id text,
      drop constraint reconciliation_items_resolution,
      add constraint reconciliation_items_resolution check (resolution in ('accepted', 'suspense', 'affiliate')),
      add constraint reconciliation_items_payee check ((resolution is not distinct from 'affiliate') = (affiliate_id is not null)),
      add constraint reconciliation_items_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)`);
  await knex.raw(
    `comment on column reconciliation_items.affiliate_id is 'whom a payment that the books did not know of was booked to'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table reconciliation_items
      drop constraint reconciliation_items_payee,
      drop constraint reconciliation_items_affiliate,
      drop constraint reconciliation_items_resolution,
      add constraint reconciliation_items_resolution check (resolution in ('accepted', 'suspense')),
      drop column affiliate_id`);
}
