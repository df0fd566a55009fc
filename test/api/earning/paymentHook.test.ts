import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json, TestAnswer } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// api.md 4.2, payment hooks: Stripe's own events from one pasted secret, and our own envelope; BEY-24 as printed.

const stripeSecret = 'whsec_testOnlyNotAReal';
let world: EarningWorld;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ commissionApproval: 'automatic' });
  affiliateId = await world.affiliate(programId);
  const rule = await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
    limits: { maxPayments: null, maxMonths: 12 },
  });
  expect(rule.status, rule.text).toBe(201);
  // The program ran before these events happened: a plan judges what was under its version (PRG-17).
  await world.owner('commission_rule_versions').update({ effective_from: new Date('2024-01-01T00:00:00Z') });
}, 60_000);
afterAll(() => world?.close());

async function makeSource(body: Readonly<Record<string, unknown>>): Promise<Json> {
  const made = await world.as('/v1/payment-sources', body);
  expect(made.status, made.text).toBe(201);
  return made.body;
}

const now = (): number => Math.floor(Date.now() / 1_000);
const pathOf = (source: Json): string => new URL(source['hookUrl'] as string).pathname;

interface Sending {
  readonly secret?: string;
  readonly timestamp?: number;
  readonly header?: string;
}

function send(source: Json, event: unknown, sending: Sending = {}): Promise<TestAnswer> {
  const body = JSON.stringify(event);
  const timestamp = sending.timestamp ?? now();
  const signature = createHmac('sha256', sending.secret ?? stripeSecret)
    .update(`${timestamp}.${body}`)
    .digest('hex');
  return world.api.as(null, pathOf(source), {
    method: 'POST',
    raw: body,
    headers: {
      'stripe-signature': sending.header ?? `t=${timestamp},v1=${signature}`,
    },
  });
}

let eventNumber = 0;
function stripe(type: string, created: number, object: unknown, livemode = true) {
  eventNumber += 1;
  return { id: `evt_${eventNumber}`, object: 'event', type, created, livemode, data: { object } };
}

const monthly = (first: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, month) => {
    const day = new Date(first * 1_000);
    const year = day.getUTCFullYear();
    const last = new Date(Date.UTC(year, day.getUTCMonth() + month + 1, 0)).getUTCDate();
    return Date.UTC(year, day.getUTCMonth() + month, Math.min(day.getUTCDate(), last), 10) / 1_000;
  });

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const mixed = [...items];
  let state = seed;
  for (let index = mixed.length - 1; index > 0; index -= 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const other = Math.floor((state / 4_294_967_296) * (index + 1));
    [mixed[index], mixed[other]] = [mixed[other] as T, mixed[index] as T];
  }
  return mixed;
}

function invoice(customer: string, number: number) {
  return {
    id: `in_${customer}_${number}`,
    object: 'invoice',
    currency: 'usd',
    customer,
    customer_email: `${customer}@buyer.example`,
    total: 2_900,
    total_taxes: [],
    parent: { subscription_details: { subscription: `sub_${customer}` } },
    lines: { data: [{ pricing: { price_details: { price: 'price_unknown', product: 'prod_unknown' } } }] },
  };
}

