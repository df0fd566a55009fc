import type { Knex } from 'knex';

// What a restore leaves open (money.md 10): since when a workspace's gateways have to be read anew, and which attempts were found in their
// lists. Databases that were restored before, and are frozen by it, get the fence too: until now nothing could lift their freeze of the
// installation. Adds columns without a rewrite. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table workspaces add column restored_at timestamptz(3)');
  await knex.raw(
    `comment on column workspaces.restored_at is 'set back then: payouts are unfrozen once each gateway was read since (money.md 10); null: no fence'`,
  );
  await knex.raw('grant update (restored_at) on workspaces to tributary_app');
  await knex.raw('alter table payout_attempts add column recovered_at timestamptz(3)');
  await knex.raw(
    `comment on column payout_attempts.recovered_at is 'found in its gateway''s list after a restore; its request key is lost, the one here was never sent'`,
  );
  await knex.raw(
    `update workspaces set restored_at = payouts_frozen_at
     where payouts_frozen_at is not null
       and (payouts_frozen_reason like 'restored from the backup of %' or payouts_frozen_reason like 'the audit trail was set back: %')`,
  );
  await knex.raw(
    `update installation set payouts_frozen_at = null, payouts_frozen_reason = null
     where payouts_frozen_reason like 'restored from the backup of %'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table payout_attempts drop column recovered_at');
  await knex.raw('alter table workspaces drop column restored_at');
}
