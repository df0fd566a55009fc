import { createHmac, timingSafeEqual } from 'node:crypto';
import { isInTolerance, readStripeSignature } from '../../domain/earning/paymentSignature.js';
import { type Money, parseCurrency } from '../../domain/money.js';
import type { GatewayAccess, GatewayDesk } from '../../domain/payout/gateway.js';
import { currenciesOf } from '../../domain/payout/gateway.js';
import type { StatementLineKind } from '../../domain/payout/reconciliation.js';
import { addMs, epochMs, instantOf } from '../../domain/time.js';
import { firstReadMs, openingLines, type StatementLine } from './openingLine.js';
import type { GatewayAnswer, PayoutGateway, PayoutInstruction, PayoutQuestion } from './payoutGateway.js';
import {
  at,
  field,
  type Heard,
  hear,
  listAt,
  objectOf,
  probed,
  type ProviderOptions,
  refused,
  required,
  textAt,
  unknown,
} from './providerCall.js';

const hourMs = 3_600_000;
/** Stripe keeps an `Idempotency-Key` for at least 24 h; we stop sending it after 20 (money.md 7.3). */
const keyWindowMs = 20 * hourMs;
const apiVersion = '2025-03-31.basil';
const pageSize = 100;

const hosts = { production: 'https://api.stripe.com', sandbox: 'https://api.stripe.com' } as const;

const refusals: ReadonlyMap<string, string> = new Map([
  ['account_invalid', 'destination_invalid'],
  ['no_account', 'destination_invalid'],
  ['resource_missing', 'destination_invalid'],
  ['account_closed', 'destination_closed'],
  ['transfers_not_allowed', 'destination_invalid'],
  ['insufficient_capabilities_for_transfer', 'destination_invalid'],
  ['currency_not_supported', 'amount_unsupported'],
  ['invalid_currency', 'amount_unsupported'],
  ['amount_too_large', 'limit_exceeded'],
  ['amount_too_small', 'amount_unsupported'],
]);

const eventStates: ReadonlySet<string> = new Set(['created', 'updated', 'reversed']);

/**
 * Stripe Connect: a transfer from the platform's balance to the affiliate's connected account (`acct_…`), under the attempt's key as
 * `Idempotency-Key`; its `transfer_group` and metadata hold our reference, by which it is found again. A transfer is there at once; it can
 * be reversed later.
 */
