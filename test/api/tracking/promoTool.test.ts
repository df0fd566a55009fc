import { afterAll, beforeAll, expect, test } from 'vitest';
import { inWorkspace } from '../../../db/transaction.js';
import { dataOf, makeAffiliate, makeProgram } from '../program/support.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// Promo tools with the link of the affiliate who takes them (LNK-12 to LNK-16), over HTTP.

let api: TestApi;
let ws: TestWorkspace;
let programId: string;
let ada: string;

beforeAll(async () => {
  api = await startTestApi();
  ws = await api.makeWorkspace();
  programId = await makeProgram(api, ws, { destinationHosts: ['shop.example'] });
  ada = await makeAffiliate(api, ws, [programId], { name: 'Ada' });
});
afterAll(() => api.close());

const tool = (body: Readonly<Record<string, unknown>>) =>
  api.as(ws.key, '/v1/promo-tools', {
    body: { name: 'Spring', kind: 'link', programId, url: 'https://shop.example/spring', ...body },
  });
const count = async () => dataOf(await api.as(ws.key, '/v1/promo-tools?limit=200')).length;
const ownSlug = async (affiliateId: string) =>
  String(dataOf(await api.as(ws.key, `/v1/links?affiliateId=${affiliateId}`))[0]?.['slug']);

test('a tool is made, found, changed and taken away', async () => {
  const made = await tool({ campaign: 'spring', ad: 'big' });
  expect(made).toMatchObject({ status: 201, body: { kind: 'link', active: true, campaign: 'spring', ad: 'big' } });
  const path = `/v1/promo-tools/${String(made.body['id'])}`;
  expect(dataOf(await api.as(ws.key, '/v1/promo-tools?campaign=spring&kind=link'))).toHaveLength(1);
  const changed = await api.as(ws.key, path, { method: 'PATCH', body: { name: 'Summer', active: false } });
  expect(changed).toMatchObject({ status: 200, body: { name: 'Summer', active: false, version: 2 } });
  expect((await api.as(ws.key, path, { method: 'DELETE' })).status).toBe(204);
  expect((await api.as(ws.key, path)).status).toBe(404);
});

test('LNK-12, LNK-15: a template with the field holds each affiliate’s own link, to the page of the tool', async () => {
  const made = await tool({
    kind: 'email',
    text: 'Hello from {{affiliate_name}}: {{link}}',
    html: '<p>{{program_name}} <a href="{{link}}">here</a></p>',
  });
  const slug = await ownSlug(ada);
  const snippet = await api.as(ws.key, `/v1/promo-tools/${String(made.body['id'])}/snippet?affiliateId=${ada}`);
  const url = `http://localhost:3000/r/${slug}?to=${encodeURIComponent('https://shop.example/spring')}&trb_tool=${String(made.body['id'])}`;
  expect(snippet).toMatchObject({ status: 200, body: { url, text: `Hello from Ada: ${url}` } });
  expect(snippet.body['html']).toContain(`<a href="${url.replace('&', '&#38;')}">here</a>`);

  const outside = await makeAffiliate(api, ws, []);
  expect(
    (await api.as(ws.key, `/v1/promo-tools/${String(made.body['id'])}/snippet?affiliateId=${outside}`)).status,
  ).toBe(404);
});

test('LNK-12: an unknown field and other bad input are refused and change nothing', async () => {
  const before = await count();
  for (const body of [
    { name: '' },
    { kind: 'sms' },
    { url: 'javascript:alert(1)' },
    { url: 'https://evil.example/' },
    { url: 'https://shop.example.evil.example/' },
    { programId: 'prg_01kaz0c3v7m2q8x4t6w9y1b5de' },
    { kind: 'banner' },
    { kind: 'lightbox', text: 'x' },
    { kind: 'email' },
    { kind: 'email', text: 'Hello {{customer}}' },
    { kind: 'banner', html: '<img alt="{{}}">' },
    { mediaId: 'med_01kaz0c3v7m2q8x4t6w9y1b5de' },
  ])
    expect((await tool(body)).status, JSON.stringify(body)).toBe(422);
  expect(await count()).toBe(before);
  const made = await tool({ kind: 'banner', html: '<img src="https://shop.example/a.png" alt="A">' });
  const path = `/v1/promo-tools/${String(made.body['id'])}`;
  expect((await api.as(ws.key, path, { method: 'PATCH', body: { html: null } })).status).toBe(422);
  expect((await api.as(ws.key, path, { method: 'PATCH', body: { url: 'https://evil.example/' } })).status).toBe(422);
  expect((await api.as(ws.key, path)).body).toMatchObject({ version: 1 });
});

