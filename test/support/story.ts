import { expect } from 'vitest';
import { apiClient, type ApiClient, at, textAt } from './apiClient.js';
import type { LiveStack } from './liveStack.js';

// The worked example of api.md 19, in pieces that the end-to-end and the fault tests share. Numbers in names are its steps.

export interface People {
  readonly ana: ApiClient;
  readonly ben: ApiClient;
  readonly workspaceId: string;
  /** Ana as a user: who a decision by hand claims to be from. */
  readonly anaId: string;
}

export interface SetUp {
  readonly programId: string;
  readonly productId: string;
  readonly affiliateId: string;
  readonly linkId: string;
}

const money = (amount: string) => ({ amount, currency: 'USD' });

/** Steps before 1: Ana by the printed link, Ben by his invitation, a key for each. */
export async function signIn(stack: LiveStack): Promise<People> {
  const base = stack.baseUrl;
  const json = { 'content-type': 'application/json' };
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${base}${path}`, {
      method: 'POST',
      headers: { ...json, ...headers },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as unknown;
    return {
      status: response.status,
      body: answer,
      cookie: response.headers
        .getSetCookie()
        .map((cookie) => cookie.split(';')[0])
        .join('; '),
    };
  };
  const session = await post('/v1/auth/one-time', { token: stack.signInLink.split('/welcome/')[1] });
  expect(session.status).toBe(200);
  const asAna = { cookie: session.cookie, 'x-csrf-token': textAt(session.body, 'csrfToken') };
  const anaKey = await post('/v1/api-keys', { name: 'ana', kind: 'secret', test: false, roleId: 'owner' }, asAna);
  expect(anaKey.status).toBe(201);
  const ana = apiClient(
    () => stack.baseUrl,
    () => textAt(anaKey.body, 'secret'),
  );
  expect(
    (
      await post(
        '/v1/users',
        { email: 'ben@shop.example', name: 'Ben', roleIds: ['finance_approver', 'developer'] },
        asAna,
      )
    ).status,
  ).toBe(201);
  const mails = await ana.until(
    '/v1/dev/emails?to=ben@shop.example',
    (body) => at(body, 'data.0.links.0') !== undefined,
  );
  const token = textAt(mails, 'data.0.links.0').split('/').at(-1);
  const benSession = await post('/v1/auth/accept-invite', { token, password: 'a long pass phrase of ben' });
  expect(benSession.status).toBe(200);
  const benKey = await post(
    '/v1/api-keys',
    { name: 'ben', kind: 'secret', test: false, roleId: 'finance_approver' },
    { cookie: benSession.cookie, 'x-csrf-token': textAt(benSession.body, 'csrfToken') },
  );
  expect(benKey.status).toBe(201);
  return {
    ana,
    ben: apiClient(
      () => stack.baseUrl,
      () => textAt(benKey.body, 'secret'),
    ),
    workspaceId: textAt(session.body, 'workspace.id'),
    anaId: textAt(session.body, 'user.id'),
  };
}

/** Steps 2 to 11. */
export async function setUp(
  { ana }: People,
  options: { readonly commissionApproval?: 'manual' | 'automatic' } = {},
): Promise<SetUp> {
  const settings = await ana.call('/v1/settings', {
    method: 'PATCH',
    headers: { 'if-match': '"1"' },
    body: { general: { timeZone: 'UTC', defaultCurrency: 'USD' }, payouts: { minimumPayout: [money('5.00')] } },
  });
  expect(settings).toMatchObject({ status: 200, body: { version: 2, savedAt: expect.any(String) as unknown } });
  const program = await ana.post('/v1/programs', {
    name: 'Spring',
    currency: 'USD',
    requirements: [],
    commissionApproval: options.commissionApproval ?? 'manual',
    commissionHold: 'PT0S',
    fallbackUrl: 'https://shop.example/',
    destinationHosts: ['shop.example'],
  });
  expect(program).toMatchObject({ status: 201, body: { status: 'draft' } });
  const programId = textAt(program.body, 'id');
  const product = await ana.post('/v1/products', { name: 'Starter', sku: 'starter', price: money('49.99') });
  expect(product.status).toBe(201);
  const productId = textAt(product.body, 'id');
  expect((await ana.post(`/v1/programs/${programId}/products`, { productId })).status).toBe(201);
  const rule = await ana.post('/v1/commission-rules', {
    name: '20 %',
    scope: 'program',
    programId,
    event: 'payment',
    base: 'net',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  expect(rule).toMatchObject({ status: 201, body: { version: 1 } });
  expect(
    (
      await ana.post(`/v1/programs/${programId}/agreements`, {
        kind: 'terms',
        title: 'Terms',
        text: 'Be fair.',
        mustAccept: false,
      })
    ).status,
  ).toBe(201);
  expect(await ana.post(`/v1/programs/${programId}/publish`)).toMatchObject({
    status: 200,
    body: { status: 'active' },
  });
  const affiliate = await ana.post('/v1/affiliates', {
    name: 'Ada',
    email: 'ada@blog.example',
    programIds: [programId],
  });
  expect(affiliate).toMatchObject({
    status: 201,
    body: { status: 'pending', enrolments: [{ programId, linkId: expect.any(String) as unknown }] },
  });
  const affiliateId = textAt(affiliate.body, 'id');
  expect(await ana.post(`/v1/affiliates/${affiliateId}/approve`, { reason: 'Known blogger' })).toMatchObject({
    status: 200,
    body: { status: 'approved', active: true },
  });
  expect(await ana.post(`/v1/affiliates/${affiliateId}/approve`, { reason: 'Known blogger' })).toMatchObject({
    status: 409,
    body: { code: 'already_decided' },
  });
  const link = await ana.post('/v1/links', {
    affiliateId,
    programId,
    slug: 'ada-spring',
    destinationUrl: 'https://shop.example/pricing',
  });
  expect(link).toMatchObject({ status: 201, body: { credits: true } });
  return { programId, productId, affiliateId, linkId: textAt(link.body, 'id') };
}

/** Step 12: the click of a person's browser. Answers the click's id. */
export async function followLink(stack: LiveStack, cookie?: string): Promise<string> {
  const response = await fetch(`${stack.baseUrl}/r/ada-spring?sid=kw1&utm_source=x`, {
    redirect: 'manual',
    headers: { 'user-agent': 'Mozilla/5.0', 'sec-fetch-dest': 'document', ...(cookie === undefined ? {} : { cookie }) },
  });
  expect(response.status).toBe(302);
  const location = response.headers.get('location') ?? '';
  const clickId = new URL(location).searchParams.get('click_id') ?? '';
  expect(location).toBe(`https://shop.example/pricing?sid=kw1&utm_source=x&click_id=${clickId}`);
  expect(response.headers.getSetCookie()).toEqual([
    `trb_click=${clickId}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax`,
  ]);
  return clickId;
}

