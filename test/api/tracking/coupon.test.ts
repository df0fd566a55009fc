import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { dataOf } from '../program/support.js';

// Codes that credit without a click (BEY-18), over HTTP, through to the commission.

let world: EarningWorld;
let programId: string;
let ada: string;
let bob: string;
let numbers = 0;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ commissionApproval: 'automatic' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  ada = await world.affiliate(programId, { name: 'Ada' });
  bob = await world.affiliate(programId, { name: 'Bob' });
});
beforeEach(() => {
  numbers += 1;
});
afterAll(() => world.close());

const coupon = (body: Readonly<Record<string, unknown>>) =>
  world.as('/v1/coupons', { affiliateId: ada, programId, ...body });
const sale = (body: Readonly<Record<string, unknown>>) =>
  world.sale({
    externalId: `o-${numbers}-${Math.random()}`,
    amount: { amount: '50.00', currency: 'USD' },
    ...body,
  });
const buyer = () => ({ customer: { email: `buyer-${numbers}-${Math.random()}@shop.example` } });
const credited = (body: Readonly<Record<string, unknown>>) =>
  body['attribution'] as { affiliateId: string | null; code: string | null };

test('a sale that names a code and no click is credited to its owner, with a commission; whatever the case', async () => {
  expect(await coupon({ code: 'ADA10' })).toMatchObject({
    status: 201,
    body: { code: 'ADA10', credits: true, active: true },
  });

  const sold = await sale({ coupon: 'ada10', ...buyer() });

  expect(credited(sold)).toMatchObject({ affiliateId: ada, code: null });
  expect(sold['commissionIds']).toHaveLength(1);
  const touches = await world.as(`/v1/referrals/${String(sold['referralId'])}/touches`);
  expect(JSON.stringify(touches.body)).toContain('coupon');
  expect(await world.broken()).toEqual([]);
});

test('a code alone, without any customer, is enough; a lead takes it too', async () => {
  await coupon({ code: `SOLO${numbers}` });
  expect(credited(await sale({ coupon: `SOLO${numbers}` }))).toMatchObject({ affiliateId: ada });

  const lead = await world.as('/v1/leads', { email: `lead-${numbers}@buyer.example`, coupon: `solo${numbers}` });
  await world.settle();
  expect((await world.as(`/v1/leads/${String(lead.body['id'])}`)).body).toMatchObject({
    attribution: { status: 'attributed', affiliateId: ada, programId },
  });
});

test('after a click on another’s link the code wins, or the link where the program says so', async () => {
  await coupon({ code: `BOTH${numbers}` });
  const clickId = await world.click({ programId, affiliateId: bob });
  expect(credited(await sale({ coupon: `BOTH${numbers}`, clickId, ...buyer() }))).toMatchObject({ affiliateId: ada });

  const linkFirst = await world.program({ couponPriority: 'link_first' });
  const cleo = await world.affiliate(linkFirst, { name: 'Cleo' });
  const dan = await world.affiliate(linkFirst, { name: 'Dan' });
  await coupon({ code: `LINK${numbers}`, affiliateId: cleo, programId: linkFirst });
  const click = await world.click({ programId: linkFirst, affiliateId: dan });
  const sold = await sale({ coupon: `LINK${numbers}`, clickId: click, ...buyer() });
  expect(credited(sold)).toMatchObject({ affiliateId: dan });
  const alone = await sale({ coupon: `LINK${numbers}`, ...buyer() });
  expect(credited(alone)).toMatchObject({ affiliateId: cleo });
});

test.each([
  ['no such code', 'coupon_unknown', {}],
  ['switched off', 'coupon_expired', { active: false }],
  ['over', 'coupon_expired', { validTo: '2026-01-01T00:00:00.000Z' }],
  ['not begun', 'coupon_expired', { validFrom: '2099-01-01T00:00:00.000Z' }],
])('%s: no credit by it, and why', async (what, code, body) => {
  const name = `NONE-${what.replaceAll(' ', '')}`;
  if (what !== 'no such code') expect((await coupon({ code: name, ...body })).body).toMatchObject({ credits: false });

  expect(credited(await sale({ coupon: name, ...buyer() }))).toEqual(
    expect.objectContaining({ affiliateId: null, code }),
  );
  const clickId = await world.click({ programId, affiliateId: bob });
  expect(credited(await sale({ coupon: name, clickId, ...buyer() }))).toMatchObject({ affiliateId: bob });
});

