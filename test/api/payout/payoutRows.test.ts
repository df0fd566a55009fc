import { MockActivityEnvironment } from '@temporalio/testing';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import { payoutDecisionActivities } from '../../../activities/payout/payoutDecision.js';
import { checkBooks } from '../../../db/reads/earning/bookChecks.js';
import { inWorkspace } from '../../../db/transaction.js';
import type { Mode } from '../../../domain/act.js';
import type { AffiliateId, PayoutId, ProgramId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { insertApprovedMoney } from '../../support/approvedMoney.js';
import { eventually } from '../../support/eventually.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// Rows of features.md 11 over HTTP that need no workflow of their own; payouts are decided by the activity that their workflow runs.

let api: TestApi;
let shop: TestWorkspace;
let ben: string;
let owner: Knex;
let programId: ProgramId;

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace({ saved: true });
  ben = (await api.makePerson(shop, ['finance_approver'], { name: 'Ben' })).key;
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 1 } });
  programId = newId('program');
  await inWorkspace(api.db, shop.id, (tx) =>
    tx('programs').insert({ id: programId, name: 'Spring', slug: programId, status: 'active', currency: 'USD' }),
  );
});
afterAll(async () => {
  const broken = await inWorkspace(api.db, shop.id, (tx) => checkBooks(tx));
  await owner.destroy();
  await api.close();
  // Rows that the test made have no history (I12), and no relay writes the chain (I14).
  expect(broken.filter((one) => one.violations > 0 && !['I12', 'I14'].includes(one.id))).toEqual([]);
});

/** An affiliate with a bank account per currency. */
async function makePayee(name: string, currencies: readonly string[] = ['USD']): Promise<AffiliateId> {
  return inWorkspace(api.db, shop.id, async (tx) => {
    const [contactId, id] = [newId('contact'), newId('affiliate')];
    await tx('contacts').insert({ id: contactId, name });
    await tx('affiliates').insert({ id, contact_id: contactId, name, email: `${id}@blog.example`, status: 'approved' });
    for (const currency of currencies)
      await tx('payout_methods').insert({
        id: newId('payoutMethod'),
        affiliate_id: id,
        type: 'bank',
        currency,
        details: JSON.stringify({ sealed: '' }),
        masked: `bank ${currency}`,
        fingerprint: `${id}/${currency}`,
        status: 'active',
      });
    return id;
  });
}

async function earn(affiliateId: AffiliateId, minor: bigint, currency = 'USD', mode: Mode = 'live'): Promise<string> {
  return inWorkspace(api.db, shop.id, (tx, now) =>
    insertApprovedMoney(tx, { ...api.act(shop.id, now), mode }, { affiliateId, programId, minor, currency }),
  );
}

const draft = (affiliateId: string, currency = 'USD', key = shop.key) =>
  api.as(key, '/v1/payouts', { body: { affiliateId, currency } });
const list = async (path: string, key = shop.key) => itemsOf((await api.as(key, path)).body['data']);
const usd = (amount: string) => ({ amount, currency: 'USD' });

/** Sends a decision of a payout and takes it as the payout's workflow would. */
async function decide(payoutId: string, verb: string, body: unknown, key = ben) {
  const asked = api.as(key, `/v1/payouts/${payoutId}/${verb}`, { body });
  const decisions = payoutDecisionActivities({
    db: api.db,
    longDb: api.db,
    newId,
    gatewayPolicy: { sandboxPaysLive: true },
    logger: api.deps.logger,
    payoutGateways: new Map([['manual', createManualGateway()]]),
    openMethodDetails: () => ({}),
    openGatewayAccess: () => ({}),
    answers: { save: () => Promise.resolve(''), load: () => Promise.resolve(undefined) },
  });
  const id = await eventually(async () => {
    const row = await owner('decisions').where({ object_id: payoutId, state: 'open' }).first<{ id: string }>('id');
    return row?.id ?? false;
  });
  const input = { workspaceId: shop.id, payoutId: payoutId as PayoutId, fact: { kind: 'decision' as const, id } };
  await new MockActivityEnvironment().run((one: typeof input) => decisions.decidePayout(one), input);
  return asked;
}

