import type { GatewayAccess, GatewayDesk, ProviderEvent } from '../../domain/payout/gateway.js';
import { currenciesOf } from '../../domain/payout/gateway.js';
import { type Money, parseCurrency } from '../../domain/money.js';
import type { StatementLineKind } from '../../domain/payout/reconciliation.js';
import { addMs, type Instant, isBefore } from '../../domain/time.js';
import { firstReadMs, openingLines, type StatementLine, windows } from './openingLine.js';
import type {
  GatewayAnswer,
  GatewayStatement,
  PayoutGateway,
  PayoutInstruction,
  PayoutQuestion,
} from './payoutGateway.js';
import {
  at,
  decimal,
  field,
  type Heard,
  hear,
  instantAt,
  isSameMoney,
  listAt,
  minorOf,
  objectOf,
  probed,
  type ProviderOptions,
  refused,
  required,
  textAt,
  unknown,
} from './providerCall.js';

const dayMs = 86_400_000;
/** PayPal recognises a `sender_batch_id` for 30 days; we stop sending it on day 20 (money.md 7.3). */
const keyWindowMs = 20 * dayMs;
const tokenSlackMs = 60_000;
/** A search covers at most 31 days. */
const searchMs = 30 * dayMs;

const hosts = { production: 'https://api-m.paypal.com', sandbox: 'https://api-m.sandbox.paypal.com' } as const;

/** Why an item or a request was refused, in our words (features.md 4.8). Whatever is not here is `gateway_refused`. */
const refusals: ReadonlyMap<string, string> = new Map([
  ['RECEIVER_UNREGISTERED', 'destination_invalid'],
  ['RECEIVER_INVALID', 'destination_invalid'],
  ['INVALID_EMAIL', 'destination_invalid'],
  ['RECEIVER_COUNTRY_NOT_ALLOWED', 'destination_invalid'],
  ['RECEIVER_ACCOUNT_LOCKED', 'destination_closed'],
  ['RECEIVER_ACCOUNT_INACTIVE', 'destination_closed'],
  ['CURRENCY_NOT_SUPPORTED_FOR_RECEIVER', 'amount_unsupported'],
  ['CURRENCY_COMPLIANCE', 'amount_unsupported'],
  ['INVALID_CURRENCY', 'amount_unsupported'],
  ['SENDING_LIMIT_EXCEEDED', 'limit_exceeded'],
  ['RECEIVING_LIMIT_EXCEEDED', 'limit_exceeded'],
  ['SPENDING_LIMIT_EXCEEDED', 'limit_exceeded'],
]);

const itemStates: ReadonlyMap<string, string> = new Map([
  ['PENDING', 'processing'],
  ['NEW', 'processing'],
  ['UNCLAIMED', 'unclaimed'],
  ['ONHOLD', 'on_hold'],
  ['BLOCKED', 'on_hold'],
]);
const openBatch: ReadonlySet<string | null> = new Set(['NEW', 'ACKNOWLEDGED', 'PENDING', 'PROCESSING']);

/** The words of the events an item can be the subject of, behind `PAYMENT.PAYOUTS-ITEM.`. */
const eventStates: ReadonlySet<string> = new Set(
  'SUCCEEDED FAILED DENIED HELD BLOCKED UNCLAIMED RETURNED REFUNDED CANCELED REVERSED'.split(' '),
);

/**
 * PayPal Payouts v1: one payout is a batch of one item, whose `sender_batch_id` is the attempt's key and whose `sender_item_id` is the
 * attempt's id. PayPal does not let a batch be looked up by our id; instead the same request under the same id answers with the original
 * batch, for 30 days. So without its answer the question is the request itself, never a second payment.
 */
