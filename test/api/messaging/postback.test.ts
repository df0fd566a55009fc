import { MockActivityEnvironment } from '@temporalio/testing';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { deliverPostback } from '../../../activities/gateways/postbackSender.js';
import { deliverWebhook } from '../../../activities/gateways/webhookSender.js';
import { sweepActivities } from '../../../activities/sweep.js';
import { connectRelay } from '../../../db/connection.js';
import { webhookSecretPurpose } from '../../../domain/messaging/webhook.js';
import { createLogger } from '../../../platform/logger.js';
import { newId } from '../../../platform/newId.js';
import { callPostback } from '../../../platform/postbackCall.js';
import { delayAfterMs, httpDeliveries } from '../../../platform/relay/httpDeliveries.js';
import { type Relay, startRelay } from '../../../platform/relay/loop.js';
import { createRelayMetrics } from '../../../platform/relay/metrics.js';
import { callWebhook, type WebhookCall } from '../../../platform/webhookCall.js';
import { eventually } from '../../support/eventually.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';

// Postbacks out (BEY-21): the API, the real relay over a real database, and a receiver that says what the test wants it to say.

let world: EarningWorld;
let receiver: Server;
let host: string;
let asked: IncomingMessage[] = [];
let bodies: string[] = [];
let says = { status: 200, body: 'OK', headers: {} as Record<string, string> };
/** The receiver takes what comes and says nothing. */
let isSilent = false;
let programId: string;
let ada: string;
let adaKey: string;
let bob: string;

const deps = () => ({
  db: world.api.db,
  newId,
  call: (url: string) => callPostback(url, { outboundAllow: ['127.0.0.1'] }),
  delayAfterMs,
});

