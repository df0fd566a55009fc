import type { Knex } from 'knex';

// Which referrals a mail or a notice was sent because of (screens.md 4, Messages), and the mails of one address (screens.md 3.5, Messages).
// New columns with a constant default: no rewrite. The index of the mails' recipients locks `emails` against writes while it is built: about a
// second per million mails. Messages of before carry no referral; nothing says which it was. Reversible.

const tables = ['emails', 'notices'] as const;

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) {
    await knex.raw(`alter table ${table} add column referral_ids text[] not null default '{}'`);
    await knex.raw(
      `comment on column ${table}.referral_ids is 'the referrals it was sent because of; empty: of something else, or of before this was kept'`,
    );
    // Most messages are about none: they cost this index nothing.
    await knex.raw(
      `create index ${table}_referrals_index on ${table} using gin (referral_ids) where referral_ids <> '{}'`,
    );
    await knex.raw(`comment on index ${table}_referrals_index is 'the messages of a referral'`);
  }
  await knex.raw(
    `create index emails_recipient_index on emails (workspace_id, lower(recipient), created_at desc, id desc)`,
  );
  await knex.raw(`comment on index emails_recipient_index is 'the mails to an address, newest first'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index emails_recipient_index');
  for (const table of tables) await knex.raw(`alter table ${table} drop column referral_ids`);
}
