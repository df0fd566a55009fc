import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import { insertApiKey } from '../../../db/access/apiKey.js';
import { inWorkspace } from '../../../db/transaction.js';
import type { AffiliateId, ProgramId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { hashToken, newApiKey } from '../../../platform/secrets.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import { browser, clickIdOf, follow } from './world.js';

let api: TestApi;
let shop: TestWorkspace;
let owner: Knex;
let key: string;
let program: ProgramId;
let ada: AffiliateId;

beforeAll(async () => {
  api = await startTestApi({
    edge: (deps) =>
      clickEdge({
        ...deps,
        publicUrl: deps.config.http.publicUrl,
      }),
  });
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 2 } });
  shop = await api.makeWorkspace();
  await owner('settings')
    .where({ workspace_id: shop.id })
    .update({ sections: owner.raw(`jsonb_set(sections, '{domains,formDomains}', '["shop.example"]')`) });
  key = newApiKey('pk', 'live');
  await inWorkspace(api.db, shop.id, (tx, now) =>
    insertApiKey(tx, api.act(shop.id, now), {
      id: newId('apiKey'),
      name: 'script',
      kind: 'public',
      mode: 'live',
      tokenHash: hashToken(key),
      hint: key.slice(-4),
      publicKey: key,
      signingSecret: null,
      permissions: [],
      roleId: null,
      affiliateId: null,
      createdBy: shop.owner.id,
      expiresOn: null,
      ipRestricted: false,
      ipAllowList: [],
    }),
  );
  program = newId('program');
  await owner('programs').insert({
    workspace_id: shop.id,
    id: program,
    name: 'Spring',
    slug: program.slice(4),
    status: 'active',
    currency: 'USD',
    destination_hosts: ['shop.example'],
  });
  ada = newId('affiliate');
  const contact = newId('contact');
  await owner('contacts').insert({
    workspace_id: shop.id,
    id: contact,
    email: 'ada@blog.example',
    email_key: 'ada@blog.example',
  });
  await owner('affiliates').insert({
    workspace_id: shop.id,
    id: ada,
    contact_id: contact,
    name: 'Ada',
    email: 'ada@blog.example',
    status: 'approved',
  });
  await owner('enrolments').insert({
    workspace_id: shop.id,
    id: newId('enrolment'),
    affiliate_id: ada,
    program_id: program,
    status: 'active',
    joined_at: new Date(),
  });
  for (const [slug, kind] of [
    ['ada', 'standard'],
    ['ada-direct', 'direct'],
  ] as const)
    await owner('links').insert({
      workspace_id: shop.id,
      id: newId('link'),
      affiliate_id: ada,
      program_id: program,
      slug,
      kind,
      destination_url: 'https://shop.example/pricing',
      status: 'active',
    });
});

afterAll(async () => {
  await owner.destroy();
  await api.close();
});

beforeEach(async () => {
  await owner.raw(
    'truncate clicks, click_details, visits, referrals, touches, program_visitors, attributions, outbox cascade',
  );
});

interface Seen {
  readonly status: number;
  readonly body: {
    readonly clickId: string | null;
    readonly visitId: string | null;
    readonly counted: boolean;
    readonly cookieMaxAge: number | null;
    readonly code?: string;
  };
  readonly headers: Headers;
}

async function report(body: Record<string, unknown>, headers: Record<string, string> = {}): Promise<Seen> {
  const response = await fetch(`${api.url}/t/visit`, {
    method: 'POST',
    headers: {
      'content-type': 'text/plain;charset=UTF-8',
      origin: 'https://shop.example',
      'user-agent': browser,
      ...headers,
    },
    body: JSON.stringify({ key, url: 'https://shop.example/pricing?email=jo@buyer.example#x', ...body }),
  });
  return { status: response.status, body: (await response.json()) as Seen['body'], headers: response.headers };
}

test('a page view of a click is a visit, moves the journey to stage visit, and counts once a day (TRK-03)', async () => {
  const clickId = clickIdOf(await follow(`${api.url}/r/ada`));

  const first = await report({ clickId });
  const reload = await report({ clickId }, { 'content-type': 'application/json' });

  expect(first.status).toBe(200);
  expect(first.body).toMatchObject({ clickId, counted: true, cookieMaxAge: 2_592_000 });
  expect(first.headers.get('access-control-allow-origin')).toBe('https://shop.example');
  expect(reload.body).toMatchObject({ clickId, visitId: first.body.visitId, counted: false });
  const [visit, ...more] = await owner('visits').select<{ url: string; referral_id: string }[]>('*');
  expect(more).toEqual([]);
  expect(visit?.url).toBe('https://shop.example/pricing');
  expect(await owner('referrals').where({ id: visit?.referral_id }).first()).toMatchObject({
    status: 'tracking',
    stage: 'visit',
  });

  await owner('visits').update({ day: '2020-01-01' });
  expect((await report({ clickId })).body.counted).toBe(true);

  const listed = await api.as(shop.key, `/v1/visits?affiliateId=${ada}`);
  expect((listed.body['data'] as unknown as readonly unknown[]).length).toBe(2);
});

