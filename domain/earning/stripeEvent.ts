import { exponent, type Money, parseCurrency, parseMoney } from '../money.js';
import { type Instant, instantOf } from '../time.js';
import type { PaymentFact, ReadPaymentEvent } from './paymentEvent.js';

/** The types a Stripe endpoint has to send us (api.md 4.2); any other is answered and ignored. */
export const stripeEventTypes = [
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'invoice.paid',
  'invoice.payment_failed',
  'invoice_payment.paid',
  'charge.refunded',
  'charge.dispute.created',
  'charge.dispute.closed',
  'customer.subscription.deleted',
] as const;
type StripeType = (typeof stripeEventTypes)[number];

/** Stripe's own digits where they are not two (docs.stripe.com/currencies): ISK and UGX travel with two although they have none. */
const stripeDigits: ReadonlyMap<string, number> = new Map([
  ...'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'
    .split(' ')
    .map((code): [string, number] => [code, 0]),
  ...'BHD JOD KWD OMR TND'.split(' ').map((code): [string, number] => [code, 3]),
]);

class Unreadable extends Error {
  readonly at: string;
  constructor(at: string) {
    super(`unreadable at ${at}`);
    this.name = 'Unreadable';
    this.at = at;
  }
}

/** A member of a JSON object that came from outside, with where it stood. */
class Node {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.path = path;
  }

  at(...names: readonly string[]): Node {
    let { value } = this;
    for (const name of names)
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Record<string, unknown>)[name]
          : undefined;
    return new Node(value, [this.path, ...names].join('.'));
  }

  isAbsent(): boolean {
    return this.value === undefined || this.value === null;
  }

  text(): string {
    if (typeof this.value !== 'string' || this.value === '' || this.value.length > 500) throw new Unreadable(this.path);
    return this.value;
  }

  optionalText(): string | null {
    return this.isAbsent() || this.value === '' ? null : this.text();
  }

  /** An id, or the object behind it where the sender expanded it. */
  id(): string | null {
    if (this.isAbsent()) return null;
    return typeof this.value === 'object' ? this.at('id').text() : this.text();
  }

  integer(): number {
    if (typeof this.value !== 'number' || !Number.isSafeInteger(this.value)) throw new Unreadable(this.path);
    return this.value;
  }

  items(): readonly Node[] {
    if (this.isAbsent()) return [];
    if (!Array.isArray(this.value)) throw new Unreadable(this.path);
    return this.value.map((item: unknown, index) => new Node(item, `${this.path}.${index}`));
  }

  instant(): Instant {
    const seconds = this.integer();
    if (seconds < 946_684_800 || seconds > 4_102_444_800) throw new Unreadable(this.path); // 2000 to 2100
    return instantOf(seconds * 1_000);
  }

  /** Minor units in Stripe's digits → ours. A remainder that the currency has no digits for is unreadable, not rounded. */
  money(currency: Node): Money {
    const code = currency.text().toUpperCase();
    const known = parseCurrency(code);
    if (known === undefined) throw new Unreadable(currency.path);
    const minor = this.integer();
    if (minor < 0) throw new Unreadable(this.path);
    const digits = stripeDigits.get(code) ?? 2;
    const padded = String(minor).padStart(digits + 1, '0');
    const cut = padded.length - digits;
    // What lies beyond our digits must be zeros: `10000` in ISK is `100`.
    const decimals = padded.slice(cut).replace(/0+$/, '');
    const parsed = parseMoney({
      amount: decimals === '' ? padded.slice(0, cut) : `${padded.slice(0, cut)}.${decimals}`,
      currency: code,
    });
    if (!parsed.ok || decimals.length > exponent(known)) throw new Unreadable(this.path);
    return parsed.money;
  }
}

/** Reads one of Stripe's events, whichever of its API versions wrote it (api.md 4.2). Pure; believes nothing it cannot read. */
export function readStripeEvent(body: unknown): ReadPaymentEvent {
  const event = new Node(body, '');
  try {
    const type = event.at('type').text();
    const occurredAt = event.at('created').instant();
    const { value: livemode } = event.at('livemode');
    if (typeof livemode !== 'boolean') throw new Unreadable('.livemode');
    const isKnown = stripeEventTypes.some((known) => known === type);
    return {
      ok: true,
      event: {
        id: event.at('id').text(),
        type,
        mode: livemode ? 'live' : 'test',
        occurredAt,
        facts: isKnown ? factsOf(type as StripeType, event.at('data', 'object'), occurredAt) : [],
      },
    };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { value: id } = event.at('id');
    return { ok: false, id: typeof id === 'string' && id !== '' ? id : null, code: 'unreadable', at: error.at };
  }
}