describe('BEY-24: recurring commissions from subscription events', () => {
  test.each([1, 7, 20_261_126])(
    'shuffled by %i, each sent twice',
    async (seed) => {
      const source = await makeSource({ name: `Stripe ${seed}`, adapter: 'stripe', secret: stripeSecret });
      const customer = `cus_${seed}`;
      const first = Date.UTC(2025, 0, 31, 10) / 1_000;
      const clickId = await world.click({ programId, affiliateId });
      await world
        .owner('clicks')
        .where({ id: clickId })
        .update({ created_at: new Date((first - 3_600) * 1_000) });
      const times = monthly(first, 14);
      const events = [
        stripe('checkout.session.completed', first - 60, {
          id: `cs_${seed}`,
          client_reference_id: clickId,
          customer,
          customer_details: { email: `${customer}@buyer.example`, name: 'Jo' },
          invoice: `in_${customer}_0`,
          payment_status: 'paid',
          currency: 'usd',
          amount_total: 2_900,
        }),
        ...times.map((at, month) => stripe('invoice.paid', at, invoice(customer, month))),
        stripe('invoice.payment_failed', (times[4] ?? 0) - 3_600, invoice(customer, 4)),
        ...times.map((at, month) =>
          stripe('invoice_payment.paid', at, {
            invoice: `in_${customer}_${month}`,
            payment: { type: 'payment_intent', payment_intent: `pi_${customer}_${month}` },
          }),
        ),
        stripe('charge.refunded', (times[2] ?? 0) + 86_400, {
          id: `ch_${customer}_2`,
          payment_intent: `pi_${customer}_2`,
          currency: 'usd',
          amount: 2_900,
          amount_refunded: 2_900,
        }),
        stripe('customer.subscription.deleted', (times[13] ?? 0) + 3_600, { id: `sub_${customer}` }),
      ];
      for (const event of shuffled([...events, ...events], seed)) {
        const answer = await send(source, event);
        expect([200, 202], answer.text).toContain(answer.status);
        await world.settle();
      }
      await world.settle();
      const referral = (await world.as(`/v1/referrals?affiliateId=${affiliateId}&limit=200`)).body['data'] as Json[];
      const sales = (await world.as('/v1/sales?limit=200')).body['data'] as Json[];
      const own = sales.filter((sale) => (sale['externalId'] as string).startsWith(`in_${customer}_`));
      expect(
        own.map((sale) => [sale['externalId'], sale['parkedCode']]).filter(([, parked]) => parked !== null),
      ).toEqual([]);
      expect(own).toHaveLength(14);
      const ids = new Set(own.map((sale) => sale['referralId']));
      expect(ids.size, JSON.stringify(own.map((sale) => sale['attribution']))).toBe(1);
      const mine = referral.find((one) => ids.has(one['id']));
      if (mine?.['status'] === 'pending') {
        const approved = await world.settled(world.as(`/v1/referrals/${mine['id']}/approve`, {}));
        expect(approved.status, approved.text).toBe(200);
      }
      await world.settle();
      const lines = await world.commissions(`referralId=${mine?.['id']}&limit=200`);
      const over = own.filter((sale) => sale['noCommissionCode'] === 'limit_months').map((sale) => sale['externalId']);
      expect(new Set(over)).toEqual(new Set([`in_${customer}_12`, `in_${customer}_13`]));
      // What came before the limit was known earned at first, and lost its line when the earlier payment came.
      const overIds = new Set(own.filter((sale) => over.includes(sale['externalId'] ?? '')).map((sale) => sale['id']));
      expect(lines.filter((line) => overIds.has(line['saleId']) && line['status'] !== 'rejected')).toEqual([]);
      const within = lines.filter((line) => !overIds.has(line['saleId']));
      expect(within).toHaveLength(12);
      expect(within.filter((line) => line['affiliateId'] !== affiliateId)).toEqual([]);
      const taken = within.filter((line) => ['reversed', 'rejected'].includes(line['status'] ?? ''));
      expect(taken.map((line) => line['saleId'])).toEqual(
        own.filter((sale) => sale['externalId'] === `in_${customer}_2`).map((sale) => sale['id']),
      );
      expect(await world.broken()).toEqual([]);
    },
    180_000,
  );
});

