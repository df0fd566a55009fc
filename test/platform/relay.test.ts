import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker, type WorkflowBundle } from '@temporalio/worker';
import knexFactory, { type Knex } from 'knex';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectRelay, type RelayDb } from '../../db/connection.js';
import { type ClaimedMessage, claimMessages, findKeysWithLaterRow, markMessages } from '../../db/messaging/relay.js';
import { addMs, instantOf } from '../../domain/time.js';
import { createLogger } from '../../platform/logger.js';
import { newId } from '../../platform/newId.js';
import { httpDeliveries } from '../../platform/relay/httpDeliveries.js';
import { type Deliver, type Outcome, type Relay, type RelayOptions, startRelay } from '../../platform/relay/loop.js';
import { createRelayMetrics } from '../../platform/relay/metrics.js';
import { outcomeOf, workflowMessages } from '../../platform/relay/workflowMessages.js';
import { nudge, queueName, signalMessage, startMessage, workflowIds } from '../../workflows/contract.js';
import type { ReferralId, SaleId, WorkspaceId } from '../../domain/ids.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { connectToTestTemporal, type TestTemporal } from '../support/temporal.js';

let database: TestDatabase;
let owner: Knex;
let temporal: TestTemporal;
let bundle: WorkflowBundle;
const logger = createLogger({ logLevel: 'fatal' });
const nothing: Deliver = (rows) => rows.map(() => Promise.resolve({ kind: 'sent' } as const));
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 4 } });
  temporal = await connectToTestTemporal();
  bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../fixtures/workflows/recorder.ts', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
});

beforeEach(async () => {
  await owner.raw('truncate outbox');
});

afterEach(async () => {
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end();
});

afterAll(async () => {
  await temporal.close();
  await owner.destroy();
  await database.drop();
});

async function createWorkspaces(count: number): Promise<readonly WorkspaceId[]> {
  const ids = Array.from({ length: count }, () => newId('workspace')).toSorted();
  await owner('workspaces').insert(ids.map((id) => ({ id, name: id })));
  return ids;
}

interface Row {
  readonly workspaceId: string;
  readonly lane?: 'workflow' | 'http';
  readonly topic?: string;
  readonly key?: string | null;
  readonly endpoint?: string;
  readonly priority?: number;
  readonly payload?: unknown;
}

async function insertRows(rows: readonly Row[]): Promise<void> {
  for (let at = 0; at < rows.length; at += 1_000) {
    await owner('outbox').insert(
      rows.slice(at, at + 1_000).map((row) => ({
        workspace_id: row.workspaceId,
        lane: row.lane ?? 'workflow',
        topic: row.topic ?? 'signal',
        ordering_key: row.key ?? null,
        endpoint: row.endpoint ?? '',
        priority: row.priority ?? 3,
        payload: JSON.stringify(row.payload ?? {}),
      })),
    );
  }
}

function relayDb(): RelayDb {
  const db = connectRelay({ url: database.appUrl, poolSize: 4, applicationName: 'test relay' });
  ends.push(() => db.destroy());
  return db;
}

function start(options: Partial<RelayOptions> & Pick<RelayOptions, 'deliver'>): Relay {
  const relay = startRelay({
    db: relayDb(),
    listenUrl: database.appUrl,
    logger,
    metrics: createRelayMetrics(new Registry()),
    steps: [],
    ...options,
  });
  ends.push(() => relay.stop());
  return relay;
}

const unsent = async (): Promise<number> =>
  Number((await owner('outbox').whereNull('sent_at').whereNull('dead_at').count({ rows: '*' }))[0]?.['rows']);

/** The real sender; the workflows it starts run the fixture's code on a queue of this test. */
function sendToTemporal(
  prefix: string,
  client: Client,
  states: Parameters<typeof workflowMessages>[0]['lookUp']['referralStates'] = () => Promise.resolve(new Map()),
): Deliver {
  const db = relayDb();
  return workflowMessages({
    client,
    taskQueuePrefix: prefix,
    lookUp: { referralStates: states, keysWithLaterRow: (rows) => findKeysWithLaterRow(db, rows) },
    callTimeoutMs: 2_000,
    others: {},
  });
}

