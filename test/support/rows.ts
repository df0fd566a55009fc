import type { Knex } from 'knex';

const fillers: Readonly<Record<string, unknown>> = {
  text: '',
  boolean: false,
  jsonb: '{}',
  integer: 1,
  smallint: 1,
  bigint: 1,
  numeric: 1,
  bytea: Buffer.alloc(0),
  ARRAY: [],
  date: '2026-11-25',
  'timestamp with time zone': '2026-11-25T00:00:00.000Z',
};

/**
 * Inserts a row as the owner, who passes every policy, and fills the columns that must have a value and that the test says nothing about. For
 * tests whose subject reads a few columns of many tables; what tests a table itself goes through its writers.
 */
export async function insertRow(owner: Knex, table: string, values: Readonly<Record<string, unknown>>): Promise<void> {
  const { rows } = await owner.raw<{ rows: { name: string; type: string }[] }>(
    `select column_name as name, data_type as type from information_schema.columns
     where table_schema = 'public' and table_name = ? and is_nullable = 'NO' and column_default is null
       and is_generated = 'NEVER' and is_identity = 'NO'`,
    [table],
  );
  const filled = Object.fromEntries(rows.map(({ name, type }) => [name, fillers[type]]));
  await owner(table).insert({ ...filled, ...values });
}
