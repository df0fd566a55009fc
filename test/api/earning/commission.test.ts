import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decideEntry } from '../../../activities/earning/adjustment.js';
import { inWorkspace } from '../../../db/transaction.js';
import { saveSettings } from '../program/support.js';
import { itemsOf, type Json } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

let world: EarningWorld;

beforeAll(async () => {
  world = await createEarningWorld();
});
afterAll(() => world.close());

const usd = (amount: string) => ({ amount, currency: 'USD' });
let numbers = 0;
const next = (word: string): string => {
  numbers += 1;
  return `${word}-${numbers}`;
};

async function programOf(
  rule: Readonly<Record<string, unknown>>,
  program: Readonly<Record<string, unknown>> = {},
): Promise<{ programId: string; affiliateId: string }> {
  const programId = await world.program({ commissionApproval: 'manual', ...program });
  const made = await world.rule({ scope: 'program', programId, event: 'payment', ...rule });
  expect(made.status, made.text).toBe(201);
  return { programId, affiliateId: await world.affiliate(programId) };
}

/** What the explanation says in parts: the rounded amount, and what came off and back. They have to sum to the net (BEY-01). */
async function explainedParts(id: unknown): Promise<{ readonly parts: readonly string[]; readonly net: string }> {
  const { body } = await world.as(`/v1/commissions/${String(id)}/explanation`);
  const parts = [body['rounded'], ...itemsOf(body['reversals']).map((one) => one['amount'])].map((money) =>
    String((money as Json)['amount']),
  );
  const cents = (text: string) => Number(text.replace('.', ''));
  expect(parts.reduce((sum, part) => sum + cents(part), 0)).toBe(cents(body['net']['amount']));
  return { parts, net: String(body['net']['amount']) };
}

const twenty = { levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }] };

test('a sale of 49.99 at 20 % earns 10.00, is explained, approved after its referral, and clawed back in two refunds', async () => {
  const { programId, affiliateId } = await programOf(twenty);
  const before = await world.trial();
  const clickId = await world.click({ programId, affiliateId, sub1: 'kw1' });
  const body = {
    externalId: next('order'),
    customer: { externalId: next('u'), email: `${next('jo')}@buyer.example` },
    clickId,
    amount: usd('49.99'),
  };
  const reported = await world.as('/v1/sales', body);
  expect(reported.status, reported.text).toBe(202);
  expect(reported.headers.get('location')).toBe(`/v1/sales/${reported.body['id']}`);
  await world.settle();
  const sale = (await world.as(`/v1/sales/${reported.body['id']}`)).body;
  expect(sale['noCommissionCode']).toBeNull();
  expect(sale['attribution']).toMatchObject({ status: 'attributed', affiliateId, programId, sub1: 'kw1' });
  expect(sale['commissionIds']).toHaveLength(1);

  const again = await world.as('/v1/sales', body);
  expect([again.status, again.body['id'], again.body['commissionIds']]).toEqual([
    200,
    sale['id'],
    sale['commissionIds'],
  ]);
  const other = await world.as('/v1/sales', { ...body, amount: usd('50.00') });
  expect([other.status, other.body['code'], other.body['existingId']]).toEqual([409, 'already_exists', sale['id']]);

  const id: string = sale['commissionIds'][0] ?? '';
  const commission = (await world.as(`/v1/commissions/${id}`)).body;
  expect(commission).toMatchObject({
    status: 'pending',
    amount: usd('10.00'),
    base: usd('49.99'),
    ratePpm: 200_000,
    blockers: [{ code: 'referral_not_approved' }],
  });
  const explained = (await world.as(`/v1/commissions/${id}/explanation`)).body;
  expect(explained).toMatchObject({
    sentence: '20 % of 49.99 USD net is 9.998, rounded half away from zero to 10.00 USD.',
    exact: { numerator: '4999', denominator: '5', unit: 'minor' },
    rounding: { difference: { numerator: '1', denominator: '5' } },
    rounded: usd('10.00'),
    rule: { version: 1, scope: 'program' },
    net: usd('10.00'),
  });
  expect(explained['transferIds']).toHaveLength(1);

  const blocked = await world.settled(world.as(`/v1/commissions/${id}/approve`, { reason: 'ok' }));
  expect([blocked.status, blocked.body['code']]).toEqual([409, 'commission_blocked']);
  expect(blocked.body['blockers'][0]['code']).toBe('referral_not_approved');
  const referral = await world.settled(world.as(`/v1/referrals/${sale['referralId']}/approve`, { reason: 'Real' }));
  expect(referral.status, referral.text).toBe(200);
  const approved = await world.settled(world.as(`/v1/commissions/${id}/approve`, { reason: 'ok' }));
  expect([approved.status, approved.body['status']], approved.text).toEqual([200, 'approved']);
  const twice = await world.settled(world.as(`/v1/commissions/${id}/approve`, { reason: 'ok' }));
  expect([twice.status, twice.body['code'], twice.body['currentStatus']]).toEqual([409, 'already_decided', 'approved']);

  const refund = await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: next('rf'), amount: usd('20.00') });
  expect(refund.status, refund.text).toBe(202);
  await world.settle();
  expect((await world.as(`/v1/commissions/${id}`)).body).toMatchObject({
    status: 'approved',
    reversed: usd('4.00'),
    net: usd('6.00'),
  });
  await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: next('rf') });
  await world.settle();
  expect((await world.as(`/v1/commissions/${id}`)).body).toMatchObject({
    status: 'reversed',
    reversed: usd('10.00'),
    net: usd('0.00'),
  });
  expect(await explainedParts(id)).toEqual({ parts: ['10.00', '-4.00', '-6.00'], net: '0.00' });
  expect((await world.as(`/v1/sales/${sale['id']}`)).body).toMatchObject({
    status: 'refunded',
    refunded: usd('49.99'),
  });
  expect(await world.trial()).toEqual(before);
  expect(await world.broken()).toEqual([]);
});

