import knexFactory from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { postTransfers } from '../../../db/earning/ledger.js';
import { inWorkspace } from '../../../db/transaction.js';
import { account } from '../../../domain/earning/ledger.js';
import type { CurrencyCode } from '../../../domain/money.js';
import { newId } from '../../../platform/newId.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import { insertApprovedMoney } from '../../support/approvedMoney.js';
import { insertRow } from '../../support/rows.js';

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

async function makePayee(name: string, minor: bigint, methodStatus: string, currency = 'USD'): Promise<string> {
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
      currency,
      details: JSON.stringify({ sealed: '' }),
      masked: 'ok',
      fingerprint: id,
      status: methodStatus,
    });
    await insertApprovedMoney(tx, act, { affiliateId: id, programId, minor, currency });
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
  expect(future.body).toMatchObject({ errors: [{ pointer: '#/cutOffAt', code: 'out_of_range' }] });
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

test('a plan says what each provider needs, what that will cost, and who differs most from the last run', async () => {
  const owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 1 } });
  const runId = newId('payoutRun');
  const eda = await makePayee('Eda', 6_000n, 'active', 'EUR');
  const old = await makePayee('Old', 1n, 'unverified', 'EUR');
  try {
    const common = { workspace_id: shop.id, mode: 'live' };
    await insertRow(owner, 'payout_runs', {
      ...common,
      id: runId,
      status: 'completed',
      workflow_id: 'x',
      created_by_type: 'system',
      executed_at: new Date(),
      completed_at: new Date(),
    });
    for (const [affiliateId, minor] of [
      [eda, 2_000],
      [old, 3_000],
    ] as const)
      await insertRow(owner, 'payouts', {
        ...common,
        id: newId('payout'),
        run_id: runId,
        affiliate_id: affiliateId,
        currency: 'EUR',
        amount_minor: minor,
        status: 'paid',
        gateway: 'sandbox',
        method_type: 'sandbox',
        execution: 'gateway',
        created_by_type: 'system',
      });
    // Two payouts cost 0.75 together; 50.00 were brought there before.
    await inWorkspace(api.db, shop.id, (tx, now) =>
      postTransfers(
        tx,
        api.act(shop.id, now),
        (
          [
            ['cash', 'merchant_funding', 5_000n],
            ['payout_fee_expense', 'cash', 75n],
          ] as const
        ).map(([debit, credit, minor]) => ({
          kind: debit === 'cash' ? 'gateway.funded' : 'payout.fee_charged',
          key: `test/${runId}/${debit}`,
          cause: { type: 'attempt', id: runId },
          correctsKey: null,
          effectiveAt: null,
          postings: [
            {
              debit: account(debit, 'sandbox'),
              credit: account(credit, 'sandbox'),
              amount: { minor, currency: 'EUR' as CurrencyCode },
            },
          ],
        })),
      ),
    );
  } finally {
    await owner.destroy();
  }
  const eur = (amount: string) => ({ amount, currency: 'EUR' });
  const body = { currencies: ['EUR'], methodTypes: ['sandbox'], affiliateIds: [eda, old] };
  const preview = await api.as(shop.key, '/v1/payout-runs/preview', { body });
  expect(preview, preview.text).toMatchObject({ status: 200 });
  expect(preview.body['totals']).toMatchObject([
    {
      payable: { affiliates: 1, amount: eur('60.00') },
      byGateway: [
        {
          gatewayId: 'sandbox',
          affiliates: 1,
          amount: eur('60.00'),
          balance: eur('49.25'),
          missing: eur('10.75'),
          fees: eur('0.38'),
        },
      ],
      previousRun: eur('50.00'),
      causes: [
        { affiliateId: eda, name: 'Eda', before: eur('20.00'), after: eur('60.00'), difference: eur('40.00') },
        { affiliateId: old, name: 'Old', before: eur('30.00'), after: eur('0.00'), difference: eur('-30.00') },
      ],
    },
  ]);

  // The run itself says what it was limited to.
  const filter = {
    currencies: ['EUR'],
    programIds: [newId('program')],
    groupIds: ['grp_x'],
    affiliateIds: [eda],
    methodTypes: ['bank', 'paypal'],
    cutOffAt: '2026-11-01T00:00:00.000Z',
    payAt: '2030-01-02T03:04:00.000Z',
  };
  const made = await api.as(shop.key, '/v1/payout-runs', { body: filter });
  expect(made, made.text).toMatchObject({ status: 202, body: filter });
  expect((await api.as(shop.key, `/v1/payout-runs/${String(made.body['id'])}`)).body).toMatchObject(filter);
});
