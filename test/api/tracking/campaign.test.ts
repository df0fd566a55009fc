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
        hashAddress: (address) => Buffer.from(deps.secrets.sign('address', address), 'base64url'),
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
