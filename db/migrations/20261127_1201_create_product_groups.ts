import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Product groups (PRG-13): products and promo tools may stand in one. A new table and a nullable column; the references are checked for new
// rows only, since no route wrote a group before. No lock worth naming. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table product_groups (
      ${workspaceColumn},
      id text not null,
      name text not null,
      deleted_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint product_groups_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index product_groups_name_key on product_groups (workspace_id, lower(name)) where deleted_at is null`,
  );
  await knex.raw(
    `comment on index product_groups_name_key is 'two groups of one name cannot be told apart in a choice'`,
  );
  await isolate(knex, 'product_groups', 'select, insert, update');
  await knex.raw('alter table products add column product_group_id text');
  await knex.raw(
    `alter table products add constraint products_group foreign key (workspace_id, product_group_id)
     references product_groups (workspace_id, id) not valid`,
  );
  await knex.raw(
    `alter table promo_tools add constraint promo_tools_group foreign key (workspace_id, product_group_id)
     references product_groups (workspace_id, id) not valid`,
  );
  await knex.raw(
    `create index products_group_index on products (workspace_id, product_group_id) where product_group_id is not null`,
  );
  await knex.raw(`comment on index products_group_index is 'the products of a group; may it be deleted?'`);
  await knex.raw(
    `create index promo_tools_group_index on promo_tools (workspace_id, product_group_id) where product_group_id is not null`,
  );
  await knex.raw(`comment on index promo_tools_group_index is 'the promo tools of a group; may it be deleted?'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index promo_tools_group_index');
  await knex.raw('alter table promo_tools drop constraint promo_tools_group');
  await knex.raw('drop index products_group_index');
  await knex.raw('alter table products drop constraint products_group');
  await knex.raw('alter table products drop column product_group_id');
  await dropTables(knex, ['product_groups']);
}