beforeAll(async () => {
  receiver = createServer((request, response) => {
    asked.push(request);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      bodies.push(body);
      if (!isSilent) response.writeHead(says.status, says.headers).end(says.body);
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  host = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  world = await createEarningWorld({ config: { outboundAllow: ['127.0.0.1'] } });
  programId = await world.program({ commissionApproval: 'manual' });
  const made = await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  expect(made.status, made.text).toBe(201);
  ada = await world.affiliate(programId);
  bob = await world.affiliate(programId);
  const { key } = await world.api.makePerson(world.ws, [], { affiliateId: ada, permissions: ['me.read', 'me.write'] });
  adaKey = key;
  for (const terms of itemsOf((await world.api.as(adaKey, '/v1/me/agreements')).body['data']))
    await world.api.as(adaKey, `/v1/me/agreements/${String(terms['id'])}/accept`, { body: {} });
});
beforeEach(async () => {
  asked = [];
  bodies = [];
  says = { status: 200, body: 'OK', headers: {} };
  isSilent = false;
  await world.owner('postbacks').update({ active: false, paused_at: null });
  await world.owner('webhook_endpoints').update({ active: false, disabled_at: null });
  await world.owner('outbox').whereIn('topic', ['postback', 'webhook']).delete();
});
afterAll(async () => {
  await world.close();
  await new Promise((resolve) => receiver.close(resolve));
});

let numbers = 0;
const next = (word: string): string => `${word}-${(numbers += 1)}`;
const create = async (body: Readonly<Record<string, unknown>>): Promise<Json> => {
  const made = await world.as('/v1/postbacks', { affiliateId: ada, events: ['commission.created'], ...body });
  expect(made.status, made.text).toBe(201);
  return made.body;
};
const read = async (postback: Json): Promise<Json> => (await world.as(`/v1/postbacks/${String(postback['id'])}`)).body;
const deliveries = async (postback: Json): Promise<readonly Json[]> =>
  itemsOf((await world.as(`/v1/postbacks/${String(postback['id'])}/deliveries`)).body['data']);
const waiting = (): Promise<readonly { id: string; workspace_id: string; payload: unknown; attempts: number }[]> =>
  world.owner('outbox').where({ topic: 'postback' }).whereNull('sent_at').orderBy('id').select();
const sell = async (affiliateId: string, more: Readonly<Record<string, unknown>> = {}): Promise<Json> =>
  world.sale({
    externalId: next('order'),
    clickId: await world.click({ programId, affiliateId, sub1: 'kw 1&x' }),
    amount: { amount: '50.00', currency: 'USD' },
    ...more,
  });
/** One try of everything that waits, as the relay makes it. */
const deliver = async () => {
  const answers = [];
  for (const row of await waiting())
    answers.push(
      await deliverPostback(deps(), {
        workspaceId: row.workspace_id,
        payload: row.payload,
        attempts: row.attempts + 1,
      }),
    );
  return answers;
};

test('BEY-21: an affiliate is told of its own sale, every macro filled URL-encoded; nobody else is told', async () => {
  const url = `${host}/p?c={click_id}&e={event}&st={status}&a={amount}&cur={currency}&own={commission}&o={order_id}&s={sub1}&t={sub2}`;
  const mine = await create({ url, events: ['commission.created', 'sale.recorded'] });
  const others = await create({ affiliateId: bob, url, events: ['commission.created'] });
  const sale = await sell(ada);
  await deliver();

  expect(asked.map((request) => request.method)).toEqual(['GET', 'GET']);
  const told = asked.map(({ url: path }) => Object.fromEntries(new URL(path ?? '', host).searchParams));
  expect(told).toContainEqual({
    c: expect.stringMatching(/^clk_/) as string,
    e: 'commission.created',
    st: 'pending',
    a: '50.00',
    cur: 'USD',
    own: '10.00',
    o: sale['externalId'],
    s: 'kw 1&x',
    t: '',
  });
  expect(told).toContainEqual(expect.objectContaining({ e: 'sale.recorded', st: 'succeeded', own: '10.00' }));
  expect(asked[0]?.url).toContain('s=kw%201%26x');
  expect(await deliveries(mine)).toMatchObject([
    { status: 'delivered', attempts: 1, responseStatus: 200, responseBody: 'OK', nextTryAt: null },
    { status: 'delivered' },
  ]);
  expect(await deliveries(others)).toEqual([]);
  expect(await read(mine)).toMatchObject({ active: true, failuresInRow: 0, lastCode: null });

  await deliver(); // a relay that died between call and mark sends its message again
  expect(asked).toHaveLength(2);
});

test('only what was asked for is told: another program, another event, a test fact and a postback switched off tell nothing', async () => {
  const url = `${host}/p`;
  const elsewhere = await world.program({ name: next('Other') });
  await create({ url, programId: elsewhere });
  await create({ url, events: ['commission.paid'] });
  await create({ url, active: false });
  await sell(ada);
  expect(await waiting()).toEqual([]);
});

test('the relay tries again with back-off, and the log says when', async () => {
  says = { status: 503, body: 'busy', headers: {} };
  const postback = await create({ url: `${host}/p?o={order_id}` });
  await sell(ada);
  const relayDb = connectRelay({ url: world.api.database.appUrl, poolSize: 2, applicationName: 'test relay' });
  const relay: Relay = startRelay({
    db: relayDb,
    listenUrl: world.api.database.appUrl,
    logger: createLogger({ logLevel: 'fatal' }),
    metrics: createRelayMetrics(new Registry()),
    steps: [],
    deliver: {
      workflow: (rows) =>
        rows.map(() => Promise.resolve({ kind: 'later', delayMs: 60_000, code: 'not_here' } as const)),
      http: httpDeliveries({
        postback: (row) => deliverPostback(deps(), row),
        mail: () => Promise.resolve({ kind: 'delivered' }),
      }),
    },
  });
  try {
    await eventually(async () => (await deliveries(postback))[0]?.['status'] === 'retrying');
    const [first] = await deliveries(postback);
    expect(first).toMatchObject({ attempts: 1, code: 'http_503', responseStatus: 503, responseBody: 'busy' });
    const wait = Date.parse(String(first?.['nextTryAt'])) - Date.parse(String(first?.['lastTryAt']));
    expect(wait).toBe(5_000);
    says = { status: 204, body: '', headers: {} };
    await eventually(async () => (await deliveries(postback))[0]?.['status'] === 'delivered', { within: 60_000 });
    expect(await deliveries(postback)).toMatchObject([{ attempts: 2, code: null, responseStatus: 204 }]);
    expect(await read(postback)).toMatchObject({ failuresInRow: 0, lastCode: null });
  } finally {
    await relay.stop();
    await relayDb.destroy();
  }
}, 90_000);

test('25 failures in a row pause it with a notice; a test that succeeds ends the pause', async () => {
  says = { status: 500, body: '', headers: {} };
  const postback = await create({ url: `${host}/p` });
  await sell(ada);
  for (let calls = 0; calls < 24; calls += 1) await deliver();
  expect(await read(postback)).toMatchObject({ active: true, failuresInRow: 24, lastCode: 'http_500' });
  await deliver();
  expect(await read(postback)).toMatchObject({
    active: false,
    failuresInRow: 25,
    pausedAt: expect.any(String) as string,
  });
  const mails = await world.owner('emails').where({ kind: 'postback_paused' }).select();
  const notices = await world.owner('notices').where({ kind: 'postback_paused' }).select();
  expect(notices).toHaveLength(mails.length); // with a notice (BEY-21): whoever has the mail reads it inside too
  const affiliate = (await world.as(`/v1/affiliates/${ada}`)).body;
  expect(mails.map((mail: { recipient: string }) => mail.recipient)).toContain(affiliate['email']);

  await deliver();
  expect(asked).toHaveLength(25);
  expect((await deliveries(postback))[0]).toMatchObject({ status: 'dropped', code: 'postback_off' });
  await sell(ada);
  expect(await waiting()).toHaveLength(1); // the old one: nothing more is written for a paused postback

  const failing = await world.as(`/v1/postbacks/${String(postback['id'])}/test`, {});
  expect(failing).toMatchObject({ status: 200, body: { event: 'test', status: 'failed', code: 'http_500' } });
  expect((await read(postback))['active']).toBe(false);
  says = { status: 200, body: 'OK', headers: {} };
  const tested = await world.as(`/v1/postbacks/${String(postback['id'])}/test`, {});
  expect(tested.body).toMatchObject({ event: 'test', status: 'delivered', responseStatus: 200 });
  expect(await read(postback)).toMatchObject({ active: true, failuresInRow: 0, pausedAt: null });
});

test('private addresses are refused when they are saved and at each call; a redirect is not followed', async () => {
  const refusedUrls = [
    'https://10.0.0.1/p',
    'https://169.254.169.254/latest',
    'https://[::1]/p',
    'https://0/p',
    'http://8.8.8.8/p',
    'https://8.8.8.8:22/p',
    'https://user:word@8.8.8.8/p',
    'ftp://8.8.8.8/p',
    'http://localhost:3000/v1/me',
    'text',
  ];
  for (const url of refusedUrls) {
    const answer = await world.as('/v1/postbacks', { affiliateId: ada, events: ['lead.accepted'], url });
    expect([url, answer.status, answer.body['code']]).toEqual([url, 422, 'url_not_allowed']);
  }

  const postback = await create({ url: `${host}/p` });
  await world.owner('postbacks').where({ id: postback['id'] }).update({ url: 'https://10.1.2.3/p' });
  await sell(ada);
  expect(await deliver()).toEqual([{ kind: 'failed', code: 'inner_address' }]);
  expect((await deliveries(postback))[0]).toMatchObject({ status: 'retrying', code: 'inner_address' });

  await world
    .owner('postbacks')
    .where({ id: postback['id'] })
    .update({ url: `${host}/p` });
  says = { status: 302, body: '', headers: { location: `${host}/elsewhere` } };
  await deliver();
  expect(asked.map((request) => request.url)).toEqual(['/p']);
  expect((await deliveries(postback))[0]).toMatchObject({ status: 'retrying', code: 'redirected' });
});

test('an unknown macro cannot be saved, nor one in the host', async () => {
  const count = async () => (await world.owner('postbacks').count({ rows: '*' }))[0]?.['rows'];
  const before = await count();
  for (const url of [`${host}/p?c={clickid}`, `${host}/p?c={sub6}`, 'https://{sub1}.example/', `${host}/p?c={sub1`]) {
    const answer = await world.as('/v1/postbacks', { affiliateId: ada, events: ['lead.accepted'], url });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '#/url', code: 'bad_format' }] } });
  }
  expect(await count()).toEqual(before);
});