describe('COM-16: a renewal after the cancellation earns nothing, in whatever order both are told', () => {
  const at = (month: number): number => Date.UTC(2026, month, 5, 10) / 1_000;
  const cancelledAt = at(3) + 3_600;

  test.each([
    { told: 'the cancellation last', order: [0, 1, 2, 3, 4, 5, 'end'], approves: true },
    { told: 'the cancellation first', order: ['end', 0, 1, 2, 3, 4, 5], approves: true },
    {
      told: 'the cancellation in between, an earlier payment after it',
      order: [0, 4, 'end', 5, 3, 2, 1],
      approves: false,
    },
  ] as const)('$told', async ({ told, order, approves }) => {
    const customer = `cus_end_${order.join('')}`;
    const source = await makeSource({ name: told, adapter: 'stripe', secret: stripeSecret });
    const clickId = await world.click({ programId, affiliateId });
    await world
      .owner('clicks')
      .where({ id: clickId })
      .update({ created_at: new Date((at(0) - 7_200) * 1_000) });
    await send(
      source,
      stripe('checkout.session.completed', at(0) - 60, {
        id: `cs_${customer}`,
        client_reference_id: clickId,
        customer,
        customer_details: { email: `${customer}@buyer.example`, name: 'Jo' },
        invoice: `in_${customer}_0`,
        payment_status: 'paid',
        currency: 'usd',
        amount_total: 2_900,
      }),
    );
    await world.settle();
    for (const [index, what] of order.entries()) {
      const event =
        what === 'end'
          ? stripe('customer.subscription.deleted', cancelledAt, { id: `sub_${customer}` })
          : stripe('invoice.paid', at(what), invoice(customer, what));
      const outcome = (await send(source, event)).body['outcome'];
      expect(outcome).toBe('applied');
      expect((await send(source, event)).status).toBe(200); // a repeat changes nothing
      await world.settle();
      if (approves && index === 4) {
        const [mine] = (await world.as(`/v1/sales?externalId=in_${customer}_0`)).body['data'] as unknown as Json[];
        await world.settled(world.as(`/v1/referrals/${mine?.['referralId']}/approve`, {}));
      }
    }
    const sales = (
      await Promise.all([0, 1, 2, 3, 4, 5].map((number) => world.as(`/v1/sales?externalId=in_${customer}_${number}`)))
    ).map(({ body }) => (body['data'] as unknown as Json[])[0]);
    expect(sales.map((sale) => sale?.['noCommissionCode'])).toEqual([
      null,
      null,
      null,
      null,
      'subscription_cancelled',
      'subscription_cancelled',
    ]);
    const lines = await world.commissions(`referralId=${sales[0]?.['referralId']}&limit=200`);
    const standing = lines.filter((line) => line['status'] === 'pending' || line['status'] === 'approved');
    expect(new Set(standing.map((line) => line['saleId']))).toEqual(
      new Set(sales.slice(0, 4).map((sale) => sale?.['id'])),
    );
    expect(standing.map((line) => line['amount']['amount'])).toEqual(['5.80', '5.80', '5.80', '5.80']);
    expect(await world.broken()).toEqual([]);
  });
});

