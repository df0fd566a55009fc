import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import {
  type ActivityInboundCallsInterceptor,
  bundleWorkflowCode,
  type LogEntry,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import type { Registry } from 'prom-client';
import { silentAuditSinks } from '../activities/audit/history.js';
import { appendAuditChains } from '../activities/audit/chain.js';
import { exportHistory } from '../activities/audit/history.js';
import { failureInterceptor } from '../activities/failures.js';
import { simulatedCheckProvider } from '../activities/gateways/checkProvider.js';
import { temporalClosedRuns } from '../activities/gateways/closedRuns.js';
import { temporalHistoryReader } from '../activities/gateways/historyReader.js';
import { deliverEmail, localMailbox, smtpMailer } from '../activities/gateways/mail.js';
import { connectedGateways } from '../activities/gateways/connected.js';
import { createManualGateway } from '../activities/gateways/manual.js';
import { deliverPostback } from '../activities/gateways/postbackSender.js';
import type { PayoutGateway } from '../activities/gateways/payoutGateway.js';
import { deliverWebhook } from '../activities/gateways/webhookSender.js';
import { createSandboxGateway } from '../activities/gateways/sandbox.js';
import { applySchedule } from '../activities/gateways/schedules.js';
import { createActivities } from '../activities/index.js';
import { openGatewayAccess, openMethodDetails, type PayoutDeps } from '../activities/payout/deps.js';
import { lookAtDestination } from '../platform/destination.js';
import type { ExportDesk } from '../activities/reporting/listExport.js';
import { foldRollups } from '../activities/reporting/rollup.js';
import { takeUpClicks } from '../activities/tracking/click.js';
import {
  connect,
  connectEdge,
  connectRelay,
  type Db,
  durabilityFindings,
  type RelayDb,
  roleFindings,
} from '../db/connection.js';
import { listWorkspaces } from '../db/directory.js';
import { type ClaimedMessage, findKeysWithLaterRow, findReferralStates } from '../db/messaging/relay.js';
import { readWorkspace } from '../db/transaction.js';
import type { WorkspaceId } from '../domain/ids.js';
import { webhookSecretPurpose } from '../domain/messaging/webhook.js';
import { type Config, loadConfig, localEnvironment } from '../platform/config.js';
import { clockNow } from '../platform/clock.js';
import { armFailpoints, failpoint } from '../platform/failpoint.js';
import { HeadKeeper, headsFolder } from '../platform/headKeeper.js';
import { createJournal } from '../platform/journal.js';
import { createContentStore } from '../platform/contentStore.js';
import { createLogger, type Logger } from '../platform/logger.js';
import { createMetrics } from '../platform/metrics.js';
import { fetchOutside, gatewayRules } from '../platform/outbound.js';
import { newId } from '../platform/newId.js';
import { delayAfterMs, httpDeliveries } from '../platform/relay/httpDeliveries.js';
import { backOffMs, type Outcome, type Relay, startRelay } from '../platform/relay/loop.js';
import { createRelayMetrics } from '../platform/relay/metrics.js';
import { workflowMessages } from '../platform/relay/workflowMessages.js';
import { callPostback } from '../platform/postbackCall.js';
import { callWebhook } from '../platform/webhookCall.js';
import { createSecrets } from '../platform/secrets.js';
import { createTemporalClient, type TemporalClient } from '../platform/temporalClient.js';
import { gatewayQueue, queueName, type TaskQueue, taskQueues } from '../workflows/contract.js';

/** Connections of the process's pool. Activities of all its queues together stay below it, the relay's look-ups take the rest. */
const poolSize = 20;
/** Slots per queue: local and regular activities, each holding a connection (temporal.md 12). */
const slots: Readonly<Record<TaskQueue, { readonly local: number; readonly regular: number }>> = {
  referrals: { local: 6, regular: 3 },
  payouts: { local: 3, regular: 2 },
  jobs: { local: 1, regular: 2 },
};
const gatewaySlots = 10; // calls out, which hold no connection
/** Long statements: two pages of a plan per regular slot of payouts, and one per slot of jobs. */
const longPoolSize = 2 * slots.payouts.regular + slots.jobs.regular;
const relayPoolSize = 6;
const chainEveryMs = 5_000;
/** Figures are exact without it; what it folds is what a reader need not add up. */
const rollupsEveryMs = 15_000;
/** A referral exists about a second after its click at most (REF-15). */
const clicksEveryMs = 250;

/** Tries for a port of the SDK's metrics. */
const mostPorts = 5;

/** A worker process: a worker per task queue, and the relay. `stopped` settles when it ended, by `stop` or by itself. */
interface RunningWorker {
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

/** Once per process, before any worker or connection. Answers where the SDK serves its own metrics, for `/metrics`. */
async function installRuntime(logger: Logger): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const bindAddress = `127.0.0.1:${await freePort()}`;
    try {
      Runtime.install({
        logger: temporalLogger(logger),
        telemetryOptions: {
          logging: { filter: { core: 'WARN', other: 'WARN' } },
          metrics: { prometheus: { bindAddress } },
        },
      });
      return bindAddress;
    } catch (error) {
      // The SDK takes no port 0, so that another process may have bound the free one since: seen with two workers starting at once.
      const isTaken = error instanceof Error && error.message.includes('Address already in use');
      if (!isTaken || attempt === mostPorts) throw error;
    }
  }
}