test('an affiliate keeps its own in the portal, sees its last calls and tests them; another’s is 404', async () => {
  const asAda = (path: string, body?: unknown, method?: string) =>
    world.api.as(adaKey, path, {
      ...(body === undefined ? {} : { body }),
      ...(method === undefined ? {} : { method }),
    });
  const made = await asAda('/v1/me/postbacks', { url: `${host}/mine?o={order_id}`, events: ['commission.created'] });
  expect(made).toMatchObject({ status: 201, body: { affiliateId: ada, active: true, programId: null } });
  const path = `/v1/me/postbacks/${String(made.body['id'])}`;
  await sell(ada);
  await deliver();
  expect((await asAda(path)).body['deliveries']).toMatchObject([{ status: 'delivered', event: 'commission.created' }]);
  expect(await asAda(`${path}/test`, {})).toMatchObject({ status: 200, body: { status: 'delivered' } });

  const others = await create({ affiliateId: bob, url: `${host}/p` });
  const theirs = `/v1/me/postbacks/${String(others['id'])}`;
  for (const answer of [
    await asAda(theirs),
    await asAda(`${theirs}/test`, {}),
    await asAda(theirs, undefined, 'DELETE'),
  ])
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(itemsOf((await asAda('/v1/me/postbacks')).body['data']).every((one) => one['affiliateId'] === ada)).toBe(true);
  expect(await asAda('/v1/postbacks')).toMatchObject({ status: 403 });

  expect((await asAda(path, undefined, 'DELETE')).status).toBe(204);
  expect((await asAda(path)).status).toBe(404);
  await sell(ada);
  expect(await waiting()).toHaveLength(1); // the one told before, which the hand-run relay never marks
});

