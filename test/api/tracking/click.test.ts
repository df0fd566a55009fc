import { connect as connectSocket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from '../../../db/reads/keyset.js';
import { listClicks } from '../../../db/reads/tracking/clickList.js';
import { recordClicks } from '../../../db/tracking/click.js';
import { readWorkspace } from '../../../db/transaction.js';
import { wholeWorkspace } from '../../../domain/access/permission.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { eventually } from '../../support/eventually.js';
import { browser, clickIdOf, createWorld, type EdgeServer, follow, startEdge, type World } from './world.js';

let world: World;
let edge: EdgeServer;
let ada: AffiliateId;

interface ClickRow {
  readonly credit: string;
  readonly credit_code: string | null;
  readonly previous_click_id: string | null;
  readonly sub1: string | null;
  readonly sub2: string | null;
  readonly window_seconds: number;
  readonly query: string | null;
  readonly affiliate_id: string;
}

beforeAll(async () => {
  world = await createWorld();
  edge = await startEdge(world);
  ada = await world.makeAffiliate();
  await world.makeLink({ affiliateId: ada, slug: 'ada-spring' });
});

afterAll(async () => {
  await edge.close();
  await world.close();
});

const clickOf = async (response: Response): Promise<ClickRow> => {
  const row = await world
    .owner<ClickRow & { id: string }>('clicks')
    .where({ id: clickIdOf(response) })
    .first();
  if (row === undefined) throw new Error('the click was not stored');
  return row;
};
const lastClick = async (): Promise<ClickRow> => {
  const row = await world.owner<ClickRow & { id: string }>('clicks').orderBy('id', 'desc').first();
  if (row === undefined) throw new Error('no click was stored');
  return row;
};

test('a click is stored, then redirected, as the worked example says (api.md 19, step 12)', async () => {
  const response = await follow(`${edge.url}/r/ada-spring?sid=kw1&utm_source=x`, { 'user-agent': 'Mozilla/5.0' });

  expect(response.status).toBe(302);
  const id = clickIdOf(response);
  expect(response.headers.get('location')).toBe(`https://shop.example/pricing?sid=kw1&utm_source=x&click_id=${id}`);
  expect(response.headers.get('set-cookie')).toBe(`trb_click=${id}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax`);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('referrer-policy')).toBe('strict-origin-when-cross-origin');
  expect(response.headers.get('x-robots-tag')).toBe('noindex');
  expect(await clickOf(response)).toMatchObject({
    credit: 'credited',
    credit_code: null,
    sub1: 'kw1',
    sub2: null,
    affiliate_id: ada,
    window_seconds: 2_592_000,
    query: 'sid=kw1&utm_source=x',
  });
  const details = await world
    .owner('click_details')
    .where({ click_id: id })
    .first<{ user_agent: string; address_hash: Buffer }>();
  expect(details.user_agent).toBe('Mozilla/5.0');
  expect(details.address_hash.length).toBeGreaterThan(0);
});

test('the next click names the one before; a cookie that is none of ours is nobody', async () => {
  const first = await follow(`${edge.url}/r/ada-spring`);
  const second = await follow(`${edge.url}/r/ada-spring`, { cookie: `a=b; trb_click=${clickIdOf(first)}; c=d` });
  const third = await follow(`${edge.url}/r/ada-spring`, {
    cookie: `xtrb_click=${clickIdOf(first)}; trb_click=clk_1'--`,
  });

  expect((await clickOf(second)).previous_click_id).toBe(clickIdOf(first));
  expect((await clickOf(third)).previous_click_id).toBeNull();
});

test.each([
  ['HEAD', 'HEAD', {}, 'head_request'],
  ['prefetch', 'GET', { 'sec-purpose': 'prefetch' }, 'prefetch'],
  ['an image tag', 'GET', { 'sec-fetch-dest': 'image' }, 'not_navigation'],
  ['a frame', 'GET', { 'sec-fetch-dest': 'iframe' }, 'not_navigation'],
  ['a chat preview', 'GET', { 'user-agent': 'WhatsApp/2.23.20.0' }, 'preview'],
  ['curl', 'GET', { 'user-agent': 'curl/8.5.0' }, 'bot'],
  ['no agent', 'GET', { 'user-agent': '' }, 'bot'],
  ['a crawler', 'GET', { 'user-agent': 'Mozilla/5.0 (compatible; Googlebot/2.1)' }, 'bot'],
])('TRK-02: %s is redirected without a cookie and kept as filtered', async (_who, method, headers, code) => {
  const response = await follow(`${edge.url}/r/ada-spring`, headers as Record<string, string>, method);

  expect(response.status).toBe(302);
  expect(response.headers.get('set-cookie')).toBeNull();
  expect(await clickOf(response)).toMatchObject({ credit: 'filtered', credit_code: code });
});

