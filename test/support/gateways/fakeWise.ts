import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { epochMs, type Instant } from '../../../domain/time.js';
import {
  type FakeProvider,
  minorOfText,
  type Reply,
  type Request,
  startFakeProvider,
  textOfMinor,
  wordOf,
  type World,
} from './fakeProvider.js';
import { shaped } from './shapes.js';

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

export const wiseFields = {
  apiToken: 'ee06f5b2-4a45-4d5a-8e6c-0d6a5c9b1f42',
  profileId: '16521632',
  webhookPublicKey: keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
} as const;

const slowMs = 30_000;
const fee = 31n;

interface Recipient {
  readonly id: number;
  readonly holder: string;
}

interface Quote {
  readonly id: string;
  readonly targetAmount: number;
  readonly currency: string;
}

interface Transfer {
  readonly id: number;
  readonly key: string;
  readonly recipient: Recipient;
  readonly quote: Quote;
  readonly reference: string;
  readonly at: Instant;
  fundedAt?: Instant;
  status?: string;
}

export interface FakeWise extends FakeProvider {
  /** From now on the transfer of this key says this. */
  turn(requestKey: string, status: string): Promise<void>;
  /** Does the token fund transfers, or must a person do it there? */
  mayFund: boolean;
  fundByHand(requestKey: string): Promise<void>;
  event(
    state: string,
    requestKey: string,
  ): { readonly headers: Readonly<Record<string, string>>; readonly body: string };
  topUp(minor: bigint, currency: string): void;
}

