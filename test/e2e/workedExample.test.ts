import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, textAt } from '../support/apiClient.js';
import { LiveStack } from '../support/liveStack.js';
import {
  followLink,
  type People,
  prepareMoney,
  reportLead,
  reportSale,
  runPayout,
  setUp,
  type SetUp,
  signIn,
  trialBalance,
} from '../support/story.js';

// api.md 19, line by line and to the cent, over HTTP against the real processes. Credits are printed with a minus here.

let stack: LiveStack;
let people: People;
let set: SetUp;

beforeAll(async () => {
  stack = await LiveStack.start();
}, 120_000);
afterAll(() => stack?.stop());

describe('one referral from click to paid', () => {
  let referralId: string;
  let saleId: string;
  let commissionId: string;
  let runId: string;
  let payoutId: string;

  test('0–1: sign in, invite, keys; no program before the settings were saved', async () => {
    people = await signIn(stack);

    expect(await people.ana.post('/v1/programs', { name: 'Spring', currency: 'USD' })).toMatchObject({
      status: 409,
      body: { code: 'settings_missing' },
    });
  });

  test('2–11: settings, program, product, rule, terms, affiliate, link', async () => {
    set = await setUp(people);
  });

  test('12–13: a click redirects, a lead of that click is accepted and attributed', async () => {
    const clickId = await followLink(stack);
    const tracking = await people.ana.until(
      '/v1/referrals?status=tracking',
      (body) => at(body, 'data.0') !== undefined,
    );
    expect(tracking).toMatchObject({ data: [{ stage: 'click', status: 'tracking' }] });

    referralId = await reportLead(people, set, clickId);

    expect((await people.ana.get(`/v1/referrals/${referralId}`)).body).toMatchObject({
      status: 'pending',
      stage: 'lead',
      affiliateId: set.affiliateId,
    });
  });

  test('14–15: a sale makes one commission of 10.00, explained', async () => {
    ({ saleId, commissionId } = await reportSale(people));

    const commission = await people.ana.get(`/v1/commissions/${commissionId}`);
    expect(commission.body).toMatchObject({
      status: 'pending',
      amount: { amount: '10.00', currency: 'USD' },
      blockers: [{ code: 'referral_not_approved' }],
    });
    const sale = await people.ana.get(`/v1/sales/${saleId}`);
    expect((await people.ana.get(`/v1/leads/${textAt(sale.body, 'leadId')}`)).body).toMatchObject({
      verdict: 'converted',
    });
    expect((await people.ana.get(`/v1/referrals/${referralId}`)).body).toMatchObject({ stage: 'sale' });
    expect((await people.ana.get(`/v1/commissions/${commissionId}/explanation`)).body).toMatchObject({
      exact: { numerator: '4999', denominator: '5', unit: 'minor' },
      rounded: { amount: '10.00' },
      rule: { version: 1 },
    });
    expect(await trialBalance(people)).toEqual({
      commission_expense: '10.00',
      commission_pending: '-10.00',
      total: '10.00',
    });
  });

  test('16–17: the commission waits for the referral, then both are approved', async () => {
    expect(await people.ana.post(`/v1/commissions/${commissionId}/approve`, { reason: 'ok' })).toMatchObject({
      status: 409,
      body: { code: 'commission_blocked', blockers: [{ code: 'referral_not_approved' }] },
    });
    expect(await people.ana.post(`/v1/referrals/${referralId}/approve`, { reason: 'Real customer' })).toMatchObject({
      status: 200,
      body: { status: 'approved' },
    });
    expect(await people.ana.post(`/v1/commissions/${commissionId}/approve`, { reason: 'ok' })).toMatchObject({
      status: 200,
      body: { status: 'approved' },
    });
    expect(await trialBalance(people)).toEqual({
      commission_expense: '10.00',
      affiliate_payable: '-10.00',
      total: '10.00',
    });
  });

  test('18–21: a confirmed method, money at the gateway, a preview that reserves nothing', async () => {
    await prepareMoney(people, set);

    const preview = await people.ana.post('/v1/payout-runs/preview', { currencies: ['USD'] });
    expect(preview).toMatchObject({
      status: 200,
      body: { payable: [{ affiliateId: set.affiliateId, net: { amount: '10.00' } }], notPayable: [] },
    });
    expect(await trialBalance(people)).toEqual({
      commission_expense: '10.00',
      cash: '100.00',
      affiliate_payable: '-10.00',
      merchant_funding: '-100.00',
      total: '110.00',
    });
  });

  test('22–26: planned, approved by the second person, paid once, the books to the cent', async () => {
    ({ runId, payoutId } = await runPayout(people));

    const payout = await people.ana.until(`/v1/payouts/${payoutId}`, (body) => at(body, 'status') === 'paid');
    await people.ana.until(`/v1/payout-runs/${runId}`, (body) => at(body, 'status') === 'completed');
    expect((await people.ana.get(`/v1/commissions/${commissionId}`)).body).toMatchObject({ status: 'paid', payoutId });
    const journal = await people.ben.get('/v1/gateways/sandbox/journal');
    expect(journal.body).toMatchObject({
      data: [
        {
          amount: { amount: '10.00', currency: 'USD' },
          requestKey: textAt(payout, 'attempt.requestKey'),
          outcome: 'paid',
        },
      ],
    });
    expect(at(journal.body, 'data.1')).toBeUndefined();
    expect((await people.ana.get(`/v1/payouts/${payoutId}/attempts`)).body).toMatchObject({
      data: [{ number: 1, state: 'paid' }],
    });
    expect(await trialBalance(people)).toEqual({
      commission_expense: '10.00',
      cash: '90.00',
      merchant_funding: '-100.00',
      total: '100.00',
    });
  });

  test('27–28: refunds after payment are clawed back, to exactly nothing', async () => {
    const refund = { externalId: 'rf-1', amount: { amount: '20.00', currency: 'USD' } };
    expect((await people.ana.post(`/v1/sales/${saleId}/refunds`, refund)).status).toBe(202);
    const first = await people.ana.until('/v1/commissions?kind=clawback', (body) => at(body, 'data.0') !== undefined);
    expect(first).toMatchObject({ data: [{ amount: { amount: '-4.00' }, status: 'approved' }] });
    expect((await people.ana.get(`/v1/payouts/${payoutId}`)).body).toMatchObject({ status: 'paid' });
    expect((await people.ana.get(`/v1/affiliates/${set.affiliateId}/balances`)).body).toMatchObject([
      { owed: { amount: '-4.00' } },
    ]);
    expect((await people.ana.post(`/v1/sales/${saleId}/refunds`, refund)).status).toBe(200);
    expect(await trialBalance(people)).toEqual({
      commission_expense: '6.00',
      cash: '90.00',
      affiliate_receivable: '4.00',
      merchant_funding: '-100.00',
      total: '100.00',
    });

    expect(
      (
        await people.ana.post(`/v1/sales/${saleId}/refunds`, {
          externalId: 'rf-2',
          amount: { amount: '29.99', currency: 'USD' },
        })
      ).status,
    ).toBe(202);
    await people.ana.until(`/v1/sales/${saleId}`, (body) => at(body, 'status') === 'refunded');
    await people.ana.until('/v1/commissions?kind=clawback', (body) => at(body, 'data.1') !== undefined);
    expect((await people.ana.get(`/v1/affiliates/${set.affiliateId}/balances`)).body).toMatchObject([
      { owed: { amount: '-10.00' } },
    ]);
    expect(await trialBalance(people)).toEqual({
      cash: '90.00',
      affiliate_receivable: '10.00',
      merchant_funding: '-100.00',
      total: '100.00',
    });
  });

  test('the books hold, the trail verifies, and the archived history replays', async () => {
    const books = await stack.command('bin/checkBooks.ts');
    expect(books).toMatchObject({ code: 0 });
    const histories = await people.ana.until(
      `/v1/histories?objectId=${referralId}`,
      (body) => at(body, 'data.0') !== undefined,
    );
    expect(textAt(histories, 'data.0.workflowId')).toContain(referralId);
    const verdict = await stack.command('bin/audit.ts', '-w', people.workspaceId, 'verify', referralId);
    expect(verdict.output).toContain('"verdict": "pass"');
    expect(verdict.code).toBe(0);
    expect(await stack.command('bin/audit.ts', '-w', people.workspaceId, 'verify')).toMatchObject({ code: 0 });
  }, 120_000);
});
