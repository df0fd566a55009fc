import { createPublicKey, verify } from 'node:crypto';
import { type Money, parseCurrency } from '../../domain/money.js';
import { currenciesOf, type GatewayAccess, type GatewayDesk } from '../../domain/payout/gateway.js';
import type { StatementLineKind } from '../../domain/payout/reconciliation.js';
import { addMs, type Instant } from '../../domain/time.js';
import { firstReadMs, openingLines, type StatementLine, windows } from './openingLine.js';
import type { GatewayAnswer, PayoutGateway, PayoutInstruction, PayoutQuestion } from './payoutGateway.js';
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
/** How long Wise keeps a `customerTransactionId` is not said. It is looked up before it is sent again, always; so long we do that. */
const keyWindowMs = dayMs;
/** Our clock and theirs may differ: a list begins so much before the attempt was made. */
const clockSlackMs = 600_000;
const pageSize = 100;
const longestSearch = 50;
/** Of our reference Wise takes so many characters: the last ones, because those tell attempts apart. */
const referenceLength = 10;
/** A statement covers at most a year; short pieces keep an answer small. */
const statementMs = 90 * dayMs;

const hosts = { production: 'https://api.wise.com', sandbox: 'https://api.wise-sandbox.com' } as const;

/** A transfer's states (money.md 7.3). What is in neither table is unknown. */
const states: ReadonlyMap<string, 'unfunded' | 'processing' | 'on_hold' | 'paid' | 'cancelled' | 'returned'> = new Map([
  ['incoming_payment_waiting', 'unfunded'],
  ['incoming_payment_initiated', 'processing'],
  ['processing', 'processing'],
  ['funds_converted', 'processing'],
  ['waiting_recipient_input_to_proceed', 'on_hold'],
  ['unknown_under_review', 'on_hold'],
  ['outgoing_payment_sent', 'paid'],
  ['cancelled', 'cancelled'],
  ['bounced_back', 'returned'],
  ['funds_refunded', 'returned'],
  ['charged_back', 'returned'],
]);

/**
 * Wise: quote, recipient, transfer, funding; money moves only with the last, and a transfer is funded once. The transfer carries the
 * attempt's key as `customerTransactionId`, and is looked for under it before anything is made: create and fund are two calls, so two
 * unknown points (money.md 7.3). A token that may not fund leaves a transfer that a person funds there: `awaiting_funding`.
 */
