import { createContext, Script } from 'node:vm';
import { gzipSync } from 'node:zlib';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAffiliate, makeProgram } from '../program/support.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import { newId } from '../../../platform/newId.js';
import { eventually } from '../../support/eventually.js';

// The script as a page runs it, over HTTP against the real application. What a browser gives a page is played here; the same script in a
// real Chromium is in test/browser.

let api: TestApi;
let shop: TestWorkspace;
let owner: Knex;
let key: string;
let programId: string;
let affiliateId: string;
let source: string;

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace();
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 2 } });
  await owner('settings')
    .where({ workspace_id: shop.id })
    .update({ sections: owner.raw(`jsonb_set(sections, '{domains,formDomains}', '["shop.example"]')`) });
  key = String(
    (await api.as(shop.key, '/v1/api-keys', { body: { name: 'page', kind: 'public', test: false } })).body['publicKey'],
  );
  // Publishing asks for a rule.
  await api.as(shop.key, '/v1/commission-rules', {
    body: { scope: 'global', event: 'payment', levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }] },
  });
  programId = await makeProgram(api, shop);
  affiliateId = await makeAffiliate(api, shop, [programId]);
  source = await (await fetch(`${api.url}/t/v1.js`)).text();
});

afterAll(async () => {
  await owner.destroy();
  await api.close();
});

interface Page {
  readonly cookies: Map<string, string>;
  readonly calls: string[];
  readonly window: Record<string, unknown>;
  tributary(...args: readonly unknown[]): Promise<{ readonly id: string }>;
}

/** A page of the shop with the snippet on it, as a browser would load it. */
function open(
  address: string,
  options: {
    readonly cookies?: Map<string, string>;
    readonly origin?: string;
    readonly gpc?: boolean;
    readonly early?: readonly (readonly unknown[])[];
    readonly frames?: { src: string }[];
    /** How the page came to be shown, as browsers name it. */
    readonly shown?: 'navigate' | 'reload' | 'back_forward';
    /** As a tag manager leaves it: without attributes that it does not know. */
    readonly script?: { readonly query: string; readonly isBare: true };
    /** Drawn ahead; called when the visitor comes. */
    readonly ahead?: (() => void)[];
  } = {},
): Page {
  const cookies = options.cookies ?? new Map<string, string>();
  const calls: string[] = [];
  const location = new URL(address);
  const attributes: Record<string, string> = options.script?.isBare === true ? {} : { 'data-key': key };
  const document = {
    prerendering: options.ahead !== undefined,
    addEventListener: (name: string, listener: () => void) => {
      expect(name).toBe('prerenderingchange');
      options.ahead?.push(listener);
    },
    currentScript: {
      src: `${api.url}/t/v1.js${options.script?.query ?? ''}`,
      getAttribute: (name: string) => attributes[name] ?? null,
    },
    referrer: 'https://blog.example/post?who=me',
    readyState: 'complete',
    querySelectorAll: () => (options.frames ?? []).map((frame) => Object.assign(frame, { tagName: 'IFRAME' })),
    get cookie() {
      return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    },
    set cookie(text: string) {
      const [pair = '', ...rest] = text.split('; ');
      const [name = '', value = ''] = pair.split('=');
      if (rest.includes('Max-Age=0')) cookies.delete(name);
      else cookies.set(name, value);
    },
  };
  const window: Record<string, unknown> = {
    location,
    navigator: { globalPrivacyControl: options.gpc === true },
    performance: { getEntriesByType: () => [{ type: options.shown ?? 'navigate' }] },
    fetch: (url: string, init: { readonly method: string; readonly body: string }) => {
      calls.push(`${init.method} ${new URL(url).pathname}`);
      expect(init).toMatchObject({ credentials: 'omit', mode: 'cors', keepalive: true });
      // What a browser adds by itself.
      return fetch(url, {
        method: 'POST',
        body: init.body,
        headers: {
          'content-type': 'text/plain;charset=UTF-8',
          origin: options.origin ?? location.origin,
          'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
          ...(options.gpc === true ? { 'sec-gpc': '1' } : {}),
        },
      });
    },
    ...(options.early === undefined ? {} : { tributary: { q: options.early } }),
  };
  new Script(source).runInContext(createContext({ window, document, URL, Promise, Error, TypeError, JSON, String }));
  return {
    cookies,
    calls,
    window,
    tributary: (...args) =>
      (window['tributary'] as (...all: readonly unknown[]) => Promise<{ readonly id: string }>)(...args),
  };
}

