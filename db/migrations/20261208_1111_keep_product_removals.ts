import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Until when a product was in a program (PRG-14): a sale from before is judged as one, whenever it is told. New table, and a column without a
// default: no row is rewritten. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table program_product_removals (
      ${workspaceColumn},
      program_id text not null,
      product_id text not null,
      since timestamptz(3) not null,
      removed_at timestamptz(3) not null,
      constraint program_product_removals_time check (isfinite(since) and since <= removed_at),
      constraint program_product_removals_pkey primary key (workspace_id, program_id, product_id),
      constraint program_product_removals_program foreign key (workspace_id, program_id)
        references programs (workspace_id, id) on delete cascade,
      constraint program_product_removals_product foreign key (workspace_id, product_id) references products (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column program_product_removals.removed_at is 'the last time that it was detached or switched off'`,
  );
  await knex.raw(`comment on column program_product_removals.since is 'when it had been attached or switched on'`);
  await isolate(knex, 'program_product_removals', 'select, insert, update');
  await knex.raw('alter table program_products add column active_since timestamptz(3)');
  await knex.raw(
    `comment on column program_products.active_since is 'the last time that it was switched on; null: when it was attached'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table program_products drop column active_since');
  await dropTables(knex, ['program_product_removals']);
}
