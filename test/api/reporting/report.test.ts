import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { foldRollups } from '../../../activities/reporting/rollup.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import type { Json } from '../support.js';

let world: EarningWorld;
let programs: readonly string[];
let ada: string;
let ben: string;
let cleo: string;

const usd = (amount: string) => ({ amount, currency: 'USD' });
const jpy = (amount: string) => ({ amount, currency: 'JPY' });
let numbers = 0;
const next = (word: string): string => `${word}-${(numbers += 1)}`;

/** A click, the lead of it, and sales of these amounts; the orders. */
async function customer(
  programId: string,
  affiliateId: string,
  amounts: readonly { amount: string; currency: string }[],
) {
  const clickId = await world.click({ programId, affiliateId });
  const email = `${next('jo')}@buyer.example`;
  await world.as('/v1/leads', { clickId, email, event: 'registration' });
  await world.settle();
  const orders: string[] = [];
  for (const amount of amounts)
    orders.push(String((await world.sale({ externalId: next('order'), customer: { email }, amount }))['id']));
  return orders;
}

beforeAll(async () => {
  world = await createEarningWorld();
  const [first, second] = [await world.program(), await world.program({ currency: 'JPY' })];
  programs = [first, second];
  for (const programId of programs)
    expect(
      (
        await world.rule({
          scope: 'program',
          programId,
          event: 'payment',
          levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
        })
      ).status,
    ).toBe(201);
  ada = await world.affiliate(first, { name: 'Ada' });
  ben = await world.affiliate(first, { name: 'Ben', country: 'PL' });
  cleo = await world.affiliate(second, { name: 'Cleo' });
  const [refunded] = await customer(first, ada, [usd('100.00')]);
  await customer(first, ada, [usd('40.00')]);
  await world.click({ programId: first, affiliateId: ada });
  await customer(first, ben, []);
  for (let index = 0; index < 4; index += 1) await world.click({ programId: first, affiliateId: ben });
  await customer(second, cleo, [jpy('1000')]);
  await world.as(`/v1/sales/${String(refunded)}/refunds`, { externalId: next('refund'), amount: usd('50.00') });
  await world.settle();
});
afterAll(() => world.close());

const rows = (body: Json): Json[] => body['rows'] as Json[];
const get = async (path: string): Promise<Json> => {
  const answer = await world.as(path);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
};
/** All rows of a list, page by page. */
async function all(path: string, key: 'data' | 'rows' = 'data'): Promise<Json[]> {
  const found: Json[] = [];
  for (let cursor = ''; ; ) {
    const body = await get(`${path}${path.includes('?') ? '&' : '?'}limit=2${cursor}`);
    found.push(...(body[key] as Json[]));
    if (body['nextCursor'] === null) return found;
    cursor = `&cursor=${encodeURIComponent(String(body['nextCursor']))}`;
  }
}

/** With the rows alone, with days kept, and with days kept and facts since: the same answer. */
const states: readonly { readonly state: string; readonly reach: () => Promise<void> }[] = [
  { state: 'read from the rows', reach: () => Promise.resolve() },
  {
    state: 'kept by day',
    reach: async () => {
      const workspaces = [world.ws.id];
      while (await foldRollups({ db: world.api.db, logger: pino({ level: 'silent' }) }, workspaces));
      expect(await world.owner('affiliate_days').where({ workspace_id: world.ws.id }).select('day')).not.toEqual([]);
    },
  },
];

test.each(states)(
  'ADM-05: affiliates with their figures, ordered by each, every page once ($state)',
  async ({ reach }) => {
    await reach();
    const list = await get('/v1/affiliates?include=counts,figures&sort=-clicks');
    const figures = (list['data'] as Json[]).map((row) => [row['name'], row['figures']]);
    expect(figures).toEqual([
      [
        'Ben',
        expect.objectContaining({
          clicks: 5,
          leads: 1,
          sales: 0,
          earned: [],
          lastActivityAt: expect.any(String) as string,
        }),
      ],
      [
        'Ada',
        expect.objectContaining({
          clicks: 3,
          leads: 2,
          sales: 2,
          refunds: 1,
          refunded: [usd('50.00')],
          earned: [usd('18.00')],
        }),
      ],
      ['Cleo', expect.objectContaining({ clicks: 1, leads: 1, sales: 1, earned: [jpy('200')], commissionPaid: [] })],
    ]);
    const order = async (sort: string): Promise<unknown[]> =>
      (await all(`/v1/affiliates?include=figures&sort=${sort}`)).map((row) => row['name']);
    expect(await order('clicks')).toEqual(['Cleo', 'Ada', 'Ben']);
    expect(await order('-leads')).toEqual(['Ada', expect.any(String), expect.any(String)]);
    expect(await order('-sales')).toEqual(['Ada', 'Cleo', 'Ben']);
    expect((await order('-earned'))[0]).toBe('Ada');
    expect((await order('-earned&currency=JPY'))[0]).toBe('Cleo');
    expect(await order('-lastActivityAt')).toEqual(['Cleo', 'Ben', 'Ada']);
    // Filters and days of the list hold for the figures too.
    expect((await get('/v1/affiliates?include=figures&country=PL'))['data']).toMatchObject([{ name: 'Ben' }]);
    const [quiet] = (await get('/v1/affiliates?include=figures&sort=name&from=2020-01-01&to=2020-01-31'))[
      'data'
    ] as Json[];
    expect(quiet).toMatchObject({ name: 'Ada', figures: { clicks: 0, sales: 0, earned: [] } });
    expect((await get('/v1/affiliates'))['data']).not.toMatchObject([
      { figures: expect.anything() as unknown },
      {},
      {},
    ]);
  },
);

