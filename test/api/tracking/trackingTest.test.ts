import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import { eventually } from '../../support/eventually.js';
import { dataOf, makeAffiliate, makeProgram } from '../program/support.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import { browser, clickIdOf } from './world.js';

// The tracking tester (api.md 15, TRK-29, TST-03): one test click from a one-time address, through what a live page reports, over HTTP.

let api: TestApi;
let shop: TestWorkspace;
let owner: Knex;
let key: string;
let linkId: string;
let slug: string;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  api = await startTestApi({
    edge: (deps) =>
      clickEdge({
        ...deps,
        publicUrl: deps.config.http.publicUrl,
      }),
  });
  shop = await api.makeWorkspace();
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 2 } });
  await owner('settings')
    .where({ workspace_id: shop.id })
    .update({ sections: owner.raw(`jsonb_set(sections, '{domains,formDomains}', '["shop.example"]')`) });
  await api.as(shop.key, '/v1/commission-rules', {
    body: { scope: 'global', event: 'payment', levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }] },
  });
  programId = await makeProgram(api, shop);
  affiliateId = await makeAffiliate(api, shop, [programId]);
  const link = dataOf(await api.as(shop.key, `/v1/links?affiliateId=${affiliateId}`))[0];
  linkId = String(link?.['id']);
  slug = String(link?.['slug']);
  key = String(
    (await api.as(shop.key, '/v1/api-keys', { body: { name: 'page', kind: 'public', test: false } })).body['publicKey'],
  );
});
afterAll(async () => {
  await owner.destroy();
  await api.close();
});

const begin = async () => {
  const made = await api.as(shop.key, '/v1/tracking-tests', { body: { linkId } });
  expect(made.status, made.text).toBe(201);
  return { id: String(made.body['id']), url: new URL(String(made.body['url'])) };
};
const follow = (url: URL, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${api.url}${url.pathname}${url.search}`, {
    redirect: 'manual',
    headers: { 'user-agent': browser, ...headers },
  });
const arrived = async (id: string) =>
  (
    (await api.as(shop.key, `/v1/tracking-tests/${id}`)).body['steps'] as unknown as readonly {
      step: string;
      arrived: boolean;
    }[]
  ).flatMap((one) => (one.arrived ? [one.step] : []));
const post = (path: string, body: unknown) =>
  fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', origin: 'https://shop.example', 'user-agent': browser },
    body: JSON.stringify(body),
  });

test('one test click flows through all stages of the live page, marked test, and nothing of it is live', async () => {
  const { id, url } = await begin();
  expect(await arrived(id)).toEqual([]);

  const answer = await follow(url);
  const clickId = clickIdOf(answer);
  expect(answer.headers.get('location')).not.toContain('trb_test');
  expect(await owner('clicks').where({ id: clickId }).first('mode', 'credit')).toEqual({
    mode: 'test',
    credit: 'credited',
  });
  expect(await arrived(id)).toEqual(['click']);

  await post('/t/visit', { key, url: `https://shop.example/?click_id=${clickId}`, clickId, consent: 'granted' });
  expect(await arrived(id)).toEqual(['click', 'cookie', 'visit']);
  await post('/t/postback', { key, event: 'lead', click_id: clickId, email: 'tess@buyer.example' });
  expect(await arrived(id)).toEqual(['click', 'cookie', 'visit', 'lead']);
  await fetch(`${api.url}/t/sale.gif?key=${key}&order_id=t-1&amount=5.00&currency=USD&click_id=${clickId}`);
  expect(await arrived(id)).toEqual(['click', 'cookie', 'visit', 'lead', 'sale']);

  for (const table of ['visits', 'leads', 'sales', 'referrals'])
    expect([...new Set(await owner(table).pluck<string[]>('mode'))], table).toEqual(['test']);
  for (const path of ['/v1/clicks', '/v1/visits', '/v1/leads', '/v1/sales', '/v1/referrals?status=tracking']) {
    expect(dataOf(await api.as(shop.key, path)), path).toEqual([]);
    expect(dataOf(await api.as(shop.testKey, path)), path).toHaveLength(1);
  }
});

