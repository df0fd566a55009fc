import { afterAll, beforeAll, expect, test } from 'vitest';
import { deviceKindOf } from '../../../db/reads/tracking/deviceKind.js';
import { deviceSummaryOf } from '../../../domain/tracking/deviceSummary.js';
import { newId } from '../../../platform/newId.js';
import { makeAffiliate } from '../program/support.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';

let world: EarningWorld;
let programId: string;
let ada: string;
let referralId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ name: 'Spring' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  ada = await world.affiliate(programId, { name: 'Ada Kowal' });
  const sale = await world.sale({
    externalId: 'order-77',
    customer: { externalId: 'u-1', email: 'jo@buyer.example' },
    clickId: await world.click({ programId, affiliateId: ada }),
    amount: { amount: '49.99', currency: 'USD' },
  });
  referralId = sale['referralId'];
  await makeAffiliate(world.api, world.ws, [programId], { name: 'Nina New' }, { approve: false });
  await world.as('/v1/coupons', { affiliateId: ada, programId, code: 'SUN10' });
  await world.as('/v1/groups', { name: 'Bloggers' });
});
afterAll(() => world.close());

const figure = (home: Json, name: string) => itemsOf(home['figures']).find((one) => one['name'] === name);

test('ADM-02, ADM-03: each figure of home is what the list behind it shows', async () => {
  const home = await world.as('/v1/console/home');
  expect(home.status, home.text).toBe(200);
  expect(itemsOf(home.body['trend'])).toHaveLength(30);
  expect(itemsOf(home.body['trend']).at(-1)).toMatchObject({ clicks: 1, sales: 1, leads: 1 });
  for (const name of ['clicks', 'leads', 'referrals', 'sales']) {
    const one = figure(home.body, name);
    const list = await world.as(String(one?.['list']));
    expect(list.status, `${name}: ${list.text}`).toBe(200);
    expect(itemsOf(list.body['data']).length, name).toBe(one?.['value']['count']);
    expect(one?.['value']['count'], name).toBe(1);
    expect(one?.['previous'], name).toMatchObject({ count: 0 });
    expect(one?.['change'], name).toEqual({ count: null, money: [] }); // there was nothing before
  }
  expect(figure(home.body, 'commissions')).toMatchObject({ value: { money: [{ currency: 'USD' }] } });
  expect(figure(home.body, 'revenue')?.['value']['money']).toEqual([{ amount: '49.99', currency: 'USD' }]);
  expect(home.body).toMatchObject({
    topAffiliates: [{ id: ada, clicks: 1, sales: 1 }],
    topLinks: [{ affiliateId: ada, sales: 1 }],
    // The commission still waits for its referral: nobody is paid, and one is told as not payable.
    nextPayout: { owed: [], daysLeft: null, planned: [{ payable: { affiliates: 0 }, notPayable: 1 }] },
  });
  const needs = new Map(itemsOf(home.body['needsYou']).map((one) => [one['kind'] as string, one]));
  expect(needs.get('application')).toMatchObject({ count: 1, list: '/v1/affiliates?status=pending' });
  expect(needs.get('referral')).toMatchObject({ count: 1 });
  for (const need of needs.values()) expect((await world.as(String(need['list']))).status).toBe(200);
});

test('the change is against the days compared with, and absent without a comparison; since launch is a span (screens.md 1.2)', async () => {
  const { launchedOn } = (await world.as('/v1/me')).body;
  const since = await world.as(`/v1/console/home?from=${launchedOn}&compare=none`);
  expect(since.status, since.text).toBe(200);
  expect(figure(since.body, 'clicks')).toMatchObject({ value: { count: 1 }, change: null });
  const years = await world.as('/v1/console/home?from=2018-01-01&to=2026-12-31&compare=none');
  expect(years.status, years.text).toBe(200);
});

test('home refuses a span it cannot draw', async () => {
  for (const query of ['from=2026-02-30', 'from=2026-03-02&to=2026-03-01', 'from=2012-01-01&to=2026-01-01', 'x=1']) {
    expect((await world.as(`/v1/console/home?${query}`)).status, query).toBe(422);
  }
});

