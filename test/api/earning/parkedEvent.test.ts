import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { itemsOf, type Json } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// Facts that wait (BEY-13, api.md 8.1): listed with what they wait for, judged again, given up; and what sets them free by itself.

const secret = 'whsec_testOnlyNotAReal';
let world: EarningWorld;
let programId: string;
let affiliateId: string;
let source: Json;

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
  await world.owner('commission_rule_versions').update({ effective_from: new Date('2024-01-01T00:00:00Z') });
  affiliateId = await world.affiliate(programId);
  source = (await world.as('/v1/payment-sources', { name: 'Stripe', adapter: 'stripe', secret })).body;
});
afterAll(() => world.close());

const usd = (amount: string) => ({ amount, currency: 'USD' });
let numbers = 0;
const next = (word: string): string => `${word}-${(numbers += 1)}`;
const parked = async (query = ''): Promise<readonly Json[]> =>
  itemsOf((await world.as(`/v1/parked-events${query}`)).body['data']);
const retry = (id: unknown, body = {}) => world.as(`/v1/parked-events/${String(id)}/retry`, body);

function stripe(type: string, object: unknown) {
  const created = Math.floor(Date.now() / 1_000);
  const body = JSON.stringify({ id: next('evt'), object: 'event', type, created, livemode: true, data: { object } });
  const signature = createHmac('sha256', secret).update(`${created}.${body}`).digest('hex');
  return world.api.as(null, new URL(String(source['hookUrl'])).pathname, {
    method: 'POST',
    raw: body,
    headers: { 'stripe-signature': `t=${created},v1=${signature}` },
  });
}
const refundOf = (intent: string, refunded: number) =>
  stripe('charge.refunded', {
    id: next('ch'),
    object: 'charge',
    payment_intent: intent,
    currency: 'usd',
    amount: 5_000,
    amount_refunded: refunded,
    refunds: null,
  });

test('BEY-13: a sale of an unknown customer is listed, stays while nothing is known, and is booked once with its own time', async () => {
  const customer = next('u');
  const occurredAt = new Date(Date.now() - 60_000).toISOString();
  const sent = await world.as('/v1/sales', {
    externalId: next('order'),
    customer: { externalId: customer },
    occurredAt,
    amount: usd('50.00'),
  });
  const id = String(sent.body['id']);
  expect(await parked()).toMatchObject([
    { id, kind: 'sale', code: 'unknown_customer', waitsFor: [customer], allowedActions: ['retry', 'discard'] },
  ]);
  expect(await retry(id)).toMatchObject({ status: 202, body: { outcome: 'parked', code: 'unknown_customer' } });

  // The repair: the shop's number gets a person with a referral, behind the back of what would set it free by itself.
  const clickId = await world.click({ programId, affiliateId });
  await world
    .owner('clicks')
    .where({ id: clickId })
    .update({ created_at: new Date(Date.now() - 3_600_000) });
  const lead = await world.as('/v1/leads', { clickId, email: `${customer}@buyer.example`, event: 'registration' });
  await world.settle();
  const { contactId } = (await world.as(`/v1/leads/${String(lead.body['id'])}`)).body as unknown as {
    contactId: string;
  };
  await world
    .owner('external_customers')
    .where({ workspace_id: world.ws.id, external_id: customer })
    .update({ contact_id: contactId });
  expect(await retry(id)).toMatchObject({ status: 202, body: { outcome: 'booked', code: null, allowedActions: [] } });
  await world.settle();
  const booked = (await world.as(`/v1/sales/${id}`)).body;
  expect(booked).toMatchObject({ parkedCode: null, attribution: { status: 'attributed', affiliateId }, occurredAt });
  expect(await world.commissions(`saleId=${id}`)).toMatchObject([{ amount: usd('10.00') }]);
  expect(await retry(id)).toMatchObject({ status: 409, body: { code: 'already_decided' } });
  await world.settle();
  expect(await world.commissions(`saleId=${id}`)).toHaveLength(1);
  expect(await world.broken()).toEqual([]);
});

