import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ApplicationFailure } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GatewayAnswer, PayoutGateway, PayoutInstruction } from '../../../activities/gateways/payoutGateway.js';
import { createPaypalGateway } from '../../../activities/gateways/paypal.js';
import { createSandboxGateway } from '../../../activities/gateways/sandbox.js';
import { createStripeGateway } from '../../../activities/gateways/stripe.js';
import { createWiseGateway } from '../../../activities/gateways/wise.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { GatewayAccess, GatewayDesk } from '../../../domain/payout/gateway.js';
import { type AttemptState, attemptTransitions, decideAnswer } from '../../../domain/payout/payoutAttempt.js';
import { readSandboxJournal, sandboxKeyWindowMs } from '../../../domain/payout/sandboxJournal.js';
import { addMs, epochMs, type Instant, instantOf } from '../../../domain/time.js';
import { createJournal } from '../../../platform/journal.js';
import { newId } from '../../../platform/newId.js';
import { fetchOutside, gatewayRules } from '../../../platform/outbound.js';
import { type FakePaypal, paypalFields, startFakePaypal } from '../../support/gateways/fakePaypal.js';
import type { Fault } from '../../support/gateways/fakeProvider.js';
import { type FakeStripe, startFakeStripe, stripeFields } from '../../support/gateways/fakeStripe.js';
import { type FakeWise, startFakeWise, wiseFields } from '../../support/gateways/fakeWise.js';

// One table over every gateway (money.md 7.3, reliability.md T8): whatever breaks on the way, one key pays once, and nobody guesses. The
// providers are fakes over real HTTP that behave as their public documentation says, each with a journal of what it really paid.

const signal = new AbortController().signal;
const eur = 'EUR' as CurrencyCode;
const amount = { minor: 1_234n, currency: eur };
type Word = 'ok' | 'slow' | 'refuse' | 'held' | 'odd';

interface Bench {
  readonly gateway: PayoutGateway;
  readonly access: GatewayAccess | null;
  readonly wrongAccess: GatewayAccess | null;
  destination(word: Word): Readonly<Record<string, string>>;
  advance(ms: number): void;
  now(): Instant;
  breakNext(...faults: readonly Fault[]): void;
  breakNextLookUp(...faults: readonly Fault[]): void;
  /** How often money left under a key. */
  paid(requestKey: string): Promise<number>;
  bounce(instruction: PayoutInstruction): Promise<void>;
  /** What the provider itself keeps a key for. */
  readonly providerRemembersMs: number;
}

