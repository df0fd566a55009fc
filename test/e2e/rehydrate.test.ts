import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applySchedule } from '../../activities/gateways/schedules.js';
import { bootstrap } from '../../bin/bootstrap.js';
import { rehydrate } from '../../bin/rehydrate.js';
import { connect, type Db } from '../../db/connection.js';
import type { WorkspaceId } from '../../domain/ids.js';
import { addMs, type Instant, instantOf } from '../../domain/time.js';
import { type Config, loadConfig } from '../../platform/config.js';
import { findTemporalCli, startTemporal } from '../../platform/embedded/temporal.js';
import { createLogger } from '../../platform/logger.js';
import { newId } from '../../platform/newId.js';
import { workflowIds } from '../../workflows/contract.js';
import { compiledProgram } from '../support/compiled.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/freePorts.js';
import { insertRow } from '../support/rows.js';
import { projectRoot } from '../support/sourceTree.js';

// A real worker process against a Temporal server of its own, whose store is wiped in the middle (temporal.md 4.5, reliability.md 4, rule 1).

const hourMs = 3_600_000;
const logger = createLogger({ logLevel: 'fatal' });
let folder: string;
let database: TestDatabase;
let owner: Knex;
let db: Db;
let temporal: Awaited<ReturnType<typeof startTemporal>>;
let port: number;
let env: Record<string, string>;
let config: Config;
let worker: ChildProcess | undefined;
let connection: Connection | undefined;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tributary-rehydrate-'));
  database = await createTestDatabase();
  owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 2 } });
  db = connect({ url: database.appUrl, poolSize: 2, applicationName: 'test' });
  port = await freePort();
  temporal = await startServer();
  env = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    DATABASE_URL: database.appUrl,
    MIGRATION_DATABASE_URL: database.ownerUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    TEMPORAL_EMBEDDED: 'true',
    PUBLIC_URL: 'http://localhost:3000',
    SECRET_KEY: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    WORKER_HEALTH_PORT: String(await freePort()),
    DATA_DIR: folder,
  };
  config = loadConfig(env);
}, 120_000);

afterAll(async () => {
  if (worker !== undefined && worker.exitCode === null) worker.kill('SIGKILL');
  await connection?.close();
  await temporal?.stop();
  await db?.destroy();
  await owner?.destroy();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

async function startServer() {
  return startTemporal({
    cliPath: await findTemporalCli({ dataDir: path.join(projectRoot, '.data'), onProgress: () => undefined }),
    port,
    logFile: path.join(folder, 'temporal.log'),
    namespace: 'rehydrate',
    fastTimers: true,
  });
}

async function client(): Promise<Client> {
  connection ??= await Connection.connect({ address: temporal.address });
  return new Client({ connection, namespace: temporal.namespace });
}

async function startWorker(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [(await compiledProgram())('bin/worker.ts')], {
    cwd: projectRoot,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  child.stdout.on('data', (data: Buffer) => lines.push(data.toString()));
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`the worker ended: ${lines.join('')}`);
    return (await fetch(`http://127.0.0.1:${env['WORKER_HEALTH_PORT']}/readyz`)).status === 200;
  });
  return child;
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve));
}

/** Only what the lists of unfinished work and the foreign keys ask for. */
async function insertReferrals(
  workspaceId: WorkspaceId,
  rows: readonly { status: string; windowEndsAt: Instant | null }[],
) {
  const programId = newId('program');
  await insertRow(owner, 'programs', { workspace_id: workspaceId, id: programId, status: 'active' });
  const made = rows.map((row) => ({ id: newId('referral'), ...row }));
  await owner('referrals').insert(
    made.map(({ id, status, windowEndsAt }) => ({
      workspace_id: workspaceId,
      id,
      mode: 'live',
      program_id: programId,
      status,
      stage: 'click',
      window_ends_at: windowEndsAt,
    })),
  );
  return made.map(({ id }) => id);
}

test('a start twice makes one workspace and its schedules, and a new sign-in link each time', async () => {
  const [first, second] = await Promise.all([bootstrap(config, logger), bootstrap(config, logger)]);
  const third = await bootstrap(config, logger);

  expect(await owner('workspaces')).toHaveLength(1);
  const links = [first, second, third].map(({ signInLink }) => signInLink ?? '');
  for (const link of links) expect(link).toMatch(/^http:\/\/localhost:3000\/welcome\/[\w-]{43}$/);
  expect(new Set(links).size).toBe(3);
  expect(await owner('one_time_tokens').whereNull('used_at')).toHaveLength(1);
  const ids: string[] = [];
  for await (const { scheduleId } of (await client()).schedule.list()) ids.push(scheduleId);
  expect(ids.toSorted()).toEqual([
    'sweep/calendar',
    'sweep/due',
    'sweep/historyExport',
    'sweep/linkHealth',
    'sweep/retentionAlarm',
    'sweep/risk',
    'sweep/unapplied',
  ]);
});

test('a pause of a schedule survives the next start', async () => {
  const handle = (await client()).schedule.getHandle('sweep/due');
  await handle.pause('looking at it');
  await bootstrap(config, logger);

  expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'looking at it' });
  await handle.unpause();
});