/** Starts what `config` asks for. Throws with the findings when the database's role or settings are not safe (decisions 10). */
async function startWorker(config: Config, logger: Logger): Promise<RunningWorker> {
  const sdkMetrics = await installRuntime(logger);
  const registry = createMetrics();
  const identity = `worker:${config.worker.buildId}:${process.pid}`;
  const { url } = config.database;
  const db = connect({ url, poolSize, applicationName: 'tributary worker' });
  const longDb = connect({
    url,
    poolSize: longPoolSize,
    applicationName: 'tributary worker long',
    statementTimeoutMs: 600_000,
  });
  const relayDb = connectRelay({ url, poolSize: relayPoolSize, applicationName: 'tributary relay' });
  const temporal = createTemporalClient(config.temporal, identity);
  const ends: (() => Promise<unknown>)[] = [
    () => db.destroy(),
    () => longDb.destroy(),
    () => relayDb.destroy(),
    () => temporal.close(),
  ];
  const endAll = async (): Promise<void> => {
    await Promise.allSettled(ends.map((end) => end()));
  };
  try {
    await refuseUnsafe(db, relayDb, config);
    const state = { ready: false };
    const health = await listenForHealth(config.worker.healthPort, () => state.ready, registry, sdkMetrics);
    ends.push(() => closeServer(health));
    const native = await NativeConnection.connect({ address: config.temporal.address });
    ends.push(() => native.close());
    const payoutGateways = gatewaysOf(config);
    const exports = exportsOf({ config, logger, db, longDb, temporal });
    const activities = createActivities({
      db,
      longDb,
      newId,
      publicUrl: config.http.publicUrl,
      logger,
      reached,
      payoutGateways,
      ...payoutDepsOf(config),
      lookAtDestination: (url, hosts) => lookAtDestination({ hosts, allow: config.outboundAllow }, url),
      closedRuns: temporalClosedRuns(temporal.client),
      checkProviders: new Map([simulatedCheckProvider()].map((provider) => [provider.adapter, provider])),
      exportDesk: exports.desk,
    });
    const workers = await createWorkers({
      config,
      native,
      identity,
      logger,
      activities,
      gateways: [...payoutGateways.values()].filter((gateway) => gateway.execution === 'gateway'),
    });
    const running = Promise.all(workers.map((worker) => worker.run()));
    const relay = startRelayOf({ config, logger, registry, db, relayDb, temporal });
    state.ready = true;
    logger.info({ queues: workers.map((worker) => worker.options.taskQueue) }, 'worker started');

    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      stopping ??= (async () => {
        state.ready = false;
        const relayEnded = relay.stop(); // no claim after this line; what is under way goes on beside the workers' end
        for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
        await Promise.allSettled([relayEnded, running]);
        await exports.stop();
        await endAll();
        logger.info('worker stopped');
      })();
      return stopping;
    };
    // A worker that ends by itself has met something it cannot live with: the others end as well, and the supervisor starts anew.
    const stopped = running.then(stop, async (error: unknown) => {
      await stop();
      throw error;
    });
    return { stopped, stop };
  } catch (error) {
    await endAll();
    throw error;
  }
}

/** Every adapter of payouts by its name. The simulated provider's memory is a file outside Postgres (api.md 10.1). */
function gatewaysOf(config: Config): ReadonlyMap<string, PayoutGateway> {
  const journal = createJournal(join(config.dataDir, 'gateways', 'sandbox.journal'));
  const gateways: readonly PayoutGateway[] = [
    createSandboxGateway({ journal, now: clockNow, reached }),
    createManualGateway(),
    ...connectedGateways({
      ask: (address, call) => fetchOutside(address, gatewayRules(config), call),
      now: clockNow,
      instead: config.gatewayOrigins,
    }),
  ];
  return new Map(gateways.map((gateway) => [gateway.adapter, gateway]));
}

