import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { acceptAll, type Portal, signInToPortal } from '../affiliate/portalWorld.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';

// What an affiliate reads of its own figures (api.md 17): refunds, reports by days, sub-ids.

let world: EarningWorld;
let programId: string;
let ada: Portal;
let other: Portal;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ commissionApproval: 'automatic' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  ada = await signInToPortal(world, await world.affiliate(programId));
  other = await signInToPortal(world, await world.affiliate(programId, { name: 'Rita' }));
  await acceptAll(ada);
  await acceptAll(other);
  await sell(ada, 's1', '100.00', 'blue');
  await sell(ada, 's2', '50.00', 'blue');
  await sell(ada, 's3', '30.00');
  await sell(other, 's4', '70.00', 'blue');
  for (const sub1 of ['blue', 'red', undefined]) await visit(ada, sub1);
});
afterAll(() => world.close());

const usd = (amount: string) => ({ amount, currency: 'USD' });

async function sell(portal: Portal, externalId: string, amount: string, sub1?: string): Promise<Json> {
  const clickId = await world.click({
    programId,
    affiliateId: portal.affiliateId,
    ...(sub1 === undefined ? {} : { sub1 }),
  });
  const customer = { externalId, email: `${externalId}@buyer.example` };
  return world.sale({ externalId, customer, clickId, amount: usd(amount) });
}

/** As the tracking script leaves it: of a click, or of none that we know. */
async function visit(portal: Portal, sub1?: string): Promise<void> {
  const clickId = sub1 === undefined ? null : await world.click({ programId, affiliateId: portal.affiliateId, sub1 });
  const link = await world.owner('links').where({ affiliate_id: portal.affiliateId }).first<{ id: string }>('id');
  await world.owner('visits').insert({
    workspace_id: world.ws.id,
    id: newId('visit'),
    mode: 'live',
    click_id: clickId,
    link_id: link.id,
    visitor_id: `v-${sub1 ?? 'none'}`,
    day: '2026-11-26',
    url: 'https://shop.example/',
  });
}

const rowOf = (report: Json, subId: string | null) => itemsOf(report['rows']).find((row) => row['subId'] === subId);

test('TRK-15: visits, leads, sales and commission per sub-id, unlabelled traffic in its own row, nothing of others', async () => {
  const report = await ada.call('/v1/me/reports/sub-ids');
  expect(report.status, report.text).toBe(200);
  expect(rowOf(report.body, 'blue')).toMatchObject({
    clicks: 3,
    visits: 1,
    sales: 2,
    earned: [usd('30.00')],
    perClick: [usd('10.00')],
    conversionRatePpm: 666_666,
  });
  expect(rowOf(report.body, 'red')).toMatchObject({ clicks: 1, visits: 1, sales: 0, earned: [] });
  expect(rowOf(report.body, null)).toMatchObject({ clicks: 1, visits: 1, sales: 1, earned: [usd('6.00')] });
  expect(itemsOf(report.body['totals'])).toMatchObject([{ clicks: 5, visits: 3, sales: 3, earned: [usd('36.00')] }]);

  // The rows behind a figure are those lines, and sum to it.
  for (const [subId, sum] of [
    ['blue', '30.00'],
    [null, '6.00'],
  ] as const) {
    const lines = await ada.call(`${rowOf(report.body, subId)?.['detail']}&include=sums`);
    expect(lines.body['sums'], lines.text).toEqual([usd(sum)]);
  }
});

test('TRK-14: a sale that names only its customer bears the sub-id of the click that won, and so do its renewals', async () => {
  const clickId = await world.click({ programId, affiliateId: other.affiliateId, sub1: 'mail' });
  const lead = await world.as('/v1/leads', {
    externalId: 'l9',
    clickId,
    event: 'registration',
    customerExternalId: 'u9',
    email: 'u9@buyer.example',
  });
  expect(lead.status, lead.text).toBe(202);
  await world.settle();
  for (const externalId of ['s9', 's10'])
    await world.sale({ externalId, customer: { externalId: 'u9' }, amount: usd('10.00') });
  const report = await other.call('/v1/me/reports/sub-ids');
  expect(rowOf(report.body, 'mail')).toMatchObject({ clicks: 1, leads: 1, sales: 2, earned: [usd('4.00')] });
  expect(rowOf(report.body, null)).toBeUndefined();
});

