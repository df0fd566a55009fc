import { afterAll, beforeAll, expect, test } from 'vitest';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import { findLink } from '../../../db/directory.js';
import { inWorkspace, readWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { eventually } from '../../support/eventually.js';
import { dataOf, makeAffiliate, makeProgram, saveSettings } from '../program/support.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import type { TestApi, TestWorkspace } from '../support.js';
import { browser, clickIdOf } from './world.js';

let world: EarningWorld;
let api: TestApi;
let ws: TestWorkspace;
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
  ({ api, ws } = world);
  programId = await world.program({
    destinationHosts: ['shop.example', 'good.example'],
    fallbackUrl: 'https://shop.example/fallback',
  });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  affiliateId = await makeAffiliate(api, ws, [programId]);
});
afterAll(() => world.close());

const create = (body: Readonly<Record<string, unknown>>, workspace = ws) =>
  api.as(workspace.key, '/v1/links', { body: { affiliateId, programId, ...body } });
const edit = (id: string, body: Readonly<Record<string, unknown>>) =>
  api.as(ws.key, `/v1/links/${id}`, { method: 'PATCH', body });
const countLinks = () => readWorkspace(api.db, ws.id, async (tx) => (await tx('links').select('id')).length);

const follow = (slug: string, query = '') =>
  fetch(`${api.url}/r/${slug}${query}`, { redirect: 'manual', headers: { 'user-agent': browser } });
interface Click {
  readonly id: string;
  readonly link_id: string;
  readonly affiliate_id: string;
  readonly credit: string;
  readonly credit_code: string | null;
}
const stored = async (response: Response): Promise<Click> => {
  const click = await world
    .owner('clicks')
    .where({ id: clickIdOf(response) })
    .first<Click | undefined>();
  if (click === undefined) throw new Error('the click was not stored');
  return click;
};
const clickOn = async (slug: string): Promise<Click> => stored(await follow(slug));
/** Where a redirect leads, without the click's id. */
const destinationOf = (response: Response): string =>
  (response.headers.get('location') ?? '').replace(/[?&]click_id=[^&]*/, '');
const usd = (amount: string) => ({ amount, currency: 'USD' });
let people = 0;
/** A lead and a sale of the person behind the click; answers whom each credits. */
async function creditsOf(clickId: string): Promise<{ readonly lead: unknown; readonly sale: unknown }> {
  const email = `link-${(people += 1)}@buyer.example`;
  const lead = await world.as('/v1/leads', { externalId: email, clickId, email, customerExternalId: email });
  expect(lead.status, lead.text).toBe(202);
  await world.settle();
  const sale = await world.sale({ externalId: email, customer: { externalId: email }, amount: usd('10.00') });
  const read = (await world.as(`/v1/leads/${String(lead.body['id'])}`)).body;
  return { lead: read['attribution'], sale: sale['attribution'] };
}

test('LNK-01: two affiliates never share a code, and what follows a click is of the one whose code it was', async () => {
  const other = await makeAffiliate(api, ws, [programId]);
  const of = async (id: string) =>
    dataOf(await api.as(ws.key, `/v1/links?affiliateId=${id}`)).map((one) => String(one['slug']));
  const [mine = ''] = await of(affiliateId);
  const [theirs = ''] = await of(other);
  expect(mine).not.toBe('');
  expect(theirs).not.toBe(mine);
  expect((await create({ affiliateId: other, slug: mine })).body).toMatchObject({ code: 'already_exists' });

  for (const [slug, owner] of [
    [mine, affiliateId],
    [theirs, other],
  ] as const) {
    const click = await clickOn(slug);
    expect(click.affiliate_id).toBe(owner);
    expect(await creditsOf(click.id)).toMatchObject({ lead: { affiliateId: owner }, sale: { affiliateId: owner } });
  }
});

test('LNK-03: a link leads to exactly the page of its type, and the visitor’s parameters are kept', async () => {
  for (const [destinationType, destinationUrl] of [
    ['landing', 'https://shop.example/welcome?page=1'],
    ['registration', 'https://shop.example/register'],
    ['product', 'https://shop.example/products/lamp?colour=red'],
  ] as const) {
    const made = await create({ destinationType, destinationUrl });
    expect(made).toMatchObject({ status: 201, body: { destinationType, destinationUrl } });
    const answer = await follow(String(made.body['slug']), '?utm_source=mail&sid=kw1');
    expect(answer.status).toBe(302);
    const sign = destinationUrl.includes('?') ? '&' : '?';
    expect(destinationOf(answer)).toBe(`${destinationUrl}${sign}utm_source=mail&sid=kw1`);
  }
  expect((await create({ destinationType: 'basket' })).status).toBe(422);
});