test('what is given up counts for nothing, is kept, and nothing sets it free later', async () => {
  const customer = next('u');
  const sent = await world.as('/v1/sales', {
    externalId: next('order'),
    customer: { externalId: customer },
    amount: usd('50.00'),
  });
  const id = String(sent.body['id']);
  const saleExternalId = next('order');
  const refund = await world.as('/v1/refunds', { externalId: next('refund'), saleExternalId, amount: usd('5.00') });
  expect(await parked('?kind=refund')).toMatchObject([
    { id: refund.body['id'], code: 'unknown_sale', waitsFor: [saleExternalId] },
  ]);
  for (const one of [id, String(refund.body['id'])])
    expect(await world.as(`/v1/parked-events/${one}/discard`, { reason: 'A test of theirs' })).toMatchObject({
      status: 200,
      body: { outcome: 'discarded', allowedActions: [] },
    });
  expect(await parked()).toEqual([]);
  expect(await world.as(`/v1/parked-events/${id}/discard`, {})).toMatchObject({ status: 409 });

  const clickId = await world.click({ programId, affiliateId });
  await world.as('/v1/leads', { clickId, customerExternalId: customer, email: `${customer}@buyer.example` });
  await world.as('/v1/sales', {
    externalId: saleExternalId,
    customer: { email: `${next('jo')}@buyer.example` },
    amount: usd('50.00'),
  });
  await world.settle();
  expect((await world.as(`/v1/sales/${id}`)).body).toMatchObject({ commissionIds: [], parkedCode: null });
  const [later] = itemsOf((await world.as(`/v1/sales?externalId=${saleExternalId}`)).body['data']);
  expect(later?.['refunded']).toEqual(usd('0.00'));
});

test('an event of a payment source that waits for its payment is judged again when the payment is known', async () => {
  const intent = next('pi');
  expect(await refundOf(intent, 1_000)).toMatchObject({ body: { outcome: 'parked', code: 'unknown_sale' } });
  const [waiting] = await parked('?kind=payment_event');
  expect(waiting).toMatchObject({ source: 'Stripe', code: 'unknown_sale' });
  expect(waiting?.['waitsFor']).toContain(intent);
  expect(await retry(waiting?.['id'])).toMatchObject({ status: 202, body: { outcome: 'parked' } });
  expect(await world.as(`/v1/parked-events/${String(waiting?.['id'])}/discard`, {})).toMatchObject({ status: 200 });
  expect(await parked()).toEqual([]);
  expect(await retry(waiting?.['id'])).toMatchObject({ status: 409 });
});

test('a sale reported by API sets free what waited for its payment intent', async () => {
  const intent = next('pi');
  expect(await refundOf(intent, 2_000)).toMatchObject({ body: { outcome: 'parked' } });
  const clickId = await world.click({ programId, affiliateId });
  const sale = await world.sale({ externalId: intent, clickId, amount: usd('50.00') });
  expect(sale).toMatchObject({ status: 'part_refunded', refunded: usd('20.00') });
  expect(await world.commissions(`saleId=${String(sale['id'])}`)).toMatchObject([
    { amount: usd('10.00'), net: usd('6.00') },
  ]);
  expect(await parked()).toEqual([]);
  expect(await world.broken()).toEqual([]);
});