function factsOf(type: StripeType, object: Node, occurredAt: Instant): readonly PaymentFact[] {
  switch (type) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
      return checkout(object);
    case 'invoice.paid':
      return invoice(object, 'succeeded');
    case 'invoice.payment_failed':
      return invoice(object, 'declined');
    case 'invoice_payment.paid': {
      const saleExternalId = object.at('invoice').id();
      const keys = present([object.at('payment', 'payment_intent').id(), object.at('payment', 'charge').id()]);
      return saleExternalId === null || keys.length === 0 ? [] : [{ kind: 'tie', saleExternalId, keys }];
    }
    case 'charge.refunded': {
      const total = object.at('amount_refunded').money(object.at('currency'));
      const charge = object.at('id').text();
      return total.minor === 0n
        ? []
        : [
            {
              kind: 'refundedTo',
              externalId: `${charge}/${String(object.at('amount_refunded').integer())}`,
              total,
              keys: present([charge, object.at('payment_intent').id(), object.at('invoice').id()]),
            },
          ];
    }
    case 'charge.dispute.created':
      return [dispute(object, [{ step: 'opened', occurredAt }])];
    case 'charge.dispute.closed':
      return [
        dispute(object, [
          { step: 'opened', occurredAt: object.at('created').instant() },
          { step: object.at('status').text() === 'lost' ? 'lost' : 'won', occurredAt },
        ]),
      ];
    case 'customer.subscription.deleted':
      return [{ kind: 'subscriptionCancelled', subscriptionExternalId: object.at('id').text() }];
    default:
      return type satisfies never;
  }
}

function checkout(session: Node): readonly PaymentFact[] {
  const customerExternalId = session.at('customer').id();
  const details = session.at('customer_details');
  const email = details.at('email').optionalText() ?? session.at('customer_email').optionalText();
  const lead: PaymentFact = {
    kind: 'customer',
    externalId: session.at('id').text(),
    customerExternalId,
    email,
    name: details.at('name').optionalText(),
    clickId: session.at('client_reference_id').optionalText() ?? session.at('metadata', 'click_id').optionalText(),
  };
  const isPaid = session.at('payment_status').optionalText() === 'paid';
  const intent = session.at('payment_intent').id();
  // With an invoice the sale is the invoice's; without a payment intent nothing was paid.
  if (!isPaid || intent === null || !session.at('invoice').isAbsent()) return [lead];
  const currency = session.at('currency');
  const amount = session.at('amount_total').money(currency);
  if (amount.minor === 0n) return [lead];
  const tax = session.at('total_details', 'amount_tax');
  const shipping = session.at('total_details', 'amount_shipping');
  return [
    lead,
    {
      kind: 'sale',
      externalId: intent,
      status: 'succeeded',
      amount,
      tax: tax.isAbsent() ? null : tax.money(currency),
      shipping: shipping.isAbsent() ? null : shipping.money(currency),
      customerExternalId,
      email,
      product: session.at('metadata', 'product').optionalText(),
      productHints: hintsOf(session.at('line_items', 'data').items()[0]),
      subscriptionExternalId: null,
      keys: [intent],
    },
  ];
}

function invoice(object: Node, status: 'succeeded' | 'declined'): readonly PaymentFact[] {
  const currency = object.at('currency');
  const amount = object.at('total').money(currency);
  if (amount.minor === 0n) return [];
  const externalId = object.at('id').text();
  const lines = object.at('lines', 'data').items();
  const [first] = lines;
  const subscription =
    object.at('parent', 'subscription_details', 'subscription').id() ??
    object.at('subscription').id() ??
    (first === undefined
      ? null
      : (first.at('parent', 'subscription_item_details', 'subscription').id() ?? first.at('subscription').id()));
  return [
    {
      kind: 'sale',
      externalId,
      status,
      amount,
      tax: taxOf(object, currency),
      shipping: null,
      customerExternalId: object.at('customer').id(),
      email: object.at('customer_email').optionalText(),
      product:
        object.at('metadata', 'product').optionalText() ??
        object.at('parent', 'subscription_details', 'metadata', 'product').optionalText() ??
        object.at('subscription_details', 'metadata', 'product').optionalText(),
      productHints: hintsOf(first),
      subscriptionExternalId: subscription,
      keys: present([
        externalId,
        object.at('payment_intent').id(),
        object.at('charge').id(),
        ...object
          .at('payments', 'data')
          .items()
          .flatMap((payment) => [payment.at('payment', 'payment_intent').id(), payment.at('payment', 'charge').id()]),
      ]),
    },
  ];
}

/** `tax` until 2025-03-31, a list of parts since. */
function taxOf(object: Node, currency: Node): Money | null {
  const parts = [...object.at('total_taxes').items(), ...object.at('total_tax_amounts').items()];
  if (parts.length > 0)
    return parts
      .map((part) => part.at('amount').money(currency))
      .reduce((sum, part) => ({ minor: sum.minor + part.minor, currency: sum.currency }));
  const tax = object.at('tax');
  return tax.isAbsent() ? null : tax.money(currency);
}

/** The price, then the product, of a line: `pricing.price_details` since 2025-03-31, `price` before. */
function hintsOf(line: Node | undefined): readonly string[] {
  if (line === undefined) return [];
  return present([
    line.at('pricing', 'price_details', 'price').id(),
    line.at('price').id(),
    line.at('pricing', 'price_details', 'product').id(),
    line.at('price', 'product').id(),
  ]);
}

function dispute(object: Node, steps: Extract<PaymentFact, { kind: 'dispute' }>['steps']): PaymentFact {
  return {
    kind: 'dispute',
    externalId: object.at('id').text(),
    steps,
    amount: object.at('amount').money(object.at('currency')),
    keys: present([object.at('payment_intent').id(), object.at('charge').id()]),
  };
}

function present(values: readonly (string | null)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== null))];
}
