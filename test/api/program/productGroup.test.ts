import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import { dataOf } from './support.js';

// Product groups (PRG-13), over HTTP.

let api: TestApi;
let ws: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi();
  ws = await api.makeWorkspace();
});
afterAll(() => api.close());

const makeGroup = (name: string) => api.as(ws.key, '/v1/product-groups', { body: { name } });

test('PRG-13: a group is made, holds products, is renamed, and goes when nothing stands in it', async () => {
  const made = await makeGroup('Hosting');
  expect(made).toMatchObject({ status: 201, body: { object: 'product_group', name: 'Hosting', productCount: 0 } });
  const path = `/v1/product-groups/${String(made.body['id'])}`;

  const product = await api.as(ws.key, '/v1/products', {
    body: { name: 'Starter', productGroupId: made.body['id'] },
  });
  expect(product).toMatchObject({ status: 201, body: { productGroupId: made.body['id'] } });
  await api.as(ws.key, '/v1/products', { body: { name: 'Alone' } });
  expect(
    dataOf(await api.as(ws.key, `/v1/products?productGroupId=${String(made.body['id'])}`)).map((one) => one['name']),
  ).toEqual(['Starter']);
  expect(await api.as(ws.key, path)).toMatchObject({ status: 200, body: { productCount: 1, promoToolCount: 0 } });

  const renamed = await api.as(ws.key, path, { method: 'PATCH', body: { name: 'Web hosting' } });
  expect(renamed).toMatchObject({ status: 200, body: { name: 'Web hosting', version: 2, productCount: 1 } });
  expect(await api.as(ws.key, path, { method: 'DELETE' })).toMatchObject({
    status: 409,
    body: { code: 'in_use', usedBy: [product.body['id']] },
  });

  const taken = await api.as(ws.key, `/v1/products/${String(product.body['id'])}`, {
    method: 'PATCH',
    body: { productGroupId: null },
  });
  expect(taken).toMatchObject({ status: 200, body: { productGroupId: null } });
  expect((await api.as(ws.key, path, { method: 'DELETE' })).status).toBe(204);
  expect((await api.as(ws.key, path)).status).toBe(404);
});

test('PRG-13: the group is optional; one that is not there, or another workspace’s, is 422', async () => {
  const other = await api.makeWorkspace();
  const foreign = await api.as(other.key, '/v1/product-groups', { body: { name: 'Theirs' } });
  const answer = await api.as(ws.key, '/v1/products', { body: { name: 'P', productGroupId: foreign.body['id'] } });
  expect(answer).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/productGroupId', code: 'not_found' }] },
  });
});

test('PRG-13: one name names one group, whatever its case; a stale version changes nothing', async () => {
  const made = await makeGroup('Courses');
  expect(await makeGroup('COURSES')).toMatchObject({ status: 409, body: { code: 'already_exists', field: 'name' } });
  const stale = await api.as(ws.key, `/v1/product-groups/${String(made.body['id'])}`, {
    method: 'PATCH',
    body: { name: 'Trainings' },
    headers: { 'If-Match': '"7"' },
  });
  expect(stale).toMatchObject({ status: 412, body: { code: 'version_mismatch', currentVersion: 1 } });
});

test('PRG-13: who may only look at programs reads groups and writes none', async () => {
  const reader = await api.makePerson(ws, ['auditor']);
  expect((await api.as(reader.key, '/v1/product-groups')).status).toBe(200);
  expect(await api.as(reader.key, '/v1/product-groups', { body: { name: 'X' } })).toMatchObject({
    status: 403,
    body: { missingPermission: 'program.write' },
  });
});
