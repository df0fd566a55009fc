import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf, makeAffiliate, makeProgram } from '../program/support.js';
import { inWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { qrPicture } from '../../../platform/qr.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// What the destination of a link looks like from outside (LNK-09, LNK-10, TST-10), and the link as a picture (BEY-19), over HTTP.

let api: TestApi;
let ws: TestWorkspace;
let shop: Server;
let host: string;
let programId: string;
let affiliateId: string;
const script = '<script async src="http://localhost:3000/t/v1.js" data-key="pk_live_x"></script>';
const pages: Record<string, { readonly status: number; readonly body?: string; readonly location?: string }> = {
  '/tracked': { status: 200, body: `<html>${script}</html>` },
  '/plain': { status: 200, body: '<html></html>' },
  '/login': { status: 401 },
  '/gone': { status: 404 },
  '/moved': { status: 302, location: 'http://127.0.0.1:1/' },
};
let asked: string[] = [];

beforeAll(async () => {
  shop = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const page = pages[request.url ?? ''] ?? { status: 500 };
    response.writeHead(page.status, page.location === undefined ? {} : { location: page.location }).end(page.body);
  });
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(shop.address() as AddressInfo).port}`;
  api = await startTestApi({ config: { outboundAllow: ['127.0.0.1'] } });
  ws = await api.makeWorkspace();
  programId = await makeProgram(api, ws, { destinationHosts: [host, 'shop.example'] });
  affiliateId = await makeAffiliate(api, ws, [programId]);
});
afterAll(async () => {
  await api.close();
  await new Promise((resolve) => shop.close(resolve));
});

async function link(path: string, body: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const made = await api.as(ws.key, '/v1/links', {
    body: { affiliateId, programId, destinationUrl: `http://${host}${path}`, ...body },
  });
  expect(made.status, made.text).toBe(201);
  expect(made.body).toMatchObject({ health: 'unknown', healthCheckedAt: null });
  return String(made.body['id']);
}
const check = (id: string) => api.as(ws.key, `/v1/links/${id}/check`, { body: {} });
const diagnose = (url: string, key = ws.key) => api.as(key, '/v1/links/diagnose', { body: { url } });

test.each([
  ['/tracked', 'ok', { status: 200, fault: null, scriptFound: true }, []],
  ['/plain', 'untracked', { status: 200, fault: null, scriptFound: false }, ['script_missing']],
  ['/moved', 'ok', { status: 302, fault: null, scriptFound: null }, []],
  ['/login', 'unreachable', { status: 401, fault: null, scriptFound: null }, ['destination_private']],
  ['/gone', 'unreachable', { status: 404, fault: null, scriptFound: null }, ['destination_unreachable']],
] as const)('%s is %s', async (path, health, seen, warnings) => {
  const id = await link(path);
  asked = [];
  const answer = await check(id);
  expect(answer).toMatchObject({ status: 200, body: { health, check: seen, version: 2 } });
  expect((answer.body['warnings'] as unknown as readonly { code: string }[]).map(({ code }) => code)).toEqual(warnings);
  expect(asked).toEqual([`GET ${path}`]);
  expect((await api.as(ws.key, `/v1/links/${id}`)).body).toMatchObject({ health, status: 'active', credits: true });
  expect((await api.as(ws.key, `/v1/links?health=${health}`)).body['data']).toEqual(
    expect.arrayContaining([expect.objectContaining({ id })]),
  );
});

test('a page that becomes well again is an entry of the history; the same health again is none', async () => {
  const id = await link('/comes-back');
  expect((await check(id)).body).toMatchObject({ health: 'unreachable', version: 2 });
  expect((await check(id)).body).toMatchObject({ health: 'unreachable', version: 2 });
  pages['/comes-back'] = { status: 200, body: script };
  expect((await check(id)).body).toMatchObject({ health: 'ok', version: 3 });
  const entries = dataOf(await api.as(ws.key, `/v1/audit-entries?objectId=${id}`));
  expect(entries.map((entry) => entry['event'])).toEqual(['checked', 'checked', 'created']);
});

