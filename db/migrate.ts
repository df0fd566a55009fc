import { fileURLToPath } from 'node:url';
import knexFactory, { type Knex } from 'knex';
import { MigrationFolder } from './migrationSource.js';

const folder = fileURLToPath(new URL('./migrations', import.meta.url));

/** Two starts at once: the second waits here for the first, then finds nothing to do. The number is "trib" in ASCII. */
const migrationLock = 0x74726962;

async function asOwner<T>(ownerUrl: string, work: (knex: Knex) => Promise<T>): Promise<T> {
  // One connection: the advisory lock belongs to the session that migrates.
  const knex = knexFactory({
    client: 'pg',
    connection: ownerUrl,
    pool: { min: 1, max: 1 },
    // Knex's own lock table stays locked for ever after a kill -9; the advisory lock goes with the session.
    migrations: {
      migrationSource: new MigrationFolder(folder),
      disableMigrationsListValidation: false,
      tableName: 'schema_migrations',
    },
  });
  try {
    return await work(knex);
  } finally {
    await knex.destroy();
  }
}

async function underLock<T>(ownerUrl: string, work: (knex: Knex) => Promise<T>): Promise<T> {
  const lock = knexFactory({ client: 'pg', connection: ownerUrl, pool: { min: 1, max: 1 } });
  try {
    await lock.raw('select pg_advisory_lock(?)', [migrationLock]);
    return await asOwner(ownerUrl, async (knex) => {
      // A runner killed in the middle leaves Knex's flag behind; we hold the real lock, so nobody else is at it.
      if (await knex.schema.hasTable('schema_migrations_lock')) await knex.migrate.forceFreeMigrationsLock();
      return work(knex);
    });
  } finally {
    await lock.destroy();
  }
}

export interface MigrationState {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** In the database, not in this code: the data is newer than the code. */
  readonly unknown: readonly string[];
}

/** Applies what is pending, as the owner. Safe to repeat and to run twice at once. Answers the names applied now. */
export async function migrateUp(ownerUrl: string): Promise<readonly string[]> {
  return underLock(ownerUrl, async (knex) => {
    const state = await readState(knex);
    if (state.unknown.length > 0) {
      throw new Error(
        `the data is newer than this code: ${state.unknown.join(', ')} is applied but not known here; start the newer version`,
      );
    }
    const [, names] = (await knex.migrate.latest()) as [number, string[]];
    return names;
  });
}

/**
 * Brings an empty database to exactly these migrations, in this order: a restore loads into the schema that the backup was taken from.
 * Refused when this code lacks one of them, or when something else is applied already.
 */
export async function migrateTo(ownerUrl: string, names: readonly string[]): Promise<void> {
  await underLock(ownerUrl, async (knex) => {
    const known = await new MigrationFolder(folder).getMigrations();
    const missing = names.filter((name) => !known.includes(name));
    if (missing.length > 0)
      throw new Error(
        `the backup is newer than this code: ${missing.join(', ')} is not known here; restore with the newer version`,
      );
    const { applied } = await readState(knex);
    const beyond = applied.filter((name) => !names.includes(name));
    if (beyond.length > 0)
      throw new Error(`the database is ahead of the backup (${beyond.join(', ')}): restore into a new, empty database`);
    for (const name of names.filter((candidate) => !applied.includes(candidate))) await knex.migrate.up({ name });
  });
}

/** Takes everything back, newest first: for the up, down, up test only; a production database is never taken down. */
export async function migrateDown(ownerUrl: string): Promise<readonly string[]> {
  return underLock(ownerUrl, async (knex) => {
    const [, names] = (await knex.migrate.rollback(undefined, true)) as [number, string[]];
    return names;
  });
}

export async function migrationState(ownerUrl: string): Promise<MigrationState> {
  return asOwner(ownerUrl, readState);
}

async function readState(knex: Knex): Promise<MigrationState> {
  const known = await new MigrationFolder(folder).getMigrations();
  const hasTable = await knex.schema.hasTable('schema_migrations');
  const rows = hasTable ? await knex<{ name: string }>('schema_migrations').select('name').orderBy('id') : [];
  const applied = rows.map((row) => row.name);
  return {
    applied,
    pending: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  };
}

/** Names of the migrations this code knows, for the readiness check. */
export function knownMigrations(): Promise<readonly string[]> {
  return new MigrationFolder(folder).getMigrations();
}