async function withWorker<T>(prefix: string, work: () => Promise<T>): Promise<T> {
  const connection = await NativeConnection.connect({ address: temporal.address });
  ends.push(() => connection.close());
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    workflowBundle: bundle,
    taskQueue: queueName(prefix, 'referrals'),
    shutdownGraceTime: '1 second',
    shutdownForceTime: '5 seconds',
  });
  return worker.runUntil(work);
}

function journey(workspaceId: WorkspaceId) {
  const referralId = newId('referral');
  const ref = { workspaceId, referralId };
  return { ref, workflowId: workflowIds.referral(ref) };
}

function row(workspaceId: string, message: ReturnType<typeof signalMessage>): Row {
  return {
    workspaceId,
    topic: message.topic,
    key: message.orderingKey,
    priority: message.priority,
    payload: message.payload,
  };
}

const sale = (ref: { workspaceId: WorkspaceId; referralId: ReferralId }, saleId: string) =>
  signalMessage({
    workflowType: 'referral',
    workflowId: workflowIds.referral(ref),
    input: ref,
    signal: 'saleReported',
    argument: { saleId: saleId as SaleId },
  });

test('a claim gives each workspace its turn, whatever waits, and by priority within it', async () => {
  const [small, large, other] = (await createWorkspaces(3)) as [WorkspaceId, WorkspaceId, WorkspaceId];
  await insertRows([
    ...Array.from({ length: 900 }, () => ({ workspaceId: large, priority: 4 })),
    ...Array.from({ length: 50 }, () => ({ workspaceId: small, priority: 3 })),
    ...Array.from({ length: 50 }, () => ({ workspaceId: other, priority: 5 })),
  ]);

  const db = relayDb();
  const claimed = await claimMessages(db, {
    lane: 'workflow',
    slots: 64,
    each: 1000,
    token: randomUUID(),
    leaseMs: 30_000,
  });

  const count = (workspaceId: string) => claimed.filter((message) => message.workspaceId === workspaceId).length;
  expect([count(small), count(large), count(other)].toSorted((a, b) => a - b)).toEqual([21, 21, 22]);

  // What is under way counts as a turn taken; a new decision of the busy workspace is still in its next share.
  await insertRows([{ workspaceId: large, priority: 2 }]);
  const next = await claimMessages(db, {
    lane: 'workflow',
    slots: 64,
    each: 1000,
    token: randomUUID(),
    leaseMs: 30_000,
  });
  expect(next.filter((message) => message.priority === 2)).toHaveLength(1);
});

test('four relays send 2,000 rows of 200 keys, none twice and none before an earlier one of its key', async () => {
  const [workspaceId] = (await createWorkspaces(1)) as [WorkspaceId];
  await insertRows(Array.from({ length: 2_000 }, (_, n) => ({ workspaceId, key: `key-${Math.floor(n / 10)}` })));
  const seen: ClaimedMessage[] = [];
  const underWay = new Map<string | null, number>();
  let most = 0;
  const deliver: Deliver = (rows) =>
    rows.map(async (message): Promise<Outcome> => {
      seen.push(message);
      underWay.set(message.orderingKey, (underWay.get(message.orderingKey) ?? 0) + 1);
      most = Math.max(most, underWay.get(message.orderingKey) ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 1));
      underWay.set(message.orderingKey, (underWay.get(message.orderingKey) ?? 0) - 1);
      return { kind: 'sent' };
    });

  for (let n = 0; n < 4; n += 1) start({ deliver: { workflow: deliver, http: nothing } });
  await eventually(async () => (await unsent()) === 0);

  expect(seen).toHaveLength(2_000);
  expect(most).toBe(1);
  expect(new Set(seen.map((message) => message.id)).size).toBe(2_000);
  const last = new Map<string | null, bigint>();
  for (const { orderingKey, id } of seen) {
    expect(BigInt(id)).toBeGreaterThan(last.get(orderingKey) ?? 0n);
    last.set(orderingKey, BigInt(id));
  }
});