let folder: string;
let fakes: { readonly paypal: FakePaypal; readonly wise: FakeWise; readonly stripe: FakeStripe };
const benches = new Map<string, Bench>();

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tributary-gateways-'));
  const [paypal, wise, stripe] = await Promise.all([
    startFakePaypal(path.join(folder, 'paypal.journal')),
    startFakeWise(path.join(folder, 'wise.journal')),
    startFakeStripe(path.join(folder, 'stripe.journal')),
  ]);
  fakes = { paypal, wise, stripe };
  const ask = (address: string, call: Parameters<typeof fetchOutside>[2]) =>
    fetchOutside(address, gatewayRules({ outboundAllow: ['127.0.0.0/8'] }), call);
  const both = (origin: string) => ({ production: origin, sandbox: origin });
  const access = (fields: Readonly<Record<string, string>>): GatewayAccess => ({ environment: 'sandbox', fields });
  const of = (fake: FakePaypal | FakeWise | FakeStripe) => ({
    advance: fake.advance,
    now: fake.now,
    breakNext: fake.breakNext,
    breakNextLookUp: fake.breakNextLookUp,
    paid: async (key: string) => (await fake.payments()).filter((one) => one.key === key).length,
  });
  for (const fake of [paypal, wise]) fake.topUp(1_000_000n, 'EUR');
  stripe.topUp(1_000_000, 'eur');

  benches.set('paypal', {
    ...of(paypal),
    gateway: createPaypalGateway({ ask, now: paypal.now, origins: both(paypal.origin) }),
    access: access(paypalFields),
    wrongAccess: access({ ...paypalFields, clientSecret: 'E'.repeat(40) }),
    destination: (word) => ({ email: `${word}.ada@blog.example` }),
    bounce: ({ reference }) => paypal.turn(reference, 'RETURNED'),
    providerRemembersMs: 30 * 86_400_000,
  });
  benches.set('wise', {
    ...of(wise),
    gateway: createWiseGateway({ ask, now: wise.now, origins: both(wise.origin) }),
    access: access(wiseFields),
    wrongAccess: access({ ...wiseFields, apiToken: 'wrong-token-of-somebody' }),
    destination: (word) => ({ holder: `${word} Ada`, iban: 'DE89370400440532013000' }),
    bounce: ({ requestKey }) => wise.turn(requestKey, 'funds_refunded'),
    providerRemembersMs: Number.POSITIVE_INFINITY,
  });
  benches.set('stripe', {
    ...of(stripe),
    gateway: createStripeGateway({ ask, now: stripe.now, origins: both(stripe.origin) }),
    access: access(stripeFields),
    wrongAccess: access({ ...stripeFields, secretKey: 'sk_test_somebodyElse00000' }),
    destination: (word) => ({ provider: 'stripe', account: `acct_${word}000000001` }),
    bounce: ({ reference }) => stripe.reverse(reference),
    providerRemembersMs: 24 * 3_600_000,
  });

  let offset = 0;
  const now = (): Instant => instantOf(Date.now() + offset);
  const journal = createJournal(path.join(folder, 'sandbox.journal'));
  benches.set('sandbox', {
    gateway: createSandboxGateway({ journal, now, times: { ok: 0, slow: 30_000, bounce: 5_000 } }),
    access: null,
    wrongAccess: null,
    destination: (word) => ({ account: word }),
    advance: (ms) => {
      offset += ms;
    },
    now,
    breakNext: () => undefined,
    breakNextLookUp: () => undefined,
    paid: async (key) => {
      const entries = readSandboxJournal(await journal.readAll(), sandboxKeyWindowMs, (at) => epochMs(at as Instant));
      return entries.filter((one) => one.requestKey === key && !one.replay && one.outcome !== 'refused').length;
    },
    bounce: () => Promise.resolve(),
    providerRemembersMs: sandboxKeyWindowMs,
  });
});
afterAll(async () => {
  for (const fake of Object.values(fakes ?? {})) await fake.close();
  await rm(folder, { recursive: true, force: true });
});

function instructed(bench: Bench, word: Word | 'returned' | 'lost_reply' | 'lost_request' = 'ok'): PayoutInstruction {
  return {
    requestKey: randomUUID(),
    reference: newId('payoutAttempt'),
    merchant: 'ws_1/live',
    amount,
    access: bench.access,
    destination: bench.destination(word as Word),
  };
}

const submit = (bench: Bench, instruction: PayoutInstruction) => bench.gateway.submit(instruction, signal);
const lookUp = (bench: Bench, instruction: PayoutInstruction, providerId: string | null = null) =>
  bench.gateway.lookUp({ ...instruction, providerId, claimedAt: addMs(bench.now(), -1_000) }, signal);
const idOf = (answer: GatewayAnswer): string | null => ('providerId' in answer ? answer.providerId : null);

/** What a payout's workflow does with one attempt, by the same rules: call, record, ask, and the same key again where that is allowed. */
async function play(bench: Bench, instruction: PayoutInstruction): Promise<readonly AttemptState[]> {
  let state: AttemptState = 'submitting';
  let providerId: string | null = null;
  const seen: AttemptState[] = [state];
  for (let step = 0; step < 12; step += 1) {
    if (state === 'paid' || state === 'refused' || state === 'returned') break;
    const source: 'call' | 'lookUp' = state === 'submitting' ? 'call' : 'lookUp';
    const answer: GatewayAnswer =
      source === 'call' ? await submit(bench, instruction) : await lookUp(bench, instruction, providerId);
    providerId = idOf(answer) ?? providerId;
    const keyLeftMs = bench.gateway.keyWindowMs;
    const decision = decideAnswer({ state, keyLeftMs, isNewest: true, isPaidLate: false }, answer.class, source);
    if (decision.kind !== 'move') continue;
    state = decision.to;
    seen.push(state);
  }
  return seen;
}

