import { afterAll, beforeAll, expect, test } from 'vitest';
import { inWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import { insertApprovedMoney } from '../../support/approvedMoney.js';

// The HTTP side of api.md 10: what needs no workflow. Decisions end to end are in test/workflows/payout and test/e2e.

let api: TestApi;
let shop: TestWorkspace;
let ben: string;
let ada: string;

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace({ saved: true });
  ben = (await api.makePerson(shop, ['finance_approver'], { name: 'Ben' })).key;
  ada = await makePayee('Ada', 6_000n, 'active');
  await makePayee('Bo', 420n, 'unverified');
});
afterAll(() => api.close());

async function makePayee(name: string, minor: bigint, methodStatus: string): Promise<string> {
  return inWorkspace(api.db, shop.id, async (tx, now) => {
    const act = api.act(shop.id, now);
    const [programId, contactId, id] = [newId('program'), newId('contact'), newId('affiliate')];
    await tx('programs').insert({ id: programId, name, slug: programId, status: 'active', currency: 'USD' });
    await tx('contacts').insert({ id: contactId, name });
    await tx('affiliates').insert({ id, contact_id: contactId, name, email: `${id}@blog.example`, status: 'approved' });
    await tx('payout_methods').insert({
      id: newId('payoutMethod'),
      affiliate_id: id,
      type: 'sandbox',
      currency: 'USD',
      details: JSON.stringify({ sealed: '' }),
      masked: 'ok',
      fingerprint: id,
      status: methodStatus,
    });
    await insertApprovedMoney(tx, act, { affiliateId: id, programId, minor });
    return id;
  });
}

test('a dry run names who is paid and who is not, and reserves nothing', async () => {
  const preview = await api.as(shop.key, '/v1/payout-runs/preview', { method: 'POST', body: { currencies: ['USD'] } });
  expect(preview.status).toBe(200);
  expect(preview.body).toMatchObject({
    object: 'payout_run_preview',
    runId: null,
    dryRun: true,
    planHash: null,
    secondPerson: 'other_person',
    totals: [
      {
        currency: 'USD',
        payable: { affiliates: 1, amount: { amount: '60.00', currency: 'USD' } },
        notPayable: { affiliates: 1, amount: { amount: '4.20', currency: 'USD' } },
        byMethod: [{ type: 'sandbox', affiliates: 1, amount: { amount: '60.00', currency: 'USD' } }],
        previousRun: null,
      },
    ],
    payable: [
      {
        affiliateId: ada,
        name: 'Ada',
        payoutId: null,
        commissions: 1,
        gross: { amount: '60.00', currency: 'USD' },
        withheld: { amount: '0.00', currency: 'USD' },
        net: { amount: '60.00', currency: 'USD' },
        method: { type: 'sandbox', masked: 'ok' },
      },
    ],
    notPayable: [
      {
        name: 'Bo',
        owed: { amount: '4.20', currency: 'USD' },
        reasons: [
          { code: 'method_unverified', fixBy: 'staff' },
          { code: 'below_minimum', detail: '4.20 of 50.00 USD (workspace).', fixBy: 'nobody' },
        ],
      },
    ],
    proof: [
      {
        currency: 'USD',
        payableBefore: { amount: '64.20', currency: 'USD' },
        payableAfter: { amount: '4.20', currency: 'USD' },
      },
    ],
  });
  const payouts = await api.as(shop.key, '/v1/payouts');
  expect(payouts.body).toMatchObject({ data: [] });
});

test('PAY-29: a run starts once per key and per period; a cut-off in the future is refused', async () => {
  const headers = { 'Idempotency-Key': 'run-1' };
  const body = { currencies: ['USD'], period: '2026-11' };
  const first = await api.as(shop.key, '/v1/payout-runs', { method: 'POST', body, headers });
  expect(first.status).toBe(202);
  expect(first.body).toMatchObject({
    object: 'payout_run',
    status: 'planning',
    planHash: null,
    period: '2026-11',
    test: false,
  });
  const again = await api.as(shop.key, '/v1/payout-runs', { method: 'POST', body, headers });
  expect(again.text).toBe(first.text);
  const samePeriod = await api.as(shop.key, '/v1/payout-runs', { method: 'POST', body });
  expect(samePeriod.status).toBe(200);
  expect(samePeriod.body['id']).toBe(first.body['id']);
  const future = await api.as(shop.key, '/v1/payout-runs', {
    method: 'POST',
    body: { cutOffAt: '2099-01-01T00:00:00Z' },
  });
  expect(future.status).toBe(422);
  expect(future.body).toMatchObject({ errors: [{ pointer: '/cutOffAt', code: 'out_of_range' }] });
  const list = await api.as(shop.key, '/v1/payout-runs?status=planning');
  expect(list.body['data']).toHaveLength(1);
  const later = await api.as(shop.key, '/v1/payout-runs?createdAt[gte]=2099-01-01T00:00:00Z');
  expect(later.body['data']).toEqual([]);
});