test('TRK-21: five clicks of one visitor on one day are five clicks and one visit; one more the next day are six and two; a reload is neither', async () => {
  let previous = '';
  for (let n = 0; n < 5; n += 1) {
    const cookie: Record<string, string> = previous === '' ? {} : { cookie: `trb_click=${previous}` };
    previous = clickIdOf(await follow(`${api.url}/r/ada`, cookie));
    await report({ clickId: previous });
  }

  const counted = async () => [
    await owner('clicks').count<{ count: string }[]>(),
    await owner('visits').count<{ count: string }[]>(),
  ];
  expect(await counted()).toEqual([[{ count: '5' }], [{ count: '1' }]]);
  await owner('visits').update({ day: '2020-01-01' }); // a day has passed
  previous = clickIdOf(await follow(`${api.url}/r/ada`, { cookie: `trb_click=${previous}` }));
  await report({ clickId: previous });
  expect(await counted()).toEqual([[{ count: '6' }], [{ count: '2' }]]);
  await report({ clickId: previous });
  expect(await counted()).toEqual([[{ count: '6' }], [{ count: '2' }]]);
  expect(await owner('referrals').count<{ count: string }[]>()).toEqual([{ count: '1' }]);
});

test('LNK-06: a direct link makes click and visit together, and the next one belongs to the same visitor', async () => {
  const first = await report({
    via: 'ada-direct',
    url: 'https://shop.example/?via=ada-direct&sid=kw9',
    referrer: 'https://blog.example/',
  });
  expect(first.body.counted).toBe(true);
  const click = await owner('clicks').where({ id: first.body.clickId }).first<Record<string, unknown>>();
  expect(click).toMatchObject({
    credit: 'credited',
    sub1: 'kw9',
    referrer: 'https://blog.example/',
    affiliate_id: ada,
  });

  const second = await report({ via: 'ada-direct', clickId: first.body.clickId });

  expect(second.body.counted).toBe(false);
  expect(await owner('clicks').count<{ count: string }[]>()).toEqual([{ count: '2' }]);
  expect(await owner('referrals').count<{ count: string }[]>()).toEqual([{ count: '1' }]);
});

test('TRK-28: refused consent where it is required: the click counts, credits nobody and leaves no cookie', async () => {
  await owner('programs')
    .where({ id: program })
    .update({ own_terms: JSON.stringify({ consentMode: 'required' }) });

  const denied = await report({ via: 'ada-direct', consent: 'denied' });
  const granted = await report({ via: 'ada-direct', consent: 'granted' });
  await owner('programs').where({ id: program }).update({ own_terms: '{}' });

  expect(denied.body).toMatchObject({ counted: false, visitId: null, cookieMaxAge: 0 });
  expect(await owner('clicks').where({ id: denied.body.clickId }).first()).toMatchObject({
    credit_code: 'consent_refused',
  });
  expect(granted.body).toMatchObject({ counted: true, cookieMaxAge: 2_592_000 });
});

test('SET-05: how long a page may keep the click of a redirect is the program’s own term before the workspace’s', async () => {
  const kept = async (terms: Record<string, unknown>) => {
    await owner('programs')
      .where({ id: program })
      .update({ own_terms: JSON.stringify(terms) });
    const clickId = clickIdOf(await follow(`${api.url}/r/ada`));
    return (await report({ clickId })).body.cookieMaxAge;
  };

  expect(await kept({ cookie: 'none' })).toBe(0);
  expect(await kept({ cookie: 'session' })).toBeNull();
  // The edge may still know the link by the window that the tests before gave it, for as long as it keeps what it read.
  await expect.poll(() => kept({}), { timeout: 20_000 }).toBe(2_592_000);
});

test('TRK-03: bots, unknown clicks and clicks that credit nobody are no visits', async () => {
  const clickId = clickIdOf(await follow(`${api.url}/r/ada`));
  const filtered = clickIdOf(await follow(`${api.url}/r/ada`, { 'user-agent': 'curl/8.5.0' }));

  expect((await report({ clickId }, { 'user-agent': 'Googlebot/2.1' })).body.counted).toBe(false);
  expect((await report({ clickId: filtered })).body).toMatchObject({
    clickId: filtered,
    counted: false,
    visitId: null,
  });
  expect((await report({ clickId: newId('click') })).body).toMatchObject({ clickId: null, counted: false });
  expect((await report({ clickId: "' or 1=1" })).body.counted).toBe(false);
  expect((await report({ via: 'nobody' })).body.counted).toBe(false);
  expect(await owner('visits').count<{ count: string }[]>()).toEqual([{ count: '0' }]);
});

test.each([
  ['an unknown key', { key: 'pk_live_x' }, {}, 422],
  ['a page that is not listed', {}, { origin: 'https://shop.example.evil.example' }, 403],
  ['a page that only ends alike', {}, { origin: 'https://evilshop.example' }, 403],
  ['no page at all', {}, { origin: 'null' }, 403],
  ['an unknown field', { workspace: 'ws_1' }, {}, 422],
  ['an unknown consent', { consent: 'maybe' }, {}, 422],
  ['another content type', {}, { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['a body too large', { url: 'x'.repeat(40_000) }, {}, 413],
] as const)('refused without a trace: %s', async (_what, body, headers, status) => {
  const seen = await report({ via: 'ada-direct', ...body }, headers as Record<string, string>);

  expect(seen.status).toBe(status);
  expect(seen.headers.get('access-control-allow-origin')).toBeNull();
  expect(await owner('clicks').count<{ count: string }[]>()).toEqual([{ count: '0' }]);
});
