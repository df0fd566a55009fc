import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectedGateways } from '../../../activities/gateways/connected.js';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import { openGatewayAccess } from '../../../activities/payout/deps.js';
import { createDraft } from '../../../activities/payout/payout.js';
import { hookAddress } from '../../../api/routes/payout/gatewayHook.js';
import type { CurrencyCode } from '../../../domain/money.js';
import { fetchOutside, gatewayRules } from '../../../platform/outbound.js';
import type { PayoutRef } from '../../../workflows/contract.js';
import { createPayoutWorld, type PayoutWorld } from '../../activities/payout/payoutWorld.js';
import { type FakePaypal, paypalFields, startFakePaypal } from '../../support/gateways/fakePaypal.js';
import { type FakeStripe, startFakeStripe, stripeFields } from '../../support/gateways/fakeStripe.js';
import { type FakeWise, startFakeWise, wiseFields } from '../../support/gateways/fakeWise.js';
import { itemsOf, startTestApi, type TestApi } from '../support.js';

// Providers as a merchant connects them: credentials in, never out; a route chosen by what is connected; one payout through each, by the
// worker's own activities over HTTP; what the provider reports, by its own signature. The contract of each adapter: contract.test.ts.

const eur = 'EUR' as CurrencyCode;
let api: TestApi;
let world: PayoutWorld;
let folder: string;
let paypal: FakePaypal;
let wise: FakeWise;
let stripe: FakeStripe;
let owner: string;
let ownerTest: string;
let ben: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tributary-gateway-api-'));
  [paypal, wise, stripe] = await Promise.all([
    startFakePaypal(path.join(folder, 'paypal.journal')),
    startFakeWise(path.join(folder, 'wise.journal')),
    startFakeStripe(path.join(folder, 'stripe.journal')),
  ]);
  const origins: Readonly<Record<string, string>> = {
    'https://api-m.sandbox.paypal.com': paypal.origin,
    'https://api.wise-sandbox.com': wise.origin,
    'https://api.stripe.com': stripe.origin,
  };
  const asked: string[] = [];
  const providers = connectedGateways({
    now: paypal.now,
    // The adapters name the providers' own hosts; on the way out each becomes its fake.
    ask: (address, call) => {
      const host = new URL(address).origin;
      asked.push(host);
      const origin = origins[host];
      if (origin === undefined) throw new Error(`nobody may ask ${host}`);
      return fetchOutside(address.replace(host, origin), gatewayRules({ outboundAllow: ['127.0.0.0/8'] }), call);
    },
  });
  api = await startTestApi({ deps: { gatewayDesks: new Map(providers.map((one) => [one.adapter, one])) } });
  world = await createPayoutWorld({
    database: api.database,
    gateways: [...providers, createManualGateway()],
    openGatewayAccess: (sealed) => openGatewayAccess(sealed, api.deps.secrets),
  });
  const workspace = { id: world.workspaceId };
  owner = (await api.makePerson(workspace, ['owner'])).key;
  ownerTest = (await api.makePerson(workspace, ['owner'], { mode: 'test' })).key;
  ben = await world.makePerson('Ben', ['finance_approver']);
});
afterAll(async () => {
  await world?.close();
  await api?.close();
  for (const fake of [paypal, wise, stripe]) await fake?.close();
  await rm(folder, { recursive: true, force: true });
});

const fieldsOf = { paypal: paypalFields, wise: wiseFields, stripe: stripeFields } as const;
type Provider = keyof typeof fieldsOf;
const connect = (gateway: Provider, credentials: unknown = fieldsOf[gateway], key = owner) =>
  api.as(key, `/v1/gateways/${gateway}/credentials`, {
    method: 'PUT',
    body: { environment: 'sandbox', credentials },
  });
const gatewayOf = async (id: string, key = owner) =>
  itemsOf((await api.as(key, '/v1/gateways')).body['data']).find((one) => one['id'] === id);