test('PAY-03: one call makes a draft with its lines and reserves the money; eight at once share no line', async () => {
  const ada = await makePayee('Ada');
  const [first, second] = [await earn(ada, 6_000n), await earn(ada, 1_234n)];

  const answers = await Promise.all(Array.from({ length: 8 }, () => draft(ada)));

  const made = answers.filter((one) => one.status === 201);
  expect(made).toHaveLength(1);
  const id = String(made[0]?.body['id']);
  for (const other of answers.filter((one) => one.status !== 201))
    expect([other.status, other.body['code'], other.body['payoutId']]).toEqual([409, 'in_open_payout', id]);
  expect(made[0]?.body).toMatchObject({ status: 'draft', amount: usd('72.34'), commissions: 2 });
  const lines = await list(`/v1/payouts/${id}/lines`);
  expect(new Set(lines.map((line) => line['commissionId']))).toEqual(new Set([first, second]));
  const accounts = await list(`/v1/ledger-accounts?ownerId=${ada}&currency=USD&limit=100`);
  expect(accounts.find((one) => one['kind'] === 'affiliate_payable')?.['balance']).toEqual(usd('0.00'));
  const held = await list(`/v1/ledger-accounts?ownerId=${id}&limit=100`);
  expect(held.map((one) => [one['kind'], one['balance']])).toEqual([['payout_open', usd('72.34')]]);
});

test('PAY-05: a payout keeps the method it was made for, whatever the affiliate is paid by later', async () => {
  const kim = await makePayee('Kim');
  await earn(kim, 6_000n);
  const made = (await draft(kim)).body;
  await owner('payout_methods')
    .where({ affiliate_id: kim })
    .update({ masked: 'another', version: 2, fingerprint: 'x' });

  expect((await api.as(shop.key, `/v1/payouts/${String(made['id'])}`)).body).toMatchObject({
    method: { type: 'bank', execution: 'manual', masked: 'bank USD' },
  });
});

