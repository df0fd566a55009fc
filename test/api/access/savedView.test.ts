import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAffiliate } from '../program/support.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// Kept views of lists (screens.md 1.1): private, or shared with the workspace; one may be the default.

let api: TestApi;
let shop: TestWorkspace;
let ben: string;

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace();
  ben = (await api.makePerson(shop, ['reviewer'], { name: 'Ben' })).key;
});
afterAll(() => api.close());

const keep = (key: string, body: Readonly<Record<string, unknown>>) => api.as(key, '/v1/saved-views', { body });
const names = async (key: string, screen: string) =>
  itemsOf((await api.as(key, `/v1/saved-views?screen=${screen}&sort=name`)).body['data']).map((one) => one['name']);

test('a view is private until it is shared; then others use it and only its maker changes it', async () => {
  const made = await keep(shop.key, { screen: 'referrals', name: 'Mine', query: 'status=pending&sort=-createdAt' });
  expect(made).toMatchObject({ status: 201, body: { own: true, shared: false, isDefault: false, version: 1 } });
  const path = `/v1/saved-views/${String(made.body['id'])}`;
  expect(await names(ben, 'referrals')).toEqual([]);
  expect((await api.as(ben, path)).status).toBe(404);

  const shared = await api.as(shop.key, path, { method: 'PATCH', body: { shared: true } });
  expect(shared).toMatchObject({ status: 200, body: { shared: true, version: 2 } });
  expect(await names(ben, 'referrals')).toEqual(['Mine']);
  expect((await api.as(ben, path)).body).toMatchObject({ own: false, query: 'status=pending&sort=-createdAt' });
  for (const [method, body] of [
    ['PATCH', { name: 'Theirs' }],
    ['DELETE', undefined],
  ] as const)
    expect((await api.as(ben, path, { method, ...(body === undefined ? {} : { body }) })).status).toBe(404);

  const stale = await api.as(shop.key, path, { method: 'DELETE', headers: { 'If-Match': '"1"' } });
  expect(stale).toMatchObject({ status: 412, body: { currentVersion: 2 } });
  expect((await api.as(shop.key, path, { method: 'DELETE' })).status).toBe(204);
  expect(await names(ben, 'referrals')).toEqual([]);
});

test('BEY-34: a shared view’s address alone gives a colleague the same rows, in the same order, and the same count', async () => {
  for (const name of ['Ada', 'Bob', 'Cleo']) await makeAffiliate(api, shop, [], { name });
  await makeAffiliate(api, shop, [], { name: 'Dan' }, { approve: false });
  const query = 'status=approved&sort=-createdAt&cols=name,status';
  await keep(shop.key, { screen: 'affiliates', name: 'Working with us', query, shared: true });
  const [view] = itemsOf((await api.as(ben, '/v1/saved-views?screen=affiliates')).body['data']);
  expect(view).toMatchObject({ name: 'Working with us', query, own: false });

  // Columns are the screen's; the rest of the address is the list's.
  const asked = new URLSearchParams(String(view?.['query']));
  asked.delete('cols');
  const read = async (key: string) => (await api.as(key, `/v1/affiliates?${asked.toString()}&include=counts`)).body;
  const [mine, bens] = [await read(shop.key), await read(ben)];
  expect(itemsOf(mine['data']).map((one) => one['name'])).toEqual(['Cleo', 'Bob', 'Ada']);
  expect(itemsOf(bens['data']).map((one) => one['id'])).toEqual(itemsOf(mine['data']).map((one) => one['id']));
  expect(bens['counts']).toEqual(mine['counts']);
  expect(bens['counts']).toMatchObject({ total: 3 });
});

test('one default per person and screen: the newer one takes its place, and nobody else’s', async () => {
  const first = await keep(shop.key, { screen: 'sales', name: 'A', query: '', isDefault: true, shared: true });
  await keep(ben, { screen: 'sales', name: 'B', query: 'status=refunded', isDefault: true });
  await keep(shop.key, { screen: 'sales', name: 'C', query: 'q=x', isDefault: true });

  const seen = itemsOf((await api.as(shop.key, '/v1/saved-views?screen=sales&sort=name')).body['data']);
  expect(seen.map((one) => [one['name'], one['isDefault']])).toEqual([
    ['A', false],
    ['C', true],
  ]);
  // A colleague's default is theirs.
  const bens = itemsOf((await api.as(ben, '/v1/saved-views?screen=sales&sort=name')).body['data']);
  expect(bens.map((one) => [one['name'], one['isDefault']])).toEqual([
    ['A', false],
    ['B', true],
  ]);
  expect(first.status).toBe(201);
});

test('names are told apart, other workspaces see nothing, and what is no address is refused', async () => {
  await keep(shop.key, { screen: 'links', name: 'Old', query: '' });
  expect(await keep(shop.key, { screen: 'links', name: 'oLD', query: '' })).toMatchObject({
    status: 409,
    body: { code: 'already_exists', field: 'name' },
  });
  const shared = await keep(shop.key, { screen: 'links', name: 'All', query: '', shared: true });
  const other = await api.makeWorkspace({ name: 'Other' });
  expect(await names(other.key, 'links')).toEqual([]);
  expect((await api.as(other.key, `/v1/saved-views/${String(shared.body['id'])}`)).status).toBe(404);

  for (const body of [
    { screen: '../x', name: 'x', query: '' },
    { screen: 'links', name: '', query: '' },
    { screen: 'links', name: 'x', query: 'a b' },
    { screen: 'links', name: 'x', query: 'x'.repeat(2_001) },
    { screen: 'links', name: 'x' },
  ])
    expect((await keep(shop.key, body)).status, JSON.stringify(body).slice(0, 60)).toBe(422);
});