describe('a refund takes its share by where the line is', () => {
  const cases: readonly [string, readonly string[], string, readonly string[]][] = [
    ['10.00 on 100.00 in thirds', ['33.33', '33.33', '33.34'], '100.00', ['3.33', '6.67', '10.00']],
    ['3.34 on 33.35', ['10.01', '10.01'], '33.35', ['1.00', '2.01']],
    ['0.01 on 0.10', ['0.02', '0.03', '0.03', '0.02'], '0.10', ['0.00', '0.01', '0.01', '0.01']],
  ];
  test.each(cases)('%s', async (_name, refunds, amount, reversed) => {
    const { programId, affiliateId } = await programOf({ levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }] });
    const clickId = await world.click({ programId, affiliateId });
    const sale = await world.sale({ externalId: next('order'), clickId, amount: usd(amount) });
    const seen: string[] = [];
    for (const one of refunds) {
      await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: next('rf'), amount: usd(one) });
      await world.settle();
      seen.push((await world.as(`/v1/commissions/${sale['commissionIds'][0]}`)).body['reversed']['amount']);
    }
    expect(seen).toEqual(reversed);
    expect(await world.broken()).toEqual([]);
  });

  test('a refund beyond the rest reverses only the rest and is flagged', async () => {
    const { programId, affiliateId } = await programOf(twenty);
    const sale = await world.sale({
      externalId: next('order'),
      clickId: await world.click({ programId, affiliateId }),
      amount: usd('50.00'),
    });
    const refund = await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: next('rf'), amount: usd('60.00') });
    await world.settle();
    const { body } = await world.as(`/v1/sales/${sale['id']}/refunds`);
    const stored = body['data'][0];
    expect(refund.status).toBe(202);
    expect(stored).toMatchObject({ flag: 'refund_exceeds_sale', appliedAmount: usd('50.00') });
    expect((await world.as(`/v1/commissions/${sale['commissionIds'][0]}`)).body['status']).toBe('rejected');
    expect(await world.broken()).toEqual([]);
  });
});

test('two levels: the recruiter earns a line of its own, and a refund takes from both', async () => {
  const programId = await world.program({ levels: 2, commissionApproval: 'automatic' });
  const refused = await world.rule({ scope: 'program', programId, event: 'payment', ...twenty });
  expect([refused.status, refused.body['code'], refused.body['conflicts'][0]['code']]).toEqual([
    422,
    'rule_conflict',
    'level_missing',
  ]);
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [
      { level: 1, kind: 'percent', ratePpm: 100_000 },
      { level: 2, kind: 'percent', ratePpm: 20_000 },
    ],
  });
  const ben = await world.affiliate(programId);
  const ana = await world.affiliate(programId, { recruiterId: ben });
  const sale = await world.sale({
    externalId: next('order'),
    clickId: await world.click({ programId, affiliateId: ana }),
    amount: usd('33.35'),
  });
  const lines = await world.commissions(`saleId=${sale['id']}`);
  const shown = lines.map((line) => `${line['level']} ${line['affiliateId']} ${line['amount']['amount']}`);
  expect(new Set(shown)).toEqual(new Set([`1 ${ana} 3.34`, `2 ${ben} 0.67`]));
  await world.settled(world.as(`/v1/referrals/${sale['referralId']}/approve`, { reason: 'Real' }));
  await world.settle();
  const approved = await world.commissions(`saleId=${sale['id']}`);
  expect(approved.map((line) => line['status'])).toEqual(['approved', 'approved']);
  await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: next('rf') });
  await world.settle();
  const after = await world.commissions(`saleId=${sale['id']}`);
  expect(after.map((line) => line['status'])).toEqual(['reversed', 'reversed']);
  expect(await world.broken()).toEqual([]);
});

