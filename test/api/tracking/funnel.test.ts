import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';
import { browser } from './world.js';

// The funnel's rows of features.md 6 and 7, literally, over the real API and Postgres.

let world: EarningWorld;
let programId: string;
let ada: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ commissionApproval: 'manual' });
  for (const body of [
    { event: 'payment', levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }] },
    { event: 'lead', levels: [{ level: 1, kind: 'flat', amount: { amount: '3.00', currency: 'USD' } }] },
  ]) {
    const made = await world.rule({ scope: 'program', programId, ...body });
    expect(made.status, made.text).toBe(201);
  }
  ada = await world.affiliate(programId);
});
afterAll(() => world.close());

let numbers = 0;
const next = (word: string): string => `${word}-${(numbers += 1)}`;
const usd = (amount: string) => ({ amount, currency: 'USD' });
const referralOf = async (of: Json): Promise<Json> =>
  (await world.as(`/v1/referrals/${String(of['referralId'])}`)).body;
const leadOf = async (id: unknown): Promise<Json> => (await world.as(`/v1/leads/${String(id)}`)).body;

test('TRK-01, TRK-04, TRK-05: click, visit, lead and first payment stand on one referral in order; the second payment changes neither stage nor lead', async () => {
  const clickId = await world.click({ programId, affiliateId: ada });
  const link = await world.owner('clicks').where({ id: clickId }).first<{ link_id: string }>('link_id');
  const made = await world.as('/v1/api-keys', { name: 'page', kind: 'public', test: false });
  const visit = await fetch(`${world.api.url}/t/visit`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': browser },
    body: JSON.stringify({ key: made.body['publicKey'], url: 'https://shop.example/', clickId }),
  });
  expect(await visit.json()).toMatchObject({ clickId, counted: true });
  const customer = next('u');
  const sent = await world.as('/v1/leads', {
    clickId,
    customerExternalId: customer,
    email: `${customer}@buyer.example`,
    event: 'enquiry',
  });
  await world.settle();
  const lead = await leadOf(sent.body['id']);
  expect(lead).toMatchObject({ verdict: 'accepted', attribution: { affiliateId: ada, clickId } });
  const pending = await referralOf(lead);
  expect(pending).toMatchObject({ status: 'pending', stage: 'lead', affiliateId: ada });

  const first = await world.sale({
    externalId: next('order'),
    customer: { externalId: customer },
    amount: usd('50.00'),
  });
  const sold = await referralOf(first);
  expect(sold).toMatchObject({ id: pending['id'], stage: 'sale' });
  expect((await leadOf(lead['id']))['verdict']).toBe('converted');
  expect(sold).toMatchObject({ affiliateId: ada, linkId: link.link_id });
  expect(first).toMatchObject({ attribution: { affiliateId: ada, linkId: link.link_id } });
  const touches = itemsOf((await world.as(`/v1/referrals/${String(sold['id'])}/touches`)).body['data']);
  expect(touches.map((touch) => [touch['kind'], touch['affiliateId'], touch['linkId']])).toEqual([
    ['click', ada, link.link_id],
    ['visit', ada, link.link_id],
  ]);
  const times = (['click', 'visit', 'lead', 'sale'] as const).map((stage) =>
    Date.parse(String(sold['stageTimes'][stage])),
  );
  expect(times.every((at) => Number.isFinite(at))).toBe(true);
  expect(times).toEqual(times.toSorted((a, b) => a - b));

  const second = await world.sale({
    externalId: next('order'),
    customer: { externalId: customer },
    amount: usd('50.00'),
  });
  const after = await referralOf(second);
  expect(after).toMatchObject({ id: pending['id'], stage: 'sale', stageTimes: sold['stageTimes'] });
  expect(await leadOf(lead['id'])).toMatchObject({ verdict: 'converted' });
});

test.each([
  { names: 'the shop’s number', customerOf: (number: string, _email: string) => ({ externalId: number }) },
  { names: 'number and e-mail', customerOf: (number: string, email: string) => ({ externalId: number, email }) },
  { names: 'an e-mail', customerOf: (_number: string, email: string) => ({ email }) },
])(
  'TRK-26: a sale that names $names and arrives before its lead ends in the same state and one commission as the other order',
  async ({ customerOf }) => {
    const states: unknown[] = [];
    for (const isLeadFirst of [true, false]) {
      const clickId = await world.click({ programId, affiliateId: ada });
      const customer = next('u');
      const email = `${customer}@buyer.example`;
      const sale = { externalId: next('order'), customer: customerOf(customer, email), amount: usd('50.00') };
      const lead = { clickId, customerExternalId: customer, email, event: 'registration' };
      const steps = [() => world.as('/v1/leads', lead), () => world.as('/v1/sales', sale)];
      for (const step of isLeadFirst ? steps : steps.toReversed()) {
        expect((await step()).status).toBe(202);
        await world.settle();
      }
      const [found] = itemsOf((await world.as(`/v1/sales?externalId=${sale.externalId}`)).body['data']);
      const lines = await world.commissions(`saleId=${String(found?.['id'])}`);
      const referral = await referralOf(found as Json);
      const told = await leadOf(found?.['leadId']);
      states.push({
        sale: [found?.['status'], found?.['parkedCode'], found?.['attribution']['affiliateId']],
        referral: [referral['status'], referral['stage'], referral['affiliateId']],
        lead: [told['verdict'], told['externalId'], told['channel'], told['attribution']['affiliateId']],
        lines: lines.map((line) => [line['amount'], line['status'], line['affiliateId']]),
      });
    }
    expect(states[0]).toMatchObject({ sale: ['succeeded', null, ada], lines: [[usd('10.00'), 'pending', ada]] });
    expect(states[1]).toEqual(states[0]);
  },
);

