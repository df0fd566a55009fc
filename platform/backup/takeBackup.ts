import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { cp, mkdir, open, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { type BackupManifest, outsideFolders, quoteIdentifier, type TableInBackup } from './format.js';
import { columnList, listTables, type Table } from './tables.js';

export interface TakeOptions {
  /** The owner sees all rows; any other role would write an empty backup without an error (decisions 10). */
  readonly ownerUrl: string;
  /** Must not exist yet. */
  readonly folder: string;
  readonly dataDir: string;
}

/** Writes a backup of one instant while everything runs. The folder appears whole or not at all. */
export async function takeBackup(options: TakeOptions): Promise<BackupManifest> {
  if (await exists(options.folder))
    throw new Error(`${options.folder} is there already: a backup is never overwritten`);
  const unfinished = join(dirname(options.folder), `.${basename(options.folder)}.unfinished-${process.pid}`);
  await mkdir(join(unfinished, 'tables'), { recursive: true, mode: 0o700 });
  const client = new pg.Client({
    connectionString: options.ownerUrl,
    application_name: 'tributary-backup',
    options: '-c TimeZone=UTC',
  });
  await client.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    await refuseHalfSight(client);
    const tables: TableInBackup[] = [];
    for (const table of await listTables(client)) tables.push(await copyOut(client, table, unfinished));
    const manifest: BackupManifest = {
      format: 'tributary-backup-1',
      takenAt: await scalar(client, `select to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`),
      serverVersion: await scalar(client, 'show server_version'),
      migrations: (await client.query<{ name: string }>('select name from schema_migrations order by id')).rows.map(
        (row) => row.name,
      ),
      tables,
      workspaces: (
        await client.query<{ id: string; sequence: string; head: string }>(
          `select workspace_id as id, sequence::text, encode(leaf_hash, 'hex') as head from audit_heads order by workspace_id`,
        )
      ).rows.map((row) => ({ id: row.id, auditSequence: row.sequence, auditHead: row.head })),
      files: await copyFiles(options.dataDir, join(unfinished, 'files')),
    };
    await client.query('commit');
    await writeFile(join(unfinished, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
    await rename(unfinished, options.folder);
    await syncFolder(dirname(options.folder));
    await remember(client, manifest.takenAt);
    return manifest;
  } finally {
    await client.end();
  }
}

/** Only now is there a backup: the System screen says how old the newest one is. A standby cannot be written to and is left as it is. */
async function remember(client: pg.Client, takenAt: string): Promise<void> {
  await client.query(
    `update workspaces set backed_up_at = $1 where not pg_is_in_recovery() and coalesce(backed_up_at < $1, true)`,
    [takenAt],
  );
}

/** Somebody who is not the owner and not a superuser is under the policies: he would save nothing and say nothing. */
async function refuseHalfSight(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ owns: boolean }>(
    `select bool_and(pg_has_role(current_user, relowner, 'usage')) as owns from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
  );
  if (rows[0]?.owns !== true)
    throw new Error('a backup is taken as the owner (MIGRATION_DATABASE_URL): this role would see none of the rows');
}

async function copyOut(client: pg.Client, table: Table, folder: string): Promise<TableInBackup> {
  const hash = createHash('sha256');
  let rows = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      for (const byte of chunk) if (byte === 0x0a) rows += 1; // text COPY escapes newlines inside values: one line is one row
      done(null, chunk);
    },
  });
  const source = client.query(copyTo(`copy ${quoteIdentifier(table.name)} (${columnList(table)}) to stdout`));
  await pipeline(source, counter, createWriteStream(join(folder, 'tables', `${table.name}.copy`), { flush: true }));
  return { name: table.name, columns: table.columns, rows, sha256: hash.digest('hex') };
}

async function copyFiles(dataDir: string, target: string): Promise<readonly string[]> {
  const copied: string[] = [];
  for (const folder of outsideFolders) {
    const source = join(dataDir, folder);
    if (!(await exists(source))) continue;
    // The signing key stays where it is: whoever holds a backup must not be able to sign a head.
    await cp(source, join(target, folder), { recursive: true, filter: (path) => !path.endsWith('.pem') });
    copied.push(...(await readdir(join(target, folder), { recursive: true })).map((file) => join(folder, file)));
  }
  return copied;
}

async function scalar(client: pg.Client, sql: string): Promise<string> {
  const { rows } = await client.query<string[]>({ text: sql, rowMode: 'array' });
  return rows[0]?.[0] ?? '';
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