test('LNK-04: after its date a link goes to the fallback without credit; a touch of before stays valid', async () => {
  const made = await create({ slug: 'until-noon', expiresAt: '2099-01-01T00:00:00.000Z' });
  const before = await clickOn('until-noon');
  await inWorkspace(api.db, ws.id, (tx) =>
    tx('links').where({ id: made.body['id'] }).update({ expires_at: '2020-01-01T00:00:00.000Z' }),
  );
  const late = await eventually(async () => {
    const response = await follow('until-noon');
    return destinationOf(response) === 'https://shop.example/fallback' ? response : undefined;
  });
  expect(await stored(late)).toMatchObject({ credit: 'not_credited', credit_code: 'link_expired' });
  expect(late.headers.get('set-cookie')).toBeNull();
  expect((await api.as(ws.key, `/v1/links/${String(made.body['id'])}`)).body['status']).toBe('expired');
  expect(await creditsOf(before.id)).toMatchObject({ lead: { affiliateId }, sale: { affiliateId } });
});

test('LNK-05: the click is there when the 302 with its cookie is; an edited destination reaches what was published', async () => {
  const made = await create({ slug: 'published', destinationUrl: 'https://shop.example/old' });
  const first = await follow('published');
  expect([first.status, destinationOf(first)]).toEqual([302, 'https://shop.example/old']);
  expect(first.headers.get('set-cookie')).toContain(`trb_click=${(await stored(first)).id};`);
  await edit(made.body['id'], { destinationUrl: 'https://shop.example/new' });
  await eventually(async () => destinationOf(await follow('published')) === 'https://shop.example/new');
});

