// The servers of one vitest run: one Postgres with a migrated template, one Temporal dev server, one workflow bundle. Each is
// started for the first project that needs it and shared with the others (vitest.config.ts says who needs what).
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { migrateUp } from '../../db/migrate.js';
import { sendSignal } from '../../platform/embedded/children.js';
import { dropDatabase, prepareDatabase, startPostgres } from '../../platform/embedded/postgres.js';
import { findTemporalCli, startTemporal } from '../../platform/embedded/temporal.js';
import { prepareNamespace } from '../../platform/temporalClient.js';
import { compiledProgram } from './compiled.js';
import { freePort } from './freePorts.js';
import { projectRoot } from './sourceTree.js';
import { workflowSources } from './workflowSources.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The template is migrated and empty; `createTestDatabase` copies it. */
    database: { adminUrl: string; template: string };
    temporal: { address: string; namespace: string };
    /** File of the bundled workflow code, for `Worker.create({ workflowBundle: { codePath } })`. */
    workflowBundle: { codePath: string };
  }
}

type Stop = () => Promise<unknown>;

/** What a run has started so far. Vitest loads this file once per project, so the one record of the process is a global. */
interface Servers {
  users: number;
  readonly stops: Stop[];
  readonly kills: (() => void)[];
  path?: string;
  folder?: Promise<string>;
  database?: Promise<ProvidedContext['database']>;
  temporal?: Promise<ProvidedContext['temporal']>;
  bundle?: Promise<ProvidedContext['workflowBundle']>;
  program?: Promise<unknown>;
}
const record = globalThis as { tributaryTestServers?: Servers };

export default async function setup(project: TestProject): Promise<Stop> {
  const servers = (record.tributaryTestServers ??= endWithTheProcess({ users: 0, stops: [], kills: [] }));
  servers.users += 1;
  servers.folder ??= makeFolder(servers);
  servers.database ??= servers.folder.then((folder) => startDatabase(folder, servers));
  if (project.name === 'temporal') {
    servers.temporal ??= servers.folder.then((folder) => startTemporalServer(folder, servers));
    servers.bundle ??= servers.folder.then(bundleWorkflows);
    servers.program ??= compiledProgram(); // once, before two files that start a stack would both compile
  }

  // All of them, also when one fails: what is still on its way up must be stopped as well.
  const [database, temporal, bundle, program] = await Promise.allSettled([
    servers.database,
    servers.temporal,
    servers.bundle,
    servers.program,
  ]);
  const failed = [database, temporal, bundle, program].find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stopAll(servers);
    throw failed.reason;
  }
  if (database.status === 'fulfilled') project.provide('database', database.value);
  if (temporal.status === 'fulfilled' && temporal.value) project.provide('temporal', temporal.value);
  if (bundle.status === 'fulfilled' && bundle.value) project.provide('workflowBundle', bundle.value);

  return async () => {
    servers.users -= 1;
    if (servers.users === 0) await stopAll(servers);
  };
}

/** In reverse order of their start. Safe to repeat. */
async function stopAll(servers: Servers): Promise<void> {
  for (let stop = servers.stops.pop(); stop !== undefined; stop = servers.stops.pop()) await stop();
  servers.kills.length = 0;
  delete record.tributaryTestServers;
}

/** On Ctrl-C, SIGTERM or a crash vitest ends within a millisecond, without teardown. The servers must not outlive it. */
function endWithTheProcess(servers: Servers): Servers {
  process.once('exit', () => {
    for (const kill of servers.kills) kill();
    if (servers.path !== undefined) rmSync(servers.path, { recursive: true, force: true, maxRetries: 5 });
  });
  return servers;
}

async function makeFolder(servers: Servers): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tributary-test-'));
  servers.path = folder;
  await chmod(folder, 0o755); // as root, Postgres runs as another user, which has to reach its data
  servers.stops.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** `TEST_DATABASE_ADMIN_URL` names a Postgres to use instead, as a superuser: for other versions (`npm run check:matrix`). */
async function startDatabase(folder: string, servers: Servers): Promise<ProvidedContext['database']> {
  const given = process.env['TEST_DATABASE_ADMIN_URL'];
  const adminUrl = given ?? (await startOwnPostgres(folder, servers));
  const template = `tributary_template_${process.pid}`;
  const { ownerUrl } = await prepareDatabase(adminUrl, template);
  if (given !== undefined) servers.stops.push(() => dropDatabase(adminUrl, template));
  await migrateUp(ownerUrl);
  return { adminUrl, template };
}

async function startOwnPostgres(folder: string, servers: Servers): Promise<string> {
  const postgres = await startPostgres({
    dataDir: path.join(folder, 'postgres'),
    port: await freePort(),
    logFile: path.join(folder, 'postgres.log'),
    // What survives a crash is what test/faults is about; it starts a Postgres of its own, with the real settings.
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' },
  });
  servers.stops.push(() => postgres.stop());
  servers.kills.push(() => sendSignal(postgres.pid, 'SIGQUIT')); // at once, with its children
  return postgres.adminUrl;
}

/** No server is a failure of the run, never a reason to skip (decisions.md 16). */
async function startTemporalServer(folder: string, servers: Servers): Promise<ProvidedContext['temporal']> {
  const address = process.env['TEMPORAL_ADDRESS'];
  if (address) return { address, namespace: process.env['TEMPORAL_NAMESPACE'] ?? 'default' };
  const temporal = await startTemporal({
    cliPath: await findTemporalCli({
      dataDir: path.join(projectRoot, '.data'),
      onProgress: (line) => console.log(line),
    }),
    port: await freePort(),
    logFile: path.join(folder, 'temporal.log'),
    namespace: `tributary-test-${process.pid}`,
    fastTimers: true,
  });
  servers.stops.push(() => temporal.stop());
  servers.kills.push(() => sendSignal(temporal.pid, 'SIGKILL'));
  // As bootstrap does it: without its search attributes the server refuses what the relay starts.
  const connection = Connection.lazy({ address: temporal.address });
  await prepareNamespace(connection, temporal.namespace, { embedded: true });
  await connection.close();
  return { address: temporal.address, namespace: temporal.namespace };
}

/** Once per run: a bundle costs a second, and every worker can use the same (temporal.md 11.2). */
async function bundleWorkflows(folder: string): Promise<ProvidedContext['workflowBundle']> {
  const { code } = await bundleWorkflowCode({ ...workflowSources(), logger: new DefaultLogger('WARN') });
  const codePath = path.join(folder, 'workflows.js');
  await writeFile(codePath, code);
  return { codePath };
}