test('TRK-16: without the grant the report and its labels are hidden, and the parameter is still stored', async () => {
  const grant = (subIdAccess: boolean) => world.as(`/v1/affiliates/${ada.affiliateId}`, { subIdAccess }, 'PATCH');
  expect((await grant(false)).status).toBe(200);
  const hidden = await ada.call('/v1/me/reports/sub-ids');
  expect([hidden.status, hidden.body['code'], hidden.body['capability']]).toEqual([403, 'not_enabled', 'sub_ids']);
  expect((await ada.call('/v1/me/profile')).body['subIdAccess']).toBe(false);
  expect((await ada.call('/v1/me/commissions')).text).not.toContain('blue');
  await sell(ada, 's5', '10.00', 'green');
  await grant(true);
  expect(rowOf((await ada.call('/v1/me/reports/sub-ids')).body, 'green')).toMatchObject({ sales: 1 });
});

test('PRT-04: a report holds both named days and only own data; its file holds the same rows', async () => {
  const today = String((await ada.call('/v1/me/reports/traffic')).body['to']);
  const traffic = await ada.call(`/v1/me/reports/traffic?from=${today}&to=${today}`);
  expect(traffic.body).toMatchObject({ from: today, to: today, timeZone: 'UTC', totals: [{ clicks: 6, sales: 4 }] });
  expect(itemsOf(traffic.body['rows'])).toHaveLength(1);
  const file = await ada.call(`/v1/me/reports/traffic?from=${today}&to=${today}&format=csv`);
  expect(file.headers.get('content-disposition')).toBe('attachment; filename="traffic.csv"');
  expect(file.text.split('\r\n').slice(0, 2)).toEqual([
    'day,clicks,visits,leads,sales,timeZone',
    `${today},6,3,4,4,UTC`,
  ]);
  const earnings = await ada.call('/v1/me/reports/earnings');
  const sums = (await ada.call('/v1/me/commissions?include=sums')).body['sums'];
  expect(itemsOf(earnings.body['totals']).map((total) => total['net'])).toEqual(sums);

  for (const [query, parameter] of [
    ['from=2026-11-02&to=2026-11-01', 'from'],
    ['from=1990-01-01', 'from'],
    ['to=2026-02-30', 'to'],
  ] as const) {
    const wrong = await ada.call(`/v1/me/reports/traffic?${query}`);
    expect([wrong.status, wrong.body['errors']?.[0]?.['parameter']], query).toEqual([422, parameter]);
  }
  expect((await ada.call('/v1/me/reports/everything')).status).toBe(404);
});

test('RFD-07: refunds stand beside earnings, with what each took, before and after it was paid', async () => {
  const sold = await sell(ada, 's6', '100.00');
  const refund = (externalId: string, amount: string) =>
    world.as(`/v1/sales/${sold['id']}/refunds`, { externalId, amount: usd(amount) });
  expect((await refund('r1', '40.00')).status).toBe(202);
  await world.settle();
  const [commissionId] = itemsOf(sold['commissionIds']);
  // Paid out: what comes back now is a debt.
  await world
    .owner('commissions')
    .where({ id: String(commissionId) })
    .update({ status: 'paid', paid_at: new Date() });
  expect((await refund('r2', '60.00')).status).toBe(202);
  await world.settle();

  const list = await ada.call('/v1/me/refunds?include=counts,sums');
  expect(list.status, list.text).toBe(200);
  expect(itemsOf(list.body['data'])).toMatchObject([
    { effect: 'clawed_back', cause: 'refund', commissionId, taken: usd('12.00'), refunded: usd('60.00') },
    { effect: 'voided', cause: 'refund', commissionId, taken: usd('8.00'), refunded: usd('40.00') },
  ]);
  expect(list.body['sums']).toEqual([usd('20.00')]);
  expect(list.body['counts']).toEqual({ total: 2, byStatus: { voided: 1, clawed_back: 1 } });
  const file = await ada.call('/v1/me/refunds?effect=clawed_back&format=csv&columns=effect,taken,customer.reference');
  expect(file.text.split('\r\n')[1]).toMatch(/^clawed_back,12\.00,USD,C-\w+,UTC$/);
  expect(itemsOf((await other.call('/v1/me/refunds')).body['data'])).toEqual([]);
});