describe('signatures', () => {
  const event = () => stripe('payout.paid', now(), { id: 'po_1' });

  test('a type that is not ours is answered and kept', async () => {
    const source = await makeSource({ name: 'Signed', adapter: 'stripe', secret: stripeSecret });
    const sent = event();
    const answer = await send(source, sent);
    expect([answer.status, answer.body]).toEqual([
      200,
      { object: 'payment_event', id: sent.id, outcome: 'ignored', code: null },
    ]);
    const { body } = await world.as(`/v1/payment-sources/${source['id']}/events`);
    expect(body['data']).toMatchObject([{ id: sent.id, type: 'payout.paid', outcome: 'ignored' }]);
    expect((await world.as(`/v1/payment-sources/${source['id']}`)).body['lastEventAt']).not.toBeNull();
  });

  test('a second secret while one is rolled', async () => {
    const source = await makeSource({ name: 'Rolled', adapter: 'stripe', secret: stripeSecret });
    const body = event();
    const timestamp = now();
    const right = createHmac('sha256', stripeSecret)
      .update(`${timestamp}.${JSON.stringify(body)}`)
      .digest('hex');
    const header = `t=${timestamp},v1=${'0'.repeat(64)},v1=${right}`;
    expect((await send(source, body, { header })).status).toBe(200);
  });

  // Times are of the moment of sending: the table is read when the file is, which may be minutes before.
  test.each<[string, () => Sending]>([
    ['another secret', () => ({ secret: 'whsec_somebodyElses' })],
    ['six minutes old', () => ({ timestamp: now() - 360 })],
    ['six minutes early', () => ({ timestamp: now() + 360 })],
    ['no signature', () => ({ header: `t=${now()}` })],
    ['something else', () => ({ header: 'v1=abc' })],
  ])('%s: 401, and nothing is stored', async (_name, sending) => {
    const source = await makeSource({ name: 'Refused', adapter: 'stripe', secret: stripeSecret });
    const answer = await send(source, event(), sending());
    expect([answer.status, answer.body['code']]).toEqual([401, 'bad_signature']);
    expect((await world.as(`/v1/payment-sources/${source['id']}/events`)).body['data']).toEqual([]);
  });

  test('no secret yet, switched off, removed, never there: 401 alike', async () => {
    const unset = await makeSource({ name: 'Later', adapter: 'stripe' });
    expect((await send(unset, event())).status).toBe(401);
    const pasted = await world.as(`/v1/payment-sources/${unset['id']}`, { secret: stripeSecret }, 'PATCH');
    expect([pasted.status, pasted.text.includes(stripeSecret)]).toEqual([200, false]);
    expect((await send(unset, event())).status).toBe(200);
    await world.as(`/v1/payment-sources/${unset['id']}`, { active: false }, 'PATCH');
    expect((await send(unset, event())).status).toBe(401);
    expect((await world.as(`/v1/payment-sources/${unset['id']}`, undefined, 'DELETE')).status).toBe(204);
    expect((await send(unset, event())).status).toBe(401);
    expect((await world.as(`/v1/payment-sources/${unset['id']}`)).status).toBe(404);
  });

  test('signed but unreadable: kept for a person, answered', async () => {
    const source = await makeSource({ name: 'Odd', adapter: 'stripe', secret: stripeSecret });
    const answer = await send(source, stripe('invoice.paid', now(), { ...invoice('cus_odd', 1), total: 'much' }));
    expect([answer.status, answer.body['outcome'], answer.body['code']]).toEqual([
      202,
      'refused',
      'unreadable.data.object.total',
    ]);
  });
});

describe('test events', () => {
  test('livemode false makes test facts, whatever the source', async () => {
    const source = await makeSource({ name: 'Test', adapter: 'stripe', secret: stripeSecret });
    const answer = await send(source, stripe('invoice.paid', now(), invoice('cus_test', 1), false));
    expect(answer.body['outcome']).toBe('applied');
    const live = (await world.as('/v1/sales?externalId=in_cus_test_1')).body['data'];
    expect(live).toEqual([]);
    const test = await world.api.as(world.ws.testKey, '/v1/sales?externalId=in_cus_test_1');
    expect(test.body['data']).toMatchObject([{ test: true, parkedCode: 'unknown_customer' }]);
  });
});