test('a bonus is decided without a workflow, and above the limit not by who made it', async () => {
  const { programId, affiliateId } = await programOf(twenty);
  const make = async (amount: string, kind = 'bonus') =>
    world.as('/v1/commissions', {
      affiliateId,
      programId,
      kind,
      amount: usd(amount),
      reason: 'Thanks',
      skipHold: true,
    });
  const bonus = await make('4.00');
  expect([bonus.status, bonus.body['status'], bonus.body['referralId']], bonus.text).toEqual([201, 'pending', null]);
  const approved = await world.as(`/v1/commissions/${bonus.body['id']}/approve`, { reason: 'ok' });
  expect([approved.status, approved.body['status']], approved.text).toEqual([200, 'approved']);
  const again = await world.as(`/v1/commissions/${bonus.body['id']}/approve`, { reason: 'ok' });
  expect([again.status, again.body['code']]).toEqual([409, 'already_decided']);

  const charge = await make('-5.00', 'adjustment');
  await world.as(`/v1/commissions/${charge.body['id']}/approve`, { reason: 'ok' });
  expect((await world.as(`/v1/commissions/${charge.body['id']}`)).body['status']).toBe('approved');
  expect(await world.broken()).toEqual([]);

  // BEY-04: above the limit its maker needs somebody else; the only one who may, a step-up, which a key cannot; in test mode nobody.
  const big = await make('100.01');
  const approveBig = () => world.as(`/v1/commissions/${big.body['id']}/approve`, { reason: 'ok' });
  const alone = await approveBig();
  expect([alone.status, alone.body['code']]).toEqual([403, 'step_up_required']);
  await saveSettings(world.api, world.ws, { payouts: { secondPerson: 'required' } });
  expect((await approveBig()).body['code']).toBe('own_work');
  await saveSettings(world.api, world.ws, { payouts: { secondPerson: 'when_available' } });
  const refusal = await inWorkspace(world.api.db, world.ws.id, (tx, now) => {
    const act = world.api.act(world.ws.id, now);
    const by = { userId: world.ws.owner.id, isKey: false, steppedUp: true };
    return decideEntry(tx, act, big.body['id'], { verb: 'approve', by });
  });
  expect(refusal).toBeUndefined();
  const trail = itemsOf((await world.as(`/v1/audit-entries?objectId=${big.body['id']}`)).body['data']);
  expect(trail.find((entry) => entry['event'] === 'approved')?.['changes']).toMatchObject({
    secondPerson: 'single_person',
  });
  const second = await make('100.01');
  const colleague = (await world.api.makePerson(world.ws, ['admin'])).key;
  const path = `/v1/commissions/${second.body['id']}/approve`;
  const own = await world.as(path, { reason: 'ok' });
  expect([own.status, own.body['code']]).toEqual([403, 'own_work']);
  expect((await world.api.as(colleague, path, { body: { reason: 'ok' } })).status).toBe(200);
  const zero = await make('0.00');
  expect(zero.status).toBe(422);
});

test('hold, release, withdraw, reject, reinstate and adjust follow the table and keep the books right', async () => {
  const { programId, affiliateId } = await programOf(twenty);
  const sale = await world.sale({
    externalId: next('order'),
    clickId: await world.click({ programId, affiliateId }),
    amount: usd('100.00'),
  });
  const id: string = sale['commissionIds'][0] ?? '';
  await world.settled(world.as(`/v1/referrals/${sale['referralId']}/approve`, { reason: 'Real' }));
  const act = async (verb: string) => {
    const answer = await world.settled(world.as(`/v1/commissions/${id}/${verb}`, { reason: 'Because' }));
    expect(await world.broken(), verb).toEqual([]);
    return answer;
  };
  expect((await act('hold')).body['onHold']).toBe(true);
  const blocked = await act('approve');
  expect([blocked.status, blocked.body['blockers'][0]['code']]).toEqual([409, 'on_hold']);
  expect((await act('release')).body['onHold']).toBe(false);
  expect((await act('approve')).body['status']).toBe('approved');
  const adjusted = await world.as(`/v1/commissions/${id}/adjust`, {
    amount: usd('15.00'),
    reason: 'Agreed',
    skipHold: true,
  });
  expect([adjusted.status, adjusted.body['net']['amount']], adjusted.text).toEqual([200, '15.00']);
  const raised = await world.as(`/v1/commissions/${id}/adjust`, {
    amount: usd('18.00'),
    reason: 'Agreed',
    skipHold: true,
  });
  expect(raised.status).toBe(200);
  const [raise] = await world.commissions(`affiliateId=${affiliateId}&kind=adjustment`);
  expect(raise).toMatchObject({ amount: usd('3.00'), originCommissionId: id, status: 'pending' });
  expect((await act('withdraw-approval')).body['status']).toBe('pending');
  expect((await act('reject')).body).toMatchObject({ status: 'rejected', net: usd('0.00') });
  const gone = await act('hold');
  expect([gone.status, gone.body['code']]).toEqual([409, 'transition_not_allowed']);
  expect((await act('reinstate')).body).toMatchObject({ status: 'pending', net: usd('20.00') });
  expect((await act('reject')).body['status']).toBe('rejected');
  const changes: readonly Json[] = (await world.as(`/v1/commissions/${id}/changes`)).body['data'];
  expect(changes.map((change) => change['event'])).toEqual([
    'accrued',
    'held',
    'released',
    'approved',
    'reduced',
    'approvalWithdrawn',
    'rejected',
    'reinstated',
    'rejected',
  ]);
  expect(await explainedParts(id)).toEqual({ parts: ['20.00', '-5.00', '-15.00', '20.00', '-20.00'], net: '0.00' });
});