test('a relay that dies between call and mark sends again, with the same ids; its late mark changes nothing', async () => {
  const [workspaceId] = (await createWorkspaces(1)) as [WorkspaceId];
  await insertRows([{ workspaceId, payload: { saleId: 'sal_1' } }]);
  const dead = relayDb();
  const token = randomUUID();
  const [lost] = await claimMessages(dead, { lane: 'workflow', slots: 64, each: 1000, token, leaseMs: 300 });
  const seen: ClaimedMessage[] = [];

  start({
    deliver: {
      workflow: (rows) =>
        rows.map((message) => Promise.resolve(seen.push(message)).then(() => ({ kind: 'sent' }) as const)),
      http: nothing,
    },
  });
  await eventually(async () => (await unsent()) === 0);

  expect(seen).toMatchObject([{ id: lost?.id, payload: { saleId: 'sal_1' }, attempts: 2 }]);
  const before: unknown = await owner('outbox').first();
  await markMessages(dead, [{ kind: 'dead', id: lost?.id ?? '', token, code: 'late' }]);
  expect(await owner('outbox').first()).toEqual(before);
});

test('endpoints that hang hold four calls each; the other endpoints and workspaces go on', async () => {
  const [slow, quick] = (await createWorkspaces(2)) as [WorkspaceId, WorkspaceId];
  const hanging = Array.from({ length: 10 }, (_, n) => `hangs-${n}`);
  await insertRows([
    ...hanging.flatMap((endpoint) =>
      Array.from({ length: 30 }, () => ({ workspaceId: slow, lane: 'http' as const, topic: 'mail', endpoint })),
    ),
    ...[slow, quick].flatMap((workspaceId) =>
      Array.from({ length: 20 }, () => ({ workspaceId, lane: 'http' as const, topic: 'mail', endpoint: 'answers' })),
    ),
  ]);
  const hung = new Map<string, number>();
  let most = 0;
  const free: (() => void)[] = [];
  ends.unshift(async () => free.forEach((release) => release()));

  const relay = start({
    deliver: {
      workflow: nothing,
      http: httpDeliveries({
        mail: async ({ endpoint }) => {
          if (endpoint === 'answers') return { kind: 'delivered' };
          hung.set(endpoint, (hung.get(endpoint) ?? 0) + 1);
          most = Math.max(most, hung.get(endpoint) ?? 0);
          await new Promise<void>((resolve) => free.push(resolve));
          return { kind: 'failed', code: 'no_answer' };
        },
      }),
    },
  });
  const sentOnes = () => owner('outbox').whereNotNull('sent_at').where({ endpoint: 'answers' });
  await eventually(async () => (await sentOnes()).length === 40);
  await eventually(() => hung.size === 10);

  expect(most).toBe(4);
  const stopped = relay.stop();
  free.forEach((release) => release());
  await stopped;
  expect(
    await owner('outbox').where({ error_code: 'no_answer' }).whereNull('sent_at').whereNull('dead_at'),
  ).toHaveLength(40);
});

test('facts and decisions reach one run in the order written, with its start and their duplicates', async () => {
  const [workspaceId] = (await createWorkspaces(1)) as [WorkspaceId];
  const { ref, workflowId } = journey(workspaceId);
  const prefix = temporal.unique('relay');
  const soon = addMs(instantOf(Date.now()), 3_600_000);
  const decision = {
    workflowType: 'referral',
    workflowId,
    input: ref,
    signal: 'approve',
    argument: { decisionId: 'dec_1' },
  } as const;
  await insertRows([
    {
      workspaceId,
      topic: 'start',
      priority: 5,
      payload: startMessage({ workflowType: 'referral', workflowId, input: ref, startAt: soon }).payload,
    },
  ]);
  const states = async () =>
    new Map([
      [ref.referralId as string, { status: 'tracking', programId: 'prg_1', affiliateId: null, mergedIntoId: null }],
    ]);
  start({ deliver: { workflow: sendToTemporal(prefix, temporal.client, states), http: nothing } });
  await eventually(async () => (await unsent()) === 0);

  const delayed = await temporal.client.workflow.getHandle(workflowId).describe();
  // Measured when the row was claimed; the call itself takes a moment.
  const delayEnds = Number(delayed.raw.workflowExecutionInfo?.executionTime?.seconds) * 1_000;
  expect(Math.abs(delayEnds - Date.parse(soon))).toBeLessThan(30_000);
  expect(delayed.searchAttributes).toMatchObject({
    WorkspaceId: [workspaceId],
    EntityStatus: ['tracking'],
    ProgramId: ['prg_1'],
  });

  await withWorker(prefix, async () => {
    await insertRows([
      row(workspaceId, sale(ref, 'sal_1')),
      row(workspaceId, sale(ref, 'sal_2')),
      row(workspaceId, signalMessage(decision, 2)),
      row(workspaceId, sale(ref, 'sal_2')),
      row(workspaceId, nudge('referral', workflowId, ref)),
    ]);
    const heard: unknown = await temporal.client.workflow.result(workflowId);

    expect(heard).toEqual(['saleReported sal_1', 'saleReported sal_2', 'approve dec_1', 'saleReported sal_2']);
  });
  expect((await temporal.client.workflow.getHandle(workflowId).describe()).taskQueue).toBe(`${prefix}-referrals`);
});

