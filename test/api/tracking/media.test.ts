import { get } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as pictures from '../../support/pictures.js';
import { dataOf, makeProgram } from '../program/support.js';
import { type Json, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// The image library (LNK-18): what is taken, how it is shown to any page, and what a tool makes of it (LNK-13), over HTTP.

let api: TestApi;
let ws: TestWorkspace;
let programId: string;

beforeAll(async () => {
  api = await startTestApi();
  ws = await api.makeWorkspace();
  programId = await makeProgram(api, ws, { destinationHosts: ['shop.example'] });
});
afterAll(() => api.close());

async function upload(
  file: Buffer,
  options: { readonly key?: string; readonly name?: string; readonly label?: string } = {},
) {
  const form = new FormData();
  if (options.label !== undefined) form.append('name', options.label);
  form.append('file', new Blob([new Uint8Array(file)], { type: 'image/png' }), options.name ?? 'banner.png');
  const response = await fetch(`${api.url}/v1/media`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${options.key ?? ws.key}` },
    body: form,
  });
  return { status: response.status, body: (await response.json()) as Json };
}

const shownAt = (url: unknown) => fetch(String(url).replace('http://localhost:3000', api.url));
/** Not by fetch, which takes a conditional request for one that wants no cache. */
const statusOf = (url: unknown, headers: Readonly<Record<string, string>>) =>
  new Promise<number | undefined>((resolve, reject) => {
    get(String(url).replace('http://localhost:3000', api.url), { headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on('error', reject);
  });
const library = async () => dataOf(await api.as(ws.key, '/v1/media?limit=200'));

test('LNK-18: an image is stored once, found, shown to any page for a year and taken away', async () => {
  const made = await upload(pictures.png, { label: 'Spring banner' });
  expect(made).toMatchObject({
    status: 201,
    body: { object: 'media', name: 'Spring banner', contentType: 'image/png', width: 24, height: 16 },
  });
  const path = `/v1/media/${made.body['id']}`;
  expect(await upload(pictures.png)).toMatchObject({ status: 200, body: { id: made.body['id'] } });
  expect((await library()).filter((one) => one['sha256'] === made.body['sha256'])).toHaveLength(1);
  expect((await api.as(ws.key, path)).body).toEqual(made.body);

  const shown = await shownAt(made.body['url']);
  expect(shown.status).toBe(200);
  expect(Object.fromEntries(shown.headers)).toMatchObject({
    'content-type': 'image/png',
    'cache-control': 'public, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'cross-origin',
    'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
  });
  const bytes = Buffer.from(await shown.arrayBuffer());
  expect(bytes).toHaveLength(made.body['sizeBytes']);
  expect(bytes.includes('secret')).toBe(false);
  expect(await statusOf(made.body['url'], { 'If-None-Match': String(shown.headers.get('etag')) })).toBe(304);

  expect((await api.as(ws.key, path, { method: 'DELETE' })).status).toBe(204);
  expect((await api.as(ws.key, path)).status).toBe(404);
  expect((await shownAt(made.body['url'])).status).toBe(404);
  // What was taken away may come back.
  expect((await upload(pictures.png)).status).toBe(201);
});

test('LNK-18: SVG, scripts in a picture’s clothes, broken and large files are refused by content and change nothing', async () => {
  const before = await library();
  for (const [file, fault] of [
    [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'), 'not_an_image'],
    [Buffer.from('<html><script>alert(1)</script>'), 'not_an_image'],
    [Buffer.alloc(0), 'not_an_image'],
    [pictures.jpeg.subarray(0, 200), 'broken'],
    [Buffer.concat([pictures.png, Buffer.alloc(5_300_000)]), 'too_large'],
  ] as const)
    expect(await upload(file)).toMatchObject({ status: 422, body: { code: 'file_rejected', fault } });
  expect(await library()).toEqual(before);
  for (const name of ['x', `${'a'.repeat(64)}.png`, `${'A'.repeat(64)}.png`, `${'a'.repeat(64)}.svg`])
    expect((await fetch(`${api.url}/t/media/${name}`)).status).toBe(404);
});

test('only who may write links puts images there; another workspace has its own library', async () => {
  const reader = (await api.makePerson(ws, [], { permissions: ['link.read'] })).key;
  expect(await upload(pictures.webp, { key: reader })).toMatchObject({ status: 403 });
  const made = await upload(pictures.webp);
  expect(made.status).toBe(201);
  const other = await api.makeWorkspace();
  expect((await api.as(other.key, `/v1/media/${made.body['id']}`)).status).toBe(404);
  expect((await api.as(other.key, `/v1/media/${made.body['id']}`, { method: 'DELETE' })).status).toBe(404);
  expect(await upload(pictures.webp, { key: other.key })).toMatchObject({ status: 201 });
});

test('LNK-13, LNK-18: a banner takes its image from the library; the image stays as long as the tool does; plain links have none', async () => {
  const media = await upload(pictures.gif, { label: 'Two frames' });
  const tool = (body: Readonly<Record<string, unknown>>) =>
    api.as(ws.key, '/v1/promo-tools', {
      body: { name: 'Spring', kind: 'banner', programId, url: 'https://shop.example/spring', ...body },
    });
  const banner = await tool({ mediaId: media.body['id'] });
  expect(banner).toMatchObject({
    status: 201,
    body: {
      mediaId: media.body['id'],
      picture: { url: media.body['url'], name: 'Two frames', contentType: 'image/gif', width: 24, height: 16 },
    },
  });
  expect(await tool({ kind: 'link', mediaId: media.body['id'] })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/mediaId', code: 'not_allowed_here' }] },
  });
  expect(await tool({ html: '<img src="{{image}}">' })).toMatchObject({ status: 422 });
  const other = await api.makeWorkspace();
  const foreign = await upload(pictures.gif, { key: other.key });
  expect(await tool({ mediaId: foreign.body['id'] })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/mediaId', code: 'not_found' }] },
  });

  const path = `/v1/media/${media.body['id']}`;
  expect(await api.as(ws.key, path, { method: 'DELETE' })).toMatchObject({
    status: 409,
    body: { code: 'in_use', usedBy: [banner.body['id']] },
  });
  await api.as(ws.key, `/v1/promo-tools/${banner.body['id']}`, { method: 'DELETE' });
  expect((await api.as(ws.key, path, { method: 'DELETE' })).status).toBe(204);
});
