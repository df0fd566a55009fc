import { afterAll, beforeAll, expect, test } from 'vitest';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { dataOf } from '../program/support.js';
import { browser, clickIdOf } from './world.js';

// LNK-17: campaign and ad of links and tools as columns and filters of clicks and sales, from a followed link on, over HTTP.

let world: EarningWorld;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  world = await createEarningWorld({
    edge: (deps) =>
      clickEdge({
        ...deps,
        publicUrl: deps.config.http.publicUrl,
      }),
  });
  programId = await world.program({ destinationHosts: ['shop.example'], referralApproval: 'automatic' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
  });
  affiliateId = await world.affiliate(programId);
});
afterAll(() => world.close());

const follow = async (url: string) => {
  const answer = await fetch(url.replace('http://localhost:3000', world.api.url), {
    redirect: 'manual',
    headers: { 'user-agent': browser },
  });
  expect(answer.status).toBe(302);
  return clickIdOf(answer);
};
const clicks = async (query: string) => dataOf(await world.as(`/v1/clicks?${query}`));
const sales = async (query: string) => dataOf(await world.as(`/v1/sales?${query}`));
const buy = (externalId: string, clickId: string) =>
  world.sale({
    externalId,
    clickId,
    customer: { externalId: `cus-${externalId}` },
    amount: { amount: '100.00', currency: 'USD' },
  });

test('a click by a tool’s link is of the tool’s campaign and ad; its sale too; both lists filter by them', async () => {
  const tool = await world.as('/v1/promo-tools', {
    name: 'Big banner',
    kind: 'link',
    programId,
    url: 'https://shop.example/spring',
    campaign: 'Spring sale',
    ad: 'big & red',
  });
  const snippet = await world.as(`/v1/promo-tools/${tool.body['id']}/snippet?affiliateId=${affiliateId}`);
  const clickId = await follow(snippet.body['url']);
  const sale = await buy('s1', clickId);

  const quiet = await world.as('/v1/promo-tools', {
    name: 'Quiet',
    kind: 'link',
    programId,
    url: 'https://shop.example/q',
  });
  const figures = async (query: string) =>
    dataOf(await world.as(`/v1/promo-tools?include=figures${query}`)).map((one) => [one['id'], one['figures']]);
  const brought = {
    clicks: 1,
    leads: 0,
    sales: 1,
    earned: [{ amount: '10.00', currency: 'USD' }],
  };
  expect(await figures('&sort=name')).toMatchObject([
    [tool.body['id'], brought],
    [quiet.body['id'], { clicks: 0, visits: 0, leads: 0, sales: 0, earned: [] }],
  ]);
  expect(await figures('&sort=name&from=2020-01-01&to=2020-01-31')).toMatchObject([
    [tool.body['id'], { clicks: 0, sales: 0, earned: [] }],
    [quiet.body['id'], { clicks: 0 }],
  ]);
  // Who looks after some affiliates counts their traffic only, and who sees no reports none.
  const manager = await world.api.makePerson(world.ws, ['affiliate_manager'], { name: 'Max' });
  const seen = () => world.api.as(manager.key, '/v1/promo-tools?include=figures&sort=-name');
  expect(dataOf(await seen())[1]).toMatchObject({ figures: { clicks: 0, visits: 0, sales: 0, earned: [] } });
  await world.as(`/v1/affiliates/${affiliateId}`, { managerId: manager.user.id }, 'PATCH');
  expect(dataOf(await seen())[1]).toMatchObject({ figures: brought });
  await world.as(`/v1/affiliates/${affiliateId}`, { managerId: null }, 'PATCH');

  const names = { campaign: 'Spring sale', ad: 'big & red' };
  expect(sale).toMatchObject({ attribution: { status: 'attributed', ...names } });
  expect(await clicks(`campaign=${encodeURIComponent('Spring sale')}`)).toMatchObject([
    { id: clickId, toolId: tool.body['id'], ...names },
  ]);
  expect(await clicks(`ad=${encodeURIComponent('big & red')}`)).toHaveLength(1);
  expect(await clicks('campaign=Autumn')).toEqual([]);
  expect(await sales(`campaign=${encodeURIComponent('Spring sale')}`)).toMatchObject([{ externalId: 's1' }]);
  expect(await sales(`campaign=Autumn,${encodeURIComponent('Spring sale')}&ad=other`)).toEqual([]);
});

test('a click by a link of its own has the link’s names; a later sale of the same customer keeps them', async () => {
  const link = await world.as('/v1/links', {
    affiliateId,
    programId,
    slug: 'ada-autumn',
    campaign: 'Autumn',
    ad: 'small',
  });
  const clickId = await follow(link.body['url']);
  await buy('s2', clickId);
  await world.sale({
    externalId: 's3',
    customer: { externalId: 'cus-s2' },
    amount: { amount: '10.00', currency: 'USD' },
  });

  expect((await sales('campaign=Autumn&ad=small')).map((sale) => sale['externalId'])).toEqual(['s3', 's2']);
  expect(await clicks('campaign=Autumn')).toMatchObject([{ id: clickId, toolId: null, ad: 'small' }]);
});