test('LNK-08, LNK-10: the script counts from a proved link domain of the workspace, and from no other name', async () => {
  const other = await api.makeWorkspace();
  for (const [owner, domain, more] of [
    [ws, 'go.proved.example', { verified_at: new Date() }],
    [ws, 'newer.proved.example', { verified_at: new Date() }],
    [ws, 'go.claimed.example', {}],
    [other, 'go.foreign.example', { verified_at: new Date() }],
    [ws, 'go.left.example', { verified_at: new Date(), deleted_at: new Date() }],
  ] as const)
    await inWorkspace(api.db, owner.id, (tx) =>
      tx('tracking_domains').insert({ id: newId('trackingDomain'), domain, token: 'x', ...more }),
    );
  for (const [name, scriptFound] of [
    ['go.proved.example', true],
    ['newer.proved.example', true],
    ['go.claimed.example', false],
    ['go.foreign.example', false],
    ['go.left.example', false],
  ] as const) {
    const path = `/from-${name}`;
    pages[path] = { status: 200, body: `<script src="http://${name}:3000/t/v1.js" data-key="pk_live_x"></script>` };
    const id = await link(path);
    const health = scriptFound ? 'ok' : 'untracked';
    expect((await check(id)).body, name).toMatchObject({ health, check: { scriptFound } });
    expect((await diagnose(`http://${host}${path}`)).body, name).toMatchObject({ scriptFound });
  }
  // The other tests print their links with PUBLIC_URL.
  await inWorkspace(api.db, ws.id, (tx) => tx('tracking_domains').update({ deleted_at: new Date() }));
});

test('inner addresses are never called', async () => {
  const closed = await startTestApi({ config: { outboundAllow: [] } });
  try {
    const there = await closed.makeWorkspace();
    const program = await makeProgram(closed, there, { destinationHosts: [host, '169.254.169.254'] });
    const ada = await makeAffiliate(closed, there, [program]);
    asked = [];
    for (const destinationUrl of [
      `http://${host}/tracked`,
      `https://${host}/tracked`,
      'https://169.254.169.254/latest',
    ]) {
      const made = await closed.as(there.key, '/v1/links', {
        body: { affiliateId: ada, programId: program, destinationUrl },
      });
      expect(made.status, made.text).toBe(201);
      const answer = await closed.as(there.key, `/v1/links/${String(made.body['id'])}/check`, { body: {} });
      expect(answer.body).toMatchObject({ health: 'unreachable', check: { status: null } });
    }
    expect(asked).toEqual([]);
  } finally {
    await closed.close();
  }
});

test('diagnose tells whom an address credits and what stands in the way', async () => {
  const id = await link('/tracked', { slug: 'diag-ada' });
  expect((await diagnose('http://localhost:3000/r/diag-ada?sid=1')).body).toMatchObject({
    destinationUrl: `http://${host}/tracked`,
    resolves: true,
    public: true,
    scriptFound: true,
    link: { id, slug: 'diag-ada', status: 'active' },
    affiliate: { id: affiliateId },
    program: { id: programId },
    credits: true,
    problems: [],
  });
  await api.as(ws.key, `/v1/links/${id}/disable`, { body: {} });
  expect((await diagnose('http://localhost:3000/r/diag-ada')).body).toMatchObject({
    credits: false,
    creditCode: 'link_disabled',
    problems: [{ code: 'link_disabled' }],
  });
  const direct = await link('/plain', { slug: 'diag-direct', kind: 'direct' });
  expect((await diagnose(`http://${host}/plain?via=diag-direct`)).body).toMatchObject({
    link: { id: direct },
    credits: true,
    scriptFound: false,
    problems: [{ code: 'script_missing' }],
  });
  expect((await diagnose(`http://${host}/plain?ref=newsletter&fpr=diag-direct`)).body).toMatchObject({
    link: { id: direct },
    credits: true,
  });
  expect((await diagnose(`http://${host}/plain?ref=newsletter`)).body).toMatchObject({
    link: null,
    problems: [{ code: 'no_link' }, { code: 'destination_unreachable' }],
  });
  expect((await diagnose(`http://${host}/gone`)).body).toMatchObject({
    link: null,
    credits: false,
    problems: [{ code: 'no_link' }, { code: 'destination_unreachable' }],
  });
  expect((await diagnose('http://localhost:3000/r/no-such-link')).body).toMatchObject({
    link: null,
    resolves: null,
    problems: [{ code: 'link_unknown' }],
  });
  for (const bad of ['javascript:alert(1)', 'file:///etc/passwd', 'nothing', ''])
    expect((await diagnose(bad)).status).toBe(422);
});

test('nobody learns of the links of another workspace, and who may not look gets no call made', async () => {
  const id = await link('/tracked', { slug: 'diag-secret' });
  const other = await api.makeWorkspace();
  expect((await diagnose('http://localhost:3000/r/diag-secret', other.key)).body).toMatchObject({
    link: null,
    affiliate: null,
    problems: [{ code: 'link_unknown' }],
  });
  expect((await api.as(other.key, `/v1/links/${id}/check`, { body: {} })).status).toBe(404);
  expect((await api.as(other.key, `/v1/links/${id}/qr`)).status).toBe(404);
  const { key } = await api.makePerson(ws, ['agent']);
  asked = [];
  expect((await api.as(key, `/v1/links/${id}/check`, { body: {} })).status).toBe(403);
  expect(asked).toEqual([]);
});