export function createPaypalGateway(options: ProviderOptions): PayoutGateway & GatewayDesk {
  const origins = options.origins ?? hosts;
  const tokens = new Map<string, { readonly token: string; readonly until: Instant }>();

  const keyOf = (access: GatewayAccess): string =>
    `${access.environment}/${field(access, 'clientId')}/${field(access, 'clientSecret')}`;

  async function tokenOf(access: GatewayAccess): Promise<Heard | string> {
    const known = tokens.get(keyOf(access));
    if (known !== undefined && isBefore(options.now(), known.until)) return known.token;
    const basic = Buffer.from(`${field(access, 'clientId')}:${field(access, 'clientSecret')}`).toString('base64');
    const heard = await hear(options.ask, `${origins[access.environment]}/v1/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials',
    });
    if (heard.kind !== 'heard' || heard.status !== 200) return heard;
    const token = textAt(heard.body, 'access_token');
    const seconds = at(heard.body, 'expires_in');
    if (token === null || typeof seconds !== 'number') return { kind: 'nothing', code: 'unreadable_answer' };
    tokens.set(keyOf(access), { token, until: addMs(options.now(), seconds * 1_000 - tokenSlackMs) });
    return token;
  }

  async function call(
    access: GatewayAccess,
    path: string,
    body?: string,
  ): Promise<Heard & { readonly wasSent: boolean }> {
    for (let tries = 1; ; tries += 1) {
      const token = await tokenOf(access);
      if (typeof token !== 'string') return { ...token, wasSent: false };
      const heard = await hear(options.ask, `${origins[access.environment]}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body }),
      });
      if (heard.kind === 'heard' && heard.status === 401 && tries === 1) tokens.delete(keyOf(access));
      else return { ...heard, wasSent: true };
    }
  }

  async function readBatch(of: Omit<PayoutQuestion, 'providerId' | 'claimedAt'>, id: string): Promise<GatewayAnswer> {
    const heard = await call(required(of.access), `/v1/payments/payouts/${encodeURIComponent(id)}?page_size=10`);
    if (heard.kind === 'nothing') return unknown(heard.code);
    if (heard.status === 404) return { class: 'not_found' };
    return heard.status === 200 ? judgeBatch(of, id, heard.body) : unknown(`status_${heard.status}`);
  }

  return {
    adapter: 'paypal',
    execution: 'gateway',
    keyWindowMs,
    canLookUp: true,
    callTimeoutMs: 40_000,
    callsPerSecond: 10,
    bouncesWithinMs: null, // by event, and in the statement: 30 days for what nobody claims, longer for what is reversed
    retryableRefusals: [],
    supports: (currency) => currenciesOf('paypal').has(currency),

    async submit(instruction) {
      const heard = await call(required(instruction.access), '/v1/payments/payouts', requestOf(instruction));
      if (heard.kind === 'nothing') return unknown(heard.code);
      const { status, body } = heard;
      if (status === 201) {
        const id = textAt(body, 'batch_header', 'payout_batch_id');
        return id === null
          ? unknown('unreadable_answer')
          : { class: 'submitted', providerId: id, gatewayStatus: 'processing' };
      }
      const original = originalOf(body);
      if (original !== null) {
        const found = await readBatch(instruction, original);
        // It is there, PayPal says so in the same breath: whatever the second answer was, this is not "nothing there".
        return found.class === 'not_found' ? unknown('duplicate_key') : found;
      }
      if (status === 400 || status === 401 || status === 403 || status === 404 || status === 422) {
        if (isDuplicate(body)) return unknown('duplicate_key'); // taken before, and no link to it: a person looks
        return refused(refusalOf(textAt(body, 'details', 0, 'issue') ?? textAt(body, 'name')));
      }
      return unknown(`status_${status}`);
    },

    lookUp: async (question) =>
      question.providerId === null ? { class: 'not_found' } : readBatch(question, question.providerId),

    async statement({ access: given, since, until }) {
      const access = required(given);
      const from = since ?? addMs(until, -firstReadMs);
      const lines: StatementLine[] = [];
      for (const window of windows(from, until, searchMs)) {
        for (let page = 1, pages = 1; page <= pages; page += 1) {
          const query = new URLSearchParams({
            start_date: window.from,
            end_date: window.to,
            fields: 'transaction_info',
            page_size: '500',
            page: String(page),
          });
          const body = await must(call(access, `/v1/reporting/transactions?${query.toString()}`));
          const total = at(body, 'total_pages');
          pages = typeof total === 'number' ? total : 1;
          lines.push(...listAt(body, 'transaction_details').flatMap((one) => linesOf(at(one, 'transaction_info'))));
        }
      }
      const query = new URLSearchParams({ as_of_time: until, currency_code: 'ALL' });
      const closings = balancesOf(await must(call(access, `/v1/reporting/balances?${query.toString()}`)));
      return withOpening(closings, lines, since === null ? from : null);
    },

    probe: (access) =>
      probed(async () => {
        const heard = await call(access, '/v1/reporting/balances?currency_code=ALL');
        if (heard.kind === 'nothing') return { ok: false, code: 'no_answer', balances: [] };
        if (heard.status === 401) return { ok: false, code: 'wrong_credentials', balances: [] };
        // Signed in, and not allowed to read balances: payouts work, statements do not.
        if (heard.status === 403) return { ok: false, code: 'not_permitted', balances: [] };
        if (heard.status !== 200) return { ok: false, code: 'no_answer', balances: [] };
        return { ok: true, code: null, balances: balancesOf(heard.body).map(moneyOf) };
      }),

    /** PayPal checks its own signature: the request goes back to it with the id of the webhook it was made for. */
    async readHook(access, { header, body }) {
      const webhookId = access.fields['webhookId'];
      const signed = ['auth-algo', 'cert-url', 'transmission-id', 'transmission-sig', 'transmission-time'].map(
        (name): [string, string | undefined] => [name.replace('-', '_'), header(`paypal-${name}`)],
      );
      if (webhookId === undefined || signed.some(([, value]) => value === undefined)) return 'bad_signature';
      const text = Buffer.from(body).toString('utf8');
      const event = objectOf(text);
      if (event === undefined) return 'bad_signature'; // and nothing but one object may be put into the question below
      // The event goes back as it came, byte for byte: written anew it would be another one.
      const asked = `${JSON.stringify({ ...Object.fromEntries(signed), webhook_id: webhookId }).slice(0, -1)},"webhook_event":${text}}`;
      const heard = await call(access, '/v1/notifications/verify-webhook-signature', asked);
      if (heard.kind === 'nothing') throw new Error('PayPal did not check the signature of its event'); // it sends the event again
      if (heard.status !== 200 || at(heard.body, 'verification_status') !== 'SUCCESS') return 'bad_signature';
      return eventOf(event);
    },
  };
}