const ready = (page: Page) => new Promise<string | null>((resolve) => void page.tributary('ready', resolve));

async function click(): Promise<string> {
  const id = newId('click');
  const link = await owner('links').where({ affiliate_id: affiliateId }).first<{ id: string }>('id');
  await owner('clicks').insert({
    id,
    workspace_id: shop.id,
    mode: 'live',
    link_id: link.id,
    affiliate_id: affiliateId,
    program_id: programId,
    credit: 'credited',
  });
  return id;
}

test('the script weighs at most 2 kB, is cached an hour, and answers 304 to who has it', async () => {
  expect(gzipSync(source).length).toBeLessThanOrEqual(2_048);
  const answer = await fetch(`${api.url}/t/v1.js`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('text/javascript');
  expect(answer.headers.get('cache-control')).toBe('public, max-age=3600');
  const etag = answer.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
  expect(
    (await fetch(`${api.url}/t/v1.js`, { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } })).status,
  ).toBe(304);
  expect(source).not.toMatch(/eval|innerHTML|new Function|document\.write|localStorage/);
});

test('TRK-12: the snippet on an outside page records a visit of a landing with a click id, keeps the id in a cookie of the page itself, and the next page knows it', async () => {
  const id = await click();
  const landing = open(`https://shop.example/pricing?click_id=${id}&utm=x`);
  expect(await ready(landing)).toBe(id);
  expect(landing.calls).toEqual(['POST /t/visit']);
  expect(landing.cookies).toEqual(new Map([['trb_click', id]]));
  const visit = await owner('visits').where({ click_id: id }).first<{ url: string }>('url');
  expect(visit.url).toBe('https://shop.example/pricing');

  const next = open('https://shop.example/checkout', { cookies: landing.cookies });
  expect(await ready(next)).toBe(id);
});

test('where neither address nor cookie says anything, nothing is sent', async () => {
  const page = open('https://shop.example/?click_id=<script>', { cookies: new Map([['trb_click', 'x']]) });
  expect(await ready(page)).toBeNull();
  expect(page.calls).toEqual([]);
});

test('lead and sale are reported with the click; a page that is not listed is told so', async () => {
  const id = await click();
  const page = open(`https://shop.example/?click_id=${id}`);
  const lead = await page.tributary('lead', { email: 'jo@buyer.example', name: 'Jo', externalId: 'form-1' });
  const stored = (await api.as(shop.key, `/v1/leads/${lead.id}`)).body;
  expect(stored).toMatchObject({ channel: 'script', externalId: 'form-1', attribution: { clickId: id } });
  const sale = await page.tributary('sale', { externalId: 'o-1', amount: 12.5, currency: 'USD' });
  expect((await api.as(shop.key, `/v1/sales/${sale.id}`)).body).toMatchObject({
    channel: 'script',
    inReview: true,
    amount: { amount: '12.50', currency: 'USD' },
  });
  await expect(page.tributary('sale', { externalId: 'o-2', currency: 'USD' })).rejects.toThrow('validation_failed');

  const foreign = open(`https://evil.example/?click_id=${id}`);
  await expect(foreign.tributary('lead', { email: 'eve@buyer.example' })).rejects.toThrow('csrf_failed');
});

test('calls made before the script arrived are made then', async () => {
  const id = await click();
  const told: (string | null)[] = [];
  const page = open(`https://shop.example/?click_id=${id}`, {
    early: [
      ['ready', (clickId: string | null) => void told.push(clickId)],
      ['lead', { email: 'early@buyer.example' }],
    ],
  });
  await ready(page);
  expect(told).toEqual([id]);
  await eventually(
    async () => (await owner('leads').where({ email: 'early@buyer.example' }).first('id')) !== undefined,
  );
});

test('LNK-06: a direct link makes click and visit together', async () => {
  await api.as(shop.key, '/v1/links', {
    body: { affiliateId, programId, kind: 'direct', slug: 'ada-direct', destinationUrl: 'https://shop.example/deal' },
  });
  const page = open('https://shop.example/deal?via=ada-direct&sid=kw7');
  const id = await ready(page);
  expect(id).toMatch(/^clk_/);
  expect(await owner('clicks').where({ id }).first('sub1', 'credit')).toEqual({ sub1: 'kw7', credit: 'credited' });
  expect(await owner('visits').where({ click_id: id })).toHaveLength(1);
});

const clicksOf = (link: string) =>
  owner('clicks')
    .whereIn('link_id', owner('links').where({ slug: link }).select('id'))
    .orderBy('created_at')
    .select('id');

