import type { Knex } from 'knex';

// Why: a mail about a fact is sent once, also when the fact's step runs again under another transaction (NTF-03). A nullable column and a
// partial index over rows that have it: none yet, a short lock. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table emails add column once_key text`);
  await knex.raw(`comment on column emails.once_key is 'kind and object: a second mail under it is not written'`);
  await knex.raw(`create unique index emails_once on emails (workspace_id, once_key) where once_key is not null`);
  await knex.raw(`comment on index emails_once is 'was this told already?'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index if exists emails_once`);
  await knex.raw(`alter table emails drop column once_key`);
}