const names = ['sandbox', 'paypal', 'wise', 'stripe'] as const;
const real = ['paypal', 'wise', 'stripe'] as const;
const benchOf = (name: string): Bench => {
  const bench = benches.get(name);
  if (bench === undefined) throw new Error(`no bench ${name}`);
  return bench;
};

describe.each(names)('PAY-19 contract of %s', (name) => {
  test('declares a window shorter than the provider’s, a look-up, a time limit and what it can express', () => {
    const { gateway, providerRemembersMs } = benchOf(name);
    expect(gateway.keyWindowMs).not.toBeNull();
    expect(gateway.keyWindowMs ?? 0).toBeLessThanOrEqual(providerRemembersMs);
    expect(gateway).toMatchObject({ adapter: name, execution: 'gateway', canLookUp: true });
    expect(gateway.callTimeoutMs).toBeGreaterThan(0);
    expect(gateway.supports(eur, 1n)).toBe(true);
  });

  test('pays once and says so', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    expect((await play(bench, instruction)).at(-1)).toBe('paid');
    expect(await bench.paid(instruction.requestKey)).toBe(1);
  });

  test('the same key twice pays once, and names the same payment', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    const [first, second] = [await submit(bench, instruction), await submit(bench, instruction)];
    expect(idOf(second)).toBe(idOf(first));
    expect(idOf(first)).not.toBeNull();
    expect(await bench.paid(instruction.requestKey)).toBe(1);
  });

  test('the same key ten times at once pays once', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    await Promise.all(Array.from({ length: 10 }, () => submit(bench, instruction)));
    expect(await bench.paid(instruction.requestKey)).toBe(1);
    expect((await play(bench, instruction)).at(-1)).toBe('paid');
  });

  test('two payouts to one destination are two payments', async () => {
    const bench = benchOf(name);
    const [one, two] = [instructed(bench), instructed(bench)];
    await play(bench, one);
    await play(bench, two);
    expect([await bench.paid(one.requestKey), await bench.paid(two.requestKey)]).toEqual([1, 1]);
  });

  test('a lost reply is unknown, is looked up, and was one payment', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench, name === 'sandbox' ? 'lost_reply' : 'ok');
    bench.breakNext('lost_reply');
    const seen = await play(bench, instruction);
    expect(seen).toContain('unknown');
    expect(seen.at(-1)).toBe('paid');
    expect(await bench.paid(instruction.requestKey)).toBe(1);
  });

  test('a lost request is unknown, surely not there, and goes out under the same key', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench, name === 'sandbox' ? 'lost_request' : 'ok');
    bench.breakNext('lost_request');
    const first = await submit(bench, instruction);
    expect(first.class).toBe('unknown');
    expect(await bench.paid(instruction.requestKey)).toBe(0);
    expect((await lookUp(bench, instruction)).class).toBe('not_found');
    if (name === 'sandbox') return; // its account never lets a request arrive
    expect((await play(bench, instruction)).at(-1)).toBe('paid');
    expect(await bench.paid(instruction.requestKey)).toBe(1);
  });

  test('PAY-26: a refusal has a reason of the catalogue and moves nothing', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench, 'refuse');
    expect((await play(bench, instruction)).at(-1)).toBe('refused');
    expect(await bench.paid(instruction.requestKey)).toBe(0);
    const again = await submit(bench, instruction);
    expect(again).toMatchObject({
      class: 'refused',
      code: name === 'wise' ? 'destination_invalid' : 'destination_closed',
    });
  });

  test('what takes its time is on its way, and then paid', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench, name === 'stripe' ? 'ok' : 'slow');
    const first = await submit(bench, instruction);
    if (name !== 'stripe') expect(first).toMatchObject({ class: 'submitted', gatewayStatus: 'processing' });
    bench.advance(31_000);
    expect((await lookUp(bench, instruction, idOf(first))).class).toBe('paid');
  });

  test('PAY-27: what comes back after it was paid is returned', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench, name === 'sandbox' ? 'returned' : 'ok');
    const first = await submit(bench, instruction);
    const id = idOf(first);
    expect((await lookUp(bench, instruction, id)).class).toBe('paid');
    await bench.bounce(instruction);
    bench.advance(6_000);
    expect(await lookUp(bench, instruction, id)).toMatchObject({ class: 'returned', returnedMinor: null });
    expect(attemptTransitions.paid.returned).toBe('returned');
  });

  test('a look-up of what was never sent surely finds nothing, and moves nothing', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    for (let time = 0; time < 3; time += 1) expect(await lookUp(bench, instruction)).toEqual({ class: 'not_found' });
    expect(await bench.paid(instruction.requestKey)).toBe(0);
  });

  test('looking up what was paid pays nothing', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    const id = idOf(await submit(bench, instruction));
    for (let time = 0; time < 5; time += 1) await lookUp(bench, instruction, id);
    expect(await bench.paid(instruction.requestKey)).toBe(1);
  });

  test('BEY-07: with its key lost in a restore it is found by the provider’s id, and only as what it was', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    const id = idOf(await submit(bench, instruction));
    const ask = (of: PayoutInstruction): Promise<GatewayAnswer> =>
      bench.gateway.lookUp({ ...of, requestKey: null, providerId: id, claimedAt: bench.now() }, signal);
    const found = await ask(instruction);
    expect(['submitted', 'paid'].includes(found.class), found.class).toBe(true);
    expect(idOf(found)).toBe(id);
    const another = await ask({ ...instruction, reference: newId('payoutAttempt') });
    expect(['unknown', 'not_found', 'submitted'].includes(another.class), another.class).toBe(true);
    expect(another.class === 'submitted' && name !== 'paypal').toBe(false); // an open batch shows no items yet
    expect(await bench.paid(instruction.requestKey)).toBe(1);
  });
});

