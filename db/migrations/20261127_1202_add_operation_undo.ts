import type { Knex } from 'knex';

// Undoing a batch by counter-entries (BEY-17): the undo is an operation of its own that names the one it takes back, once. A nullable column
// and a small partial index; no lock worth naming. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table operations add column undoes text');
  await knex.raw(
    `alter table operations add constraint operations_undoes foreign key (workspace_id, undoes) references operations (workspace_id, id)`,
  );
  await knex.raw(
    'create unique index operations_undone_once on operations (workspace_id, undoes) where undoes is not null',
  );
  await knex.raw(`comment on index operations_undone_once is 'was this operation undone?; a second undo is refused'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index operations_undone_once');
  await knex.raw('alter table operations drop constraint operations_undoes');
  await knex.raw('alter table operations drop column undoes');
}