test('ADM-15: the queue holds what waits for this person, oldest first, paged once each, and counts it', async () => {
  const all = await world.as('/v1/console/queue');
  expect(all.status, all.text).toBe(200);
  expect(all.body['counts']).toMatchObject({ total: 2, byKind: { application: 1, referral: 1, payout_run: 0 } });
  expect(itemsOf(all.body['data']).map((item) => item['kind'])).toEqual(['referral', 'application']);
  const [referral] = itemsOf(all.body['data']);
  expect(referral).toMatchObject({
    id: referralId,
    affiliate: { id: ada, name: 'Ada Kowal' },
    amount: { currency: 'USD' },
    path: `/v1/referrals/${referralId}`,
  });
  expect((await world.as(String(referral?.['path']))).status).toBe(200);
  const first = await world.as('/v1/console/queue?limit=1');
  const second = await world.as(`/v1/console/queue?limit=1&cursor=${first.body['nextCursor']}`);
  expect([first, second].flatMap((page) => itemsOf(page.body['data']).map((item) => item['kind']))).toEqual([
    'referral',
    'application',
  ]);
  expect(second.body['nextCursor']).toBeNull();
  expect(itemsOf((await world.as('/v1/console/queue?kind=application')).body['data'])).toMatchObject([
    { title: 'Nina New' },
  ]);

  // The customer tells rows of one affiliate apart; without the right to see people only that far.
  expect(referral?.['customer']).toEqual({ name: null, email: 'jo@buyer.example', masked: false });
  const { key: decider } = await world.api.makePerson(world.ws, ['reviewer'], {
    permissions: ['referral.read', 'referral.decide'],
  });
  const [unseen] = itemsOf((await world.api.as(decider, '/v1/console/queue?kind=referral')).body['data']);
  expect(unseen).toMatchObject({ id: referralId, customer: { name: null, email: 'j…@…', masked: true } });
  expect(itemsOf(all.body['data']).at(-1)?.['customer']).toBeNull();

  const { user: helper } = await world.api.makePerson(world.ws, ['agent'], { name: 'Hal' });
  const of = async (assignee: string) =>
    itemsOf((await world.as(`/v1/console/queue?assignee=${assignee}`)).body['data']).map((item) => item['id']);
  expect(await of(helper.id)).toEqual([]);
  const given = await world.as(`/v1/referrals/${referralId}`, { assigneeId: helper.id }, 'PATCH');
  expect(given.status, given.text).toBe(200);
  expect(await of(helper.id)).toEqual([referralId]);
  expect(await of('me')).toEqual([]);
  // The counts are of the same people as the list.
  expect((await world.as(`/v1/console/queue?assignee=${helper.id}`)).body['counts']).toMatchObject({
    total: 1,
    byKind: { application: 0, referral: 1 },
  });

  // screens.md 3.3: advice with its reasons, and the queue by how much was found.
  const byRisk = async (risk: string) => {
    const answer = await world.as(`/v1/console/queue?kind=referral&risk=${risk}`);
    expect(answer.status, answer.text).toBe(200);
    return itemsOf(answer.body['data']).map((one) => [one['risk'], one['suggestion']]);
  };
  const flagged = (code: string) =>
    world
      .owner('risk_flags')
      .insert({ workspace_id: world.ws.id, id: newId('riskFlag'), referral_id: referralId, code, evidence: '{}' });
  expect(await byRisk('none')).toEqual([['none', { verdict: 'approve', reasons: ['no_findings'] }]]);
  await flagged('affiliate_conflict');
  expect(await byRisk('none')).toEqual([]);
  expect(await byRisk('low')).toEqual([['low', { verdict: 'look', reasons: ['affiliate_conflict'] }]]);
  await flagged('self_referral');
  expect(await byRisk('low')).toEqual([]);
  expect(await byRisk('none,high')).toEqual([
    ['high', { verdict: 'reject', reasons: ['affiliate_conflict', 'self_referral'] }],
  ]);
  expect((await world.as('/v1/console/queue?risk=high')).body['counts']).toMatchObject({ total: 1 });
  expect((await world.as('/v1/console/queue?risk=huge')).status).toBe(422);
  await world.owner('risk_flags').where({ referral_id: referralId }).delete();

  const { key: agent } = await world.api.makePerson(world.ws, ['agent']);
  const theirs = await world.api.as(agent, '/v1/console/queue');
  expect(theirs.body['counts']).toEqual({ total: 0, byKind: { lead: 0 }, beside: {} });
});

