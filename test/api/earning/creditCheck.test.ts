import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { itemsOf } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// "Why was I not credited?" (BEY-14), asked with affiliates' own keys.

let world: EarningWorld;
let programId: string;
let ada: { readonly id: string; readonly key: string };
let bob: { readonly id: string; readonly key: string };

const affiliate = async () => {
  const id = await world.affiliate(programId);
  const { key } = await world.api.makePerson(world.ws, [], { affiliateId: id, permissions: ['me.read', 'me.write'] });
  for (const terms of itemsOf((await world.api.as(key, '/v1/me/agreements')).body['data']))
    await world.api.as(key, `/v1/me/agreements/${String(terms['id'])}/accept`, { body: {} });
  return { id, key };
};

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ commissionApproval: 'manual' });
  const made = await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  expect(made.status, made.text).toBe(201);
  ada = await affiliate();
  bob = await affiliate();
});
beforeEach(() => world.owner('credit_checks').delete());
afterAll(() => world.close());

let numbers = 0;
const next = (word: string): string => `${word}-${(numbers += 1)}`;
const ask = (who: { readonly key: string }, body: unknown) => world.api.as(who.key, '/v1/me/credit-checks', { body });
const usd = { amount: '50.00', currency: 'USD' };

test('BEY-14: a click of Ada, then one of Bob: Ada reads that somebody came after her, and not who', async () => {
  const email = `${next('jo')}@buyer.example`;
  const mine = await world.click({ programId, affiliateId: ada.id, sub1: 'kw1' });
  await world.as('/v1/leads', { clickId: mine, email, event: 'registration' });
  await world.settle();
  const his = await world.click({ programId, affiliateId: bob.id });
  const order = next('order');
  const sale = await world.sale({ externalId: order, clickId: his, customer: { email }, amount: usd });
  expect(sale).toMatchObject({ attribution: { affiliateId: bob.id } });

  const told = await ask(ada, { orderReference: order });
  expect(told).toMatchObject({
    status: 200,
    body: {
      outcome: 'other',
      touch: { kind: 'click', sub1: 'kw1', inWindow: true },
      decidedBy: 'last_referrer',
      code: 'not_last',
      appealObjectId: null,
      questionsLeft: 9,
    },
  });
  expect(told.text).not.toContain(bob.id);
  expect(told.text).not.toContain('buyer.example');
  expect((await ask(bob, { orderReference: order })).body).toMatchObject({ outcome: 'credited', code: null });
  expect((await ask(ada, { clickId: mine })).body).toMatchObject({ outcome: 'other', touch: { inWindow: true } });
});

test('a touch that had ended says so; an order that is not there and one of somebody else’s answer alike', async () => {
  const order = next('order');
  const clickId = await world.click({ programId, affiliateId: ada.id });
  await world.owner('clicks').where({ id: clickId }).update({ created_at: '2026-09-01T00:00:00.000Z' });
  await world.sale({ externalId: order, clickId, amount: usd });
  expect((await ask(ada, { orderReference: order })).body).toMatchObject({
    outcome: 'nobody',
    touch: { inWindow: false },
    code: 'cookie_expired',
  });
  const strangers = await ask(bob, { orderReference: order });
  const nothing = await ask(bob, { orderReference: 'no-such-order' });
  expect(strangers.body).toMatchObject({ outcome: 'no_touch', touch: null, code: 'no_touch' });
  const { questionsLeft: _one, ...first } = strangers.body as unknown as Record<string, unknown>;
  const { questionsLeft: _two, ...second } = nothing.body as unknown as Record<string, unknown>;
  expect(first).toEqual(second);
  expect((await ask(bob, { clickId })).body).toMatchObject({ outcome: 'no_touch' });
});

test('a click of which nothing came yet, and one that was not credited', async () => {
  const open = await world.click({ programId, affiliateId: ada.id });
  expect((await ask(ada, { clickId: open })).body).toMatchObject({ outcome: 'nobody', touch: { inWindow: null } });
  const paused = await world.click({ programId, affiliateId: ada.id });
  await world.owner('clicks').where({ id: paused }).update({ credit: 'not_credited', credit_code: 'link_expired' });
  expect((await ask(ada, { clickId: paused })).body).toMatchObject({ outcome: 'nobody', code: 'link_expired' });
});

test('a rejected referral of one’s own names what can be appealed', async () => {
  const order = next('order');
  const clickId = await world.click({ programId, affiliateId: ada.id });
  const sale = await world.sale({ externalId: order, clickId, amount: usd });
  const path = `/v1/referrals/${String(sale['referralId'])}/reject`;
  expect((await world.settled(world.as(path, { reason: 'Not ours' }))).status).toBe(200);
  expect((await ask(ada, { orderReference: order })).body['appealObjectId']).toBe(sale['referralId']);
});

test('ten questions a day, also when asked at once; a refused one is not counted', async () => {
  expect(await ask(ada, {})).toMatchObject({ status: 422, body: { errors: [{ code: 'required' }] } });
  expect(await ask(ada, { orderReference: 'x', clickId: 'clk_01kaz0c3v7m2q8x4t6w9y1b5de' })).toMatchObject({
    status: 422,
  });
  const answers = await Promise.all(Array.from({ length: 14 }, () => ask(ada, { orderReference: next('guess') })));
  expect(answers.filter((one) => one.status === 200)).toHaveLength(10);
  const refused = answers.filter((one) => one.status === 429);
  expect(refused).toHaveLength(4);
  expect(refused[0]).toMatchObject({ body: { code: 'rate_limited' } });
  expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(80_000);
  expect(await ask(bob, { orderReference: 'x' })).toMatchObject({ status: 200 });
  expect(await world.as('/v1/me/credit-checks', { orderReference: 'x' })).toMatchObject({ status: 403 });
});