test('an affiliate who is suspended, and one who left the program, are not credited', async () => {
  const eve = await world.affiliate(programId, { name: 'Eve' });
  const made = await coupon({ code: 'EVE10', affiliateId: eve });
  await world.as(`/v1/affiliates/${eve}/suspend`, { reason: 'looks odd' });
  expect(credited(await sale({ coupon: 'EVE10', ...buyer() }))).toMatchObject({
    affiliateId: null,
    code: 'coupon_expired',
  });
  expect((await world.as(`/v1/coupons/${String(made.body['id'])}`)).body).toMatchObject({
    active: true,
    credits: false,
  });
  await world.as(`/v1/affiliates/${eve}/reactivate`, {});
  expect(credited(await sale({ coupon: 'EVE10', ...buyer() }))).toMatchObject({ affiliateId: eve });
});

test('a code has one owner at a time; a new owner is credited from then on, and what was credited stays', async () => {
  const made = await coupon({ code: 'MOVE1' });
  expect(await coupon({ code: 'move1', affiliateId: bob })).toMatchObject({
    status: 409,
    body: { code: 'already_exists', field: 'code' },
  });
  const before = await sale({ coupon: 'MOVE1', ...buyer() });

  const path = `/v1/coupons/${String(made.body['id'])}`;
  expect(await world.as(path, { affiliateId: bob }, 'PATCH')).toMatchObject({
    status: 200,
    body: { affiliateId: bob, version: 2 },
  });
  expect(credited(await sale({ coupon: 'MOVE1', ...buyer() }))).toMatchObject({ affiliateId: bob });
  expect(credited((await world.as(`/v1/sales/${String(before['id'])}`)).body)).toMatchObject({ affiliateId: ada });

  expect((await world.as(path, undefined, 'DELETE')).status).toBe(204);
  expect((await world.as(path)).status).toBe(404);
  expect(credited(await sale({ coupon: 'MOVE1', ...buyer() }))).toMatchObject({ code: 'coupon_unknown' });
  expect((await coupon({ code: 'MOVE1' })).status).toBe(201);
});

test('bad input changes nothing', async () => {
  const before = dataOf(await world.as('/v1/coupons?limit=200')).length;
  for (const body of [
    { code: '' },
    { code: 'a' },
    { code: 'with space' },
    { code: '-lead' },
    { code: 'x'.repeat(65) },
    { code: 'OK1', affiliateId: 'aff_none' },
    { code: 'OK1', affiliateId: programId },
    { code: 'OK1', programId: 'prg_01kaz0c3v7m2q8x4t6w9y1b5de' },
    { code: 'OK1', validFrom: '2026-12-01T00:00:00.000Z', validTo: '2026-11-01T00:00:00.000Z' },
    { code: 'OK1', percent: 10 },
  ])
    expect((await coupon(body)).status, JSON.stringify(body)).toBe(422);
  expect(dataOf(await world.as('/v1/coupons?limit=200'))).toHaveLength(before);
});

test('staff see theirs, an affiliate only their own codes, another workspace none', async () => {
  await coupon({ code: 'SEEN1' });
  await coupon({ code: 'SEEN2', affiliateId: bob });
  expect(dataOf(await world.as(`/v1/coupons?q=seen&affiliateId=${ada}`)).map(({ code }) => code)).toEqual(['SEEN1']);
  const { key } = await world.api.makePerson(world.ws, [], { affiliateId: bob, permissions: ['me.read', 'me.write'] });
  for (const { id } of dataOf(await world.api.as(key, '/v1/me/agreements')))
    await world.api.as(key, `/v1/me/agreements/${String(id)}/accept`, { body: {} });
  const own = await world.api.as(key, '/v1/me/coupons?limit=200');
  expect(new Set(dataOf(own).map(({ affiliateId }) => affiliateId))).toEqual(new Set([bob]));
  const other = await world.api.makeWorkspace();
  expect(dataOf(await world.api.as(other.key, '/v1/coupons'))).toEqual([]);
});