test('PAY-09, PAY-14: paid by reference and day, its commissions with it; the history shows what, when and how, to each line', async () => {
  const bo = await makePayee('Bo');
  const commissionId = await earn(bo, 6_000n);
  const id = String((await draft(bo)).body['id']);
  const mark = (body: unknown) => api.as(ben, `/v1/payouts/${id}/mark-paid`, { body });
  expect((await mark({ paidOn: '2026-11-20' })).status).toBe(422);
  expect((await mark({ reference: 'w-1', paidOn: '2099-01-01' })).body['errors']).toMatchObject([
    { pointer: expect.stringContaining('paidOn') as string, code: 'out_of_range' },
  ]);

  // The list of affiliates says what is owed, what was paid last and how the methods stand (screens.md 3.4).
  const money = async (): Promise<unknown> => {
    const rows = await list(`/v1/affiliates?include=money&q=${bo}`);
    return rows.find((row) => row['id'] === bo)?.['money'];
  };
  const payoutMethods = [{ currency: 'USD', status: 'active' }];
  expect(await money()).toEqual({ owed: [usd('60.00')], lastPayout: null, payoutMethods });
  const agent = await api.makePerson(shop, ['support']);
  const refused = await api.as(agent.key, '/v1/affiliates?include=money');
  expect([refused.status, refused.body['missingPermission']]).toEqual([403, 'payout.read']);

  const paid = await decide(id, 'mark-paid', { reference: 'w-1', paidOn: '2026-11-20', note: 'Evening batch' });
  expect(await money()).toMatchObject({ owed: [], lastPayout: { id, amount: usd('60.00') }, payoutMethods });

  expect(paid.status, paid.text).toBe(200);
  expect(paid.body).toMatchObject({ status: 'paid', reference: 'w-1', paidOn: '2026-11-20', allowedActions: [] });
  expect((await api.as(shop.key, `/v1/commissions/${commissionId}`)).body).toMatchObject({ status: 'paid' });
  const again = await decide(id, 'mark-paid', { reference: 'w-2', paidOn: '2026-11-20' });
  expect([again.status, again.body['code']]).toEqual([409, 'already_decided']);
  const history = await list(`/v1/payouts?affiliateId=${bo}&status=paid`);
  expect(history).toMatchObject([{ id, amount: usd('60.00'), method: { masked: 'bank USD' }, reference: 'w-1' }]);
  expect(await list(`/v1/payouts/${id}/lines`)).toMatchObject([{ commissionId, amount: usd('60.00') }]);
  expect(await list(`/v1/payouts?affiliateId=${newId('affiliate')}`)).toEqual([]);

  // By day, too: ranges include their start and exclude their end; a file and a bulk act hold the same rows.
  const found = async (range: string) => (await list(`/v1/payouts?affiliateId=${bo}&${range}`)).length;
  expect(await found('paidOn[gte]=2026-11-20&paidOn[lt]=2026-11-21')).toBe(1);
  expect(await found('paidOn[gte]=2026-11-21')).toBe(0);
  expect(await found('paidOn[lt]=2026-11-20')).toBe(0);
  expect(await found('createdAt[gte]=2099-01-01T00:00:00Z')).toBe(0);
  expect(await found('createdAt[lt]=2099-01-01T00:00:00Z')).toBe(1);
  const wrong = await api.as(shop.key, '/v1/payouts?paidOn[gte]=yesterday');
  expect([wrong.status, wrong.body['errors'][0]?.['code']]).toEqual([422, 'bad_format']);
  const csv = async (range: string) => (await api.as(shop.key, `/v1/payouts?format=csv&columns=id&${range}`)).text;
  expect(await csv('paidOn[gte]=2026-11-20&paidOn[lt]=2026-11-21')).toContain(id);
  expect(await csv('paidOn[gte]=2026-11-21')).not.toContain(id);
  const bulk = async (day: string) =>
    (
      await api.as(ben, '/v1/operations', {
        body: { kind: 'payouts.mark_paid', filter: { affiliateId: bo, 'paidOn[gte]': day }, dryRun: true },
      })
    ).body['matched'];
  expect([await bulk('2026-11-20'), await bulk('2026-11-21')]).toEqual([1, 0]);
});

test('PAY-17: a suspended affiliate is left out with the reason, and is due again when it is back', async () => {
  const cy = await makePayee('Cy');
  await earn(cy, 6_000n);
  const preview = async () =>
    (await api.as(shop.key, '/v1/payout-runs/preview', { body: { affiliateIds: [cy] } })).body as {
      readonly payable: readonly unknown[];
      readonly notPayable: readonly { readonly reasons: readonly { readonly code: string }[] }[];
    };

  await inWorkspace(api.db, shop.id, (tx) => tx('affiliates').where({ id: cy }).update({ status: 'suspended' }));
  const out = await preview();
  expect(out.payable).toEqual([]);
  expect(out.notPayable).toMatchObject([{ affiliateId: cy, owed: usd('60.00'), reasons: [{ code: 'suspended' }] }]);
  const refused = await draft(cy);
  expect([refused.status, refused.body['code']]).toEqual([409, 'nothing_to_pay']);

  await inWorkspace(api.db, shop.id, (tx) => tx('affiliates').where({ id: cy }).update({ status: 'approved' }));
  expect((await preview()).payable).toMatchObject([{ affiliateId: cy, net: usd('60.00') }]);
});

