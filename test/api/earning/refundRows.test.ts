import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { textAt } from '../../support/apiClient.js';
import { itemsOf, type Json } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// Refunds, row by row of features.md 10: what happens depends on where the money is.

const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
let fin: string;

beforeAll(async () => {
  world = await createEarningWorld();
  fin = (await world.api.makePerson(world.ws, ['owner'], { name: 'Fin' })).key;
}, 60_000);
afterAll(() => world?.close());

interface Scene {
  readonly programId: string;
  readonly affiliateId: string;
  readonly customer: string;
  readonly referralId: string;
  readonly sales: readonly Json[];
}

/** A customer with sales at 10 %, pending until the referral is approved. */
async function scene(
  amounts: readonly string[],
  options: { readonly levels?: 2; readonly commissionApproval?: 'manual' } = {},
): Promise<Scene> {
  const levels = [
    { level: 1, kind: 'percent', ratePpm: 100_000 },
    ...(options.levels === 2 ? [{ level: 2, kind: 'percent', ratePpm: 20_000 }] : []),
  ];
  const programId = await world.program({
    levels: levels.length,
    ...(options.commissionApproval === undefined ? {} : { commissionApproval: options.commissionApproval }),
  });
  const made = await world.rule({ scope: 'program', programId, event: 'payment', levels });
  expect(made.status, made.text).toBe(201);
  const recruiterId = options.levels === 2 ? await world.affiliate(programId) : null;
  const affiliateId = await world.affiliate(programId, {
    minimumPayout: [usd('1.00')],
    ...(recruiterId === null ? {} : { recruiterId }),
  });
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
        customer: { externalId: customer },
        programId,
        amount: usd(amount),
      }),
    );
  return { programId, affiliateId, customer, referralId: sales[0]?.['referralId'] ?? '', sales };
}

async function approve(of: Scene): Promise<void> {
  const approved = await world.settled(world.as(`/v1/referrals/${of.referralId}/approve`, {}));
  expect(approved.status, approved.text).toBe(200);
}

async function refund(sale: unknown, amount?: string): Promise<Json> {
  const made = await world.as(`/v1/sales/${textAt(sale, 'id')}/refunds`, {
    externalId: newId('refund'),
    ...(amount === undefined ? {} : { amount: usd(amount) }),
  });
  expect(made.status, made.text).toBe(202);
  await world.settle();
  return made.body;
}

const lines = async (of: Scene): Promise<readonly unknown[]> =>
  (await world.commissions(`programId=${of.programId}`)).map((line) => [
    line['kind'],
    line['level'],
    line['status'],
    line['amount']['amount'],
    line['reversed']['amount'],
  ]);
const owed = async (of: Scene): Promise<string | undefined> =>
  (await world.as(`/v1/affiliates/${of.affiliateId}/balances`)).body[0]?.['owed']['amount'];