test('TRK-21, LNK-06: a direct link shown once more, or allowed a cookie afterwards, is one click; followed again it is two and one visit', async () => {
  await api.as(shop.key, '/v1/links', {
    body: { affiliateId, programId, kind: 'direct', slug: 'ada-once', destinationUrl: 'https://shop.example/once' },
  });
  const address = 'https://shop.example/once?via=ada-once';
  const first = open(address);
  const id = await ready(first);
  await first.tributary('consent', 'granted');
  for (const shown of ['reload', 'back_forward'] as const)
    expect(await ready(open(address, { cookies: first.cookies, shown }))).toBe(id);
  expect(await clicksOf('ada-once')).toEqual([{ id }]);

  const again = await ready(open(address, { cookies: first.cookies }));
  expect(await clicksOf('ada-once')).toEqual([{ id }, { id: again }]);
  expect(await owner('visits').whereIn('click_id', [id, again])).toHaveLength(1);
});

test.each(['ref', 'fpr', 'a_aid', 'orid', 'aff', 'p'])(
  'a direct link may name its code as %s (api.md 4.1)',
  async (name) => {
    const slug = `ada-by-${name.replace('_', '-')}`;
    await api.as(shop.key, '/v1/links', {
      body: { affiliateId, programId, kind: 'direct', slug, destinationUrl: 'https://shop.example/other' },
    });
    const id = await ready(open(`https://shop.example/other?subid=low&${name}=${slug}&sub1=high`));
    expect(await owner('clicks').where({ id }).first('sub1')).toEqual({ sub1: 'high' });
    expect(await clicksOf(slug)).toEqual([{ id }]);
  },
);

test('what other sites mean by such a name makes no click, and a click that the page knows stays known', async () => {
  const id = await click();
  const cookies = new Map([['trb_click', id]]);
  for (const query of ['?p=2', '?ref=news%20letter', '?ref=newsletter'])
    expect(await ready(open(`https://shop.example/list${query}`, { cookies }))).toBe(id);
  const nobody = open('https://shop.example/list?ref=newsletter');
  expect(await ready(nobody)).toBeNull();
  expect([...nobody.cookies]).toEqual([]);
});

test('TRK-12: a tag manager that drops the key’s attribute may leave it in the address of the script', async () => {
  const id = await click();
  const page = open(`https://shop.example/?click_id=${id}`, { script: { query: `?key=${key}`, isBare: true } });
  expect(await ready(page)).toBe(id);
  expect(page.cookies.get('trb_click')).toBe(id);
  const served = await fetch(`${api.url}/t/v1.js?key=${key}`);
  expect([served.status, await served.text()]).toEqual([200, source]);
});

test('TRK-03: a page that a browser draws ahead was seen by nobody until the visitor comes', async () => {
  const ahead: (() => void)[] = [];
  const id = await click();
  const page = open(`https://shop.example/?click_id=${id}`, { ahead });
  expect(page.calls).toEqual([]);
  ahead.forEach((come) => {
    come();
  });
  await ready(page);
  expect(page.calls).toEqual(['POST /t/visit']);
  expect(await owner('visits').where({ click_id: id })).toHaveLength(1);
});

test('TRK-28: consent refused, no cookie is left and none is written; given, the id is kept; Global Privacy Control is a refusal', async () => {
  const id = await click();
  const page = open(`https://shop.example/?click_id=${id}`);
  await ready(page);
  await page.tributary('consent', 'denied');
  await eventually(() => page.calls.length === 2);
  expect([...page.cookies]).toEqual([['trb_consent', 'denied']]);
  await page.tributary('consent', 'granted');
  expect(page.cookies.get('trb_click')).toBe(id);
  expect(() => page.tributary('consent', 'maybe')).toThrow(/granted or denied/);

  const private_ = open(`https://shop.example/?click_id=${await click()}`, { gpc: true });
  await ready(private_);
  expect([...private_.cookies]).toEqual([]);
});

test('our own forms on the page carry the click id in their address, so that no third-party cookie is needed (TRK-13)', async () => {
  const id = await click();
  const frames = [{ src: `${api.url}/f/frm_1?lang=en` }, { src: `${api.url}/f/frm_2?click_id=clk_other` }];
  await ready(open(`https://shop.example/?click_id=${id}`, { frames }));
  expect(frames.map(({ src }) => src)).toEqual([
    `${api.url}/f/frm_1?lang=en&click_id=${id}`,
    `${api.url}/f/frm_2?click_id=clk_other`,
  ]);
});
