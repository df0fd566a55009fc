import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';

// Nobody earns in a program that they are not in, whichever way a lead comes to name it (PRG-20, TRK-27, COM-01), over HTTP.

let world: EarningWorld;
/** Pays well, and the outsider is not in it. */
let rich: string;
let plain: string;
let insider: string;
let outsider: string;
let outsiderKey: string;

beforeAll(async () => {
  world = await createEarningWorld();
  [rich, plain] = [await world.program(), await world.program()];
  for (const programId of [rich, plain])
    await world.rule({
      scope: 'program',
      programId,
      event: 'payment',
      levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
    });
  insider = await world.affiliate(rich);
  outsider = await world.affiliate(plain);
  outsiderKey = String((await world.as('/v1/api-keys', { name: 'Out', affiliateId: outsider })).body['secret']);
});
afterAll(() => world.close());

let people = 0;
const email = (): string => `member${(people += 1)}@buyer.example`;
const send = (body: Readonly<Record<string, unknown>>): Promise<TestAnswer> =>
  world.api.as(outsiderKey, '/v1/leads', { body });
/** Who is paid for what this person buys now. */
async function paidFor(person: string): Promise<readonly unknown[]> {
  const sale = await world.sale({
    externalId: `member-${(people += 1)}`,
    customer: { email: person },
    amount: { amount: '100.00', currency: 'USD' },
  });
  return (await world.commissions(`saleId=${String(sale['id'])}`)).map((line) => line['affiliateId']);
}
const leadOf = async (sent: TestAnswer): Promise<Json> => {
  expect(sent, sent.text).toMatchObject({ status: 202 });
  await world.settle();
  return (await world.as(`/v1/leads/${String(sent.body['id'])}`)).body;
};

test('an affiliate’s key names only a program it is in; to it another one does not exist', async () => {
  const person = email();
  const before = (await world.owner('leads').select('id')).length;
  expect(await send({ email: person, programId: rich })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/programId', code: 'not_found' }] },
  });
  expect((await world.owner('leads').select('id')).length).toBe(before);
  expect(await paidFor(person)).toEqual([]);
  const own = email();
  expect(await leadOf(await send({ email: own, programId: plain }))).toMatchObject({
    attribution: { status: 'attributed', affiliateId: outsider },
  });
  expect(await paidFor(own)).toEqual([outsider]);
});

test('nor does it earn there by somebody’s coupon or by a person who has a referral there', async () => {
  expect((await world.as('/v1/coupons', { code: 'INSIDE', affiliateId: insider, programId: rich })).status).toBe(201);
  const withCoupon = email();
  expect(await leadOf(await send({ email: withCoupon, coupon: 'INSIDE' }))).toMatchObject({
    attribution: { affiliateId: insider, programId: rich },
  });
  expect(await paidFor(withCoupon)).toEqual([insider]);

  // Its only enrolment ended, the person's own referral says the program.
  const known = email();
  await leadOf(
    await world.as('/v1/leads', {
      email: known,
      clickId: await world.click({ programId: rich, affiliateId: insider }),
    }),
  );
  await world.owner('enrolments').where({ affiliate_id: outsider }).update({ status: 'ended' });
  await leadOf(await send({ email: known, event: 'registration' }));
  expect(await paidFor(known)).toEqual([insider]);
  // What it sends to the program it was in is kept and earns nothing.
  const late = email();
  expect(await leadOf(await send({ email: late, programId: plain }))).toMatchObject({
    verdict: 'accepted',
    attribution: { status: 'unattributed', code: 'no_touch' },
  });
  expect(await paidFor(late)).toEqual([]);
  await world.owner('enrolments').where({ affiliate_id: outsider }).update({ status: 'active' });
});

test('TRK-27: staff give a lead or a sale to nobody who cannot earn in its program', async () => {
  const suspended = await world.affiliate(rich);
  await world.as(`/v1/affiliates/${suspended}/suspend`, { reason: 'Looked at' });
  await world.settle();
  const lead = await leadOf(await world.as('/v1/leads', { email: email(), programId: rich }));
  const give = (affiliateId: string) =>
    world.as(`/v1/leads/${String(lead['id'])}/attribute`, { affiliateId, reason: 'Told us so' });
  for (const affiliateId of [outsider, suspended])
    expect(await give(affiliateId)).toMatchObject({ status: 403, body: { code: 'affiliate_not_active' } });
  expect((await world.as(`/v1/leads/${String(lead['id'])}`)).body).toMatchObject({
    referralId: null,
    attribution: { status: 'unattributed' },
  });
  const trail = await world.as(`/v1/audit-entries?objectId=${String(lead['id'])}`);
  expect(itemsOf(trail.body['data']).map((entry) => entry['event'])).not.toContain('attributedByHand');
  // Nor is one of them named as who brought a customer: the next purchase would pay it.
  const brought = await leadOf(
    await world.as('/v1/leads', {
      email: email(),
      clickId: await world.click({ programId: rich, affiliateId: insider }),
    }),
  );
  const override = (affiliateId: string) =>
    world.as(`/v1/contacts/${String(brought['contactId'])}/referrer`, {
      programId: rich,
      which: 'last',
      affiliateId,
      reason: 'Told us so',
    });
  for (const affiliateId of [outsider, suspended])
    expect(await override(affiliateId)).toMatchObject({ status: 403, body: { code: 'affiliate_not_active' } });
  expect(await paidFor(String(brought['email']))).toEqual([insider]);
  expect((await give(insider)).status).toBe(200);

  const sale = await world.sale({
    externalId: `member-${(people += 1)}`,
    customer: { email: email() },
    amount: { amount: '100.00', currency: 'USD' },
  });
  const giveSale = (affiliateId: string) =>
    world.as(`/v1/sales/${String(sale['id'])}/attribute`, { affiliateId, programId: rich, reason: 'Told us so' });
  for (const affiliateId of [outsider, suspended])
    expect(await giveSale(affiliateId)).toMatchObject({ status: 403, body: { code: 'affiliate_not_active' } });
  await world.settle();
  expect(await world.commissions(`saleId=${String(sale['id'])}`)).toEqual([]);
  expect((await giveSale(insider)).status).toBe(200);
});