test('TRK-14: labels have several names, lose control characters and are cut', async () => {
  const response = await follow(
    `${edge.url}/r/ada-spring?subid=alias&sub1=${'x'.repeat(300)}&sub2=a%0d%0ab%00%E2%80%AEc`,
  );

  expect(await clickOf(response)).toMatchObject({ sub1: 'x'.repeat(255), sub2: 'abc' });
  expect(response.headers.get('location')).toContain('sub2=a%0d%0ab%00%E2%80%AEc&click_id=');
});

test('LNK-22: a deep link leads only to listed hosts, whatever its spelling', async () => {
  const to = async (value: string) => {
    const response = await follow(`${edge.url}/r/ada-spring?to=${encodeURIComponent(value)}`);
    return (response.headers.get('location') ?? '').replace(/[?&]click_id=.*/, '');
  };

  expect(await to('/terms?x=1')).toBe('https://shop.example/terms?x=1');
  expect(await to('https://shop.example/now')).toBe('https://shop.example/now');
  const evil = [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    'https:///evil.example',
    'javascript:alert(1)',
    'https://shop.example@evil.example/',
    'https://shop.example.evil.example/',
    '\thttps://evil.example',
    'https://shop.example:444/',
  ];
  for (const value of evil) expect(await to(value)).toBe('https://shop.example/pricing');
});

test('whatever comes in the query, the answer has its own headers and no others', async () => {
  const host = new URL(edge.url);
  const raw = await new Promise<string>((resolve, reject) => {
    const socket = connectSocket(Number(host.port), host.hostname, () =>
      socket.write(
        `GET /r/ada-spring?a=%0d%0aSet-Cookie:x=1&b=%E5%98%8A%E5%98%8DX:y&c="<> HTTP/1.0\r\nUser-Agent: ${browser}\r\n\r\n`.replace(
          '"<> HTTP',
          '"<%3E HTTP',
        ),
      ),
    );
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });

  const head = raw.split('\r\n\r\n')[0]?.split('\r\n') ?? [];
  expect(head[0]).toContain('302');
  expect(
    head
      .map((line) => line.split(':')[0]?.toLowerCase())
      .slice(1)
      .sort((a = '', b = '') => (a < b ? -1 : 1)),
  ).toEqual([
    'cache-control',
    'connection',
    'content-length',
    'date',
    'location',
    'referrer-policy',
    'set-cookie',
    'x-robots-tag',
  ]);
});

test('unknown and malformed slugs get the neutral page and store nothing', async () => {
  const before = await world.owner('clicks').count<{ count: string }[]>();
  for (const path of [
    'nobody',
    '..%2f',
    'a%00b',
    '%zz',
    'ada-spring/',
    'ada-spring;x',
    'ADA-SPRING',
    'x'.repeat(201),
    '',
  ]) {
    const response = await follow(`${edge.url}/r/${path}`);
    expect([path, response.status]).toEqual([path, 404]);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await response.text()).toContain('leads nowhere');
  }
  expect((await follow(`${edge.url}/r/ada-spring?x=${'y'.repeat(9_000)}`)).status).toBe(414);
  const post = await follow(`${edge.url}/r/ada-spring`, {}, 'POST');
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  expect(await world.owner('clicks').count<{ count: string }[]>()).toEqual(before);
  expect((await follow(`${edge.url}/v1/clicks`)).status).toBe(404);
});

test('LNK-04, LNK-11: an archived link shows the neutral page; an expired or disabled one leads to the fallback; none credits', async () => {
  await world.makeLink({ affiliateId: ada, slug: 'archived', status: 'archived' });
  await world.makeLink({ affiliateId: ada, slug: 'disabled', status: 'disabled' });
  await world.makeLink({ affiliateId: ada, slug: 'over', expires_at: new Date(Date.now() - 1_000) });

  expect((await follow(`${edge.url}/r/archived`)).status).toBe(404);
  expect(await lastClick()).toMatchObject({ credit: 'not_credited', credit_code: 'link_archived' });
  for (const [slug, code] of [
    ['disabled', 'link_disabled'],
    ['over', 'link_expired'],
  ] as const) {
    const response = await follow(`${edge.url}/r/${slug}?to=/deep`);
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toMatch(/^https:\/\/shop\.example\/\?click_id=/);
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(await clickOf(response)).toMatchObject({ credit: 'not_credited', credit_code: code });
  }
});