test('a worker serves every queue, tells its figures, and ends in order', async () => {
  worker = await startWorker();
  const metrics = await (await fetch(`http://127.0.0.1:${env['WORKER_HEALTH_PORT']}/metrics`)).text();
  expect(metrics).toContain('tributary_click_lag_seconds');
  expect(metrics).toContain('temporal_num_pollers');

  // A sweep, started by its schedule, runs through its queue.
  const { workflowId } = await runSweep('due');
  expect(await (await client()).workflow.getHandle(workflowId).result()).toEqual({ found: 0 });

  const ended = endOf(worker);
  worker.kill('SIGTERM');
  expect(await ended).toBe(0);
});

async function runSweep(kind: string): Promise<{ workflowId: string }> {
  const handle = (await client()).schedule.getHandle(`sweep/${kind}`);
  const before = new Set((await handle.describe()).info.recentActions.map(({ action }) => action.workflow.workflowId));
  await handle.trigger();
  return eventually(async () =>
    (await handle.describe()).info.recentActions
      .map(({ action }) => action.workflow)
      .find((run) => !before.has(run.workflowId)),
  );
}

test('with a wiped store every unfinished referral comes back, its deadline unchanged; done ones stay away', async () => {
  const [workspace] = await owner<{ id: WorkspaceId }>('workspaces').select('id');
  const workspaceId = workspace?.id as WorkspaceId;
  const windowEndsAt = addMs(instantOf(Date.now()), 5 * hourMs);
  const [tracking = '', pending = '', rejected = ''] = await insertReferrals(workspaceId, [
    { status: 'tracking', windowEndsAt },
    { status: 'pending', windowEndsAt: null },
    { status: 'rejected', windowEndsAt: null },
  ]);
  const idOf = (id: string) => workflowIds.referral({ workspaceId, referralId: id as never });
  worker = await startWorker();
  expect(await rehydrate(db)).toMatchObject({ referral: 2, payout: 0, payoutRun: 0 });
  const isThere = async (id: string) => (await client()).workflow.getHandle(idOf(id)).describe();
  await eventually(() => isThere(tracking));
  await eventually(() => isThere(pending));

  await connection?.close();
  connection = undefined;
  await temporal.stop();
  temporal = await startServer(); // in memory: nothing is left of the first
  await expect(isThere(tracking)).rejects.toThrow();
  await bootstrap(config, logger);

  const back = await eventually(() => isThere(tracking), { within: 60_000 });
  // Measured when the row was claimed; the call itself takes a moment.
  const delayEnds = Number(back.raw.workflowExecutionInfo?.executionTime?.seconds) * 1_000;
  expect(Math.abs(delayEnds - Date.parse(windowEndsAt))).toBeLessThan(60_000);
  await eventually(() => isThere(pending), { within: 60_000 });
  await expect(isThere(rejected)).rejects.toThrow();

  // And with everything still open: the same again starts nothing twice.
  await rehydrate(db);
  await eventually(async () => {
    const [row] = await owner('outbox').whereNull('sent_at').whereNull('dead_at').count({ rows: '*' });
    return Number(row?.['rows']) === 0;
  });
  expect((await isThere(tracking)).runId).toBe(back.runId);
  expect(await owner('outbox').whereNotNull('dead_at')).toEqual([]);
}, 180_000);

test('a payout schedule stands in Temporal with its zone, follows its row, and goes with it', async () => {
  const [workspace] = await owner<{ id: WorkspaceId }>('workspaces').select('id');
  const workspaceId = workspace?.id as WorkspaceId;
  const id = newId('payoutSchedule');
  const calendar = { every: 'month', dayOfMonth: 1, hour: 6, minute: 0 };
  await insertRow(owner, 'payout_schedules', {
    workspace_id: workspaceId,
    id,
    calendar: JSON.stringify(calendar),
    time_zone: 'Europe/Berlin',
  });
  await bootstrap(config, logger);
  const temporalClient = await client();
  const handle = temporalClient.schedule.getHandle(`payoutRun/${workspaceId}/${id}`);
  const made = await handle.describe();
  expect(made.spec).toMatchObject({
    timezone: 'Europe/Berlin',
    calendars: [{ dayOfMonth: [{ start: 1 }], hour: [{ start: 6 }] }],
  });
  expect(made.action).toMatchObject({
    workflowType: 'payoutRun',
    taskQueue: 'payouts',
    args: [{ workspaceId, scheduleId: id }],
  });

  const apply = (wish: string) =>
    applySchedule(
      { client: temporalClient, db, taskQueuePrefix: '' },
      { workspaceId, payload: { scheduleId: id, wish } },
    );
  await owner('payout_schedules')
    .where({ id })
    .update({ paused: true, calendar: JSON.stringify({ every: 'week', dayOfWeek: 5, hour: 7, minute: 30 }) });
  expect(await apply('save')).toBe(true);
  expect(await handle.describe()).toMatchObject({
    state: { paused: true },
    spec: { calendars: [{ dayOfWeek: [{ start: 'FRIDAY' }], hour: [{ start: 7 }] }] },
  });

  await owner('payout_schedules').where({ id }).update({ deleted_at: new Date() });
  expect(await apply('delete')).toBe(true);
  expect(await apply('delete')).toBe(true);
  await expect(handle.describe()).rejects.toThrow();
  expect(
    await applySchedule(
      { client: temporalClient, db, taskQueuePrefix: '' },
      { workspaceId, payload: { scheduleId: 'sch_none' } },
    ),
  ).toBe(false);
});