test('a start is skipped when its referral tracks no more or a later row waits; a fact of a merged one goes to its root', async () => {
  const [workspaceId] = (await createWorkspaces(1)) as [WorkspaceId];
  const [expired, early, merged, root] = [
    journey(workspaceId),
    journey(workspaceId),
    journey(workspaceId),
    journey(workspaceId),
  ];
  const prefix = temporal.unique('relay');
  const state = { programId: 'prg_1', affiliateId: null, mergedIntoId: null };
  const states = async (_workspace: string, ids: readonly string[]) =>
    new Map(
      [
        [expired.ref.referralId, { ...state, status: 'expired' }],
        [early.ref.referralId, { ...state, status: 'tracking' }],
        [merged.ref.referralId, { ...state, status: 'merged', mergedIntoId: root.ref.referralId }],
        [root.ref.referralId, { ...state, status: 'pending' }],
      ].filter(([id]) => ids.includes(id as string)) as [string, typeof state & { status: string }][],
    );
  const startRow = ({ ref, workflowId }: typeof expired): Row => ({
    workspaceId,
    topic: 'start',
    priority: 1, // before the signal, which a relay would else send first
    payload: startMessage({
      workflowType: 'referral',
      workflowId,
      input: ref,
      startAt: addMs(instantOf(Date.now()), 60_000),
    }).payload,
  });
  await insertRows([startRow(expired), startRow(early), row(workspaceId, sale(early.ref, 'sal_1'))]);
  const calls: string[] = [];
  const watched = new Client({
    connection: temporal.client.connection,
    namespace: temporal.namespace,
    interceptors: {
      workflow: [
        {
          start: (input, next) => (calls.push(`start ${input.options.workflowId}`), next(input)),
          signalWithStart: (input, next) => (
            calls.push(`${input.signalName} ${input.options.workflowId}`), next(input)
          ),
        },
      ],
    },
  });

  start({ deliver: { workflow: sendToTemporal(prefix, watched, states), http: nothing } });
  await eventually(async () => (await unsent()) === 0);
  expect(calls).toEqual([`saleReported ${early.workflowId}`]);

  await insertRows([
    row(workspaceId, sale(merged.ref, 'sal_2')),
    row(workspaceId, nudge('referral', merged.workflowId, merged.ref)),
  ]);
  await eventually(async () => (await unsent()) === 0);
  expect(calls.slice(1).toSorted()).toEqual(
    [`nudged ${merged.workflowId}`, `saleReported ${root.workflowId}`].toSorted(),
  );
});