/**
 * Lists as files: the API's own lists, for whoever asked (api.md 16.2). The API's code is loaded with the first export, so that a worker that
 * makes none starts as fast and stays as small as before.
 */
function exportsOf(of: {
  readonly config: Config;
  readonly logger: Logger;
  readonly db: Db;
  readonly longDb: Db;
  readonly temporal: TemporalClient;
}): { readonly desk: ExportDesk; stop(): Promise<void> } {
  const { url } = of.config.database;
  let loaded: Promise<{ readonly desk: ExportDesk; stop(): Promise<void> }> | undefined;
  const load = async () => {
    const [{ createApiDeps }, { createExportDesk }, { routes }] = await Promise.all([
      import('./apiDeps.js'),
      import('../api/exportDesk.js'),
      import('../api/routes.js'),
    ]);
    const edgeDb = connectEdge({ url, poolSize: 1, applicationName: 'tributary worker edge' }); // connects when it is used
    const deps = createApiDeps({ ...of, edgeDb });
    return {
      desk: createExportDesk(routes, deps),
      async stop() {
        await deps.apiLog.stop();
        await Promise.all([deps.outcomes.stop(), edgeDb.end()]);
      },
    };
  };
  return {
    desk: {
      async make(order, sink) {
        loaded ??= load();
        return (await loaded).desk.make(order, sink);
      },
    },
    stop: async () => (await loaded)?.stop(),
  };
}

/** What payouts need beside their gateways: sealed details opened for the one call, answers kept under their hash. */
function payoutDepsOf(
  config: Config,
): Pick<PayoutDeps, 'gatewayPolicy' | 'openMethodDetails' | 'openGatewayAccess' | 'answers'> {
  const secrets = createSecrets(config.secretKeys);
  return {
    gatewayPolicy: { sandboxPaysLive: config.nodeEnv !== 'production' },
    openMethodDetails: (details) => openMethodDetails(details, secrets),
    openGatewayAccess: (sealed) => openGatewayAccess(sealed, secrets),
    answers: createContentStore(join(config.dataDir, 'gateways', 'answers')),
  };
}

async function refuseUnsafe(db: Db, relayDb: RelayDb, config: Config): Promise<void> {
  const findings = [...(await roleFindings(db)), ...(await roleFindings(relayDb))];
  // The tests' server syncs nothing; what survives a crash is what test/faults is about, with the real settings.
  if (config.nodeEnv !== 'test') findings.push(...(await durabilityFindings(db)));
  if (findings.length > 0)
    throw new Error(`the database is not safe to use:\n${findings.map((line) => `  ${line}`).join('\n')}`);
}

/** A crash point inside an activity, about its workflow. */
function reached(point: string): void {
  failpoint(point, Context.current().info.workflowExecution?.workflowId);
}

/** `before:` and `after:` every activity; after it what it did is committed or sent, and Temporal does not know (reliability.md 6.2). */
function crashPoints(activity: string, workflowId: string | undefined): ActivityInboundCallsInterceptor {
  return {
    async execute(input, next) {
      failpoint(`before:${activity}`, workflowId);
      const result: unknown = await next(input);
      failpoint(`after:${activity}`, workflowId);
      return result;
    },
  };
}

async function createWorkers(parts: {
  readonly config: Config;
  readonly native: NativeConnection;
  readonly identity: string;
  readonly logger: Logger;
  readonly activities: object;
  readonly gateways: readonly PayoutGateway[];
}): Promise<readonly Worker[]> {
  const { config, logger } = parts;
  const gatewayOf = new Map(parts.gateways.map((gateway) => [gatewayQueue(gateway.adapter), gateway]));
  const offered = [...taskQueues, ...gatewayOf.keys()];
  const queues = config.worker.queues ?? offered;
  const unknown = queues.filter((queue) => !offered.includes(queue));
  if (unknown.length > 0)
    throw new Error(`WORKER_QUEUES: no such task queue: ${unknown.join(', ')}; there are ${offered.join(', ')}`);
  const shared: Partial<WorkerOptions> = {
    connection: parts.native,
    namespace: config.temporal.namespace,
    identity: parts.identity,
    activities: parts.activities,
    shutdownGraceTime: '20s',
    shutdownForceTime: '40s',
    // Unversioned, but each completed task names its build (temporal.md 9).
    workerDeploymentOptions: {
      version: { deploymentName: config.worker.deploymentName ?? 'tributary', buildId: config.worker.buildId },
      useWorkerVersioning: false,
    },
    interceptors: {
      activity: [
        ({ info }) => ({
          inbound: failureInterceptor(
            logger.child({ workflowId: info.workflowExecution?.workflowId, runId: info.workflowExecution?.runId }),
            info.activityType,
          ),
        }),
        ({ info }) => ({ inbound: crashPoints(info.activityType, info.workflowExecution?.workflowId) }),
      ],
    },
  };
  const hasWorkflows = queues.some(isWorkflowQueue);
  const workflowBundle = hasWorkflows ? await workflowCode(logger) : undefined;
  const workers: Worker[] = [];
  for (const queue of queues) {
    const taskQueue = queueName(config.temporal.taskQueuePrefix, queue);
    workers.push(
      await Worker.create(
        isWorkflowQueue(queue) && workflowBundle !== undefined
          ? {
              ...shared,
              taskQueue,
              workflowBundle,
              sinks: silentAuditSinks,
              // Growth can exhaust the isolate and stop the worker (sdk-typescript #2227): 0.15 MB each.
              maxCachedWorkflows: 300,
              maxConcurrentLocalActivityExecutions: slots[queue].local,
              maxConcurrentActivityTaskExecutions: slots[queue].regular,
            }
          : {
              ...shared,
              taskQueue,
              maxConcurrentActivityTaskExecutions: gatewaySlots,
              ...perSecond(gatewayOf.get(queue)?.callsPerSecond),
            },
      ),
    );
  }
  return workers;
}