test('INT-05: all adapters are listed; without credentials a provider is not connected and nothing is routed to it', async () => {
  const list = itemsOf((await api.as(owner, '/v1/gateways')).body['data']);
  expect(list.map((one) => [one['id'], one['connected']])).toEqual([
    ['manual', true],
    ['paypal', false],
    ['sandbox', true],
    ['stripe', false],
    ['wise', false],
  ]);
  const types = itemsOf((await api.as(owner, '/v1/payout-method-types')).body['data']);
  expect(types.find((one) => one['type'] === 'tipalti')).toMatchObject({ usable: false });
  expect(types.find((one) => one['type'] === 'paypal')).toMatchObject({ execution: 'manual' });
  const affiliateId = await world.makeAffiliate('Not yet');
  expect(await route(affiliateId, 'paypal', { email: 'ok@blog.example' })).toMatchObject({
    gateway: 'manual',
    execution: 'manual',
  });
  expect((await api.as(owner, '/v1/gateways/paypal/test', { method: 'POST' })).body).toMatchObject({
    code: 'not_enabled',
  });
});

test('credentials are judged, sealed, shown to nobody and told to the history without a word of them', async () => {
  const wrong = await connect('paypal', { clientId: 'short', pin: '1234' });
  expect(wrong).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
  expect(itemsOf(wrong.body['errors']).map((one) => one['pointer'])).toEqual([
    '#/credentials/clientId',
    '#/credentials/clientSecret',
    '#/credentials/pin',
  ]);
  expect((await connect('stripe', { ...stripeFields, secretKey: 'sk_live_4eC39HqLyjWDarjtT1zdp7dc' })).status).toBe(
    422,
  );
  expect(
    (await api.as(owner, '/v1/gateways/sandbox/credentials', { method: 'PUT', body: { credentials: {} } })).status,
  ).toBe(404);
  const preparer = await api.makePerson({ id: world.workspaceId }, ['finance_preparer']);
  expect((await connect('paypal', paypalFields, preparer.key)).status).toBe(403);
  expect(await gatewayOf('paypal')).toMatchObject({ connected: false, credentials: null });

  for (const gateway of ['paypal', 'wise', 'stripe'] as const) expect((await connect(gateway)).status).toBe(204);

  const shown = await gatewayOf('paypal');
  expect(shown).toMatchObject({
    connected: true,
    credentials: { environment: 'sandbox', account: paypalFields.clientId, triedAt: null },
    hookUrl: `http://localhost:3000${hookAddress(world.workspaceId, 'paypal')}`,
  });
  const everything = JSON.stringify([
    await world.rows('gateway_credentials', {}),
    await world.rows('audit_entries', { object_type: 'gateway' }),
    (await api.as(owner, '/v1/gateways')).body,
  ]);
  for (const secret of [
    paypalFields.clientSecret,
    wiseFields.apiToken,
    stripeFields.secretKey,
    stripeFields.webhookSecret,
  ])
    expect(everything).not.toContain(secret);
  const history = await world.rows('audit_entries', { object_type: 'gateway', event: 'connected' });
  expect(history).toHaveLength(3);
  expect(history.map((one) => one['changes'])).toContainEqual({
    environment: 'sandbox',
    account: paypalFields.clientId,
    fields: 'clientId, clientSecret, webhookId',
  });
});

test('production refuses a provider’s place for trying out', async () => {
  const strict = await startTestApi({ config: { nodeEnv: 'production', publicUrl: 'https://p.example' } });
  try {
    const workspace = await strict.makeWorkspace();
    const answer = await strict.as(workspace.key, '/v1/gateways/paypal/credentials', {
      method: 'PUT',
      body: { environment: 'sandbox', credentials: paypalFields },
    });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '#/environment' }] } });
  } finally {
    await strict.close();
  }
});

test('trying them out shows what lies there, or why not, and is remembered', async () => {
  paypal.topUp(500_000n, 'EUR');
  const good = await api.as(owner, '/v1/gateways/paypal/test', { method: 'POST' });
  expect(good).toMatchObject({
    status: 200,
    body: { ok: true, code: null, balances: [{ amount: '5000.00', currency: 'EUR' }] },
  });
  expect(await gatewayOf('paypal')).toMatchObject({ credentials: { triedCode: 'ok' } });
  await connect('stripe', { ...stripeFields, accountId: 'acct_somebodyElse01' });
  expect((await api.as(owner, '/v1/gateways/stripe/test', { method: 'POST' })).body).toMatchObject({
    ok: false,
    code: 'other_account',
  });
  await connect('stripe');
});