function requestOf({ requestKey, reference, amount, destination }: PayoutInstruction): string {
  return JSON.stringify({
    sender_batch_header: { sender_batch_id: requestKey },
    items: [
      {
        recipient_type: 'EMAIL',
        receiver: destination['email'] ?? '',
        amount: { value: decimal(amount), currency: amount.currency },
        sender_item_id: reference,
      },
    ],
  });
}

/** The id of the batch that was made under this `sender_batch_id` before; the link is read, never followed. */
function originalOf(body: unknown): string | null {
  for (const link of listAt(body, 'links')) {
    const id = /\/v1\/payments\/payouts\/([A-Za-z0-9_-]{1,64})(?:[?/]|$)/.exec(textAt(link, 'href') ?? '')?.[1];
    if (id !== undefined) return id;
  }
  return null;
}

function isDuplicate(body: unknown): boolean {
  const words = [textAt(body, 'name'), textAt(body, 'details', 0, 'issue'), textAt(body, 'message')].join(' ');
  return /DUPLICATE|already (exists|been used)/i.test(words);
}

function refusalOf(name: string | null): string {
  return refusals.get(name ?? '') ?? 'gateway_refused';
}

/** The state is the item's: a batch's SUCCESS says nothing (money.md 7.3). */
function judgeBatch(of: Omit<PayoutQuestion, 'providerId' | 'claimedAt'>, id: string, body: unknown): GatewayAnswer {
  const sentAs = textAt(body, 'batch_header', 'sender_batch_header', 'sender_batch_id');
  if (of.requestKey !== null && sentAs !== of.requestKey) return unknown('key_conflict');
  const batch = textAt(body, 'batch_header', 'batch_status');
  const item = listAt(body, 'items').find((one) => textAt(one, 'payout_item', 'sender_item_id') === of.reference);
  if (item === undefined)
    return openBatch.has(batch)
      ? { class: 'submitted', providerId: id, gatewayStatus: 'processing' }
      : unknown('no_item');
  const currency = textAt(item, 'payout_item', 'amount', 'currency');
  if (!isSameMoney(minorOf(at(item, 'payout_item', 'amount', 'value'), currency ?? ''), currency, of.amount))
    return unknown('key_conflict');
  const status = textAt(item, 'transaction_status') ?? '';
  const error = textAt(item, 'errors', 'name');
  switch (status) {
    case 'SUCCESS':
      return { class: 'paid', providerId: id, gatewayStatus: 'paid', fees: feesOf(item, of.amount.currency) };
    case 'FAILED':
    case 'DENIED':
      return refused(refusalOf(error), id);
    case 'RETURNED':
    case 'REFUNDED':
    case 'REVERSED':
      return {
        class: 'returned',
        providerId: id,
        code: status === 'RETURNED' ? 'unclaimed' : 'recalled',
        returnedMinor: null,
        occurredAt: instantAt(item, 'time_processed'),
      };
    default: {
      const word = itemStates.get(status);
      return word === undefined
        ? unknown('unknown_state')
        : { class: 'submitted', providerId: id, gatewayStatus: word };
    }
  }
}

