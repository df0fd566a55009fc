import { randomUUID } from 'node:crypto';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdsDemo, makeDemo, makeDemoOfToday } from '../../bin/demo.js';
import { affiliateTransitions } from '../../domain/affiliate/affiliate.js';
import { commissionTransitions } from '../../domain/earning/commission.js';
import { referralTransitions } from '../../domain/earning/referral.js';
import { payoutTransitions } from '../../domain/payout/payout.js';
import { statusesOf } from '../../domain/transitions.js';
import { checkBooks } from '../../db/reads/earning/bookChecks.js';
import { type Config, loadConfig } from '../../platform/config.js';
import { apiClient, type ApiClient, at, textAt } from '../support/apiClient.js';
import { eventually } from '../support/eventually.js';
import { LiveStack } from '../support/liveStack.js';
import { ensureWebPages } from '../support/webPages.js';

// The first run of a newcomer (screens.md 9): the year, today's items through the real API and workflows, and the shop.

/** The year and ten journeys on a busy machine. */
const patient = { within: 120_000 };

let stack: LiveStack;
let config: Config;
let owner: Knex;
let shop: ApiClient;

beforeAll(async () => {
  ensureWebPages(); // the shop is one of them
  stack = await LiveStack.start({ env: { NODE_ENV: 'development' } });
  config = loadConfig(stack.environment);
  owner = knexFactory({ client: 'pg', connection: stack.ownerUrl, pool: { min: 0, max: 1 } });
}, 300_000);
afterAll(async () => {
  await owner?.destroy();
  await stack?.stop();
});

test('without demo data there is no shop', async () => {
  expect(await holdsDemo(config)).toBe(false);
  expect((await fetch(`${stack.baseUrl}/demo-shop`)).status).toBe(404);
});

test('the year is made once, today through the API, and a killed start goes on where it stopped', async () => {
  const made = await makeDemo(config);
  expect(made?.words).toBe('3 programs, 48 affiliates, 12 months');
  const developer = apiClient(
    () => stack.baseUrl,
    () => made?.testKey ?? '',
  );
  expect(await developer.get('/v1/me')).toMatchObject({ status: 200, body: { mode: 'test', type: 'api_key' } });
  expect(await makeDemo(config)).toBeUndefined();
  expect(await holdsDemo(config)).toBe(true);

  const killed = new AbortController();
  const first = makeDemoOfToday(config, killed.signal).catch((error: unknown) => error);
  await eventually(async () => {
    const { rows } = await owner.raw<{ rows: { leads: number }[] }>(
      `select count(*)::int as leads from leads where external_id like 'today-%'`,
    );
    expect(rows[0]?.leads).toBeGreaterThan(1);
    return true;
  }, patient);
  killed.abort();
  expect(await first).toMatchObject({ name: 'AbortError' });

  expect(await makeDemoOfToday(config, new AbortController().signal)).toMatch(/^8 leads, 4 sales, a refund, 3 payouts/);
  expect(await makeDemoOfToday(config, new AbortController().signal)).toBeUndefined();
  const { rows } = await owner.raw<{ rows: { leads: number; keys: number; runs: number }[] }>(
    `select (select count(*)::int from leads where external_id like 'today-%') as leads,
            (select count(*)::int from api_keys where name = 'Demo data of today' and revoked_at is null) as keys,
            (select count(*)::int from payout_runs where status = 'planned') as runs`,
  );
  expect(rows[0]).toEqual({ leads: 8, keys: 0, runs: 1 });
}, 400_000);

