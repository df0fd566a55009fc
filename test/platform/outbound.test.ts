import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { fetchOutside, isPublicAddress, type OutboundRules } from '../../platform/outbound.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A listener on this machine, and how often somebody connected. */
async function listen(
  answer: RequestListener,
): Promise<{ readonly port: number; readonly seen: { connections: number } }> {
  const server = createServer(answer);
  const seen = { connections: 0 };
  server.on('connection', () => {
    seen.connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { port: (server.address() as AddressInfo).port, seen };
}

const own: OutboundRules = { allow: ['127.0.0.0/8', '::1/128'] };
/** Name resolution as somebody hostile would do it: the addresses of each call in turn. */
function names(...answers: readonly (readonly string[])[]): NonNullable<OutboundRules['resolve']> {
  let call = 0;
  const resolve = (_name: string, _options: unknown, callback: (error: null, found: unknown) => void): void => {
    const addresses = answers[Math.min(call, answers.length - 1)] ?? [];
    call += 1;
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return resolve as unknown as NonNullable<OutboundRules['resolve']>;
}

test.each([
  '127.0.0.1',
  '127.1.2.3',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '169.254.169.254',

  '198.18.0.1',
  '198.19.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',

  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  'fe80::1',
  'fc00::1',
  'fd12::1',
  'ff02::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '64:ff9b::7f00:1',
  '',
  'localhost',
  '127.1',
  '0177.0.0.1',
])('%s is no address of the public internet', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(['1.1.1.1', '8.8.8.8', '172.15.0.1', '172.32.0.1', '100.63.0.1', '2606:4700::1111'])('%s is', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  'http://127.0.0.1',
  'https://127.0.0.1',
  'https://localhost',
  'https://localhost.',
  'https://127.1',
  'https://0',
  'https://0.0.0.0',

  'https://[::]',
  'https://[::1]',
  'https://[::ffff:127.0.0.1]',
  'https://2130706433',
  'https://0x7f000001',
  'https://0177.0.0.1',
  'https://169.254.169.254/latest/meta-data',
  'https://10.0.0.1:8443',
  'https://[fd00::1]',
])('%s is not called', async (address) => {
  expect(await fetchOutside(address, { allow: [], timeoutMs: 3_000 })).toMatchObject({
    kind: 'failed',
    fault: /inner_address|scheme_not_allowed/,
  });
});

test.each(['ftp://shop.example', 'javascript:alert(1)', 'file:///etc/passwd', 'http://shop.example', 'nothing'])(
  '%s is no scheme to call',
  async (address) => {
    expect(await fetchOutside(address, { allow: [], resolve: names(['93.184.216.34']) })).toEqual({
      kind: 'failed',
      fault: 'scheme_not_allowed',
    });
  },
);

test('a name that leads inside is refused on the socket that would be used: alone, beside a public address, at the second look', async () => {
  const { port, seen } = await listen((_request, response) => response.end('secret'));
  const url = `https://shop.example:${port === 8443 ? 443 : 8443}/`;
  for (const answers of [[['127.0.0.1']], [['93.184.216.34', '127.0.0.1']], [['::ffff:127.0.0.1']], [['10.1.2.3']]])
    expect(await fetchOutside(url, { allow: [], resolve: names(...answers) })).toEqual({
      kind: 'failed',
      fault: 'inner_address',
    });
  expect(await fetchOutside('https://shop.example:22/', { allow: [], resolve: names(['93.184.216.34']) })).toEqual({
    kind: 'failed',
    fault: 'port_not_allowed',
  });
  expect(seen.connections).toBe(0);
});

test('what is allowed is called, over http too, and its redirect is not followed', async () => {
  const inside = await listen((_request, response) => response.end('inside'));
  const { port } = await listen((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: `http://127.0.0.1:${inside.port}/` }).end();
    else response.end('hello');
  });
  expect(await fetchOutside(`http://127.0.0.1:${port}/`, own)).toMatchObject({
    kind: 'answered',
    status: 200,
    body: 'hello',
    isCut: false,
  });
  expect(await fetchOutside(`http://shop.example:${port}/`, { ...own, resolve: names(['127.0.0.1']) })).toMatchObject({
    kind: 'answered',
    body: 'hello',
  });
  expect(await fetchOutside(`http://127.0.0.1:${port}/away`, own)).toMatchObject({ kind: 'answered', status: 302 });
  expect(inside.seen.connections).toBe(0);
});

test('an answer without end, with too many headers or none at all is over soon', async () => {
  const endless = await listen((_request, response) => {
    response.writeHead(200);
    const more = (): void => {
      if (!response.destroyed) response.write(Buffer.alloc(16_384, 'a'), more);
    };
    more();
  });
  const cut = await fetchOutside(`http://127.0.0.1:${endless.port}/`, own);
  expect(cut).toMatchObject({ kind: 'answered', isCut: true });
  expect(cut.kind === 'answered' && cut.body.length).toBe(65_536);
  const silent = await listen(() => undefined);
  expect(await fetchOutside(`http://127.0.0.1:${silent.port}/`, { ...own, timeoutMs: 200 })).toEqual({
    kind: 'failed',
    fault: 'no_answer',
  });
  const slow = await listen((_request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('a'), 20);
    response.on('close', () => clearInterval(timer));
  });
  expect(await fetchOutside(`http://127.0.0.1:${slow.port}/`, { ...own, timeoutMs: 300 })).toEqual({
    kind: 'failed',
    fault: 'no_answer',
  });
  const headers = await listen((_request, response) => {
    for (let index = 0; index < 1_000; index += 1) response.setHeader(`x-${index}`, 'a'.repeat(100));
    response.end();
  });
  expect(await fetchOutside(`http://127.0.0.1:${headers.port}/`, own)).toEqual({ kind: 'failed', fault: 'too_large' });
});

test('nobody there, and a name that does not exist', async () => {
  const { port } = await listen((_request, response) => response.end());
  const gone = servers.pop();
  await new Promise((resolve) => gone?.close(resolve));
  expect(await fetchOutside(`http://127.0.0.1:${port}/`, own)).toEqual({ kind: 'failed', fault: 'connection_failed' });
  const nowhere = ((_name: string, _options: unknown, callback: (error: Error) => void) =>
    callback(new Error('ENOTFOUND'))) as never;
  expect(await fetchOutside('https://nowhere.example/', { allow: [], resolve: nowhere })).toEqual({
    kind: 'failed',
    fault: 'name_not_found',
  });
});