test('staff change and switch it; a stale version and a right that is missing change nothing', async () => {
  const postback = await create({ url: `${host}/p` });
  const path = `/v1/postbacks/${String(postback['id'])}`;
  const edited = await world.as(path, { events: ['lead.accepted', 'lead.invalid'], programId }, 'PATCH');
  expect(edited.body).toMatchObject({ events: ['lead.accepted', 'lead.invalid'], programId, version: 2 });
  const stale = await world.api.as(world.ws.key, path, {
    method: 'PATCH',
    body: { active: false },
    headers: { 'If-Match': '"1"' },
  });
  expect(stale).toMatchObject({ status: 412, body: { code: 'version_mismatch' } });
  const reader = (await world.api.makePerson(world.ws, ['auditor'])).key;
  expect((await world.api.as(reader, '/v1/postbacks')).status).toBe(200);
  expect(await world.api.as(reader, path, { method: 'PATCH', body: { active: false } })).toMatchObject({
    status: 403,
    body: { missingPermission: 'webhook.write' },
  });
  expect((await world.as(path, undefined, 'DELETE')).status).toBe(204);
  expect((await world.as(path)).status).toBe(404);
});

test('the stream of events: every type with a sample, each fact once with ids and statuses only, narrowed and one by one (api.md 15)', async () => {
  const catalogue = await world.as('/v1/event-types');
  const types = itemsOf(catalogue.body['data']);
  expect(types.map((one) => one['type'])).toContain('payout.unknown');
  expect(types.every((one) => (one['sample'] as Json)['type'] === one['type'])).toBe(true);

  const sale = await sell(ada);
  const stream = await world.as(`/v1/events?objectId=${String(sale['id'])}`);
  expect(stream.status, stream.text).toBe(200);
  const [event] = itemsOf(stream.body['data']);
  expect(event).toMatchObject({
    type: 'sale.recorded',
    apiVersion: 'v1',
    test: false,
    sequence: 1,
    data: { object: { id: sale['id'], object: 'sale', status: 'succeeded', affiliateId: ada }, previousAttributes: {} },
  });
  expect((await world.as(`/v1/events/${String(event?.['id'])}`)).body).toEqual(event);
  const created = await world.as('/v1/events?type=commission.created,referral.created&limit=2');
  expect(itemsOf(created.body['data'])).toHaveLength(2);
  expect(
    (await world.as(`/v1/events?type=commission.created&cursor=${String(created.body['nextCursor'])}`)).status,
  ).toBe(422);
  expect((await world.as('/v1/events?type=sale.sold')).status).toBe(422);

  const tester = await world.api.makePerson(world.ws, ['developer'], { mode: 'test' });
  expect((await world.api.as(tester.key, `/v1/events/${String(event?.['id'])}`)).status).toBe(404);
  const { key } = await world.api.makePerson(world.ws, ['support']);
  expect((await world.api.as(key, '/v1/events')).status).toBe(403);
});

