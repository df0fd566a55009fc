import type { Knex } from 'knex';

/** A page of a list: keyset paging on one column and the id, never offset (architecture.md 13). */
export interface Page {
  readonly limit: number;
  /** Field name of the wire; the reader maps it to a column. */
  readonly sort: string;
  readonly descending: boolean;
  /** The last row of the page before; null on the first. */
  readonly after: { readonly value: string | number | null; readonly id: string } | null;
}

/** What a raw statement orders a page by, and what its next row is compared with: the one direction for all its columns. */
export function directionOf(page: Pick<Page, 'descending'>): {
  readonly order: 'asc' | 'desc';
  readonly after: '>' | '<';
} {
  return page.descending ? { order: 'desc', after: '<' } : { order: 'asc', after: '>' };
}

/**
 * Orders, starts after the cursor and takes one row more than the page, which tells whether there is a next one. `columns` maps the
 * allowed sort fields to columns that are never null; ties go by id.
 */
export function keyset<Q extends Knex.QueryBuilder>(
  query: Q,
  page: Page,
  columns: Readonly<Record<string, string>>,
  idColumn = 'id',
): Q {
  const column = columns[page.sort];
  if (column === undefined) throw new Error(`no column for the sort field ${page.sort}`);
  const direction = page.descending ? 'desc' : 'asc';
  const ordered = query
    .orderBy(column, direction)
    .orderBy(idColumn, direction)
    .limit(page.limit + 1);
  if (page.after === null) return ordered as Q;
  return ordered.whereRaw(`(??, ??) ${page.descending ? '<' : '>'} (?, ?)`, [
    column,
    idColumn,
    page.after.value,
    page.after.id,
  ]) as Q;
}