test('BEY-04: a raise within the limit approves itself with its program; one above it, alone or on top of others, waits for a second person', async () => {
  const { programId, affiliateId } = await programOf(twenty, { commissionApproval: 'automatic' });
  const approvedLine = async (): Promise<string> => {
    const sale = await world.sale({
      externalId: next('order'),
      clickId: await world.click({ programId, affiliateId }),
      amount: usd('100.00'),
    });
    await world.settled(world.as(`/v1/referrals/${sale['referralId']}/approve`, { reason: 'Real' }));
    return sale['commissionIds'][0] ?? '';
  };
  const raiseTo = async (id: string, amount: string) => {
    const before = new Set(
      (await world.commissions(`affiliateId=${affiliateId}&kind=adjustment`)).map((one) => one['id']),
    );
    const body = { amount: usd(amount), reason: 'Agreed', skipHold: true };
    const adjusted = await world.as(`/v1/commissions/${id}/adjust`, body);
    expect(adjusted.status, adjusted.text).toBe(200);
    await world.settle();
    const lines = await world.commissions(`affiliateId=${affiliateId}&kind=adjustment`);
    return lines.find((one) => !before.has(one['id']));
  };
  const [large, split] = [await approvedLine(), await approvedLine()];
  expect(await raiseTo(large, '120.01')).toMatchObject({ amount: usd('100.01'), status: 'pending' });
  expect(await raiseTo(split, '119.99')).toMatchObject({ amount: usd('99.99'), status: 'approved' });
  expect(await raiseTo(split, '120.00')).toMatchObject({ amount: usd('0.01'), status: 'approved' });
  expect(await raiseTo(split, '120.01')).toMatchObject({ amount: usd('0.01'), status: 'pending' });
  // Nor on top of each other: a raise of a raise counts with what it stands on.
  const tower = await approvedLine();
  const ground = await raiseTo(tower, '110.00');
  expect(ground).toMatchObject({ amount: usd('90.00'), status: 'approved' });
  const above = await raiseTo(String(ground?.['id']), '100.00');
  expect(above).toMatchObject({ amount: usd('10.00'), status: 'approved' });
  expect(await raiseTo(String(above?.['id']), '10.01')).toMatchObject({ amount: usd('0.01'), status: 'pending' });
  expect(await raiseTo(tower, '110.01')).toMatchObject({ amount: usd('0.01'), status: 'pending' });
  expect(await world.broken()).toEqual([]);
});

test('BEY-04: a raise that was rejected and comes back beside another one waits for a second person above the limit', async () => {
  const { programId, affiliateId } = await programOf(twenty, {
    commissionApproval: 'automatic',
    commissionHold: 'P14D',
  });
  const clickId = await world.click({ programId, affiliateId });
  const sale = await world.sale({ externalId: next('order'), clickId, amount: usd('100.00') });
  await world.settled(world.as(`/v1/referrals/${sale['referralId']}/approve`, { reason: 'Real' }));
  const raises = () => world.commissions(`saleId=${sale['id']}&kind=adjustment`);
  const raise = async () => {
    const body = { amount: usd('120.00'), reason: 'Agreed' };
    expect((await world.as(`/v1/commissions/${sale['commissionIds'][0]}/adjust`, body)).status).toBe(200);
  };
  const decide = async (id: unknown, verb: string) => {
    const answer = await world.settled(world.as(`/v1/commissions/${String(id)}/${verb}`, { reason: 'Because' }));
    expect(answer.status, answer.text).toBe(200);
  };
  await raise();
  const [first] = await raises();
  await decide(first?.['id'], 'reject');
  await raise(); // what is rejected does not count: within the limit
  await decide(first?.['id'], 'reinstate');

  const past = new Date(Date.now() - 86_400_000);
  await world.owner('commissions').where({ affiliate_id: affiliateId }).update({ eligible_at: past });
  await world.settle();

  expect((await raises()).map((line) => [line['amount']['amount'], line['status']])).toEqual([
    ['100.00', 'pending'],
    ['100.00', 'approved'],
  ]);
});

