import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dateIn } from '../../../domain/calendar.js';
import { signedText } from '../../../domain/tracking/postback.js';
import { clockNow } from '../../../platform/clock.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { saveSettings } from '../program/support.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';

// A public key ends, is limited and is tied as a secret one is (LED-05 to LED-11, LED-31, LED-32), by postback, pixel and script, over HTTP.

type Fields = Readonly<Record<string, string>>;
interface Key {
  readonly id: string;
  readonly publicKey: string;
  readonly secret: string;
}

let world: EarningWorld;
let programId: string;
let affiliateId: string;
/** From where everything comes. */
let from = '198.51.100.7';

beforeAll(async () => {
  world = await createEarningWorld({ deps: { clientAddress: () => from } });
  programId = await world.program();
  affiliateId = await world.affiliate(programId);
  await saveSettings(world.api, world.ws, { domains: { formDomains: ['shop.example'] } });
});
afterAll(() => world.close());

let numbers = 0;
const number = (): string => `pk-${(numbers += 1)}`;
async function makeKey(body: Readonly<Record<string, unknown>> = {}): Promise<Key> {
  const made = await world.as('/v1/api-keys', { name: 'Shop', kind: 'public', ...body });
  expect(made, made.text).toMatchObject({ status: 201 });
  return {
    id: String(made.body['id']),
    publicKey: String(made.body['publicKey']),
    secret: String(made.body['signingSecret']),
  };
}
const patch = async (key: Key, body: Readonly<Record<string, unknown>>): Promise<void> => {
  const changed = await world.as(`/v1/api-keys/${key.id}`, body, 'PATCH');
  expect(changed, changed.text).toMatchObject({ status: 200 });
};
function postback(key: Key, fields: Fields): Promise<TestAnswer> {
  const all = { key: key.publicKey, ts: String(Math.floor(Date.now() / 1_000)), ...fields };
  const text = signedText(Object.entries(all).map(([name, value]) => ({ name, value })));
  const sig = createHmac('sha256', key.secret).update(text).digest('hex');
  return world.api.as(null, `/t/postback?${new URLSearchParams({ ...all, sig }).toString()}`);
}
const lead = (key: Key, more: Fields = {}): Promise<TestAnswer> =>
  postback(key, { event: 'lead', txn_id: number(), email: `${number()}@buyer.example`, ...more });
const fromPage = (path: string, body: Fields): Promise<TestAnswer> =>
  world.api.as(null, path, {
    raw: JSON.stringify(body),
    headers: { 'Content-Type': 'text/plain', Origin: 'https://shop.example' },
  });
const pixel = (key: Key): Promise<TestAnswer> =>
  world.api.as(
    null,
    `/t/sale.gif?${new URLSearchParams({ key: key.publicKey, order_id: number(), amount: '1.00', currency: 'USD' }).toString()}`,
  );
const rows = async (table: 'leads' | 'sales' | 'contacts'): Promise<number> =>
  Number((await world.owner(table).count<{ count: string }[]>())[0]?.count);
const total = async (): Promise<number> => (await rows('leads')) + (await rows('sales')) + (await rows('contacts'));

/** By each of the four ways nothing is taken in, and each is in the log of calls with its code. */
async function expectClosed(key: Key, code: string): Promise<void> {
  const before = await total();
  const refused = { status: 403, body: { code } };
  expect(await lead(key)).toMatchObject(refused);
  expect(
    await fromPage('/t/postback', { key: key.publicKey, event: 'lead', email: `${number()}@buyer.example` }),
  ).toMatchObject(refused);
  expect(await fromPage('/t/visit', { key: key.publicKey, url: 'https://shop.example/' })).toMatchObject(refused);
  expect((await pixel(key)).status).toBe(200); // always its image
  expect(await total()).toBe(before);
  const logged = async (): Promise<readonly Json[]> =>
    itemsOf((await world.as(`/v1/api-log?keyId=${key.id}&code=${code}`)).body['data']);
  await expect.poll(async () => (await logged()).length, { timeout: 20_000 }).toBe(4);
  const inLeadLog = itemsOf((await world.as(`/v1/lead-log?keyId=${key.id}&code=${code}`)).body['data']);
  expect(new Set(inLeadLog.map((one) => one['channel']))).toEqual(new Set(['postback', 'script']));
  expect(JSON.stringify(inLeadLog)).not.toContain('@buyer.example');
}

test('LED-06, LED-07: from its date on it takes nothing, and a later date opens it at once', async () => {
  const key = await makeKey({ expiresOn: dateIn('UTC', clockNow()) });
  await expectClosed(key, 'api_user_expired');
  await patch(key, { expiresOn: '2099-01-01' });
  expect((await lead(key)).status).toBe(202);
  expect((await fromPage('/t/visit', { key: key.publicKey, url: 'https://shop.example/' })).status).toBe(200);
});

test('LED-09: limited to addresses it takes nothing from elsewhere', async () => {
  const key = await makeKey({ ipRestricted: true, ipAllowList: ['192.0.2.0/24', '2001:db8::/32'] });
  await expectClosed(key, 'ip_not_allowed');
  for (const address of ['192.0.2.9', '2001:db8::9']) {
    from = address;
    expect((await lead(key)).status).toBe(202);
  }
  from = '198.51.100.7';
});

test('LED-31: revoked it stops at once, and whoever goes on calling is seen', async () => {
  const key = await makeKey();
  expect((await lead(key)).status).toBe(202);
  expect((await world.as(`/v1/api-keys/${key.id}/revoke`, {})).status).toBe(200);
  await expectClosed(key, 'api_user_revoked');
});

test('LED-32: a signed lead of a suspended affiliate is refused, and nothing of the person stays', async () => {
  const key = await makeKey({ affiliateId });
  const person = `${number()}@buyer.example`;
  const before = await total();
  await world.owner('affiliates').where({ id: affiliateId }).update({ status: 'suspended' });
  expect(await lead(key, { email: person })).toMatchObject({ status: 403, body: { code: 'affiliate_not_active' } });
  await world.owner('affiliates').where({ id: affiliateId }).update({ status: 'approved' });
  expect(await total()).toBe(before);
  const { rows: kept } = await world.owner.raw<{ rows: { payload: string }[] }>(
    `select payload::text as payload from api_log where key_id = ? and code = 'affiliate_not_active'`,
    [key.id],
  );
  expect(kept).toHaveLength(1);
  expect(kept[0]?.payload).not.toContain(person);
  expect((await lead(key, { email: person })).status).toBe(202);
});

test('LED-05, LED-11: a signed lead belongs to the key’s source and opens an account as the key says; a page’s opens none', async () => {
  const source = await world.as('/v1/lead-sources', { name: 'Network', department: 'Sales' });
  const key = await makeKey({ leadSourceId: source.body['id'], acquisitionModel: 'cpa', openAccount: true });
  const taken = async (sent: TestAnswer): Promise<Json> => {
    expect(sent, sent.text).toMatchObject({ status: 202 });
    await world.settle();
    return (await world.as(`/v1/leads/${String(sent.body['id'])}`)).body;
  };
  const tied = { sourceId: source.body['id'], department: 'Sales' };
  const signed = await taken(await lead(key));
  expect(signed).toMatchObject({ ...tied, channel: 'postback' });
  expect(signed['customerAccountId']).toMatch(/^cus_/);
  const body = { key: key.publicKey, event: 'lead', email: `${number()}@buyer.example` };
  expect(await taken(await fromPage('/t/postback', body))).toMatchObject({
    ...tied,
    channel: 'script',
    customerAccountId: null,
  });
});
