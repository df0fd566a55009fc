import { connect as connectSocket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRateLimiter } from '../../api/rateLimit.js';
import { inWorkspace } from '../../db/transaction.js';
import { startTestApi, type TestApi, type TestWorkspace } from './support.js';

// reliability.md 7, tables B, E, F: each row never answers 500 or above, says what is wrong as a problem, and changes nothing.

let api: TestApi;
let shop: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi({ deps: { rateLimiter: createRateLimiter(() => '10.5.0.1') } });
  shop = await api.makeWorkspace();
});
afterAll(() => api.close());

/** What there is: the number of audit entries, users and keys of all workspaces this test knows. */
async function countRows(): Promise<string> {
  const { rows } = await inWorkspace(api.db, shop.id, (tx) =>
    tx.raw<{ rows: { counts: string }[] }>(
      `select concat_ws(' ', (select count(*) from audit_entries), (select count(*) from users), (select count(*) from api_keys)) as counts`,
    ),
  );
  return rows[0]?.counts ?? '';
}

const invite = (raw: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = {}) =>
  api.as(shop.key, '/v1/users', { raw, headers });

const nested = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);

describe('bodies (B)', () => {
  test.each<{ row: string; raw: string | Uint8Array<ArrayBuffer>; status: number; code: string }>([
    { row: 'B1 empty', raw: '', status: 422, code: 'validation_failed' },
    { row: 'B1 null', raw: 'null', status: 422, code: 'validation_failed' },
    { row: 'B1 array', raw: '[]', status: 422, code: 'validation_failed' },
    { row: 'B1 string', raw: '"x"', status: 422, code: 'validation_failed' },
    { row: 'B1 number', raw: '5', status: 422, code: 'validation_failed' },
    { row: 'A2 NaN', raw: '{"name":NaN}', status: 400, code: 'malformed_json' },
    { row: 'A2 Infinity', raw: '{"name":Infinity}', status: 400, code: 'malformed_json' },
    { row: 'B2 duplicate key', raw: '{"name":"a","name":"b"}', status: 400, code: 'duplicate_key' },
    { row: 'B2 duplicate key by an escape', raw: '{"name":"a","n\\u0061me":"b"}', status: 400, code: 'duplicate_key' },
    { row: 'B3 33 deep', raw: nested(33), status: 400, code: 'malformed_json' },
    { row: 'B3 100,000 deep', raw: nested(100_000), status: 400, code: 'malformed_json' },
    { row: 'B3 100,000 arrays', raw: '['.repeat(100_000), status: 400, code: 'malformed_json' },
    { row: 'B4 a long array', raw: `[${'1,'.repeat(400_000)}1]`, status: 413, code: 'body_too_large' },
    { row: 'B5 1 MiB + 1', raw: `"${'x'.repeat(1_048_575)}"`, status: 413, code: 'body_too_large' },
    { row: 'B7 C3 28', raw: bytes(0x22, 0xc3, 0x28, 0x22), status: 400, code: 'malformed_json' },
    { row: 'B7 overlong', raw: bytes(0x22, 0xc0, 0xaf, 0x22), status: 400, code: 'malformed_json' },
    {
      row: 'B7 UTF-16',
      raw: new Uint8Array(Buffer.from('{"name":"a"}', 'utf16le')),
      status: 400,
      code: 'malformed_json',
    },
    { row: 'B8 NUL', raw: '{"name":"a\\u0000b"}', status: 422, code: 'validation_failed' },
    { row: 'B8 NUL, nested', raw: '{"affiliateIds":[{"x":{"y":"\\u0000"}}]}', status: 422, code: 'validation_failed' },
    { row: 'half a surrogate pair', raw: '{"name":"\\ud800"}', status: 422, code: 'validation_failed' },
    {
      row: 'B9 unknown field',
      raw: '{"email":"a@b.org","name":"a","nick":"x"}',
      status: 422,
      code: 'validation_failed',
    },
    { row: '__proto__', raw: '{"__proto__":{"a":1}}', status: 400, code: 'malformed_json' },
    { row: 'constructor', raw: '{"a":{"constructor":1}}', status: 400, code: 'malformed_json' },
    { row: 'prototype', raw: '{"prototype":1}', status: 400, code: 'malformed_json' },
    { row: 'trailing comma', raw: '{"name":"a",}', status: 400, code: 'malformed_json' },
    { row: 'two values', raw: '{} {}', status: 400, code: 'malformed_json' },
    { row: 'a comment', raw: '{/**/}', status: 400, code: 'malformed_json' },
    { row: 'a byte order mark', raw: '\ufeff{}', status: 400, code: 'malformed_json' },
    { row: 'a raw control character', raw: '{"name":"a\u0001"}', status: 400, code: 'malformed_json' },
  ])('$row is $status $code', async ({ raw, status, code }) => {
    const before = await countRows();
    const answer = await invite(raw, { 'Content-Type': 'application/json' });

    expect(answer).toMatchObject({ status, body: { code } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.text.length).toBeLessThan(20_000);
    expect(answer.text).not.toMatch(/\bat .*\.ts|select |node_modules/);
    expect(await countRows()).toBe(before);
    expect((await api.as(shop.key, '/v1/me')).status).toBe(200);
  });

  test.each([
    { row: 'text', headers: { 'Content-Type': 'text/plain' } },
    { row: 'form', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
    { row: 'JSON in latin1', headers: { 'Content-Type': 'application/json; charset=iso-8859-1' } },
    { row: 'an unknown encoding', headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'zstd' } },
    {
      row: 'encodings in encodings',
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip, gzip' },
    },
  ])('$row is 415', async ({ headers }) => {
    expect(await invite('{}', headers)).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  });

  test('B6 a gzip bomb is refused unopened', async () => {
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(50_000_000)));

    const answer = await invite(bomb, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' });

    expect(answer.status).toBe(415);
  });
});