test('rejecting a referral takes everything of it, and reopening brings it back', async () => {
  const { programId, affiliateId } = await programOf(twenty, { commissionApproval: 'automatic' });
  const before = await world.trial();
  const sale = await world.sale({
    externalId: next('order'),
    clickId: await world.click({ programId, affiliateId }),
    amount: usd('100.00'),
  });
  const rejected = await world.settled(world.as(`/v1/referrals/${sale['referralId']}/reject`, { reason: 'Fake' }));
  expect(rejected.status, rejected.text).toBe(200);
  expect((await world.as(`/v1/commissions/${sale['commissionIds'][0]}`)).body['status']).toBe('rejected');
  expect(await world.trial()).toEqual(before);
  const reopened = await world.settled(world.as(`/v1/referrals/${sale['referralId']}/reopen`, { reason: 'A mistake' }));
  expect(reopened.status, reopened.text).toBe(200);
  expect((await world.as(`/v1/commissions/${sale['commissionIds'][0]}`)).body).toMatchObject({
    status: 'pending',
    net: usd('20.00'),
  });
  expect(await world.broken()).toEqual([]);
});

test('BEY-26: a dispute holds, a lost one takes, a won one brings back or lifts the hold, and one lost again takes again', async () => {
  const { programId, affiliateId } = await programOf(twenty);
  const sale = await world.sale({
    externalId: next('order'),
    clickId: await world.click({ programId, affiliateId }),
    amount: usd('100.00'),
  });
  const step = async (status: string) => {
    const answer = await world.as(`/v1/sales/${sale['id']}/disputes`, { externalId: 'dsp-1', status });
    await world.settle();
    expect(await world.broken(), status).toEqual([]);
    return answer;
  };
  const early = await step('won');
  expect([early.status, early.body['code']]).toEqual([409, 'transition_not_allowed']);
  const ofNothing = { externalId: 'dsp-0', status: 'opened', amount: usd('0.00') };
  expect((await world.as(`/v1/sales/${sale['id']}/disputes`, ofNothing)).body).toMatchObject({
    status: 422,
    errors: [{ pointer: '#/amount', code: 'out_of_range' }],
  });
  expect((await world.as(`/v1/sales/${sale['id']}/disputes`)).body['data']).toEqual([]);
  expect((await step('opened')).status).toBe(202);
  expect((await step('opened')).status).toBe(200);
  const id: string = sale['commissionIds'][0] ?? '';
  expect((await world.as(`/v1/commissions/${id}`)).body).toMatchObject({ onHold: true, status: 'pending' });
  await step('lost');
  expect((await world.as(`/v1/commissions/${id}`)).body['status']).toBe('rejected');
  expect((await world.as(`/v1/sales/${sale['id']}`)).body['status']).toBe('charged_back');
  await step('opened');
  await step('won');
  const lines = await world.commissions(`saleId=${sale['id']}&kind=adjustment`);
  expect(lines.map((line) => [line['amount']['amount'], line['originCommissionId']])).toEqual([['20.00', id]]);
  // Lost on the second try: what was brought back is taken again, each step with an entry of its own.
  await step('opened');
  await step('lost');
  const again = await world.commissions(`saleId=${sale['id']}`);
  expect(again.map((line) => [line['kind'], line['status']])).toEqual([
    ['earned', 'rejected'],
    ['adjustment', 'rejected'],
  ]);

  const other = await world.sale({
    externalId: next('order'),
    clickId: await world.click({ programId, affiliateId }),
    amount: usd('100.00'),
  });
  const held: string = other['commissionIds'][0] ?? '';
  for (const [status, onHold] of [
    ['opened', true],
    ['won', false],
  ] as const) {
    await world.as(`/v1/sales/${other['id']}/disputes`, { externalId: 'dsp-2', status });
    await world.settle();
    const { body } = await world.as(`/v1/commissions/${held}`);
    expect(body, status).toMatchObject({ onHold, status: 'pending' });
    // As long as the bank has not decided, nobody frees the money: neither offered nor done.
    expect((body['allowedActions'] as readonly string[]).includes('release'), status).toBe(false);
    if (!onHold) continue;
    const freed = await world.settled(world.as(`/v1/commissions/${held}/release`, {}));
    expect([freed.status, freed.body['code']]).toEqual([409, 'commission_blocked']);
    expect((await world.as(`/v1/commissions/${held}`)).body['onHold']).toBe(true);
  }
});

