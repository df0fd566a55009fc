import { pathToFileURL } from 'node:url';
import knexFactory, { type Knex } from 'knex';
import { appendAuditLeaves } from '../activities/audit/chain.js';
import { connect, type Db } from '../db/connection.js';
import { listWorkspaces } from '../db/directory.js';
import { inWorkspace, readWorkspace } from '../db/transaction.js';
import type { WorkspaceId } from '../domain/ids.js';
import type { Instant } from '../domain/time.js';
import { type Config, ConfigError, loadConfig, localEnvironment } from '../platform/config.js';
import { newId } from '../platform/newId.js';
import { createSecrets, type Secrets } from '../platform/secrets.js';
import { type MadeHistory, writeHistory } from './demo/history.js';
import { makeRecent } from './demo/recent.js';

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
  of: {
    readonly secrets: Secrets;
    readonly shopOrigin: string;
    readonly seed?: number;
    readonly now?: Instant;
    readonly workspaceId?: WorkspaceId;
  },
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
    // The year is thought out while the transaction waits: seconds, on a busy machine more than the pool's own limit of ten.
    await tx.raw(`set local idle_in_transaction_session_timeout = '5min'`);
    return writeHistory(tx, {
      workspaceId,
      seed: of.seed ?? demoSeed,
      now: of.now ?? databaseNow,
      secrets: of.secrets,
      shopOrigin: of.shopOrigin,
      newId,
    });
  });
  // At once and not by the next relay pass: until then the newest transfers would have no leaf, and a check of the books would say so.
  if (made !== undefined) await appendAuditLeaves(db, workspaceId);
  return made;
}

/**
 * Where the demo shop stands. Beside the console's `localhost` it is at `127.0.0.1`: a shop is somebody else's site, and a link to our own
 * address would be refused (reliability.md R5).
 */
export function shopOriginOf(publicUrl: string): string {
  const url = new URL(publicUrl);
  if (url.hostname === 'localhost') url.hostname = '127.0.0.1';
  return url.origin;
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

/** For `npm start`: makes the year if nothing is there yet; answers what it made. Refused in production. */
export async function makeDemo(
  config: Config,
): Promise<{ readonly words: string; readonly testKey: string } | undefined> {
  if (config.nodeEnv === 'production') throw new Error('production takes no demo data (screens.md 9.2)');
  const db = connect({
    url: config.database.url,
    poolSize: 2,
    applicationName: 'tributary demo',
    statementTimeoutMs,
  });
  try {
    const made = await seedHistory(db, {
      secrets: createSecrets(config.secretKeys),
      shopOrigin: shopOriginOf(config.http.publicUrl),
    });
    if (made === undefined) return undefined;
    if (config.database.migrationUrl !== undefined) await analyse(config.database.migrationUrl);
    return { words: `${made.programs} programs, ${made.affiliates} affiliates, 12 months`, testKey: made.testKey };
  } finally {
    await db.destroy();
  }
}

/**
 * Today's items, through the API that is running; a start goes on where one that was killed stopped. Answers what it made, in words.
 */
export async function makeDemoOfToday(config: Config, signal: AbortSignal): Promise<string | undefined> {
  if (config.nodeEnv === 'production') return undefined;
  const db = connect({ url: config.database.url, poolSize: 2, applicationName: 'tributary demo' });
  try {
    return await makeRecent({ db, apiUrl: apiUrlOf(config), signal });
  } finally {
    await db.destroy();
  }
}

/** Does the first workspace hold demo data? Then the shop is open and the printed table says who signs in. */
export async function holdsDemo(config: Config): Promise<boolean> {
  const db = connect({ url: config.database.url, poolSize: 1, applicationName: 'tributary demo' });
  try {
    const workspaceId = (await listWorkspaces(db))[0]?.id;
    if (workspaceId === undefined) return false;
    return await readWorkspace(db, workspaceId, async (tx) => (await tx('demo_data').first('seed')) !== undefined);
  } finally {
    await db.destroy();
  }
}

/** The API from this machine: behind somebody's proxy its public address may not be reached from here. */
function apiUrlOf({ http }: Config): string {
  return new URL(http.publicUrl).hostname === 'localhost'
    ? shopOriginOf(http.publicUrl)
    : `http://127.0.0.1:${http.port}`;
}

async function main(): Promise<void> {
  try {
    const config = loadConfig(localEnvironment(process.env));
    const made = await makeDemo(config);
    console.log(made?.words ?? 'no year made: the workspace holds something already');
    const today = await makeDemoOfToday(config, new AbortController().signal);
    if (today !== undefined) console.log(`today: ${today}`);
  } catch (error) {
    console.error(error instanceof ConfigError ? error.message : error);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