test('a draft by hand reserves; a second finds it, and what is not there is 404', async () => {
  const headers = { 'Idempotency-Key': 'draft-1' };
  const made = await api.as(ben, '/v1/payouts', {
    method: 'POST',
    body: { affiliateId: ada, currency: 'USD' },
    headers,
  });
  expect(made.status, made.text).toBe(403); // an approver prepares nothing
  const draft = await api.as(shop.key, '/v1/payouts', { method: 'POST', body: { affiliateId: ada, currency: 'USD' } });
  expect(draft.status, draft.text).toBe(201);
  expect(draft.body).toMatchObject({
    status: 'draft',
    problem: null,
    amount: { amount: '60.00', currency: 'USD' },
    commissions: 1,
    attempt: null,
    secondPerson: 'other_person',
    planVersion: 1,
  });
  const second = await api.as(shop.key, '/v1/payouts', { method: 'POST', body: { affiliateId: ada, currency: 'USD' } });
  expect(second.status).toBe(409);
  expect(second.body).toMatchObject({ code: 'in_open_payout', payoutId: draft.body['id'] });
  const lines = await api.as(shop.key, `/v1/payouts/${String(draft.body['id'])}/lines`);
  expect(lines.body).toMatchObject({ data: [{ amount: { amount: '60.00', currency: 'USD' } }] });
  expect((await api.as(shop.key, `/v1/payouts/${newId('payout')}`)).status).toBe(404);
  expect((await api.as(shop.testKey, `/v1/payouts/${String(draft.body['id'])}`)).status).toBe(404);
  const other = await api.makeWorkspace({ saved: true });
  expect((await api.as(other.key, `/v1/payouts/${String(draft.body['id'])}`)).status).toBe(404);
  const retry = await api.as(shop.key, `/v1/payouts/${String(draft.body['id'])}/return-to-draft`, {
    method: 'POST',
    body: { reason: 'x' },
  });
  expect(retry.body).toMatchObject({ status: 409, code: 'transition_not_allowed', currentStatus: 'draft' });
});

test('money is put into a gateway once per reference; a freeze stops new runs and is lifted with a reason', async () => {
  const fund = (reference: string, amount = '100.00') =>
    api.as(ben, '/v1/gateways/sandbox/funding', {
      method: 'POST',
      body: { amount: { amount, currency: 'USD' }, reference },
    });
  expect((await fund('F-1')).status).toBe(201);
  expect((await fund('F-1')).body).toMatchObject({ status: 409, code: 'already_exists' });
  expect((await fund('F-2', '0.00')).status).toBe(422);
  const gateway = await api.as(ben, '/v1/gateways/sandbox');
  expect(gateway.body).toMatchObject({ frozen: false, cash: [{ amount: '100.00', currency: 'USD' }] });
  const frozen = await api.as(ben, '/v1/payout-freeze', { method: 'PUT', body: { frozen: true, reason: 'look' } });
  expect(frozen.body).toMatchObject({ frozen: true, reasons: [{ scope: 'workspace', reason: 'look' }] });
  const run = await api.as(shop.key, '/v1/payout-runs', { method: 'POST', body: {} });
  expect(run.body).toMatchObject({ status: 409, code: 'payouts_frozen' });
  const free = await api.as(ben, '/v1/payout-freeze', { method: 'PUT', body: { frozen: false, reason: 'seen' } });
  expect(free.body).toMatchObject({ frozen: false, reasons: [] });
  expect((await api.as(ben, '/v1/gateways/sandbox/journal')).body).toMatchObject({ data: [] });
});

test('a schedule keeps its calendar and zone; a wrong zone or hour is refused', async () => {
  const body = {
    name: 'Monthly',
    calendar: { every: 'month', dayOfMonth: 15, hour: 9, minute: 0 },
    timeZone: 'Europe/Warsaw',
  };
  const made = await api.as(shop.key, '/v1/payout-schedules', { method: 'POST', body });
  expect(made.status, made.text).toBe(201);
  expect(made.body).toMatchObject({ ...body, paused: false, version: 1, payAfter: null });
  const path = `/v1/payout-schedules/${String(made.body['id'])}`;
  expect((await api.as(shop.key, `${path}/pause`, { method: 'POST', body: {} })).body).toMatchObject({
    paused: true,
    version: 2,
  });
  expect((await api.as(shop.key, path, { method: 'PATCH', body: { timeZone: 'Mars/Base' } })).status).toBe(422);
  expect(
    (
      await api.as(shop.key, path, {
        method: 'PATCH',
        body: { calendar: { every: 'month', dayOfMonth: 15, hour: 2, minute: 30 } },
      })
    ).status,
  ).toBe(422);
  expect((await api.as(shop.key, path, { method: 'DELETE' })).status).toBe(204);
  expect((await api.as(shop.key, path)).status).toBe(404);
});