test('TST-11: programs, groups, affiliates, referrals and payouts stand in every state; a second start keeps them', async () => {
  const found = async (table: string, column = 'status'): Promise<ReadonlySet<string>> =>
    new Set((await owner(table).distinct<Record<string, string>[]>(column)).map((row) => row[column] ?? ''));
  for (const [table, words] of [
    ['affiliates', statusesOf(affiliateTransitions)],
    ['referrals', statusesOf(referralTransitions)],
    ['payouts', statusesOf(payoutTransitions)],
    ['commissions', statusesOf(commissionTransitions)],
  ] as const) {
    const there = await found(table);
    expect({ table, missing: words.filter((word) => !there.has(word)) }).toEqual({ table, missing: [] });
  }
  expect((await found('programs')).size).toBeGreaterThan(0);
  expect((await owner('groups').count<{ count: string }[]>())[0]?.count).not.toBe('0');
});

test('payouts of today show what can go wrong, and the books hold', async () => {
  await eventually(async () => {
    const { rows } = await owner.raw<{ rows: { states: string[] }[] }>(
      `select array_agg(distinct attempt.state order by attempt.state) as states
       from payout_attempts as attempt where attempt.gateway = 'sandbox'`,
    );
    expect(rows[0]?.states).toEqual(['refused', 'returned', 'unknown']);
    return true;
  }, patient);
  await eventually(async () => {
    expect((await checkBooks(owner)).filter((result) => result.violations > 0)).toEqual([]);
    return true;
  }, patient);
}, 300_000);

test('what waited since before the start is decided by a workflow of its own', async () => {
  const { rows } = await owner.raw<{ rows: { id: string }[] }>(
    `select id from referrals where status = 'pending' and created_at < now() - interval '1 day' order by id limit 1`,
  );
  const id = rows[0]?.id ?? '';
  const { cookie, token } = await signIn();
  const answer = await fetch(`${stack.baseUrl}/v1/referrals/${id}/approve`, {
    method: 'POST',
    headers: {
      cookie,
      'x-csrf-token': token,
      'content-type': 'application/json',
      'idempotency-key': '6b1f6f0e-0000-4000-a000-000000000001',
    },
    body: '{}',
  });
  expect([200, 202]).toContain(answer.status);
  await eventually(async () => {
    const { rows: found } = await owner.raw<{ rows: { status: string }[] }>(
      'select status from referrals where id = ?',
      [id],
    );
    return found[0]?.status === 'approved';
  }, patient);
}, 300_000);

test('the run of today is approved and executed by a second person, and most of it is paid within seconds', async () => {
  const [run] = itemsAt(await ask('GET', '/v1/payout-runs?status=planned'), 'data');
  const path = `/v1/payout-runs/${textAt(run, 'id')}`;
  const planned = Number(at(run, 'progress.draft'));
  await ask('POST', `${path}/approve`, { planHash: textAt(run, 'planHash') });
  await eventually(async () => at(await ask('GET', path), 'status') === 'approved', patient);
  await ask('POST', `${path}/execute`, {});
  const payoutsOf = async (type: string) =>
    itemsAt(await ask('GET', `/v1/payouts?runId=${textAt(run, 'id')}&limit=100`), 'data').filter(
      (payout) => (at(payout, 'method.type') === 'sandbox') === (type === 'sandbox'),
    );
  await eventually(async () => {
    const bySandbox = await payoutsOf('sandbox');
    expect(bySandbox.length).toBeGreaterThan(planned / 2);
    // All currencies of the year, and the one whose bank takes half a minute.
    expect(new Set(bySandbox.map((payout) => at(payout, 'amount.currency'))).size).toBe(3);
    expect(bySandbox.map((payout) => at(payout, 'status'))).toEqual(bySandbox.map(() => 'paid'));
    return true;
  }, patient);
  // Those of banks wait for the person who pays them there.
  const byHand = await payoutsOf('bank');
  expect(byHand.length).toBeGreaterThan(0);
  expect(byHand.map((payout) => at(payout, 'status'))).toEqual(byHand.map(() => 'pending'));
  expect((await checkBooks(owner)).filter((result) => result.violations > 0)).toEqual([]);
}, 300_000);