describe.each(real)('PAY-19, PAY-28 contract of %s over HTTP', (name) => {
  test.each([
    ['an error before anything was done', 'error_before'],
    ['an error after it was done', 'error_after'],
    ['a page instead of an answer', 'garbage'],
    ['an answer that points elsewhere', 'redirect'],
  ] as const)('%s is unknown, never a refusal, and ends in one payment', async (_what, fault) => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    bench.breakNext(fault);
    const seen = await play(bench, instruction);
    expect(seen[1], 'the first answer').toBe('unknown');
    expect(seen).not.toContain('refused');
    expect(seen.at(-1)).toBe('paid');
    expect(await bench.paid(instruction.requestKey)).toBe(1);
  });

  test('asked to wait, it waits: nothing was done, and the same key goes out later', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    bench.breakNext('busy');
    const failure = await submit(bench, instruction).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: 'gateway.try_later', nextRetryDelay: 1_000, nonRetryable: false });
    expect(await bench.paid(instruction.requestKey)).toBe(0);
    expect((await play(bench, instruction)).at(-1)).toBe('paid');
    expect(await bench.paid(instruction.requestKey)).toBe(1);
  });

  test('every fault one after the other: still one payment', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    bench.breakNext('lost_request', 'error_before', 'lost_reply', 'garbage');
    expect((await play(bench, instruction)).at(-1)).toBe('paid');
    expect(await bench.paid(instruction.requestKey)).toBe(1);
  });

  test('a look-up that does not answer says nothing: unknown, then asked again', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    const id = idOf(await submit(bench, instruction));
    for (const fault of ['lost_reply', 'error_before', 'garbage', 'redirect'] as const) {
      bench.breakNextLookUp(fault);
      expect((await lookUp(bench, instruction, id)).class).toBe('unknown');
    }
    expect((await lookUp(bench, instruction, id)).class).toBe('paid');
  });

  test('a known key with another amount is a conflict: unknown, and nothing more is paid', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    await submit(bench, instruction);
    const other = { ...instruction, amount: { minor: 9_999n, currency: eur } };
    expect(await submit(bench, other)).toEqual({ class: 'unknown', code: 'key_conflict' });
    expect(await bench.paid(instruction.requestKey)).toBe(1);
  });

  test('credentials that do not fit: surely refused, nothing is paid; a look-up with them says nothing', async () => {
    const bench = benchOf(name);
    const instruction = { ...instructed(bench), access: bench.wrongAccess };
    const first = await submit(bench, instruction);
    // Wise is asked before it is told, so there the question fails and not the payment.
    expect(first).toMatchObject(name === 'wise' ? { class: 'unknown' } : { class: 'refused', code: 'gateway_refused' });
    expect(await bench.paid(instruction.requestKey)).toBe(0);
    expect((await lookUp(bench, instruction, 'T1')).class).toBe('unknown');
  });

  test('a state that nobody knows is unknown; one under review waits for a person', async () => {
    const bench = benchOf(name);
    if (name === 'stripe') {
      // A transfer has no states: it is there, or reversed. Part of it reversed is a return of that part.
      const instruction = instructed(bench);
      const id = idOf(await submit(bench, instruction));
      await fakes.stripe.reverse(instruction.reference, 234);
      expect(await lookUp(bench, instruction, id)).toMatchObject({ class: 'returned', returnedMinor: 234n });
      return;
    }
    const [odd, held] = [instructed(bench, 'odd'), instructed(bench, 'held')];
    const [oddId, heldId] = [idOf(await submit(bench, odd)), idOf(await submit(bench, held))];
    expect(await lookUp(bench, odd, oddId)).toEqual({ class: 'unknown', code: 'unknown_state' });
    expect(await lookUp(bench, held, heldId)).toMatchObject({ class: 'submitted', gatewayStatus: 'on_hold' });
  });

  test('BEY-06: its statement names every payment, return, fee and deposit, and adds up to what lies there', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    const id = idOf(await submit(bench, instruction));
    const bounced = instructed(bench);
    await submit(bench, bounced);
    await bench.bounce(bounced);
    bench.advance(1_000);
    const until = bench.now();
    const of = { merchant: 'ws_1/live', access: bench.access, until };
    const found = await bench.gateway.statement?.({ ...of, since: null }, signal);
    const lines = (found?.lines ?? []).filter((line) => line.currency === 'EUR');
    const mine = lines.filter((line) => line.reference === instruction.reference || line.providerId === id);
    expect(mine.filter((line) => line.kind === 'payment')).toMatchObject([{ minor: -1_234n }]);
    expect(lines.some((line) => line.kind === 'return' && line.minor === 1_234n)).toBe(true);
    expect(lines.some((line) => line.kind === 'deposit')).toBe(true);
    if (name !== 'stripe') expect(mine.filter((line) => line.kind === 'fee')).toHaveLength(1);
    const sum = lines.reduce((total, line) => total + line.minor, 0n);
    expect(found?.closings.find((one) => one.currency === 'EUR')?.minor).toBe(sum);
    expect(new Set(lines.map((line) => line.id)).size).toBe(lines.length);
  });

  test('what its fee was is told with the payment, under the id that the statement gives it', async () => {
    const bench = benchOf(name);
    const instruction = instructed(bench);
    const id = idOf(await submit(bench, instruction));
    const answer = await lookUp(bench, instruction, id);
    const fees = answer.class === 'paid' ? (answer.fees ?? []) : [];
    if (name === 'stripe') {
      expect(fees, 'a transfer costs nothing').toEqual([]);
      return;
    }
    bench.advance(1_000);
    const of = { merchant: 'ws_1/live', access: bench.access, until: bench.now() };
    const found = await bench.gateway.statement?.({ ...of, since: null }, signal);
    const lines = (found?.lines ?? []).filter((line) => line.kind === 'fee').map((line) => line.id);
    expect(fees).toHaveLength(1);
    expect(lines).toContain(fees[0]?.line);
  });

  test('trying the credentials signs in, reads what lies there and moves nothing', async () => {
    const bench = benchOf(name);
    const desk = bench.gateway as PayoutGateway & GatewayDesk;
    const [good, bad] = [bench.access, bench.wrongAccess];
    if (good === null || bad === null) throw new Error('a provider has credentials');
    expect(await desk.probe(good)).toMatchObject({ ok: true, code: null, balances: [{ currency: 'EUR' }] });
    expect(await desk.probe(bad)).toEqual({ ok: false, code: 'wrong_credentials', balances: [] });
  });
});

