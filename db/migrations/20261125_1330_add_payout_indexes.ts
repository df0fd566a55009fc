import type { Knex } from 'knex';

// Why: planning looks for what is unpaid per affiliate, a draft by hand carries its caller's key, a run its page of payouts. Takes a short
// lock on tables that nothing has written yet. Under a second. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `create index commissions_unpaid on commissions (workspace_id, affiliate_id, mode, currency) where status in ('approved', 'pending')`,
  );
  await knex.raw(`comment on index commissions_unpaid is 'plan page: which affiliates have anything, and their lines'`);
  await knex.raw(`create index payouts_affiliate_index on payouts (workspace_id, affiliate_id, mode, currency)`);
  await knex.raw(
    `comment on index payouts_affiliate_index is 'what was this affiliate paid before? payouts of an affiliate'`,
  );
  await knex.raw(`create index payouts_run_index on payouts (workspace_id, run_id, id)`);
  await knex.raw(`comment on index payouts_run_index is 'the payouts of a run, in pages'`);
  await knex.raw(
    `create index payout_attempts_due on payout_attempts (workspace_id, state) where state in ('submitting', 'submitted', 'unknown')`,
  );
  await knex.raw(`comment on index payout_attempts_due is 'attempts on their way, per workspace'`);
}

export async function down(knex: Knex): Promise<void> {
  for (const index of ['commissions_unpaid', 'payouts_affiliate_index', 'payouts_run_index', 'payout_attempts_due'])
    await knex.raw(`drop index if exists ${index}`);
}