test('people see the figures and hits of their rights and of the affiliates they look after', async () => {
  const { key: manager, user } = await world.api.makePerson(world.ws, ['affiliate_manager']);
  const before = (await world.api.as(manager, '/v1/console/home')).body;
  expect(figure(before, 'clicks')?.['value']['count']).toBe(0);
  expect(figure(before, 'revenue')).toBeUndefined();
  expect(before['nextPayout']).toBeNull();
  expect(itemsOf((await world.api.as(manager, '/v1/search?q=kowal')).body['data'])).toEqual([]);
  await world.owner('affiliates').where({ id: ada }).update({ manager_id: user.id });
  expect(figure((await world.api.as(manager, '/v1/console/home')).body, 'clicks')?.['value']['count']).toBe(1);
  const hits = itemsOf((await world.api.as(manager, '/v1/search?q=kowal')).body['data']);
  expect(hits.map((hit) => hit['kind'])).toEqual(['affiliate', 'link']);
  expect((await world.api.as(manager, '/v1/console/system')).body['code']).toBe('permission_missing');
});

test.each([
  ['order-77', 'sale'],
  ['ADA KOW', 'affiliate'],
  ['ada-kowal', 'link'],
  ['spring', 'program'],
  ['sun1', 'coupon'],
  ['jo@buyer', 'contact'],
  ['blogg', 'group'],
  ['ana', 'user'],
  ['key of ana', 'api_key'],
])('search finds %j as a %s', async (q, kind) => {
  const found = await world.as(`/v1/search?q=${encodeURIComponent(q)}`);
  expect(found.status, found.text).toBe(200);
  const hit = itemsOf(found.body['data']).find((one) => one['kind'] === kind);
  expect((await world.as(String(hit?.['path']))).status).toBe(200);
});

test('without the right to see people a customer is found, and the name stays covered', async () => {
  const { key } = await world.api.makePerson(world.ws, ['owner'], {
    permissions: ['contact.read', 'referral.read'],
  });
  const hits = itemsOf((await world.api.as(key, '/v1/search?q=jo@buyer.example')).body['data']);
  expect(hits.map((hit) => [hit['kind'], hit['title']])).toEqual([
    ['contact', 'j…@…'],
    ['referral', 'Referral'],
  ]);
});

test('search is literal and finds an id of this mode only', async () => {
  expect(itemsOf((await world.as(`/v1/search?q=${referralId}`)).body['data'])).toMatchObject([{ id: referralId }]);
  expect(itemsOf((await world.as('/v1/search?q=%25')).body['data'])).toEqual([]);
  expect(itemsOf((await world.api.as(world.ws.testKey, `/v1/search?q=${referralId}`)).body['data'])).toEqual([]);
  expect((await world.as('/v1/search')).status).toBe(422);
});

test('ADM-12, TST-01: the set-up ticks itself from what is there', async () => {
  const setup = await world.as('/v1/console/setup');
  expect(setup.status, setup.text).toBe(200);
  const done = itemsOf(setup.body['steps']).map((step) => [step['id'], step['doneAt'] !== null]);
  expect(done).toEqual([
    ['settings', true],
    ['program', true],
    ['tracking', true],
    ['affiliates', true],
    ['testReferral', false],
    ['payout', false],
  ]);
  expect(setup.body['done']).toBe(false);
  // With who it was (screens.md 1.10); a click is nobody's act, and an open step has nobody yet.
  const by = Object.fromEntries(itemsOf(setup.body['steps']).map((step) => [step['id'], step['doneBy']]));
  expect(by).toMatchObject({ program: 'Ana', affiliates: 'Ana', tracking: null, testReferral: null });
});

