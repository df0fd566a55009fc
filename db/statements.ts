/** `update table set a = $1, b = $2 where c = $3`: one text for one set of columns, so that it is planned once. */
export function updateOf(table: string, set: readonly string[], where: readonly string[]): string {
  const sets = set.map((column, index) => `${column} = $${index + 1}`);
  const wheres = where.map((column, index) => `${column} = $${set.length + index + 1}`);
  return `update ${table} set ${sets.join(', ')} where ${wheres.join(' and ')}`;
}

/** What a change names; a field that is undefined is not changed. */
export function given<Change extends object>(change: Change): Change {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Change;
}