/** Step 13. Answers the referral's id once the lead is accepted. */
export async function reportLead({ ana }: People, set: SetUp, clickId: string, number = 77): Promise<string> {
  const body = {
    externalId: `lead-${number}`,
    customerExternalId: `u-${number}`,
    clickId,
    event: 'registration',
    name: 'Jo Buyer',
    email: `jo${number === 77 ? '' : number}@buyer.example`,
  };
  const lead = await ana.post('/v1/leads', body);
  expect(lead.status).toBe(202);
  const accepted = await ana.until(
    `/v1/leads/${textAt(lead.body, 'id')}`,
    (found) => at(found, 'verdict') === 'accepted' && at(found, 'processedAt') !== null,
  );
  expect(accepted).toMatchObject({
    verdict: 'accepted',
    attribution: { status: 'attributed', affiliateId: set.affiliateId, sub1: 'kw1' },
  });
  return textAt(accepted, 'referralId');
}

/** Step 14. Answers sale and commission. */
export async function reportSale(
  { ana }: People,
  number = 77,
  order = 1001,
): Promise<{ readonly saleId: string; readonly commissionId: string }> {
  const body = {
    externalId: `order-${order}`,
    customer: { externalId: `u-${number}`, email: `jo${number === 77 ? '' : number}@buyer.example` },
    product: 'starter',
    amount: money('49.99'),
  };
  const sale = await ana.post('/v1/sales', body);
  expect(sale.status).toBe(202);
  const saleId = textAt(sale.body, 'id');
  const processed = await ana.until(`/v1/sales/${saleId}`, (found) => at(found, 'commissionIds.0') !== undefined);
  expect(at(processed, 'commissionIds.1')).toBeUndefined();
  expect(await ana.post('/v1/sales', body)).toMatchObject({
    status: 200,
    body: { id: saleId, commissionIds: [at(processed, 'commissionIds.0')] },
  });
  return { saleId, commissionId: textAt(processed, 'commissionIds.0') };
}

