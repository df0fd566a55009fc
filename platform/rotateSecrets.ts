import pg from 'pg';
import { type SealedColumn, sealedColumns } from './sealedColumns.js';
import type { Secrets } from './secrets.js';

export interface Rotated {
  readonly name: string;
  readonly resealed: number;
  /** Sealed with a key that SECRET_KEY no longer holds: cannot be read by anybody, named so that somebody can act. */
  readonly unreadable: number;
}

const batch = 500;

/**
 * Seals every stored secret anew under the newest key, as the owner, who sees all workspaces. A row at a time is compared and set, so that a
 * writer beside it wins and the next pass finds the rest; safe to kill and to repeat. Afterwards the old key may leave SECRET_KEY.
 */
export async function rotateSecrets(
  ownerUrl: string,
  secrets: Secrets,
  newestKeyId: string,
): Promise<readonly Rotated[]> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'tributary-rotate-secret' });
  await client.connect();
  try {
    const rotated: Rotated[] = [];
    for (const column of sealedColumns) rotated.push(await rotateColumn(client, column, secrets, newestKeyId));
    return rotated;
  } finally {
    await client.end();
  }
}

async function rotateColumn(
  client: pg.Client,
  column: SealedColumn,
  secrets: Secrets,
  newestKeyId: string,
): Promise<Rotated> {
  let resealed = 0;
  let unreadable = 0;
  let after: readonly string[] | undefined;
  const keys = column.key.join(', ');
  for (;;) {
    const beyond =
      after === undefined ? '' : `and (${keys}) > (${after.map((_value, index) => `$${index + 2}`).join(', ')})`;
    const { rows } = await client.query<Record<string, string>>(
      `select ${keys}, ${column.expression} as sealed from ${column.table}
       where ${column.expression} is not null and split_part(${column.expression}, '.', 1) <> $1 ${beyond}
       order by ${keys} limit ${batch}`,
      [newestKeyId, ...(after ?? [])],
    );
    for (const row of rows) {
      after = column.key.map((name) => row[name] ?? '');
      const sealed = row.sealed ?? '';
      let plain: string;
      try {
        plain = secrets.unseal(column.purpose, sealed);
      } catch {
        unreadable += 1; // its key is gone, or it was altered: counted and left as it is
        continue;
      }
      const where = column.key.map((name, index) => `${name} = $${index + 3}`).join(' and ');
      const { rowCount } = await client.query(
        `update ${column.table} set ${column.assign} where ${where} and ${column.expression} = $2`,
        [secrets.seal(column.purpose, plain), sealed, ...after],
      );
      resealed += rowCount ?? 0;
    }
    if (rows.length < batch) return { name: column.name, resealed, unreadable };
  }
}
