import { afterAll, beforeAll, expect, test } from 'vitest';
import { findLink } from '../../../db/directory.js';
import { inWorkspace, readWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { dataOf, makeAffiliate, makeProgram, saveSettings } from '../program/support.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';

let api: TestApi;
let ws: TestWorkspace;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  api = await startTestApi();
  ws = await api.makeWorkspace();
  programId = await makeProgram(api, ws, { destinationHosts: ['shop.example', 'good.example'] });
  affiliateId = await makeAffiliate(api, ws, [programId]);
});
afterAll(() => api.close());

const create = (body: Readonly<Record<string, unknown>>, workspace = ws) =>
  api.as(workspace.key, '/v1/links', { body: { affiliateId, programId, ...body } });
const edit = (id: string, body: Readonly<Record<string, unknown>>) =>
  api.as(ws.key, `/v1/links/${id}`, { method: 'PATCH', body });
const countLinks = () => readWorkspace(api.db, ws.id, async (tx) => (await tx('links').select('id')).length);

test.each([
  'javascript:alert(1)',
  'java\nscript:alert(1)',
  '//evil.example',
  '/\\evil.example',
  'https:evil.example',
  'https:///evil.example',
  'https://good.example.evil.example',
  'https://evilgood.example',
  'https://good.example.',
  'https://GOOD.example:444',
  'https://user@good.example/',
  'http://localhost:3000/r/ada',
  'ftp://good.example/',
])('the destination %j is refused and nothing is stored', async (destinationUrl) => {
  const before = await countLinks();
  const answer = await create({ destinationUrl });
  expect([answer.status, answer.body['code']]).toEqual([422, 'url_not_allowed']);
  expect(await countLinks()).toBe(before);
});

test('a destination is stored as the parser writes it; a host of the workspace counts too', async () => {
  const made = await create({ destinationUrl: 'https://GOOD.example/a?b=1#c' });
  expect(made.body['destinationUrl']).toBe('https://good.example/a?b=1#c');
  expect((await create({ destinationUrl: 'https://blog.example/' })).status).toBe(422);
  await saveSettings(api, ws, { domains: { destinationHosts: ['blog.example'] } });
  expect((await create({ destinationUrl: 'https://blog.example/' })).status).toBe(201);
});

test.each(['admin', 'www', '..', '.well-known', 'index.html', 'con', 'nul', '-', '--', '%2e%2e', 'Ada-Spring', 'żółw'])(
  'the slug %j is refused',
  async (slug) => {
    const answer = await create({ slug });
    expect(answer.status).toBe(422);
    expect(answer.body['errors']).toMatchObject([{ pointer: '#/slug' }]);
  },
);

test('a slug belongs to one link for ever, in the whole installation; the old one goes on leading to its link', async () => {
  const first = await create({ slug: 'spring-deal' });
  expect(first.status, first.text).toBe(201);
  const id: string = first.body['id'];
  expect((await create({ slug: 'spring-deal' })).body).toMatchObject({ code: 'already_exists', field: 'slug' });

  const renamed = await edit(id, { slug: 'summer-deal' });
  expect(renamed.status, renamed.text).toBe(200);
  expect(renamed.body).toMatchObject({ slug: 'summer-deal', url: 'http://localhost:3000/r/summer-deal', version: 2 });
  expect((await findLink(api.db, 'spring-deal'))?.linkId).toBe(id);
  expect((await findLink(api.db, 'summer-deal'))?.linkId).toBe(id);
  expect((await create({ slug: 'spring-deal' })).status).toBe(409);

  const other = await api.makeWorkspace();
  const theirProgram = await makeProgram(api, other);
  const theirs = await makeAffiliate(api, other, [theirProgram]);
  const taken = await create({ slug: 'spring-deal', affiliateId: theirs, programId: theirProgram }, other);
  expect(taken.status).toBe(409);
  expect(taken.body['existingId']).toBeUndefined();

  await api.as(ws.key, `/v1/links/${id}/archive`, { body: {} });
  expect((await create({ slug: 'summer-deal' })).status).toBe(409);
  // Its own old slug it may take back, while it lives.
  const second = await create({ slug: 'autumn-deal' });
  await edit(second.body['id'], { slug: 'winter-deal' });
  expect((await edit(second.body['id'], { slug: 'autumn-deal' })).status).toBe(200);
});