/** As settlement leaves it: the one line is paid, its payout too. */
async function pay(of: Scene): Promise<string> {
  const method = await world.as(`/v1/affiliates/${of.affiliateId}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account: 'ok' },
  });
  const verified = await world.api.as(fin, `/v1/payout-methods/${method.body['id']}/verify`, { body: {} });
  expect(verified.status, verified.text).toBe(200);
  const draft = await world.as('/v1/payouts', { affiliateId: of.affiliateId, currency: 'USD' });
  expect(draft.status, draft.text).toBe(201);
  return draft.body['id'];
}

test('RFD-01: while pending, a full refund rejects the commission with the reason, and no payout figure moves', async () => {
  const at = await scene(['100.00']);
  await refund(at.sales[0]);
  expect(await lines(at)).toEqual([['earned', 1, 'rejected', '10.00', '10.00']]);
  const [line] = await world.commissions(`programId=${at.programId}`);
  const changes = (await world.as(`/v1/commissions/${line?.['id']}/changes`)).body['data'] as readonly Json[];
  expect(changes.at(-1)).toMatchObject({ event: 'rejected', reasonCode: 'refunded' });
  // Nobody asked for it: the fact decided, and says so (api.md 1.8).
  const bySystem = { id: null, verb: 'reject', by: { type: 'system' }, reasonCode: 'refunded', reason: null };
  expect(line?.['decision']).toMatchObject(bySystem);
  expect((await world.as(`/v1/commissions/${line?.['id']}`)).body['decision']).toMatchObject(bySystem);
  expect(await owed(at)).toBe('0.00');
});

test('RFD-02: after approval it is reversed and owed falls; a draft that held it is worked out anew from what remains', async () => {
  const at = await scene(['100.00', '50.00']);
  await approve(at);
  expect(await owed(at)).toBe('15.00');
  const payoutId = await pay(at);
  await refund(at.sales[0]);
  expect(await lines(at)).toEqual([
    ['earned', 1, 'reversed', '10.00', '10.00'],
    ['earned', 1, 'approved', '5.00', '0.00'],
  ]);
  const [first] = await world.commissions(`programId=${at.programId}`);
  const referral = (await world.as(`/v1/referrals/${first?.['referralId']}`)).body;
  expect(referral['value']).toEqual([usd('50.00')]);
  const listed = (await world.as('/v1/referrals?include=value&limit=200')).body['data'] as readonly Json[];
  expect(listed.find((one) => one['id'] === referral['id'])?.['value']).toEqual([usd('50.00')]);
  // The decision on the referral approved both lines; the fact that came later reversed one.
  expect((await world.commissions(`programId=${at.programId}`)).map((line) => line['decision'])).toMatchObject([
    { id: null, verb: 'reverse', by: { type: 'system' }, reasonCode: 'refunded' },
    { id: null, verb: 'approve', by: { name: 'Ana' }, reasonCode: 'staff_decision' },
  ]);
  expect(await owed(at)).toBe('5.00');
  expect((await world.as(`/v1/payouts/${payoutId}`)).body).toMatchObject({
    status: 'draft',
    amount: usd('5.00'),
    commissions: 1,
    planVersion: 2,
  });
  expect(await world.broken()).toEqual([]);
});

test('RFD-05: 33.33, 33.33 and 33.34 of 100.00 take 3.33, 3.34 and 3.33; a refund beyond the rest takes the rest and is flagged', async () => {
  const at = await scene(['100.00']);
  await approve(at);
  const steps: string[] = [];
  for (const amount of ['33.33', '33.33', '33.34']) {
    await refund(at.sales[0], amount);
    steps.push(String((await lines(at))[0]));
  }
  expect(steps).toEqual([
    'earned,1,approved,10.00,3.33',
    'earned,1,approved,10.00,6.67',
    'earned,1,reversed,10.00,10.00',
  ]);
  const over = await scene(['100.00']);
  await approve(over);
  await refund(over.sales[0], '80.00');
  const second = await refund(over.sales[0], '80.00');
  const shown = ((await world.as(`/v1/sales/${over.sales[0]?.['id']}/refunds`)).body['data'] as readonly Json[]).find(
    (one) => one['id'] === second['id'],
  );
  expect(shown).toMatchObject({ appliedAmount: usd('20.00'), flag: 'refund_exceeds_sale' });
  expect(await lines(over)).toEqual([['earned', 1, 'reversed', '10.00', '10.00']]);
  expect(await world.broken()).toEqual([]);
});

test('RFD-06, PAY-23: taken back beyond what is owed, the balance is below zero and nobody is paid until it is earned back', async () => {
  const at = await scene(['100.00']);
  await approve(at);
  const charge = await world.as('/v1/commissions', {
    affiliateId: at.affiliateId,
    programId: at.programId,
    kind: 'adjustment',
    amount: usd('-12.00'),
    reason: 'Paid twice in spring',
    skipHold: true,
  });
  expect((await world.as(`/v1/commissions/${charge.body['id']}/approve`, {})).status).toBe(200);
  expect(await owed(at)).toBe('-2.00');
  const row = async (): Promise<Readonly<Record<string, unknown>> | undefined> =>
    ((await world.as('/v1/payouts/due?limit=200')).body['data'] as readonly Json[]).find(
      (one) => one['affiliateId'] === at.affiliateId,
    );
  expect(await row()).toMatchObject({ payable: false, amount: usd('-2.00') });
  expect((await row())?.['reasons']).toContain('negative_balance');
  // The portal explains it: the balance below zero, what it means, and that earning more is the way out.
  await world.owner('agreements').where({ program_id: at.programId }).update({ must_accept: false });
  const { key } = await world.api.makePerson(world.ws, [], { affiliateId: at.affiliateId, permissions: ['me.read'] });
  const home = (await world.api.as(key, '/v1/me/home')).body;
  const [next] = itemsOf(home['nextPayouts']);
  expect(next).toMatchObject({ payable: false });
  expect(itemsOf(next?.['missing']).find((one) => one['code'] === 'negative_balance')).toMatchObject({
    detail: expect.stringContaining('-2.00') as string,
    fix: expect.stringMatching(/./) as string,
  });
  const refused = await world.as('/v1/payouts', { affiliateId: at.affiliateId, currency: 'USD' });
  expect([refused.status, refused.body['code']]).toEqual([409, 'nothing_to_pay']);
  const even = await world.as('/v1/commissions', {
    affiliateId: at.affiliateId,
    programId: at.programId,
    kind: 'bonus',
    amount: usd('2.00'),
    reason: 'Even',
    skipHold: true,
  });
  expect((await world.as(`/v1/commissions/${even.body['id']}/approve`, {})).status).toBe(200);
  expect((await row())?.['reasons']).toContain('zero_balance');
  expect(await world.broken()).toEqual([]);
});

test('RFD-08, COM-15: a refund of a two-level sale takes from both lines, on the same two people', async () => {
  const at = await scene(['100.00'], { levels: 2 });
  await approve(at);
  const before = await world.commissions(`programId=${at.programId}`);
  await refund(at.sales[0], '50.00');
  expect(await lines(at)).toEqual([
    ['earned', 1, 'approved', '10.00', '5.00'],
    ['earned', 2, 'approved', '2.00', '1.00'],
  ]);
  const after = await world.commissions(`programId=${at.programId}`);
  expect(after.map((line) => line['affiliateId'])).toEqual(before.map((line) => line['affiliateId']));
  expect(after[1]?.['level1CommissionId']).toBe(after[0]?.['id']);
  await refund(at.sales[0]);
  expect(await lines(at)).toEqual([
    ['earned', 1, 'reversed', '10.00', '10.00'],
    ['earned', 2, 'reversed', '2.00', '2.00'],
  ]);
});

test('COM-07, COM-15: judged again, the rejected level of a sale comes back beside the other; its referral rejected, both go', async () => {
  const at = await scene(['100.00'], { levels: 2, commissionApproval: 'manual' });
  const [first, second] = await world.commissions(`programId=${at.programId}`);
  const rerun = () => world.settled(world.as(`/v1/sales/${at.sales[0]?.['id']}/rerun`, {}));
  expect((await rerun()).status, 'nothing of it was rejected').toBe(409);
  await world.settled(world.as(`/v1/commissions/${first?.['id']}/reject`, { reason: 'A mistake' }));
  expect((await rerun()).status).toBe(200);
  expect((await world.commissions(`programId=${at.programId}`)).map((line) => [line['id'], line['status']])).toEqual([
    [first?.['id'], 'pending'],
    [second?.['id'], 'pending'],
  ]);
  await world.settled(world.as(`/v1/referrals/${at.referralId}/reject`, { reason: 'No customer' }));
  expect((await lines(at)).map(String)).toEqual(['earned,1,rejected,10.00,10.00', 'earned,2,rejected,2.00,2.00']);
  expect(await owed(at)).toBe('0.00');
  expect(await world.broken()).toEqual([]);
});

test('COM-15: the sale rejected, both levels are; what is in a payout stays, and so does the other; judged again, both come back', async () => {
  const at = await scene(['100.00'], { levels: 2 });
  await approve(at);
  const path = `/v1/sales/${at.sales[0]?.['id']}`;
  const reject = () => world.settled(world.as(`${path}/reject`, { reason: 'Placed by the shop itself' }));
  expect((await world.as(path)).body['allowedActions']).toContain('reject');
  expect((await world.as(`${path}/reject`, {})).status, 'a reason is asked for').toBe(422);
  const [first, second] = await world.commissions(`programId=${at.programId}`);
  expect([first?.['status'], second?.['status']]).toEqual(['approved', 'approved']);

  const rejected = await reject();
  expect([rejected.status, rejected.body['allowedActions']], rejected.text).toEqual([200, ['refund']]);
  expect((await lines(at)).map(String)).toEqual(['earned,1,rejected,10.00,10.00', 'earned,2,rejected,2.00,2.00']);
  expect(await owed(at)).toBe('0.00');
  expect((await reject()).body).toMatchObject({ status: 409, code: 'already_decided' });

  expect((await world.settled(world.as(`${path}/rerun`, {}))).status).toBe(200);
  expect((await lines(at)).map(String)).toEqual(['earned,1,pending,10.00,0.00', 'earned,2,pending,2.00,0.00']);
  for (const line of [first, second]) await world.settled(world.as(`/v1/commissions/${line?.['id']}/approve`, {}));
  const payoutId = await pay(at);
  expect((await reject()).body).toMatchObject({ code: 'in_open_payout', payoutId });
  expect((await lines(at)).map(String)).toEqual(['earned,1,approved,10.00,0.00', 'earned,2,approved,2.00,0.00']);
  const reader = (await world.api.makePerson(world.ws, ['auditor'])).key;
  expect((await world.api.as(reader, `${path}/reject`, { body: { reason: 'x' } })).status).toBe(403);
  expect(await world.broken()).toEqual([]);
});

test('COM-06: while what a line was raised by is in a payout, the line is not rejected either', async () => {
  const at = await scene(['100.00'], { commissionApproval: 'manual' });
  await approve(at);
  const [line] = await world.commissions(`programId=${at.programId}`);
  const path = `/v1/commissions/${line?.['id']}`;
  const raised = await world.as(`${path}/adjust`, { amount: usd('25.00'), reason: 'Agreed', skipHold: true });
  expect(raised.status, raised.text).toBe(200);
  const [raise] = await world.commissions(`programId=${at.programId}&kind=adjustment`);
  const approved = await world.settled(world.as(`/v1/commissions/${raise?.['id']}/approve`, {}));
  expect(approved.status, approved.text).toBe(200);
  const payoutId = await pay(at);

  const refused = await world.settled(world.as(`${path}/reject`, { reason: 'Not ours' }));
  expect(refused.body).toMatchObject({ status: 409, code: 'in_open_payout', payoutId });
  const left = ['earned,1,pending,10.00,0.00', 'adjustment,1,approved,15.00,0.00'];
  expect((await lines(at)).map(String).toSorted()).toEqual(left.toSorted());
  expect(await world.broken()).toEqual([]);
});

test('money.md 6, rows 2 to 6: two sales, two refunds of one of them and the end of the hold, cell by cell', async () => {
  const at = await scene(['100.00'], { levels: 2 });
  const [, ofBen] = await world.commissions(`programId=${at.programId}`);
  const balance = async (kind: string, ownerId: unknown): Promise<string> => {
    const found = (await world.as(`/v1/ledger-accounts?kind=${kind}&ownerId=${String(ownerId)}`)).body['data'];
    return itemsOf(found)[0]?.['balance']['amount'] ?? '0.00';
  };
  const cells = async () => [
    await balance('commission_expense', at.programId),
    await balance('commission_pending', at.affiliateId),
    await balance('affiliate_payable', at.affiliateId),
    await balance('commission_pending', ofBen?.['affiliateId']),
    await balance('affiliate_payable', ofBen?.['affiliateId']),
  ];
  expect(await cells(), 'row 2').toEqual(['12.00', '10.00', '0.00', '2.00', '0.00']);
  const second = await world.sale({
    externalId: newId('sale'),
    customer: { externalId: at.customer },
    programId: at.programId,
    amount: usd('33.35'),
  });
  expect(await cells(), 'row 3').toEqual(['16.01', '13.34', '0.00', '2.67', '0.00']);
  await refund(second, '10.01');
  expect(await cells(), 'row 4').toEqual(['14.81', '12.34', '0.00', '2.47', '0.00']);
  await refund(second, '10.01');
  expect(await cells(), 'row 5').toEqual(['13.60', '11.33', '0.00', '2.27', '0.00']);
  await approve(at);
  expect(await cells(), 'row 6').toEqual(['13.60', '0.00', '11.33', '0.00', '2.27']);
  expect(await world.broken()).toEqual([]);
});

test('RFD-09, COM-16: each renewal has a commission of its own; refunding one leaves the others', async () => {
  const at = await scene(['10.00', '10.00', '10.00']);
  await approve(at);
  expect(await lines(at)).toHaveLength(3);
  await refund(at.sales[1]);
  expect((await lines(at)).map(String)).toEqual([
    'earned,1,approved,1.00,0.00',
    'earned,1,reversed,1.00,1.00',
    'earned,1,approved,1.00,0.00',
  ]);
});

test('COM-13, COM-14, COM-18: one line moves through the lists, is in one of them at a time, and owed is what the ledger holds', async () => {
  const at = await scene(['100.00'], { commissionApproval: 'manual' });
  const list = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const name of ['pending', 'payable', 'history'])
      if ((await world.commissions(`programId=${at.programId}&list=${name}`)).length > 0) found.push(name);
    return found;
  };
  expect(await list()).toEqual(['pending']);
  await approve(at);
  const [line] = await world.commissions(`programId=${at.programId}`);
  expect(line).toMatchObject({ status: 'pending', saleId: at.sales[0]?.['id'], ruleVersion: 1 });
  expect(await owed(at)).toBe('0.00');
  const approved = await world.settled(world.as(`/v1/commissions/${line?.['id']}/approve`, {}));
  expect(approved.status, approved.text).toBe(200);
  expect(await list()).toEqual(['payable']);
  expect(await owed(at)).toBe('10.00');
  const accounts = (await world.as(`/v1/ledger-accounts?kind=affiliate_payable&ownerId=${at.affiliateId}`)).body[
    'data'
  ];
  expect(accounts?.[0]?.['balance']).toEqual(usd('10.00'));
  await refund(at.sales[0]);
  expect(await list()).toEqual(['history']);
});

test('PAY-01, PAY-15: 99.99 of 100.00 is not payable and carries over; 100.00 is; the scope that set the figure is shown', async () => {
  const programId = await world.program();
  const affiliateId = await world.affiliate(programId, { minimumPayout: [usd('100.00')] });
  const method = await world.as(`/v1/affiliates/${affiliateId}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account: 'ok' },
  });
  const verified = await world.api.as(fin, `/v1/payout-methods/${method.body['id']}/verify`, { body: {} });
  expect(verified.status, verified.text).toBe(200);
  const earn = async (amount: string): Promise<void> => {
    const made = await world.as('/v1/commissions', {
      affiliateId,
      programId,
      kind: 'bonus',
      amount: usd(amount),
      reason: 'For the test',
      skipHold: true,
    });
    expect((await world.as(`/v1/commissions/${made.body['id']}/approve`, {})).status).toBe(200);
  };
  const preview = async (): Promise<Json> =>
    (await world.as('/v1/payout-runs/preview', { currencies: ['USD'], affiliateIds: [affiliateId] })).body;
  await earn('99.99');
  expect(await preview()).toMatchObject({
    payable: [],
    notPayable: [
      { owed: usd('99.99'), reasons: [{ code: 'below_minimum', detail: '99.99 of 100.00 USD (affiliate).' }] },
    ],
  });
  await earn('0.01');
  expect(await preview()).toMatchObject({ payable: [{ net: usd('100.00'), commissions: 2 }], notPayable: [] });
});

