import type { Knex } from 'knex';

// Customer accounts as staff see them (LED-10, api.md 12): metadata, a list, and a way to a new link by one's own address when the first has
// run out. A column with a constant default, an index, a function: short locks. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table customer_accounts add column metadata jsonb not null default '{}'`);
  await knex.raw(
    `create index customer_accounts_newest on customer_accounts (workspace_id, mode, created_at desc, id desc)`,
  );
  await knex.raw(`comment on index customer_accounts_newest is 'list of customer accounts of one mode'`);
  await knex.raw(
    `create index contacts_email_key_anywhere on contacts (email_key) where email_key is not null and merged_into_id is null`,
  );
  await knex.raw(
    `comment on index contacts_email_key_anywhere is 'who asks for a new password before a workspace is known?'`,
  );
  await knex.raw(
    `create function directory_customer_accounts(wanted text) returns table (workspace_id text, customer_account_id text, mode text)
     language sql stable security definer set search_path = public, pg_temp as $$
       select account.workspace_id, account.id, account.mode
       from contacts as contact
       join customer_accounts as account on account.workspace_id = contact.workspace_id and account.contact_id = contact.id
       where contact.email_key = wanted and contact.merged_into_id is null and account.status = 'active'
       order by account.workspace_id, account.id
       limit 20 $$`,
  );
  await knex.raw('revoke execute on function directory_customer_accounts(text) from public');
  await knex.raw('grant execute on function directory_customer_accounts(text) to tributary_app');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function if exists directory_customer_accounts(text)');
  await knex.raw('drop index if exists contacts_email_key_anywhere');
  await knex.raw('drop index if exists customer_accounts_newest');
  await knex.raw('alter table customer_accounts drop column metadata');
}