/** What a provider takes in a second, kept by Temporal over all workers (temporal.md 2.4). */
function perSecond(calls: number | undefined): Partial<WorkerOptions> {
  return calls === undefined ? {} : { maxTaskQueueActivitiesPerSecond: calls };
}

function isWorkflowQueue(queue: string): queue is TaskQueue {
  return (taskQueues as readonly string[]).includes(queue);
}

/** Made by `npm run build` beside the compiled code; from sources it is bundled here, once for all queues, in about a second. */
async function workflowCode(logger: Logger): Promise<WorkflowBundleOption> {
  const built = fileURLToPath(new URL('../workflowBundle.js', import.meta.url));
  if (existsSync(built)) return { codePath: built };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const pathOf = (name: string): string => fileURLToPath(new URL(`../workflows/${name}.${extension}`, import.meta.url));
  return bundleWorkflowCode({
    workflowsPath: pathOf('index'),
    workflowInterceptorModules: [pathOf('auditInterceptor')],
    logger: temporalLogger(logger),
  });
}

function startRelayOf(parts: {
  readonly config: Config;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly db: Db;
  readonly relayDb: RelayDb;
  readonly temporal: TemporalClient;
}): Relay {
  const { config, db, relayDb, temporal } = parts;
  const logger = parts.logger.child({ part: 'relay' });
  const reader = temporalHistoryReader(temporal.client);
  const secrets = createSecrets(config.secretKeys);
  const mailer = config.smtpUrl === undefined ? localMailbox : smtpMailer(config.smtpUrl, config.http.publicUrl);
  const keeper = new HeadKeeper(headsFolder(config.dataDir));
  const lastKept = new Map<string, string>();
  return startRelay({
    db: relayDb,
    listenUrl: config.database.url,
    logger,
    metrics: createRelayMetrics(parts.registry),
    deliver: {
      workflow: workflowMessages({
        client: temporal.client,
        taskQueuePrefix: config.temporal.taskQueuePrefix,
        lookUp: {
          referralStates: (workspaceId, ids) =>
            readWorkspace(db, workspaceId as WorkspaceId, (tx) => findReferralStates(tx, ids)),
          keysWithLaterRow: (rows) => findKeysWithLaterRow(relayDb, rows),
        },
        others: {
          'history.export': (row) => exportRun({ db, newId, reader }, row),
          schedule: async (row) =>
            (await applySchedule(
              { client: temporal.client, db, taskQueuePrefix: config.temporal.taskQueuePrefix },
              row,
            ))
              ? { kind: 'sent' }
              : { kind: 'dead', code: 'message.malformed' },
        },
      }),
      http: httpDeliveries({
        mail: async (row, signal) => {
          const answer = await deliverEmail({ db, mailer }, row, signal);
          return answer.class === 'taken' ? { kind: 'delivered' } : { kind: answer.class, code: answer.code };
        },
        postback: (row) => deliverPostback({ db, newId, call: (url) => callPostback(url, config), delayAfterMs }, row),
        webhook: (row) =>
          deliverWebhook(
            {
              db,
              newId,
              call: (call) => callWebhook(call, config),
              unseal: (sealed) => secrets.unseal(webhookSecretPurpose, sealed),
              delayAfterMs,
              reached: failpoint,
            },
            row,
          ),
      }),
    },
    steps: [
      {
        name: 'clicks',
        everyMs: clicksEveryMs,
        run: async () => {
          const taken = await takeUpClicks({ relayDb, db, newId, logger });
          if (taken > 0) failpoint('relay.clicksTaken');
          return taken > 0;
        },
      },
      {
        name: 'audit chain',
        everyMs: chainEveryMs,
        run: async () => {
          const workspaces = (await listWorkspaces(db)).map((workspace) => workspace.id);
          return (await appendAuditChains({ db, keeper, logger, workspaces, lastKept })) > 0;
        },
      },
      {
        name: 'rollups',
        everyMs: rollupsEveryMs,
        run: async () => {
          const workspaces = (await listWorkspaces(db)).map((workspace) => workspace.id);
          return foldRollups({ db, logger }, workspaces);
        },
      },
    ],
  });
}