test('who may see what waits, and who may act; another mode and another workspace see nothing of it', async () => {
  const sent = await world.as('/v1/sales', {
    externalId: next('order'),
    customer: { externalId: next('u') },
    amount: usd('50.00'),
  });
  const id = String(sent.body['id']);
  const auditor = (await world.api.makePerson(world.ws, ['auditor'])).key;
  const seen = await world.api.as(auditor, '/v1/parked-events');
  expect(itemsOf(seen.body['data'])).toMatchObject([{ id, allowedActions: [] }]);
  expect(await world.api.as(auditor, `/v1/parked-events/${id}/retry`, { body: {} })).toMatchObject({ status: 403 });
  expect(itemsOf((await world.api.as(world.ws.testKey, '/v1/parked-events')).body['data'])).toEqual([]);
  expect(await world.api.as(world.ws.testKey, `/v1/parked-events/${id}/retry`, { body: {} })).toMatchObject({
    status: 404,
  });
  const other = await world.api.makeWorkspace({ name: 'Other' });
  expect(await world.api.as(other.key, `/v1/parked-events/${id}/discard`, { body: {} })).toMatchObject({ status: 404 });
  expect(await retry('psr_01kaz0c3v7m2q8x4t6w9y1b5de.6576')).toMatchObject({ status: 404 });
});

test('BEY-13: a sale refused for a product that earns nothing is judged again once the product is in the program, by the terms of its day', async () => {
  const product = (await world.as('/v1/products', { name: 'Extra', sku: next('extra') })).body;
  const clickId = await world.click({ programId, affiliateId });
  const sale = await world.sale({ externalId: next('order'), clickId, product: product['sku'], amount: usd('30.00') });
  expect(sale).toMatchObject({ noCommissionCode: 'not_commissionable', commissionIds: [] });
  expect(sale['allowedActions']).toContain('rerun');
  expect((await world.as(`/v1/programs/${programId}/products`, { productId: product['id'] })).status).toBe(201);
  const again = await world.settled(world.as(`/v1/sales/${String(sale['id'])}/rerun`, {}));
  expect(again).toMatchObject({ status: 200 });
  expect(await world.commissions(`saleId=${String(sale['id'])}`)).toMatchObject([{ amount: usd('6.00') }]);
  expect(await world.settled(world.as(`/v1/sales/${String(sale['id'])}/rerun`, {}))).toMatchObject({ status: 409 });
  expect(await world.commissions(`saleId=${String(sale['id'])}`)).toHaveLength(1);
});

test('BEY-13: a sale without a rate waits; once its program has its currency it is booked once, with its own time and the terms of then', async () => {
  const ofProgram = await world.program({ commissionApproval: 'manual' });
  const rule = {
    scope: 'program',
    programId: ofProgram,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  };
  expect((await world.rule(rule)).status).toBe(201);
  const by = await world.affiliate(ofProgram);
  const clickId = await world.click({ programId: ofProgram, affiliateId: by });
  const amount = { amount: '50.00', currency: 'EUR' };
  const sale = await world.sale({ externalId: next('order'), clickId, amount });
  const id = String(sale['id']);
  expect(sale).toMatchObject({ parkedCode: 'fx_missing', commissionIds: [] });
  expect(await retry(id)).toMatchObject({ status: 202, body: { outcome: 'parked', code: 'fx_missing' } });

  // Rates come later (BEY-27); a program that was set up in the wrong currency, and has booked nothing yet, gets the right one.
  const setCurrency = async (currency: string) => {
    const { version } = (await world.as(`/v1/programs/${ofProgram}`)).body;
    const headers = { 'If-Match': `"${version}"` };
    return world.api.as(world.ws.key, `/v1/programs/${ofProgram}`, { method: 'PATCH', body: { currency }, headers });
  };
  expect((await setCurrency('EUR')).body).toMatchObject({ currency: 'EUR' });
  expect(await retry(id)).toMatchObject({ status: 202, body: { outcome: 'booked', code: null } });
  await world.settle();
  const booked = (await world.as(`/v1/sales/${id}`)).body;
  expect(booked).toMatchObject({ parkedCode: null, occurredAt: sale['occurredAt'] });
  expect(await world.commissions(`saleId=${id}`)).toMatchObject([{ amount: { amount: '10.00', currency: 'EUR' } }]);
  expect(await retry(id)).toMatchObject({ status: 409 });
  const back = await setCurrency('USD');
  expect(back).toMatchObject({ status: 409, body: { code: 'currency_locked', usedBy: ['commissions', 'sales'] } });
  expect(await world.broken()).toEqual([]);
});