/** A key of the affiliate, who has accepted what there is to accept. */
async function portalKey(of: string): Promise<string> {
  const { key } = await api.makePerson(ws, [], { affiliateId: of, permissions: ['me.read', 'me.write'] });
  for (const { id } of (await api.as(key, '/v1/me/agreements')).body['data'] as unknown as readonly { id: string }[])
    await api.as(key, `/v1/me/agreements/${id}/accept`, { body: {} });
  return key;
}

test('the link as a picture, in both forms, also for the affiliate', async () => {
  const id = await link('/tracked', { slug: 'qr-ada' });
  const get = (path: string, key: string) =>
    fetch(`${api.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  const svg = await get(`/v1/links/${id}/qr`, ws.key);
  expect(svg.headers.get('content-type')).toBe('image/svg+xml');
  expect(await svg.text()).toMatch(/^<svg [^]*<\/svg>\s*$/);
  const png = await get(`/v1/links/${id}/qr?format=png`, ws.key);
  expect(png.headers.get('content-disposition')).toBe('attachment; filename="qr-ada.png"');
  expect(
    Buffer.from(await png.arrayBuffer())
      .subarray(0, 8)
      .toString('latin1'),
  ).toBe('\x89PNG\r\n\x1a\n');
  expect((await get(`/v1/links/${id}/qr?format=gif`, ws.key)).status).toBe(422);
  expect((await get(`/v1/me/links/${id}/qr?format=png`, await portalKey(affiliateId))).status).toBe(200);
  const bob = await makeAffiliate(api, ws, [programId]);
  expect((await get(`/v1/me/links/${id}/qr`, await portalKey(bob))).status).toBe(404);
});

// A picture is made of nothing but its text: two pictures of one text are the same.
test('BEY-19: the picture of a deep link holds the address to share under its own source; what leads elsewhere is refused', async () => {
  const id = await link('/tracked', { slug: 'qr-deep' });
  const key = await portalKey(affiliateId);
  const qr = (query: Readonly<Record<string, string>>) =>
    fetch(`${api.url}/v1/me/links/${id}/qr?${new URLSearchParams(query).toString()}`, {
      headers: { authorization: `Bearer ${key}` },
    });
  const drawn = async (query: Readonly<Record<string, string>>) => (await qr(query)).text();
  const page = `http://${host}/sale?x=1`;
  const own = 'http://localhost:3000/r/qr-deep';
  const tail = `to=${encodeURIComponent(page)}&src=qr`;
  expect(await drawn({ to: '/sale?x=1' })).toBe((await qrPicture(`${own}?${tail}`, 'svg')).toString());
  expect(await drawn({ to: page, sid: 'flyer 1', utm_source: 'print' })).toBe(
    (await qrPicture(`${own}?sid=flyer+1&utm_source=print&${tail}`, 'svg')).toString(),
  );
  expect(await drawn({ to: 'https://shop.example/now' })).toBe(
    (await qrPicture(`${own}?to=https%3A%2F%2Fshop.example%2Fnow&src=qr`, 'svg')).toString(),
  );

  const check = (to: string) => api.as(key, `/v1/me/links/${id}/check`, { body: { to } });
  for (const to of [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    'https:///evil.example',
    'https://shop.example@evil.example/',
    'https://evil.example%2f@shop.example/',
    'https://shop.example%00.evil.example/',
    'https://shop.example%2eevil.example/',
    'https://shop.example。evil.example/',
    'https://shop.example.evil.example/',
    'https://user:secret@shop.example/',
    'javascript:alert(1)',
    'java\nscript:alert(1)',
    'https://shop.example:444/',
  ]) {
    const refused = await qr({ to });
    expect([refused.status, ((await refused.json()) as { code: string }).code], to).toEqual([422, 'url_not_allowed']);
    expect((await check(to)).body['code'], to).toBe('url_not_allowed');
  }
  expect((await qr({ sid: 'x'.repeat(256) })).status).toBe(422);
  const recruit = await api.as(ws.key, '/v1/links', { body: { affiliateId, programId, kind: 'recruit' } });
  expect((await api.as(key, `/v1/me/links/${String(recruit.body['id'])}/qr?to=/x`)).status).toBe(422);

  asked = [];
  expect((await check('/gone')).body).toMatchObject({
    url: `http://${host}/gone`,
    status: 404,
    warnings: [{ code: 'destination_unreachable' }],
  });
  expect((await check('/plain')).body).toMatchObject({ status: 200, warnings: [] });
  expect(asked).toEqual(['GET /gone', 'GET /plain']);
});
