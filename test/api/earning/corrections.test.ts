import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import type { PayoutGateway } from '../../../activities/gateways/payoutGateway.js';
import { payoutAttemptActivities } from '../../../activities/payout/payoutAttempt.js';
import { payoutDecisionActivities } from '../../../activities/payout/payoutDecision.js';
import type { GatewayAnswer } from '../../../activities/gateways/payoutGateway.js';
import type { PayoutId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { itemsOf, type Json } from '../support.js';
import { textAt } from '../../support/apiClient.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// What takes money back that was already approved, by where the money is: refunds of payouts that wait (RFD-10), affiliates that are
// terminated (AFF-09), referrals that are approved again (features.md 2.3).

const usd = (amount: string) => ({ amount, currency: 'USD' });
const answers: GatewayAnswer[] = [];
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
    answers: { save: () => Promise.resolve(''), load: () => Promise.resolve(undefined) },
  };
  payouts = { ...payoutAttemptActivities(deps), ...payoutDecisionActivities(deps) };
}, 60_000);
afterAll(() => world?.close());

interface Journey {
  readonly affiliateId: string;
  readonly programId: string;
  readonly referralId: string;
  /** Sales of the one customer, in order. */
  readonly sales: readonly Json[];
}

/** A customer of an affiliate with sales at 20 %, the referral approved, every line approved with it unless a person does that. */
async function journey(
  amounts: readonly string[],
  options: { readonly commissionApproval?: 'manual' | 'automatic'; readonly isApproved?: boolean } = {},
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
      }),
    );
  const referralId = String(sales[0]?.['referralId']);
  if (options.isApproved !== false)
    expect(await world.settled(world.as(`/v1/referrals/${referralId}/approve`, {}))).toMatchObject({ status: 200 });
  return { affiliateId, programId, referralId, sales };
}

async function decideReferral(referralId: string, verb: 'approve' | 'reject' | 'reopen'): Promise<void> {
  const answer = await world.settled(world.as(`/v1/referrals/${referralId}/${verb}`, { reason: 'Looked again' }));
  expect(answer).toMatchObject({ status: 200 });
}

async function refund(sale: unknown, amount?: string): Promise<void> {
  const body = { externalId: newId('refund'), ...(amount === undefined ? {} : { amount: usd(amount) }) };
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

async function makePayout(affiliateId: string): Promise<PayoutId> {
  const method = await world.as(`/v1/affiliates/${affiliateId}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account: 'ok' },
  });
  const verified = await world.api.as(finance, `/v1/payout-methods/${String(method.body['id'])}/verify`, {
    body: { reason: 'Called' },
  });
  expect(verified.status).toBe(200);
  const payout = await world.as('/v1/payouts', { affiliateId, currency: 'USD' });
  expect(payout).toMatchObject({ status: 201, body: { status: 'draft' } });
  return String(payout.body['id']) as PayoutId;
}

const refOf = (payoutId: PayoutId) => ({ workspaceId: world.ws.id, payoutId });

/** Decided by somebody else than its maker. */
async function decidePayout(payoutId: PayoutId, verb: 'approve' | 'retry', status: 'pending' | 'draft'): Promise<void> {
  let isDone = false;
  const request = world.api.as(finance, `/v1/payouts/${payoutId}/${verb}`, { body: { reason: 'ok' } }).finally(() => {
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
  expect(await request).toMatchObject({ status: 200, body: { status } });
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
  ])('%s', async (_state, arrange, restore) => {
    const of = await journey(['100.00', '50.00', '30.00']);
    await arrange(of);
    await world.settle();
    try {
      const [whole, part, lost] = of.sales;
      await refund(whole);
      await refund(part, '25.00');
      const dispute = { externalId: newId('dispute'), amount: usd('30.00') };
      for (const status of ['opened', 'lost']) {
        const step = await world.as(`/v1/sales/${textAt(lost, 'id')}/disputes`, { ...dispute, status });
        expect(step.status, step.text).toBe(202);
        await world.settle();
      }
      const earned = (await world.commissions(`programId=${of.programId}`)).filter((line) => line['kind'] === 'earned');
      // 20.00 taken back whole, 10.00 half, 6.00 whole: all three facts are on the books.
      expect(earned.map((line) => line['net']['amount'])).toEqual(['0.00', '5.00', '0.00']);
      expect(await world.broken()).toEqual([]);
    } finally {
      await restore?.(of);
    }
  });
});