test('BEY-19: a link that is off leads to the fallback whatever stands before it in the list of reasons, and no deep link moves it', async () => {
  const program = await world.makeProgram({ status: 'paused' });
  const kim = await world.makeAffiliate({}, program);
  await world.makeLink({ affiliateId: kim, slug: 'kim-off', status: 'disabled' }, program);
  await world.makeLink({ affiliateId: kim, slug: 'kim-over', expires_at: new Date(Date.now() - 1_000) }, program);

  for (const slug of ['kim-off', 'kim-over']) {
    const response = await follow(`${edge.url}/r/${slug}?to=/deep`);
    expect(response.headers.get('location')).toMatch(/^https:\/\/shop\.example\/\?click_id=/);
    expect(await clickOf(response)).toMatchObject({ credit_code: 'program_not_active' });
  }
});

test('BEY-19: a deep link does not lead from an encrypted page to one that is not', async () => {
  const response = await follow(`${edge.url}/r/ada-spring?to=${encodeURIComponent('http://shop.example/terms')}`);
  expect(response.headers.get('location')).toMatch(/^https:\/\/shop\.example\/pricing\?click_id=/);
});

test('a program without a fallback has a hosted one', async () => {
  const program = await world.makeProgram({ fallback_url: null, slug: 'winter', name: '<Winter>' });
  const bea = await world.makeAffiliate({}, program);
  await world.makeLink({ affiliateId: bea, slug: 'bea-winter', status: 'disabled' }, program);

  const response = await follow(`${edge.url}/r/bea-winter`);
  expect(response.headers.get('location')).toMatch(/^http:\/\/localhost:3000\/x\/winter\?click_id=/);
  const hosted = await follow(`${edge.url}/x/winter`);
  expect([hosted.status, await hosted.text()]).toEqual([200, expect.stringContaining('&#60;Winter&#62;')]);
  expect((await follow(`${edge.url}/x/nobody`)).status).toBe(404);
});

test('the hosted fallback has a way on, without a click, and speaks the visitor’s language (screens.md 8)', async () => {
  const program = await world.makeProgram({
    fallback_url: null,
    slug: 'autumn',
    name: 'Autumn',
    landing_url: 'https://shop.example/start?a=1&b="',
    destination_hosts: ['shop.example'],
  });
  const shown = async (path: string, language?: string): Promise<readonly [string | null, string]> => {
    const response = await follow(`${edge.url}${path}`, language === undefined ? {} : { 'accept-language': language });
    return [response.headers.get('content-language'), await response.text()];
  };

  const [language, english] = await shown('/x/autumn?click_id=clk_01kaz0c3v7m2q8x4t6w9y1b5de');
  expect(language).toBe('en');
  expect(english).toContain('<html lang="en">');
  expect(english).toContain('<a href="https://shop.example/start?a=1&#38;b=&#34;">Go on to our website</a>');
  expect(english).not.toContain('clk_');
  expect((await shown('/x/autumn', 'de-AT,de;q=0.9,en;q=0.8'))[1]).toContain('Dieses Angebot gibt es nicht mehr');
  expect((await shown('/r/nobody-has-this', 'fr, de;q=0.5, en;q=0.4'))[1]).toContain('Dieser Link führt nirgendwohin');
  expect((await shown('/r/nobody-has-this', 'en-GB, de;q=0.5'))[1]).toContain('This link leads nowhere');
  expect((await shown('/r/nobody-has-this', 'fr'))[0]).toBe('en');

  await world.owner('programs').where({ id: program }).update({ landing_url: null });
  expect((await shown('/x/autumn'))[1]).toContain('<a href="https://shop.example/">');
  await world.owner('programs').where({ id: program }).update({ destination_hosts: [] });
  expect((await shown('/x/autumn'))[1]).not.toContain('<a ');
});

