import { createSocket, type Socket } from 'node:dgram';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import { createDomainChecker, type DomainChecker } from '../../../platform/domainCheck.js';
import { eventually } from '../../support/eventually.js';
import { dataOf, makeAffiliate, makeProgram } from '../program/support.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import { browser } from './world.js';

// Own link domains (LNK-08): proved by a name server and by a call to the name, both real here; then links are printed with it, and the
// redirect answers on it for its workspace alone.

let nameServer: NameServer;
let api: TestApi;
let shop: TestWorkspace;
let other: TestWorkspace;
let shopSlug: string;
let otherSlug: string;
let linkId: string;
let check: DomainChecker;

beforeAll(async () => {
  nameServer = await startNameServer();
  api = await startTestApi({
    config: { outboundAllow: ['127.0.0.1'] },
    // Where the API listens is known only once it does.
    deps: { checkDomain: (domain, token) => check(domain, token) },
    edge: (deps) => clickEdge({ ...deps, publicUrl: deps.config.http.publicUrl }),
  });
  check = createDomainChecker({ publicUrl: api.url, allow: ['127.0.0.1'], servers: [nameServer.address] });
  shop = await api.makeWorkspace({ name: 'Shop' });
  other = await api.makeWorkspace({ name: 'Other' });
  const make = async (ws: TestWorkspace) => {
    const programId = await makeProgram(api, ws, { destinationHosts: ['shop.example'] });
    const affiliateId = await makeAffiliate(api, ws, [programId]);
    return dataOf(await api.as(ws.key, `/v1/links?affiliateId=${affiliateId}`))[0] ?? {};
  };
  const link = await make(shop);
  linkId = String(link['id']);
  shopSlug = String(link['slug']);
  otherSlug = String((await make(other))['slug']);
});
afterAll(async () => {
  await api.close();
  await nameServer.close();
});

const claim = (ws: TestWorkspace, domain: string) => api.as(ws.key, '/v1/tracking-domains', { body: { domain } });
const verify = (ws: TestWorkspace, id: unknown) =>
  api.as(ws.key, `/v1/tracking-domains/${String(id)}/verify`, { body: {} });
const linkUrl = async () => (await api.as(shop.key, `/v1/links/${linkId}`)).body['url'] as string;

/** As a browser would ask that name, which leads here. */
function ask(
  host: string,
  path: string,
): Promise<{ readonly status: number; readonly location: string | undefined; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(`${api.url}${path}`, { headers: { host, 'user-agent': browser } }, (answer) => {
      let body = '';
      answer.on('data', (part: Buffer) => {
        body += part.toString();
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, body }));
    });
    call.on('error', reject);
    call.end();
  });
}

test('LNK-08: a name is used only once its record and a call to it were seen; then links are printed with it', async () => {
  const claimed = await claim(shop, 'Go.Shop.example');
  expect(claimed).toMatchObject({
    status: 201,
    body: { domain: 'go.shop.example', verified: false, record: { type: 'TXT', name: '_tributary.go.shop.example' } },
  });
  const id = claimed.body['id'];
  expect(await linkUrl()).toBe(`http://localhost:3000/r/${shopSlug}`);
  expect(await verify(shop, id)).toMatchObject({ body: { verified: false, dns: 'missing', https: 'unreachable' } });
  expect((await ask('go.shop.example', `/r/${shopSlug}`)).status).toBe(404);

  nameServer.a('go.shop.example', '127.0.0.1');
  nameServer.txt('_tributary.go.shop.example', 'tributary=something-else');
  expect(await verify(shop, id)).toMatchObject({ body: { verified: false, dns: 'wrong', https: 'ok' } });
  expect(await linkUrl()).toBe(`http://localhost:3000/r/${shopSlug}`);

  nameServer.txt('_tributary.go.shop.example', String(claimed.body['record']['value']));
  expect(await verify(shop, id)).toMatchObject({ status: 200, body: { verified: true, dns: 'ok', https: 'ok' } });
  expect(await linkUrl()).toBe(`http://go.shop.example:3000/r/${shopSlug}`);
  // TRK-17: the redirect's cookie lies on this name, and a browser shows it to the pixel nowhere else.
  const [pixel] = dataOf(await api.as(shop.key, '/v1/tracking-snippets?kind=pixel'));
  expect(pixel?.['code']).toContain('<img src="http://go.shop.example:3000/t/sale.gif?key=');
});

