import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// npm run docs:states: docs/states.md and the diagrams in the README, drawn from the transition tables of domain/. A test compares them.
const root = fileURLToPath(new URL('..', import.meta.url));

type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface StateTable {
  /** `payoutRun`: the export without `Transitions`. */
  readonly name: string;
  /** Where it stands: `domain/payout/payoutRun.ts`. */
  readonly file: string;
  readonly table: Table;
}

/** Every table that domain/ exports, in the order of their files. A new aggregate is found without a line here. */
export async function findStateTables(): Promise<readonly StateTable[]> {
  const files = readdirSync(join(root, 'domain'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file, 'utf8').includes('= transitionTable('))
    .toSorted((a, b) => (a < b ? -1 : 1));
  const found: StateTable[] = [];
  for (const file of files) {
    const exported = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
    // By name: the order in which a module's exports are listed is the loader's.
    for (const [name, table] of Object.entries(exported).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      if (name.endsWith('Transitions'))
        found.push({
          name: name.slice(0, -'Transitions'.length),
          file: relative(root, file),
          table: table as Table,
        });
  }
  return found;
}

/** A table as a Mermaid diagram: several events between two statuses share an arrow; a status that nothing leaves is an end. */
export function diagramOf(table: Table): string {
  const lines = Object.entries(table).flatMap(([from, moves]) => {
    const targets = [...new Set(Object.values(moves))];
    if (targets.length === 0) return [`  ${from} --> [*]`];
    return targets.map((to) => {
      const events = Object.entries(moves).flatMap(([event, target]) => (target === to ? [event] : []));
      return `  ${from} --> ${to}: ${events.join(', ')}`;
    });
  });
  return ['```mermaid', 'stateDiagram-v2', ...lines, '```'].join('\n');
}

/** `payoutRun` → `Payout run`. */
function titleOf(name: string): string {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

export function statesPage(tables: readonly StateTable[]): string {
  return [
    '# States and moves',
    '',
    'Made by `npm run docs:states` from the tables in `domain/`; a test fails when they differ. Types, database checks and the buttons of the',
    'console derive from the same tables. Arrows carry the events; `[*]` is an end.',
    ...tables.flatMap(({ name, file, table }) => ['', `## ${titleOf(name)}`, '', `\`${file}\``, '', diagramOf(table)]),
    '',
  ].join('\n');
}

/** The three of the README: what a reader meets first. */
const shown = ['referral', 'commission', 'payout'];
const begin = '<!-- states: made by npm run docs:states -->';
const end = '<!-- /states -->';

/** The README with its diagrams as the tables are now. Throws where the marks are missing. */
export function readmeWith(readme: string, tables: readonly StateTable[]): string {
  const from = readme.indexOf(begin);
  const until = readme.indexOf(end);
  if (from < 0 || until < from) throw new Error(`README.md has no ${begin} … ${end}`);
  const parts = shown.flatMap((name) => {
    const found = tables.find((one) => one.name === name);
    if (found === undefined) throw new Error(`domain/ has no table ${name}Transitions`);
    return ['', `**${titleOf(name)}**`, '', diagramOf(found.table)];
  });
  return `${readme.slice(0, from)}${begin}\n${parts.join('\n').trimStart()}\n\n${readme.slice(until)}`;
}

async function main(): Promise<void> {
  const tables = await findStateTables();
  writeFileSync(join(root, 'docs/states.md'), statesPage(tables));
  const readme = join(root, 'README.md');
  writeFileSync(readme, readmeWith(readFileSync(readme, 'utf8'), tables));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