const webhookDeps = (reached: (point: string) => void = () => undefined) => ({
  db: world.api.db,
  newId,
  call: (call: WebhookCall) => callWebhook(call, { outboundAllow: ['127.0.0.1'] }, isSilent ? 200 : 10_000),
  unseal: (sealed: string) => world.api.deps.secrets.unseal(webhookSecretPurpose, sealed),
  delayAfterMs,
  reached,
});
const webhook = async (body: Readonly<Record<string, unknown>> = {}): Promise<Json> => {
  const made = await world.as('/v1/webhook-endpoints', { url: `${host}/w`, events: ['commission.created'], ...body });
  expect(made.status, made.text).toBe(201);
  return made.body;
};
const messages = (): Promise<readonly { id: string; workspace_id: string; payload: unknown; attempts: number }[]> =>
  world.owner('outbox').where({ topic: 'webhook' }).whereNull('sent_at').orderBy('id').select();
/** One try of every webhook that waits, as the relay makes it; what was answered is gone, as for the relay. */
const send = async (reached?: (point: string) => void) => {
  const answers = [];
  for (const row of await messages()) {
    const of = { workspaceId: row.workspace_id, payload: row.payload, attempts: row.attempts + 1 };
    const answer = await deliverWebhook(webhookDeps(reached), of);
    await world.owner('outbox').where({ id: row.id }).update({ attempts: of.attempts });
    if (answer.kind === 'delivered') await world.owner('outbox').where({ id: row.id }).delete();
    answers.push(answer.kind);
  }
  return answers;
};
const endpointOf = async (made: Json): Promise<Json> =>
  (await world.as(`/v1/webhook-endpoints/${String(made['id'])}`)).body;
const sent = async (made: Json): Promise<readonly Json[]> =>
  itemsOf((await world.as(`/v1/webhook-deliveries?endpointId=${String(made['id'])}&limit=200`)).body['data']);
