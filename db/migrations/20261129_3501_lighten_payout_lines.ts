import type { Knex } from 'knex';

// Why: half of what planning a payout run costs is the indexes of its lines (performance.md 6). The one that lets a commission into one live
// payout now begins with the commission, which differs between rows, instead of the workspace, which every comparison on the way down found
// equal: a tenth of the insert. A payout and a row of the preview no longer look up their workspace by themselves: the affiliate and the run
// they name are of that workspace by their own keys, and those hold it. The new index is built beside the old one, which is never missing;
// writers of payout lines wait meanwhile. Reversible.

async function replaceLiveIndex(knex: Knex, columns: string): Promise<void> {
  await knex.raw(
    `create unique index live_payout_of_commission on payout_lines (${columns}) where released_at is null`,
  );
  await knex.raw('drop index commission_in_one_live_payout');
  await knex.raw('alter index live_payout_of_commission rename to commission_in_one_live_payout');
  await knex.raw(`comment on index commission_in_one_live_payout is 'the last wall against paying twice'`);
}

const followed = ['payouts', 'payout_run_rows'] as const;

export async function up(knex: Knex): Promise<void> {
  await replaceLiveIndex(knex, 'commission_id, workspace_id');
  for (const table of followed) await knex.raw(`alter table ${table} drop constraint ${table}_workspace_id_fkey`);
}

export async function down(knex: Knex): Promise<void> {
  for (const table of followed)
    await knex.raw(
      `alter table ${table} add constraint ${table}_workspace_id_fkey foreign key (workspace_id) references workspaces`,
    );
  await replaceLiveIndex(knex, 'workspace_id, commission_id');
}
