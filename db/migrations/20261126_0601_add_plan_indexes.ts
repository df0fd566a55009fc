import type { Knex } from 'knex';

// What the plan asks about earlier commissions: of a lead, of a line that others name, of an affiliate's volume in a program. Indexes only;
// SHARE lock while they are built, seconds per million rows. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `create index commissions_lead_index on commissions (workspace_id, lead_id) where lead_id is not null`,
  );
  await knex.raw(`comment on index commissions_lead_index is 'what did this lead earn?'`);
  await knex.raw(
    `create index commissions_origin_index on commissions (workspace_id, origin_commission_id) where origin_commission_id is not null`,
  );
  await knex.raw(`comment on index commissions_origin_index is 'which entries name this line?'`);
  await knex.raw(
    `create index commissions_volume on commissions (workspace_id, mode, program_id, affiliate_id, level) where kind in ('earned', 'adjustment')`,
  );
  await knex.raw(
    `comment on index commissions_volume is 'bands and caps: what did the affiliate earn in the program before?'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index commissions_volume, commissions_origin_index, commissions_lead_index');
}
