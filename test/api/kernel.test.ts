import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countryOfRequest, isListed } from '../../api/auth.js';
import { startTestApi, type TestApi, type TestWorkspace } from './support.js';

let api: TestApi;
let shop: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace();
});
afterAll(() => api.close());

test('an operation that never was is a problem with a request id', async () => {
  const answer = await api.as(shop.key, '/v1/operations/op_01kaz0c3v7m2q8x4t6w9y1b5de');

  expect(answer.status).toBe(404);
  expect(answer.body).toMatchObject({ code: 'not_found', status: 404 });
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(answer.headers.get('x-request-id')).toBe(answer.body['requestId']);
});

test('without a key nothing is answered', async () => {
  const answer = await api.as(null, '/v1/operations/op_01kaz0c3v7m2q8x4t6w9y1b5de');

  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
});

test('the OpenAPI document is generated', async () => {
  const answer = await api.as(null, '/openapi.json');

  expect(answer.status).toBe(200);
  expect(answer.body['openapi']).toBe('3.1.0');
  expect(Object.keys(answer.body['paths'] ?? {})).toContain('/v1/operations/{operationId}');
  // api.md 4.3: with webhooks, whose one body is the event.
  expect(answer.body['webhooks']).toMatchObject({
    event: {
      post: {
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Event' } } } },
      },
    },
  });
});

test('a method that a path does not have is 405 with Allow; what is no path is 404', async () => {
  const deleted = await api.as(shop.key, '/v1/operations/op_01kaz0c3v7m2q8x4t6w9y1b5de', { method: 'DELETE' });
  const unknown = await api.as(shop.key, '/v1/nothing');

  expect(deleted.status).toBe(405);
  expect(deleted.headers.get('allow')).toBe('GET, HEAD');
  expect(unknown.status).toBe(404);
});

test.each([
  ['192.0.2.7', '192.0.2.7', true],
  ['192.0.2.8', '192.0.2.7', false],
  ['192.0.2.200', '192.0.2.0/24', true],
  ['192.0.3.1', '192.0.2.0/24', false],
  ['2001:db8::1', '2001:db8:0:0:0:0:0:1', true],
  ['2001:db8:ffff::1', '2001:db8::/32', true],
  ['2001:db9::1', '2001:db8::/32', false],
  ['10.0.0.1', '::/0', false],
  ['::1', '0.0.0.0/0', false],
  ['', '0.0.0.0/0', false],
])('LED-09: %j on a list of %j: %j', (address, entry, isOnIt) => {
  expect(isListed(address, [entry])).toBe(isOnIt);
});

test('a country is what a proxy of ours says, once; nobody else is believed', () => {
  const said = (from: string, ...values: readonly string[]) =>
    countryOfRequest(
      ['10.0.0.0/8'],
      'CF-IPCountry',
    )({
      socket: { remoteAddress: from },
      headersDistinct: values.length === 0 ? {} : { 'cf-ipcountry': [...values] },
    } as unknown as IncomingMessage);
  expect(said('10.1.2.3', 'de')).toBe('DE');
  expect(said('::ffff:10.1.2.3', 'DE')).toBe('DE');
  for (const [from, ...values] of [
    ['192.0.2.1', 'DE'],
    ['10.1.2.3'],
    ['10.1.2.3', 'DE', 'PL'],
    ['10.1.2.3', 'XX'],
  ] as const)
    expect(said(from, ...values), JSON.stringify([from, values])).toBeNull();
});