interface Routed {
  readonly payoutId: string;
  readonly gateway: string;
  readonly execution: string;
}

const maskedOf: Readonly<Record<string, string>> = {
  paypal: 'o…@blog.example',
  bank: 'DE89 …3000',
  wallet: 'stripe …0001',
};

/** A draft of 200.00 EUR for a new method of this type. */
async function route(
  affiliateId: Awaited<ReturnType<PayoutWorld['makeAffiliate']>>,
  type: string,
  details: Readonly<Record<string, string>>,
  mode: 'live' | 'test' = 'live',
): Promise<Routed> {
  const methodId = await world.makeMethod(affiliateId, { type, currency: 'EUR' });
  await world.write((tx) =>
    tx('payout_methods')
      .where({ id: methodId })
      .update({ masked: maskedOf[type], details: JSON.stringify({ sealed: JSON.stringify(details) }) }),
  );
  await world.earn(affiliateId, 20_000n, { currency: 'EUR', mode });
  const payoutId = await world.write(
    (tx, act) => createDraft(tx, act, { affiliateId, currency: eur, gateways: { sandboxPaysLive: true } }),
    { mode },
  );
  const row = await world.row('payouts', payoutId);
  return { payoutId, gateway: String(row['gateway']), execution: String(row['execution']) };
}

async function send(payoutId: string) {
  const ref = { workspaceId: world.workspaceId, payoutId } as PayoutRef;
  const fact = await world.wish({ type: 'payout', id: payoutId, verb: 'approve', by: ben });
  await world.run(world.activities.decidePayout, { ...ref, fact });
  return world.run(world.activities.claimAttempt, ref);
}

type Step = Awaited<ReturnType<typeof send>>;

/** The workflow's loop: call or ask, record, until nothing is due. */
async function carryOut(payoutId: string, from: Step): Promise<Step> {
  const ref = { workspaceId: world.workspaceId, payoutId } as PayoutRef;
  let step = from;
  for (let turn = 0; turn < 8 && (step.next === 'submit' || step.next === 'lookUp'); turn += 1) {
    const { call } = step;
    if (call === null) break;
    const input = { ...ref, attemptId: call.attemptId, fence: call.fence, adapter: call.adapter };
    const reply = await world.run(
      step.next === 'submit' ? world.activities.submitAttempt : world.activities.lookUpAttempt,
      input,
    );
    step = await world.run(world.activities.recordAttempt, {
      ...ref,
      attemptId: call.attemptId,
      fence: call.fence,
      source: step.next === 'submit' ? ('call' as const) : ('lookUp' as const),
      reply,
    });
    if (step.next === 'wait') {
      // The ladder's first rung is a second away: the attempt is due now.
      await world.write((tx, act) =>
        tx('payout_attempts').where({ payout_id: payoutId }).whereNotNull('look_up_at').update({ look_up_at: act.now }),
      );
      step = await world.run(world.activities.resumePayout, ref);
    }
  }
  return step;
}

const destinations = {
  paypal: ['paypal', { email: 'ok@blog.example' }],
  wise: ['bank', { holder: 'Ada', iban: 'DE89370400440532013000' }],
  stripe: ['wallet', { provider: 'stripe', account: 'acct_ok0000000001' }],
} as const;

test.each(['paypal', 'wise', 'stripe'] as const)(
  'PAY-19: %s pays a payout that its method’s type leads to, after a lost reply too: once, with its fee in the books',
  async (gateway) => {
    const fake = { paypal, wise, stripe }[gateway];
    const affiliateId = await world.makeAffiliate(`Ada of ${gateway}`);
    const [type, details] = destinations[gateway];
    const routed = await route(affiliateId, type, details);
    expect(routed).toMatchObject({ gateway, execution: 'gateway' });
    fake.breakNext('lost_reply');
    const claimed = await send(routed.payoutId);
    expect(claimed).toMatchObject({ next: 'submit', call: { adapter: gateway, repeatable: true } });

    await carryOut(routed.payoutId, claimed);

    expect(await world.row('payouts', routed.payoutId)).toMatchObject({ status: 'paid' });
    const [attempt, ...more] = await world.rows('payout_attempts', { payout_id: routed.payoutId });
    expect(more).toEqual([]);
    expect(attempt).toMatchObject({ state: 'paid', gateway });
    const key = attempt?.['request_key'];
    expect((await fake.payments()).filter((one) => one.key === key)).toMatchObject([
      { minor: '20000', currency: 'EUR' },
    ]);
    const fees = await world.rows('ledger_transfers', { kind: 'payout.fee_charged' });
    const mine = fees.filter((one) => one['cause_id'] === attempt?.['id']);
    expect(mine).toHaveLength(gateway === 'stripe' ? 0 : 1);
  },
);