export async function startFakeWise(journalPath: string): Promise<FakeWise> {
  const recipients: Recipient[] = [];
  const quotes: Quote[] = [];
  const transfers: Transfer[] = [];
  const topUps: { readonly minor: bigint; readonly currency: string; readonly at: Instant }[] = [];
  const minorOf = (transfer: Transfer): bigint => minorOfText(String(transfer.quote.targetAmount));

  const statusOf = (transfer: Transfer, now: Instant): string => {
    if (transfer.status !== undefined) return transfer.status;
    if (transfer.fundedAt === undefined) return 'incoming_payment_waiting';
    switch (wordOf(transfer.recipient.holder)) {
      case 'slow':
        return epochMs(now) - epochMs(transfer.fundedAt) < slowMs ? 'processing' : 'outgoing_payment_sent';
      case 'held':
        return 'waiting_recipient_input_to_proceed';
      case 'odd':
        return 'levitating';
      case 'ok':
      case 'refuse':
      case 'returned':
        return 'outgoing_payment_sent';
    }
  };

  const view = (transfer: Transfer, now: Instant) =>
    shaped('wise', 'transfer', {
      id: transfer.id,
      targetAccount: transfer.recipient.id,
      quoteUuid: transfer.quote.id,
      status: statusOf(transfer, now),
      reference: transfer.reference,
      created: transfer.at,
      business: Number(wiseFields.profileId),
      details: { reference: transfer.reference },
      sourceCurrency: transfer.quote.currency,
      sourceValue: transfer.quote.targetAmount,
      targetCurrency: transfer.quote.currency,
      targetValue: transfer.quote.targetAmount,
      customerTransactionId: transfer.key,
    });

  async function fund(transfer: Transfer, world: Pick<World, 'now' | 'book'>): Promise<void> {
    transfer.fundedAt = world.now();
    await world.book({
      kind: 'payment',
      key: transfer.key,
      reference: transfer.reference,
      providerId: String(transfer.id),
      minor: minorOf(transfer).toString(),
      currency: transfer.quote.currency,
      at: world.now(),
    });
  }

  /** Transfers that were let go, with what each did to the balance. */
  function moved(): readonly { readonly transfer: Transfer; readonly isReturn: boolean; readonly minor: bigint }[] {
    return transfers.flatMap((transfer) => {
      if (transfer.fundedAt === undefined) return [];
      const payment = { transfer, isReturn: false, minor: -minorOf(transfer) - fee };
      return transfer.status === 'funds_refunded'
        ? [payment, { transfer, isReturn: true, minor: minorOf(transfer) }]
        : [payment];
    });
  }

  function statement(currency: string, from: string, to: string): Reply {
    const transactions = [
      ...topUps.flatMap((one, index) =>
        one.currency !== currency || one.at < from || one.at >= to
          ? []
          : [
              shaped('wise', 'transaction', {
                type: 'CREDIT',
                date: one.at,
                amount: { value: Number(textOfMinor(one.minor)), currency },
                totalFees: { value: 0, currency },
                details: { type: 'DEPOSIT', description: 'Added money' },
                referenceNumber: `DEPOSIT-${index}`,
              }),
            ],
      ),
      ...moved().flatMap(({ transfer, isReturn, minor }) =>
        transfer.quote.currency !== currency || transfer.at < from || transfer.at >= to
          ? []
          : [
              shaped('wise', 'transaction', {
                type: isReturn ? 'CREDIT' : 'DEBIT',
                date: transfer.at.replace('Z', '000Z'),
                amount: { value: Number(textOfMinor(minor)), currency },
                totalFees: { value: isReturn ? 0 : Number(textOfMinor(fee)), currency },
                referenceNumber: `TRANSFER-${transfer.id}`,
              }),
            ],
      ),
    ];
    return {
      status: 200,
      body: { transactions, endOfStatementBalance: { value: Number(textOfMinor(balance(currency))), currency } },
    };
  }

  function balance(currency: string): bigint {
    let total = 0n;
    for (const one of topUps) if (one.currency === currency) total += one.minor;
    for (const { transfer, minor } of moved()) if (transfer.quote.currency === currency) total += minor;
    return total;
  }

  async function handle(request: Request, world: World): Promise<Reply> {
    const now = world.now();
    const profile = `/v3/profiles/${wiseFields.profileId}`;
    if (request.headers.authorization !== `Bearer ${wiseFields.apiToken}`)
      return { status: 401, body: shaped('wise', 'unauthorized') };
    const sent = (request.text === '' ? {} : JSON.parse(request.text)) as Record<string, unknown>;
    if (request.method === 'POST' && request.path === '/v1/accounts') {
      const holder = String(sent['accountHolderName']);
      if (wordOf(holder) === 'refuse') return { status: 422, body: shaped('wise', 'error') };
      const recipient = { id: 40_000_000 + recipients.length, holder };
      recipients.push(recipient);
      return { status: 200, body: shaped('wise', 'account', { id: recipient.id, accountHolderName: holder }) };
    }
    if (request.method === 'POST' && request.path === `${profile}/quotes`) {
      const quote = {
        id: randomUUID(),
        targetAmount: Number(sent['targetAmount']),
        currency: String(sent['targetCurrency']),
      };
      quotes.push(quote);
      return { status: 200, body: shaped('wise', 'quote', { id: quote.id, targetAmount: quote.targetAmount }) };
    }
    const quoteId = /^\/v3\/profiles\/\d+\/quotes\/([\w-]+)$/.exec(request.path)?.[1];
    if (quoteId !== undefined) return { status: 200, body: shaped('wise', 'quote', { id: quoteId }) };
    if (request.method === 'POST' && request.path === '/v1/transfers') {
      const key = String(sent['customerTransactionId']);
      const before = transfers.find((one) => one.key === key);
      if (before !== undefined) return { status: 200, body: view(before, now) };
      const quote = quotes.find((one) => one.id === sent['quoteUuid']);
      const recipient = recipients.find((one) => one.id === sent['targetAccount']);
      // A quote serves one transfer.
      if (quote === undefined || recipient === undefined || transfers.some((one) => one.quote === quote))
        return { status: 422, body: shaped('wise', 'error') };
      const reference = String((sent['details'] as Record<string, unknown>)['reference']);
      const transfer: Transfer = { id: 50_000_000 + transfers.length, key, recipient, quote, reference, at: now };
      transfers.push(transfer);
      return { status: 200, body: view(transfer, now) };
    }
    const funded = /^\/v3\/profiles\/\d+\/transfers\/(\d+)\/payments$/.exec(request.path)?.[1];
    if (funded !== undefined) {
      const transfer = transfers.find((one) => one.id === Number(funded));
      if (transfer === undefined) return { status: 404, body: shaped('wise', 'error') };
      if (!fake.mayFund) return { status: 403, body: null, headers: { 'x-2fa-approval-result': 'REJECTED' } };
      // A transfer is funded once.
      if (transfer.fundedAt !== undefined) return { status: 409, body: shaped('wise', 'error') };
      await fund(transfer, world);
      return { status: 201, body: shaped('wise', 'funded') };
    }
    if (request.path === '/v1/transfers') {
      const from = request.query.get('createdDateStart') ?? '';
      const [offset, limit] = [Number(request.query.get('offset') ?? 0), Number(request.query.get('limit') ?? 10)];
      const found = transfers.filter((one) => one.at >= from).slice(offset, offset + limit);
      return { status: 200, body: found.map((one) => view(one, now)) };
    }
    const id = /^\/v1\/transfers\/(\d+)$/.exec(request.path)?.[1];
    if (id !== undefined) {
      const found = transfers.find((one) => one.id === Number(id));
      return found === undefined
        ? { status: 404, body: shaped('wise', 'error') }
        : { status: 200, body: view(found, now) };
    }
    if (request.path === `/v4/profiles/${wiseFields.profileId}/balances`) {
      const currencies = [...new Set([...topUps.map((one) => one.currency), 'EUR'])];
      return {
        status: 200,
        body: currencies.map((currency, index) =>
          shaped('wise', 'balance', {
            id: 200_000 + index,
            currency,
            amount: { value: Number(textOfMinor(balance(currency))), currency },
          }),
        ),
      };
    }
    if (/^\/v1\/profiles\/\d+\/balance-statements\/\d+\/statement\.json$/.test(request.path))
      return statement(
        request.query.get('currency') ?? '',
        request.query.get('intervalStart') ?? '',
        request.query.get('intervalEnd') ?? '',
      );
    return { status: 404, body: shaped('wise', 'error') };
  }

  const base = await startFakeProvider(journalPath, {
    // Only what makes or funds a transfer: a recipient and a quote move nothing.
    kindOf: ({ method, path }) =>
      method === 'POST'
        ? path === '/v1/transfers' || path.endsWith('/payments')
          ? 'pay'
          : 'other'
        : path.startsWith('/v1/transfers')
          ? 'lookUp'
          : 'other',
    handle,
  });
  const find = (key: string): Transfer => {
    const found = transfers.find((one) => one.key === key);
    if (found === undefined) throw new Error(`no transfer ${key}`);
    return found;
  };
  const fake: FakeWise = {
    ...base,
    mayFund: true,
    async turn(requestKey, status) {
      find(requestKey).status = status;
    },
    async fundByHand(requestKey) {
      await fund(find(requestKey), base);
    },
    event(state, requestKey) {
      const transfer = find(requestKey);
      const body = JSON.stringify(
        shaped('wise', 'event', {
          data: {
            resource: { id: transfer.id, profile_id: Number(wiseFields.profileId), account_id: transfer.recipient.id },
            current_state: state,
            occurred_at: base.now(),
          },
          sent_at: base.now(),
        }),
      );
      const signature = createSign('RSA-SHA256').update(body).sign(keys.privateKey, 'base64');
      return {
        body,
        headers: { 'x-signature-sha256': signature, 'x-delivery-id': `delivery-${state}-${transfer.id}` },
      };
    },
    topUp: (minor, currency) => void topUps.push({ minor, currency, at: base.now() }),
  };
  return fake;
}
