import { describe, expect, test } from 'vitest';
import { readStripeSignature } from '../../../domain/earning/paymentSignature.js';
import { readStripeEvent, stripeEventTypes } from '../../../domain/earning/stripeEvent.js';

// Stripe's documented shapes (docs.stripe.com/api/events/types), before and since its version 2025-03-31.

const at = 1_770_000_000; // 2026-02-02T02:40:00Z
const event = (type: string, object: unknown, more: object = {}) => ({
  id: 'evt_1',
  object: 'event',
  type,
  created: at,
  livemode: true,
  data: { object },
  ...more,
});
const read = (type: string, object: unknown) => {
  const answer = readStripeEvent(event(type, object));
  if (!answer.ok) throw new Error(answer.at);
  return answer.event;
};
const usd = (minor: bigint) => ({ minor, currency: 'USD' });

const session = {
  id: 'cs_1',
  object: 'checkout.session',
  amount_total: 4_999,
  currency: 'usd',
  client_reference_id: 'clk_a',
  customer: 'cus_1',
  customer_details: { email: 'Jo@Buyer.example', name: 'Jo' },
  invoice: null,
  metadata: {},
  payment_intent: 'pi_1',
  payment_status: 'paid',
  total_details: { amount_discount: 0, amount_shipping: 500, amount_tax: 833 },
};
const invoice = {
  id: 'in_1',
  object: 'invoice',
  currency: 'usd',
  customer: 'cus_1',
  customer_email: 'jo@buyer.example',
  metadata: {},
  total: 2_900,
};

describe('a checkout', () => {
  test('paid at once is a customer and a sale under its payment intent', () => {
    expect(read('checkout.session.completed', session)).toMatchObject({
      mode: 'live',
      occurredAt: '2026-02-02T02:40:00.000Z',
      facts: [
        {
          kind: 'customer',
          externalId: 'cs_1',
          customerExternalId: 'cus_1',
          email: 'Jo@Buyer.example',
          clickId: 'clk_a',
        },
        {
          kind: 'sale',
          externalId: 'pi_1',
          status: 'succeeded',
          amount: usd(4_999n),
          tax: usd(833n),
          shipping: usd(500n),
          keys: ['pi_1'],
        },
      ],
    });
  });

  test.each([
    ['of a subscription (its invoice is the sale)', { invoice: 'in_1', payment_intent: null }],
    ['whose payment is still on its way', { payment_status: 'unpaid' }],
    ['of nothing', { amount_total: 0, payment_intent: null, payment_status: 'no_payment_required' }],
  ])('%s is a customer only', (_name, change) => {
    expect(read('checkout.session.completed', { ...session, ...change }).facts.map((fact) => fact.kind)).toEqual([
      'customer',
    ]);
  });

  test('takes the click from metadata where no reference is sent', () => {
    const { facts } = read('checkout.session.async_payment_succeeded', {
      ...session,
      client_reference_id: null,
      metadata: { click_id: 'clk_b', product: 'pro' },
    });
    expect(facts).toMatchObject([{ clickId: 'clk_b' }, { product: 'pro' }]);
  });
});

describe('an invoice', () => {
  test('of Stripe before 2025-03-31', () => {
    const { facts } = read('invoice.paid', {
      ...invoice,
      tax: 483,
      charge: 'ch_1',
      payment_intent: 'pi_1',
      subscription: 'sub_1',
      lines: { data: [{ price: { id: 'price_1', product: 'prod_1' } }] },
    });
    expect(facts).toEqual([
      {
        kind: 'sale',
        externalId: 'in_1',
        status: 'succeeded',
        amount: usd(2_900n),
        tax: usd(483n),
        shipping: null,
        customerExternalId: 'cus_1',
        email: 'jo@buyer.example',
        product: null,
        productHints: ['price_1', 'prod_1'],
        subscriptionExternalId: 'sub_1',
        keys: ['in_1', 'pi_1', 'ch_1'],
      },
    ]);
  });

  test('of Stripe since 2025-03-31', () => {
    const { facts } = read('invoice.payment_failed', {
      ...invoice,
      total_taxes: [{ amount: 400 }, { amount: 83 }],
      parent: { subscription_details: { subscription: 'sub_1', metadata: { product: 'pro' } } },
      lines: { data: [{ pricing: { price_details: { price: 'price_1', product: 'prod_1' } } }] },
      payments: { data: [{ payment: { type: 'payment_intent', payment_intent: 'pi_1' } }] },
    });
    expect(facts).toMatchObject([
      {
        status: 'declined',
        tax: usd(483n),
        product: 'pro',
        productHints: ['price_1', 'prod_1'],
        subscriptionExternalId: 'sub_1',
        keys: ['in_1', 'pi_1'],
      },
    ]);
  });

  test('of nothing is no sale', () => {
    expect(read('invoice.paid', { ...invoice, total: 0 }).facts).toEqual([]);
  });

  test('is tied to its payment by an event of its own', () => {
    expect(
      read('invoice_payment.paid', { invoice: 'in_1', payment: { type: 'payment_intent', payment_intent: 'pi_1' } })
        .facts,
    ).toEqual([{ kind: 'tie', saleExternalId: 'in_1', keys: ['pi_1'] }]);
  });
});