test.each(states)('RPT-01, RPT-06: performance sums to the rows behind each figure ($state)', async ({ reach }) => {
  await reach();
  const report = await get('/v1/reports/affiliate-performance?sort=name');
  const [row] = rows(report);
  expect(rows(report).map(({ name }) => name)).toEqual(['Ada', 'Ben', 'Cleo']);
  expect(row).toMatchObject({
    affiliateId: ada,
    clicks: 3,
    leads: 2,
    uniqueLeads: 2,
    sales: 2,
    totalSales: [usd('140.00')],
    earned: [usd('18.00')],
    conversionRate: 666_666,
    refunds: 0,
  });
  for (const one of rows(report)) {
    const lists = one['lists'] as Record<string, string>;
    for (const name of ['clicks', 'leads', 'uniqueLeads', 'acceptedLeads', 'sales'] as const)
      expect((await all(lists[name] ?? '')).length, `${String(one['name'])} ${name}`).toBe(one[name]);
    const lines = (await get(`${lists['earned'] ?? ''}&include=sums&limit=200`))['data'] as Json[];
    const cents = lines.filter((line) => (line['net'] ?? line['amount']) !== undefined);
    expect(cents.length).toBe(lines.length);
  }
  expect(report['totals']).toMatchObject([
    { clicks: 9, leads: 4, sales: 3, totalSales: [jpy('1000'), usd('140.00')], earned: [jpy('200'), usd('18.00')] },
  ]);
  // Programs, groups and affiliates narrow rows and totals alike; a page does not narrow the totals.
  const second = await get(`/v1/reports/affiliate-performance?programId=${programs[1] ?? ''}&sort=-sales&limit=1`);
  expect(rows(second)).toMatchObject([{ name: 'Cleo', sales: 1 }]);
  expect(second['totals']).toMatchObject([{ clicks: 1, sales: 1 }]);
  const one = await get(`/v1/reports/affiliate-performance?affiliateId=${ben}`);
  expect(one).toMatchObject({ rows: [{ name: 'Ben', sales: 0, conversionRate: 0 }], totals: [{ clicks: 5 }] });
});

test.each(states)(
  'FRD-05, RPT-11: quality of all affiliates, each as its own metrics say ($state)',
  async ({ reach }) => {
    await reach();
    const report = await get('/v1/reports/quality?sort=name');
    expect(rows(report)[0]).toMatchObject({
      name: 'Ada',
      leads: 2,
      sales: 2,
      refunds: 1,
      refundShare: 500_000,
      conversionRate: 666_666,
      flags: 0,
      standard: null,
    });
    for (const row of rows(report)) {
      const metrics = await get(`/v1/affiliates/${String(row['affiliateId'])}/metrics`);
      for (const name of [
        'leads',
        'accepted',
        'acceptRate',
        'sales',
        'refunds',
        'refundShare',
        'conversionRate',
        'flags',
        'standard',
      ])
        expect(row[name], name).toEqual(metrics[name]);
    }
    expect(report['totals']).toMatchObject([{ leads: 4, sales: 3, refunds: 1, refundShare: 333_333 }]);
  },
);

test.each(states)(
  'RPT-08, RPT-09: who sent leads, and how far visitors got by link and program ($state)',
  async ({ reach }) => {
    await reach();
    expect(rows(await get('/v1/reports/lead-senders?sort=-leads'))[0]).toMatchObject({
      name: 'Ada',
      leads: 2,
      uniqueLeads: 2,
    });
    const byProgram = await get('/v1/reports/funnel?by=program&sort=-clicks');
    expect(rows(byProgram)).toMatchObject([
      { key: programs[0], clicks: 8, leads: 3, sales: 2, saleRate: 666_666 },
      { key: programs[1], clicks: 1, leads: 1, sales: 1 },
    ]);
    const byLink = await all('/v1/reports/funnel?by=link&sort=-clicks', 'rows');
    expect(byLink.map(({ clicks }) => clicks)).toEqual([5, 3, 1]);
    for (const body of [byProgram, await get('/v1/reports/funnel?by=link')])
      expect(body['totals']).toMatchObject([{ clicks: 9, leads: 4, sales: 3, leadRate: 444_444 }]);
    const sum = byLink.reduce((total, { leads }) => total + Number(leads), 0);
    expect(sum).toBe(4);
  },
);

