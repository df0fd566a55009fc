import type { Knex } from 'knex';

// What waits for a person is counted for the menu of every page that is open, twice a minute: over 100,000 rows each of affiliates, leads,
// referrals and sales that read four whole tables. Few rows qualify at a time, so the indexes stay small. Each is built under a lock against
// writes of its table, about a second per million rows: no CONCURRENTLY needed before the first release. Reversible.

const indexes = [
  ['affiliates', `created_at) where status = 'pending'`],
  ['leads', `created_at) where verdict = 'received' and processed_at is not null`],
  ['referrals', `pending_since) where status = 'pending'`],
  ['sales', 'created_at) where in_review'],
] as const;

export async function up(knex: Knex): Promise<void> {
  for (const [table, rest] of indexes) {
    await knex.raw(`create index ${table}_in_queue on ${table} (workspace_id, ${rest}`);
    await knex.raw(`comment on index ${table}_in_queue is 'the queue: what waits for a decision, and how much'`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const [table] of indexes) await knex.raw(`drop index ${table}_in_queue`);
}