test('the system screen shows lag, unfinished work, and what nobody took up', async () => {
  const system = await world.as('/v1/console/system');
  expect(system.status, system.text).toBe(200);
  expect(system.body).toMatchObject({
    object: 'console_system',
    outbox: [{ lane: 'workflow' }, { lane: 'http' }],
    gateways: expect.any(Array) as unknown,
  });
  expect(system.body['outbox'][0]?.['waiting']).toBeGreaterThan(0);
  expect(system.body['webhooks']).toEqual({ waiting: 0, oldestAt: null, failing: 0 });
  expect(itemsOf(system.body['workflows']).find((one) => one['workflowType'] === 'referral')).toMatchObject({
    running: 1,
  });
});

/** One of each kind, and those that name others to be served like them. */
const agents = {
  iphone: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1',
  androidPhone: 'Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36',
  androidTablet: 'Mozilla/5.0 (Linux; Android 16; Pixel Tablet) AppleWebKit/537.36 Chrome/141.0 Safari/537.36',
  ipad: 'Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1',
  windows: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko/20100101 Firefox/145.0',
  windowsPhone: 'Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1) Edge/15 Mobile',
  mac: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Version/19.0 Safari/605.1.15',
  chromeOs: 'Mozilla/5.0 (X11; CrOS x86_64 1.0) Chrome/141.0',
  command: 'curl/8.9.1',
} as const;

test('the database tells devices apart as the domain does', async () => {
  const names = Object.values(agents);
  const { rows } = await world.owner.raw<{ rows: { agent: string; kind: string }[] }>(
    `select agent, ${deviceKindOf('agent')} as kind from unnest(cast(? as text[])) as agent`,
    [names],
  );
  expect(rows.map(({ kind }) => kind)).toEqual(names.map((agent) => deviceSummaryOf(agent)?.kind));
  expect(new Set(rows.map(({ kind }) => kind)).size).toBe(4);
});

test('screens.md 3.2: Home’s numbers by country and device open the rows that sum to them, of the program that is looked at', async () => {
  const other = await world.program({ name: 'Autumn' });
  const bea = await world.affiliate(other, { name: 'Bea Nowak', email: 'bea@console.example' });
  const clicked = async (of: { programId: string; affiliateId: string }, agent: string) => {
    const id = await world.click(of);
    const click = await world.owner('clicks').where({ id }).first<{ created_at: Date }>('created_at');
    const detail = { click_id: id, workspace_id: world.ws.id, user_agent: agent, created_at: click.created_at };
    await world.owner('click_details').insert(detail);
    return id;
  };
  for (const agent of [agents.iphone, agents.androidPhone, agents.ipad, agents.windows])
    await clicked({ programId, affiliateId: ada }, agent);
  const clickId = await clicked({ programId: other, affiliateId: bea }, agents.mac);
  const buyer = { externalId: 'u-pl', email: 'ola@buyer.example' };
  await world.sale({
    externalId: 'order-pl',
    customer: buyer,
    clickId,
    amount: { amount: '20.00', currency: 'USD' },
  });
  await world.owner('leads').where({ email: buyer.email }).update({ country: 'PL' });
  await world.owner('contacts').where({ email: buyer.email }).update({ country: 'PL' });

  const rowsOf = async (list: unknown): Promise<number> => {
    const answer = await world.as(`${String(list)}&limit=200`);
    expect(answer.status, `${String(list)}: ${answer.text}`).toBe(200);
    return itemsOf(answer.body['data']).length;
  };
  const all = (await world.as('/v1/console/home')).body;
  const kinds = Object.fromEntries(itemsOf(all['devices']).map((one) => [String(one['kind']), one['clicks']]));
  expect(kinds).toEqual({ phone: 2, tablet: 1, desktop: 2 });
  for (const one of itemsOf(all['devices'])) expect(await rowsOf(one['list']), String(one['kind'])).toBe(one['clicks']);
  const [poland] = itemsOf(all['topCountries']);
  expect(poland).toMatchObject({ country: 'PL', sales: 1 });
  expect(await rowsOf(poland?.['lists']['sales'])).toBe(1);
  expect(await rowsOf(poland?.['lists']['leads'])).toBe(poland?.['leads']);
  expect((await world.as('/v1/clicks?device=watch')).status).toBe(422);

  // Of one program: each figure is the part of it, and its list is that of the program.
  const one = (await world.as(`/v1/console/home?programId=${other}`)).body;
  expect(figure(one, 'clicks')?.['value']['count']).toBe(1);
  expect(figure(one, 'revenue')?.['value']['money']).toEqual([{ amount: '20.00', currency: 'USD' }]);
  for (const name of ['clicks', 'leads', 'referrals', 'sales'])
    expect(await rowsOf(figure(one, name)?.['list']), name).toBe(figure(one, name)?.['value']['count']);
  expect(itemsOf(one['trend']).at(-1)).toMatchObject({ clicks: 1, sales: 1 });
  expect(one).toMatchObject({
    devices: [{ kind: 'desktop', clicks: 1 }],
    topCountries: [{ country: 'PL', sales: 1 }],
    topAffiliates: [{ id: bea }],
  });
  const first = (await world.as(`/v1/console/home?programId=${programId}`)).body;
  expect(itemsOf(first['topCountries'])).toEqual([]);
  const both = (await world.as(`/v1/console/home?programId=${programId},${other}`)).body;
  for (const name of ['clicks', 'leads', 'sales', 'revenue'])
    expect(figure(both, name)?.['value'], name).toEqual(figure(all, name)?.['value']);

  // What an affiliate may not see of a customer it finds nobody by.
  const own = await world.api.makePerson(world.ws, ['owner'], {
    permissions: ['sale.read', 'lead.read'],
    affiliateId: bea,
  });
  for (const list of ['sales', 'leads']) {
    expect(itemsOf((await world.api.as(own.key, `/v1/${list}`)).body['data']).length, list).toBeGreaterThan(0);
    expect(itemsOf((await world.api.as(own.key, `/v1/${list}?country=PL`)).body['data']), list).toEqual([]);
  }
});

