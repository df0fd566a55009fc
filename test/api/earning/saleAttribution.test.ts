import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

let world: EarningWorld;
let programId: string;
let ada: string;
let bob: string;

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
  ada = await world.affiliate(programId);
  bob = await world.affiliate(programId);
});
afterAll(() => world.close());

const usd = (amount: string) => ({ amount, currency: 'USD' });
let numbers = 0;
const next = (word: string): string => {
  numbers += 1;
  return `${word}-${numbers}`;
};
const unattributed = async (more: Readonly<Record<string, unknown>> = {}) => {
  const sale = await world.sale({
    externalId: next('order'),
    customer: { email: `${next('jo')}@buyer.example` },
    amount: usd('50.00'),
    ...more,
  });
  expect(sale).toMatchObject({ attribution: { status: 'unattributed', code: 'no_touch' }, commissionIds: [] });
  return sale;
};

test('TRK-27: staff give an unattributed sale to an affiliate: a referral opens as pending, the commission is calculated, twice is 409', async () => {
  const sale = await unattributed();
  expect(sale['allowedActions']).toContain('attribute');
  const path = `/v1/sales/${String(sale['id'])}/attribute`;
  const given = await world.as(path, { affiliateId: ada, programId, reason: 'She phoned us' });
  expect(given).toMatchObject({ status: 200, body: { processedAt: null } });
  expect(await world.as(path, { affiliateId: ada, programId })).toMatchObject({
    status: 409,
    body: { code: 'already_decided' },
  });
  await world.settle();

  const seen = (await world.as(`/v1/sales/${String(sale['id'])}`)).body;
  expect(seen).toMatchObject({ attribution: { status: 'attributed', affiliateId: ada, programId, code: null } });
  expect(seen['allowedActions']).not.toContain('attribute');
  expect((await world.as(`/v1/referrals/${String(seen['referralId'])}`)).body).toMatchObject({
    status: 'pending',
    stage: 'sale',
    affiliateId: ada,
    stageTimes: { sale: sale['occurredAt'] },
  });
  expect(await world.commissions(`saleId=${String(sale['id'])}`)).toMatchObject([
    { amount: usd('10.00'), status: 'pending', affiliateId: ada },
  ]);
  const history = await world.as(`/v1/audit-entries?objectId=${String(sale['id'])}`);
  expect(history.text).toContain('attributedByHand');
  expect(await world.as(path, { affiliateId: bob, programId })).toMatchObject({ status: 409 });
  expect(await world.broken()).toEqual([]);
});

test('TRK-27: what was refunded before the sale was given to somebody comes off its commission', async () => {
  const sale = await unattributed();
  await world.as(`/v1/sales/${String(sale['id'])}/refunds`, { externalId: next('refund'), amount: usd('25.00') });
  await world.settle();
  const path = `/v1/sales/${String(sale['id'])}/attribute`;
  expect(await world.as(path, { affiliateId: ada, programId })).toMatchObject({ status: 200 });
  await world.settle();
  expect(await world.commissions(`saleId=${String(sale['id'])}`)).toMatchObject([
    { amount: usd('10.00'), net: usd('5.00') },
  ]);
  expect(await world.broken()).toEqual([]);
});

test('a sale whose click had ended can be given to somebody too, and only its decision causes the second judgement', async () => {
  const clickId = await world.click({ programId, affiliateId: bob });
  await world.owner('clicks').where({ id: clickId }).update({ created_at: '2026-09-01T00:00:00.000Z' });
  const late = await world.sale({ externalId: next('order'), clickId, amount: usd('50.00') });
  expect(late).toMatchObject({ attribution: { status: 'unattributed', code: 'cookie_expired' } });
  expect(await world.as(`/v1/sales/${String(late['id'])}/attribute`, { affiliateId: ada, programId })).toMatchObject({
    status: 200,
  });
  await world.settle();
  expect(await world.commissions(`saleId=${String(late['id'])}`)).toMatchObject([{ affiliateId: ada }]);
  expect(await world.broken()).toEqual([]);
});

test('who has a referral that credits somebody else is told so, and nothing changes', async () => {
  const email = `${next('jo')}@buyer.example`;
  const before = await unattributed({ customer: { email } });
  const clickId = await world.click({ programId, affiliateId: bob });
  await world.sale({ externalId: next('order'), clickId, customer: { email }, amount: usd('5.00') });
  const path = `/v1/sales/${String(before['id'])}/attribute`;
  expect(await world.as(path, { affiliateId: ada, programId })).toMatchObject({
    status: 409,
    body: { code: 'already_exists', field: 'contactId' },
  });
  await world.settle();
  expect((await world.as(`/v1/sales/${String(before['id'])}`)).body).toMatchObject({
    version: before['version'],
    attribution: { status: 'unattributed' },
  });
});

test('bad input and what is not unattributed change nothing', async () => {
  const sale = await unattributed();
  const path = `/v1/sales/${String(sale['id'])}/attribute`;
  expect(await world.as(path, { affiliateId: ada })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/programId', code: 'required' }] },
  });
  const stranger = ada.replace(/.{4}$/, '0000');
  expect(await world.as(path, { affiliateId: stranger, programId })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/affiliateId', code: 'not_found' }] },
  });
  const foreign = await world.as('/v1/sales', {
    externalId: next('order'),
    customer: { email: `${next('jo')}@buyer.example` },
    programId,
    amount: { amount: '5.00', currency: 'EUR' },
  });
  expect(foreign.body).toMatchObject({ parkedCode: 'fx_missing' });
  expect(
    await world.as(`/v1/sales/${String(foreign.body['id'])}/attribute`, { affiliateId: ada, programId }),
  ).toMatchObject({ status: 409, body: { code: 'transition_not_allowed' } });
  const declined = await world.sale({
    externalId: next('order'),
    customer: { email: `${next('jo')}@buyer.example` },
    amount: usd('5.00'),
    status: 'declined',
  });
  expect(
    await world.as(`/v1/sales/${String(declined['id'])}/attribute`, { affiliateId: ada, programId }),
  ).toMatchObject({ status: 409, body: { code: 'transition_not_allowed' } });
  const reader = await world.api.makePerson(world.ws, ['auditor']);
  expect(await world.api.as(reader.key, path, { body: { affiliateId: ada, programId } })).toMatchObject({
    status: 403,
    body: { missingPermission: 'sale.attribute' },
  });
});