test('PAY-22: two currencies are two payouts, and nothing is converted', async () => {
  const di = await makePayee('Di', ['USD', 'EUR']);
  await earn(di, 6_000n);
  await earn(di, 7_700n, 'EUR');

  expect((await draft(di)).body).toMatchObject({ currency: 'USD', amount: usd('60.00') });
  expect((await draft(di, 'EUR')).body).toMatchObject({ amount: { amount: '77.00', currency: 'EUR' } });
  expect(await list(`/v1/payouts?affiliateId=${di}`)).toHaveLength(2);
});

test('PAY-07, money.md 2.1: what PayPal cannot express is not paid by it, which the plan says', async () => {
  const gia = await makePayee('Gia', ['KWD', 'HUF']);
  await inWorkspace(api.db, shop.id, (tx) =>
    tx('payout_methods').where({ affiliate_id: gia }).update({ type: 'paypal' }),
  );
  await earn(gia, 600_000n, 'KWD');
  await earn(gia, 2_000_050n, 'HUF');
  for (const [currency, sum] of [
    ['KWD', '600.000'],
    ['HUF', '20000.50'],
  ] as const) {
    const refused = await draft(gia, currency);
    expect([refused.status, refused.body['code']], refused.text).toEqual([409, 'nothing_to_pay']);
    expect(itemsOf(refused.body['reasons'])).toMatchObject([
      { code: 'unsupported_currency', detail: `PayPal cannot pay out ${sum} ${currency}.`, fixBy: 'affiliate' },
    ]);
  }
  await earn(gia, 50n, 'HUF');
  expect((await draft(gia, 'HUF')).body).toMatchObject({ amount: { amount: '20001.00', currency: 'HUF' } });
});

test('PAY-25: test commissions are bundled in test mode and “paid”, and no live list, total or file knows of them', async () => {
  const ed = await makePayee('Ed');
  await earn(ed, 6_000n, 'USD', 'test');
  expect((await draft(ed)).body).toMatchObject({ code: 'nothing_to_pay' });

  const made = await draft(ed, 'USD', shop.testKey);
  expect(made.status, made.text).toBe(201);
  expect(made.body).toMatchObject({ status: 'draft', test: true, amount: usd('60.00') });
  expect((await api.as(shop.key, `/v1/payouts/${String(made.body['id'])}`)).status).toBe(404);
  expect(await list(`/v1/payouts?affiliateId=${ed}`)).toEqual([]);
  expect(await list(`/v1/payouts?affiliateId=${ed}`, shop.testKey)).toHaveLength(1);
  expect(await list(`/v1/ledger-accounts?ownerId=${ed}`)).toEqual([]);

  const tester = (await api.makePerson(shop, ['finance_approver'], { name: 'Tess', mode: 'test' })).key;
  const paying = { reference: 'test-1', paidOn: '2026-11-20' };
  const paid = await decide(String(made.body['id']), 'mark-paid', paying, tester);
  expect(paid.status, paid.text).toBe(200);
  expect(paid.body).toMatchObject({ status: 'paid', test: true, reference: 'test-1' });
  expect(await list(`/v1/commissions?affiliateId=${ed}`, shop.testKey)).toMatchObject([{ status: 'paid' }]);
  // "Paid", and nothing of it in a live history, total, account or list of those due.
  for (const path of [
    `/v1/payouts?affiliateId=${ed}`,
    `/v1/commissions?affiliateId=${ed}`,
    `/v1/ledger-accounts?ownerId=${ed}`,
  ])
    expect(await list(path), path).toEqual([]);
  expect((await list('/v1/payouts/due')).filter((one) => one['affiliateId'] === ed)).toEqual([]);
  expect(await owner('ledger_accounts').where({ owner_id: ed, mode: 'live' })).toEqual([]);
  // A run of live payouts has no file for it, and a test run is not there for live keys.
  const run = await api.as(shop.testKey, '/v1/payout-runs', { body: { currencies: ['USD'] } });
  expect(run.status, run.text).toBe(202);
  const path = `/v1/payout-runs/${String(run.body['id'])}/files`;
  expect((await api.as(shop.key, path, { body: { format: 'generic_csv' } })).status).toBe(404);
});