export function createStripeGateway(options: ProviderOptions): PayoutGateway & GatewayDesk {
  const origins = options.origins ?? hosts;

  function call(
    access: GatewayAccess,
    path: string,
    send: { readonly form: URLSearchParams; readonly key: string } | null = null,
  ): Promise<Heard> {
    return hear(options.ask, `${origins[access.environment]}${path}`, {
      method: send === null ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${field(access, 'secretKey')}`,
        'stripe-version': apiVersion,
        ...(send === null ? {} : { 'content-type': 'application/x-www-form-urlencoded', 'idempotency-key': send.key }),
      },
      ...(send === null ? {} : { body: send.form.toString() }),
    });
  }

  async function must(asked: Promise<Heard>): Promise<unknown> {
    const heard = await asked;
    if (heard.kind !== 'heard' || heard.status !== 200) throw new Error('Stripe gave no statement');
    return heard.body;
  }

  return {
    adapter: 'stripe',
    execution: 'gateway',
    keyWindowMs,
    canLookUp: true,
    callTimeoutMs: 20_000,
    callsPerSecond: 20,
    bouncesWithinMs: null, // a reversal comes as an event, and in the statement
    retryableRefusals: [],
    supports: (currency) => currenciesOf('stripe').has(currency),

    async submit(instruction) {
      const heard = await call(required(instruction.access), '/v1/transfers', {
        form: formOf(instruction),
        key: instruction.requestKey,
      });
      if (heard.kind === 'nothing') return unknown(heard.code);
      const { status, body } = heard;
      if (status === 200) return judgeTransfer(instruction, body);
      const type = textAt(body, 'error', 'type');
      const code = textAt(body, 'error', 'code');
      // The key was used for another content: what was done under it, nobody may guess.
      if (type === 'idempotency_error') return unknown('key_conflict');
      // The first request under this key is still being carried out.
      if (status === 409) return unknown('in_progress');
      if (status === 400 || status === 401 || status === 402 || status === 403 || status === 404)
        return type === null ? unknown('unreadable_answer') : refused(refusals.get(code ?? '') ?? 'gateway_refused');
      return unknown(`status_${status}`);
    },

    async lookUp(question) {
      const access = required(question.access);
      if (question.providerId !== null) {
        const heard = await call(access, `/v1/transfers/${encodeURIComponent(question.providerId)}`);
        if (heard.kind === 'nothing') return unknown(heard.code);
        if (heard.status === 404) return { class: 'not_found' };
        return heard.status === 200 ? judgeTransfer(question, heard.body) : unknown(`status_${heard.status}`);
      }
      const query = new URLSearchParams({ transfer_group: question.reference, limit: '10' });
      const heard = await call(access, `/v1/transfers?${query.toString()}`);
      if (heard.kind === 'nothing') return unknown(heard.code);
      if (heard.status !== 200 || !Array.isArray(at(heard.body, 'data'))) return unknown(`status_${heard.status}`);
      const [found, ...more] = listAt(heard.body, 'data');
      if (more.length > 0) return unknown('found_twice'); // a person looks
      return found === undefined ? { class: 'not_found' } : judgeTransfer(question, found);
    },

    async statement({ access: given, since, until }) {
      const access = required(given);
      const from = since ?? addMs(until, -firstReadMs);
      const all: StatementLine[] = [];
      for (let after: string | null = null, hasMore = true; hasMore; ) {
        const query = new URLSearchParams({
          'created[gte]': String(Math.floor(epochMs(from) / 1_000)),
          limit: String(pageSize),
          'expand[]': 'data.source',
          ...(after === null ? {} : { starting_after: after }),
        });
        const body = await must(call(access, `/v1/balance_transactions?${query.toString()}`));
        const page = listAt(body, 'data');
        all.push(...page.flatMap(linesOf));
        after = textAt(page.at(-1), 'id');
        hasMore = at(body, 'has_more') === true && after !== null;
      }
      const now = balancesOf(await must(call(access, '/v1/balance')));
      // What lay there at `until` is what lies there now without what came since.
      const later = all.filter((line) => line.at > until);
      const closings = now.map(({ currency, minor }) => ({
        currency: currency as string,
        minor: later.filter((line) => line.currency === currency).reduce((left, line) => left - line.minor, minor),
      }));
      const lines = all.filter((line) => line.at <= until);
      return { closings, lines: since === null ? [...openingLines(closings, lines, from), ...lines] : lines };
    },

    probe: (access) =>
      probed(async () => {
        const account = await call(access, '/v1/account');
        if (account.kind === 'nothing') return { ok: false, code: 'no_answer', balances: [] };
        if (account.status === 401) return { ok: false, code: 'wrong_credentials', balances: [] };
        if (account.status !== 200) return { ok: false, code: 'not_permitted', balances: [] };
        if (textAt(account.body, 'id') !== field(access, 'accountId'))
          return { ok: false, code: 'other_account', balances: [] };
        const balance = await call(access, '/v1/balance');
        if (balance.kind === 'nothing') return { ok: false, code: 'no_answer', balances: [] };
        return balance.status === 200
          ? { ok: true, code: null, balances: balancesOf(balance.body) }
          : { ok: false, code: 'not_permitted', balances: [] };
      }),

    async readHook(access, { header, body }) {
      const secret = access.fields['webhookSecret'];
      const signature = readStripeSignature(header('stripe-signature') ?? '');
      if (secret === undefined || signature === undefined) return 'bad_signature';
      const nowSeconds = Math.floor(epochMs(options.now()) / 1_000);
      const right = createHmac('sha256', secret).update(`${signature.timestamp}.`).update(body).digest();
      const isSigned = signature.candidates.some((one) => timingSafeEqual(Buffer.from(one, 'hex'), right));
      if (!isSigned || !isInTolerance(signature.timestamp, nowSeconds)) return 'bad_signature';
      const event = objectOf(Buffer.from(body).toString('utf8'));
      const state = /^transfer\.([a-z_]+)$/.exec(textAt(event, 'type') ?? '')?.[1];
      const created = at(event, 'created');
      const externalId = textAt(event, 'id');
      if (state === undefined || externalId === null || typeof created !== 'number') return 'ignored';
      return {
        externalId,
        reference: textAt(event, 'data', 'object', 'transfer_group'),
        providerId: textAt(event, 'data', 'object', 'id'),
        state,
        isKnownState: eventStates.has(state),
        occurredAt: instantOf(created * 1_000),
      };
    },
  };
}

/** Stripe counts in the same minor units as we do, for the currencies it is offered for (`domain/payout/gateway.ts`). */
function formOf({ reference, amount, destination }: PayoutInstruction): URLSearchParams {
  return new URLSearchParams({
    amount: amount.minor.toString(),
    currency: amount.currency.toLowerCase(),
    destination: destination['account'] ?? '',
    transfer_group: reference,
    'metadata[attempt]': reference,
  });
}

function judgeTransfer(of: Pick<PayoutQuestion, 'reference' | 'amount'>, transfer: unknown): GatewayAnswer {
  const providerId = textAt(transfer, 'id');
  if (textAt(transfer, 'object') !== 'transfer' || providerId === null) return unknown('unreadable_answer');
  const isOurs =
    textAt(transfer, 'transfer_group') === of.reference &&
    textAt(transfer, 'amount') === of.amount.minor.toString() &&
    textAt(transfer, 'currency')?.toUpperCase() === (of.amount.currency as string);
  if (!isOurs) return unknown('key_conflict');
  const reversed = textAt(transfer, 'amount_reversed') ?? '0';
  if (reversed === '0') return { class: 'paid', providerId, gatewayStatus: 'paid' };
  const returnedMinor = BigInt(reversed);
  const [last] = listAt(transfer, 'reversals', 'data');
  const created = at(last, 'created');
  return {
    class: 'returned',
    providerId,
    code: 'recalled',
    returnedMinor: returnedMinor === of.amount.minor ? null : returnedMinor,
    occurredAt: typeof created === 'number' ? instantOf(created * 1_000) : null,
  };
}

function linesOf(transaction: unknown): readonly StatementLine[] {
  const id = textAt(transaction, 'id');
  const amount = textAt(transaction, 'amount');
  const fee = textAt(transaction, 'fee') ?? '0';
  const created = at(transaction, 'created');
  const type = textAt(transaction, 'type') ?? '';
  if (id === null || amount === null || typeof created !== 'number') return [];
  const source = at(transaction, 'source');
  const transfer = textAt(source, 'object') === 'transfer_reversal' ? textAt(source, 'transfer') : textAt(source, 'id');
  const common = {
    at: instantOf(created * 1_000),
    currency: (textAt(transaction, 'currency') ?? '').toUpperCase(),
    reference: textAt(source, 'transfer_group'),
    providerId: transfer,
  };
  return [
    { ...common, id, kind: kindOf(type), minor: BigInt(amount) },
    ...(fee === '0' ? [] : [{ ...common, id: `${id}/fee`, kind: 'fee' as const, minor: -BigInt(fee) }]),
  ].filter((line) => line.minor !== 0n && parseCurrency(line.currency) !== undefined);
}

function kindOf(type: string): StatementLineKind {
  switch (type) {
    case 'transfer':
      return 'payment';
    case 'transfer_refund':
    case 'transfer_failure':
    case 'transfer_cancel':
      return 'return';
    case 'topup':
      return 'deposit';
    case 'stripe_fee':
    case 'application_fee':
    case 'network_cost':
      return 'fee';
    default:
      return 'other'; // charges, payouts to the merchant's own bank …: a person says what they are
  }
}

/** Available and pending together: what the statement's lines add up to. */
function balancesOf(body: unknown): readonly Money[] {
  const totals = new Map<string, bigint>();
  for (const one of [...listAt(body, 'available'), ...listAt(body, 'pending')]) {
    const currency = (textAt(one, 'currency') ?? '').toUpperCase();
    const amount = textAt(one, 'amount');
    if (amount !== null) totals.set(currency, (totals.get(currency) ?? 0n) + BigInt(amount));
  }
  return [...totals].flatMap(([text, minor]) => {
    const currency = parseCurrency(text);
    return currency === undefined ? [] : [{ minor, currency }];
  });
}