test('LNK-21: a suspension takes effect within seconds and the link still delivers', async () => {
  const cleo = await world.makeAffiliate();
  await world.makeLink({ affiliateId: cleo, slug: 'cleo' });
  expect((await clickOf(await follow(`${edge.url}/r/cleo`))).credit).toBe('credited');

  await world.owner('affiliates').where({ id: cleo }).update({ status: 'suspended' });

  await eventually(async () => {
    const response = await follow(`${edge.url}/r/cleo`);
    expect(response.status).toBe(302);
    return (await clickOf(response)).credit_code === 'affiliate_not_active';
  });
});

test('LNK-22: a host that is allowed no more gets no redirect, also not for links made before (R8)', async () => {
  const program = await world.makeProgram({ destination_hosts: ['old.example'], fallback_url: null });
  const dora = await world.makeAffiliate({}, program);
  await world.makeLink({ affiliateId: dora, slug: 'dora', destination_url: 'https://old.example/x' }, program);
  expect((await follow(`${edge.url}/r/dora`)).status).toBe(302);

  await world.owner('programs').where({ id: program }).update({ destination_hosts: [] });

  await eventually(async () => (await follow(`${edge.url}/r/dora`)).status === 404);
  expect(await lastClick()).toMatchObject({ credit: 'not_credited' });
});

test('TRK-28: Sec-GPC, cookie mode none or refused consent set no cookie; refused, the URL credits only where the setting says so', async () => {
  const gpc = await follow(`${edge.url}/r/ada-spring`, { 'sec-gpc': '1' });
  expect([gpc.headers.get('set-cookie'), (await clickOf(gpc)).credit]).toEqual([null, 'credited']);

  const program = await world.makeProgram({ own_terms: JSON.stringify({ cookie: 'none' }) });
  const fay = await world.makeAffiliate({}, program);
  await world.makeLink({ affiliateId: fay, slug: 'fay' }, program);
  expect((await follow(`${edge.url}/r/fay`)).headers.get('set-cookie')).toBeNull();

  const session = await world.makeProgram({ own_terms: JSON.stringify({ cookie: 'session' }) });
  const gil = await world.makeAffiliate({}, session);
  await world.makeLink({ affiliateId: gil, slug: 'gil' }, session);
  const kept = await follow(`${edge.url}/r/gil`);
  expect(kept.headers.get('set-cookie')).toMatch(/^trb_click=clk_\w+; Path=\/; HttpOnly; SameSite=Lax$/);
  expect((await clickOf(kept)).window_seconds).toBe(86_400);

  const strict = await world.makeProgram({
    own_terms: JSON.stringify({ consentMode: 'required', attributionWindow: 'P7D' }),
  });
  const hal = await world.makeAffiliate({}, strict);
  await world.makeLink({ affiliateId: hal, slug: 'hal' }, strict);
  const refused = await follow(`${edge.url}/r/hal`, { cookie: 'trb_consent=denied' });
  expect([refused.headers.get('set-cookie'), (await clickOf(refused)).credit_code]).toEqual([null, 'consent_refused']);
  const granted = await follow(`${edge.url}/r/hal`, { cookie: 'trb_consent=granted' });
  expect(granted.headers.get('set-cookie')).toContain('Max-Age=604800');

  const byUrl = await world.makeProgram({ own_terms: JSON.stringify({ consentMode: 'url_only' }) });
  const jan = await world.makeAffiliate({}, byUrl);
  await world.makeLink({ affiliateId: jan, slug: 'jan' }, byUrl);
  const without = await follow(`${edge.url}/r/jan`, { cookie: 'trb_consent=denied' });
  expect([without.headers.get('set-cookie'), (await clickOf(without)).credit]).toEqual([null, 'credited']);
  expect(without.headers.get('location')).toContain(`click_id=${clickIdOf(without)}`);
});

test('TRK-06: the cookie carries the window as its expiry; a change affects new clicks only', async () => {
  const program = await world.makeProgram({ own_terms: JSON.stringify({ attributionWindow: 'P30D' }) });
  const kim = await world.makeAffiliate({}, program);
  await world.makeLink({ affiliateId: kim, slug: 'kim' }, program);
  const before = await follow(`${edge.url}/r/kim`);
  expect(before.headers.get('set-cookie')).toContain('Max-Age=2592000;');

  await world
    .owner('programs')
    .where({ id: program })
    .update({ own_terms: JSON.stringify({ attributionWindow: 'P7D' }) });
  const changed = async () =>
    (await follow(`${edge.url}/r/kim`)).headers.get('set-cookie')?.includes('Max-Age=604800;');
  await eventually(async () => (await changed()) === true);
  expect((await clickOf(before)).window_seconds).toBe(2_592_000);
  expect((await lastClick()).window_seconds).toBe(604_800);
});