test.each(states)(
  'screens.md 3.11: links with what each brought, and what a click of it earned ($state)',
  async ({ reach }) => {
    await reach();
    const figuresOf = async (query: string): Promise<unknown[]> =>
      (await all(`/v1/links?include=figures&sort=slug${query}`)).map((link) => link['figures']);
    expect(await figuresOf(`&affiliateId=${ada}`)).toEqual([
      { clicks: 3, visits: 0, leads: 2, sales: 2, earned: [usd('18.00')], earningsPerClick: [usd('6.00')], subIds: [] },
    ]);
    expect(await figuresOf(`&affiliateId=${ben}`)).toMatchObject([
      { clicks: 5, sales: 0, earned: [], earningsPerClick: [] },
    ]);
    expect(await figuresOf(`&affiliateId=${cleo}`)).toMatchObject([{ clicks: 1, earningsPerClick: [jpy('200')] }]);
    expect(await figuresOf(`&affiliateId=${ada}&from=2020-01-01&to=2020-01-31`)).toMatchObject([
      { clicks: 0, earned: [], earningsPerClick: [] },
    ]);
    for (const link of await all('/v1/links')) expect(Object.keys(link)).not.toContain('figures');
    const agent = await world.api.makePerson(world.ws, ['agent']);
    expect((await world.api.as(agent.key, '/v1/links?include=figures')).status).toBe(403);
    expect((await world.as('/v1/links?include=sums')).status).toBe(422);
  },
);

test('RPT-02, ADM-04: a range holds both days, in the zone that is printed, beside the days before and a year before', async () => {
  const today = new Date().toISOString().slice(0, 10);
  const report = await get(`/v1/reports/affiliate-performance?from=${today}&to=${today}&compare=year`);
  const yearAgo = `${Number(today.slice(0, 4)) - 1}${today.slice(4)}`;
  expect(report).toMatchObject({
    timeZone: 'UTC',
    compared: { from: yearAgo, to: yearAgo, totals: [{ clicks: 0, conversionRate: null, earned: [] }] },
  });
  expect((await get(`/v1/reports/quality?from=${today}&to=${today}`))['compared']).toBeNull();
  const home = await get(`/v1/console/home?from=${today}&to=${today}&compare=year`);
  expect(home).toMatchObject({ comparedWith: { from: yearAgo, to: yearAgo } });
  expect(home['previousTrend']).toMatchObject([{ day: yearAgo, clicks: 0 }]);
});

test('RPT-03: the file has the rows and columns of the screen; the library says what each column means', async () => {
  const file = await world.as('/v1/reports/affiliate-performance?format=csv&sort=name');
  expect(file.status, file.text).toBe(200);
  const [head, first, ...others] = file.text.trim().split(/\r?\n/);
  expect(head).toContain('name,email,clicks,visits,leads');
  expect(head).not.toContain('lists');
  expect(first).toContain('Ada');
  expect(others).toHaveLength(2);
  const library = (await get('/v1/reports'))['data'] as {
    name: string;
    columns: { name: string; definition: string }[];
  }[];
  for (const { name, columns } of library) {
    const [row] = rows(await get(`/v1/reports/${name}`));
    for (const column of columns) expect(Object.keys(row ?? {}), name).toContain(column.name);
  }
});

test('test facts are apart, another workspace sees nothing, rights and scopes hold, bad input is refused', async () => {
  const tester = await world.api.makePerson(world.ws, ['owner'], { mode: 'test' });
  expect((await world.api.as(tester.key, '/v1/reports/affiliate-performance')).body['totals']).toMatchObject([
    { clicks: 0, sales: 0, earned: [] },
  ]);
  const other = await world.api.makeWorkspace({ name: 'Other' });
  expect((await world.api.as(other.key, '/v1/reports/affiliate-performance')).body).toMatchObject({
    rows: [],
    totals: [{ clicks: 0 }],
  });
  const agent = await world.api.makePerson(world.ws, ['agent']);
  for (const path of [
    '/v1/reports',
    '/v1/reports/quality',
    '/v1/affiliates?include=figures',
    '/v1/affiliates?sort=-clicks',
  ])
    expect(await world.api.as(agent.key, path), path).toMatchObject({ status: 403 });
  const manager = await world.api.makePerson(world.ws, ['affiliate_manager']);
  expect(await world.as(`/v1/affiliates/${ben}`, { managerId: manager.user.id }, 'PATCH')).toMatchObject({
    status: 200,
  });
  for (const path of ['/v1/reports/affiliate-performance', '/v1/reports/funnel?by=program'])
    expect((await world.api.as(manager.key, path)).body, path).toMatchObject({
      rows: [{ clicks: 5 }],
      totals: [{ clicks: 5, leads: 1 }],
    });
  expect((await world.as('/v1/reports/nothing')).status).toBe(404);
  for (const path of [
    '/v1/reports/quality?from=2026-02-02&to=2026-02-01',
    '/v1/reports/quality?sort=owed',
    '/v1/reports/quality?by=link',
    '/v1/reports/funnel?sort=name',
    '/v1/reports/funnel?by=month',
    '/v1/reports/quality?compare=ever',
    '/v1/affiliates?include=figures&from=2026-02-30',
    '/v1/affiliates?sort=-earned&currency=XXQ',
  ])
    expect((await world.as(path)).status, path).toBe(422);
});
