import type { Tx } from './transaction.js';

export type SetColumnType =
  | 'text'
  | 'integer'
  | 'smallint'
  | 'bigint'
  | 'boolean'
  | 'date'
  | 'timestamptz'
  | 'jsonb'
  | 'text[]';

/**
 * `insert … select from unnest(…)`: one statement with one array per column, however many rows. Knex's own insert of many rows binds each
 * value by itself, which costs Node and Postgres several times the rows. Names are ours, never input; columns not named take their
 * defaults; `jsonb` and `text[]` are given as their text. With `returning`: of the rows that were written, which `onConflict` may make fewer.
 */
export async function insertSet<K extends string, R = never>(
  tx: Tx,
  table: string,
  columns: Readonly<Record<K, SetColumnType>>,
  rows: readonly Readonly<Record<K, unknown>>[],
  options: { readonly onConflict?: string; readonly returning?: readonly (keyof R & string)[] } = {},
): Promise<readonly R[]> {
  if (rows.length === 0) return [];
  const names = Object.keys(columns) as K[];
  // An array of arrays would be unnested to its last element: both travel as their text.
  const isText = (name: K): boolean => columns[name] === 'jsonb' || columns[name] === 'text[]';
  const arrays = names.map((name) => `cast(? as ${isText(name) ? 'text' : columns[name]}[])`);
  const selected = names.map((name) => (isText(name) ? `cast(${name} as ${columns[name]})` : name));
  const answer = await tx.raw<{ rows: readonly R[] }>(
    `insert into ${table} (${names.join(', ')})
     select ${selected.join(', ')} from unnest(${arrays.join(', ')}) with ordinality as given (${names.join(', ')}, set_position)
     order by set_position ${options.onConflict ?? ''}
     ${options.returning === undefined ? '' : `returning ${options.returning.join(', ')}`}`,
    names.map((name) => rows.map((row) => row[name])) as never,
  );
  return answer.rows;
}