describe('COM-08: a raise by hand is of the sale of the line that it raised', () => {
  /** A sale of 100.00 that earned 20.00, of which staff make `net`. */
  async function raised(net: string) {
    const { programId, affiliateId } = await programOf(twenty);
    const clickId = await world.click({ programId, affiliateId });
    const sale = await world.sale({ externalId: next('order'), clickId, amount: usd('100.00') });
    const id: string = sale['commissionIds'][0] ?? '';
    const set = async (amount: string) => {
      const body = { amount: usd(amount), reason: 'Agreed', skipHold: true };
      const answer = await world.as(`/v1/commissions/${id}/adjust`, body);
      expect(answer.status, answer.text).toBe(200);
    };
    await set(net);
    return { affiliateId, sale, id, set };
  }
  const nets = async (affiliateId: string): Promise<readonly string[]> =>
    (await world.commissions(`affiliateId=${affiliateId}`)).map(
      (line) => `${line['kind']} ${line['status']} ${line['net']['amount']}`,
    );
  const refund = async (sale: Json, amount?: string): Promise<void> => {
    const body = { externalId: next('refund'), ...(amount === undefined ? {} : { amount: usd(amount) }) };
    expect((await world.as(`/v1/sales/${sale['id']}/refunds`, body)).status).toBe(202);
    await world.settle();
  };

  test('refunded, both lose their share of what is given back from then on, and exactly nothing is left', async () => {
    const before = await raised('30.00');
    for (const [amount, left] of [
      ['33.33', ['earned pending 13.33', 'adjustment pending 6.67']],
      ['33.33', ['earned pending 6.67', 'adjustment pending 3.33']],
      ['33.34', ['earned rejected 0.00', 'adjustment rejected 0.00']],
    ] as const) {
      await refund(before.sale, amount);
      expect(await nets(before.affiliateId)).toEqual(left);
    }
    const [, raise] = await world.commissions(`affiliateId=${before.affiliateId}`);
    const back = await world.settled(world.as(`/v1/commissions/${raise?.['id']}/reinstate`, { reason: 'Please' }));
    expect(back.status, back.text).toBe(409);

    // What was given back before the raise was known when the net was set: the raise bears no share of it.
    const after = await raised('20.00');
    await refund(after.sale, '50.00');
    await after.set('16.00');
    for (const [amount, left] of [
      ['10.00', ['earned pending 8.00', 'adjustment pending 4.80']],
      ['10.00', ['earned pending 6.00', 'adjustment pending 3.60']],
      [undefined, ['earned rejected 0.00', 'adjustment rejected 0.00']],
    ] as const) {
      await refund(after.sale, amount);
      expect(await nets(after.affiliateId)).toEqual(left);
    }
    expect(await world.broken()).toEqual([]);
  });

  test('the commissions of its sale are the line, its raise and a raise of the raise, and they sum to what is owed for it', async () => {
    const { affiliateId, sale, id } = await raised('30.00');
    const other = await raised('40.00');
    const [, raise] = await world.commissions(`affiliateId=${affiliateId}`);
    const more = { amount: usd('12.50'), reason: 'Agreed too', skipHold: true };
    expect((await world.as(`/v1/commissions/${raise?.['id']}/adjust`, more)).status).toBe(200);

    const shown = await world.commissions(`saleId=${sale['id']}`);
    expect(shown.map((line) => [line['originCommissionId'], line['amount']['amount']])).toEqual([
      [null, '20.00'],
      [id, '10.00'],
      [raise?.['id'], '2.50'],
    ]);
    const summed = await world.as(`/v1/commissions?saleId=${sale['id']}&include=counts,sums`);
    expect(summed.body).toMatchObject({ counts: { total: 3, byStatus: { pending: 3 } }, sums: [usd('32.50')] });
    expect(await world.commissions(`saleId=${sale['id']},${other.sale['id']}`)).toHaveLength(5);
    expect(await world.commissions(`saleId=${sale['id']}&kind=earned`)).toHaveLength(1);

    // BEY-01: from any of them, and from the sale, down to the click.
    for (const from of [sale['id'], ...shown.map((line) => line['id'])]) {
      const steps = itemsOf((await world.as(`/v1/ledger-traces/${String(from)}`)).body['steps']);
      const kinds = steps.map((step) => step['type']).filter((type) => type !== 'transfer');
      expect(kinds, String(from)).toEqual(['click', 'referral', 'sale', 'commission', 'commission', 'commission']);
    }

    await refund(sale);
    const after = await world.as(`/v1/commissions?saleId=${sale['id']}&include=sums`);
    expect([after.body['sums'], itemsOf(after.body['data']).map((line) => line['status'])]).toEqual([
      [usd('0.00')],
      ['rejected', 'rejected', 'rejected'],
    ]);
  });

  test('raised at the moment in which its sale is refunded, nothing is left of either, whoever came first', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { affiliateId, sale, id } = await raised('25.00');
      const body = { amount: usd('30.00'), reason: 'Agreed', skipHold: true };
      const [raise] = await Promise.all([world.as(`/v1/commissions/${id}/adjust`, body), refund(sale)]);
      expect([200, 409]).toContain(raise.status);
      await world.settle();
      const left = new Set(
        (await world.commissions(`affiliateId=${affiliateId}`)).map((line) => line['net']['amount']),
      );
      expect([...left]).toEqual(['0.00']);
    }
    expect(await world.broken()).toEqual([]);
  });

  test('disputed, both are held; lost, both go, a raise of the raise too; won, what went comes back once, and once more', async () => {
    const { affiliateId, sale } = await raised('30.00');
    const [, raise] = await world.commissions(`affiliateId=${affiliateId}`);
    const more = { amount: usd('12.00'), reason: 'A little more', skipHold: true };
    expect((await world.as(`/v1/commissions/${raise?.['id']}/adjust`, more)).status).toBe(200);
    const total = async (): Promise<unknown> => {
      const lines = await world.commissions(`affiliateId=${affiliateId}`);
      return lines.reduce((sum, line) => sum + Number(line['net']['amount']), 0);
    };
    expect(await total()).toBe(32);
    for (const round of [1, 2]) {
      for (const [status, left] of [
        ['opened', 32],
        ['lost', 0],
        ['opened', 0],
        ['won', 32],
      ] as const) {
        const step = await world.as(`/v1/sales/${sale['id']}/disputes`, { externalId: `raise-${round}`, status });
        expect(step.status, step.text).toBe(202);
        await world.settle();
        expect(await total(), `${round} ${status}`).toBe(left);
        const open = (await world.commissions(`affiliateId=${affiliateId}`)).filter(
          (line) => line['status'] === 'pending',
        );
        expect(new Set(open.map((line) => line['onHold'])), status).toEqual(
          new Set(left === 0 ? [] : [status === 'opened']),
        );
      }
    }
    await refund(sale, '50.00');
    expect(await total()).toBe(16);
    await refund(sale);
    expect(await total()).toBe(0);
    expect(await world.broken()).toEqual([]);
  });

  test('its referral rejected and approved again, twice, it comes back once each time, and refunds take all of it', async () => {
    const { affiliateId, sale } = await raised('30.00');
    const decide = async (path: string): Promise<void> => {
      const answer = await world.settled(world.as(path, { reason: 'Looked again' }));
      expect(answer.status, `${path} ${answer.text}`).toBe(200);
    };
    const referral = `/v1/referrals/${sale['referralId']}`;
    const total = async (): Promise<number> =>
      (await world.commissions(`affiliateId=${affiliateId}`)).reduce(
        (sum, line) => sum + Number(line['net']['amount']),
        0,
      );
    await decide(`${referral}/approve`);
    for (const line of await world.commissions(`affiliateId=${affiliateId}`))
      await decide(`/v1/commissions/${line['id']}/approve`);
    for (const round of [1, 2]) {
      await decide(`${referral}/reject`);
      expect(await total(), `${round} rejected`).toBe(0);
      await decide(`${referral}/reopen`);
      await decide(`${referral}/approve`);
      expect(await total(), `${round} approved`).toBe(30);
    }
    await refund(sale, '50.00');
    expect(await total()).toBe(15);
    await refund(sale);
    expect(await total()).toBe(0);
    expect(await world.broken()).toEqual([]);
  });

  test('its sale rejected, both are; of a sale in review it waits as its line does', async () => {
    const { affiliateId, sale } = await raised('30.00');
    const rejected = await world.settled(world.as(`/v1/sales/${sale['id']}/reject`, { reason: 'No customer' }));
    expect(rejected.status, rejected.text).toBe(200);
    expect(await nets(affiliateId)).toEqual(['earned rejected 0.00', 'adjustment rejected 0.00']);

    const waiting = await raised('30.00');
    expect(await world.settled(world.as(`/v1/referrals/${waiting.sale['referralId']}/approve`, {}))).toMatchObject({
      status: 200,
    });
    await world.owner('sales').where({ id: waiting.sale['id'] }).update({ in_review: true });
    const [, raise] = await world.commissions(`affiliateId=${waiting.affiliateId}`);
    const approve = () => world.settled(world.as(`/v1/commissions/${raise?.['id']}/approve`, {}));
    expect((await approve()).body).toMatchObject({ status: 409, code: 'commission_blocked' });
    await world.owner('sales').where({ id: waiting.sale['id'] }).update({ in_review: false });
    expect((await approve()).status).toBe(200);
    await refund(waiting.sale);
    expect(await nets(waiting.affiliateId)).toEqual(['earned rejected 0.00', 'adjustment reversed 0.00']);
    expect(await world.broken()).toEqual([]);
  });

  test('COM-06: rejected with its line and back with it, held and released with it; what a person said of the raise alone stays', async () => {
    const { affiliateId, id } = await raised('30.00');
    const lines = () => world.commissions(`affiliateId=${affiliateId}`);
    const [, second] = await lines();
    const raise = String(second?.['id']);
    const decide = async (verb: string, of = id) => {
      const answer = await world.settled(world.as(`/v1/commissions/${of}/${verb}`, { reason: 'Looked again' }));
      expect(answer.status, `${verb} ${answer.text}`).toBe(200);
    };
    const holds = async () => (await lines()).map((line) => line['onHold']);
    const more = { amount: usd('12.00'), reason: 'A little more', skipHold: true };
    expect((await world.as(`/v1/commissions/${raise}/adjust`, more)).status).toBe(200);
    const open = ['earned pending 20.00', 'adjustment pending 10.00', 'adjustment pending 2.00'];
    for (const round of [1, 2]) {
      await decide('reject');
      expect(await nets(affiliateId), `round ${round}`).toEqual([
        'earned rejected 0.00',
        'adjustment rejected 0.00',
        'adjustment rejected 0.00',
      ]);
      await decide('reinstate');
      expect(await nets(affiliateId), `round ${round}`).toEqual(open);
      await decide('hold');
      expect(await holds()).toEqual([true, true, true]);
      await decide('release');
      expect(await holds()).toEqual([false, false, false]);
    }
    await decide('hold', raise);
    await decide('hold');
    await decide('release');
    expect(await holds()).toEqual([false, true, true]); // what was raised of the raise is held with it
    await decide('release', raise);
    await decide('reject', raise);
    await decide('reject');
    await decide('reinstate');
    expect((await nets(affiliateId))[1]).toBe('adjustment rejected 0.00');
    expect(await world.broken()).toEqual([]);
  });

  test('COM-06, COM-07: an approved raise is taken back with its line; its sale rejected and judged again, both come back', async () => {
    const { affiliateId, sale, id } = await raised('30.00');
    const decide = (path: string) => world.settled(world.as(path, { reason: 'Looked again' }));
    expect((await decide(`/v1/referrals/${sale['referralId']}/approve`)).status).toBe(200);
    const [, raise] = await world.commissions(`affiliateId=${affiliateId}`);
    expect((await decide(`/v1/commissions/${raise?.['id']}/approve`)).status).toBe(200);
    expect((await decide(`/v1/commissions/${id}/reject`)).status).toBe(200);
    expect(await nets(affiliateId)).toEqual(['earned rejected 0.00', 'adjustment rejected 0.00']);
    const open = ['earned pending 20.00', 'adjustment pending 10.00'];
    expect((await decide(`/v1/commissions/${id}/reinstate`)).status).toBe(200);
    expect(await nets(affiliateId)).toEqual(open);

    expect((await decide(`/v1/sales/${sale['id']}/reject`)).status).toBe(200);
    expect((await decide(`/v1/sales/${sale['id']}/rerun`)).status).toBe(200);
    expect(await nets(affiliateId)).toEqual(open);
    expect(await world.broken()).toEqual([]);
  });

  test('TRK-19: of a sale that is confirmed with another amount it stays beside the new line, and goes with what is given back', async () => {
    const { affiliateId, sale } = await raised('30.00');
    await world.owner('sales').where({ id: sale['id'] }).update({ in_review: true });
    const confirmed = await world.as(`/v1/sales/${sale['id']}/confirm`, {
      amount: usd('80.00'),
      reason: 'The invoice',
    });
    expect(confirmed.status, confirmed.text).toBe(200);
    await world.settle();
    const standing = async () => (await nets(affiliateId)).filter((one) => !one.includes('rejected')).toSorted();
    expect(await standing()).toEqual(['adjustment pending 10.00', 'earned pending 16.00']);
    await refund(sale, '40.00');
    expect(await standing()).toEqual(['adjustment pending 5.00', 'earned pending 8.00']);
    await refund(sale);
    expect(await standing()).toEqual([]);
    expect(await world.broken()).toEqual([]);
  });
});