/** A list of an answer. */
function itemsAt(body: unknown, path: string): readonly unknown[] {
  const found = at(body, path);
  if (!Array.isArray(found)) throw new Error(`no list at ${path} of ${JSON.stringify(body).slice(0, 800)}`);
  return found;
}

/** Calls of the owner's browser that have to succeed; their answers. */
async function ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
  const { cookie, token } = await signIn();
  const answer = await fetch(`${stack.baseUrl}${path}`, {
    method,
    headers: {
      cookie,
      'x-csrf-token': token,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  expect(answer.status, `${method} ${path}: ${text.slice(0, 800)}`).toBeLessThan(300);
  return JSON.parse(text) as unknown;
}

let session: Promise<{ readonly cookie: string; readonly token: string }> | undefined;

/** The printed link opens once: every test goes on in its session. */
function signIn(): Promise<{ readonly cookie: string; readonly token: string }> {
  return (session ??= openLink());
}

async function openLink(): Promise<{ readonly cookie: string; readonly token: string }> {
  const answer = await fetch(`${stack.baseUrl}/v1/auth/one-time`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: stack.signInLink.split('/welcome/')[1] }),
  });
  expect(answer.status).toBe(200);
  const cookie = answer.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  return { cookie, token: textAt(await answer.json(), 'csrfToken') };
}

test('the shop is told what it sells, and its key reports a lead, a sale and a refund of a click', async () => {
  const page = await fetch(`${stack.baseUrl}/demo-shop`);
  expect(page.status).toBe(200);
  const detail = /name="page" content="([A-Za-z0-9+/=]+)"/.exec(await page.text())?.[1] ?? '';
  const told = JSON.parse(Buffer.from(detail, 'base64').toString('utf8')) as {
    readonly key: string;
    readonly programs: readonly {
      readonly products: readonly { readonly sku: string; readonly price: unknown }[];
      readonly links: readonly { readonly slug: string }[];
    }[];
  };
  expect(told.programs).toHaveLength(3);
  shop = apiClient(
    () => stack.baseUrl,
    () => told.key,
  );
  const [program] = told.programs;
  const [product] = program?.products ?? [];
  const click = await fetch(`${stack.baseUrl}/r/${program?.links[0]?.slug ?? ''}`, {
    redirect: 'manual',
    headers: { 'user-agent': 'Mozilla/5.0 (a person)', 'sec-fetch-dest': 'document' },
  });
  const landing = new URL(click.headers.get('location') ?? '');
  expect(landing.pathname).toBe('/demo-shop');
  const clickId = landing.searchParams.get('click_id');

  const customer = { externalId: 'shop-1', customerExternalId: 'shop-1', email: 'shop-1@customer.test' };
  const lead = await shop.post('/v1/leads', { ...customer, clickId, event: 'registration' });
  expect(lead.status).toBe(202);
  const until = (path: string, holds: (body: unknown) => boolean): Promise<boolean> =>
    eventually(async () => {
      const answer = await shop.get(path);
      expect([answer.status, holds(answer.body)]).toEqual([200, true]);
      return true;
    }, patient);
  await until(`/v1/leads/${textAt(lead.body, 'id')}`, (body) => at(body, 'processedAt') !== null);
  const sale = await shop.post('/v1/sales', {
    externalId: 'shop-order-1',
    customer: { externalId: 'shop-1' },
    product: product?.sku,
    amount: product?.price,
  });
  const saleId = textAt(sale.body, 'id');
  await until(`/v1/sales/${saleId}`, (body) => at(body, 'commissionIds.0') !== undefined);
  const refund = await shop.post(`/v1/sales/${saleId}/refunds`, { externalId: 'shop-refund-1' });
  expect(refund.status).toBe(202);
  await until(`/v1/sales/${saleId}`, (body) => at(body, 'status') === 'refunded');
  // What a shop reports and nothing else.
  expect((await shop.get('/v1/affiliates')).status).toBe(403);
  expect((await shop.post('/v1/payout-runs', {})).status).toBe(403);
}, 400_000);
