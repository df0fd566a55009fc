import { createHmac } from 'node:crypto';
import { epochMs, type Instant } from '../../../domain/time.js';
import { type FakeProvider, type Reply, type Request, startFakeProvider, wordOf, type World } from './fakeProvider.js';
import { shaped } from './shapes.js';

export const stripeFields = {
  secretKey: 'sk_test_4eC39HqLyjWDarjtT1zdp7dc',
  accountId: 'acct_1032D82eZvKYlo2C',
  webhookSecret: 'whsec_8kTzPqLm3nVb7RcXyW2sJd',
} as const;

const rememberMs = 24 * 3_600_000;

interface Transfer {
  readonly id: string;
  readonly key: string;
  readonly destination: string;
  readonly group: string;
  readonly amount: number;
  readonly currency: string;
  readonly at: Instant;
  reversed: number;
  reversedAt?: Instant;
}

export interface FakeStripe extends FakeProvider {
  reverse(reference: string, amount?: number): Promise<void>;
  event(type: string, reference: string): { readonly headers: Readonly<Record<string, string>>; readonly body: string };
  topUp(amount: number, currency: string): void;
}

const seconds = (at: Instant): number => Math.floor(epochMs(at) / 1_000);

export async function startFakeStripe(journalPath: string): Promise<FakeStripe> {
  const transfers: Transfer[] = [];
  const topUps: { readonly amount: number; readonly currency: string; readonly at: Instant }[] = [];
  const kept = new Map<string, { readonly at: Instant; readonly body: string; readonly reply: Reply }>();

  const view = (transfer: Transfer) =>
    shaped('stripe', 'transfer', {
      id: transfer.id,
      amount: transfer.amount,
      amount_reversed: transfer.reversed,
      balance_transaction: `txn_${transfer.id}`,
      created: seconds(transfer.at),
      currency: transfer.currency,
      destination: transfer.destination,
      metadata: { attempt: transfer.group },
      reversed: transfer.reversed === transfer.amount,
      transfer_group: transfer.group,
      ...(transfer.reversedAt === undefined
        ? {}
        : {
            reversals: {
              data: [{ id: `trr_${transfer.id}`, object: 'transfer_reversal', created: seconds(transfer.reversedAt) }],
            },
          }),
    });

  async function create(request: Request, world: World): Promise<Reply> {
    const key = String(request.headers['idempotency-key'] ?? '');
    const now = world.now();
    const before = kept.get(key);
    if (before !== undefined && epochMs(now) - epochMs(before.at) < rememberMs)
      return before.body === request.text
        ? { ...before.reply, headers: { 'idempotent-replayed': 'true' } }
        : { status: 400, body: shaped('stripe', 'idempotency_error') };
    const form = new URLSearchParams(request.text);
    const destination = form.get('destination') ?? '';
    let reply: Reply;
    if (wordOf(destination) === 'refuse')
      reply = {
        status: 400,
        body: shaped('stripe', 'error', { error: { code: 'account_closed', message: 'closed' } }),
      };
    else {
      const transfer: Transfer = {
        id: `tr_${String(transfers.length + 1).padStart(16, '0')}`,
        key,
        destination,
        group: form.get('transfer_group') ?? '',
        amount: Number(form.get('amount')),
        currency: form.get('currency') ?? '',
        at: now,
        reversed: 0,
      };
      transfers.push(transfer);
      await world.book({
        kind: 'payment',
        key,
        reference: transfer.group,
        providerId: transfer.id,
        minor: String(transfer.amount),
        currency: transfer.currency.toUpperCase(),
        at: now,
      });
      reply = { status: 200, body: view(transfer) };
    }
    kept.set(key, { at: now, body: request.text, reply });
    return reply;
  }

  function transactions(): readonly Record<string, unknown>[] {
    const line = (id: string, type: string, amount: number, currency: string, at: Instant, source: unknown) =>
      shaped('stripe', 'balance_transaction', {
        id,
        type,
        amount,
        net: amount,
        currency,
        created: seconds(at),
        available_on: seconds(at),
        source,
      });
    return [
      ...topUps.map((one, index) =>
        line(`txn_tu_${index}`, 'topup', one.amount, one.currency, one.at, {
          id: `tu_${index}`,
          object: 'topup',
          transfer_group: `topup-${index}`,
        }),
      ),
      ...transfers.flatMap((one) => [
        line(`txn_${one.id}`, 'transfer', -one.amount, one.currency, one.at, view(one)),
        ...(one.reversedAt === undefined
          ? []
          : [
              line(`txn_trr_${one.id}`, 'transfer_refund', one.reversed, one.currency, one.reversedAt, {
                id: `trr_${one.id}`,
                object: 'transfer_reversal',
                transfer: one.id,
              }),
            ]),
      ]),
    ].reverse();
  }

  async function handle(request: Request, world: World): Promise<Reply> {
    if (request.headers.authorization !== `Bearer ${stripeFields.secretKey}`)
      return { status: 401, body: shaped('stripe', 'unauthorized') };
    if (request.path === '/v1/account') return { status: 200, body: { id: stripeFields.accountId, object: 'account' } };
    if (request.path === '/v1/transfers' && request.method === 'POST') return create(request, world);
    if (request.path === '/v1/transfers') {
      const group = request.query.get('transfer_group');
      const data = transfers.filter((one) => one.group === group).map(view);
      return { status: 200, body: { object: 'list', url: '/v1/transfers', has_more: false, data } };
    }
    const id = /^\/v1\/transfers\/(\w+)$/.exec(request.path)?.[1];
    if (id !== undefined) {
      const found = transfers.find((one) => one.id === id);
      return found === undefined
        ? { status: 404, body: shaped('stripe', 'error', { error: { code: 'resource_missing' } }) }
        : { status: 200, body: view(found) };
    }
    if (request.path === '/v1/balance_transactions') {
      const since = Number(request.query.get('created[gte]') ?? 0);
      const all = transactions().filter((one) => Number(one['created']) >= since);
      const after = request.query.get('starting_after');
      const start = after === null ? 0 : all.findIndex((one) => one['id'] === after) + 1;
      const limit = Number(request.query.get('limit') ?? 10);
      const data = all.slice(start, start + limit);
      return { status: 200, body: { object: 'list', data, has_more: start + limit < all.length } };
    }
    if (request.path === '/v1/balance') {
      const totals = new Map<string, number>();
      for (const one of transactions())
        totals.set(String(one['currency']), (totals.get(String(one['currency'])) ?? 0) + Number(one['amount']));
      const available = [...totals].map(([currency, amount]) => ({ amount, currency, source_types: { card: amount } }));
      return { status: 200, body: { object: 'balance', available, pending: [], livemode: false } };
    }
    return { status: 404, body: shaped('stripe', 'error', { error: { code: 'resource_missing' } }) };
  }

  const fake = await startFakeProvider(journalPath, {
    kindOf: ({ method, path }) => (!path.startsWith('/v1/transfers') ? 'other' : method === 'POST' ? 'pay' : 'lookUp'),
    handle,
  });
  const find = (reference: string): Transfer => {
    const found = transfers.find((one) => one.group === reference);
    if (found === undefined) throw new Error(`no transfer ${reference}`);
    return found;
  };
  return {
    ...fake,
    async reverse(reference, amount) {
      const transfer = find(reference);
      transfer.reversed = amount ?? transfer.amount;
      transfer.reversedAt = fake.now();
    },
    event(type, reference) {
      const created = seconds(fake.now());
      const object = view(find(reference));
      const body = JSON.stringify(
        shaped('stripe', 'event', { id: `evt_${type}_${reference}`, created, type, data: { object } }),
      );
      const signature = createHmac('sha256', stripeFields.webhookSecret).update(`${created}.${body}`).digest('hex');
      return { body, headers: { 'stripe-signature': `t=${created},v1=${signature}` } };
    },
    topUp: (amount, currency) => void topUps.push({ amount, currency, at: fake.now() }),
  };
}
