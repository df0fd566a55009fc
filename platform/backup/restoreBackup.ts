import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type BackupManifest, quoteIdentifier, type TableInBackup } from './format.js';
import { columnList, listTables, type Table } from './tables.js';

export interface RestoreOptions {
  readonly ownerUrl: string;
  readonly folder: string;
  readonly dataDir: string;
  /** Brings an empty database to exactly these migrations; throws when the code does not know one of them. */
  readonly migrateTo: (ownerUrl: string, migrations: readonly string[]) => Promise<void>;
}

export interface RestoreReport {
  readonly manifest: BackupManifest;
  readonly rows: number;
  readonly filesKept: readonly string[];
}

// Loading is not doing: accounts bring their balances along, postings are counted in them already. Every other check stays on.
const loadingTriggers = [
  ['ledger_accounts', 'open_balance'],
  ['ledger_postings', 'apply_posting'],
] as const;

/**
 * Loads a backup into an empty database and freezes payouts: what was paid after the backup is known only to the gateways (money.md 10).
 * One transaction: all of it is there, or nothing. The caller migrates on afterwards and starts; `rehydrate` then revives the workflows.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const manifest = await readManifest(options.folder);
  await options.migrateTo(options.ownerUrl, manifest.migrations);
  const client = new pg.Client({
    connectionString: options.ownerUrl,
    application_name: 'tributary-restore',
    options: '-c TimeZone=UTC',
  });
  await client.connect();
  try {
    await client.query('begin');
    const { rows: present } = await client.query<{ count: number }>('select count(*)::int as count from workspaces');
    if ((present[0]?.count ?? 0) > 0)
      throw new Error('the database is not empty: restore into a new one, or `npm run reset` first');
    const resting = [...loadingTriggers, ...(await listNotingTriggers(client))];
    for (const [table, trigger] of resting) await client.query(`alter table ${table} disable trigger ${trigger}`);
    // What a migration wrote itself comes from the backup.
    await client.query('delete from installation');
    await client.query('delete from currencies');

    let rows = 0;
    const inBackup = new Map(manifest.tables.map((table) => [table.name, table]));
    for (const table of await listTables(client)) {
      const saved = inBackup.get(table.name);
      if (saved === undefined) throw new Error(`the backup has no table ${table.name}`);
      rows += await copyIn(client, { name: table.name, columns: saved.columns }, saved, options.folder);
    }
    for (const [table, trigger] of resting) await client.query(`alter table ${table} enable trigger ${trigger}`);
    await client.query(
      `select setval(pg_get_serial_sequence('outbox', 'id'), greatest((select max(id) from outbox), 1))`,
    );
    const reason = `restored from the backup of ${manifest.takenAt}: reconcile every gateway before unfreezing`;
    // Each workspace by itself, because its own people lift it. A backup from before there was a fence gets it from the migration that made it.
    const { rows: fence } = await client.query(
      `select from information_schema.columns where table_schema = 'public' and table_name = 'workspaces' and column_name = 'restored_at'`,
    );
    await client.query(
      `update workspaces
       set restore_epoch = restore_epoch + 1, payouts_frozen_at = now(), payouts_frozen_reason = $1${fence.length === 0 ? '' : ', restored_at = now()'}`,
      [reason],
    );
    // A lease of a relay that is gone would hold its row back for 30 s; the message itself may have been sent: receivers drop repeats.
    await client.query(
      'update outbox set lease_token = null, due_at = now() where lease_token is not null and sent_at is null',
    );
    await client.query('commit');
    await client.query('analyze');
    return { manifest, rows, filesKept: await copyFilesBack(manifest, options) };
  } finally {
    await client.end();
  }
}

/**
 * What rows write beside themselves when they are new (figures by day, slugs that were once given) stands in the backup by itself. A backup from
 * before these has none.
 */
async function listNotingTriggers(client: pg.Client): Promise<readonly (readonly [string, string])[]> {
  const { rows } = await client.query<{ table: string; trigger: string }>(
    `select tgrelid::regclass::text as table, tgname as trigger from pg_trigger where tgname in ('rollup_added', 'keep_slug') order by 1`,
  );
  return rows.map(({ table, trigger }) => [table, trigger] as const);
}

async function readManifest(folder: string): Promise<BackupManifest> {
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as BackupManifest;
  if (manifest.format !== 'tributary-backup-1')
    throw new Error(`${folder} is not a backup that this version reads: ${String(manifest.format)}`);
  return manifest;
}

async function copyIn(client: pg.Client, table: Table, saved: TableInBackup, folder: string): Promise<number> {
  const hash = createHash('sha256');
  const checked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const sink = client.query(copyFrom(`copy ${quoteIdentifier(table.name)} (${columnList(table)}) from stdin`));
  await pipeline(createReadStream(join(folder, 'tables', `${table.name}.copy`)), checked, sink);
  if (hash.digest('hex') !== saved.sha256)
    throw new Error(`tables/${table.name}.copy is not what the manifest says: the backup is damaged`);
  if (sink.rowCount !== saved.rows)
    throw new Error(`tables/${table.name}.copy has ${sink.rowCount} rows, the manifest says ${saved.rows}`);
  return saved.rows;
}

/**
 * Journals and heads that lie in the data folder are newer than the backup and stay: setting them back would hide what was paid and
 * signed since. Answers those that were kept.
 */
async function copyFilesBack(manifest: BackupManifest, options: RestoreOptions): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const file of manifest.files) {
    const target = join(options.dataDir, file);
    const source = join(options.folder, 'files', file);
    if ((await stat(source)).isDirectory()) continue;
    try {
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await cp(source, target, { errorOnExist: true, force: false });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_FS_CP_EEXIST') throw error;
      kept.push(file);
    }
  }
  return kept;
}