// The last of the file: it marks a line paid behind the history's back, and I12 rightly says so from then on.
test('a line that is paid stays; a clawback stands beside it and a debt carries into the next earning', async () => {
  const { programId, affiliateId } = await programOf(twenty, { commissionApproval: 'automatic' });
  const clickId = await world.click({ programId, affiliateId });
  const customer = { email: `${next('jo')}@buyer.example` };
  const sale = await world.sale({ externalId: next('order'), clickId, customer, amount: usd('50.00') });
  await world.settled(world.as(`/v1/referrals/${sale['referralId']}/approve`, { reason: 'Real' }));
  const id: string = sale['commissionIds'][0] ?? '';
  await world.owner('commissions').where({ id }).update({ status: 'paid' }); // the payout's own tests pay through the gateway
  await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: next('rf'), amount: usd('25.00') });
  await world.settle();
  const lines = await world.commissions(`saleId=${sale['id']}`);
  const shown = lines.map((line) => [
    line['kind'],
    line['status'],
    line['amount']['amount'],
    line['originCommissionId'],
  ]);
  expect(shown).toContainEqual(['clawback', 'approved', '-5.00', id]);
  expect(shown).toContainEqual(['earned', 'paid', '10.00', null]);
  expect(shown).toHaveLength(2);
  expect(lines.find((line) => line['id'] === id)).toMatchObject({
    reversed: usd('0.00'),
    clawedBack: usd('5.00'),
    net: usd('5.00'),
  });
  expect(await explainedParts(id)).toEqual({ parts: ['10.00', '-5.00'], net: '5.00' });
});