test('BEY-31: a payout in test mode reaches no real provider', async () => {
  const affiliateId = await world.makeAffiliate('Test');
  const routed = await route(affiliateId, 'paypal', { email: 'ok@blog.example' }, 'test');
  expect(routed).toMatchObject({ gateway: 'manual', execution: 'manual' });
  expect(await gatewayOf('paypal', ownerTest)).toMatchObject({ connected: false });
});

test('PAY-26: a provider’s refusal leaves the payout pending with its reason', async () => {
  const affiliateId = await world.makeAffiliate('Closed');
  const { payoutId } = await route(affiliateId, 'paypal', { email: 'refuse@blog.example' });
  await carryOut(payoutId, await send(payoutId));
  expect(await world.row('payouts', payoutId)).toMatchObject({ status: 'pending' });
  expect((await api.as(owner, `/v1/payouts/${payoutId}`)).body).toMatchObject({
    status: 'pending',
    problem: 'failed',
    attempt: { state: 'refused', code: 'destination_closed' },
  });
});

test('PAY-10, PAY-11, PAY-28: while the outcome is open nothing is cancelled or marked by hand, and the account stays', async () => {
  const affiliateId = await world.makeAffiliate('Slow');
  const { payoutId } = await route(affiliateId, 'paypal', { email: 'slow@blog.example' });
  const claimed = await send(payoutId);
  const other = await connect('paypal', { ...paypalFields, clientId: 'B'.repeat(40) });
  expect(other).toMatchObject({ status: 409, body: { code: 'in_use', usedBy: [claimed.call?.attemptId] } });
  expect((await connect('paypal', null)).status).toBe(409);
  expect(
    (await connect('paypal', { ...paypalFields, clientSecret: paypalFields.clientSecret })).status,
    'the same account',
  ).toBe(204);
  expect((await api.as(owner, `/v1/payouts/${payoutId}/cancel`, { body: { reason: 'x' } })).body).toMatchObject({
    code: 'attempt_open',
  });
  const params = { reference: 'W-1', paidOn: '2026-11-20', note: null };
  const byHand = await world.wish({ type: 'payout', id: payoutId, verb: 'markPaid', by: ben, params });
  await world.run(world.activities.decidePayout, {
    ...({ workspaceId: world.workspaceId, payoutId } as PayoutRef),
    fact: byHand,
  });
  expect(await world.outcome(byHand.id)).toMatchObject({ state: 'refused', code: 'payout.attempt_open' });
  await carryOut(payoutId, claimed);
  paypal.advance(31_000);
  await carryOut(
    payoutId,
    await world.run(world.activities.resumePayout, { workspaceId: world.workspaceId, payoutId } as PayoutRef),
  );
  expect(await world.row('payouts', payoutId)).toMatchObject({ status: 'paid' });
});

test('what is approved waits while its provider is disconnected, and goes on when it is connected', async () => {
  const affiliateId = await world.makeAffiliate('Waits');
  const { payoutId } = await route(affiliateId, 'wallet', destinations.stripe[1]);
  expect((await connect('stripe', null)).status).toBe(204);
  expect(await send(payoutId)).toMatchObject({ next: 'wait' });
  expect(await world.rows('payout_attempts', { payout_id: payoutId })).toEqual([]);
  await connect('stripe');
  const nudges = await world.rows('outbox', { topic: 'signal' });
  expect(JSON.stringify(nudges.map((one) => one['payload']))).toContain(payoutId);
  const step = await world.run(world.activities.claimAttempt, {
    workspaceId: world.workspaceId,
    payoutId,
  } as PayoutRef);
  await carryOut(payoutId, step);
  expect(await world.row('payouts', payoutId)).toMatchObject({ status: 'paid' });
});

