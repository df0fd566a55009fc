import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hookAddress, signHook } from '../../../api/routes/payout/gatewayHook.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// Signed hooks of every kind under reliability.md 7 W: a signature that is right makes nothing else right.

const stripeSecret = 'whsec_testOnlyNotAReal';
let world: EarningWorld;
let stripe: Json;
let standard: Json;

beforeAll(async () => {
  world = await createEarningWorld();
  stripe = await makeSource({ name: 'Stripe', adapter: 'stripe', secret: stripeSecret });
  standard = await makeSource({ name: 'Own', adapter: 'standard' });
});
afterAll(() => world.close());

async function makeSource(body: Readonly<Record<string, unknown>>): Promise<Json> {
  const made = await world.as('/v1/payment-sources', body);
  expect(made, made.text).toMatchObject({ status: 201 });
  return made.body;
}

interface Hook {
  readonly name: string;
  readonly path: string;
  readonly sign: (raw: string, id: string, timestamp: string) => Readonly<Record<string, string>>;
  /** Sends no id beside the body. */
  readonly isWithoutId?: true;
}
function hooks(): readonly Hook[] {
  const gateway = hookAddress(world.ws.id, 'sandbox');
  const secret = Buffer.from(String(standard['secret']).slice('whsec_'.length), 'base64');
  const webhook = (id: string, timestamp: string, signature: string) => ({
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  });
  return [
    {
      name: 'stripe',
      path: new URL(String(stripe['hookUrl'])).pathname,
      isWithoutId: true,
      sign: (raw, _id, timestamp) => ({
        'stripe-signature': `t=${timestamp},v1=${createHmac('sha256', stripeSecret).update(`${timestamp}.${raw}`).digest('hex')}`,
      }),
    },
    {
      name: 'standard',
      path: new URL(String(standard['hookUrl'])).pathname,
      sign: (raw, id, timestamp) =>
        webhook(id, timestamp, createHmac('sha256', secret).update(`${id}.${timestamp}.${raw}`).digest('base64')),
    },
    {
      name: 'gateway',
      path: gateway,
      sign: (body, id, timestamp) =>
        webhook(id, timestamp, signHook(world.api.deps.secrets, { address: gateway, id, timestamp, body })),
    },
  ];
}
const now = (): string => String(Math.floor(Date.now() / 1_000));
let messages = 0;
const send = (hook: Hook, raw: string, id = `msg_${(messages += 1)}`): Promise<TestAnswer> =>
  world.api.as(null, hook.path, { raw, headers: hook.sign(raw, id, now()) });
/** The same without a length told before: it is counted as it comes. */
function stream(hook: Hook, raw: string): Promise<number> {
  return new Promise((resolve) => {
    const call = request(
      `${world.api.url}${hook.path}`,
      { method: 'POST', headers: { 'Content-Type': 'application/json', ...hook.sign(raw, 'msg_stream', now()) } },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    call.on('error', () => undefined); // the answer comes before the end of what is sent
    call.write(raw.slice(0, 700_000));
    call.end(raw.slice(700_000));
  });
}
const tables = ['payment_events', 'gateway_events', 'sales', 'leads', 'contacts', 'outbox', 'audit_entries'];
const rows = (): Promise<readonly string[]> =>
  Promise.all(
    tables.map(async (table) => {
      const [counted] = await world.owner(table).count<{ count: string }[]>('* as count');
      return `${table} ${counted?.count ?? ''}`;
    }),
  );
const logged = async (): Promise<readonly unknown[]> =>
  itemsOf((await world.as('/v1/api-log?q=/hooks/payments/&limit=200')).body['data'])
    .map((call) => `${String(call['path']).split('/').pop()} ${String(call['code'])}`)
    .sort();

test('W7: a signed body above the limit is 413 with and without its length told, and changes nothing', async () => {
  const large = JSON.stringify({ id: 'e1', type: 'sale', data: { note: 'x'.repeat(1_100_000) } });
  const before = await rows();
  for (const hook of hooks()) {
    expect(await send(hook, large), hook.name).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    expect(await stream(hook, large), hook.name).toBe(413);
  }
  expect(await rows()).toEqual(before);
});

test('W4, W7: signed and no JSON is 400, an id with a point is 401, and none of it changes anything', async () => {
  const before = await rows();
  for (const hook of hooks()) {
    expect(await send(hook, '{"id":'), hook.name).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
    if (hook.isWithoutId !== true)
      expect(await send(hook, '{}', 'msg.7'), hook.name).toMatchObject({
        status: 401,
        body: { code: 'bad_signature' },
      });
  }
  expect(await rows()).toEqual(before);
});

test('what a payment source refuses is found in the log of calls, whatever was wrong with it', async () => {
  const source = await makeSource({ name: 'Watched', adapter: 'standard' });
  const path = new URL(String(source['hookUrl'])).pathname;
  const id = path.split('/').pop() ?? '';
  const secret = Buffer.from(String(source['secret']).slice('whsec_'.length), 'base64');
  const sign = (raw: string): Readonly<Record<string, string>> => {
    const timestamp = now();
    const signature = createHmac('sha256', secret).update(`m1.${timestamp}.${raw}`).digest('base64');
    return { 'webhook-id': 'm1', 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
  };
  const unsigned = await world.api.as(null, path, { raw: '{}', headers: { 'Content-Type': 'application/json' } });
  const invalid = '{"id":"e1","type":"sale","data":{}}';
  const large = JSON.stringify({ id: 'x'.repeat(1_100_000) });
  const answers = [
    unsigned,
    await world.api.as(null, path, { raw: '{', headers: sign('{') }),
    await world.api.as(null, path, { raw: invalid, headers: sign(invalid) }),
    await world.api.as(null, path, { raw: large, headers: sign(large) }),
  ];
  expect(answers.map((answer) => answer.status)).toEqual([401, 400, 422, 413]);
  await expect
    .poll(async () => (await logged()).filter((line) => String(line).startsWith(id)), { timeout: 20_000 })
    .toEqual([`${id} bad_signature`, `${id} body_too_large`, `${id} malformed_json`, `${id} validation_failed`]);
});

test('a lead whose body grows too long on the way is 413 too, and stands in both logs', async () => {
  const key = await world.as('/v1/api-keys', { name: 'Long', permissions: ['lead.write'] });
  const asLead: Hook = {
    name: 'lead',
    path: '/v1/leads',
    sign: () => ({ Authorization: `Bearer ${String(key.body['secret'])}` }),
  };
  const before = await rows();
  expect(await stream(asLead, JSON.stringify({ email: 'long@buyer.example', notes: 'x'.repeat(1_100_000) }))).toBe(413);
  const query = `keyId=${String(key.body['id'])}&code=body_too_large`;
  const lines = async (path: string) => itemsOf((await world.as(`${path}?${query}`)).body['data']);
  await expect.poll(async () => (await lines('/v1/api-log')).length, { timeout: 20_000 }).toBe(1);
  expect(await lines('/v1/lead-log')).toMatchObject([{ outcome: 'refused', address: '127.0.0.1' }]);
  expect(await rows()).toEqual(before);
});
