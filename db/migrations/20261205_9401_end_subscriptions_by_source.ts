import type { Knex } from 'knex';

// Why: a shop's systems may count their subscriptions alike, and the end of one of them ended its namesakes of every other source (COM-16). A
// sale's id is its source's own, and so is now a subscription's. What an end has ended stays ended: each is kept for every source that it met.
// The table holds one row a cancelled subscription; the index of sales finds their sources. While the key is built, cancellations wait.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table subscription_ends add column source text not null default 'main'`);
  await knex.raw('alter table subscription_ends drop constraint subscription_ends_pkey');
  await knex.raw(`
    alter table subscription_ends
      add constraint subscription_ends_pkey primary key (workspace_id, mode, source, subscription_external_id)`);
  await knex.raw(`
    insert into subscription_ends (workspace_id, mode, source, subscription_external_id, cancelled_at, created_at)
    select distinct ended.workspace_id, ended.mode, sale.source, ended.subscription_external_id, ended.cancelled_at, ended.created_at
    from subscription_ends as ended
    join sales as sale on sale.workspace_id = ended.workspace_id and sale.mode = ended.mode
      and sale.subscription_external_id = ended.subscription_external_id
    on conflict do nothing`);
  await knex.raw('alter table subscription_ends alter column source drop default');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table subscription_ends drop constraint subscription_ends_pkey');
  // One id ended in several sources keeps its earliest end, as one told twice does.
  await knex.raw(`
    delete from subscription_ends as later using subscription_ends as kept
    where later.workspace_id = kept.workspace_id and later.mode = kept.mode
      and later.subscription_external_id = kept.subscription_external_id
      and (kept.cancelled_at, kept.source) < (later.cancelled_at, later.source)`);
  await knex.raw('alter table subscription_ends drop column source');
  await knex.raw(`
    alter table subscription_ends
      add constraint subscription_ends_pkey primary key (workspace_id, mode, subscription_external_id)`);
}