test('a tool of somebody else, or one that a visitor made up, names nothing', async () => {
  const other = await world.api.makeWorkspace();
  const link = await world.as('/v1/links', { affiliateId, programId, slug: 'ada-plain' });
  for (const id of ['tool_01kaz0c3v7m2q8x4t6w9y1b5de', 'x', "tool_' or 1=1"]) {
    const clickId = await follow(`${link.body['url']}?trb_tool=${encodeURIComponent(id)}`);
    expect((await world.as(`/v1/clicks/${clickId}`)).body).toMatchObject({ toolId: null, campaign: null, ad: null });
  }
  expect(dataOf(await world.api.as(other.key, '/v1/clicks?campaign=Autumn'))).toEqual([]);
});

test('LNK-17, RPT-09: the funnel by campaign, ad, source and sub-id; each row opens its clicks, and rows sum to all', async () => {
  const link = await world.as('/v1/links', {
    affiliateId,
    programId,
    slug: 'ada-funnel',
    campaign: 'Winter & ice',
    ad: 'tall',
  });
  const url = String(link.body['url']);
  const clickId = await follow(`${url}?sub1=kw1&sub2=left&sub5=top&src=qr`);
  await follow(`${url}?sub1=kw2&src=mail`);
  const [listed] = dataOf(await world.as('/v1/links?include=figures&q=ada-funnel'));
  expect(listed).toMatchObject({ figures: { subIds: ['kw1', 'kw2'] } });
  await world.as('/v1/leads', { clickId, customerExternalId: 'cus-f1', email: 'f1@buyer.example', event: 'enquiry' });
  await world.settle();
  await buy('f1', clickId);

  const funnel = async (by: string) => {
    const answer = await world.as(`/v1/reports/funnel?by=${by}&sort=-clicks`);
    expect(answer.status, answer.text).toBe(200);
    return answer.body as unknown as {
      rows: { key: string | null; clicks: number; visits: number; leads: number; sales: number; detail: string }[];
      totals: { clicks: number; leads: number; sales: number }[];
    };
  };
  for (const [by, key, clicked, sold] of [
    ['campaign', 'Winter & ice', 2, 1],
    ['ad', 'tall', 2, 1],
    ['source', 'qr', 1, 1],
    ['source', 'mail', 1, 0],
    ['sub1', 'kw1', 1, 1],
    ['sub1', 'kw2', 1, 0],
    ['sub2', 'left', 1, 1],
    ['sub5', 'top', 1, 1],
    ['campaign', 'Spring sale', 1, 1],
    ['campaign', 'Autumn', 1, 2],
  ] as const) {
    const { rows } = await funnel(by);
    const row = rows.find((one) => one.key === key);
    const name = `${by} ${key}`;
    expect(row, name).toMatchObject({ by, title: key, clicks: clicked, sales: sold });
    if (clicked === 2 || key === 'left') expect(row, name).toMatchObject({ leads: 1 });
    const behind = await world.as(row?.detail ?? '');
    expect(behind.status, behind.text).toBe(200);
    expect(dataOf(behind), name).toHaveLength(clicked);
  }
  for (const by of ['campaign', 'ad', 'source', 'sub1', 'sub2', 'sub3', 'sub4', 'sub5']) {
    const { rows, totals } = await funnel(by);
    for (const step of ['clicks', 'leads', 'sales'] as const)
      expect(
        rows.reduce((sum, row) => sum + row[step], 0),
        `${by} ${step}`,
      ).toBe(totals[0]?.[step]);
  }
  // Page by page each row once, also the one without a label; narrowed to an affiliate of nothing there is none.
  const keys: unknown[] = [];
  for (let cursor = ''; ; ) {
    const page = (await world.as(`/v1/reports/funnel?by=campaign&sort=-clicks&limit=1${cursor}`)).body;
    keys.push(...(page['rows'] as unknown as { key: unknown }[]).map((row) => row.key));
    if (page['nextCursor'] === null) break;
    cursor = `&cursor=${encodeURIComponent(String(page['nextCursor']))}`;
  }
  expect(keys).toEqual((await funnel('campaign')).rows.map((row) => row.key));
  expect(new Set(keys).size).toBe(keys.length);
  const stranger = await world.affiliate(programId);
  expect((await world.as(`/v1/reports/funnel?by=campaign&affiliateId=${stranger}`)).body).toMatchObject({ rows: [] });
  const elsewhere = await world.api.makeWorkspace();
  expect((await world.api.as(elsewhere.key, '/v1/reports/funnel?by=sub1')).body).toMatchObject({ rows: [] });
});
