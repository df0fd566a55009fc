import { createHmac, randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import type { PayoutGateway } from '../../../activities/gateways/payoutGateway.js';
import { payoutAttemptActivities } from '../../../activities/payout/payoutAttempt.js';
import { payoutDecisionActivities } from '../../../activities/payout/payoutDecision.js';
import type { GatewayAnswer } from '../../../activities/gateways/payoutGateway.js';
import { transferKinds } from '../../../domain/earning/ledger.js';
import type { PayoutId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { newId } from '../../../platform/newId.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';
import { textAt } from '../../support/apiClient.js';
import { eventually } from '../../support/eventually.js';
import { createEarningWorld, type EarningWorld, postedPairs } from './earningWorld.js';

// What takes money back that was already approved, by where the money is: refunds of payouts that wait (RFD-10), affiliates that are
// terminated (AFF-09), referrals that are approved again (features.md 2.3).

const usd = (amount: string) => ({ amount, currency: 'USD' });
const answers: GatewayAnswer[] = [];
/** What the gateway answered, by the name under which it was kept. */
const kept = new Map<string, string>();
const scripted: PayoutGateway = {
  adapter: 'sandbox',
  execution: 'gateway',
  keyWindowMs: 86_400_000,
  canLookUp: true,
  callTimeoutMs: 5_000,
  bouncesWithinMs: null,
  retryableRefusals: [],
  supports: () => true,
  submit: () => Promise.resolve(answers.shift() ?? { class: 'unknown', code: 'no_script' }),
  lookUp: () => Promise.resolve(answers.shift() ?? { class: 'unknown', code: 'no_script' }),
};

let world: EarningWorld;
let finance: string;
type Activities = ReturnType<typeof payoutAttemptActivities> & ReturnType<typeof payoutDecisionActivities>;
/** None of them uses `this`. */
let payouts: {
  readonly [K in keyof Activities]: (this: void, ...input: Parameters<Activities[K]>) => ReturnType<Activities[K]>;
};
const environment = new MockActivityEnvironment();
/** Runs an activity where `Context.current()` works. */
const run = <I, R>(activity: (this: void, input: I) => Promise<R>, input: I): Promise<R> =>
  environment.run(activity, input) as Promise<R>;

beforeAll(async () => {
  // One person's key makes all of this file's programs: an idle machine does more than 600 calls a minute, and no test here is about that limit.
  world = await createEarningWorld();
  const { api, ws } = world;
  finance = (await api.makePerson(ws, ['owner'], { name: 'Fin' })).key;
  const deps = {
    db: api.db,
    longDb: api.db,
    newId,
    logger: api.deps.logger,
    payoutGateways: new Map([scripted, createManualGateway()].map((gateway) => [gateway.adapter, gateway])),
    gatewayPolicy: { sandboxPaysLive: true },
    openMethodDetails: () => ({ account: 'ok' }),
    openGatewayAccess: () => ({}),
    answers: {
      save: (text: string) => {
        kept.set(String(kept.size), text);
        return Promise.resolve(String(kept.size - 1));
      },
      load: (name: string) => Promise.resolve(kept.get(name)),
    },
  };
  payouts = { ...payoutAttemptActivities(deps), ...payoutDecisionActivities(deps) };
}, 60_000);
afterAll(() => world?.close());

interface Journey {
  readonly affiliateId: string;
  readonly programId: string;
  readonly referralId: string;
  /** The shop's own word for the one customer. */
  readonly customer: string;
  /** Sales of the one customer, in order. */
  readonly sales: readonly Json[];
}

/** A customer of an affiliate with sales at 20 %, the referral approved, every line approved with it unless a person does that. */
async function journey(
  amounts: readonly string[],
  options: {
    readonly commissionApproval?: 'manual' | 'automatic';
    readonly isApproved?: boolean;
    /** The sales are payments of it. */
    readonly subscription?: string;
  } = {},
): Promise<Journey> {
  const programId = await world.program({ commissionApproval: options.commissionApproval ?? 'automatic' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  const affiliateId = await world.affiliate(programId, { minimumPayout: [usd('5.00')] });
  const clickId = await world.click({ programId, affiliateId });
  const customer = newId('contact');
  await world.as('/v1/leads', {
    externalId: customer,
    clickId,
    email: `${customer}@buyer.example`,
    customerExternalId: customer,
  });
  await world.settle();
  const sales: Json[] = [];
  for (const amount of amounts)
    sales.push(
      await world.sale({
        externalId: newId('sale'),
        programId,
        customer: { externalId: customer },
        amount: usd(amount),
        ...(options.subscription === undefined ? {} : { subscription: { externalId: options.subscription } }),
      }),
    );
  const referralId = String(sales[0]?.['referralId']);
  if (options.isApproved !== false)
    expect(await world.settled(world.as(`/v1/referrals/${referralId}/approve`, {}))).toMatchObject({ status: 200 });
  return { affiliateId, programId, referralId, customer, sales };
}

async function decideReferral(referralId: string, verb: 'approve' | 'reject' | 'reopen'): Promise<void> {
  const answer = await world.settled(world.as(`/v1/referrals/${referralId}/${verb}`, { reason: 'Looked again' }));
  expect(answer).toMatchObject({ status: 200 });
}

async function refund(sale: unknown, amount?: string, occurredAt?: string): Promise<void> {
  const body = {
    externalId: newId('refund'),
    ...(amount === undefined ? {} : { amount: usd(amount) }),
    ...(occurredAt === undefined ? {} : { occurredAt }),
  };
  expect((await world.as(`/v1/sales/${textAt(sale, 'id')}/refunds`, body)).status).toBe(202);
  await world.settle();
}

/** The affiliate's lines, oldest first: kind, status, amount, what is left of it. */
async function linesOf(affiliateId: string): Promise<readonly string[]> {
  const rows: readonly {
    kind: string;
    status: string;
    amount_minor: bigint;
    reversed_minor: bigint;
    clawed_back_minor: bigint;
  }[] = await world.owner('commissions').where({ affiliate_id: affiliateId }).orderBy('created_at').orderBy('id');
  return rows.map(
    (row) =>
      `${row.kind} ${row.status} ${row.amount_minor} -${row.reversed_minor}${BigInt(row.clawed_back_minor) === 0n ? '' : ` clawed ${row.clawed_back_minor}`}`,
  );
}

async function reasonsOf(affiliateId: string, event: string): Promise<readonly (string | null)[]> {
  const rows: readonly { reason_code: string | null }[] = await world
    .owner('audit_entries as entry')
    .join('commissions as commission', 'commission.id', 'entry.object_id')
    .where({ 'commission.affiliate_id': affiliateId, 'entry.event': event })
    .select('entry.reason_code');
  return rows.map((row) => row.reason_code);
}

/** Sum of what stands of all lines of an affiliate: what the commissions of it have cost. */
async function standing(affiliateId: string): Promise<string> {
  const { rows } = await world.owner.raw<{ rows: { sum: string }[] }>(
    `select coalesce(sum(amount_minor - reversed_minor), 0)::text as sum from commissions
     where affiliate_id = ? and status <> 'rejected'`,
    [affiliateId],
  );
  return rows[0]?.sum ?? '';
}

async function balances(affiliateId: string): Promise<unknown> {
  return itemsOf((await world.as(`/v1/affiliates/${affiliateId}/balances`)).body)[0];
}

async function makeMethod(affiliateId: string, currency: string): Promise<void> {
  const method = await world.as(`/v1/affiliates/${affiliateId}/payout-methods`, {
    type: 'sandbox',
    currency,
    details: { account: 'ok' },
  });
  const verified = await world.api.as(finance, `/v1/payout-methods/${String(method.body['id'])}/verify`, {
    body: { reason: 'Called' },
  });
  expect(verified.status).toBe(200);
}

async function makePayout(affiliateId: string, currency = 'USD'): Promise<PayoutId> {
  await makeMethod(affiliateId, currency);
  const payout = await world.as('/v1/payouts', { affiliateId, currency });
  expect(payout).toMatchObject({ status: 201, body: { status: 'draft' } });
  return String(payout.body['id']) as PayoutId;
}

const refOf = (payoutId: PayoutId) => ({ workspaceId: world.ws.id, payoutId });

/** What somebody's decision is answered with, once it was taken up. */
async function decidedBy(key: string, payoutId: PayoutId, verb: string): Promise<TestAnswer> {
  let isDone = false;
  const request = world.api.as(key, `/v1/payouts/${payoutId}/${verb}`, { body: { reason: 'ok' } }).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const open = await world
      .owner('decisions')
      .where({ object_id: payoutId, state: 'open' })
      .first<{ id: string } | undefined>('id');
    if (open !== undefined)
      await run(payouts.decidePayout, {
        ...refOf(payoutId),
        fact: { kind: 'decision' as const, id: open.id },
      });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return request;
}

/** Decided by somebody else than its maker. */
async function decidePayout(payoutId: PayoutId, verb: 'approve' | 'retry', status: 'pending' | 'draft'): Promise<void> {
  expect(await decidedBy(finance, payoutId, verb)).toMatchObject({ status: 200, body: { status } });
}

/** From now on it may be sent. */
const approvePayout = (payoutId: PayoutId): Promise<void> => decidePayout(payoutId, 'approve', 'pending');

async function send(payoutId: PayoutId, answer: GatewayAnswer) {
  const step = await run(payouts.claimAttempt, refOf(payoutId));
  if (step.call === null) throw new Error(`nothing to send: ${step.next}`);
  answers.push(answer);
  const input = { ...refOf(payoutId), attemptId: step.call.attemptId, fence: step.call.fence, adapter: 'sandbox' };
  const reply = await run(payouts.submitAttempt, input);
  await run(payouts.recordAttempt, { ...input, source: 'call' as const, reply });
  return input;
}

const payoutRow = async (id: PayoutId) =>
  world
    .owner('payouts')
    .where({ id })
    .first<Record<string, unknown>>('status', 'amount_minor', 'approved_by', 'run_id');

describe('a refund of a line in a pending payout (RFD-10)', () => {
  test('before anything was sent, the payout is a draft again without the line, and nothing is clawed back', async () => {
    const { affiliateId, sales } = await journey(['100.00', '50.00']);
    const payoutId = await makePayout(affiliateId);
    await approvePayout(payoutId);

    await refund(sales[0]);

    expect(await payoutRow(payoutId)).toEqual({
      status: 'draft',
      amount_minor: '1000',
      approved_by: null,
      run_id: null,
    });
    expect(await linesOf(affiliateId)).toEqual(['earned reversed 2000 -2000', 'earned approved 1000 -0']);
    expect(await balances(affiliateId)).toMatchObject({
      owed: usd('10.00'),
      inPayout: usd('10.00'),
      payable: usd('0.00'),
    });
    const woken = await world
      .owner('outbox')
      .whereRaw(`payload::text like ?`, [`%${payoutId}%`])
      .first<{ id: string } | undefined>('id');
    expect(woken).toBeDefined();
    // Nothing of it goes out any more until somebody approves it again.
    const step = await run(payouts.claimAttempt, refOf(payoutId));
    expect(step).toMatchObject({ status: 'draft', call: null });
    expect(await world.broken()).toEqual([]);
  });

  test('after a refused attempt just the same; below the minimum it is cancelled and the rest is owed', async () => {
    const { affiliateId, sales } = await journey(['100.00', '20.00']);
    const payoutId = await makePayout(affiliateId);
    await approvePayout(payoutId);
    await send(payoutId, { class: 'refused', code: 'destination_closed', providerId: null });

    await refund(sales[0]);

    expect(await payoutRow(payoutId)).toMatchObject({ status: 'cancelled' });
    expect(await linesOf(affiliateId)).toEqual(['earned reversed 2000 -2000', 'earned approved 400 -0']);
    expect(await balances(affiliateId)).toMatchObject({
      owed: usd('4.00'),
      inPayout: usd('0.00'),
      payable: usd('4.00'),
    });
    expect(await world.broken()).toEqual([]);
  });

  test('while the outcome is unknown it stays, and the refund is clawed back beside it', async () => {
    const { affiliateId, sales } = await journey(['100.00']);
    const payoutId = await makePayout(affiliateId);
    await approvePayout(payoutId);
    await send(payoutId, { class: 'unknown', code: 'connection_lost' });

    await refund(sales[0], '50.00');

    expect(await payoutRow(payoutId)).toMatchObject({ status: 'pending', amount_minor: '2000' });
    expect(await linesOf(affiliateId)).toEqual(['earned approved 2000 -0 clawed 1000', 'clawback approved -1000 -0']);
    expect(await world.broken()).toEqual([]);
  });
});

describe('a chargeback (BEY-26)', () => {
  let disputes = 0;
  /** Reports the steps of one chargeback, one after another: of a new one, or of the one before. */
  async function dispute(sale: unknown, steps: readonly string[], amount?: string): Promise<void> {
    if (steps[0] === 'opened') disputes += 1;
    for (const status of steps) {
      const body = { externalId: `dsp-${disputes}`, status, ...(amount === undefined ? {} : { amount: usd(amount) }) };
      expect((await world.as(`/v1/sales/${textAt(sale, 'id')}/disputes`, body)).status).toBe(202);
      await world.settle();
    }
  }
  const saleStatus = async (sale: unknown) => (await world.as(`/v1/sales/${textAt(sale, 'id')}`)).body['status'];
  const heldOf = async (sale: unknown) => {
    const [line] = await world.commissions(`saleId=${textAt(sale, 'id')}`);
    return line?.['onHold'];
  };

  test('opened, its line leaves a payout that is not out, which needs an approval anew; won, the next one pays it', async () => {
    const { affiliateId, sales } = await journey(['100.00', '50.00']);
    const payoutId = await makePayout(affiliateId);
    await approvePayout(payoutId);

    await dispute(sales[0], ['opened']);

    expect(await payoutRow(payoutId)).toEqual({
      status: 'draft',
      amount_minor: '1000',
      approved_by: null,
      run_id: null,
    });
    expect((await world.as(`/v1/payouts/${payoutId}`)).body['backToDraft']).toMatchObject([{ code: 'on_hold' }]);
    expect(await linesOf(affiliateId)).toEqual(['earned approved 2000 -0', 'earned approved 1000 -0']);
    expect(await heldOf(sales[0])).toBe(true);
    expect(await balances(affiliateId)).toMatchObject({ owed: usd('30.00'), inPayout: usd('10.00') });
    expect(await world.broken()).toEqual([]);

    await approvePayout(payoutId);
    await send(payoutId, { class: 'paid', providerId: newId('payout'), gatewayStatus: 'paid' });
    const none = await world.as('/v1/payouts', { affiliateId, currency: 'USD' });
    expect([none.status, none.body['code']], 'held: nothing else is to be paid').toEqual([409, 'nothing_to_pay']);
    await dispute(sales[0], ['won']);
    expect(await world.as('/v1/payouts', { affiliateId, currency: 'USD' })).toMatchObject({
      status: 201,
      body: { amount: usd('20.00') },
    });
    expect(await world.broken()).toEqual([]);
  });

  test('opened while an instruction is out, a second try does not pay the held line', async () => {
    const { affiliateId, sales } = await journey(['100.00', '50.00']);
    const payoutId = await makePayout(affiliateId);
    await approvePayout(payoutId);
    const out = await send(payoutId, { class: 'unknown', code: 'connection_lost' });
    await dispute(sales[0], ['opened']);
    expect(await payoutRow(payoutId)).toMatchObject({ status: 'pending', amount_minor: '3000' });
    answers.push({ class: 'refused', code: 'destination_closed', providerId: null });
    const reply = await run(payouts.lookUpAttempt, out);
    await run(payouts.recordAttempt, { ...out, source: 'lookUp' as const, reply });

    await decidePayout(payoutId, 'retry', 'draft');

    expect(await payoutRow(payoutId)).toMatchObject({ status: 'draft', amount_minor: '1000', approved_by: null });
    expect((await world.as(`/v1/payouts/${payoutId}`)).body['backToDraft']).toMatchObject([{ code: 'on_hold' }]);
    expect(await world.broken()).toEqual([]);
  });

  test('won, what a person holds or rejected stays so: only its own hold and its own loss are undone', async () => {
    const { sales } = await journey(['100.00', '50.00'], { commissionApproval: 'manual' });
    const [held, rejected] = sales.map((sale) => String(sale['commissionIds'][0]));
    const decide = async (id: string | undefined, verb: string) =>
      expect(await world.settled(world.as(`/v1/commissions/${id}/${verb}`, { reason: 'Odd' }))).toMatchObject({
        status: 200,
      });
    await decide(held, 'hold');
    await decide(rejected, 'hold');
    await decide(rejected, 'reject');

    for (const sale of sales) await dispute(sale, ['opened', 'won']);

    expect(await heldOf(sales[0])).toBe(true);
    expect(await world.commissions(`saleId=${textAt(sales[1], 'id')}`)).toMatchObject([
      { id: rejected, status: 'rejected' },
    ]);
    expect(await world.broken()).toEqual([]);
  });

  test('lost over a part, it takes that part as a refund would; a refund comes on top, and won it comes back', async () => {
    const { affiliateId, sales } = await journey(['100.00']);

    await dispute(sales[0], ['opened', 'lost'], '30.00');
    expect([await standing(affiliateId), await saleStatus(sales[0])]).toEqual(['1400', 'charged_back']);
    await refund(sales[0], '20.00');
    expect(await standing(affiliateId), '30.00 charged back and 20.00 refunded').toBe('1000');
    await dispute(sales[0], ['opened', 'won']);
    expect([await standing(affiliateId), await saleStatus(sales[0])]).toEqual(['1600', 'part_refunded']);
    await dispute(sales[0], ['opened']);
    await refund(sales[0]);
    await dispute(sales[0], ['won']);
    expect([await standing(affiliateId), await saleStatus(sales[0])], 'all of it refunded meanwhile').toEqual([
      '0',
      'refunded',
    ]);
    expect(await world.broken()).toEqual([]);
  });
});

describe('a terminated affiliate (AFF-09, ruling 39)', () => {
  async function withBoth(): Promise<Journey> {
    const made = await journey(['100.00', '50.00'], { commissionApproval: 'manual' });
    const first = String(made.sales[0]?.['commissionIds'][0]);
    expect(await world.settled(world.as(`/v1/commissions/${first}/approve`, {}))).toMatchObject({ status: 200 });
    const bonus = {
      affiliateId: made.affiliateId,
      programId: made.programId,
      kind: 'bonus',
      amount: usd('3.00'),
      reason: 'Launch',
    };
    expect(await world.as('/v1/commissions', bonus)).toMatchObject({ status: 201 });
    return made;
  }

  test('pending lines are rejected, with and without a referral; what was approved is paid', async () => {
    const { affiliateId } = await withBoth();

    const ended = await world.as(`/v1/affiliates/${affiliateId}/terminate`, { reason: 'Broke the terms' });
    await world.settle();

    expect(ended).toMatchObject({ status: 200, body: { status: 'terminated' } });
    expect(await linesOf(affiliateId)).toEqual([
      'earned approved 2000 -0',
      'earned rejected 1000 -1000',
      'bonus rejected 300 -300',
    ]);
    expect(await reasonsOf(affiliateId, 'rejected')).toEqual(['affiliate_terminated', 'affiliate_terminated']);
    await makePayout(affiliateId);
    expect(await world.broken()).toEqual([]);
  });

  test('for fraud the approved ones are forfeited too, out of a draft that then has nothing to pay', async () => {
    const { affiliateId } = await withBoth();
    const payoutId = await makePayout(affiliateId);

    await world.as(`/v1/affiliates/${affiliateId}/terminate`, { reasonCode: 'fraud' });
    await world.settle();

    expect(await payoutRow(payoutId)).toMatchObject({ status: 'cancelled' });
    expect((await linesOf(affiliateId))[0]).toBe('earned reversed 2000 -2000');
    expect(await reasonsOf(affiliateId, 'reversed')).toEqual(['forfeited']);
    expect(await balances(affiliateId)).toMatchObject({ owed: usd('0.00'), pending: usd('0.00') });
    expect(await world.broken()).toEqual([]);
  });

  test('what is on its way is out: no forfeit and no debt', async () => {
    const { affiliateId } = await withBoth();
    const payoutId = await makePayout(affiliateId);
    await approvePayout(payoutId);
    await send(payoutId, { class: 'unknown', code: 'connection_lost' });

    await world.as(`/v1/affiliates/${affiliateId}/terminate`, { reasonCode: 'fraud' });
    await world.settle();

    expect((await linesOf(affiliateId))[0]).toBe('earned approved 2000 -0');
    expect(await world.broken()).toEqual([]);
  });

  test('a decision that was on its way approves nothing of theirs', async () => {
    const { affiliateId, sales, referralId } = await journey(['100.00'], { isApproved: false });

    await world.as(`/v1/affiliates/${affiliateId}/terminate`, { reason: 'Broke the terms' });
    await decideReferral(referralId, 'approve');

    expect(await linesOf(affiliateId)).toEqual(['earned rejected 2000 -2000']);
    expect(sales[0]?.['commissionIds']).toHaveLength(1);
    expect(await world.broken()).toEqual([]);
  });
});

describe('a referral that is approved again (features.md 2.3)', () => {
  test('what its rejection reversed comes back as an adjustment that names it, as often as it happens', async () => {
    const { affiliateId, referralId, sales } = await journey(['100.00']);

    for (const round of [1, 2]) {
      await decideReferral(referralId, 'reject');
      expect(await standing(affiliateId), `rejected, round ${round}`).toBe('0');
      await decideReferral(referralId, 'reopen');
      expect(await standing(affiliateId), `reopened, round ${round}`).toBe('0');
      await decideReferral(referralId, 'approve');
      expect(await standing(affiliateId), `approved, round ${round}`).toBe('2000');
    }

    expect(await linesOf(affiliateId)).toEqual([
      'earned reversed 2000 -2000',
      'adjustment reversed 2000 -2000',
      'adjustment approved 2000 -0',
    ]);
    const origins = await world.owner('commissions').where({ affiliate_id: affiliateId, kind: 'adjustment' });
    const origin = String(sales[0]?.['commissionIds'][0]);
    expect(origins).toMatchObject([{ origin_commission_id: origin }, { origin_commission_id: origin }]);
    expect(await balances(affiliateId)).toMatchObject({ owed: usd('20.00') });
    expect(await world.broken()).toEqual([]);
  });

  test('refunds before, meanwhile and after leave what they would have left without the detour', async () => {
    const { affiliateId, referralId, sales } = await journey(['100.00']);
    await refund(sales[0], '10.00');
    expect(await standing(affiliateId)).toBe('1800');

    await decideReferral(referralId, 'reject');
    await refund(sales[0], '20.00');
    await decideReferral(referralId, 'reopen');
    await decideReferral(referralId, 'approve');
    expect(await standing(affiliateId), '30.00 of 100.00 refunded').toBe('1400');

    await refund(sales[0], '33.33');
    expect(await standing(affiliateId), '63.33 of 100.00 refunded').toBe('733');
    await refund(sales[0]);
    expect(await standing(affiliateId)).toBe('0');
    expect(await balances(affiliateId)).toMatchObject({ owed: usd('0.00') });
    expect(await world.broken()).toEqual([]);
  });

  test('what a clawback took after payment comes back too; a cut that staff made does not', async () => {
    const { affiliateId, referralId, sales } = await journey(['100.00', '50.00']);
    const [first, second] = sales.map((sale) => String(sale['commissionIds'][0]));
    expect(await world.as(`/v1/commissions/${second}/adjust`, { amount: usd('7.00'), reason: 'Agreed' })).toMatchObject(
      {
        status: 200,
      },
    );
    const payoutId = await makePayout(affiliateId);
    await approvePayout(payoutId);
    await send(payoutId, { class: 'paid', providerId: newId('payout'), gatewayStatus: 'paid' });
    expect(await linesOf(affiliateId)).toEqual(['earned paid 2000 -0', 'earned paid 1000 -300']);

    await decideReferral(referralId, 'reject');
    expect(await standing(affiliateId)).toBe('0');
    await decideReferral(referralId, 'reopen');
    await decideReferral(referralId, 'approve');

    expect(await standing(affiliateId)).toBe('2700');
    const back = await world
      .owner('commissions')
      .where({ affiliate_id: affiliateId, kind: 'adjustment' })
      .orderBy('id');
    expect(back.map((row: Record<string, unknown>) => [row['origin_commission_id'], row['amount_minor']])).toEqual(
      expect.arrayContaining([
        [first, '2000'],
        [second, '700'],
      ]),
    );
    expect(await balances(affiliateId)).toMatchObject({ owed: usd('0.00'), paid: usd('27.00') });
    expect(await world.broken()).toEqual([]);
  });
});

describe('the end of a subscription told late, by our own envelope (COM-16)', () => {
  test('what was paid out for later payments is owed back, what was not is reversed; a calculation leaves both out', async () => {
    const subscription = newId('sale');
    const { affiliateId, programId, customer, sales } = await journey(['100.00', '50.00', '30.00'], { subscription });
    const source = (await world.as('/v1/payment-sources', { name: subscription, adapter: 'standard' })).body;
    const tell = async (occurredAt: unknown, more: Readonly<Record<string, unknown>> = {}): Promise<unknown> => {
      const raw = JSON.stringify({
        id: newId('sale'),
        type: 'subscription_cancelled',
        data: { subscriptionExternalId: subscription, occurredAt, ...more },
      });
      const [id, timestamp] = [newId('sale'), Math.floor(Date.now() / 1_000)];
      const key = Buffer.from(textAt(source, 'secret').slice('whsec_'.length), 'base64');
      const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${raw}`).digest('base64');
      const answer = await world.api.as(null, new URL(textAt(source, 'hookUrl')).pathname, {
        method: 'POST',
        raw,
        headers: { 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': `v1,${signature}` },
      });
      await world.settle();
      return answer.body['outcome'];
    };
    const payoutId = await makePayout(affiliateId);
    await approvePayout(payoutId);
    await send(payoutId, { class: 'paid', providerId: newId('payout'), gatewayStatus: 'paid' });
    const buy = (amount: string, more: Readonly<Record<string, unknown>> = {}) =>
      world.sale({
        externalId: newId('sale'),
        programId,
        customer: { externalId: customer },
        subscription: { externalId: subscription },
        amount: usd(amount),
        ...more,
      });
    await buy('70.00');
    expect(await linesOf(affiliateId)).toEqual([
      'earned paid 2000 -0',
      'earned paid 1000 -0',
      'earned paid 600 -0',
      'earned approved 1400 -0',
    ]);

    // At the moment of the second payment: that one still counts.
    expect(await tell(sales[1]?.['occurredAt'])).toBe('applied');
    expect(await tell(new Date().toISOString()), 'an end told later that was later').toBe('no_effect');
    const late = await buy('10.00');
    expect(late).toMatchObject({ noCommissionCode: 'subscription_cancelled', commissionIds: [] });
    const ended = [
      'earned paid 2000 -0',
      'earned paid 1000 -0',
      'earned paid 600 -0 clawed 600',
      'earned reversed 1400 -1400',
      'clawback approved -600 -0',
    ];
    expect(await linesOf(affiliateId)).toEqual(ended);
    expect(await balances(affiliateId)).toMatchObject({ owed: usd('-6.00'), payable: usd('-6.00') });
    expect(await world.broken()).toEqual([]);

    const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    const simulated = await world.as('/v1/commission-rules/simulate', {
      from: day(-1),
      to: day(1),
      programIds: [programId],
    });
    expect(simulated.body, simulated.text).toMatchObject({
      sales: 2,
      actual: [usd('30.00')],
      simulated: [usd('30.00')],
      difference: [usd('0.00')],
    });
    // A refund of what was taken back already takes nothing more.
    await refund(sales[2]);
    expect(await linesOf(affiliateId)).toEqual(ended);
    // An earlier end takes the payment between the two as well.
    expect(await tell(sales[0]?.['occurredAt'])).toBe('applied');
    expect(await balances(affiliateId)).toMatchObject({ owed: usd('-16.00') });
    // Another system of the shop counts its subscriptions alike: its payments are its own, first and later ones, and so is its end.
    const other = { source: 'second-shop' };
    const first = await buy('40.00', other);
    expect(first).toMatchObject({ noCommissionCode: null, paymentNumber: 1 });
    expect(await tell(sales[0]?.['occurredAt'], { source: 'third-shop' })).toBe('applied');
    expect(await balances(affiliateId)).toMatchObject({ owed: usd('-8.00') });
    expect(await tell(first['occurredAt'], other)).toBe('applied');
    expect(await buy('20.00', other)).toMatchObject({ noCommissionCode: 'subscription_cancelled' });
    expect(await balances(affiliateId)).toMatchObject({ owed: usd('-8.00') });
    expect(await world.broken()).toEqual([]);
  });
});

describe('a careless or a greedy user', () => {
  const most = '10000000000000.00'; // 10^15 minor units: the most that a posting holds
  const codeOf = (answer: { status: number; body: Json }) => [answer.status, answer.body?.['code']];
  const ask = (path: string, body: unknown, key = world.ws.key) => world.api.as(key, path, { body });
  const post = async (key: string, path: string, body: unknown) => codeOf(await ask(path, body, key));

  async function bonus(of: Pick<Journey, 'affiliateId' | 'programId'>, amount: string): Promise<string> {
    const made = await world.as('/v1/commissions', {
      affiliateId: of.affiliateId,
      programId: of.programId,
      kind: 'bonus',
      amount: usd(amount),
      reason: 'Agreed',
      skipHold: true,
    });
    expect(made.status, made.text).toBe(201);
    const approved = await ask(`/v1/commissions/${textAt(made.body, 'id')}/approve`, {}, finance);
    expect(approved.status, approved.text).toBe(200);
    return textAt(made.body, 'id');
  }

  test('a refund told before its sale in another currency waits for a person, and takes nothing of the sale', async () => {
    const { programId, affiliateId } = await journey(['10.00']);
    const externalId = newId('sale');
    const early = {
      externalId: newId('refund'),
      saleExternalId: externalId,
      amount: { amount: '60.00', currency: 'EUR' },
    };
    expect(await post(world.ws.key, '/v1/refunds', early)).toEqual([202, undefined]);
    const sale = await world.sale({
      externalId,
      clickId: await world.click({ programId, affiliateId }),
      customer: { email: `${externalId}@buyer.example` },
      amount: usd('100.00'),
    });
    await world.settle();
    const id = textAt(sale, 'id');
    expect((await world.as(`/v1/sales/${id}`)).body).toMatchObject({ status: 'succeeded', refunded: usd('0.00') });
    expect(await world.commissions(`saleId=${id}`)).toMatchObject([{ net: usd('20.00') }]);
    const parked = async () =>
      itemsOf((await world.as('/v1/parked-events?kind=refund')).body['data']).map((one) => [
        one['code'],
        one['waitsFor'],
      ]);
    expect(await parked()).toEqual([['fx_missing', ['EUR']]]);
    // Told again it is the same one and waits on; the shop's right word in the sale's currency is another refund.
    expect(await post(world.ws.key, '/v1/refunds', early)).toEqual([200, undefined]);
    await refund(sale, '50.00');
    expect(await world.commissions(`saleId=${id}`)).toMatchObject([{ net: usd('10.00') }]);
    expect(await world.broken()).toEqual([]);
  });

  test('two refunds under one name with two sums, at once: one is taken, the other refused by name', async () => {
    const { sales, affiliateId } = await journey(['100.00']);
    const path = `/v1/sales/${textAt(sales[0], 'id')}/refunds`;
    const externalId = newId('refund');
    const answers = await Promise.all(
      ['10.00', '20.00', '10.00', '20.00', '500.00'].map((amount) => ask(path, { externalId, amount: usd(amount) })),
    );
    expect(answers.filter((one) => ![200, 202, 409].includes(one.status)).map((one) => one.text)).toEqual([]);
    expect(new Set(answers.filter((one) => one.status < 300).map((one) => one.body['id'])).size).toBe(1);
    expect(answers.filter((one) => one.status === 202)).toHaveLength(1);
    await world.settle();
    const taken = answers.find((one) => one.status === 202)?.body['amount']['amount'];
    const left = { '10.00': '1800', '20.00': '1600', '500.00': '0' }[String(taken)];
    expect(await standing(affiliateId)).toBe(left);
    expect(await world.broken()).toEqual([]);
  });

  test.each([
    ['JPY', '1580', 125_000, '198', '790', '99', '790'],
    ['KWD', '1.000', 307_000, '0.307', '0.333', '0.205', '0.667'],
  ])(
    '%s: earned, refunded in part, paid and refunded whole, to the last unit',
    async (currency, price, ratePpm, ...rest) => {
      const [earned, part, left, restOfSale] = rest;
      const of = (amount: string) => ({ amount, currency });
      const programId = await world.program({ currency, commissionApproval: 'automatic' });
      await world.rule({
        scope: 'program',
        programId,
        event: 'payment',
        levels: [{ level: 1, kind: 'percent', ratePpm }],
      });
      const smallest = currency === 'JPY' ? '1' : '0.001';
      const affiliateId = await world.affiliate(programId, { minimumPayout: [of(smallest)] });
      const sell = async (body: Readonly<Record<string, unknown>>) =>
        ask('/v1/sales', {
          externalId: newId('sale'),
          clickId: await world.click({ programId, affiliateId }),
          customer: { email: `${newId('sale')}@buyer.example` },
          ...body,
        });
      const finer = currency === 'JPY' ? '1580.5' : '1.0001';
      expect(codeOf(await sell({ amount: of(finer) }))).toEqual([422, 'validation_failed']);
      const sold = await sell({ amount: of(price) });
      expect(sold.status, sold.text).toBe(202);
      await world.settle();
      const sale = (await world.as(`/v1/sales/${textAt(sold.body, 'id')}`)).body;
      await decideReferral(textAt(sale, 'referralId'), 'approve');
      const line = async () => (await world.commissions(`saleId=${textAt(sale, 'id')}&kind=earned`))[0];
      expect(await line()).toMatchObject({ amount: of(earned), status: 'approved' });
      const back = async (amount: string): Promise<void> => {
        const answer = await ask(`/v1/sales/${textAt(sale, 'id')}/refunds`, {
          externalId: newId('refund'),
          amount: of(amount),
        });
        expect(answer.status, answer.text).toBe(202);
        await world.settle();
      };
      await back(part);
      expect(await line()).toMatchObject({ net: of(left) });
      const payoutId = await makePayout(affiliateId, currency);
      await approvePayout(payoutId);
      await send(payoutId, { class: 'paid', providerId: newId('payout'), gatewayStatus: 'paid' });
      expect((await world.as(`/v1/payouts/${payoutId}`)).body).toMatchObject({ status: 'paid', amount: of(left) });
      await back(restOfSale);
      expect(await line()).toMatchObject({ net: of(currency === 'JPY' ? '0' : '0.000'), status: 'paid' });
      expect(await balances(affiliateId)).toMatchObject({ owed: of(`-${left}`) });
      expect(await world.broken()).toEqual([]);
    },
  );

  test('amounts at the edge: more than a payout can hold is told before it is planned, and paid in parts', async () => {
    const of = await journey(['1.00']);
    const [first, second] = [await bonus(of, most), await bonus(of, most)];
    expect(await balances(of.affiliateId)).toMatchObject({ payable: usd('20000000000000.20') });
    await makeMethod(of.affiliateId, 'USD');
    const tooMuch = await ask('/v1/payouts', { affiliateId: of.affiliateId, currency: 'USD' });
    expect(codeOf(tooMuch), tooMuch.text).toEqual([409, 'nothing_to_pay']);
    expect(tooMuch.text).toContain('unsupported_currency');
    const hold = (id: string) => world.settled(ask(`/v1/commissions/${id}/hold`, { reason: 'Next month' }));
    expect((await hold(first)).status).toBe(200);
    const cent = itemsOf((await world.as(`/v1/commissions?affiliateId=${of.affiliateId}&kind=earned`)).body['data'])[0];
    expect((await hold(textAt(cent, 'id'))).status).toBe(200);
    const draft = await ask('/v1/payouts', { affiliateId: of.affiliateId, currency: 'USD' });
    expect(draft.body, draft.text).toMatchObject({ status: 'draft', amount: usd(most) });
    const payoutId = textAt(draft.body, 'id') as PayoutId;
    await approvePayout(payoutId);
    await send(payoutId, { class: 'paid', providerId: newId('payout'), gatewayStatus: 'paid' });
    expect((await world.commissions(`affiliateId=${of.affiliateId}&status=paid`)).map((one) => one['id'])).toEqual([
      second,
    ]);
    for (const amount of ['10000000000000.01', '9223372036854775807.00', '92233720368547758.07', '1e15'])
      expect(
        await post(world.ws.key, '/v1/sales', {
          externalId: newId('sale'),
          customer: { email: 'a@b.example' },
          amount: usd(amount),
        }),
      ).toEqual([422, 'validation_failed']);
    expect(await world.broken()).toEqual([]);
    for (const path of [
      '/v1/console/home',
      '/v1/ledger-trial-balance?currency=USD',
      `/v1/affiliates/${of.affiliateId}`,
    ])
      expect((await world.as(path)).status, path).toBe(200);
  });

  test('a flat sum by the unit beyond what a line can hold is cut, and the sale is judged', async () => {
    const { programId, affiliateId } = await journey(['1.00']);
    const made = await world.rule({
      scope: 'affiliate',
      affiliateId,
      event: 'payment',
      levels: [{ level: 1, kind: 'flat', amount: usd(most), perUnit: true }],
    });
    expect(made.status, made.text).toBe(201);
    const sale = await world.sale({
      externalId: newId('sale'),
      clickId: await world.click({ programId, affiliateId }),
      customer: { email: `${newId('sale')}@buyer.example` },
      amount: usd(most),
      quantity: 1_000_000,
    });
    const [line] = await world.commissions(`saleId=${textAt(sale, 'id')}`);
    expect(line).toMatchObject({ amount: usd(most), clipCode: 'cap_partial' });
    const explained = await world.as(`/v1/commissions/${textAt(line, 'id')}/explanation`);
    expect(explained.status, explained.text).toBe(200);
    await refund(sale);
    expect(await world.commissions(`saleId=${textAt(sale, 'id')}`)).toMatchObject([{ net: usd('0.00') }]);
    expect(await world.broken()).toEqual([]);
  });

  test('a rule that ends while its sale is on hold: the line keeps what it was promised, judged again too', async () => {
    const { programId, affiliateId, sales, referralId } = await journey(['100.00'], { commissionApproval: 'manual' });
    const rules = itemsOf((await world.as(`/v1/commission-rules?programId=${programId}`)).body['data']);
    const own = rules.find((one) => one['scope'] === 'program');
    const ended = await world.api.as(world.ws.key, `/v1/commission-rules/${textAt(own, 'id')}`, {
      method: 'DELETE',
      headers: { 'If-Match': `"${String(own?.['version'])}"` },
    });
    expect(ended.status, ended.text).toBe(204);
    const [line] = await world.commissions(`saleId=${textAt(sales[0], 'id')}`);
    await decideReferral(referralId, 'reject');
    await decideReferral(referralId, 'reopen');
    await decideReferral(referralId, 'approve');
    const approve = `/v1/commissions/${textAt(line, 'id')}/approve`;
    expect((await world.settled(ask(approve, {}))).body).toMatchObject({ status: 'approved', net: usd('20.00') });
    const later = await world.sale({
      externalId: newId('sale'),
      clickId: await world.click({ programId, affiliateId }),
      customer: { email: `${newId('sale')}@buyer.example` },
      amount: usd('100.00'),
    });
    // The next step of the plan is in its place: the default of the settings, 10 %.
    expect(await world.commissions(`saleId=${textAt(later, 'id')}`)).toMatchObject([{ amount: usd('10.00') }]);
    expect(await world.broken()).toEqual([]);
  });

  test('what is planned or on its way is neither adjusted nor cancelled nor approved by who made it', async () => {
    const { affiliateId, sales } = await journey(['100.00']);
    const commissionId = String(sales[0]?.['commissionIds'][0]);
    const payoutId = await makePayout(affiliateId);
    const adjust = { amount: usd('500.00'), reason: 'More' };
    expect(await post(world.ws.key, `/v1/commissions/${commissionId}/adjust`, adjust)).toEqual([409, 'in_open_payout']);
    const withdraw = world.settled(ask(`/v1/commissions/${commissionId}/withdraw-approval`, { reason: 'No' }));
    expect(codeOf(await withdraw)).toEqual([409, 'in_open_payout']);
    const own = decidedBy(world.ws.key, payoutId, 'approve');
    expect(codeOf(await own)).toEqual([403, 'own_work']);
    await approvePayout(payoutId);
    const attempt = await send(payoutId, { class: 'unknown', code: 'connection_lost' });
    for (const verb of ['cancel', 'retry', 'return-to-draft'])
      expect(codeOf(await decidedBy(finance, payoutId, verb)), verb).toEqual([409, 'attempt_open']);
    expect(await payoutRow(payoutId)).toMatchObject({ status: 'pending', amount_minor: '2000' });
    answers.push({ class: 'paid', providerId: newId('payout'), gatewayStatus: 'paid' });
    const reply = await run(payouts.lookUpAttempt, attempt);
    await run(payouts.recordAttempt, { ...attempt, source: 'lookUp' as const, reply });
    expect(await payoutRow(payoutId)).toMatchObject({ status: 'paid' });
    expect(await post(world.ws.key, `/v1/commissions/${commissionId}/adjust`, adjust)).toEqual([
      409,
      'commission_paid',
    ]);
    expect(await world.broken()).toEqual([]);
  });
});

describe('money.md 1, rule 6: a fact always fits, whatever became of the account', () => {
  const workspace = () => world.owner('workspaces').where({ id: world.ws.id });
  test.each<[string, (of: Journey) => Promise<unknown>, ((of: Journey) => Promise<unknown>)?]>([
    [
      'payouts are frozen',
      () => workspace().update({ payouts_frozen_at: new Date().toISOString(), payouts_frozen_reason: 'test' }),
      () => workspace().update({ payouts_frozen_at: null, payouts_frozen_reason: null }),
    ],
    [
      'the affiliate is suspended',
      (of) => world.as(`/v1/affiliates/${of.affiliateId}/suspend`, { reason: 'Looked at' }),
    ],
    [
      'the affiliate is terminated',
      (of) => world.as(`/v1/affiliates/${of.affiliateId}/terminate`, { reason: 'Leaves' }),
    ],
    ['the program is closed', (of) => world.as(`/v1/programs/${of.programId}/close`, { renewals: 'stop' })],
    [
      'the customer is nobody any more',
      (of) =>
        world
          .owner('contacts')
          .whereIn('id', world.owner('referrals').where({ id: of.referralId }).select('contact_id'))
          .update({ name: null, email: null, phone: null }),
    ],
    [
      'nothing is left of it',
      async (of) => {
        const charge = await world.as('/v1/commissions', {
          affiliateId: of.affiliateId,
          programId: of.programId,
          kind: 'adjustment',
          amount: usd('-50.00'),
          reason: 'Paid by cheque',
          skipHold: true,
        });
        return world.as(`/v1/commissions/${charge.body['id']}/approve`, {});
      },
    ],
    ['the period is closed', closePeriod, () => world.owner('closed_periods').delete()],
  ])('%s', async (state, arrange, restore) => {
    const of = await journey(['100.00', '50.00', '30.00']);
    const sent = await journey(['100.00']);
    const payoutId = await makePayout(sent.affiliateId);
    await approvePayout(payoutId);
    const attempt = await send(payoutId, { class: 'refused', code: 'destination_closed', providerId: null });
    const occurredAt = new Date().toISOString();
    await arrange(of);
    await arrange(sent);
    await world.settle();
    try {
      const [whole, part, lost] = of.sales;
      await refund(whole, undefined, occurredAt);
      await refund(part, '25.00', occurredAt);
      const dispute = { externalId: newId('dispute'), amount: usd('30.00'), occurredAt };
      for (const status of ['opened', 'lost']) {
        const step = await world.as(`/v1/sales/${textAt(lost, 'id')}/disputes`, { ...dispute, status });
        expect(step.status, step.text).toBe(202);
        await world.settle();
      }
      const earned = (await world.commissions(`programId=${of.programId}`)).filter((line) => line['kind'] === 'earned');
      // 20.00 taken back whole, 10.00 half, 6.00 whole: all three facts are on the books.
      expect(earned.map((line) => line['net']['amount'])).toEqual(['0.00', '5.00', '0.00']);
      // The gateway paid after all, for a fee, and then the bank sent the money back and kept 1.50.
      const hear = async (answer: GatewayAnswer) => {
        answers.push(answer);
        const reply = await run(payouts.lookUpAttempt, attempt);
        await run(payouts.recordAttempt, { ...attempt, source: 'lookUp' as const, reply });
      };
      const providerId = newId('payout');
      await hear({ class: 'paid', providerId, gatewayStatus: 'paid', fees: [{ line: providerId, minor: 25n }] });
      await hear({
        class: 'returned',
        providerId,
        code: 'account_closed',
        returnedMinor: 1_850n,
        occurredAt: occurredAt as Instant,
      });
      const transfers: readonly Record<string, unknown>[] = await world
        .owner('ledger_transfers as transfer')
        .join('ledger_postings as posting', 'posting.transfer_id', 'transfer.id')
        .where({ cause_id: attempt.attemptId })
        .groupBy('transfer.id', 'kind', 'effective_at', 'recorded_at')
        .orderBy('recorded_at')
        .select('kind', 'effective_at', 'recorded_at')
        .sum({ minor: 'amount_minor' });
      expect(transfers.map((one) => [one['kind'], one['minor']]).toSorted(byText)).toEqual([
        ['payout.fee_charged', '25'],
        ['payout.paid_late', '2000'],
        ['payout.returned', '2000'],
      ]);
      const back = transfers.find((one) => one['kind'] === 'payout.returned');
      // What happened in a closed period is booked in the open one; the fact itself keeps its time.
      const isClosed = state === 'the period is closed';
      expect(back?.['effective_at']).toEqual(isClosed ? back?.['recorded_at'] : new Date(occurredAt));
      const refunds = await world.as(`/v1/sales/${textAt(whole, 'id')}/refunds`);
      expect(itemsOf(refunds.body['data']).map((one) => one['occurredAt'])).toEqual([occurredAt]);
      expect(await world.broken()).toEqual([]);
    } finally {
      await restore?.(of);
      await world.owner('gateways').update({ frozen_at: null, frozen_reason: null });
    }
  });

  test('a period that is not over cannot be closed, and closing waits for what is being booked', async () => {
    const close = async (through: string): Promise<void> => {
      await world.owner.raw(
        `insert into closed_periods (workspace_id, id, mode, through) values (?, ?, 'live', ${through})`,
        [world.ws.id, newId('ledgerPeriod')],
      );
    };
    await expect(close(`now() + interval '1 hour'`)).rejects.toMatchObject({ constraint: 'closed_period_is_over' });
    const booking = await world.owner.transaction();
    try {
      const [row]: Record<string, unknown>[] = await booking('ledger_transfers')
        .insert({
          workspace_id: world.ws.id,
          id: newId('transfer'),
          mode: 'live',
          kind: 'payout.returned',
          cause_type: 'attempt',
          cause_id: 'att_1',
          idempotency_key: newId('transfer'),
          posting_count: 1,
          commit_id: randomUUID(),
          effective_at: '2026-01-01T00:00:00.000Z',
        })
        .returning(['effective_at', 'recorded_at']);
      expect(row?.['effective_at'], 'its period is open').toEqual(new Date('2026-01-01T00:00:00.000Z'));
      const closing = close(`now() - interval '1 hour'`);
      await eventually(async () => {
        const { rows } = await world.api.db.raw<{ rows: unknown[] }>(
          `select pid from pg_locks where relation = 'ledger_transfers'::regclass and not granted
           and database = (select oid from pg_database where datname = current_database())`,
        );
        return rows.length === 1;
      });
      await booking.rollback();
      await closing;
    } finally {
      if (!booking.isCompleted()) await booking.rollback();
      await world.owner('closed_periods').delete();
    }
  });
});

test('money.md 5: every kind of transfer is posted by what the product does, and only between the accounts of its row', async () => {
  const { affiliateId, programId, referralId, sales } = await journey(['100.00'], { commissionApproval: 'manual' });
  const commissionId = String(sales[0]?.['commissionIds'][0]);
  const decide = async (id: string, verb: string): Promise<void> => {
    const answer = await world.settled(world.as(`/v1/commissions/${id}/${verb}`, { reason: 'Looked again' }));
    expect(answer.status, `${verb} ${answer.text}`).toBe(200);
  };
  await decide(commissionId, 'approve');
  await decide(commissionId, 'withdraw-approval');
  await decide(commissionId, 'reject');
  await decide(commissionId, 'reinstate');
  await refund(sales[0], '10.00');
  const entry = {
    affiliateId,
    programId,
    kind: 'adjustment',
    amount: usd('-30.00'),
    reason: 'Paid by cheque',
    skipHold: true,
  };
  const charge = textAt((await world.as('/v1/commissions', entry)).body, 'id');
  await decide(charge, 'approve');
  await decide(charge, 'withdraw-approval');
  await decide(charge, 'approve');
  await decideReferral(referralId, 'reject');
  const accountOf = async (kind: string, ownerId: string): Promise<string> =>
    textAt(
      itemsOf((await world.as(`/v1/ledger-accounts?kind=${kind}&ownerId=${ownerId}&currency=USD`)).body['data'])[0],
      'id',
    );
  const adjust = async (body: Readonly<Record<string, unknown>>): Promise<void> => {
    const asked = await world.as('/v1/ledger-adjustments', { reason: 'Its document', ...body });
    expect(asked.status, asked.text).toBe(201);
    const path = `/v1/ledger-adjustments/${textAt(asked.body, 'id')}/approve`;
    const approved = await world.api.as(finance, path, { body: {} });
    expect(approved.status, approved.text).toBe(200);
  };
  const debt = await accountOf('affiliate_receivable', affiliateId);
  await adjust({ kind: 'write_off', accountId: debt, amount: usd('30.00') });

  const lines = await journey(['100.00', '50.00']);
  const payoutId = await makePayout(lines.affiliateId);
  await refund(lines.sales[0]); // payout.replanned
  expect(await decidedBy(finance, payoutId, 'cancel')).toMatchObject({ status: 200 });

  const funding = { amount: usd('500.00'), reference: newId('funding') };
  expect((await world.as('/v1/gateways/sandbox/funding', funding)).status).toBe(201);
  const books = itemsOf((await world.as('/v1/ledger-accounts?kind=cash&ownerId=sandbox&currency=USD')).body['data'])[0];
  const balance = textAt(books, 'balance.amount');
  const statement = ['date,id,kind,amount,currency,balance,reference,providerId'];
  const at = new Date(Date.now() - 1_000).toISOString();
  statement.push(`${at},${newId('gatewayEvent')},deposit,7.00,USD,7.00,never-booked,`);
  const form = new FormData();
  form.set('gatewayId', 'sandbox');
  form.set('file', new Blob([statement.join('\r\n')]), 'kinds.csv');
  const request = new Request('http://x', { method: 'POST', body: form });
  const uploaded = await world.api.as(world.ws.key, '/v1/reconciliations', {
    raw: new Uint8Array(await request.arrayBuffer()),
    headers: { 'Content-Type': request.headers.get('content-type') ?? '' },
  });
  expect([uploaded.status, balance !== ''], uploaded.text).toEqual([202, true]);
  const [statementId] = itemsOf(uploaded.body['reconciliationIds']).map(String);
  const found = itemsOf(
    (await world.as(`/v1/reconciliations/${statementId}/items?limit=100&class=missing_here`)).body['data'],
  );
  const resolved = await world.as(`/v1/reconciliation-items/${textAt(found[0], 'id')}/resolve`, {
    resolution: 'suspense',
    reason: 'Asked the provider',
  });
  expect(resolved.status, resolved.text).toBe(200);
  await adjust({ kind: 'suspense_clearing', accountId: await accountOf('suspense', 'sandbox'), amount: usd('7.00') });

  const posted = await postedPairs(world.owner);
  expect([...new Set(posted.map((one) => one.kind))].toSorted()).toEqual(Object.keys(transferKinds).toSorted());
  const broken = await world.broken();
  expect(broken).toEqual([]); // of the statement too: what differs from it is listed
});

const byText = (a: unknown, b: unknown): number => String(a).localeCompare(String(b));

/** As of now, by the database's clock. */
async function closePeriod(): Promise<void> {
  await world.owner.raw(
    `insert into closed_periods (workspace_id, id, mode, through)
     values (?, ?, 'live', date_trunc('milliseconds', clock_timestamp()) - interval '1 millisecond')`,
    [world.ws.id, newId('ledgerPeriod')],
  );
}