/** PayPal tells its fee in the currency it took it in: only one in the payout's own can be booked with it. */
function feesOf(item: unknown, currency: string): readonly { readonly line: string; readonly minor: bigint }[] {
  const minor = minorOf(at(item, 'payout_item_fee', 'value'), currency);
  const transaction = textAt(item, 'transaction_id');
  return textAt(item, 'payout_item_fee', 'currency') !== currency ||
    minor === undefined ||
    minor <= 0n ||
    transaction === null
    ? []
    : [{ line: `${transaction}/fee`, minor }];
}

/** What a transaction did to the balance; one that is pending or denied did nothing. */
function linesOf(info: unknown): readonly StatementLine[] {
  const id = textAt(info, 'transaction_id');
  const when = instantAt(info, 'transaction_updated_date') ?? instantAt(info, 'transaction_initiation_date');
  const currency = textAt(info, 'transaction_amount', 'currency_code') ?? '';
  const minor = minorOf(at(info, 'transaction_amount', 'value'), currency);
  if (id === null || when === null || minor === undefined || textAt(info, 'transaction_status') !== 'S') return [];
  const code = textAt(info, 'transaction_event_code') ?? '';
  const common = {
    at: when,
    currency,
    reference: textAt(info, 'custom_field') ?? textAt(info, 'invoice_id'),
    providerId: textAt(info, 'paypal_reference_id'),
  };
  const fee = minorOf(at(info, 'fee_amount', 'value'), currency) ?? 0n;
  return [
    { ...common, id, kind: kindOf(code, minor), minor },
    ...(fee === 0n ? [] : [{ ...common, id: `${id}/fee`, kind: 'fee' as const, minor: fee }]),
  ].filter((line) => line.minor !== 0n);
}

/** T-codes: T0001 a mass payment, T01xx fees, T03xx money put in, T11xx reversals. */
function kindOf(code: string, minor: bigint): StatementLineKind {
  if (code === 'T0001') return minor < 0n ? 'payment' : 'return';
  if (code.startsWith('T01')) return 'fee';
  if (code.startsWith('T03')) return 'deposit';
  return code.startsWith('T11') ? 'return' : 'other';
}

interface Closing {
  readonly currency: string;
  readonly minor: bigint;
}

function balancesOf(body: unknown): readonly Closing[] {
  return listAt(body, 'balances').flatMap((one) => {
    const currency = textAt(one, 'total_balance', 'currency_code') ?? '';
    const minor = minorOf(at(one, 'total_balance', 'value'), currency);
    return minor === undefined ? [] : [{ currency, minor }];
  });
}

function moneyOf({ currency, minor }: Closing): Money {
  const code = parseCurrency(currency);
  if (code === undefined) throw new Error('a balance of an unknown currency');
  return { minor, currency: code };
}

function withOpening(
  closings: readonly Closing[],
  lines: readonly StatementLine[],
  from: Instant | null,
): GatewayStatement {
  return { closings, lines: from === null ? lines : [...openingLines(closings, lines, from), ...lines] };
}

async function must(asked: Promise<Heard>): Promise<unknown> {
  const heard = await asked;
  if (heard.kind !== 'heard' || heard.status !== 200) throw new Error('PayPal gave no statement');
  return heard.body;
}

/** `PAYMENT.PAYOUTS-ITEM.SUCCEEDED` and its like; events of whole batches say nothing about a payment. */
function eventOf(event: unknown): ProviderEvent | 'ignored' {
  const state = /^PAYMENT\.PAYOUTS-ITEM\.([A-Z_-]+)$/.exec(textAt(event, 'event_type') ?? '')?.[1];
  const externalId = textAt(event, 'id');
  const occurredAt = instantAt(event, 'create_time');
  if (state === undefined || externalId === null || occurredAt === null) return 'ignored';
  return {
    externalId,
    reference: textAt(event, 'resource', 'payout_item', 'sender_item_id'),
    providerId: textAt(event, 'resource', 'payout_batch_id'),
    state: state.toLowerCase(),
    isKnownState: eventStates.has(state),
    occurredAt,
  };
}
