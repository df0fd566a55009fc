import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { insertRow } from '../../support/rows.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf } from '../support.js';

// The rows of features.md 14 that hold for every list, over HTTP: filters, search, paging. The figures and the queue are in console.test.ts, what
// a person sees of them in test/browser/consoleComplete.spec.ts.

let world: EarningWorld;
let programId: string;
let ada: string;
let bo: string;
let saleId: string;
let commissionId: string;
let referralId: string;
let payoutId: string;

const usd = (amount: string) => ({ amount, currency: 'USD' });

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  ada = await world.affiliate(programId, {
    name: 'Ada Kowal',
    email: 'ada@kowal.example',
    minimumPayout: [usd('1.00')],
  });
  bo = await world.affiliate(programId, { name: 'Bo Berg' });
  await world.as('/v1/leads', {
    externalId: 'lead-7',
    clickId: await world.click({ programId, affiliateId: ada }),
    event: 'registration',
    name: 'Jo Buyer',
    email: 'jo@buyer.example',
    customerExternalId: 'C-1042',
  });
  await world.settle();
  const sale = await world.sale({
    externalId: 'order-77',
    customer: { externalId: 'C-1042', email: 'jo@buyer.example' },
    amount: usd('50.00'),
  });
  saleId = sale['id'];
  referralId = sale['referralId'];
  commissionId = String(sale['commissionIds'][0]);
  const bonus = await world.as('/v1/commissions', {
    affiliateId: ada,
    programId,
    kind: 'bonus',
    amount: usd('9.00'),
    reason: 'For the test',
    skipHold: true,
  });
  await world.as(`/v1/commissions/${String(bonus.body['id'])}/approve`, {});
  const method = await world.as(`/v1/affiliates/${ada}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account: 'ok' },
  });
  const fin = (await world.api.makePerson(world.ws, ['owner'], { name: 'Fin' })).key;
  await world.api.as(fin, `/v1/payout-methods/${String(method.body['id'])}/verify`, { body: { reason: 'Called' } });
  const payout = await world.as('/v1/payouts', { affiliateId: ada, currency: 'USD' });
  expect(payout.status, payout.text).toBe(201);
  payoutId = payout.body['id'];
}, 60_000);
afterAll(() => world?.close());

const idsOf = async (path: string): Promise<readonly string[]> => {
  const answer = await world.as(path);
  expect(answer.status, `${path}: ${answer.text}`).toBe(200);
  return itemsOf(answer.body['data']).map((row) => String(row['id']));
};

test('ADM-07: name, e-mail, reference and customer find their rows on each list; what nobody is called finds none', async () => {
  const searches: readonly (readonly [string, readonly string[], () => string])[] = [
    ['affiliates', ['kowal', 'ADA@KOWAL'], () => ada],
    ['referrals', ['jo buyer', 'C-1042'], () => referralId],
    ['sales', ['order-7', 'jo@buyer', 'Ada Kow', 'JO BUYER'], () => saleId],
    ['commissions', ['order-77', 'Jo Buyer', 'kowal.example'], () => commissionId],
    ['payouts', ['ada kowal', 'ada@kowal'], () => payoutId],
  ];
  for (const [list, texts, id] of searches) {
    for (const text of [...texts, id()])
      expect(await idsOf(`/v1/${list}?q=${encodeURIComponent(text)}`), `${list} ${text}`).toContain(id());
    expect(await idsOf(`/v1/${list}?q=nobody-at-all`), list).toEqual([]);
    // Literal: no pattern characters.
    expect(await idsOf(`/v1/${list}?q=${encodeURIComponent('%')}`), list).toEqual([]);
  }
  expect(await idsOf('/v1/groups?q=nobody')).toEqual([]);
});

test('ADM-07: histories of work are searched by names too, though their rows hold only ids', async () => {
  const parked = await world.as('/v1/sales', {
    externalId: 'order-78',
    customer: { externalId: 'C-unheard' },
    amount: usd('5.00'),
  });
  expect(parked.status, parked.text).toBe(202);
  const run = await world.as('/v1/payout-runs', { note: 'Extra run for June' });
  expect(run.status, run.text).toBe(202);
  const named = async (path: string, field: string): Promise<readonly string[]> =>
    itemsOf((await world.as(path)).body['data']).map((row) => String(row[field]));
  const searches: readonly (readonly [string, readonly string[], string, string])[] = [
    ['audit-entries', ['ada kowal', 'ADA@KOWAL', ada], 'objectId', ada],
    ['audit-entries', ['order-77', 'jo@buyer.example', saleId], 'objectId', saleId],
    ['audit-entries', ['fin'], 'event', 'verified'],
    ['api-log', ['/V1/SALES'], 'path', '/v1/sales'],
    ['ledger-postings', ['order-77', 'ada kowal', saleId], 'causeId', saleId],
    ['ledger-accounts', ['kowal', 'affiliate payable', ada], 'ownerId', ada],
    ['parked-events', ['order-78', 'c-unheard'], 'externalId', 'order-78'],
    ['payout-runs', ['june', String(run.body['id'])], 'id', String(run.body['id'])],
  ];
  for (const [list, texts, field, value] of searches)
    for (const text of texts)
      expect(await named(`/v1/${list}?q=${encodeURIComponent(text)}`, field), `${list} ${text}`).toContain(value);

  for (const list of [...new Set(searches.map(([list]) => list)), 'histories', 'reconciliations', 'appeals'])
    for (const nobody of ['nobody-at-all', '%']) {
      const answer = await world.as(`/v1/${list}?q=${encodeURIComponent(nobody)}`);
      expect([answer.status, answer.body['data']], `${list} ${answer.text}`).toEqual([200, []]);
    }
  expect(await named('/v1/ledger-postings?q=bo%20berg', 'causeId')).not.toContain(saleId);
});

test('ADM-07: lists of what is set up, of what came in and of what a run pays are searched too', async () => {
  const made = async (path: string, body: Readonly<Record<string, unknown>>) => {
    const answer = await world.as(path, body);
    expect(answer.status, `${path}: ${answer.text}`).toBe(201);
    return String(answer.body['id']);
  };
  const fieldId = await made('/v1/custom-fields', { target: 'lead', name: 'Wanted plan', key: 'tier', type: 'text' });
  const domainId = await made('/v1/tracking-domains', { domain: 'go.kowal.example' });
  const sourceId = await made('/v1/payment-sources', { name: 'Till in Oslo', adapter: 'standard' });
  const postbackId = await made('/v1/postbacks', {
    affiliateId: ada,
    events: ['lead.accepted'],
    url: 'https://93.184.216.34/told?by=us',
  });
  const charge = await made('/v1/commissions', {
    affiliateId: bo,
    programId,
    kind: 'adjustment',
    amount: usd('-8.00'),
    reason: 'Paid too much',
    skipHold: true,
  });
  expect((await world.as(`/v1/commissions/${charge}/approve`, {})).status).toBe(200);
  const accounts = await world.as('/v1/ledger-accounts?kind=affiliate_receivable');
  const adjustmentId = await made('/v1/ledger-adjustments', {
    kind: 'write_off',
    accountId: itemsOf(accounts.body['data']).find(({ ownerId }) => String(ownerId) === bo)?.['id'],
    amount: usd('1.00'),
    reason: 'Rounding of spring',
  });
  const runId = String((await world.as('/v1/payout-runs', { note: 'Lines' })).body['id']);
  const version = await world.owner('payout_runs').where({ id: runId }).first<{ plan_version: number }>('plan_version');
  const row = { workspace_id: world.ws.id, run_id: runId, plan_version: version.plan_version, currency: 'USD' };
  const nothing = { gross_minor: 0, corrections_minor: 0, carried_minor: 0, net_minor: 0, commission_count: 0 };
  for (const affiliateId of [ada, bo])
    await world
      .owner('payout_run_rows')
      .insert({ ...row, ...nothing, affiliate_id: affiliateId, outcome: 'not_paid', owed_minor: 100 });
  const event = { workspace_id: world.ws.id, source_id: sourceId, mode: 'live', type: 'invoice.paid' };
  for (const externalId of ['evt_AAA', 'evt_BBB'])
    await insertRow(world.owner, 'payment_events', { ...event, external_id: externalId, occurred_at: new Date() });
  const call = { workspace_id: world.ws.id, postback_id: postbackId, event: 'lead.accepted', attempts: 1 };
  for (const order of ['order-1', 'order-2'])
    await insertRow(world.owner, 'postback_deliveries', {
      ...call,
      id: newId('delivery'),
      url: `https://93.184.216.34/told?o=${order}`,
      status: 'delivered',
      last_try_at: new Date(),
    });

  const keyId = await world
    .owner('api_keys')
    .where({ name: 'key of Fin' })
    .first<{ id: string }>('id')
    .then(({ id }) => id);
  const searches: readonly (readonly [string, readonly string[], string, string])[] = [
    ['api-keys', ['KEY OF FIN', keyId], 'id', keyId],
    ['custom-fields', ['wanted', 'TIER', fieldId], 'id', fieldId],
    ['tracking-domains', ['KOWAL.example', domainId], 'id', domainId],
    ['payment-sources', ['oslo', sourceId], 'id', sourceId],
    [`payment-sources/${sourceId}/events`, ['evt_aaa'], 'id', 'evt_AAA'],
    ['postbacks', ['told?by', 'ada kow', postbackId], 'id', postbackId],
    [`postbacks/${postbackId}/deliveries`, ['ORDER-1'], 'url', 'https://93.184.216.34/told?o=order-1'],
    ['ledger-adjustments', ['of spring', 'bo berg', 'ana', adjustmentId], 'id', adjustmentId],
    [`payout-runs/${runId}/lines`, ['kowal', ada], 'affiliateId', ada],
    ['lead-log', ['lead-7', 'jo buyer', 'JO@BUYER', 'ada kow'], 'externalId', 'lead-7'],
  ];
  for (const [list, texts, field, value] of searches) {
    for (const text of texts) {
      const found = await world.as(`/v1/${list}?q=${encodeURIComponent(text)}`);
      expect(found.status, `${list}: ${found.text}`).toBe(200);
      expect([...new Set(itemsOf(found.body['data']).map((one) => one[field]))], `${list} ${text}`).toEqual([value]);
    }
    for (const nobody of ['nobody-at-all', '%'])
      expect(await idsOf(`/v1/${list}?q=${encodeURIComponent(nobody)}`)).toEqual([]);
  }
});