test('the address works once: again it is an ordinary click, and so is a made-up or foreign one', async () => {
  const { id, url } = await begin();
  const first = clickIdOf(await follow(url));
  const second = clickIdOf(await follow(url));
  const forged = new URL(url);
  forged.searchParams.set('trb_test', 'AAAAAAAAAAAAAAAAAAAAAA');
  const third = clickIdOf(await follow(forged));
  const modes = async (ids: readonly string[]) => {
    const rows = await owner('clicks')
      .whereIn('id', [...ids])
      .select<{ id: string; mode: string }[]>('id', 'mode');
    return ids.map((one) => rows.find((row) => row.id === one)?.mode);
  };
  expect(await modes([first, second, third])).toEqual(['test', 'live', 'live']);
  expect((await api.as(shop.key, `/v1/tracking-tests/${id}`)).body).toMatchObject({ clickId: first, url: null });

  const other = await makeAffiliate(api, shop, [programId]);
  const link = dataOf(await api.as(shop.key, `/v1/links?affiliateId=${other}`))[0];
  const open = await begin();
  const moved = new URL(open.url.href.replace(slug, String(link?.['slug'])));
  expect(await modes([clickIdOf(await follow(moved))])).toEqual(['live']);
  expect(await arrived(open.id)).toEqual([]);
});

test('a preview does not use it up; after a day it is over; each missing step says what to do', async () => {
  const { id, url } = await begin();
  await follow(url, { 'user-agent': 'Slackbot-LinkExpanding 1.0' });
  expect(await arrived(id)).toEqual([]);
  const steps = (await api.as(shop.key, `/v1/tracking-tests/${id}`)).body['steps'];
  expect(steps).toMatchObject([
    { step: 'click', cause: { code: 'not_opened' }, repair: { code: 'open_address' } },
    { step: 'cookie', cause: { code: 'no_visit' }, repair: { code: 'allow_cookie' } },
    { step: 'visit', cause: { code: 'no_call' }, repair: { code: 'add_script' } },
    { step: 'lead', cause: { code: 'no_call' }, repair: { code: 'report_lead' } },
    { step: 'sale', cause: { code: 'no_call' }, repair: { code: 'report_sale' } },
  ]);
  await owner('tracking_tests')
    .where({ id })
    .update({ expires_at: new Date(Date.now() - 1_000) });
  const late = clickIdOf(await follow(url));
  expect(await owner('clicks').where({ id: late }).first('mode')).toEqual({ mode: 'live' });
  expect((await api.as(shop.key, `/v1/tracking-tests/${id}`)).body['steps'][0]).toMatchObject({
    repair: { code: 'test_over' },
  });
});

test('BEY-32: a call that came and was refused is told as the cause, with what repairs it', async () => {
  const { id, url } = await begin();
  const clickId = clickIdOf(await follow(url));
  const stepOf = async (name: string) =>
    dataOf({ body: { data: (await api.as(shop.key, `/v1/tracking-tests/${id}`)).body['steps'] } } as never).find(
      ({ step }) => step === name,
    ) ?? {};
  const told = (name: string, code: string) =>
    eventually(async () => ((await stepOf(name))['cause'] as { code?: string } | null)?.code === code);

  const unlisted = await fetch(`${api.url}/t/visit`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', origin: 'https://till.example', 'user-agent': browser },
    body: JSON.stringify({ key, url: 'https://till.example/', clickId }),
  });
  expect(unlisted.status).toBe(403);
  await told('visit', 'csrf_failed');
  expect(await stepOf('visit')).toMatchObject({ arrived: false, repair: { code: 'list_page' } });

  await post('/t/postback', { key, event: 'lead', click_id: clickId, email: 'nobody' });
  await told('lead', 'validation_failed');
  expect(await stepOf('lead')).toMatchObject({ repair: { code: 'read_log' } });

  const wrong = `key=${key}&order_id=t-wrong&amount=5.00&currency=USD&click_id=${clickId}`;
  await fetch(`${api.url}/t/sale.gif?${wrong}&ts=${Math.floor(Date.now() / 1_000)}&sig=${'0'.repeat(64)}`);
  await told('sale', 'bad_signature');
  expect(await stepOf('sale')).toMatchObject({ arrived: false, repair: { code: 'sign_call' } });
});

test('BEY-32: the cookie step says whether the page was let keep the click, by the program’s own terms and the visitor', async () => {
  const visited = async (consent: string) => {
    const { id, url } = await begin();
    const clickId = clickIdOf(await follow(url));
    await post('/t/visit', { key, url: 'https://shop.example/', clickId, consent });
    return eventually(async () => {
      const logged = await owner('api_log').whereRaw(`payload ->> 'clickId' = ?`, [clickId]).pluck<string[]>('id');
      return logged.length === 0 ? undefined : (await api.as(shop.key, `/v1/tracking-tests/${id}`)).body['steps'][1];
    });
  };
  expect(await visited('denied')).toMatchObject({ arrived: false, cause: { code: 'consent_refused' } });
  expect(await visited('granted')).toMatchObject({ arrived: true, cause: null, repair: null });
  await owner('programs')
    .where({ id: programId })
    .update({ own_terms: JSON.stringify({ cookie: 'none' }) });
  const off = await visited('granted');
  await owner('programs').where({ id: programId }).update({ own_terms: '{}' });
  expect(off).toMatchObject({
    arrived: false,
    cause: { code: 'cookie_off' },
    repair: { code: 'switch_cookie_on' },
  });
});

