import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';
import { textOfPdf } from '../../support/pdfText.js';

// PAY-21: the commissions behind a payout, each with why it is what it is, as JSON, CSV and PDF, for staff and for the affiliate.

const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
let affiliateId: string;
let portal: string;
let draft: Json;

beforeAll(async () => {
  world = await createEarningWorld();
  const programId = await world.program({ name: 'Żółty Spring' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  affiliateId = await world.affiliate(programId, { name: '=Ada', minimumPayout: [usd('5.00')] });
  portal = (await world.api.makePerson(world.ws, [], { affiliateId, permissions: ['me.read'] })).key;
  const clickId = await world.click({ programId, affiliateId });
  const customer = newId('contact');
  await world.as('/v1/leads', {
    externalId: customer,
    clickId,
    email: 'jo@buyer.example',
    customerExternalId: customer,
  });
  await world.settle();
  const sell = (externalId: string, amount: string) =>
    world.sale({ externalId, programId, customer: { externalId: customer }, amount: usd(amount) });
  const first = await sell('order-1', '49.99');
  const second = await sell('order-2', '33.35');
  expect(await world.settled(world.as(`/v1/referrals/${first['referralId']}/approve`, {}))).toMatchObject({
    status: 200,
  });
  await world.as(`/v1/sales/${second['id']}/refunds`, { externalId: 'rf-1', amount: usd('10.01') });
  await world.settle();
  await world.as('/v1/commissions', {
    affiliateId,
    programId,
    kind: 'bonus',
    amount: usd('4.00'),
    reason: 'For the launch',
    skipHold: true,
  });
  const [bonus] = await world.commissions(`affiliateId=${affiliateId}&kind=bonus`);
  expect((await world.as(`/v1/commissions/${bonus?.['id']}/approve`, {})).status).toBe(200);
  const method = await world.as(`/v1/affiliates/${affiliateId}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account: 'ok' },
  });
  await world.owner('payout_methods').where({ id: method.body['id'] }).update({ status: 'active' });
  await world.owner('agreements').update({ must_accept: false }); // the portal is open to who has accepted everything
  const made = await world.as('/v1/payouts', { affiliateId, currency: 'USD' });
  expect(made.status, made.text).toBe(201);
  draft = made.body;
}, 60_000);
afterAll(() => world?.close());

const read = (query = '', key = world.ws.key) => world.api.as(key, `/v1/payouts/${draft['id']}/statement${query}`);
const readOwn = (query = '', key = portal) => world.api.as(key, `/v1/me/payouts/${draft['id']}/statement${query}`);
const bytes = async (path: string, key: string) => {
  const answer = await fetch(`${world.api.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/pdf');
  return Buffer.from(await answer.arrayBuffer());
};

test('PAY-21: every line says why, and the lines add up to the amount', async () => {
  const { body } = await read();
  expect(body).toMatchObject({
    object: 'payout_statement',
    status: 'draft',
    amount: usd('18.67'), // 10.00 + (6.67 - 2.00) + 4.00
    totals: { net: draft['amount'], gross: draft['amount'], corrections: usd('0.00') },
    affiliate: { id: affiliateId, name: '=Ada' },
  });
  const lines = itemsOf(body['lines']);
  expect(
    lines.map((line) => [line['kind'], line['saleReference'], line['amount']['amount'], line['explanation']]),
  ).toEqual([
    ['earned', 'order-1', '10.00', '20 % of 49.99 USD net is 9.998, rounded half away from zero to 10.00 USD.'],
    ['earned', 'order-2', '4.67', '20 % of 33.35 USD net is 6.67 USD. Less 2.00 USD for refunds, leaves 4.67 USD.'],
    ['bonus', null, '4.00', 'A bonus of 4.00 USD: For the launch'],
  ]);
});

test('PAY-21: the CSV has a row per line, runs no formula, and sums to the same', async () => {
  const answer = await read('?format=csv');
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(answer.headers.get('content-disposition')).toContain(`statement-${draft['id']}.csv`);
  const [head, ...rows] = answer.text.trimEnd().split('\r\n');
  expect(head).toBe(
    'payoutId,status,paidOn,reference,affiliateId,commissionId,kind,level,program,saleReference,customerReference,occurredAt,explanation,amount,currency',
  );
  expect(rows).toHaveLength(3);
  const cents = rows.map((row) => Math.round(Number(/,(-?[\d.]+),USD$/.exec(row)?.[1]) * 100));
  expect(cents.reduce((sum, one) => sum + one, 0)).toBe(1_867);
});

test('PAY-21: an affiliate sees no draft; what is on its way and paid it downloads, as a PDF too', async () => {
  expect((await readOwn()).status).toBe(404);
  await world.owner('payouts').where({ id: draft['id'] }).update({
    status: 'paid',
    reference: 'sbx-1',
    paid_on: '2026-11-20',
    second_person: 'single_person',
  });
  const own = await readOwn();
  expect(own.body).toMatchObject({ status: 'paid', reference: 'sbx-1', paidOn: '2026-11-20', secondPerson: null });
  const path = `/payouts/${draft['id']}/statement?format=pdf`;
  const mine = textOfPdf(await bytes(`/v1/me${path}`, portal)).join('\n');
  const theirs = textOfPdf(await bytes(`/v1${path}`, world.ws.key)).join('\n');
  for (const text of [mine, theirs]) {
    expect(text).toContain('Payout statement');
    expect(text).toContain('Żółty Spring');
    expect(text).toContain('rounded half away from zero to 10.00 USD');
    expect(text).toContain('sbx-1');
    expect(text).toContain('18.67 USD');
  }
  // Who approved it is the merchant's business: BEY-04 asks for it on staff's paper.
  expect([mine.includes('single_person'), theirs.includes('single_person')]).toEqual([false, true]);
});

test('PAY-21: rights, others and unknown formats are refused; each file is an entry of the history', async () => {
  expect((await read('?format=xml')).status).toBe(422);
  expect((await read('?formats=csv')).status).toBe(422);
  expect((await read('', (await world.api.makePerson(world.ws, ['reviewer'])).key)).status).toBe(403);
  expect((await read('', portal)).status).toBe(403);
  const other = await world.api.makeWorkspace();
  expect((await read('', other.key)).status).toBe(404);
  expect((await read('', world.ws.testKey)).status).toBe(404);
  const bob = await world.affiliate(await world.program());
  await world.owner('agreements').update({ must_accept: false });
  const bobsKey = (await world.api.makePerson(world.ws, [], { affiliateId: bob, permissions: ['me.read'] })).key;
  expect((await readOwn('', bobsKey)).status).toBe(404);
  const entries = itemsOf((await world.as('/v1/audit-entries?event=exported')).body['data']);
  expect(entries.map((entry) => entry['changes'])).toEqual(
    expect.arrayContaining([
      { statement: draft['id'], format: 'csv', rows: 3 },
      { statement: draft['id'], format: 'pdf', rows: 3 },
    ]),
  );
});
