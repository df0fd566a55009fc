import { fileURLToPath } from 'node:url';
import { quietReplays } from '../activities/audit/history.js';
import { createApp } from '../api/app.js';
import type { CheckResult } from '../api/routes/health.js';
import { clickEdge } from '../api/routes/tracking/click.js';
import { listenOn } from '../api/server.js';
import { createSite } from '../api/site.js';
import {
  appliedMigrations,
  connect,
  connectEdge,
  type Db,
  durabilityFindings,
  roleFindings,
} from '../db/connection.js';
import { knownMigrations } from '../db/migrate.js';
import { type Config, loadConfig, localEnvironment } from '../platform/config.js';
import { armFailpoints, withAnswerPoints } from '../platform/failpoint.js';
import { createLogger, type Logger } from '../platform/logger.js';
import { createMetrics } from '../platform/metrics.js';
import { newId } from '../platform/newId.js';
import { createTemporalClient, orAway } from '../platform/temporalClient.js';
import { createApiDeps } from './apiDeps.js';

/** Where the built pages are, seen from this file: in the tree and in a build. */
const siteFolder = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../dist/web' : '../web', import.meta.url));
const poolSize = 20;
const longPoolSize = 4;
const edgePoolSize = 1; // one batch of clicks is under way at a time (platform/groupCommit.ts)
/** What is under way at SIGTERM may end within this; npm start gives the process 15 s (screens.md 9.2). Milliseconds. */
const drainMs = 10_000;
const checkTimeoutMs = 2_000;
/** Any call of this process to Temporal, a page of a long history included. */
const callTimeoutMs = 10_000;

export interface RunningApi {
  readonly port: number;
  stop(): Promise<void>;
}

/** config → logger → db → app → listen. Throws with the findings when the database's role or settings are not safe (decisions 10). */
export async function startApi(config: Config, logger: Logger): Promise<RunningApi> {
  const { url } = config.database;
  const db = connect({ url, poolSize, applicationName: 'tributary api' });
  const longDb = connect({
    url,
    poolSize: longPoolSize,
    applicationName: 'tributary api long',
    statementTimeoutMs: 600_000,
  });
  const edgeDb = connectEdge({ url, poolSize: edgePoolSize, applicationName: 'tributary edge' });
  const ends: (() => Promise<unknown>)[] = [() => db.destroy(), () => longDb.destroy(), () => edgeDb.end()];
  try {
    await refuseUnsafe(db, config, logger);
    const temporal = createTemporalClient(
      config.temporal,
      `api:${config.worker.buildId}:${process.pid}`,
      callTimeoutMs,
    );
    const deps = createApiDeps({ config, logger, db, longDb, edgeDb, temporal });
    ends.push(
      () => temporal.close(),
      () => deps.outcomes.stop(),
    );
    const edge = clickEdge({
      db,
      edgeDb,
      newId,
      logger,
      publicUrl: config.http.publicUrl,
      clientAddress: deps.clientAddress,
      ...(deps.countryOf === undefined ? {} : { countryOf: deps.countryOf }),
      secrets: deps.secrets,
    });
    const state = { isServing: true };
    const app = createApp(deps, {
      site: createSite({ folder: siteFolder, hasMailbox: config.smtpUrl === undefined }),
      registry: createMetrics(),
      health: {
        isServing: () => state.isServing,
        database: () =>
          orAway(checkTimeoutMs, async () => ((await appliedMigrations(db)).length > 0 ? 'ok' : 'pending')),
        migrations: () => orAway(checkTimeoutMs, () => migrationCheck(db)),
        temporal: () =>
          orAway(checkTimeoutMs, async (): Promise<CheckResult> => {
            await temporal.connection.workflowService.getSystemInfo({});
            return 'ok';
          }),
      },
    });
    const http = await listenOn(edge.before(withAnswerPoints(app.callback())), {
      host: config.http.host,
      port: config.http.port,
      logger,
    });
    logger.info({ port: http.port }, 'api started');

    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      stopping ??= (async () => {
        state.isServing = false;
        await http.close(drainMs);
        await edge.drain();
        await deps.apiLog.stop();
        await endAll(ends);
        logger.info('api stopped');
      })();
      return stopping;
    };
    return { port: http.port, stop };
  } catch (error) {
    await endAll(ends);
    throw error;
  }
}

async function endAll(ends: readonly (() => Promise<unknown>)[]): Promise<void> {
  await Promise.allSettled(ends.map((end) => end()));
}

async function refuseUnsafe(db: Db, config: Config, logger: Logger): Promise<void> {
  const durability = await durabilityFindings(db);
  const findings = [...(await roleFindings(db)), ...(config.nodeEnv === 'test' ? [] : durability)];
  // A test server throws its data away anyway and is three times faster without fsync.
  if (config.nodeEnv === 'test' && durability.length > 0)
    logger.warn({ findings: durability }, 'test server does not keep its data');
  if (findings.length > 0)
    throw new Error(`the database is not safe to use:\n${findings.map((line) => `  ${line}`).join('\n')}`);
}

/** The database may be newer than this code during an upgrade, never older. */
async function migrationCheck(db: Db): Promise<CheckResult> {
  const applied = new Set(await appliedMigrations(db));
  return (await knownMigrations()).every((name) => applied.has(name)) ? 'ok' : 'pending';
}

async function main(): Promise<void> {
  const config = loadConfig(localEnvironment());
  quietReplays();
  const logger = createLogger(config, { process: 'api', build: config.worker.buildId });
  armFailpoints(config.failpoints);
  try {
    const api = await startApi(config, logger);
    let asked = 0;
    const end = (): void => {
      asked += 1;
      if (asked > 1) process.exit(1);
      api.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, 'api did not stop cleanly');
          process.exit(1);
        },
      );
    };
    process.on('SIGTERM', end);
    process.on('SIGINT', end);
  } catch (error) {
    logger.fatal({ err: error }, 'api did not start');
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
