import type { Knex } from 'knex';

/** What is copied, and the columns that get an id of their own in each copy; all others go on naming what they named. */
export const copied: Readonly<Record<string, readonly string[]>> = {
  contacts: ['id'],
  affiliates: ['id'],
  links: ['id'],
  clicks: ['id', 'visitor_id'],
  referrals: ['id', 'contact_id', 'visitor_id'],
  leads: ['id'],
  sales: ['id'],
  commissions: ['id', 'cause_id'],
  payouts: ['id'],
  audit_entries: ['id', 'object_id', 'cause_id'],
};
/** Texts that are unique beside the ids. */
const unique: readonly string[] = ['email', 'email_key', 'slug', 'external_id', 'customer_external_id', 'phone_key'];

/** Copies a table's rows until it holds enough; ids keep their prefix and time. */
export async function copyRows(
  owner: Knex,
  table: string,
  ids: readonly string[],
  rowsWanted: number,
): Promise<number> {
  const { rows: columns } = await owner.raw<{ rows: { name: string }[] }>(
    `select column_name as name from information_schema.columns
     where table_schema = 'public' and table_name = ? and is_generated = 'NEVER' and is_identity = 'NO'`,
    [table],
  );
  const names = columns.map(({ name }) => name);
  const value = (name: string): string => {
    if (ids.includes(name)) return `left(${name}, strpos(${name}, '_') + 10) || left(md5(${name} || copy.number), 16)`;
    if (unique.includes(name)) return `${name} || '.' || copy.number`;
    // Their runs are not copied: a payout by hand has none.
    if (table === 'payouts' && name === 'run_id') return 'null';
    return name;
  };
  const count = async (): Promise<number> => {
    const { rows } = await owner.raw<{ rows: { count: string }[] }>(`select count(*) as count from ${table}`);
    return Number(rows[0]?.count ?? 0);
  };
  const had = await count();
  const copies = Math.ceil(rowsWanted / had) - 1;
  // The copies are rows to be listed, not business that happened.
  await owner.raw(`alter table ${table} disable trigger user`);
  await owner.raw(
    `insert into ${table} (${names.join(', ')})
     select ${names.map(value).join(', ')} from ${table} cross join generate_series(1, ?) as copy (number)`,
    [copies],
  );
  await owner.raw(`alter table ${table} enable trigger user`);
  return count();
}