test('LNK-21, LNK-11: link, affiliate, enrolment and program decide on credit; one that is off still delivers the visitor, and the same link credits again', async () => {
  const cases = [
    { off: 'disable', on: 'enable', code: 'link_disabled', slug: 'gate-link' },
    { off: 'suspend', on: 'reactivate', code: 'affiliate_not_active', slug: 'gate-affiliate' },
    { off: 'pause', on: 'resume', code: 'enrolment_not_active', slug: 'gate-enrolment' },
    { off: 'pause', on: 'resume', code: 'program_not_active', slug: 'gate-program' },
  ] as const;
  // Side by side, each with its own program, affiliate and link: an edge follows a switch within two seconds.
  await Promise.all(
    cases.map(async ({ off, on, code, slug }) => {
      const own = await world.program({
        destinationHosts: ['shop.example'],
        fallbackUrl: 'https://shop.example/fallback',
        landingUrl: 'https://shop.example/landing',
      });
      const ada = await makeAffiliate(api, ws, [own]);
      const made = await create({ affiliateId: ada, programId: own, slug });
      const [enrolment] = dataOf(await api.as(ws.key, `/v1/affiliates/${ada}/enrolments`));
      const switched = {
        link_disabled: `/v1/links/${String(made.body['id'])}`,
        affiliate_not_active: `/v1/affiliates/${ada}`,
        enrolment_not_active: `/v1/enrolments/${String(enrolment?.['id'])}`,
        program_not_active: `/v1/programs/${own}`,
      }[code];
      const seen = async (credit: string, credited: string | null): Promise<Response> =>
        eventually(async () => {
          const response = await follow(slug);
          const click = await stored(response);
          return click.credit === credit && click.credit_code === credited ? response : undefined;
        });
      await seen('credited', null);
      expect(await api.as(ws.key, `${switched}/${off}`, { body: { reason: 'For a while' } }), code).toMatchObject({
        status: 200,
      });
      const delivered = await seen('not_credited', code);
      expect([delivered.status, delivered.headers.get('set-cookie')], code).toEqual([302, null]);
      expect(destinationOf(delivered)).toMatch(/^https:\/\/shop\.example\//);
      expect(await api.as(ws.key, `${switched}/${on}`, { body: { reason: 'Back' } }), code).toMatchObject({
        status: 200,
      });
      await seen('credited', null);
    }),
  );
});

test('LNK-22: nothing that comes with a call steers the redirect but a deep link inside the listed hosts', async () => {
  await create({ slug: 'steady', destinationUrl: 'https://shop.example/pricing' });
  for (const name of ['url', 'u', 'redirect', 'destination', 'next', 'destinationUrl']) {
    const target = destinationOf(await follow('steady', `?${name}=https://evil.example/`));
    expect(new URL(target).origin, name).toBe('https://shop.example');
  }
  expect(destinationOf(await follow('steady', '?to=https://evil.example/'))).toBe('https://shop.example/pricing');
  expect(destinationOf(await follow('steady', '?to=/terms'))).toBe('https://shop.example/terms');
});

test.each([
  'javascript:alert(1)',
  'java\nscript:alert(1)',
  '//evil.example',
  '/\\evil.example',
  'https:evil.example',
  'https:///evil.example',
  'https://good.example.evil.example',
  'https://evilgood.example',
  'https://good.example.',
  'https://GOOD.example:444',
  'https://user@good.example/',
  'http://localhost:3000/r/ada',
  'ftp://good.example/',
])('LNK-22: the destination %j is refused and nothing is stored', async (destinationUrl) => {
  const before = await countLinks();
  const answer = await create({ destinationUrl });
  expect([answer.status, answer.body['code']]).toEqual([422, 'url_not_allowed']);
  expect(await countLinks()).toBe(before);
});

test('a destination is stored as the parser writes it; a host of the workspace counts too', async () => {
  const made = await create({ destinationUrl: 'https://GOOD.example/a?b=1#c' });
  expect(made.body['destinationUrl']).toBe('https://good.example/a?b=1#c');
  expect((await create({ destinationUrl: 'https://blog.example/' })).status).toBe(422);
  await saveSettings(api, ws, { domains: { destinationHosts: ['blog.example'] } });
  expect((await create({ destinationUrl: 'https://blog.example/' })).status).toBe(201);
});

test.each(['admin', 'www', '..', '.well-known', 'index.html', 'con', 'nul', '-', '--', '%2e%2e', 'Ada-Spring', 'żółw'])(
  'LNK-02: the slug %j is refused',
  async (slug) => {
    const answer = await create({ slug });
    expect(answer.status).toBe(422);
    expect(answer.body['errors']).toMatchObject([{ pointer: '#/slug' }]);
  },
);

test('LNK-02: a slug belongs to one link for ever, in the whole installation; the old one goes on leading to its link', async () => {
  const first = await create({ slug: 'spring-deal' });
  expect(first.status, first.text).toBe(201);
  const id: string = first.body['id'];
  expect((await create({ slug: 'spring-deal' })).body).toMatchObject({ code: 'already_exists', field: 'slug' });

  const renamed = await edit(id, { slug: 'summer-deal' });
  expect(renamed.status, renamed.text).toBe(200);
  expect(renamed.body).toMatchObject({ slug: 'summer-deal', url: 'http://localhost:3000/r/summer-deal', version: 2 });
  expect((await findLink(api.db, 'spring-deal'))?.linkId).toBe(id);
  expect((await findLink(api.db, 'summer-deal'))?.linkId).toBe(id);
  for (const slug of ['spring-deal', 'summer-deal']) expect((await clickOn(slug)).link_id).toBe(id);
  expect((await create({ slug: 'spring-deal' })).status).toBe(409);

  const other = await api.makeWorkspace();
  const theirProgram = await makeProgram(api, other);
  const theirs = await makeAffiliate(api, other, [theirProgram]);
  const taken = await create({ slug: 'spring-deal', affiliateId: theirs, programId: theirProgram }, other);
  expect(taken.status).toBe(409);
  expect(taken.body['existingId']).toBeUndefined();

  await api.as(ws.key, `/v1/links/${id}/archive`, { body: {} });
  expect((await create({ slug: 'summer-deal' })).status).toBe(409);
  // Its own old slug it may take back, while it lives.
  const second = await create({ slug: 'autumn-deal' });
  await edit(second.body['id'], { slug: 'winter-deal' });
  expect((await edit(second.body['id'], { slug: 'autumn-deal' })).status).toBe(200);
});

test('LNK-11: enable, disable, archive: only the moves of the table, each with who decided; an archived one leaves the list', async () => {
  const made = await create({});
  const path = `/v1/links/${made.body['id']}`;
  const disabled = await api.as(ws.key, `${path}/disable`, { body: {} });
  expect(disabled.body).toMatchObject({
    status: 'disabled',
    credits: false,
    creditCode: 'link_disabled',
    allowedActions: ['enable', 'archive'],
    undo: { path: `${path}/enable` },
    decision: { verb: 'disable', by: { name: 'Ana' } },
  });
  expect((await api.as(ws.key, `${path}/disable`, { body: {} })).body).toMatchObject({
    code: 'already_decided',
    decidedBy: { name: 'Ana' },
  });
  expect((await api.as(ws.key, `${path}/enable`, { body: {} })).body['credits']).toBe(true);
  expect((await api.as(ws.key, `${path}/archive`, { body: { reason: 'Old' } })).body['status']).toBe('archived');
  expect((await api.as(ws.key, `${path}/enable`, { body: {} })).body['code']).toBe('transition_not_allowed');
  expect((await edit(made.body['id'], { campaign: 'x' })).status).toBe(409);
  const list = await api.as(ws.key, `/v1/links?affiliateId=${affiliateId}`);
  expect(dataOf(list).some((one) => one['id'] === made.body['id'])).toBe(false);
  const archived = await api.as(ws.key, '/v1/links?status=archived');
  expect(dataOf(archived).some((one) => one['id'] === made.body['id'])).toBe(true);
});

test('LNK-04: a link expires by the clock and comes back when its date is moved', async () => {
  const made = await create({ expiresAt: '2099-01-01T00:00:00.000Z' });
  const id: string = made.body['id'];
  await inWorkspace(api.db, ws.id, (tx) =>
    tx('links').where({ id }).update({ expires_at: '2020-01-01T00:00:00.000Z' }),
  );
  const late = await api.as(ws.key, `/v1/links/${id}`);
  expect(late.body).toMatchObject({ status: 'expired', creditCode: 'link_expired', allowedActions: ['archive'] });
  expect(dataOf(await api.as(ws.key, '/v1/links?status=expired')).map((one) => one['id'])).toContain(id);
  expect((await api.as(ws.key, `/v1/links/${id}/disable`, { body: {} })).body['code']).toBe('transition_not_allowed');
  expect((await edit(id, { expiresAt: '2020-01-01T00:00:00.000Z' })).status).toBe(422);
  expect((await edit(id, { expiresAt: null })).body).toMatchObject({ status: 'active', credits: true });
});

test('LNK-07: a direct link is made a standard one in one step; a standard one stays, a recruit link too', async () => {
  const made = await create({ kind: 'direct', slug: 'ada-converted', destinationUrl: 'https://shop.example/old' });
  const path = `/v1/links/${String(made.body['id'])}`;
  const converted = await api.as(ws.key, path, {
    method: 'PATCH',
    body: { kind: 'standard', destinationUrl: 'https://shop.example/new' },
  });
  expect(converted).toMatchObject({
    status: 200,
    body: { kind: 'standard', url: 'http://localhost:3000/r/ada-converted', warnings: [], version: 2 },
  });
  // Pages that were published with the identifier go on naming the link.
  expect(await findLink(api.db, 'ada-converted')).toMatchObject({ linkId: made.body['id'], kind: 'standard' });
  expect(await api.as(ws.key, path, { method: 'PATCH', body: { kind: 'standard' } })).toMatchObject({
    body: { version: 2 },
  });
  expect((await api.as(ws.key, path, { method: 'PATCH', body: { kind: 'direct' } })).status).toBe(422);
  const recruit = await create({ kind: 'recruit', slug: 'ada-recruits' });
  expect(
    (await api.as(ws.key, `/v1/links/${String(recruit.body['id'])}`, { method: 'PATCH', body: { kind: 'standard' } }))
      .status,
  ).toBe(422);
});

test('a direct link is the page itself; changing it warns that published ones break', async () => {
  const made = await create({ kind: 'direct', slug: 'ada-direct', destinationUrl: 'https://shop.example/?a=1' });
  expect(made.body['url']).toBe('https://shop.example/?a=1&via=ada-direct');
  const changed = await edit(made.body['id'], { destinationUrl: 'https://shop.example/new' });
  expect(changed.body['warnings']).toMatchObject([{ code: 'published_links_break' }]);
});

test('what a link needs must be there, in this workspace', async () => {
  expect((await create({ affiliateId: newId('affiliate') })).body['errors']).toMatchObject([
    { pointer: '#/affiliateId', code: 'not_found' },
  ]);
  const other = await api.makeWorkspace();
  const foreign = await makeProgram(api, other);
  expect((await create({ programId: foreign })).body['errors']).toMatchObject([{ pointer: '#/programId' }]);
  const made = await create({});
  expect((await api.as(other.key, `/v1/links/${made.body['id']}`)).status).toBe(404);
  const { key } = await api.makePerson(ws, ['developer']);
  expect((await api.as(key, `/v1/links/${made.body['id']}`)).body['allowedActions']).toEqual([]);
  expect((await api.as(key, `/v1/links/${made.body['id']}/disable`, { body: {} })).status).toBe(403);
});
