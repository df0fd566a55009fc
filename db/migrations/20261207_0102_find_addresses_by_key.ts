import type { Knex } from 'knex';

// Why: under row-level security Postgres gives an index only conditions that are leakproof, and lower() is not: it cannot be known to keep a row
// of another workspace to itself. So an index over lower(email) was never used by the application, and each address was looked for in all rows of the
// workspace: 108 ms among 100,000 affiliates, for every mail and notice of a commission (test/db/rowSecurity.test.ts). Folded when they are
// written, addresses and codes are compared by `=`, which is. The same holds for && of arrays: parked events are found by their own partial
// index, and there are few. Rewrites three tables under their lock. Reversible.

const keys = [
  {
    table: 'affiliates',
    of: 'email',
    key: 'email_key',
    index: 'affiliates_email_key',
    more: '',
    unique: true,
    where: `status <> 'terminated'`,
  },
  {
    table: 'coupons',
    of: 'code',
    key: 'code_key',
    index: 'coupons_code_key',
    more: '',
    unique: true,
    where: 'deleted_at is null',
  },
  {
    table: 'emails',
    of: 'recipient',
    key: 'recipient_key',
    index: 'emails_recipient_index',
    more: ', created_at desc, id desc',
    unique: false,
    where: undefined,
  },
] as const;

async function indexOn(
  knex: Knex,
  { table, index, more, unique, where }: (typeof keys)[number],
  expression: string,
): Promise<void> {
  await knex.raw(
    `create ${unique ? 'unique ' : ''}index ${index} on ${table} (workspace_id, ${expression}${more})${where === undefined ? '' : ` where ${where}`}`,
  );
}

export async function up(knex: Knex): Promise<void> {
  for (const one of keys) {
    await knex.raw(`drop index ${one.index}`);
    await knex.raw(`alter table ${one.table} add column ${one.key} text generated always as (lower(${one.of})) stored`);
    await indexOn(knex, one, one.key);
  }
  // Few of an installation's people are staff, and those are looked for by address among all logins of its affiliates.
  await knex.raw(`create index users_staff_index on users (workspace_id) where audience = 'staff'`);
  await knex.raw('drop index payment_events_parked_index');
  await knex.raw(
    `create index payment_events_parked_index on payment_events (workspace_id, mode) where outcome = 'parked'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index payment_events_parked_index');
  await knex.raw(
    `create index payment_events_parked_index on payment_events using gin (waits_for) where outcome = 'parked'`,
  );
  await knex.raw('drop index users_staff_index');
  for (const one of keys) {
    await knex.raw(`alter table ${one.table} drop column ${one.key}`); // its index goes with it
    await indexOn(knex, one, `lower(${one.of})`);
  }
}
