import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Koa from 'koa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSite } from '../../api/site.js';
import { type HttpServer, listenOn } from '../../api/server.js';
import { createLogger } from '../../platform/logger.js';

let folder: string;
let server: HttpServer;
let base: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-site-'));
  for (const part of ['console', 'portal', 'visitor', 'assets']) await mkdir(join(folder, part));
  const page = '<meta content="%NONCE%"><meta content="%PAGE%"><script nonce="%NONCE%"></script>';
  await writeFile(join(folder, 'console/index.html'), page);
  await writeFile(join(folder, 'portal/index.html'), page);
  await writeFile(join(folder, 'assets/app-1a2b.js'), 'export const x = 1;'.repeat(50));
  await writeFile(join(folder, 'secret.txt'), 'not for the world');
  const app = new Koa();
  app.use(createSite({ folder, hasMailbox: false }).middleware);
  server = await listenOn(app.callback(), { host: '127.0.0.1', port: 0, logger: createLogger({ logLevel: 'fatal' }) });
  base = `http://127.0.0.1:${server.port}`;
});

afterAll(async () => {
  await server.close(100);
  await rm(folder, { recursive: true });
});

test('a page is never cached, brings a fresh nonce, and its policy names no other origin', async () => {
  const [first, second] = [await fetch(`${base}/`), await fetch(`${base}/`)];
  const policy = first.headers.get('content-security-policy') ?? '';
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';

  expect(first.status).toBe(200);
  expect(first.headers.get('cache-control')).toBe('no-store');
  expect(nonce.length).toBeGreaterThan(20);
  expect(await first.text()).toBe(`<meta content="${nonce}"><meta content=""><script nonce="${nonce}"></script>`);
  expect(second.headers.get('content-security-policy')).not.toContain(nonce);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});

test('a built file is kept for ever, zipped for those who take it, and 304 when it is there already', async () => {
  const answer = await fetch(`${base}/assets/app-1a2b.js`);

  expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(answer.headers.get('content-encoding')).toBe('gzip');
  expect(await answer.text()).toHaveLength(950);
  const plain = await fetch(`${base}/assets/app-1a2b.js`, { headers: { 'Accept-Encoding': 'identity' } });
  expect(plain.headers.get('content-encoding')).toBeNull();
  const again = await fetch(`${base}/assets/app-1a2b.js`, {
    // Without it fetch asks for no cache at all.
    headers: { 'If-None-Match': answer.headers.get('etag') ?? '', 'Cache-Control': 'max-age=0' },
  });
  expect(again.status).toBe(304);
});

test.each([
  { path: '/referrals/ref_01', status: 200 },
  { path: '/portal/earnings', status: 200 },
  { path: '/problems/already_decided', status: 200 },
  { path: '/problems/no_such_code', status: 404 },
  { path: '/no-such-screen', status: 404 },
  { path: '/secret.txt', status: 404 },
  { path: '/assets/..%2Fsecret.txt', status: 404 },
  { path: '/assets/../secret.txt', status: 404 },
  { path: '/assets/missing-0000.js', status: 404 },
  { path: '/dev/mail', status: 404 }, // a mail server is set
])('$path answers $status', async ({ path, status }) => {
  expect((await fetch(`${base}${path}`)).status).toBe(status);
});

test('a page that was not built says how to build it', async () => {
  const answer = await fetch(`${base}/reseller`);

  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain('npm run build:web');
});

test('nothing but reading is answered', async () => {
  expect((await fetch(`${base}/`, { method: 'POST' })).status).toBe(404);
});