async function exportRun(deps: Parameters<typeof exportHistory>[0], row: ClaimedMessage): Promise<Outcome> {
  const { workflowId, runId } = (row.payload ?? {}) as { readonly workflowId?: unknown; readonly runId?: unknown };
  if (typeof workflowId !== 'string' || typeof runId !== 'string') return { kind: 'dead', code: 'message.malformed' };
  const outcome = await exportHistory(deps, { workflowId, runId });
  switch (outcome) {
    case 'stored':
    case 'present':
    case 'not_exported':
      return { kind: 'sent' };
    case 'open': // the closing transaction asked for it; the run ends within the same task
      return { kind: 'later', delayMs: backOffMs(row.attempts), code: 'history.open' };
    case 'gone':
      return { kind: 'dead', code: 'history.gone' };
    default:
      return outcome satisfies never;
  }
}

/** Loopback only: `/healthz` the process lives, `/readyz` it takes work, `/metrics` ours and the SDK's. */
async function listenForHealth(
  port: number,
  isReady: () => boolean,
  registry: Registry,
  sdkMetrics: string,
): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string, type = 'application/json'): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    };
    switch (request.url ?? '') {
      case '/healthz':
        return answer(200, '{"status":"ok"}');
      case '/readyz':
        return isReady() ? answer(200, '{"status":"ready"}') : answer(503, '{"status":"starting"}');
      case '/metrics':
        metricsText(registry, sdkMetrics).then(
          (text) => answer(200, text, registry.contentType),
          () => answer(500, '{"status":"metrics unavailable"}'),
        );
        return undefined;
      default:
        return answer(404, '{"status":"not found"}');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

async function metricsText(registry: Registry, sdkMetrics: string): Promise<string> {
  const sdk = await fetch(`http://${sdkMetrics}/metrics`, { signal: AbortSignal.timeout(2_000) });
  return `${await registry.metrics()}\n${await sdk.text()}`;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Where the SDK serves its own metrics; read only by `/metrics` above. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createTcpServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** The SDK's log lines as ours. What a workflow logs is there too, once: the SDK drops it on replay. */
function temporalLogger(logger: Logger) {
  const write = (entry: Pick<LogEntry, 'level' | 'message'> & { readonly meta?: object | undefined }): void => {
    const level = entry.level.toLowerCase() as 'trace' | 'debug' | 'info' | 'warn' | 'error';
    logger[level]({ ...entry.meta, from: 'temporal' }, entry.message);
  };
  return {
    log: (level: LogEntry['level'], message: string, meta?: object) => write({ level, message, meta }),
    trace: (message: string, meta?: object) => write({ level: 'TRACE', message, meta }),
    debug: (message: string, meta?: object) => write({ level: 'DEBUG', message, meta }),
    info: (message: string, meta?: object) => write({ level: 'DEBUG', message, meta }), // its chatter is for us, not for operators
    warn: (message: string, meta?: object) => write({ level: 'WARN', message, meta }),
    error: (message: string, meta?: object) => write({ level: 'ERROR', message, meta }),
  };
}

async function main(): Promise<void> {
  const config = loadConfig(localEnvironment(process.env));
  const logger = createLogger(config, { process: 'worker', build: config.worker.buildId });
  armFailpoints(config.failpoints);
  let worker: RunningWorker;
  try {
    worker = await startWorker(config, logger);
  } catch (error) {
    logger.fatal({ err: error }, 'worker did not start');
    process.exitCode = 1;
    return;
  }
  let signals = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(1);
      worker.stop().catch((error: unknown) => logger.error({ err: error }, 'worker did not stop in order'));
    });
  }
  try {
    await worker.stopped;
    process.exit(0);
  } catch (error) {
    logger.fatal({ err: error }, 'worker ended by itself');
    process.exit(1);
  }
}

await main();