test('LNK-16: a tool stands in a product group, and both lists filter by it; a group that is none is refused', async () => {
  const group = await api.as(ws.key, '/v1/product-groups', { body: { name: 'Shoes' } });
  const made = await tool({ name: 'Grouped', productGroupId: group.body['id'] });
  expect(made).toMatchObject({ status: 201, body: { productGroupName: 'Shoes' } });
  expect(dataOf(await api.as(ws.key, `/v1/promo-tools?productGroupId=${String(group.body['id'])}`))).toHaveLength(1);
  expect((await tool({ productGroupId: 'pgr_01kaz0c3v7m2q8x4t6w9y1b5de' })).status).toBe(422);
  const changed = await api.as(ws.key, `/v1/promo-tools/${String(made.body['id'])}`, {
    method: 'PATCH',
    body: { productGroupId: null },
  });
  expect(changed).toMatchObject({ status: 200, body: { productGroupId: null } });
});

test('LNK-12: the merge fields are listed with what they mean', async () => {
  const fields = dataOf(await api.as(ws.key, '/v1/merge-fields')).filter(({ usedIn }) =>
    (usedIn as readonly string[]).includes('promo_tool'),
  );
  expect(fields.map(({ name }) => name)).toEqual(['link', 'affiliate_name', 'program_name', 'image']);
});

test('PRT-07: tools whose link has expired or is disabled are not offered; a link that still runs carries them', async () => {
  const program = await makeProgram(api, ws, { destinationHosts: ['shop.example'] });
  const ben = await makeAffiliate(api, ws, [program], { name: 'Ben' });
  await tool({ name: 'Timed', programId: program });
  const { key } = await api.makePerson(ws, [], { affiliateId: ben, permissions: ['me.read', 'me.write'] });
  for (const { id } of dataOf(await api.as(key, '/v1/me/agreements')))
    await api.as(key, `/v1/me/agreements/${String(id)}/accept`, { body: {} });
  const offered = async () => dataOf(await api.as(key, '/v1/me/promo-tools'));
  expect(await offered()).toMatchObject([{ name: 'Timed' }]);

  const [link] = dataOf(await api.as(ws.key, `/v1/links?affiliateId=${ben}`));
  await api.as(ws.key, `/v1/links/${String(link?.['id'])}/disable`, { body: {} });
  expect(await offered()).toEqual([]);

  const soon = new Date(Date.now() + 3_600_000).toISOString();
  await api.as(ws.key, '/v1/links', {
    body: { affiliateId: ben, programId: program, slug: 'ben-timed', expiresAt: soon },
  });
  expect(await offered()).toMatchObject([{ snippet: { url: expect.stringContaining('/r/ben-timed?') as string } }]);
  await inWorkspace(api.db, ws.id, (tx) =>
    tx('links')
      .where({ slug: 'ben-timed' })
      .update({ expires_at: tx.raw('now()') }),
  );
  expect(await offered()).toEqual([]);
});

test('an affiliate sees the active tools of own programs, with the own link; nobody else’s', async () => {
  await tool({ name: 'Off', active: false });
  const other = await makeProgram(api, ws, { destinationHosts: ['shop.example'] });
  await tool({ name: 'Elsewhere', programId: other });
  await tool({ name: 'Mine' });
  const { key } = await api.makePerson(ws, [], { affiliateId: ada, permissions: ['me.read', 'me.write'] });
  for (const { id } of dataOf(await api.as(key, '/v1/me/agreements')))
    await api.as(key, `/v1/me/agreements/${String(id)}/accept`, { body: {} });
  const own = dataOf(await api.as(key, '/v1/me/promo-tools?limit=200'));
  const names = own.map(({ name }) => name);
  expect(names).toContain('Mine');
  expect(names).not.toContain('Off');
  expect(names).not.toContain('Elsewhere');
  const slug = await ownSlug(ada);
  for (const one of own) expect(String((one['snippet'] as { url: string }).url)).toContain(`/r/${slug}?`);
  const foreign = await api.makeWorkspace();
  expect(dataOf(await api.as(foreign.key, '/v1/promo-tools'))).toEqual([]);
});