test('clicks of two workspaces go out in one batch, each to its own', async () => {
  const other = await world.makeWorkspace();
  const program = await world.makeProgram({}, other);
  const ivy = await world.makeAffiliate({}, program, other);
  await world.makeLink({ affiliateId: ivy, slug: 'ivy' }, program, other);

  const responses = await Promise.all(
    Array.from({ length: 40 }, (_, index) => follow(`${edge.url}/r/${index % 2 === 0 ? 'ivy' : 'ada-spring'}`)),
  );

  const rows = await world.owner('clicks').whereIn('id', responses.map(clickIdOf)).select('workspace_id');
  expect(rows.filter((row: { workspace_id: string }) => row.workspace_id === other)).toHaveLength(20);
  expect(rows).toHaveLength(40);
});

test('what an agent, a referrer or a query may hold is stored as text', async () => {
  const nasty = `Mozilla/5.0 (X11) "quoted" \\back\\ {a,b} NULL ${'z'.repeat(700)}`;
  const response = await follow(`${edge.url}/r/ada-spring?sub1=NULL&sub2=%22%5C%7B%7D%2C&sub3=`, {
    'user-agent': nasty,
    referer: 'https://blog.example/{"a"}\\',
  });

  const row = await world
    .owner('clicks')
    .where({ id: clickIdOf(response) })
    .first<Record<string, string | null>>();
  expect(row).toMatchObject({ sub1: 'NULL', sub2: '"\\{},', sub3: null, referrer: 'https://blog.example/{"a"}\\' });
  const details = await world
    .owner('click_details')
    .where({ click_id: clickIdOf(response) })
    .first<{ user_agent: string }>();
  expect(details.user_agent).toBe(nasty.slice(0, 500));
});

test('clicks of one batch have one time: pages show each of them once, by id, with its own details', async () => {
  const affiliateId = await world.makeAffiliate();
  const linkId = await world.makeLink({ affiliateId, slug: 'at-once' });
  const ids = Array.from({ length: 120 }, () => newId('click'));
  await recordClicks(
    world.edgeDb,
    ids.map((id, index) => ({
      id,
      workspaceId: world.workspaceId,
      mode: 'live',
      linkId,
      affiliateId,
      programId: world.programId,
      previousClickId: null,
      credit: 'credited',
      creditCode: null,
      isSuspect: false,
      subs: index % 2 === 0 ? null : [`kw${index}`, null, null, null, null],
      query: null,
      referrer: null,
      windowSeconds: 60,
      addressHash: null,
      userAgent: `Browser ${index}`,
    })),
  );

  const seen: { readonly id: string; readonly sub1: string | null; readonly user_agent: string | null }[] = [];
  for (let after: Page['after'] = null; ; ) {
    const page: Page = { limit: 50, sort: 'createdAt', descending: true, after };
    const rows = await readWorkspace(world.db, world.workspaceId, (tx) =>
      listClicks(tx, wholeWorkspace, 'live', { affiliateId: [affiliateId] }, page),
    );
    seen.push(...rows.slice(0, page.limit));
    const last = rows[page.limit - 1];
    if (rows.length <= page.limit || last === undefined) break;
    after = { value: last.created_at, id: last.id };
  }

  expect(seen.map(({ id, sub1, user_agent }) => ({ id, sub1, user_agent }))).toEqual(
    ids
      .map((id, index) => ({ id, sub1: index % 2 === 0 ? null : `kw${index}`, user_agent: `Browser ${index}` }))
      .toReversed(),
  );
});

test('while Postgres refuses, the visitor gets 503 and the neutral page, and nothing is half done', async () => {
  const closed = await createWorld();
  const shut = await startEdge(closed);
  const kim = await closed.makeAffiliate();
  await closed.makeLink({ affiliateId: kim, slug: 'kim' });
  expect((await follow(`${shut.url}/r/kim`)).status).toBe(302);
  await closed.owner.raw('revoke insert on clicks from tributary_edge');

  const response = await follow(`${shut.url}/r/kim`);

  expect([response.status, response.headers.get('retry-after'), response.headers.get('location')]).toEqual([
    503,
    '2',
    null,
  ]);
  expect(await closed.owner('click_details').count<{ count: string }[]>()).toEqual([{ count: '1' }]);
  await shut.close();
  await closed.close();
});