test('LNK-08: on the name its workspace’s links are answered and nothing else is', async () => {
  await eventually(async () => {
    const own = await ask('go.shop.example', `/r/${shopSlug}`);
    expect(own.status).toBe(302);
    expect(own.location).toMatch(/^https:\/\/shop\.example\/\?click_id=clk_/);
    return true;
  });
  for (const path of [`/r/${otherSlug}`, '/', '/v1/links', '/sign-in', '/portal'])
    expect((await ask('go.shop.example', path)).status, path).toBe(404);
  expect((await ask('go.shop.example', '/t/v1.js')).status).toBe(200);
  // Both still work where they always did.
  expect((await ask('localhost:3000', `/r/${shopSlug}`)).status).toBe(302);
  expect((await ask('localhost:3000', `/r/${otherSlug}`)).status).toBe(302);
  expect((await ask('go.shop.example', '/.well-known/tributary/made-up')).status).toBe(404);
});

test('a name that another workspace has proved cannot be proved again; a mere claim keeps nobody from it', async () => {
  const second = await claim(other, 'go.shop.example');
  expect(second.status).toBe(201);
  nameServer.txt('_tributary.go.shop.example', String(second.body['record']['value']));
  expect(await verify(other, second.body['id'])).toMatchObject({ status: 409, body: { code: 'already_exists' } });
  // Its record is the other's now: the first one loses it at the next look.
  const [first] = dataOf(await api.as(shop.key, '/v1/tracking-domains'));
  expect(await verify(shop, first?.['id'])).toMatchObject({ body: { verified: false, dns: 'wrong' } });
  expect(await linkUrl()).toBe(`http://localhost:3000/r/${shopSlug}`);
  expect(await verify(other, second.body['id'])).toMatchObject({ status: 200, body: { verified: true } });
  expect(
    (await api.as(other.key, `/v1/tracking-domains/${String(second.body['id'])}`, { method: 'DELETE' })).status,
  ).toBe(204);
  expect((await api.as(other.key, `/v1/tracking-domains/${String(second.body['id'])}`)).status).toBe(404);
});

test('R5: what is no name, our own host, and a host that links lead to are refused; a link to an own domain too', async () => {
  for (const domain of [
    '',
    'localhost',
    '127.0.0.1',
    'go.shop.example:8080',
    'https://go.example',
    'a..b',
    '*.shop.example',
    'x'.repeat(64) + '.example',
    'shop.example',
  ])
    expect((await claim(shop, domain)).status, domain).toBe(422);
  expect(await claim(shop, 'go.shop.example')).toMatchObject({ status: 409 });
  const program = await makeProgram(api, shop, { destinationHosts: ['shop.example', 'go.shop.example:3000'] });
  const affiliateId = await makeAffiliate(api, shop, [program]);
  expect(
    await api.as(shop.key, '/v1/links', {
      body: { affiliateId, programId: program, destinationUrl: `http://go.shop.example:3000/r/${shopSlug}` },
    }),
  ).toMatchObject({ status: 422, body: { code: 'url_not_allowed', problem: 'own_host' } });
});

test('G18: a name that leads inside is not called', async () => {
  const claimed = await claim(shop, 'in.shop.example');
  nameServer.a('in.shop.example', '10.0.0.1');
  nameServer.txt('_tributary.in.shop.example', String(claimed.body['record']['value']));
  expect(await verify(shop, claimed.body['id'])).toMatchObject({
    body: { verified: false, dns: 'ok', https: 'inner_address' },
  });
});

interface NameServer {
  readonly address: string;
  a(name: string, address: string): void;
  txt(name: string, value: string): void;
  close(): Promise<void>;
}

/** A name server of the test's own: A and TXT records by UDP (RFC 1035), NXDOMAIN for every other name. */
async function startNameServer(): Promise<NameServer> {
  const records = new Map<string, Buffer>();
  const socket: Socket = createSocket('udp4');
  socket.on('message', (query, from) => socket.send(answerTo(query, records), from.port, from.address));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    a: (name, address) => records.set(`1 ${name}`, Buffer.from(address.split('.').map(Number))),
    txt: (name, value) => records.set(`16 ${name}`, Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function answerTo(query: Buffer, records: ReadonlyMap<string, Buffer>): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const question = query.subarray(12, at + 5);
  const type = query.readUInt16BE(at + 1);
  const name = labels.join('.').toLowerCase();
  const found = records.get(`${type} ${name}`);
  const isName = [...records.keys()].some((key) => key.endsWith(` ${name}`));
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | (isName ? 0 : 3), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(found === undefined ? 0 : 1, 6);
  if (found === undefined) return Buffer.concat([head, question]);
  const record = Buffer.alloc(12);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt16BE(found.length, 10);
  return Buffer.concat([head, question, record, found]);
}
