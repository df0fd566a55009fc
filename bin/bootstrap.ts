import { pathToFileURL } from 'node:url';
import { ensureSchedules } from '../activities/gateways/schedules.js';
import { findWaitingOwner, underInstallationLock } from '../db/access/firstOwner.js';
import { insertOneTimeToken, voidOneTimeTokens } from '../db/access/oneTimeToken.js';
import { createWorkspace } from '../db/access/workspace.js';
import { connect, type Db } from '../db/connection.js';
import { migrateUp } from '../db/migrate.js';
import { inWorkspace } from '../db/transaction.js';
import { type Config, ConfigError, loadConfig, localEnvironment } from '../platform/config.js';
import { createLogger, type Logger } from '../platform/logger.js';
import { newId } from '../platform/newId.js';
import { createTemporalClient, prepareNamespace } from '../platform/temporalClient.js';
import { rehydrate } from './rehydrate.js';

export interface BootstrapResult {
  /** A one-time link of 30 minutes, a new one at every start until somebody has signed in. */
  readonly signInLink?: string;
}

/**
 * What every start needs, in any number of processes and any number of times: migrations, namespace, search attributes, schedules, the first
 * workspace with its owner; with the embedded server also `rehydrate`, because a power cut may take commits of rows marked as sent
 * (temporal.md 1.4). Throws an Error that says what to do where a server refuses.
 */
export async function bootstrap(config: Config, logger: Logger): Promise<BootstrapResult> {
  const { migrationUrl, url } = config.database;
  if (migrationUrl === undefined) {
    throw new Error('MIGRATION_DATABASE_URL is not set: migrations need the login of the database owner');
  }
  const applied = await migrateUp(migrationUrl);
  if (applied.length > 0) logger.info({ migrations: applied }, 'migrations applied');

  const db = connect({ url, poolSize: 3, applicationName: 'tributary bootstrap' });
  const temporal = createTemporalClient(config.temporal, `bootstrap:${config.worker.buildId}`);
  try {
    const signInLink = await underInstallationLock(db, () => ensureOwner(db, config, logger));
    const namespace = await prepareNamespace(temporal.connection, config.temporal.namespace, config.temporal);
    const schedules = await ensureSchedules({
      client: temporal.client,
      db,
      taskQueuePrefix: config.temporal.taskQueuePrefix,
    });
    logger.info({ ...namespace, schedules }, 'temporal prepared');
    if (config.temporal.embedded) logger.info({ written: await rehydrate(db) }, 'unfinished workflows asked for');
    return signInLink === undefined ? {} : { signInLink };
  } finally {
    await temporal.close();
    await db.destroy();
  }
}

/** The address of an owner whom nobody has named yet: it can receive nothing, because `.localhost` belongs to nobody (RFC 6761). */
const unnamedOwner = 'owner@tributary.localhost';

async function ensureOwner(db: Db, config: Config, logger: Logger): Promise<string | undefined> {
  let owner = await findWaitingOwner(db);
  if (owner === 'none') {
    const { workspaceId } = await createWorkspace(db, newId, {
      name: 'Tributary',
      owner: { name: 'Owner', email: config.ownerEmail ?? unnamedOwner },
      isFirst: true,
      ownerStatus: 'active',
    });
    logger.info({ workspaceId }, 'first workspace created');
    owner = await findWaitingOwner(db);
  }
  if (owner === 'none' || owner === 'signed_in') return undefined;
  const { workspaceId, userId, loginId } = owner;
  const token = await inWorkspace(db, workspaceId, async (tx, now) => {
    await voidOneTimeTokens(tx, loginId, 'sign_in'); // the link of the start before
    return insertOneTimeToken(tx, newId, now, { kind: 'sign_in', loginId, workspaceId, userId });
  });
  return `${config.http.publicUrl}/welcome/${token}`;
}

async function main(): Promise<void> {
  try {
    const config = loadConfig(localEnvironment(process.env));
    const { signInLink } = await bootstrap(config, createLogger(config, { process: 'bootstrap' }));
    if (signInLink !== undefined) console.log(`Sign in with this one-time link, valid 30 minutes:\n  ${signInLink}`);
  } catch (error) {
    if (error instanceof ConfigError) console.error(error.message);
    else console.error(`bootstrap: ${error instanceof Error ? describe(error) : String(error)}`);
    process.exitCode = 1;
  }
}

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