describe('order and repeats', () => {
  test('a refund and a dispute before their sale wait for it; the sum of refunds stands in whatever order', async () => {
    const source = await makeSource({ name: 'Shuffled', adapter: 'stripe', secret: stripeSecret });
    const customer = 'cus_early';
    const charge = (refunded: number) =>
      stripe('charge.refunded', now(), {
        id: 'ch_early',
        payment_intent: 'pi_early',
        currency: 'usd',
        amount: 2_900,
        amount_refunded: refunded,
      });
    expect((await send(source, charge(1_000))).body).toMatchObject({ outcome: 'parked', code: 'unknown_sale' });
    expect((await send(source, charge(1_500))).body).toMatchObject({ outcome: 'parked' });
    const dispute = stripe('charge.dispute.created', now(), {
      id: 'dp_early',
      charge: 'ch_early',
      payment_intent: 'pi_early',
      amount: 1_400,
      currency: 'usd',
      status: 'needs_response',
    });
    expect((await send(source, dispute)).body).toMatchObject({ outcome: 'parked' });
    await send(source, stripe('invoice.paid', now() - 60, invoice(customer, 1)));
    await send(
      source,
      stripe('invoice_payment.paid', now(), {
        invoice: `in_${customer}_1`,
        payment: { payment_intent: 'pi_early' },
      }),
    );
    await world.settle();
    const [sale] = (await world.as(`/v1/sales?externalId=in_${customer}_1`)).body['data'] as unknown as Json[];
    const refunds = (await world.as(`/v1/sales/${sale?.['id']}/refunds`)).body['data'] as unknown as Json[];
    expect(new Set(refunds.map((one) => one['amount']['amount']))).toEqual(new Set(['10.00', '5.00']));
    expect((await world.as(`/v1/sales/${sale?.['id']}/disputes`)).body['data']).toMatchObject([{ status: 'opened' }]);
    const { body } = await world.as(`/v1/payment-sources/${source['id']}/events?outcome=parked`);
    expect(body['data']).toEqual([]);
  });

  test('a delivery that ended before it set free what had waited does so when it comes again', async () => {
    const source = await makeSource({ name: 'Killed', adapter: 'stripe', secret: stripeSecret });
    const refund = stripe('charge.refunded', now(), {
      id: 'ch_killed',
      payment_intent: 'pi_killed',
      currency: 'usd',
      amount: 2_900,
      amount_refunded: 500,
    });
    expect((await send(source, refund)).body).toMatchObject({ outcome: 'parked' });
    const waiting = () => world.owner('payment_events').where({ external_id: refund.id });
    // As a kill between the last fact's commit and the release leaves it: the tie is there, the refund still waits.
    await waiting().update({ waits_for: ['nobody'] });
    const bought = stripe('invoice.paid', now() - 60, { ...invoice('cus_killed', 1), payment_intent: 'pi_killed' });
    expect((await send(source, bought)).body).toMatchObject({ outcome: 'applied' });
    await waiting().update({ waits_for: ['ch_killed', 'pi_killed'] });
    expect((await send(source, bought)).status).toBe(200);
    expect(await waiting().first('outcome')).toEqual({ outcome: 'applied' });
  });

  test('twenty copies of one event at once are one sale', async () => {
    const source = await makeSource({ name: 'Copies', adapter: 'stripe', secret: stripeSecret });
    const event = stripe('invoice.paid', now(), invoice('cus_copies', 1));
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(source, event)));
    expect(answers.filter(({ status }) => status !== 200 && status !== 202)).toEqual([]);
    expect((await world.as('/v1/sales?externalId=in_cus_copies_1')).body['data']).toHaveLength(1);
  });

  test('a failed try told after the one that went through changes nothing', async () => {
    const source = await makeSource({ name: 'Late', adapter: 'stripe', secret: stripeSecret });
    await send(source, stripe('invoice.paid', now(), invoice('cus_late', 1)));
    const late = await send(source, stripe('invoice.payment_failed', now() - 3_600, invoice('cus_late', 1)));
    expect(late.body).toMatchObject({ outcome: 'no_effect' });
    expect((await world.as('/v1/sales?externalId=in_cus_late_1')).body['data']).toMatchObject([
      { status: 'succeeded' },
    ]);
  });
});

