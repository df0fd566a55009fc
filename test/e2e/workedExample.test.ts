import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkBooks } from '../../db/reads/earning/bookChecks.js';
import { apiClient, type ApiClient, at, textAt } from '../support/apiClient.js';
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

describe('a test referral to its payout, and test data put away', () => {
  let tester: ApiClient;
  let owner: Knex;
  let referralId: string;
  let payoutId: string;
  /** A journey that still waits when the data is put away. */
  let openReferralId: string;

  beforeAll(async () => {
    const key = await people.ana.post('/v1/api-keys', { name: 'tests', kind: 'secret', test: true, roleId: 'owner' });
    tester = apiClient(
      () => stack.baseUrl,
      () => textAt(key.body, 'secret'),
    );
    owner = knexFactory({ client: 'pg', connection: stack.ownerUrl, pool: { min: 0, max: 2 } });
  });
  afterAll(() => owner?.destroy());

  /** The one-time address of a tracking test, opened by a clean browser. Answers the test's click. */
  async function testClick(): Promise<string> {
    const made = await people.ana.post('/v1/tracking-tests', { linkId: set.linkId });
    expect(made.status).toBe(201);
    const opened = await fetch(textAt(made.body, 'url').replace(/^https?:\/\/[^/]+/, stack.baseUrl), {
      redirect: 'manual',
      headers: { 'user-agent': 'Mozilla/5.0', 'sec-fetch-dest': 'document' },
    });
    expect(opened.status).toBe(302);
    return new URL(opened.headers.get('location') ?? '').searchParams.get('click_id') ?? '';
  }

  const lead = (clickId: string, number: number) => ({
    externalId: `lead-${number}`,
    customerExternalId: `u-${number}`,
    clickId,
    event: 'registration',
    name: 'Tess Tester',
    email: `tess${number}@elsewhere.example`,
  });

  async function report(number: number): Promise<string> {
    const made = await tester.post('/v1/leads', lead(await testClick(), number));
    expect(made.status).toBe(202);
    const found = await tester.until(
      `/v1/leads/${textAt(made.body, 'id')}`,
      (body) => at(body, 'referralId') !== null && at(body, 'processedAt') !== null,
    );
    return textAt(found, 'referralId');
  }

  test('TST-04: a clean browser, a click, an opt-in with another address: pending, credited to the test affiliate first and last', async () => {
    referralId = await report(77); // the number of the live lead: the keys of the two modes are apart

    expect((await tester.get(`/v1/referrals/${referralId}`)).body).toMatchObject({
      test: true,
      status: 'pending',
      stage: 'lead',
      affiliateId: set.affiliateId,
    });
    const touches = await tester.get(`/v1/referrals/${referralId}/touches`);
    expect(new Set((at(touches.body, 'data') as { affiliateId: string }[]).map((touch) => touch.affiliateId))).toEqual(
      new Set([set.affiliateId]),
    );
    expect((await people.ana.get(`/v1/referrals/${referralId}`)).status).toBe(404);
  });

  test('TST-05: a test purchase is logged, charges nobody, and its commission waits', async () => {
    const sale = await tester.post('/v1/sales', {
      externalId: 'order-1001',
      customer: { externalId: 'u-77', email: 'tess77@elsewhere.example' },
      product: 'starter',
      amount: { amount: '49.99', currency: 'USD' },
    });
    expect(sale).toMatchObject({ status: 202, body: { test: true } });
    const processed = await tester.until(
      `/v1/sales/${textAt(sale.body, 'id')}`,
      (body) => at(body, 'commissionIds.0') !== undefined,
    );

    expect((await tester.get(`/v1/commissions/${textAt(processed, 'commissionIds.0')}`)).body).toMatchObject({
      test: true,
      status: 'pending',
      amount: { amount: '10.00', currency: 'USD' },
    });
  });

  test('TST-06: a test payout from draft to paid with its reference, all of it marked as a test', async () => {
    await tester.post(`/v1/referrals/${referralId}/approve`, { reason: 'Test' });
    const [commissionId] = (at((await tester.get('/v1/commissions')).body, 'data') as { id: string }[]).map(
      ({ id }) => id,
    );
    expect(await tester.post(`/v1/commissions/${commissionId}/approve`, { reason: 'Test' })).toMatchObject({
      status: 200,
      body: { status: 'approved' },
    });
    await tester.post('/v1/gateways/sandbox/funding', {
      amount: { amount: '50.00', currency: 'USD' },
      reference: 'F-1',
    });
    const run = await tester.post('/v1/payout-runs', { currencies: ['USD'] });
    const runId = textAt(run.body, 'id');
    const planned = await tester.until(`/v1/payout-runs/${runId}`, (body) => at(body, 'status') === 'planned');
    const drafts = await tester.get(`/v1/payouts?runId=${runId}`);
    expect(drafts.body).toMatchObject({ data: [{ status: 'draft', test: true, amount: { amount: '10.00' } }] });
    payoutId = textAt(drafts.body, 'data.0.id');
    const planHash = textAt(planned, 'planHash');
    expect((await tester.post(`/v1/payout-runs/${runId}/approve`, { planHash, reason: 'Test' })).status).toBe(200);
    expect((await tester.post(`/v1/payout-runs/${runId}/execute`)).status).toBe(200);

    const paid = await tester.until(`/v1/payouts/${payoutId}`, (body) => at(body, 'status') === 'paid');
    expect(textAt(paid, 'reference')).not.toBe('');
    expect(paid).toMatchObject({ test: true });
    expect((await tester.get(`/v1/payout-runs/${runId}`)).body).toMatchObject({ test: true });
    expect((await people.ana.get(`/v1/payouts/${payoutId}`)).status).toBe(404);
    // The run asks for the gateway's statement when it is done, which opens accounts: after the purge it would open one anew.
    await tester.until('/v1/reconciliations', (body) => at(body, 'data.0.id') !== undefined);
    openReferralId = await report(78);
  });

  /** Rows that are not a test's, by table; the books to the row. */
  async function liveRows(): Promise<Readonly<Record<string, string>>> {
    const { rows: tables } = await owner.raw<{ rows: { name: string }[] }>(
      `select table_name as name from information_schema.columns join information_schema.tables using (table_schema, table_name)
       where table_schema = 'public' and table_type = 'BASE TABLE' and column_name = 'mode' order by 1`,
    );
    const counted: Record<string, string> = {};
    for (const { name } of tables) {
      // What a request leaves behind of itself is not what is compared.
      if (['api_keys', 'api_log', 'idempotency_keys', 'audit_entries', 'operations'].includes(name)) continue;
      // Nor what the relay folds at any moment from one of these tables into another: the figures themselves are compared.
      if (/^rollup_|_days$|^affiliate_last_activity$/.test(name)) continue;
      const { rows } = await owner.raw<{ rows: { digest: string }[] }>(
        `select count(*) || ' ' || coalesce(md5(string_agg(md5(row::text), '' order by row::text)), '') as digest from ${name} as row where mode = 'live'`,
      );
      counted[name] = rows[0]?.digest ?? '';
    }
    return counted;
  }

  /** The invariants, as the owner over all rows and as the product in its workspace. */
  async function booksHold(): Promise<void> {
    const broken = (await checkBooks(owner)).filter(({ violations }) => violations > 0);
    expect(broken.filter(({ id }) => id !== 'I14')).toEqual([]); // the chain takes a commit within seconds
    const checks = await people.ana.post('/v1/ledger-checks');
    const failing = (checks.body as { id: string; violations: number }[]).filter((one) => one.violations > 0);
    expect(failing.filter(({ id }) => id !== 'I14')).toEqual([]);
  }

  const ledgerRows = async () => {
    const { rows } = await owner.raw<{ rows: { digest: string }[] }>(
      `select count(*) || md5(string_agg(posting::text, '' order by posting::text)) as digest from ledger_postings as posting`,
    );
    return rows[0]?.digest;
  };

  test('TST-07: one action puts all test facts away for good; live rows and the books stay as they are', async () => {
    const live = await liveRows();
    const ledger = await ledgerRows();
    const figures = await people.ana.get(`/v1/affiliates/${set.affiliateId}/metrics`);
    const balance = await trialBalance(people);
    expect(figures.status).toBe(200);
    expect((await people.ana.post('/v1/test-data/purge', { sure: true })).status).toBe(422);
    const asked = await people.ana.post('/v1/test-data/purge');
    expect(asked).toMatchObject({ status: 202, body: { kind: 'test_data.purge' } });
    const done = await people.ana.until(
      `/v1/operations/${textAt(asked.body, 'id')}`,
      (body) => at(body, 'status') === 'done',
    );

    expect(done).toMatchObject({
      result: { archived: { referrals: 2, leads: 2, sales: 1, commissions: 1, payouts: 1, payout_runs: 1, clicks: 2 } },
    });
    for (const path of [
      '/v1/referrals',
      '/v1/leads',
      '/v1/sales',
      '/v1/commissions',
      '/v1/payouts',
      '/v1/payout-runs',
      '/v1/clicks',
      '/v1/ledger-postings',
      '/v1/ledger-accounts',
      '/v1/histories',
    ])
      expect({ path, body: (await tester.get(path)).body }).toMatchObject({ path, body: { data: [] } });
    for (const path of [
      `/v1/referrals/${referralId}`,
      `/v1/payouts/${payoutId}`,
      `/v1/referrals/${openReferralId}/story`,
    ])
      expect((await tester.get(path)).status).toBe(404);
    expect((await tester.get('/v1/ledger-trial-balance?currency=USD')).body).toMatchObject({
      balanced: true,
      rows: [],
    });
    expect((await tester.get(`/v1/affiliates/${set.affiliateId}/balances`)).body).not.toMatchObject([
      { owed: { amount: '10.00' } },
    ]);

    expect(await liveRows()).toEqual(live);
    expect(await ledgerRows()).toEqual(ledger);
    expect((await people.ana.get(`/v1/affiliates/${set.affiliateId}/metrics`)).body).toEqual(figures.body);
    expect(await trialBalance(people)).toEqual(balance);
    expect((await people.ana.get('/v1/audit-entries?event=testDataPurged')).body).toMatchObject({
      data: [{ objectId: textAt(asked.body, 'id'), changes: { archived: { referrals: 2 } } }],
    });
    await booksHold();
    const chain = await people.ana.post('/v1/audit-verifications');
    expect(chain).toMatchObject({ status: 201, body: { firstBadEntryId: null } });
  }, 60_000);

  test('TST-07: no workflow waits for what was put away, and its keys are free', async () => {
    const listed = await stack.temporalCommand(
      'workflow',
      'list',
      '--query',
      `ExecutionStatus = 'Running'`,
      '--limit',
      '200',
    );
    expect(listed.output).not.toContain(openReferralId);
    expect(listed.output).not.toContain(referralId);

    const again = await report(78);
    expect(again).not.toBe(openReferralId);
    expect((await tester.get(`/v1/referrals/${again}`)).body).toMatchObject({ status: 'pending', test: true });
    const second = await people.ana.post('/v1/test-data/purge');
    await people.ana.until(`/v1/operations/${textAt(second.body, 'id')}`, (body) => at(body, 'status') === 'done');
    expect((await tester.get('/v1/referrals')).body).toMatchObject({ data: [] });
    await booksHold();
  }, 120_000);
});