/** As a stock client verifies: of the header's signatures one is right for this secret. */
const isSigned = (request: IncomingMessage | undefined, body: string | undefined, secret: unknown): boolean => {
  const { headers } = request as IncomingMessage;
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${String(body)}`;
  const mac = createHmac('sha256', Buffer.from(String(secret).slice(6), 'base64'))
    .update(content)
    .digest('base64');
  return String(headers['webhook-signature']).split(' ').includes(`v1,${mac}`);
};

test('BEY-23: each event is one signed POST with ids and statuses; two secrets sign for a day, and no secret is read back', async () => {
  const made = await webhook({ events: ['commission.created', 'sale.recorded'] });
  const secret = made['secret'];
  expect(secret).toMatch(/^whsec_/);
  const shown = await world.as(`/v1/webhook-endpoints/${String(made['id'])}`);
  expect(shown.body).toMatchObject({ active: true, test: false, failedInRow: 0 });
  expect(shown.text).not.toContain(String(secret).slice(6));
  const sale = await sell(ada);
  expect(await send()).toEqual(['delivered', 'delivered']);
  expect(asked.map(({ method, url }) => `${String(method)} ${String(url)}`)).toEqual(['POST /w', 'POST /w']);
  const events = bodies.map((body) => JSON.parse(body) as Json);
  expect(events.map((event) => String(event['type'])).sort()).toEqual(['commission.created', 'sale.recorded']);
  const recorded = events.find((event) => event['type'] === 'sale.recorded');
  expect(recorded).toMatchObject({ data: { object: { id: sale['id'], status: 'succeeded', programId } } });
  expect(recorded).toEqual((await world.as(`/v1/events/${String(recorded?.['id'])}`)).body);
  expect(bodies.every((body, place) => isSigned(asked[place], body, secret))).toBe(true);
  expect(bodies.every((body, place) => isSigned(asked[place], `${body} `, secret))).toBe(false);
  const log = await sent(made);
  expect(log).toMatchObject([
    { status: 'delivered', attempts: 1, responseStatus: 200, responseBody: 'OK', test: false },
    { status: 'delivered' },
  ]);
  expect(log.map((one) => String(one['body'])).sort()).toEqual([...bodies].sort());
  expect((await endpointOf(made))['lastWeek']).toMatchObject({ delivered: 2, failed: 0 });

  const rotated = await world.as(`/v1/webhook-endpoints/${String(made['id'])}/rotate-secret`, {});
  expect(rotated.status, rotated.text).toBe(200);
  const again = await world.as(`/v1/webhook-deliveries/${String(log[0]?.['id'])}/replay`, {});
  expect(again).toMatchObject({ status: 202, body: { status: 'retrying' } });
  await send();
  expect(bodies[2]).toBe(log[0]?.['body']);
  expect(asked[2]?.headers['webhook-id']).toBe(log[0]?.['eventId']);
  expect(isSigned(asked[2], bodies[2], secret)).toBe(true);
  expect(isSigned(asked[2], bodies[2], rotated.body['secret'])).toBe(true);
  await world
    .owner('webhook_endpoints')
    .where({ id: made['id'] })
    .update({ previous_until: new Date(Date.now() - 1) });
  const tested = await world.as(`/v1/webhook-endpoints/${String(made['id'])}/test`, {});
  expect(tested.body).toMatchObject({ status: 'delivered', test: true, objectId: null });
  expect(JSON.parse(String(bodies[3]))).toMatchObject({ test: true, type: 'commission.created' });
  expect(isSigned(asked[3], bodies[3], secret)).toBe(false);
  expect(isSigned(asked[3], bodies[3], rotated.body['secret'])).toBe(true);
  for (const table of ['webhook_endpoints', 'webhook_deliveries', 'audit_entries', 'outbox'])
    expect(JSON.stringify(await world.owner(table).select())).not.toContain(String(secret).slice(6));
});

test('a crash between call and log sends again, under the same id and the same bytes; what was taken is not sent twice', async () => {
  const made = await webhook();
  await sell(ada);
  await expect(
    send(() => {
      throw new Error('killed');
    }),
  ).rejects.toThrow('killed');
  expect(await sent(made)).toEqual([]);
  const [message] = await messages();
  await send();
  expect(bodies).toHaveLength(2);
  expect(bodies[1]).toBe(bodies[0]);
  expect(asked[1]?.headers['webhook-id']).toBe(asked[0]?.headers['webhook-id']);
  const of = { workspaceId: String(message?.workspace_id), payload: message?.payload, attempts: 2 };
  expect(await deliverWebhook(webhookDeps(), of)).toEqual({ kind: 'delivered' });
  expect(bodies).toHaveLength(2);
});

test('a receiver that takes the call and says nothing is a failed try; the next one brings the same bytes, and what is old leaves the log', async () => {
  isSilent = true;
  const made = await webhook();
  await sell(ada);
  expect(await send()).toEqual(['failed']);
  expect(await sent(made)).toMatchObject([
    { status: 'retrying', attempts: 1, code: 'no_answer', responseStatus: null },
  ]);
  expect(await endpointOf(made)).toMatchObject({ active: true, failedInRow: 1, lastCode: 'no_answer' });
  isSilent = false;
  expect(await send()).toEqual(['delivered']);
  expect([bodies[1], asked[1]?.headers['webhook-id']]).toEqual([bodies[0], asked[0]?.headers['webhook-id']]);
  expect(await sent(made)).toMatchObject([{ status: 'delivered', attempts: 2, code: null }]);
  expect(await endpointOf(made)).toMatchObject({ failedInRow: 0, failingSince: null });

  // A month later nobody asks for it; what still waits for a try is kept, however old.
  isSilent = true;
  await sell(ada);
  await send();
  const old = new Date(Date.now() - 31 * 86_400_000);
  await world.owner('webhook_deliveries').where({ endpoint_id: made['id'] }).update({ created_at: old });
  isSilent = false;
  await world.owner('outbox').where({ topic: 'webhook' }).delete();
  await sell(ada);
  await send();
  const closedRuns = { list: () => Promise.reject(new Error('not asked')), retentionMs: () => Promise.resolve(0) };
  const sweep = sweepActivities({ db: world.api.db, logger: world.api.deps.logger, closedRuns, newId });
  await new MockActivityEnvironment().run(sweep.deleteOutdated);
  expect((await sent(made)).map((one) => String(one['status'])).sort()).toEqual(['delivered', 'retrying']);
});

test('5, 10 and 15 failed events in a row are told, 20 switch it off; a person switches it on and replays what it missed', async () => {
  says = { status: 302, body: '', headers: { location: 'http://169.254.169.254/latest' } };
  const made = await webhook();
  const since = new Date().toISOString();
  for (let events = 0; events < 4; events += 1) await sell(ada);
  await send();
  await send(); // the same events again: they count once
  expect(await endpointOf(made)).toMatchObject({ failedInRow: 4, active: true, lastCode: 'redirected' });
  expect((await sent(made))[0]).toMatchObject({ status: 'retrying', attempts: 2, code: 'redirected' });
  await world.owner('outbox').where({ topic: 'webhook' }).delete();
  // The count is set forward: as many sales would do the same.
  const of = { from: since, to: new Date(Date.now() + 60_000).toISOString() };
  const mails = async (kind: string) => (await world.owner('emails').where({ kind }).select()).length;
  const notices = async () => (await world.owner('notices').where({ kind: 'webhook_failing' }).select()).length;
  const keepers = (await world.owner('users').where({ workspace_id: world.ws.id }).select()).length;
  expect(keepers).toBeGreaterThan(0);
  let each: number | undefined;
  for (const [failed, told] of [
    [5, 1],
    [10, 2],
    [15, 3],
  ] as const) {
    await world
      .owner('webhook_endpoints')
      .where({ id: made['id'] })
      .update({ failed_in_row: failed - 1 });
    await sell(ada);
    await send();
    await world.owner('outbox').where({ topic: 'webhook' }).delete();
    const count = await mails('webhook_failing');
    each ??= count;
    expect([each > 0, count, await notices()], `${failed}`).toEqual([true, told * each, told * each]);
    await sell(ada); // the one after it is no news
    await send();
    await world.owner('outbox').where({ topic: 'webhook' }).delete();
    expect(await mails('webhook_failing'), `${failed + 1}`).toBe(count);
  }
  await world.owner('webhook_endpoints').where({ id: made['id'] }).update({ failed_in_row: 19 });
  await sell(ada);
  await send();
  expect(await endpointOf(made)).toMatchObject({
    active: false,
    failedInRow: 20,
    disabledAt: expect.any(String) as string,
  });
  expect(await mails('webhook_off')).toBeGreaterThan(0);
  expect(
    itemsOf((await world.as('/v1/webhook-endpoints?failing=true')).body['data']).map((one) => one['id']),
  ).toContain(made['id']);
  // Home and System say it to whoever may mend it (screens.md 3.2, 3.24).
  const home = await world.as('/v1/console/home');
  const [need] = itemsOf(home.body['needsYou']).filter((one) => one['kind'] === 'webhook_failing');
  expect(need?.['count']).toBeGreaterThan(0);
  expect(itemsOf((await world.as(String(need?.['list']))).body['data'])).toHaveLength(Number(need?.['count']));
  const missed = bodies.length;
  await send();
  expect(bodies).toHaveLength(missed);
  expect((await sent(made))[0]).toMatchObject({ status: 'dropped', code: 'endpoint_off' });
  const path = `/v1/webhook-endpoints/${String(made['id'])}`;
  expect((await world.as(`${path}/replay`, of)).status).toBe(422);

  says = { status: 200, body: 'x'.repeat(10_000_000), headers: {} };
  expect((await world.as(path, { active: true }, 'PATCH')).body).toMatchObject({ active: true, failedInRow: 0 });
  expect((await world.as(`${path}/replay`, { ...of, events: ['payout.paid'] })).status).toBe(422);
  expect((await world.as(`${path}/replay`, { from: of.to, to: of.from })).status).toBe(422);
  await world.owner('outbox').where({ topic: 'webhook' }).delete();
  const replayed = await world.as(`${path}/replay`, of);
  expect(replayed).toMatchObject({ status: 202, body: { events: 11 } });
  await send();
  const log = await sent(made);
  expect(log).toHaveLength(11);
  expect(log.every((one) => one['status'] === 'delivered' && String(one['responseBody']).length <= 500)).toBe(true);
  expect(await endpointOf(made)).toMatchObject({ failedInRow: 0, failingSince: null });
});

test('three days without a success switch it off as well', async () => {
  says = { status: 500, body: '', headers: {} };
  const made = await webhook();
  await world
    .owner('webhook_endpoints')
    .where({ id: made['id'] })
    .update({ failed_in_row: 1, failing_since: new Date(Date.now() - 3 * 86_400_000) });
  await sell(ada);
  await send();
  expect(await endpointOf(made)).toMatchObject({ active: false, lastCode: 'http_500' });
});

test('an endpoint hears its own mode and workspace only; private addresses and callers without the right are refused', async () => {
  const made = await webhook();
  const path = `/v1/webhook-endpoints/${String(made['id'])}`;
  const tester = (await world.api.makePerson(world.ws, ['developer'], { mode: 'test' })).key;
  const inTest = await world.api.as(tester, '/v1/webhook-endpoints', {
    body: { url: `${host}/t`, events: ['commission.created', 'sale.recorded'] },
  });
  expect(inTest, inTest.text).toMatchObject({ status: 201, body: { test: true } });
  await sell(ada);
  await send();
  expect(asked.map(({ url }) => url)).toEqual(['/w']);
  const testSale = await world.api.as(world.ws.testKey, '/v1/sales', {
    body: {
      externalId: next('order'),
      customer: { externalId: next('buyer') },
      amount: { amount: '5.00', currency: 'USD' },
    },
  });
  expect(testSale.status, testSale.text).toBe(202);
  await send();
  expect(asked.map(({ url }) => url)).toEqual(['/w', '/t']);
  expect(JSON.parse(String(bodies[1]))).toMatchObject({ test: true, type: 'sale.recorded' });
  const [delivery] = await sent(made);
  const other = await world.api.makeWorkspace({ name: next('Other') });
  const reader = (await world.api.makePerson(world.ws, ['auditor'])).key;
  for (const [key, status] of [
    [tester, 404],
    [other.key, 404],
    [reader, 403],
  ] as const) {
    const of = { from: '2026-01-01T00:00:00.000Z', to: '2027-01-01T00:00:00.000Z' };
    const again = `/v1/webhook-deliveries/${String(delivery?.['id'])}/replay`;
    expect((await world.api.as(key, `${path}/replay`, { body: of })).status).toBe(status);
    expect((await world.api.as(key, `${path}/rotate-secret`, { body: {} })).status).toBe(status);
    expect((await world.api.as(key, again, { body: {} })).status).toBe(status);
    if (key !== reader) expect((await world.api.as(key, path)).status).toBe(404);
  }
  const testLog = itemsOf((await world.api.as(tester, '/v1/webhook-deliveries')).body['data']);
  expect(testLog.map((one) => one['endpointId'])).toEqual([inTest.body['id']]);
  for (const url of [
    'https://10.0.0.1/p',
    'https://169.254.169.254/latest',
    'http://example.com/p',
    'ftp://example.com',
  ]) {
    const body = { url, events: ['commission.created'] };
    expect((await world.as('/v1/webhook-endpoints', body)).status, url).toBe(422);
    expect((await world.as(path, { url }, 'PATCH')).status, url).toBe(422);
  }
  expect((await world.as('/v1/webhook-endpoints', { url: `${host}/w`, events: [] })).status).toBe(422);
  // A name that points inward by now: nothing is sent, and the log says so.
  await world.owner('webhook_endpoints').where({ id: made['id'] }).update({ url: 'https://10.1.2.3/w' });
  await sell(ada);
  await send();
  expect((await sent(made))[0]).toMatchObject({ status: 'retrying', code: 'inner_address', responseStatus: null });
  expect((await world.as(path, undefined, 'DELETE')).status).toBe(204);
  await sell(ada);
  expect((await messages()).filter(({ attempts }) => attempts === 0)).toEqual([]);
});