describe('our own envelope', () => {
  const sendOwn = (source: Json, body: unknown, of: { readonly secret: string; readonly id?: string }) => {
    const raw = JSON.stringify(body);
    const [id, timestamp] = [of.id ?? `msg_${(eventNumber += 1)}`, now()];
    const key = Buffer.from(of.secret.slice('whsec_'.length), 'base64');
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${raw}`).digest('base64');
    return world.api.as(null, pathOf(source), {
      method: 'POST',
      raw,
      headers: { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${signature}` },
    });
  };
  const usd = (amount: string) => ({ amount, currency: 'USD' });

  test('sale, refund, dispute; its secret is shown once; bad data is 422 and changes nothing', async () => {
    const source = await makeSource({ name: 'Cart', adapter: 'standard' });
    const secret = source['secret'] as string;
    expect(secret).toMatch(/^whsec_/);
    expect((await world.as(`/v1/payment-sources/${source['id']}`)).text).not.toContain(secret);
    const sale = {
      id: 'e1',
      type: 'sale',
      data: { externalId: 'own-1', amount: usd('50.00'), customer: { email: 'own@buyer.example' } },
    };
    expect(await sendOwn(source, sale, { secret })).toMatchObject({ status: 202, body: { outcome: 'applied' } });
    expect(await sendOwn(source, sale, { secret })).toMatchObject({ status: 200 });
    const refund = {
      id: 'e2',
      type: 'refund',
      data: { externalId: 'own-1-r', saleExternalId: 'own-1', amount: usd('20.00') },
    };
    expect((await sendOwn(source, refund, { secret })).body).toMatchObject({ outcome: 'applied' });
    await world.settle();
    expect((await world.as('/v1/sales?externalId=own-1')).body['data']).toMatchObject([{ refunded: usd('20.00') }]);
    const bad = await sendOwn(
      source,
      { id: 'e3', type: 'sale', data: { externalId: 'own-2', amount: usd('1.005') } },
      { secret },
    );
    expect([bad.status, bad.body['code']]).toEqual([422, 'validation_failed']);
    expect((await sendOwn(source, sale, { secret: `whsec_${Buffer.alloc(24).toString('base64')}` })).status).toBe(401);
    expect((await world.as('/v1/sales?externalId=own-2')).body['data']).toEqual([]);
  });

  test('a dispute before its sale waits for it, as one of Stripe does', async () => {
    const source = await makeSource({ name: 'Early', adapter: 'standard' });
    const secret = source['secret'] as string;
    const data = { externalId: 'own-d', saleExternalId: 'own-9', status: 'opened' };
    const early = await sendOwn(source, { id: 'd1', type: 'dispute', data }, { secret });
    expect(early.body, early.text).toMatchObject({ outcome: 'parked', code: 'unknown_sale' });
    const bought = { externalId: 'own-9', amount: usd('9.00'), customer: { email: 'own9@buyer.example' } };
    await sendOwn(source, { id: 's1', type: 'sale', data: bought }, { secret });
    const [sale] = (await world.as('/v1/sales?externalId=own-9')).body['data'] as unknown as Json[];
    expect((await world.as(`/v1/sales/${sale?.['id']}/disputes`)).body['data']).toMatchObject([{ status: 'opened' }]);
  });

  test("another system's field names are mapped", async () => {
    const source = await makeSource({
      name: 'Mapped',
      adapter: 'standard',
      fieldMap: {
        id: 'event_id',
        type: 'kind',
        externalId: 'order.number',
        'amount.amount': 'order.total',
        'amount.currency': 'order.currency',
        'customer.email': 'buyer.mail',
      },
    });
    const answer = await sendOwn(
      source,
      {
        event_id: 'x1',
        kind: 'sale',
        order: { number: 'map-1', total: '12.50', currency: 'USD', colour: 'red' },
        buyer: { mail: 'map@buyer.example' },
      },
      { secret: source['secret'] as string },
    );
    expect(answer.body, answer.text).toMatchObject({ outcome: 'applied' });
    expect((await world.as('/v1/sales?externalId=map-1')).body['data']).toMatchObject([{ amount: usd('12.50') }]);
  });

  test.each([
    ['a secret of ours cannot be chosen', { name: 'X', adapter: 'standard', secret: 'whsec_abcdefghijk' }, '#/secret'],
    ['Stripe needs no map', { name: 'X', adapter: 'stripe', fieldMap: { a: 'b' } }, '#/fieldMap'],
    ['Stripe says itself what is a test', { name: 'X', adapter: 'stripe', test: true }, '#/test'],
    ['a secret that is none', { name: 'X', adapter: 'stripe', secret: 'sk_live_oops' }, '#/secret'],
  ])('%s', async (_name, body, pointer) => {
    const answer = await world.as('/v1/payment-sources', body);
    expect([answer.status, answer.body['errors']?.[0]?.['pointer']]).toEqual([422, pointer]);
  });
});