test('RFD-05, COM-02, COM-06, COM-08, COM-09: what an attacker sends is refused by name, or counted once, and moves no cent', async () => {
  const mine = await scene(['100.00'], { commissionApproval: 'manual' });
  const [sale] = mine.sales;
  const saleId = textAt(sale, 'id');
  const [line] = await world.commissions(`programId=${mine.programId}`);
  const commissionId = textAt(line, 'id');
  const other = await world.api.makeWorkspace({ saved: true });
  const self = await world.api.makePerson(world.ws, [], {
    name: 'Mallory',
    affiliateId: mine.affiliateId,
    permissions: ['me.read', 'me.write'],
  });
  const before = [await world.trial(), await lines(mine)];
  const entry = (body: Readonly<Record<string, unknown>>) => ({
    affiliateId: mine.affiliateId,
    programId: mine.programId,
    kind: 'bonus',
    amount: usd('5.00'),
    reason: 'x',
    ...body,
  });
  const call = async (key: string, path: string, body: unknown): Promise<readonly [number, unknown]> => {
    const answer = await world.api.as(key, path, { body });
    return [answer.status, answer.body['errors']?.[0]?.['code'] ?? answer.body['code']];
  };
  const key = world.ws.key;
  const refunds = `/v1/sales/${saleId}/refunds`;
  const back = (amount: unknown) => ({ externalId: newId('refund'), amount });
  const tried: readonly (readonly [string, string, string, unknown, number, string])[] = [
    ['another workspace refunds', other.key, refunds, back(usd('1.00')), 404, 'not_found'],
    ['a test key refunds a live sale', world.ws.testKey, refunds, back(usd('1.00')), 404, 'not_found'],
    ['the affiliate refunds', self.key, refunds, back(usd('1.00')), 403, 'permission_missing'],
    ['another currency', key, refunds, back({ amount: '1.00', currency: 'EUR' }), 422, 'currency_mismatch'],
    ['below zero', key, refunds, back(usd('-1.00')), 422, 'bad_format'],
    ['nothing', key, refunds, back(usd('0.00')), 422, 'out_of_range'],
    ['too many decimals', key, refunds, back(usd('1.005')), 422, 'too_many_decimals'],
    ['an exponent', key, refunds, back(usd('1e2')), 422, 'bad_format'],
    ['a number', key, refunds, back({ amount: 1, currency: 'USD' }), 422, 'wrong_type'],
    ['a 17-digit sum', key, refunds, back(usd('99999999999999999.00')), 422, 'out_of_range'],
    [
      'nothing, by the other way',
      key,
      '/v1/refunds',
      { ...back(usd('0.00')), saleExternalId: textAt(sale, 'externalId') },
      422,
      'out_of_range',
    ],
    ['another workspace approves', other.key, `/v1/commissions/${commissionId}/approve`, {}, 404, 'not_found'],
    ['the affiliate approves', self.key, `/v1/commissions/${commissionId}/approve`, {}, 403, 'permission_missing'],
    [
      'another workspace rejects',
      other.key,
      `/v1/commissions/${commissionId}/reject`,
      { reason: 'x' },
      404,
      'not_found',
    ],
    ['rejected without a reason', key, `/v1/commissions/${commissionId}/reject`, {}, 422, 'required'],
    [
      'adjusted into euros',
      key,
      `/v1/commissions/${commissionId}/adjust`,
      { amount: { amount: '9.00', currency: 'EUR' }, reason: 'x' },
      422,
      'currency_mismatch',
    ],
    ['a bonus of nothing', key, '/v1/commissions', entry({ amount: usd('0.00') }), 422, 'out_of_range'],
    ['a bonus below zero', key, '/v1/commissions', entry({ amount: usd('-0.00') }), 422, 'bad_format'],
    [
      'a bonus in euros',
      key,
      '/v1/commissions',
      entry({ amount: { amount: '5.00', currency: 'EUR' } }),
      422,
      'currency_mismatch',
    ],
    ['a bonus from another workspace', other.key, '/v1/commissions', entry({}), 422, 'not_found'],
    ['a bonus by its own affiliate', self.key, '/v1/commissions', entry({}), 403, 'permission_missing'],
  ];
  const found: unknown[] = [];
  for (const [what, who, path, body] of tried) found.push([what, ...(await call(who, path, body))]);
  expect(found).toEqual(tried.map(([what, , , , status, code]) => [what, status, code]));
  await world.settle();
  expect([await world.trial(), await lines(mine)]).toEqual(before);

  // The same refund again is the same one; with another sum under its name it is refused; fifty at once are one.
  const once = { externalId: newId('refund'), amount: usd('10.00') };
  const answers = await Promise.all(Array.from({ length: 50 }, () => world.api.as(key, refunds, { body: once })));
  expect(new Set(answers.map((one) => one.body['id'])).size).toBe(1);
  expect(await call(key, refunds, { ...once, amount: usd('20.00') })).toEqual([409, 'already_exists']);
  await world.settle();
  expect(await lines(mine)).toEqual([['earned', 1, 'pending', '10.00', '1.00']]);
  expect(await world.broken()).toEqual([]);
});