test('enable, disable, archive: only the moves of the table, each with who decided', async () => {
  const made = await create({});
  const path = `/v1/links/${made.body['id']}`;
  const disabled = await api.as(ws.key, `${path}/disable`, { body: {} });
  expect(disabled.body).toMatchObject({
    status: 'disabled',
    credits: false,
    creditCode: 'link_disabled',
    allowedActions: ['enable', 'archive'],
    undo: { path: `${path}/enable` },
    decision: { verb: 'disable', by: { name: 'Ana' } },
  });
  expect((await api.as(ws.key, `${path}/disable`, { body: {} })).body).toMatchObject({
    code: 'already_decided',
    decidedBy: { name: 'Ana' },
  });
  expect((await api.as(ws.key, `${path}/enable`, { body: {} })).body['credits']).toBe(true);
  expect((await api.as(ws.key, `${path}/archive`, { body: { reason: 'Old' } })).body['status']).toBe('archived');
  expect((await api.as(ws.key, `${path}/enable`, { body: {} })).body['code']).toBe('transition_not_allowed');
  expect((await edit(made.body['id'], { campaign: 'x' })).status).toBe(409);
  const list = await api.as(ws.key, `/v1/links?affiliateId=${affiliateId}`);
  expect(dataOf(list).some((one) => one['id'] === made.body['id'])).toBe(false);
  const archived = await api.as(ws.key, '/v1/links?status=archived');
  expect(dataOf(archived).some((one) => one['id'] === made.body['id'])).toBe(true);
});

test('a link expires by the clock and comes back when its date is moved', async () => {
  const made = await create({ expiresAt: '2099-01-01T00:00:00.000Z' });
  const id: string = made.body['id'];
  await inWorkspace(api.db, ws.id, (tx) =>
    tx('links').where({ id }).update({ expires_at: '2020-01-01T00:00:00.000Z' }),
  );
  const late = await api.as(ws.key, `/v1/links/${id}`);
  expect(late.body).toMatchObject({ status: 'expired', creditCode: 'link_expired', allowedActions: ['archive'] });
  expect(dataOf(await api.as(ws.key, '/v1/links?status=expired')).map((one) => one['id'])).toEqual([id]);
  expect((await api.as(ws.key, `/v1/links/${id}/disable`, { body: {} })).body['code']).toBe('transition_not_allowed');
  expect((await edit(id, { expiresAt: '2020-01-01T00:00:00.000Z' })).status).toBe(422);
  expect((await edit(id, { expiresAt: null })).body).toMatchObject({ status: 'active', credits: true });
});

test('LNK-07: a direct link is made a standard one in one step; a standard one stays, a recruit link too', async () => {
  const made = await create({ kind: 'direct', slug: 'ada-converted', destinationUrl: 'https://shop.example/old' });
  const path = `/v1/links/${String(made.body['id'])}`;
  const converted = await api.as(ws.key, path, {
    method: 'PATCH',
    body: { kind: 'standard', destinationUrl: 'https://shop.example/new' },
  });
  expect(converted).toMatchObject({
    status: 200,
    body: { kind: 'standard', url: 'http://localhost:3000/r/ada-converted', warnings: [], version: 2 },
  });
  // Pages that were published with the identifier go on naming the link.
  expect(await findLink(api.db, 'ada-converted')).toMatchObject({ linkId: made.body['id'], kind: 'standard' });
  expect(await api.as(ws.key, path, { method: 'PATCH', body: { kind: 'standard' } })).toMatchObject({
    body: { version: 2 },
  });
  expect((await api.as(ws.key, path, { method: 'PATCH', body: { kind: 'direct' } })).status).toBe(422);
  const recruit = await create({ kind: 'recruit', slug: 'ada-recruits' });
  expect(
    (await api.as(ws.key, `/v1/links/${String(recruit.body['id'])}`, { method: 'PATCH', body: { kind: 'standard' } }))
      .status,
  ).toBe(422);
});

test('a direct link is the page itself; changing it warns that published ones break', async () => {
  const made = await create({ kind: 'direct', slug: 'ada-direct', destinationUrl: 'https://shop.example/?a=1' });
  expect(made.body['url']).toBe('https://shop.example/?a=1&via=ada-direct');
  const changed = await edit(made.body['id'], { destinationUrl: 'https://shop.example/new' });
  expect(changed.body['warnings']).toMatchObject([{ code: 'published_links_break' }]);
});

test('what a link needs must be there, in this workspace', async () => {
  expect((await create({ affiliateId: newId('affiliate') })).body['errors']).toMatchObject([
    { pointer: '#/affiliateId', code: 'not_found' },
  ]);
  const other = await api.makeWorkspace();
  const foreign = await makeProgram(api, other);
  expect((await create({ programId: foreign })).body['errors']).toMatchObject([{ pointer: '#/programId' }]);
  const made = await create({});
  expect((await api.as(other.key, `/v1/links/${made.body['id']}`)).status).toBe(404);
  const { key } = await api.makePerson(ws, ['developer']);
  expect((await api.as(key, `/v1/links/${made.body['id']}`)).body['allowedActions']).toEqual([]);
  expect((await api.as(key, `/v1/links/${made.body['id']}/disable`, { body: {} })).status).toBe(403);
});