/** Steps 18 to 20: a confirmed method, and money at the gateway. */
export async function prepareMoney({ ana, ben }: People, set: SetUp, account = 'ok'): Promise<string> {
  const method = await ana.post(`/v1/affiliates/${set.affiliateId}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account },
  });
  expect(method).toMatchObject({ status: 201, body: { status: 'unverified' } });
  const methodId = textAt(method.body, 'id');
  const preview = await ana.post('/v1/payout-runs/preview', { currencies: ['USD'] });
  expect(preview).toMatchObject({
    status: 200,
    body: { notPayable: [{ affiliateId: set.affiliateId, reasons: [{ code: 'method_unverified' }] }] },
  });
  expect(await ana.post(`/v1/payout-methods/${methodId}/verify`, { reason: 'Called her' })).toMatchObject({
    status: 403,
    body: { code: 'own_work' },
  });
  expect(await ben.post(`/v1/payout-methods/${methodId}/verify`, { reason: 'Called her' })).toMatchObject({
    status: 200,
    body: { status: 'active' },
  });
  expect((await ben.post('/v1/gateways/sandbox/funding', { amount: money('100.00'), reference: 'F-1' })).status).toBe(
    201,
  );
  return methodId;
}

/** Steps 22 to 24, up to the execution. */
export async function runPayout({ ana, ben }: People): Promise<{ readonly runId: string; readonly payoutId: string }> {
  const run = await ana.post('/v1/payout-runs', { currencies: ['USD'] });
  expect(run.status).toBe(202);
  const runId = textAt(run.body, 'id');
  const planned = await ana.until(`/v1/payout-runs/${runId}`, (body) => at(body, 'status') === 'planned');
  const payouts = await ana.get(`/v1/payouts?runId=${runId}`);
  expect(payouts.body).toMatchObject({ data: [{ status: 'draft', amount: money('10.00') }] });
  const planHash = textAt(planned, 'planHash');
  expect(await ana.post(`/v1/payout-runs/${runId}/approve`, { planHash, reason: 'ok' })).toMatchObject({
    status: 403,
    body: { code: 'own_work' },
  });
  expect(await ben.post(`/v1/payout-runs/${runId}/approve`, { planHash: 'sha256:other', reason: 'ok' })).toMatchObject({
    status: 409,
    body: { code: 'plan_changed' },
  });
  expect(await ben.post(`/v1/payout-runs/${runId}/approve`, { planHash, reason: 'ok' })).toMatchObject({
    status: 200,
    body: { status: 'approved' },
  });
  const executed = await ben.post(`/v1/payout-runs/${runId}/execute`);
  expect(executed.status).toBe(200);
  return { runId, payoutId: textAt(payouts.body, 'data.0.id') };
}

/** Debit and credit columns by account kind, and the total of each side. */
export async function trialBalance({ ben }: People): Promise<Readonly<Record<string, string>>> {
  const answer = await ben.get('/v1/ledger-trial-balance?currency=USD');
  expect(answer).toMatchObject({ status: 200, body: { balanced: true } });
  const rows = at(answer.body, 'rows') as readonly {
    kind: string;
    debit: { amount: string } | null;
    credit: { amount: string } | null;
  }[];
  const columns = Object.fromEntries(
    rows.map((row) => [row.kind, row.debit === null ? `-${row.credit?.amount}` : row.debit.amount]),
  );
  expect(at(answer.body, 'totalDebit')).toEqual(at(answer.body, 'totalCredit'));
  return { ...columns, total: textAt(answer.body, 'totalDebit.amount') };
}