test('PAY-19: what a provider reports under its own signature is stored once and looked up; anything else is refused', async () => {
  const affiliateId = await world.makeAffiliate('Reported');
  const sent: Record<string, Record<string, unknown>> = {};
  for (const gateway of ['paypal', 'wise', 'stripe'] as const) {
    const [type, details] = destinations[gateway];
    const { payoutId } = await route(affiliateId, type, details);
    await carryOut(payoutId, await send(payoutId));
    const [attempt] = await world.rows('payout_attempts', { payout_id: payoutId });
    sent[gateway] = attempt ?? {};
    await world.write((tx) => tx('payout_methods').where({ affiliate_id: affiliateId }).update({ status: 'removed' }));
  }
  const post = (
    gateway: Provider,
    event: { headers: Readonly<Record<string, string>>; body: string },
    to = world.workspaceId,
  ) => api.as(null, hookAddress(to, gateway), { raw: event.body, headers: event.headers });
  const events = {
    paypal: paypal.event('RETURNED', String(sent['paypal']?.['id'])),
    wise: wise.event('bounced_back', String(sent['wise']?.['request_key'])),
    stripe: stripe.event('transfer.reversed', String(sent['stripe']?.['id'])),
  };
  for (const gateway of ['paypal', 'wise', 'stripe'] as const) {
    const event = events[gateway];
    const forged = { ...event, body: event.body.replace(/"(id|sent_at)":"[^"]/, '$&x') };
    expect((await post(gateway, forged)).status, `${gateway} forged`).toBe(401);
    expect((await api.as(null, hookAddress(world.workspaceId, gateway), { raw: event.body })).status).toBe(401);
    expect((await post(gateway, event, `ws_${'0'.repeat(26)}` as never)).status, 'another workspace').toBe(401);
    expect(await world.rows('gateway_events', { gateway })).toEqual([]);
    expect((await post(gateway, event)).status, gateway).toBe(200);
    expect((await post(gateway, event)).status).toBe(200);
    expect(await world.rows('gateway_events', { gateway })).toMatchObject([
      { attempt_id: sent[gateway]?.['id'], processed_at: null, quarantine_code: null },
    ]);
    expect(await world.row('payouts', String(sent[gateway]?.['payout_id'])), 'an event moves nothing').toMatchObject({
      status: 'paid',
    });
  }
});

test('an unsigned body cannot smuggle another webhook’s id into the question put to PayPal', async () => {
  const smuggled = '{},"webhook_id":"9OTHERS00000000"';
  const answer = await api.as(null, hookAddress(world.workspaceId, 'paypal'), {
    raw: smuggled,
    headers: paypal.event('RETURNED', 'att_x').headers,
  });
  expect(answer.status).toBe(401);
});

test('PAY-27: a reported return is looked up; the payout stays paid, shows it, and the amount is owed again', async () => {
  const affiliateId = await world.makeAffiliate('Bounced');
  const { payoutId } = await route(affiliateId, 'paypal', { email: 'ok@blog.example' });
  await carryOut(payoutId, await send(payoutId));
  const [attempt] = await world.rows('payout_attempts', { payout_id: payoutId });
  await paypal.turn(String(attempt?.['id']), 'RETURNED');
  const event = paypal.event('RETURNED', String(attempt?.['id']));
  expect(
    (await api.as(null, hookAddress(world.workspaceId, 'paypal'), { raw: event.body, headers: event.headers })).status,
  ).toBe(200);
  const [stored] = await world.rows('gateway_events', { payout_id: payoutId });
  const ref = { workspaceId: world.workspaceId, payoutId } as PayoutRef;
  const step = await world.run(world.activities.applyGatewayEvent, { ...ref, gatewayEventId: String(stored?.['id']) });
  expect(step.next).toBe('lookUp');
  await carryOut(payoutId, step);
  expect((await api.as(owner, `/v1/payouts/${payoutId}`)).body).toMatchObject({
    status: 'paid',
    problem: 'returned',
    returned: { amount: { amount: '200.00', currency: 'EUR' }, code: 'unclaimed' },
  });
  expect(await world.rows('commissions', { affiliate_id: affiliateId, kind: 'payout_return' })).toMatchObject([
    { amount_minor: 20_000n, status: 'approved' },
  ]);
});