test('TRK-26: a payment before the click is nobody’s for good, and one of another currency or program is left alone', async () => {
  const number = next('u');
  const customer = { externalId: number, email: `${number}@buyer.example` };
  const organic = { externalId: next('order'), customer, amount: usd('50.00'), occurredAt: '2026-01-02T10:00:00.000Z' };
  expect((await world.as('/v1/sales', organic)).status).toBe(202);
  const foreign = { externalId: next('order'), customer, amount: { amount: '50.00', currency: 'EUR' } };
  expect((await world.as('/v1/sales', foreign)).status).toBe(202);
  const clickId = await world.click({ programId, affiliateId: ada });

  await world.as('/v1/leads', { clickId, customerExternalId: number, email: customer.email, event: 'registration' });
  await world.settle();

  for (const { externalId } of [organic, foreign]) {
    const [found] = itemsOf((await world.as(`/v1/sales?externalId=${externalId}`)).body['data']);
    expect(found).toMatchObject({ referralId: null, attribution: { affiliateId: null }, commissionIds: [] });
  }
});

test('LED-30: an invalid lead rejects its pending commission, and the affiliate sees the reason code', async () => {
  const clickId = await world.click({ programId, affiliateId: ada });
  const sent = await world.as('/v1/leads', { clickId, email: `${next('jo')}@buyer.example`, event: 'enquiry' });
  await world.settle();
  const lead = await leadOf(sent.body['id']);
  const lines = () => world.commissions(`referralId=${String(lead['referralId'])}`);
  expect(await lines()).toMatchObject([{ amount: usd('3.00'), status: 'pending' }]);
  const invalid = await world.as(`/v1/leads/${String(lead['id'])}/invalidate`, { reasonCode: 'invalid_lead' });
  expect(invalid).toMatchObject({ status: 200, body: { verdict: 'invalid', verdictCode: 'invalid_lead' } });
  await world.settle();
  expect(await lines()).toMatchObject([{ status: 'rejected' }]);
  // Invalid before anybody accepted it: it never earned.
  const source = await world.as('/v1/lead-sources', { name: next('source'), leadAcceptance: 'manual' });
  const waiting = await world.as('/v1/leads', {
    clickId: await world.click({ programId, affiliateId: ada }),
    email: `${next('jo')}@buyer.example`,
    sourceId: source.body['id'],
  });
  await world.settle();
  const unjudged = await leadOf(waiting.body['id']);
  expect(unjudged['verdict']).toBe('received');
  await world.as(`/v1/leads/${String(unjudged['id'])}/invalidate`, { reasonCode: 'invalid_lead' });
  await world.settle();
  expect(await world.commissions(`referralId=${String(unjudged['referralId'])}`)).toEqual([]);

  // While a case holds what a lead earned, its end decides and no verdict (FRD-09).
  const looked = await world.as('/v1/leads', {
    clickId: await world.click({ programId, affiliateId: ada }),
    email: `${next('jo')}@buyer.example`,
  });
  await world.settle();
  const held = await leadOf(looked.body['id']);
  const opened = await world.as('/v1/risk-cases', {
    affiliateId: ada,
    kind: 'manual_review',
    referralIds: [held['referralId']],
  });
  await world.settle();
  const verdict = () => world.as(`/v1/leads/${String(held['id'])}/invalidate`, { reasonCode: 'invalid_lead' });
  expect(await verdict()).toMatchObject({ status: 409, body: { code: 'commission_blocked' } });
  expect(await leadOf(held['id'])).toMatchObject({ verdict: 'accepted' });
  await world.as(`/v1/risk-cases/${String(opened.body['id'])}/release`, { reason: 'In order' });
  await world.settle();
  expect((await verdict()).status).toBe(200);
  await world.settle();

  const made = await world.as('/v1/api-keys', { name: next('key'), affiliateId: ada });
  expect(made.status, made.text).toBe(201);
  const own = await world.api.as(String(made.body['secret']), `/v1/leads/${String(lead['id'])}`);
  expect(own.body).toMatchObject({ verdict: 'invalid', verdictCode: 'invalid_lead' });
  expect(await world.broken()).toEqual([]);
});
