import type pg from 'pg';
import { quoteIdentifier, skippedTables } from './format.js';

export interface Table {
  readonly name: string;
  /** Without generated columns, which compute themselves. */
  readonly columns: readonly string[];
}

/** What triggers hold together instead of foreign keys, because those cost too much per row (money.md 3.1). */
const keptByTriggers = [
  { child: 'payout_lines', parent: 'payouts' },
  { child: 'payout_lines', parent: 'commissions' },
];

/** Every table of the schema, a referenced one before those that refer to it. */
export async function listTables(client: pg.ClientBase): Promise<readonly Table[]> {
  const { rows: columns } = await client.query<{ table: string; column: string }>(
    `select c.relname as table, a.attname as column
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
     order by c.relname, a.attnum`,
  );
  const { rows: references } = await client.query<{ child: string; parent: string }>(
    `select child.relname as child, parent.relname as parent
     from pg_constraint con join pg_class child on child.oid = con.conrelid join pg_class parent on parent.oid = con.confrelid
     where con.contype = 'f' and con.connamespace = 'public'::regnamespace and con.conrelid <> con.confrelid`,
  );
  const columnsOf = new Map<string, string[]>();
  for (const { table, column } of columns) columnsOf.set(table, [...(columnsOf.get(table) ?? []), column]);
  const skipped: readonly string[] = skippedTables;
  const names = [...columnsOf.keys()].filter((name) => !skipped.includes(name));
  return inOrder(names, [...references, ...keptByTriggers]).map((name) => ({
    name,
    columns: columnsOf.get(name) ?? [],
  }));
}

function inOrder(
  names: readonly string[],
  references: readonly { readonly child: string; readonly parent: string }[],
): readonly string[] {
  const done = new Set<string>();
  const ordered: string[] = [];
  let waiting = [...names];
  while (waiting.length > 0) {
    const ready = waiting.filter((name) =>
      references.every(({ child, parent }) => child !== name || done.has(parent) || !names.includes(parent)),
    );
    if (ready.length === 0) throw new Error(`tables refer to each other in a circle: ${waiting.join(', ')}`);
    for (const name of ready) done.add(name);
    ordered.push(...ready);
    waiting = waiting.filter((name) => !done.has(name));
  }
  return ordered;
}

export function columnList(table: Table): string {
  return table.columns.map(quoteIdentifier).join(', ');
}