test('Wise: a token that may not fund leaves a transfer that a person funds there; it is never made again', async () => {
  const bench = benchOf('wise');
  const instruction = instructed(bench);
  fakes.wise.mayFund = false;
  const first = await submit(bench, instruction);
  expect(first).toMatchObject({ class: 'submitted', gatewayStatus: 'awaiting_funding' });
  expect(await lookUp(bench, instruction, idOf(first))).toMatchObject({ gatewayStatus: 'awaiting_funding' });
  expect(await bench.paid(instruction.requestKey)).toBe(0);
  fakes.wise.mayFund = true;
  await fakes.wise.fundByHand(instruction.requestKey);
  expect((await lookUp(bench, instruction, idOf(first))).class).toBe('paid');
  expect(await bench.paid(instruction.requestKey)).toBe(1);
});

test('Wise: made and not funded, then killed: the same key finds the transfer and funds it once (reliability.md K22)', async () => {
  const bench = benchOf('wise');
  const instruction = instructed(bench);
  const before = fakes.wise.requests.filter((one) => one === 'POST /v1/transfers').length;
  // The transfer is made and heard of; the funding never arrives.
  const dead = createWiseGateway({
    now: fakes.wise.now,
    origins: { production: fakes.wise.origin, sandbox: fakes.wise.origin },
    ask: (address, call) =>
      address.endsWith('/payments')
        ? Promise.resolve({ kind: 'failed', fault: 'connection_failed' })
        : fetchOutside(address, gatewayRules({ outboundAllow: ['127.0.0.0/8'] }), call),
  });
  expect((await dead.submit(instruction, signal)).class).toBe('unknown');
  expect(await bench.paid(instruction.requestKey)).toBe(0);
  expect((await play(bench, instruction)).at(-1)).toBe('paid');
  expect(await bench.paid(instruction.requestKey)).toBe(1);
  expect(fakes.wise.requests.filter((one) => one === 'POST /v1/transfers')).toHaveLength(before + 1);
});

test('PayPal: a batch known under its key is read by its own id; the link in its answer is never followed', async () => {
  const bench = benchOf('paypal');
  const instruction = instructed(bench);
  const first = await submit(bench, instruction);
  const second = await submit(bench, instruction);
  expect(second).toMatchObject({ class: 'paid', providerId: idOf(first) });
});

test('a fake forgets a key after its own window, as a real one does: then the same key would pay again', async () => {
  const bench = benchOf('stripe');
  const instruction = instructed(bench);
  await submit(bench, instruction);
  bench.advance(25 * 3_600_000);
  await submit(bench, instruction);
  expect(await bench.paid(instruction.requestKey), 'the window that keyWindowMs keeps us out of').toBe(2);
  expect(bench.gateway.keyWindowMs).toBeLessThan(24 * 3_600_000);
});
