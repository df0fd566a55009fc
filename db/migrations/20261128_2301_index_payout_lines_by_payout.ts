import type { Knex } from 'knex';

// Why: of what a line costs a plan of a million, more than half was the entry of its primary key: four columns, 100 bytes, at a random place (bench
// payoutRun). What must be unique, a commission in one live payout, has its own index; a line that was let go may come twice. To find the
// lines of a payout, an index of the payout alone does, which keeps equal keys once. And who has something pending is found without reading
// what is approved. Builds two indexes, about a second for each million rows, during which payout lines and commissions are only read.
// Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`create index payout_lines_payout_index on payout_lines (workspace_id, payout_id)`);
  await knex.raw(`comment on index payout_lines_payout_index is 'the lines of a payout'`);
  await knex.raw(`alter table payout_lines drop constraint payout_lines_pkey`);
  // Without a key, a subscriber of the table is told a changed line by its whole row.
  await knex.raw(`alter table payout_lines replica identity full`);
  await knex.raw(`drop index commissions_unpaid`);
  await knex.raw(
    `create index commissions_unpaid on commissions (workspace_id, affiliate_id, status, mode, currency) where status in ('approved', 'pending')`,
  );
  await knex.raw(`comment on index commissions_unpaid is 'plan page: which affiliates have anything, and their lines'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index commissions_unpaid`);
  await knex.raw(
    `create index commissions_unpaid on commissions (workspace_id, affiliate_id, mode, currency) where status in ('approved', 'pending')`,
  );
  await knex.raw(`comment on index commissions_unpaid is 'plan page: which affiliates have anything, and their lines'`);
  await knex.raw(`alter table payout_lines replica identity default`);
  await knex.raw(
    `alter table payout_lines add constraint payout_lines_pkey primary key (workspace_id, payout_id, commission_id, created_at)`,
  );
  await knex.raw(`drop index payout_lines_payout_index`);
}