test('screens.md 3.2: Home as a file has its figures and days, needs the right to take files, and leaves a line', async () => {
  const home = (await world.as('/v1/console/home')).body;
  const csv = await world.as('/v1/console/home?format=csv');
  expect(csv.status, csv.text).toBe(200);
  expect(csv.headers.get('content-disposition')).toBe(
    `attachment; filename="home-${String(home['from'])}-${String(home['to'])}.csv"`,
  );
  const [head, ...lines] = csv.text.trim().split('\r\n');
  expect(head).toBe('of,figure,from,to,value,currency,previous,changePpm,timeZone');
  const span = `${String(home['from'])},${String(home['to'])}`;
  expect(lines).toContain(`span,clicks,${span},${String(figure(home, 'clicks')?.['value']['count'])},,0,,UTC`);
  const revenue = figure(home, 'revenue')?.['value']['money'][0]?.['amount'];
  expect(lines).toContain(`span,revenue,${span},${String(revenue)},USD,,,UTC`);
  const days = lines.filter((line) => line.startsWith('day,clicks,'));
  expect(days).toHaveLength(30);
  const counted = days.reduce((sum, line) => sum + Number(line.split(',')[4]), 0);
  expect(counted).toBe(figure(home, 'clicks')?.['value']['count']);

  const pdf = await world.as('/v1/console/home?format=pdf');
  expect([pdf.status, pdf.text.slice(0, 5)]).toEqual([200, '%PDF-']);
  const { key } = await world.api.makePerson(world.ws, ['program_manager']);
  expect((await world.api.as(key, '/v1/console/home')).status).toBe(200);
  expect(await world.api.as(key, '/v1/console/home?format=csv')).toMatchObject({
    status: 403,
    body: { code: 'permission_missing', missingPermission: 'export.create' },
  });
  const exports = itemsOf((await world.as('/v1/audit-entries?event=exported')).body['data']);
  expect(exports.map((one) => one['changes'])).toMatchObject([
    { resource: 'console_home', format: 'pdf' },
    { resource: 'console_home', format: 'csv' },
  ]);
});
