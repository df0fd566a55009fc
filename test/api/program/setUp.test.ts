// The set-up half of the worked example (api.md 19, steps 1 and 3-11, 18-19), as printed, through the real application.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertRule, saveSettings } from './support.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';

let api: TestApi;
let ws: TestWorkspace;
let ben: string;

beforeAll(async () => {
  api = await startTestApi();
  ws = await api.makeWorkspace({ saved: false });
  ben = (await api.makePerson(ws, ['finance_approver'])).key;
});
afterAll(() => api.close());

test('the worked example from an empty workspace to a verified payout method', async () => {
  const spring = {
    name: 'Spring',
    currency: 'USD',
    requirements: [],
    commissionApproval: 'manual',
    commissionHold: 'PT0S',
    fallbackUrl: 'https://shop.example/',
    destinationHosts: ['shop.example'],
  };
  const early = await api.as(ws.key, '/v1/programs', { body: { name: 'Spring', currency: 'USD' } });
  expect([early.status, early.body['code']]).toEqual([409, 'settings_missing']);

  await saveSettings(api, ws);
  const program = await api.as(ws.key, '/v1/programs', { body: spring });
  expect(program.status, program.text).toBe(201);
  expect(program.body).toMatchObject({
    object: 'program',
    status: 'draft',
    slug: 'spring',
    levels: 1,
    timeZone: 'UTC',
    attributionWindow: 'P30D',
    commissionHold: 'PT0S',
    commissionApproval: 'manual',
    allowedActions: ['publish', 'close'],
    version: 1,
  });
  expect(program.body['inherited']).not.toContain('commissionHold');
  expect(program.body['inherited']).toContain('attributionWindow');
  const programId: string = program.body['id'];

  const product = await api.as(ws.key, '/v1/products', {
    body: { name: 'Starter', sku: 'starter', price: { amount: '49.99', currency: 'USD' } },
  });
  expect(product.status, product.text).toBe(201);
  expect(product.body['price']).toEqual({ amount: '49.99', currency: 'USD' });

  const open = await api.as(ws.key, `/v1/programs/${programId}/publish`, { body: {} });
  expect([open.status, open.body['code']]).toEqual([409, 'requirements_open']);
  expect(open.body['open']).toMatchObject([{ code: 'product_missing' }, { code: 'terms_missing' }]);

  const attached = await api.as(ws.key, `/v1/programs/${programId}/products`, {
    body: { productId: product.body['id'] },
  });
  expect(attached.status, attached.text).toBe(201);
  await insertRule(api, ws, programId);
  const terms = await api.as(ws.key, `/v1/programs/${programId}/agreements`, {
    body: { kind: 'terms', title: 'Terms', text: 'Be fair.', mustAccept: false },
  });
  expect(terms.status, terms.text).toBe(201);

  const published = await api.as(ws.key, `/v1/programs/${programId}/publish`, { body: {} });
  expect(published.status, published.text).toBe(200);
  expect(published.body).toMatchObject({ status: 'active', currentTermsId: terms.body['id'] });
  const twice = await api.as(ws.key, `/v1/programs/${programId}/publish`, { body: {} });
  expect(twice.status).toBe(409);
  expect(twice.body).toMatchObject({ code: 'already_decided', currentStatus: 'active', decidedBy: { name: 'Ana' } });

  const ada = await api.as(ws.key, '/v1/affiliates', {
    body: { name: 'Ada', email: 'ada@blog.example', programIds: [programId] },
  });
  expect(ada.status, ada.text).toBe(201);
  expect(ada.body).toMatchObject({ status: 'pending', active: false, enrolments: [{ programId, status: 'pending' }] });
  expect(ada.body['enrolments'][0]?.['linkId']).toMatch(/^lnk_/);
  const affiliateId: string = ada.body['id'];

  const approved = await api.as(ws.key, `/v1/affiliates/${affiliateId}/approve`, { body: { reason: 'Known blogger' } });
  expect(approved.status, approved.text).toBe(200);
  expect(approved.body).toMatchObject({
    status: 'approved',
    active: true,
    statusReason: 'Known blogger',
    decision: { verb: 'approve', by: { name: 'Ana' }, reasonCode: 'staff_decision', reason: 'Known blogger' },
    allowedActions: ['suspend', 'terminate'],
  });
  const again = await api.as(ws.key, `/v1/affiliates/${affiliateId}/approve`, { body: { reason: 'Known blogger' } });
  expect(again.status).toBe(409);
  expect(again.body).toMatchObject({
    code: 'already_decided',
    detail: 'Already approved by Ana.',
    currentStatus: 'approved',
    decidedBy: { id: ws.owner.id, name: 'Ana' },
    allowedActions: ['suspend', 'terminate'],
  });
  expect(again.body['decidedAt']).toBe(approved.body['decision']['at']);

  const link = await api.as(ws.key, '/v1/links', {
    body: { affiliateId, programId, slug: 'ada-spring', destinationUrl: 'https://shop.example/pricing' },
  });
  expect(link.status, link.text).toBe(201);
  expect(link.body).toMatchObject({
    credits: true,
    creditCode: null,
    url: 'http://localhost:3000/r/ada-spring',
    destinationUrl: 'https://shop.example/pricing',
    allowedActions: ['disable', 'archive'],
  });

  const method = await api.as(ws.key, `/v1/affiliates/${affiliateId}/payout-methods`, {
    body: { type: 'sandbox', currency: 'USD', details: { account: 'ok' } },
  });
  expect(method.status, method.text).toBe(201);
  expect(method.body).toMatchObject({ status: 'unverified', masked: 'ok' });
  const path = `/v1/payout-methods/${method.body['id']}/verify`;
  const own = await api.as(ws.key, path, { body: { reason: 'Called her' } });
  expect([own.status, own.body['code']]).toEqual([403, 'own_work']);
  const verified = await api.as(ben, path, { body: { reason: 'Called her' } });
  expect(verified.status, verified.text).toBe(200);
  expect(verified.body).toMatchObject({ status: 'active', version: 2 });
});