export function createWiseGateway(options: ProviderOptions): PayoutGateway & GatewayDesk {
  const origins = options.origins ?? hosts;

  function call(access: GatewayAccess, path: string, body?: Readonly<Record<string, unknown>>): Promise<Heard> {
    return hear(options.ask, `${origins[access.environment]}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${field(access, 'apiToken')}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** The transfer made under this key, null when there surely is none, or why that cannot be said. */
  async function findTransfer(
    access: GatewayAccess,
    of: { readonly requestKey: string; readonly from: Instant },
  ): Promise<{ readonly transfer: unknown } | { readonly code: string }> {
    const found: unknown[] = [];
    for (let read = 0; read < longestSearch; read += 1) {
      const query = new URLSearchParams({
        profile: field(access, 'profileId'),
        createdDateStart: of.from,
        limit: String(pageSize),
        offset: String(read * pageSize),
      });
      const heard = await call(access, `/v1/transfers?${query.toString()}`);
      if (heard.kind === 'nothing') return { code: heard.code };
      if (heard.status !== 200 || !Array.isArray(heard.body)) return { code: `status_${heard.status}` };
      const page = listAt({ all: heard.body }, 'all');
      found.push(...page.filter((one) => textAt(one, 'customerTransactionId') === of.requestKey));
      if (page.length < pageSize) return found.length > 1 ? { code: 'found_twice' } : { transfer: found[0] ?? null };
    }
    return { code: 'list_too_long' }; // more than was read: "not there" cannot be said
  }

  async function makeTransfer(instruction: PayoutInstruction): Promise<{ readonly transfer: unknown } | GatewayAnswer> {
    const access = required(instruction.access);
    const details = recipientOf(instruction);
    if (details === undefined) return refused('destination_invalid'); // nothing was asked of anybody
    const recipient = await call(access, '/v1/accounts', details);
    // Neither a recipient nor a quote moves money: what goes wrong here surely was not carried out.
    if (recipient.kind === 'nothing') return unknown(recipient.code);
    if (recipient.status >= 400) return refused(refusalOf(recipient, 'destination_invalid'));
    const currency = instruction.amount.currency;
    const quote = await call(access, `/v3/profiles/${field(access, 'profileId')}/quotes`, {
      sourceCurrency: currency,
      targetCurrency: currency,
      targetAmount: Number(decimal(instruction.amount)),
      targetAccount: at(recipient.body, 'id'),
      payOut: 'BANK_TRANSFER',
    });
    if (quote.kind === 'nothing') return unknown(quote.code);
    if (quote.status >= 400) return refused(refusalOf(quote, 'amount_unsupported'));
    const made = await call(access, '/v1/transfers', {
      targetAccount: at(recipient.body, 'id'),
      quoteUuid: textAt(quote.body, 'id'),
      customerTransactionId: instruction.requestKey,
      details: { reference: instruction.reference.slice(-referenceLength) },
    });
    if (made.kind === 'nothing') return unknown(made.code);
    if (made.status === 409) return unknown('key_conflict');
    if (made.status >= 400) return refused(refusalOf(made, 'gateway_refused'));
    return textAt(made.body, 'id') === null ? unknown('unreadable_answer') : { transfer: made.body };
  }

  /** Lets the money go; what came of it is read from the transfer, whatever the answer was. */
  async function fund(instruction: PayoutInstruction, id: string): Promise<GatewayAnswer> {
    const access = required(instruction.access);
    const path = `/v3/profiles/${field(access, 'profileId')}/transfers/${encodeURIComponent(id)}/payments`;
    const heard = await call(access, path, { type: 'BALANCE' });
    if (heard.kind === 'nothing') return unknown(heard.code);
    const isFunded = heard.status < 300 && textAt(heard.body, 'status') === 'COMPLETED';
    if (isFunded) return { class: 'submitted', providerId: id, gatewayStatus: 'processing' };
    const seen = await call(access, `/v1/transfers/${encodeURIComponent(id)}`);
    if (seen.kind === 'nothing' || seen.status !== 200) return unknown('funding_unclear');
    return judge(access, instruction, seen.body, 'answered');
  }

  async function judge(
    access: GatewayAccess,
    of: Pick<PayoutQuestion, 'requestKey' | 'reference' | 'amount'>,
    transfer: unknown,
    unfunded: 'answered' | 'not_answered',
  ): Promise<GatewayAnswer> {
    const providerId = textAt(transfer, 'id');
    if (providerId === null) return unknown('unreadable_answer');
    const currency = textAt(transfer, 'targetCurrency');
    const isOurs =
      (of.requestKey === null
        ? textAt(transfer, 'details', 'reference') === of.reference.slice(-referenceLength)
        : textAt(transfer, 'customerTransactionId') === of.requestKey) &&
      isSameMoney(minorOf(at(transfer, 'targetValue'), currency ?? ''), currency, of.amount);
    if (!isOurs) return unknown('key_conflict');
    const state = states.get(textAt(transfer, 'status') ?? '');
    switch (state) {
      case 'unfunded':
        // Made, and nobody heard of it: nothing has moved, so the same request goes on from here. Once it was answered, a person funds it.
        return unfunded === 'not_answered'
          ? { class: 'not_found' }
          : { class: 'submitted', providerId, gatewayStatus: 'awaiting_funding' };
      case 'processing':
      case 'on_hold':
        return { class: 'submitted', providerId, gatewayStatus: state };
      case 'paid':
        return { class: 'paid', providerId, gatewayStatus: 'paid', fees: await feesOf(access, transfer, providerId) };
      case 'cancelled':
        return refused('gateway_refused', providerId);
      case 'returned':
        return { class: 'returned', providerId, code: 'recalled', returnedMinor: null, occurredAt: null };
      case undefined:
        return unknown('unknown_state');
      default:
        return state satisfies never;
    }
  }

  /** What its quote said the transfer costs, under the id that the statement gives the fee. */
  async function feesOf(access: GatewayAccess, transfer: unknown, id: string) {
    const quote = textAt(transfer, 'quoteUuid');
    if (quote === null) return [];
    const heard = await call(access, `/v3/profiles/${field(access, 'profileId')}/quotes/${encodeURIComponent(quote)}`);
    if (heard.kind === 'nothing' || heard.status !== 200)
      throw new Error('Wise did not show the quote of a paid transfer');
    const option = listAt(heard.body, 'paymentOptions').find((one) => textAt(one, 'payIn') === 'BALANCE');
    const minor = minorOf(at(option, 'fee', 'total'), textAt(transfer, 'sourceCurrency') ?? '') ?? 0n;
    return minor > 0n ? [{ line: `TRANSFER-${id}/fee`, minor }] : [];
  }

  async function must(asked: Promise<Heard>): Promise<unknown> {
    const heard = await asked;
    // 403: the token's owner has to confirm each statement in the app; then it is uploaded instead.
    if (heard.kind !== 'heard' || heard.status !== 200) throw new Error('Wise gave no statement');
    return heard.body;
  }

  const balances = (access: GatewayAccess): Promise<Heard> =>
    call(access, `/v4/profiles/${field(access, 'profileId')}/balances?types=STANDARD`);

  return {
    adapter: 'wise',
    execution: 'gateway',
    keyWindowMs,
    canLookUp: true,
    callTimeoutMs: 60_000,
    callsPerSecond: 5,
    bouncesWithinMs: null, // by event, and in the statement: weeks later
    retryableRefusals: [],
    supports: (currency) => currenciesOf('wise').has(currency),

    async submit(instruction) {
      const access = required(instruction.access);
      const from = addMs(options.now(), -keyWindowMs - clockSlackMs);
      const before = await findTransfer(access, { requestKey: instruction.requestKey, from });
      if ('code' in before) return unknown(before.code);
      const made = before.transfer === null ? await makeTransfer(instruction) : before;
      if (!('transfer' in made)) return made;
      const judged = await judge(access, instruction, made.transfer, 'not_answered');
      const id = textAt(made.transfer, 'id');
      return judged.class === 'not_found' && id !== null ? fund(instruction, id) : judged;
    },

    async lookUp(question) {
      const access = required(question.access);
      if (question.providerId !== null) {
        const heard = await call(access, `/v1/transfers/${encodeURIComponent(question.providerId)}`);
        if (heard.kind === 'nothing') return unknown(heard.code);
        if (heard.status === 404) return { class: 'not_found' };
        return heard.status === 200
          ? judge(access, question, heard.body, 'answered')
          : unknown(`status_${heard.status}`);
      }
      const { requestKey } = question;
      if (requestKey === null) return unknown('key_lost');
      const from = addMs(question.claimedAt, -clockSlackMs);
      const found = await findTransfer(access, { requestKey, from });
      if ('code' in found) return unknown(found.code);
      return found.transfer === null ? { class: 'not_found' } : judge(access, question, found.transfer, 'not_answered');
    },

    async statement({ access: given, since, until }) {
      const access = required(given);
      const from = since ?? addMs(until, -firstReadMs);
      const closings: { readonly currency: string; readonly minor: bigint }[] = [];
      const lines: StatementLine[] = [];
      const accounts = listAt({ all: await must(balances(access)) }, 'all');
      for (const account of accounts) {
        const currency = textAt(account, 'currency') ?? '';
        const id = textAt(account, 'id');
        if (id === null || parseCurrency(currency) === undefined) continue;
        let closing: bigint | undefined;
        for (const window of windows(from, until, statementMs)) {
          const query = new URLSearchParams({
            currency,
            intervalStart: window.from,
            intervalEnd: window.to,
            type: 'COMPACT',
          });
          const path = `/v1/profiles/${field(access, 'profileId')}/balance-statements/${id}/statement.json`;
          const body = await must(call(access, `${path}?${query.toString()}`));
          lines.push(...listAt(body, 'transactions').flatMap((one) => linesOf(one, currency)));
          closing = minorOf(at(body, 'endOfStatementBalance', 'value'), currency);
        }
        if (closing === undefined) throw new Error('Wise gave a statement without a balance');
        closings.push({ currency, minor: closing });
      }
      return { closings, lines: since === null ? [...openingLines(closings, lines, from), ...lines] : lines };
    },

    probe: (access) =>
      probed(async () => {
        const heard = await balances(access);
        if (heard.kind === 'nothing') return { ok: false, code: 'no_answer', balances: [] };
        if (heard.status === 401) return { ok: false, code: 'wrong_credentials', balances: [] };
        if (heard.status === 404) return { ok: false, code: 'other_account', balances: [] };
        if (heard.status !== 200) return { ok: false, code: 'not_permitted', balances: [] };
        return { ok: true, code: null, balances: listAt({ all: heard.body }, 'all').flatMap(balanceOf) };
      }),

    /** RSA with SHA-256 over the bytes, under the public key that Wise publishes for the environment. */
    readHook(access, { header, body }) {
      const pem = access.fields['webhookPublicKey'];
      const signature = header('x-signature-sha256');
      if (pem === undefined || signature === undefined || !/^[A-Za-z0-9+/]{40,2000}={0,2}$/.test(signature))
        return Promise.resolve('bad_signature');
      const isSigned = verify('RSA-SHA256', body, createPublicKey(pem), Buffer.from(signature, 'base64'));
      if (!isSigned) return Promise.resolve('bad_signature');
      const event = objectOf(Buffer.from(body).toString('utf8'));
      const state = textAt(event, 'data', 'current_state');
      const occurredAt = instantAt(event, 'data', 'occurred_at');
      const externalId = header('x-delivery-id');
      const isOfProfile = textAt(event, 'data', 'resource', 'profile_id') === field(access, 'profileId');
      if (textAt(event, 'event_type') !== 'transfers#state-change' || !isOfProfile) return Promise.resolve('ignored');
      if (state === null || occurredAt === null || externalId === undefined) return Promise.resolve('ignored');
      return Promise.resolve({
        externalId,
        reference: null,
        providerId: textAt(event, 'data', 'resource', 'id'),
        state,
        isKnownState: states.has(state),
        occurredAt,
      });
    },
  };
}

/** The recipient as Wise wants it: euros to an IBAN, pounds to a sort code; undefined when the details hold neither. */
function recipientOf({
  access,
  amount,
  destination,
}: PayoutInstruction): Readonly<Record<string, unknown>> | undefined {
  const common = {
    profile: Number(field(required(access), 'profileId')),
    accountHolderName: destination['holder'] ?? '',
    currency: amount.currency,
  };
  const iban = destination['iban'];
  if (amount.currency === 'EUR')
    return iban === undefined ? undefined : { ...common, type: 'iban', details: { legalType: 'PRIVATE', IBAN: iban } };
  const british = /^GB\d{2}[A-Z]{4}(\d{6})(\d{8})$/.exec(iban ?? '');
  const sortCode = british?.[1] ?? (destination['country'] === 'GB' ? destination['bankCode'] : undefined);
  const accountNumber = british?.[2] ?? destination['accountNumber'];
  return amount.currency !== 'GBP' || sortCode === undefined || accountNumber === undefined
    ? undefined
    : { ...common, type: 'sort_code', details: { legalType: 'PRIVATE', sortCode, accountNumber } };
}

/** A refusal that the provider explains; one that it does not explain, or a token that is not accepted, is not the payee's fault. */
function refusalOf(heard: Extract<Heard, { kind: 'heard' }>, code: string): string {
  return heard.status === 400 || heard.status === 422 ? code : 'gateway_refused';
}

/** A statement's line; what Wise kept of it is a line of its own, as our books have it. */
function linesOf(transaction: unknown, currency: string): readonly StatementLine[] {
  const id = textAt(transaction, 'referenceNumber');
  const when = instantAt(transaction, 'date');
  const whole = minorOf(at(transaction, 'amount', 'value'), currency);
  if (id === null || when === null || whole === undefined) return [];
  const fee = minorOf(at(transaction, 'totalFees', 'value'), currency) ?? 0n;
  const type = textAt(transaction, 'details', 'type') ?? '';
  const common = { at: when, currency, reference: null, providerId: /^TRANSFER-(\d+)$/.exec(id)?.[1] ?? null };
  const kind = kindOf(type, whole);
  return [
    { ...common, id: kind === 'return' ? `${id}/return` : id, kind, minor: whole + fee },
    ...(fee === 0n ? [] : [{ ...common, id: `${id}/fee`, kind: 'fee' as const, minor: -fee }]),
  ].filter((line) => line.minor !== 0n);
}

function kindOf(type: string, minor: bigint): StatementLineKind {
  switch (type) {
    case 'TRANSFER':
      return minor < 0n ? 'payment' : 'return';
    case 'DEPOSIT':
    case 'MONEY_ADDED':
      return 'deposit';
    default:
      return 'other';
  }
}

function balanceOf(account: unknown): readonly Money[] {
  const currency = parseCurrency(textAt(account, 'currency') ?? '');
  if (currency === undefined) return [];
  const minor = minorOf(at(account, 'amount', 'value'), currency);
  return minor === undefined ? [] : [{ minor, currency }];
}