describe('paths, methods, headers (E)', () => {
  test.each([
    ['/v1/%', 404],
    ['/v1/%zz', 404],
    ['/v1/%c0%af', 404],
    ['/v1/users/%252e', 404],
    ['/v1/users/%00', 404],
    ['/v1//users', 404],
    ['/v1/users/', 404],
    ['/v1/Users', 404],
    ['/v1/users;x=1', 404],
    ['/v0/users', 404],
    ['/v2/users', 404],
    ['/v1/users/usr_zzz', 404],
    ['/v1/users/ws_01kaz0c3v7m2q8x4t6w9y1b5de', 404],
    [`/v1/users?q=${'x'.repeat(9_000)}`, 414],
  ])('%s is %i', async (path, status) => {
    const answer = await api.as(shop.key, path);

    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  test.each(['PUT', 'DELETE', 'PROPFIND', 'OPTIONS'])('%s on a collection is 405 with Allow', async (method) => {
    const answer = await api.as(shop.key, '/v1/users', { method });

    expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('a method override is ignored', async () => {
    const before = await countRows();
    const answer = await api.as(shop.key, `/v1/users/${shop.owner.id}`, {
      headers: { 'X-HTTP-Method-Override': 'DELETE' },
    });

    expect(answer.status).toBe(200);
    expect(await countRows()).toBe(before);
  });

  test('an answer that is no JSON does not exist: 406', async () => {
    expect(await api.as(shop.key, '/v1/me', { headers: { Accept: 'text/html' } })).toMatchObject({ status: 406 });
  });

  test('a request id of the caller is kept when it is one', async () => {
    const own = await api.as(shop.key, '/v1/me', { headers: { 'X-Request-Id': 'my-request-1' } });
    const odd = await api.as(shop.key, '/v1/me', { headers: { 'X-Request-Id': 'a b' } });

    expect(own.headers.get('x-request-id')).toBe('my-request-1');
    expect(odd.headers.get('x-request-id')).toMatch(/^req_/);
  });

  test('every answer of /v1 is not kept, not sniffed, not framed', async () => {
    const { headers } = await api.as(shop.key, '/v1/me');

    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('ratelimit-policy')).toBe('"default";q=600;w=60');
  });

  test('a forged host shows in no link', async () => {
    const answer = await raw(
      `GET /v1/users?limit=1 HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nAuthorization: Bearer ${shop.key}\r\nConnection: close\r\n\r\n`,
    );

    expect(answer).toContain('200 OK');
    expect(answer).not.toContain('evil.example');
  });
});

/** What a socket answers to these bytes, until it closes. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(Number(new URL(api.url).port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (part: Buffer) => (answer += part.toString('latin1')));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('what is no HTTP (E6, E7)', () => {
  const head = (lines: string): string => `POST /v1/users HTTP/1.1\r\nHost: x\r\n${lines}\r\n`;
  test.each([
    {
      row: 'chunked and a length',
      text: `${head('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
      status: '400',
    },
    { row: 'chunked twice', text: `${head('Transfer-Encoding: chunked, identity\r\n')}0\r\n\r\n`, status: '400' },
    { row: 'a folded header', text: head('X-A: 1\r\n two\r\n'), status: '400' },
    { row: 'no HTTP at all', text: 'hello\r\n\r\n', status: '400' },
    { row: 'a header of 64 KB', text: head(`X-A: ${'x'.repeat(65_536)}\r\n`), status: '431' },
    { row: 'a URL of 64 KB', text: `GET /${'x'.repeat(65_536)} HTTP/1.1\r\nHost: x\r\n\r\n`, status: '431' },
    {
      row: '500 headers',
      text: `GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${Array.from({ length: 500 }, (_, i) => `A${i}: 1\r\n`).join('')}\r\n`,
      status: '431',
    },
    {
      row: 'two Authorization headers',
      text: 'GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\nConnection: close\r\n\r\n',
      status: '401',
    },
    { row: 'TRACE', text: 'TRACE /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', status: '405' },
    { row: 'CONNECT', text: 'CONNECT /v1/me HTTP/1.1\r\nHost: x\r\n\r\n', status: '405' },
  ])('$row is $status', async ({ text, status }) => {
    expect(await raw(text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await api.as(shop.key, '/v1/me')).status).toBe(200);
  });
});

test('1,000 damaged bodies: none is answered with 500 or above, none changes anything', async () => {
  const good = '{"email":"zoe@shop.example","name":"Zoë \\u00fc","roleIds":["auditor"],"affiliateIds":[]}';
  const splinters = [
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\\',
    '\\u',
    '\\ud83d',
    '\u0000',
    '1e999',
    '-',
    'null',
    'é',
    '\ud83d\ude00',
  ];
  let state = 20_261_125; // the seed: the same damage in each run
  const next = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % below;
  };
  // Several people: one alone would meet the rate limit before the parser.
  const keys: string[] = [];
  for (let i = 0; i < 4; i += 1) keys.push((await api.makePerson(shop, ['admin'], { name: 'Fuzz' })).key);
  const before = await countRows();
  const seen = new Map<number, number>();
  for (let i = 0; i < 1_000; i += 1) {
    const at = next(good.length);
    const damaged = `${good.slice(0, at)}${splinters[next(splinters.length)]}${good.slice(at + next(3))}`;
    // A route that knows none of these fields: what is still valid JSON is refused as well.
    const { status } = await api.as(keys[i % 4] ?? '', '/v1/settings/revert', { raw: damaged });
    seen.set(status, (seen.get(status) ?? 0) + 1);
  }

  expect([...seen.keys()].toSorted((a, b) => a - b)).toEqual([400, 422]);
  expect(await countRows()).toBe(before);
});
