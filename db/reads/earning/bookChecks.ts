import { readFileSync } from 'node:fs';
import type { Knex } from 'knex';
import type { ReadTx } from '../../transaction.js';
import { listBrokenMoves } from '../audit/brokenMoves.js';

/** One invariant of the books: its number, and the query that answers its violations (money.md 11). */
export interface Invariant {
  /** `I4`, as money.md numbers them. */
  readonly id: string;
  readonly name: string;
  readonly sql: string;
}

export interface CheckResult {
  readonly id: string;
  readonly name: string;
  readonly violations: number;
  readonly sample: readonly Readonly<Record<string, unknown>>[];
}

const sampleSize = 20;

/** The queries of `db/invariants.sql`. */
export function readInvariants(): readonly Invariant[] {
  const text = readFileSync(new URL('../../invariants.sql', import.meta.url), 'utf8');
  return text
    .split(/^-- inv_/m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      const title = part.slice(0, end).trim();
      const number = /^\d+/.exec(title)?.[0] ?? '';
      return {
        id: `I${Number.parseInt(number, 10)}`,
        name: title.replace(/^\d+_/, ''),
        sql: part
          .slice(end + 1)
          .trim()
          .replace(/;$/, ''),
      };
    });
}

/** Do the books hold? As owner over all workspaces, as the application role over the one it is in. */
export async function checkBooks(tx: ReadTx | Knex): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { id, name, sql } of readInvariants()) {
    const { rows } = await tx.raw<{ rows: Record<string, unknown>[] }>(sql);
    results.push({ id, name, violations: rows.length, sample: rows.slice(0, sampleSize).map(asText) });
  }
  // Ids are of one workspace each, so the owner may walk all histories at once.
  const moves = await listBrokenMoves(tx as ReadTx);
  const sample = moves.slice(0, sampleSize).map((move) => asText({ ...move }));
  results.push({ id: 'I12', name: 'moves_along_the_tables', violations: moves.length, sample });
  return results;
}

/** Amounts arrive as bigint, which JSON does not know. */
function asText(row: Record<string, unknown>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? value.toString() : value]),
  );
}