test('while Temporal is away the rows stay due and none is lost', async () => {
  const [workspaceId] = (await createWorkspaces(1)) as [WorkspaceId];
  const { ref, workflowId } = journey(workspaceId);
  const prefix = temporal.unique('relay');
  // The way to the server that the test can close: a proxy of TCP.
  const { createServer, connect: dial } = await import('node:net');
  const [host = '', port = ''] = temporal.address.split(':');
  const sockets = new Set<import('node:net').Socket>();
  let isOpen = false;
  const proxy = createServer((from) => {
    if (!isOpen) return void from.destroy();
    const to = dial(Number(port), host);
    for (const socket of [from, to]) {
      sockets.add(socket);
      socket
        .on('error', () => socket.destroy())
        .on('close', () => (sockets.delete(socket), from.destroy(), to.destroy()));
    }
    from.pipe(to).pipe(from);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(proxy.address() as import('node:net').AddressInfo).port}`;
  const connection = Connection.lazy({ address });
  ends.push(async () => {
    await connection.close();
    sockets.forEach((socket) => socket.destroy());
    proxy.close();
  });
  const registry = new Registry();
  await insertRows([row(workspaceId, sale(ref, 'sal_1')), row(workspaceId, sale(ref, 'sal_2'))]);

  start({
    metrics: createRelayMetrics(registry),
    deliver: {
      workflow: sendToTemporal(prefix, new Client({ connection, namespace: temporal.namespace })),
      http: nothing,
    },
  });
  await eventually(async () => (await registry.metrics()).includes('outcome="away"'));
  expect(await unsent()).toBe(2);

  isOpen = true;
  await eventually(async () => (await unsent()) === 0);
  await withWorker(prefix, async () => {
    await insertRows([row(workspaceId, nudge('referral', workflowId, ref))]);
    const heard = (await temporal.client.workflow.result(workflowId)) as string[];
    // At least once: a call whose answer was lost is sent again.
    expect([...new Set(heard)]).toEqual(['saleReported sal_1', 'saleReported sal_2']);
  });
});

test.each([
  ['no workflow id', { workflowType: 'referral', input: {}, signal: 'nudged' }],
  ['an unknown type', { workflowType: 'refferal', workflowId: 'refferal/ws_1/ref_1', input: {}, signal: 'nudged' }],
  [
    "another workspace's workflow",
    { workflowType: 'referral', workflowId: 'referral/ws_other/ref_1', input: {}, signal: 'nudged' },
  ],
  ['no object', null],
  ['no signal', { workflowType: 'referral', workflowId: 'referral/{ws}/ref_1', input: {} }],
])('a malformed message is dead and blocks nobody: %s', async (_name, payload) => {
  const [workspaceId] = (await createWorkspaces(1)) as [WorkspaceId];
  const { ref, workflowId } = journey(workspaceId);
  const text = JSON.stringify(payload).replace('{ws}', workspaceId);
  await insertRows([
    { workspaceId, key: workflowId, payload: JSON.parse(text) as unknown },
    row(workspaceId, sale(ref, 'sal_1')),
  ]);

  start({ deliver: { workflow: sendToTemporal(temporal.unique('relay'), temporal.client), http: nothing } });
  await eventually(async () => (await unsent()) === 0);

  expect(await owner('outbox').select('error_code').orderBy('id')).toEqual([
    { error_code: 'message.malformed' },
    { error_code: null },
  ]);
  await temporal.client.workflow.getHandle(workflowId).terminate();
});

test('what Temporal answers decides what becomes of the row', () => {
  const answer = (code: number, details = ''): unknown =>
    Object.assign(new Error('call failed'), {
      cause: Object.assign(new Error('grpc'), { code, details, metadata: {} }),
    });

  expect(outcomeOf(answer(14), 1)).toEqual({ kind: 'away', code: 'temporal.grpc_14' });
  expect(outcomeOf(answer(4), 1)).toEqual({ kind: 'away', code: 'temporal.grpc_4' });
  expect(outcomeOf(answer(8), 1)).toMatchObject({ kind: 'later' });
  expect(outcomeOf(answer(3, 'exceeded workflow execution limit for signal events'), 9)).toMatchObject({
    kind: 'later',
  });
  // Word for word what a server with an empty store answers before `bootstrap` has been there.
  expect(
    outcomeOf(answer(3, 'Namespace tributary has no mapping defined for search attribute WorkspaceId'), 1),
  ).toMatchObject({ kind: 'away', code: 'temporal.not_prepared' });
  expect(outcomeOf(answer(3, 'bad search attribute'), 1)).toEqual({ kind: 'dead', code: 'temporal.invalid_argument' });
  expect(() => outcomeOf(new TypeError('ours'), 1)).toThrow('ours');
});