test('a click tells its link, campaign, source and device, and nothing that tells people apart (TRK-02)', async () => {
  await api.as(shop.key, `/v1/links/${linkId}`, { method: 'PATCH', body: { campaign: 'autumn', ad: 'big' } });
  const id = clickIdOf(await follow(new URL(`http://localhost:3000/r/${slug}?src=qr&sid=kw9&name=Jo`)));
  const { key: reader } = await api.makePerson(shop, ['program_manager']);
  expect((await api.as(reader, `/v1/clicks/${id}`)).body).toMatchObject({
    linkSlug: slug,
    campaign: 'autumn',
    ad: 'big',
    source: 'qr',
    sub1: 'kw9',
    device: { kind: 'desktop', system: 'Linux', browser: 'Firefox' },
    query: null,
    userAgent: null,
  });
});

test('TRK-12, TRK-18: ready code with the own key and every field to pass back, and the last call under each', async () => {
  const { body } = await api.as(shop.key, '/v1/tracking-snippets');
  expect(dataOf({ body } as never).map(({ kind }) => kind)).toEqual(['script', 'pixel', 'postback', 'form']);
  expect(body['data'][0]).toMatchObject({
    code: `<script async src="http://localhost:3000/t/v1.js" data-key="${key}"></script>`,
    publicKey: key,
  });
  const pixel = String(body['data'][1]?.['code']);
  for (const field of ['order_id', 'amount', 'currency', 'product', 'email']) expect(pixel).toContain(`${field}=`);
  await eventually(async () => {
    const seen = await api.as(shop.key, '/v1/tracking-snippets?kind=pixel');
    return seen.body['data'][0]?.['lastCall'] !== null;
  });
  expect((await api.as(shop.key, '/v1/tracking-snippets?kind=sms')).status).toBe(422);
});

test('TRK-18: the pixel’s code has the fields chosen and those it must have; the last call tells what it passed back, masked', async () => {
  const codeWith = async (fields: string) =>
    String((await api.as(shop.key, `/v1/tracking-snippets?kind=pixel&fields=${fields}`)).body['data'][0]?.['code']);
  const required = 'order_id=ORDER_ID&amp;amount=AMOUNT&amp;currency=CURRENCY';
  expect(await codeWith('order_id')).toContain(`?key=${key}&amp;${required}"`);
  expect(await codeWith('email,product')).toContain(`${required}&amp;product=PRODUCT&amp;email=EMAIL"`);
  expect(await codeWith('click_id')).toContain(`${required}&amp;click_id=CLICK_ID"`);
  expect((await api.as(shop.key, '/v1/tracking-snippets?kind=pixel&fields=name')).status).toBe(422);

  // As a browser reads the attribute: the code itself is called, with the shop's values.
  const code = await codeWith('product,email');
  const [, source = ''] = /src="([^"]+)"/.exec(code) ?? [];
  const { pathname, search } = new URL(
    source
      .replaceAll('&amp;', '&')
      .replace('ORDER_ID', 'live-18')
      .replace('=AMOUNT', '=49.99')
      .replace('=CURRENCY', '=USD')
      .replace('=PRODUCT', '=starter')
      .replace('=EMAIL', '=jo@buyer.example'),
  );
  expect((await fetch(`${api.url}${pathname}${search}`)).status).toBe(200);
  const seen = await eventually(async () => {
    const [pixel] = dataOf(await api.as(shop.key, '/v1/tracking-snippets?kind=pixel'));
    const last = pixel?.['lastCall'] as unknown as { received: Record<string, string>; status: number } | null;
    return last?.received['order_id'] === 'live-18' ? last : undefined;
  });
  expect(seen).toMatchObject({
    status: 200,
    code: null,
    received: { order_id: 'live-18', amount: '49.99', currency: 'USD', product: 'starter' },
  });
  expect(seen.received['email']).toBe('j…');
});

test('who may not see links sees no tests; another workspace finds none', async () => {
  const { id } = await begin();
  const { key: agent } = await api.makePerson(shop, ['agent']);
  expect((await api.as(agent, '/v1/tracking-tests', { body: { linkId } })).status).toBe(403);
  const other = await api.makeWorkspace();
  expect((await api.as(other.key, `/v1/tracking-tests/${id}`)).status).toBe(404);
  expect((await api.as(other.key, '/v1/tracking-tests', { body: { linkId } })).status).toBe(422);
});
