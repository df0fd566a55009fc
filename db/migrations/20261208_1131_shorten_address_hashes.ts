import type { Knex } from 'knex';

// Why: a followed link kept 16 bytes of the keyed hash of an address, everything else all 32, so that an affiliate's device was never found again
// among the clicks and no self-purchase was seen by it (FRD-01). All keep 16 now. What is compared over a day only is shortened for two days back;
// an affiliate's devices all, because they are updated by their hash. A replica on the old version writes long ones until it is replaced; those
// match nothing, as before. Nothing brings the other halves back, and down needs none: the old version compared no better.

const sinceDays = 2;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `update affiliate_devices set address_hash = substring(address_hash for 16) where octet_length(address_hash) > 16`,
  );
  for (const table of ['lead_details', 'click_details'])
    await knex.raw(
      `update ${table} set address_hash = substring(address_hash for 16)
       where created_at > now() - interval '${sinceDays} days' and octet_length(address_hash) > 16`,
    );
}

export async function down(): Promise<void> {
  // Nothing to take back.
}
