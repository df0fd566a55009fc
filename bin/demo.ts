import { pathToFileURL } from 'node:url';
import knexFactory, { type Knex } from 'knex';
import { appendAuditLeaves } from '../activities/audit/chain.js';
import { connect, type Db } from '../db/connection.js';
import { listWorkspaces } from '../db/directory.js';
import { inWorkspace } from '../db/transaction.js';
import type { WorkspaceId } from '../domain/ids.js';
import type { Instant } from '../domain/time.js';
import { type Config, ConfigError, loadConfig, localEnvironment } from '../platform/config.js';
import { newId } from '../platform/newId.js';
import { createSecrets, type Secrets } from '../platform/secrets.js';
import { type MadeHistory, writeHistory } from './demo/history.js';

/** The seed of what `npm start` shows: everybody sees the same people do the same things. */
export const demoSeed = 20_261_126;
/** A year in one transaction: a few seconds of statements of its own. */
const statementTimeoutMs = 120_000;

/**
 * Fills the first workspace with a year of business while it holds nothing yet: no program was ever made in it and no settings were saved.
 * Undefined: there is something already, or no workspace. Two at once: the second waits and finds it filled.
 */
export async function seedHistory(
  db: Db,
  of: { readonly secrets: Secrets; readonly seed?: number; readonly now?: Instant; readonly workspaceId?: WorkspaceId },
): Promise<MadeHistory | undefined> {
  const workspaceId = of.workspaceId ?? (await listWorkspaces(db))[0]?.id;
  if (workspaceId === undefined) return undefined;
  const made = await inWorkspace(db, workspaceId, async (tx, databaseNow) => {
    await tx.raw(`select pg_advisory_xact_lock(hashtextextended('demo_data/' || :workspaceId, 0))`, { workspaceId });
    const { rows } = await tx.raw<{ rows: { is_empty: boolean }[] }>(
      `select not exists (select from programs) and not exists (select from demo_data)
          and not exists (select from settings where saved_at is not null) as is_empty`,
    );
    if (rows[0]?.is_empty !== true) return undefined;
    return writeHistory(tx, {
      workspaceId,
      seed: of.seed ?? demoSeed,
      now: of.now ?? databaseNow,
      secrets: of.secrets,
      newId,
    });
  });
  // At once and not by the next relay pass: until then the newest transfers would have no leaf, and a check of the books would say so.
  if (made !== undefined) await appendAuditLeaves(db, workspaceId);
  return made;
}

/** The planner has never seen these tables: without this the first lists would be read by the wrong index. Needs the owner. */
async function analyse(ownerUrl: string): Promise<void> {
  const owner: Knex = knexFactory({ client: 'pg', connection: ownerUrl, pool: { min: 0, max: 1 } });
  try {
    await owner.raw('analyze');
  } finally {
    await owner.destroy();
  }
}

/** For `npm start`: makes the year if nothing is there yet; answers what it made, in words. Refused in production. */
export async function makeDemo(config: Config): Promise<string | undefined> {
  if (config.nodeEnv === 'production') throw new Error('production takes no demo data (screens.md 9.2)');
  const db = connect({
    url: config.database.url,
    poolSize: 2,
    applicationName: 'tributary demo',
    statementTimeoutMs,
  });
  try {
    const made = await seedHistory(db, { secrets: createSecrets(config.secretKeys) });
    if (made === undefined) return undefined;
    if (config.database.migrationUrl !== undefined) await analyse(config.database.migrationUrl);
    return `${made.programs} programs, ${made.affiliates} affiliates, 12 months`;
  } finally {
    await db.destroy();
  }
}

async function main(): Promise<void> {
  try {
    const config = loadConfig(localEnvironment(process.env));
    console.log((await makeDemo(config)) ?? 'nothing made: the workspace holds something already');
  } catch (error) {
    console.error(error instanceof ConfigError ? error.message : error);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