describe('money back', () => {
  test('a refund says what all refunds of the charge add up to', () => {
    const charge = { id: 'ch_1', payment_intent: 'pi_1', amount: 4_999, amount_refunded: 1_000, currency: 'usd' };
    expect(read('charge.refunded', charge).facts).toEqual([
      { kind: 'refundedTo', externalId: 'ch_1/1000', total: usd(1_000n), keys: ['ch_1', 'pi_1'] },
    ]);
  });

  test.each([
    ['lost', ['opened', 'lost']],
    ['won', ['opened', 'won']],
    ['warning_closed', ['opened', 'won']],
  ])('a dispute closed as %s is both steps', (status, steps) => {
    const { facts } = read('charge.dispute.closed', {
      id: 'dp_1',
      amount: 4_999,
      currency: 'usd',
      charge: 'ch_1',
      payment_intent: 'pi_1',
      status,
      created: at - 86_400,
    });
    expect(facts.flatMap((fact) => (fact.kind === 'dispute' ? fact.steps.map(({ step }) => step) : []))).toEqual(steps);
  });
});

// Stripe's digits are not always ISO's: minor units → amount of ours.
test.each([
  ['jpy', 1_580, 1_580n],
  ['isk', 10_000, 100n],
  ['ugx', 500_000, 5_000n],
  ['mga', 1_500, 150_000n],
  ['kwd', 12_340, 12_340n],
  ['huf', 12_345, 12_345n],
])('%s %i', (currency, minor, ours) => {
  expect(read('invoice.paid', { ...invoice, currency, total: minor }).facts).toMatchObject([
    { amount: { minor: ours, currency: currency.toUpperCase() } },
  ]);
});

describe('what cannot be read is said, never guessed', () => {
  test.each([
    ['no id', event('invoice.paid', invoice, { id: 7 }), '.id'],
    ['no time', event('invoice.paid', invoice, { created: 'now' }), '.created'],
    ['no mode', event('invoice.paid', invoice, { livemode: null }), '.livemode'],
    ['half a cent', event('invoice.paid', { ...invoice, total: 28.5 }), '.data.object.total'],
    ['less than nothing', event('invoice.paid', { ...invoice, total: -1 }), '.data.object.total'],
    [
      'more digits than the currency has',
      event('invoice.paid', { ...invoice, currency: 'isk', total: 150 }),
      '.data.object.total',
    ],
    ['a currency nobody knows', event('invoice.paid', { ...invoice, currency: 'xxx' }), '.data.object.currency'],
    ['lines that are no list', event('invoice.paid', { ...invoice, lines: { data: 'x' } }), '.data.object.lines.data'],
    ['nothing at all', null, '.type'],
  ])('%s', (_name, body, where) => {
    expect(readStripeEvent(body)).toMatchObject({ ok: false, code: 'unreadable', at: where });
  });

  test('a type that is not ours asks for nothing', () => {
    expect(read('payout.paid', {}).facts).toEqual([]);
    expect(stripeEventTypes).toHaveLength(9);
  });
});

test.each([
  ['t=1,v1=' + 'a'.repeat(64), { timestamp: '1', candidates: ['a'.repeat(64)] }],
  [
    't=1, v1=' + 'a'.repeat(64) + ',v0=x,v1=' + 'b'.repeat(64),
    { timestamp: '1', candidates: ['a'.repeat(64), 'b'.repeat(64)] },
  ],
  ['t=1', undefined],
  ['v1=' + 'a'.repeat(64), undefined],
  ['t=1,t=2,v1=' + 'a'.repeat(64), undefined],
  ['t=0x1,v1=' + 'a'.repeat(64), undefined],
  ['t=1,v1=' + 'A'.repeat(64), undefined],
])('signature header %s', (header, expected) => {
  expect(readStripeSignature(header)).toEqual(expected);
});