test('ADM-06: each list filters by status and by affiliate, and refuses a filter it does not know', async () => {
  for (const list of ['referrals', 'sales', 'commissions', 'payouts', 'leads', 'links']) {
    const all = await idsOf(`/v1/${list}?affiliateId=${ada}`);
    expect(all.length, list).toBeGreaterThan(0);
    expect((await world.as(`/v1/${list}?colour=red`)).status, list).toBe(422);
  }
  expect(await idsOf('/v1/affiliates?status=pending')).toEqual([]);
  expect(await idsOf('/v1/commissions?status=approved')).not.toContain(commissionId);
  expect(await idsOf('/v1/payouts?status=draft')).toEqual([payoutId]);
});

test('ADM-08: paging on while rows are added shows each old row exactly once, in pages of 10, 25, 50 and 100', async () => {
  const make = (name: string) =>
    world.as('/v1/affiliates', { name, email: `${name.toLowerCase().replaceAll(' ', '-')}@paging.example` });
  for (let n = 0; n < 12; n += 1) await make(`Paging ${n}`);
  for (const limit of [10, 25, 50, 100]) expect((await world.as(`/v1/affiliates?limit=${limit}`)).status).toBe(200);
  const before = await idsOf('/v1/affiliates?limit=100');

  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await world.as(`/v1/affiliates?limit=10${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...itemsOf(page.body['data']).map((row) => String(row['id'])));
    cursor = page.body['nextCursor'];
    await make(`Late ${seen.length}`);
  }

  expect(seen.filter((id) => before.includes(id))).toEqual(before);
  expect(new Set(seen).size).toBe(seen.length);
});

test('ADM-15: appeals and payouts that wait are counted for who can settle them, and for nobody else', async () => {
  expect((await world.as('/v1/console/queue')).body['counts']['beside']).toEqual({ appeal: 0, payout: 1 });
  const { key } = await world.api.makePerson(world.ws, ['program_manager']);
  expect((await world.api.as(key, '/v1/console/queue')).body['counts']['beside']).toEqual({});
});

test('screens.md 3.2, 3.24: Home knows the devices of its clicks, System how old the newest backup is', async () => {
  expect((await world.as('/v1/console/home')).body['devices']).toEqual([]);
  expect((await world.as('/v1/console/system')).body['backedUpAt']).toBeNull();
  await world.owner('workspaces').where({ id: world.ws.id }).update({ backed_up_at: '2026-11-26T02:00:00.000Z' });
  expect((await world.as('/v1/console/system')).body['backedUpAt']).toBe('2026-11-26T02:00:00.000Z');
});
