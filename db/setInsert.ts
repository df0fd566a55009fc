import { later, run } from './pipeline.js';
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

type Columns<K extends string> = Readonly<Record<K, SetColumnType>>;
type Rows<K extends string> = readonly Readonly<Record<K, unknown>>[];

/**
 * `insert … select from unnest(…)`: one statement with one array per column, however many rows. Knex's own insert of many rows binds each
 * value by itself, which costs Node and Postgres several times the rows. Names are ours, never input; columns not named take their
 * defaults; `jsonb` and `text[]` are given as their text. With `returning`: of the rows that were written, which `onConflict` may make fewer.
 */
export async function insertSet<K extends string, R = never>(
  tx: Tx,
  table: string,
  columns: Columns<K>,
  rows: Rows<K>,
  options: { readonly onConflict?: string; readonly returning?: readonly (keyof R & string)[] } = {},
): Promise<readonly R[]> {
  if (rows.length === 0) return [];
  const ending = `${options.onConflict ?? ''} ${options.returning === undefined ? '' : `returning ${options.returning.join(', ')}`}`;
  return run<R>(tx, insertText(table, columns, ending), arraysOf(columns, rows));
}

/** The same for rows that nobody waits for: they travel with the transaction's next statement. */
export function insertSetLater<K extends string>(tx: Tx, table: string, columns: Columns<K>, rows: Rows<K>): void {
  if (rows.length > 0) later(tx, insertText(table, columns, ''), arraysOf(columns, rows), rows.length);
}

function insertText(table: string, columns: Columns<string>, ending: string): string {
  const names = Object.keys(columns);
  // An array of arrays would be unnested to its last element: both travel as their text.
  const isText = (name: string): boolean => columns[name] === 'jsonb' || columns[name] === 'text[]';
  const arrays = names.map((name, at) => `cast($${at + 1} as ${isText(name) ? 'text' : columns[name]}[])`);
  const selected = names.map((name) => (isText(name) ? `cast(${name} as ${columns[name]})` : name));
  return `insert into ${table} (${names.join(', ')})
    select ${selected.join(', ')} from unnest(${arrays.join(', ')}) with ordinality as given (${names.join(', ')}, set_position)
    order by set_position ${ending}`;
}

function arraysOf<K extends string>(columns: Columns<K>, rows: Rows<K>): readonly unknown[] {
  return (Object.keys(columns) as K[]).map((name) => rows.map((row) => row[name]));
}
