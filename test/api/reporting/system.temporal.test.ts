import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureSchedules } from '../../../activities/gateways/schedules.js';
import { connectableGateways } from '../../../domain/payout/gateway.js';
import { temporalEngine } from '../../../platform/engineState.js';
import { createTemporalClient, prepareNamespace, toSearchAttributes } from '../../../platform/temporalClient.js';
import { gatewayQueue, queueName, taskQueues } from '../../../workflows/contract.js';
import { connectToTestTemporal, type TestTemporal } from '../../support/temporal.js';
import { eventually } from '../../support/eventually.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// The System screen's reads, against a real server: with it, and with it away (screens.md 3.24, api.md 16.2).

let temporal: TestTemporal;
let own: ReturnType<typeof createTemporalClient>;
let api: TestApi;
let away: TestApi;
let shop: TestWorkspace;
let prefix: string;

beforeAll(async () => {
  temporal = await connectToTestTemporal();
  const connection = await Connection.connect({ address: temporal.address });
  await prepareNamespace(connection, temporal.namespace, { embedded: false });
  await connection.close();
  prefix = temporal.unique('system').slice(0, 40);
  own = createTemporalClient({ address: temporal.address, namespace: temporal.namespace }, 'api:test');
  away = await startTestApi();
  const { config } = away.deps;
  api = await startTestApi({
    deps: {
      engine: temporalEngine(own, temporal.namespace),
      config: { ...config, temporal: { ...config.temporal, taskQueuePrefix: prefix } },
    },
  });
  shop = await api.makeWorkspace();
});
afterAll(async () => {
  await own?.close();
  await api?.close();
  await away?.close();
  await temporal?.close();
});

/** The screen gives Temporal three seconds and says `null` after them: right for a person, too short for a server that starts under load. */
const systemWithEngine = () =>
  eventually(async () => {
    const { status, text, body } = await api.as(shop.key, '/v1/console/system');
    expect(status, text).toBe(200);
    if (body['engine'] === null) throw new Error("Temporal did not answer within the screen's deadline");
    return body['engine'];
  });

test('without a worker the queues say that nobody is there; with one they say who', async () => {
  const queues = itemsOf((await systemWithEngine())['queues']);
  expect(queues.map((one) => one['queue'])).toEqual(
    [...taskQueues, ...['sandbox', ...connectableGateways].map(gatewayQueue)].map((one) => queueName(prefix, one)),
  );
  expect(queues.every((one) => one['pollers'] === 0)).toBe(true);

  const worker = await temporal.createWorker({ taskQueue: queueName(prefix, 'referrals') });
  await worker.runUntil(
    eventually(async () => {
      const referrals = itemsOf((await systemWithEngine())['queues'])[0];
      if (referrals?.['pollers'] !== 1) throw new Error(`not seen yet: ${JSON.stringify(referrals)}`);
      return true;
    }),
  );
});

test('the sweeps stand there once they are made, with their next run', async () => {
  await ensureSchedules({ client: temporal.client, db: api.db, taskQueuePrefix: prefix });

  const sweeps = itemsOf((await systemWithEngine())['sweeps']);
  expect(sweeps.map((one) => one['kind'])).toEqual(
    expect.arrayContaining(['unapplied', 'historyExport', 'due', 'retentionAlarm', 'risk']),
  );
  for (const sweep of sweeps) {
    expect(sweep['paused']).toBe(false);
    expect(sweep['nextRunAt']).toMatch(/^\d{4}-.*\.\d{3}Z$/);
  }
});

test('a run that was stopped by hand is listed for its own workspace only', async () => {
  const workflowId = `${prefix}/referral`;
  const handle = await temporal.client.workflow.start('referral', {
    workflowId,
    taskQueue: queueName(prefix, 'nobody'),
    args: [{ workspaceId: shop.id, referralId: 'ref_00000000000000000000000000' }],
    typedSearchAttributes: toSearchAttributes({ WorkspaceId: shop.id }),
  });
  await handle.terminate('by a test');
  const other = await api.makeWorkspace({ name: 'Other' });

  await eventually(async () => {
    const { body } = await api.as(shop.key, '/v1/workflows');
    const runs = itemsOf(body['data']);
    if (runs.length !== 1) throw new Error(`${runs.length} runs are listed`);
    expect(runs[0]).toMatchObject({ workflowId, workflowType: 'referral', status: 'terminated' });
    return true;
  });
  expect((await api.as(other.key, '/v1/workflows')).body['data']).toEqual([]);
});

test('with Temporal away the screen still reads, and says so', async () => {
  const workspace = await away.makeWorkspace();

  const system = await away.as(workspace.key, '/v1/console/system');
  const failed = await away.as(workspace.key, '/v1/workflows');

  expect(system).toMatchObject({ status: 200, body: { engine: null, audit: {} } });
  expect(failed).toMatchObject({ status: 503, body: { code: 'unavailable' } });
});

test('rehydrate needs system.write, writes one message per unfinished thing, and stands in the audit trail', async () => {
  const auditor = (await api.makePerson(shop, ['auditor'], { name: 'Audra' })).key;
  expect(await api.as(auditor, '/v1/workflows/rehydrate', { method: 'POST' })).toMatchObject({
    status: 403,
    body: { missingPermission: 'system.write' },
  });

  const done = await api.as(shop.key, '/v1/workflows/rehydrate', { method: 'POST' });

  expect(done.status, done.text).toBe(202);
  expect(itemsOf(done.body['written']).map((one) => one['workflowType'])).toContain('referral');
  const trail = await api.as(shop.key, '/v1/audit-entries?event=rehydrated');
  expect(itemsOf(trail.body['data'])).toHaveLength(1);
});

test('the slash that people type behind a portal is taken away', async () => {
  const answer = await api.as(null, '/portal/?next=%2F');

  expect([answer.status, answer.headers.get('location')]).toEqual([308, '/portal?next=%2F']);
  expect((await api.as(null, '/portal/earnings/')).status).toBe(404);
});
