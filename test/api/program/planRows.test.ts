import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import type { Duration } from '../../../domain/time.js';
import { newId } from '../../../platform/newId.js';
import { eventually } from '../../support/eventually.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';
import { saveSettings } from './support.js';

// Programs and commission rules, row by row of features.md 1 and 2, as far as no other file holds the row.

vi.setConfig({ testTimeout: 120_000 }); // one or two seconds each, many times that beside a busy machine's other work

const usd = (amount: string) => ({ amount, currency: 'USD' });
const percent = (ratePpm: number, level = 1) => ({ level, kind: 'percent', ratePpm });

let world: EarningWorld;
beforeAll(async () => {
  world = await createEarningWorld({
    edge: (deps) => clickEdge({ ...deps, publicUrl: deps.config.http.publicUrl }),
  });
}, 60_000);
afterAll(() => world?.close());

const byText = (a: unknown, b: unknown): number => String(a).localeCompare(String(b));

interface Scene {
  readonly programId: string;
  readonly affiliateId: string;
  readonly rule: Json;
}

async function scene(
  rule: Readonly<Record<string, unknown>>,
  program: Readonly<Record<string, unknown>> = {},
): Promise<Scene> {
  const programId = await world.program(program);
  const made = await world.rule({ scope: 'program', programId, event: 'payment', levels: [percent(100_000)], ...rule });
  expect(made.status, made.text).toBe(201);
  const affiliateId = await world.affiliate(programId);
  await world.owner('agreements').where({ program_id: programId }).update({ must_accept: false });
  return { programId, affiliateId, rule: made.body };
}

/** A sale to a new customer who came by the affiliate's link. */
async function sell(
  of: Pick<Scene, 'programId' | 'affiliateId'>,
  amount: string,
  body: Readonly<Record<string, unknown>> = {},
): Promise<Json> {
  const key = newId('sale');
  return world.sale({
    externalId: key,
    customer: { externalId: key, email: `${key}@buyer.example` },
    clickId: await world.click(of),
    amount: usd(amount),
    ...body,
  });
}
const linesOf = (sale: unknown): Promise<readonly Json[]> => world.commissions(`saleId=${(sale as Json)['id']}`);
const earned = async (sale: unknown): Promise<readonly unknown[]> =>
  (await linesOf(sale)).map((line) => line['amount']['amount']);

async function quote(of: Scene, sale: Readonly<Record<string, unknown>>, event = 'payment'): Promise<Json> {
  const answer = await world.as('/v1/commission-rules/quote', {
    programId: of.programId,
    affiliateId: of.affiliateId,
    event,
    sale,
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}
const quoted = async (of: Scene, sale: Readonly<Record<string, unknown>>): Promise<unknown> => {
  const { commissions, noCommissionCode } = await quote(of, sale);
  return noCommissionCode ?? itemsOf(commissions)[0]?.['amount'];
};

async function patch(path: string, body: Readonly<Record<string, unknown>>): Promise<Json> {
  const { version } = (await world.as(path)).body;
  const answer = await world.api.as(world.ws.key, path, {
    method: 'PATCH',
    body,
    headers: { 'If-Match': `"${version}"` },
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}
const portalOf = async (affiliateId: string): Promise<string> =>
  (await world.api.makePerson(world.ws, [], { affiliateId, permissions: ['me.read'] })).key;
const productOf = async (programId: string): Promise<string> =>
  itemsOf((await world.as(`/v1/programs/${programId}/products`)).body['data'])[0]?.['productId'] ?? '';

test('PRG-01: a named program stands in the list; no name, or one that is used, is refused at its field', async () => {
  const name = `Autumn ${newId('program').slice(-6)}`;
  const made = await world.as('/v1/programs', { name, currency: 'USD' });
  expect(made.status, made.text).toBe(201);
  const listed = itemsOf((await world.as(`/v1/programs?q=${encodeURIComponent(name)}`)).body['data']);
  expect(listed.map((one) => [one['id'], one['name'], one['status']])).toEqual([[made.body['id'], name, 'draft']]);
  const empty = await world.as('/v1/programs', { name: '  ', currency: 'USD' });
  expect([empty.status, empty.body['errors']?.[0]?.['pointer']]).toEqual([422, '#/name']);
  const again = await world.as('/v1/programs', { name, currency: 'USD' });
  expect([again.status, again.body['code'], again.body['field']]).toEqual([409, 'already_exists', 'name']);
});

test('PRG-02, RUL-07: one level pays the seller alone; two pay the recruiter a line of its own, and ask for its rate, which may be 0', async () => {
  const one = await scene({});
  const seller = { ...one, affiliateId: await world.affiliate(one.programId, { recruiterId: one.affiliateId }) };
  expect(await earned(await sell(seller, '100.00'))).toEqual(['10.00']);

  const programId = await world.program({ levels: 2 });
  const rule = (levels: readonly unknown[]) => world.rule({ scope: 'program', programId, event: 'payment', levels });
  const missing = await rule([percent(100_000)]);
  expect([missing.status, missing.body['code'], missing.body['conflicts']?.[0]?.['code']]).toEqual([
    422,
    'rule_conflict',
    'level_missing',
  ]);
  const zero = await rule([percent(100_000), percent(0, 2)]);
  expect(zero.status, zero.text).toBe(201);
  const recruiter = await world.affiliate(programId);
  const recruit = { programId, affiliateId: await world.affiliate(programId, { recruiterId: recruiter }) };
  expect(await earned(await sell(recruit, '100.00'))).toEqual(['10.00']);
  await patch(`/v1/commission-rules/${zero.body['id']}`, {
    levels: [percent(100_000), { level: 2, kind: 'flat', amount: usd('3.00') }],
  });
  const both = await linesOf(await sell(recruit, '100.00'));
  expect(both.map((line) => [line['level'], line['affiliateId'], line['amount']['amount']]).toSorted(byText)).toEqual([
    [1, recruit.affiliateId, '10.00'],
    [2, recruiter, '3.00'],
  ]);
});

test('RUL-07: a program that goes to two levels keeps what was earned, pays the recruiter once a rule says how much, and never for before', async () => {
  const at = await scene({});
  const seller = { ...at, affiliateId: await world.affiliate(at.programId, { recruiterId: at.affiliateId }) };
  const before = await sell(seller, '100.00');
  const { version } = (await world.as(`/v1/programs/${at.programId}`)).body;
  const raised = await world.api.as(world.ws.key, `/v1/programs/${at.programId}`, {
    method: 'PATCH',
    body: { levels: 2 },
    headers: { 'If-Match': `"${version}"` },
  });
  expect([raised.status, raised.body['levels']], raised.text).toEqual([200, 2]);
  // No rule names level 2 yet: the recruiter earns nothing, and the seller what it did.
  expect(await earned(await sell(seller, '100.00'))).toEqual(['10.00']);
  await patch(`/v1/commission-rules/${at.rule['id']}`, { levels: [percent(100_000), percent(20_000, 2)] });
  const after = await linesOf(await sell(seller, '100.00'));
  expect(after.map((line) => [line['level'], line['affiliateId'], line['amount']['amount']]).toSorted(byText)).toEqual([
    [1, seller.affiliateId, '10.00'],
    [2, at.affiliateId, '2.00'],
  ]);
  expect(await earned(before)).toEqual(['10.00']);
  // A refund of the older sale finds one line, and takes back of that one alone.
  const refund = await world.as(`/v1/sales/${before['id']}/refunds`, { externalId: newId('refund') });
  expect(refund.status, refund.text).toBe(202);
  await world.settle();
  expect((await linesOf(before)).map((line) => [line['level'], line['status']])).toEqual([[1, 'rejected']]);
  expect(await world.broken()).toEqual([]);
});

test('screens 3.5: a rule of one affiliate has a first and a last moment; behind it the wider one pays, and the next may follow', async () => {
  const at = await scene({});
  const from = new Date(Date.now() + 86_400_000).toISOString();
  const to = new Date(Date.now() + 3 * 86_400_000).toISOString();
  const before = (instant: string): string => new Date(Date.parse(instant) - 1).toISOString();
  const place = { scope: 'affiliate', affiliateId: at.affiliateId, programId: at.programId, event: 'payment' };
  const own = (body: Readonly<Record<string, unknown>>) =>
    world.rule({ ...place, levels: [percent(230_000)], name: 'Spring', ...body });
  const paidAt = async (occurredAt: string): Promise<unknown> => {
    const answer = await world.as('/v1/commission-rules/quote', {
      programId: at.programId,
      affiliateId: at.affiliateId,
      event: 'payment',
      occurredAt,
      sale: { amount: usd('100.00') },
    });
    expect(answer.status, answer.text).toBe(200);
    return itemsOf(answer.body['commissions'])[0]?.['amount']['amount'];
  };
  const pointer = async (answer: Promise<{ status: number; body: Json }>): Promise<unknown> => {
    const { status, body } = await answer;
    return [status, body['errors']?.[0]?.['pointer']];
  };
  expect(await pointer(own({ effectiveFrom: from, effectiveTo: from }))).toEqual([422, '#/effectiveTo']);
  expect(await pointer(own({ effectiveTo: new Date(0).toISOString() }))).toEqual([422, '#/effectiveTo']);
  const wide = { scope: 'global', event: 'transaction', transactionType: newId('sale'), levels: [percent(1)] };
  expect(await pointer(world.rule({ ...wide, effectiveTo: to }))).toEqual([422, '#/effectiveTo']);

  const made = await own({ effectiveFrom: from, effectiveTo: to });
  expect([made.status, made.body['status'], made.body['effectiveTo']], made.text).toEqual([201, 'active', to]);
  expect(await Promise.all([before(from), from, before(to), to].map(paidAt))).toEqual([
    '10.00',
    '23.00',
    '23.00',
    '10.00',
  ]);
  // One place, one rule at a time.
  const meeting = await own({ effectiveFrom: before(to) });
  expect([meeting.body['code'], meeting.body['conflicts']?.[0]?.['code']]).toEqual(['rule_conflict', 'same_scope']);
  const next = await own({ effectiveFrom: to, levels: [percent(300_000)], name: 'Summer' });
  expect(next.status, next.text).toBe(201);
  expect(await Promise.all([before(to), to].map(paidAt))).toEqual(['23.00', '30.00']);
  const path = `/v1/commission-rules/${made.body['id']}`;
  const longer = await world.api.as(world.ws.key, path, {
    method: 'PATCH',
    body: { effectiveTo: null },
    headers: { 'If-Match': '"1"' },
  });
  expect([longer.status, longer.body['conflicts']?.[0]?.['ruleId']], longer.text).toEqual([422, next.body['id']]);
  // What it would have cost is asked of a draft that follows another as of any other.
  const draft = { ...place, levels: [percent(50_000)], effectiveTo: before(to) };
  const early = await world.as('/v1/commission-rules/simulate', { draft });
  expect(early.body['conflicts']?.[0]?.['code']).toBe('same_scope');
  const fits = await world.as('/v1/commission-rules/simulate', { draft: { ...draft, effectiveTo: from } });
  expect(fits.status, fits.text).toBe(200);

  // A change that says nothing of the end keeps it; an end of its own moves it.
  expect((await patch(path, { name: 'Spring sale' }))['effectiveTo']).toBe(to);
  await patch(`/v1/commission-rules/${next.body['id']}`, { effectiveTo: new Date(Date.parse(to) + 1).toISOString() });
  expect(await Promise.all([to, new Date(Date.parse(to) + 1).toISOString()].map(paidAt))).toEqual(['30.00', '10.00']);

  // Behind its end it is an ended one, in its state and in the list's filter, and changes no more.
  await world
    .owner('commission_rules')
    .where({ id: made.body['id'] })
    .update({ ended_at: new Date(Date.now() - 1) });
  const listed = async (status: string): Promise<unknown> =>
    itemsOf((await world.as(`/v1/commission-rules?affiliateId=${at.affiliateId}&status=${status}`)).body['data']).map(
      (one) => [one['name'], one['status']],
    );
  expect([await listed('active'), await listed('ended')]).toEqual([[['Summer', 'active']], [['Spring sale', 'ended']]]);
  const late = await world.api.as(world.ws.key, path, {
    method: 'PATCH',
    body: { effectiveTo: null },
    headers: { 'If-Match': '"2"' },
  });
  expect(late.status).toBe(404);
});

test("PRG-21: an affiliate has a model of its own, in place of the program's, for what comes; only who may write rules sets it", async () => {
  const at = await scene({});
  const path = `/v1/affiliates/${at.affiliateId}`;
  expect(await earned(await sell(at, '100.00'))).toEqual(['10.00']);
  expect((await world.as(path)).body['acquisitionModel']).toBeNull();
  expect((await patch(path, { acquisitionModel: 'cpl' }))['acquisitionModel']).toBe('cpl');
  const unpaid = await sell(at, '100.00');
  expect([unpaid['noCommissionCode'], await earned(unpaid)]).toEqual(['not_commissionable', []]);
  expect(await quoted(at, { amount: usd('100.00') })).toBe('not_commissionable');
  // Who shares the program is paid as before.
  expect(await earned(await sell({ ...at, affiliateId: await world.affiliate(at.programId) }, '100.00'))).toEqual([
    '10.00',
  ]);
  await patch(path, { acquisitionModel: 'cpa' });
  const key = newId('sale');
  const customer = { externalId: key, email: `${key}@buyer.example` };
  const clickId = await world.click(at);
  const first = await world.sale({ externalId: `${key}-1`, customer, clickId, amount: usd('100.00') });
  const second = await world.sale({ externalId: `${key}-2`, customer, amount: usd('100.00') });
  expect([await earned(first), second['noCommissionCode']]).toEqual([['10.00'], 'not_first_payment']);
  await patch(path, { acquisitionModel: null });
  expect(await earned(await sell(at, '100.00'))).toEqual(['10.00']);

  const manager = await world.api.makePerson(world.ws, ['affiliate_manager']);
  const { version } = (await world.as(path)).body;
  const refused = await world.api.as(world.ws.key, path, {
    method: 'PATCH',
    body: { acquisitionModel: 'lifetime' },
    headers: { 'If-Match': `"${version}"` },
  });
  expect([refused.status, refused.body['errors']?.[0]?.['pointer']]).toEqual([422, '#/acquisitionModel']);
  await world.owner('affiliates').where({ id: at.affiliateId }).update({ manager_id: manager.user.id });
  const forbidden = await world.api.as(manager.key, path, {
    method: 'PATCH',
    body: { acquisitionModel: 'cpl' },
    headers: { 'If-Match': `"${version}"` },
  });
  expect([forbidden.status, forbidden.body['missingPermission']], forbidden.text).toEqual([403, 'rule.write']);
});

test('PRG-04: switched to anonymous, lists, single reads and files of an affiliate show a neutral reference, also for what was before', async () => {
  const at = await scene({}, { customerVisibility: 'full' });
  const email = `${newId('contact')}@buyer.example`;
  const lead = await world.as('/v1/leads', {
    externalId: newId('lead'),
    clickId: await world.click(at),
    email,
    name: 'Josephine Buyer',
    customerExternalId: email,
  });
  expect(lead.status, lead.text).toBe(202);
  await world.settle();
  await world.sale({ externalId: newId('sale'), customer: { externalId: email }, amount: usd('50.00') });
  const portal = await portalOf(at.affiliateId);
  const paths = ['/v1/me/commissions', '/v1/me/referrals', '/v1/me/lead-log'];
  const texts = async (): Promise<readonly string[]> => {
    const all: string[] = [];
    for (const path of [...paths, ...paths.map((one) => `${one}?format=csv`)]) {
      const answer = await world.api.as(portal, path);
      expect(answer.status, `${path}: ${answer.text}`).toBe(200);
      all.push(answer.text);
    }
    const [referral] = itemsOf((await world.api.as(portal, '/v1/me/referrals')).body['data']);
    all.push((await world.api.as(portal, `/v1/me/referrals/${referral?.['id']}`)).text);
    return all;
  };
  for (const text of await texts()) expect(text).toContain(email);
  await patch(`/v1/programs/${at.programId}`, { customerVisibility: 'name_only' });
  for (const text of await texts()) {
    expect(text).not.toContain(email);
    expect(text).toContain('Josephine');
  }
  await patch(`/v1/programs/${at.programId}`, { customerVisibility: 'anonymous' });
  for (const text of await texts()) {
    expect(text).not.toContain('Josephine');
    expect(text).not.toContain(email);
    expect(text).toMatch(/C-[0-9a-z]{6}/);
  }
});

test('PRG-08: programs stand side by side; a global value reaches each that has none of its own', async () => {
  const a = await world.program();
  const b = await world.program({ attributionWindow: 'P7D' });
  const windows = async () => [
    (await world.as(`/v1/programs/${a}`)).body['attributionWindow'],
    (await world.as(`/v1/programs/${b}`)).body['attributionWindow'],
  ];
  expect(await windows()).toEqual(['P30D', 'P7D']);
  await saveSettings(world.api, world.ws, { tracking: { attributionWindow: 'P45D' as Duration } });
  expect(await windows()).toEqual(['P45D', 'P7D']);
  await patch(`/v1/programs/${a}`, { attributionWindow: 'P10D' });
  expect(await windows()).toEqual(['P10D', 'P7D']);
  await patch(`/v1/programs/${b}`, { attributionWindow: null });
  expect(await windows()).toEqual(['P10D', 'P45D']);
  await saveSettings(world.api, world.ws, { tracking: { attributionWindow: 'P30D' as Duration } });
});

test('PRG-09: before the settings were saved once there is no program; saving what is offered is enough', async () => {
  const fresh = await world.api.makeWorkspace({ name: 'Fresh', saved: false });
  const create = () => world.api.as(fresh.key, '/v1/programs', { body: { name: 'First', currency: 'USD' } });
  const refused = await create();
  expect([refused.status, refused.body['code']]).toEqual([409, 'settings_missing']);
  const { version } = (await world.api.as(fresh.key, '/v1/settings')).body;
  const saved = await world.api.as(fresh.key, '/v1/settings', {
    method: 'PATCH',
    body: {},
    headers: { 'If-Match': `"${version}"` },
  });
  expect(saved.status, saved.text).toBe(200);
  expect((await create()).status).toBe(201);
});

test('PRG-10, PRG-11: an unattached product earns nothing; one in two programs earns the rate of the program of the sale, there only', async () => {
  const ten = await scene({});
  const twenty = await scene({ levels: [percent(200_000)] });
  const product = (await world.as('/v1/products', { name: 'Shared', sku: newId('product') })).body;
  const unattached = await sell(ten, '100.00', { product: product['id'] });
  expect(unattached).toMatchObject({ status: 'succeeded', noCommissionCode: 'not_commissionable', commissionIds: [] });
  for (const { programId } of [ten, twenty]) {
    const attached = await world.as(`/v1/programs/${programId}/products`, { productId: product['id'] });
    expect(attached.status, attached.text).toBe(201);
  }
  for (const [of, amount] of [
    [ten, '10.00'],
    [twenty, '20.00'],
  ] as const) {
    const lines = await linesOf(await sell(of, '100.00', { product: product['id'] }));
    expect(lines).toMatchObject([{ programId: of.programId, amount: usd(amount) }]);
  }
});

test('PRG-11: a sale that names no program pays in one, by the newest touch, or the oldest where first referrers are paid', async () => {
  const product = (await world.as('/v1/products', { name: 'Twice', sku: newId('product') })).body['id'];
  const [older, newer] = [await scene({}), await scene({ levels: [percent(200_000)] })];
  for (const { programId } of [older, newer])
    await world.as(`/v1/programs/${programId}/products`, { productId: product });
  const customer = { externalId: newId('contact'), email: `${newId('contact')}@buyer.example` };
  for (const of of [older, newer])
    await world.as('/v1/leads', {
      externalId: newId('lead'),
      clickId: await world.click(of),
      email: customer.email,
      customerExternalId: customer.externalId,
    });
  await world.settle();
  const buy = async (): Promise<unknown> =>
    (await world.sale({ externalId: newId('sale'), customer, product, amount: usd('100.00') }))['attribution'];
  expect(await buy()).toMatchObject({ programId: newer.programId });
  // The setting of the workspace counts as the program's own would.
  await saveSettings(world.api, world.ws, { tracking: { referrerChoice: 'first' } });
  expect(await buy()).toMatchObject({ programId: older.programId });
  await saveSettings(world.api, world.ws, { tracking: { referrerChoice: 'last' } });

  // Without a referral: the oldest active enrolment of the affiliate whom staff name, whose program lists the product.
  const third = await scene({});
  for (const { programId } of [newer, older]) {
    const joined = await world.as(`/v1/affiliates/${third.affiliateId}/enrolments`, { programId });
    expect(joined.status, joined.text).toBe(201);
  }
  const nobodys = await world.sale({
    externalId: newId('sale'),
    customer: { email: `${newId('contact')}@buyer.example` },
    product,
    amount: usd('100.00'),
  });
  expect(nobodys['attribution']).toMatchObject({ status: 'unattributed', programId: null });
  const given = await world.as(`/v1/sales/${nobodys['id']}/attribute`, { affiliateId: third.affiliateId });
  expect(given.status, given.text).toBe(200);
  await world.settle();
  expect(await linesOf(nobodys)).toMatchObject([{ programId: newer.programId, amount: usd('20.00') }]);
});

test('PRG-11: a program with a thousand products pages through all of them', async () => {
  const { programId } = await scene({});
  const ids = Array.from({ length: 999 }, () => newId('product'));
  await world
    .owner('products')
    .insert(ids.map((id, index) => ({ id, workspace_id: world.ws.id, name: `Product ${index}`, sku: id })));
  await world
    .owner('program_products')
    .insert(ids.map((product_id) => ({ workspace_id: world.ws.id, program_id: programId, product_id })));
  const seen = new Set<string>();
  let cursor: string | null = null;
  let pages = 0;
  do {
    const query = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { status, text, body } = await world.as(`/v1/programs/${programId}/products?limit=200${query}`);
    expect(status, text).toBe(200);
    for (const row of itemsOf(body['data'])) seen.add(String(row['productId']));
    cursor = body['nextCursor'] as string | null;
    pages += 1;
  } while (cursor !== null);
  expect([seen.size, pages]).toEqual([1_000, 5]);
});

test('PRG-15: terms are shown with their version at sign-up and in the portal; an edit is a new version', async () => {
  const at = await scene({});
  const { slug } = (await world.as(`/v1/programs/${at.programId}`)).body;
  const terms = (text: string) =>
    world.as(`/v1/programs/${at.programId}/agreements`, { kind: 'terms', title: 'Terms', text, mustAccept: false });
  const second = await terms('A valid lead has a working address. You earn 10 % of net.');
  expect([second.status, second.body['number']], second.text).toEqual([201, 2]);
  const page = await fetch(`${world.api.url}/apply/${slug}`, { headers: { Accept: 'text/html' } });
  const html = await page.text();
  expect(html).toContain('A valid lead has a working address.');
  const form = await world.api.as(null, `/apply/${slug}`, { headers: { Accept: 'application/json' } });
  expect(form.body['terms']).toMatchObject({ number: 2, id: second.body['id'] });
  const portal = await portalOf(at.affiliateId);
  const own = await world.api.as(portal, `/v1/me/programs/${at.programId}`);
  expect(own.body['terms'], own.text).toMatchObject({
    number: 2,
    text: expect.stringContaining('valid lead') as string,
  });
  const all = itemsOf((await world.as(`/v1/programs/${at.programId}/agreements`)).body['data']);
  expect(all.map((one) => [one['number'], one['text']]).toSorted(byText)).toEqual([
    [1, 'Be fair.'],
    [2, 'A valid lead has a working address. You earn 10 % of net.'],
  ]);
});

test('PRG-16: an affiliate in two programs has a link, rules and a status in each', async () => {
  const first = await scene({});
  const second = await scene({ levels: [percent(300_000)] });
  const joined = await world.as(`/v1/affiliates/${first.affiliateId}/enrolments`, { programId: second.programId });
  expect(joined.status, joined.text).toBe(201);
  const { enrolments } = (await world.as(`/v1/affiliates/${first.affiliateId}`)).body;
  const shown = itemsOf(enrolments);
  expect(new Set(shown.map((one) => one['programId']))).toEqual(new Set([first.programId, second.programId]));
  expect(new Set(shown.map((one) => one['linkId'])).size).toBe(2);
  const paused = await world.as(`/v1/enrolments/${joined.body['id']}/pause`, { reason: 'Holiday' });
  expect(paused.status, paused.text).toBe(200);
  const after = itemsOf((await world.as(`/v1/affiliates/${first.affiliateId}/enrolments`)).body['data']);
  expect(after.map((one) => [one['programId'], one['status']]).toSorted(byText)).toEqual(
    [
      [first.programId, 'active'],
      [second.programId, 'paused'],
    ].toSorted(byText),
  );
  await world.as(`/v1/enrolments/${joined.body['id']}/resume`, {});
  expect(await earned(await sell({ ...second, affiliateId: first.affiliateId }, '10.00'))).toEqual(['3.00']);
  expect(await earned(await sell(first, '10.00'))).toEqual(['1.00']);
});

test('PRG-17: a second before its date the old version counts, at that instant the new one; each line names its version', async () => {
  const at = await scene({});
  const customer = { externalId: newId('contact'), email: `${newId('contact')}@buyer.example` };
  await world.sale({
    externalId: newId('sale'),
    customer,
    clickId: await world.click(at),
    amount: usd('100.00'),
  });
  const from = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 120_000);
  const path = `/v1/commission-rules/${at.rule['id']}`;
  const changed = await patch(path, { levels: [percent(300_000)], effectiveFrom: from.toISOString() });
  expect(changed).toMatchObject({ version: 2 });
  const at2 = (ms: number) => ({ occurredAt: new Date(from.getTime() + ms).toISOString() });
  const before = await linesOf(await sell(at, '100.00', at2(-1_000)));
  const after = await linesOf(await sell(at, '100.00', at2(0)));
  expect([...before, ...after].map((line) => [line['amount']['amount'], line['ruleVersion']])).toEqual([
    ['10.00', 1],
    ['30.00', 2],
  ]);
  // Who was brought before follows the new version too.
  const renewal = await world.sale({ externalId: newId('sale'), customer, amount: usd('100.00'), ...at2(1_000) });
  expect((await linesOf(renewal)).map((line) => line['ruleVersion'])).toEqual([2]);
  const versions = itemsOf((await world.as(`${path}/versions`)).body['data']);
  expect(versions.map((one) => [one['version'], one['levels']?.[0]?.['ratePpm']]).toSorted(byText)).toEqual([
    [1, 100_000],
    [2, 300_000],
  ]);
  const entries = itemsOf((await world.as(`/v1/audit-entries?objectId=${at.rule['id']}`)).body['data']);
  expect(JSON.stringify(entries)).toContain('300000');
  const past = await world.api.as(world.ws.key, path, {
    method: 'PATCH',
    body: { levels: [percent(1)], effectiveFrom: '2026-01-01T00:00:00.000Z' },
    headers: { 'If-Match': '"2"' },
  });
  expect([past.status, past.body['errors']?.[0]?.['pointer']], past.text).toEqual([422, '#/effectiveFrom']);
});

test('PRG-17: levels and model change at their instant too, whenever a sale is told, and are simulated as they were', async () => {
  const made = async () => {
    const at = await scene({ levels: [percent(100_000), percent(20_000, 2)] });
    const seller = { ...at, affiliateId: await world.affiliate(at.programId, { recruiterId: at.affiliateId }) };
    const clickId = await world.click(seller);
    const buy = (occurredAt: Date): Promise<Json> => {
      const key = newId('sale');
      const customer = { externalId: key, email: `${key}@buyer.example` };
      const when = { occurredAt: occurredAt.toISOString() };
      return world.sale({ externalId: key, customer, clickId, amount: usd('100.00'), ...when });
    };
    const earns = async (occurredAt: Date) => (await earned(await buy(occurredAt))).toSorted(byText);
    return { path: `/v1/programs/${at.programId}`, programId: at.programId, buy, earns };
  };
  const seconds = (count: number, from: Date): Date => new Date(from.getTime() + count * 1_000);
  const planned = await made();
  const deeper = seconds(120, new Date());
  const leadsOnly = seconds(10, deeper);
  await patch(planned.path, { levels: 2, effectiveFrom: deeper.toISOString() });
  await patch(planned.path, { acquisitionModel: 'cpl', effectiveFrom: leadsOnly.toISOString() });
  expect(await planned.earns(seconds(-1, deeper))).toEqual(['10.00']);
  expect(await planned.earns(deeper)).toEqual(['10.00', '2.00']);
  expect(await planned.earns(seconds(-1, leadsOnly))).toEqual(['10.00', '2.00']);
  expect((await planned.buy(leadsOnly))['noCommissionCode']).toBe('not_commissionable');
  // Taken back, it never was; what is planned before it stays.
  await patch(planned.path, { effectiveFrom: leadsOnly.toISOString() });
  expect(await planned.earns(leadsOnly)).toEqual(['10.00', '2.00']);

  // Changed at once: what was sold before and is told after is judged by what held.
  const once = await made();
  const sold = new Date();
  await eventually(() => Promise.resolve(Date.now() > sold.getTime()));
  await patch(once.path, { levels: 2 });
  expect(await once.earns(sold)).toEqual(['10.00']);
  expect(await once.earns(new Date())).toEqual(['10.00', '2.00']);
  const today = new Date().toISOString().slice(0, 10);
  const simulate = { programIds: [once.programId], from: sold.toISOString().slice(0, 10), to: today };
  const { body, text } = await world.as('/v1/commission-rules/simulate', simulate);
  expect([body['sales'], body['actual'], body['difference']], text).toEqual([2, [usd('22.00')], [usd('0.00')]]);
  expect(await world.broken()).toEqual([]);
});

test('PRG-17: what has yet to begin stays on its day when it is changed without one; null says at once', async () => {
  const at = await scene({});
  const day = 86_400_000;
  const from = new Date(Date.now() + day).toISOString();
  const paidOn = async (occurredAt?: string): Promise<unknown> => {
    const answer = await world.as('/v1/commission-rules/quote', {
      programId: at.programId,
      affiliateId: at.affiliateId,
      event: 'payment',
      ...(occurredAt === undefined ? {} : { occurredAt }),
      sale: { amount: usd('100.00') },
    });
    expect(answer.status, answer.text).toBe(200);
    return itemsOf(answer.body['commissions'])[0]?.['amount']['amount'];
  };
  const paid = async () => [await paidOn(), await paidOn(from)];
  const path = `/v1/commission-rules/${at.rule['id']}`;
  await patch(path, { levels: [percent(300_000)], effectiveFrom: from });
  expect(await paid()).toEqual(['10.00', '30.00']);
  // Another name is no reason to pay tomorrow's rate today, and a cap of the planned version is planned with it.
  expect(await patch(path, { name: 'Better name' })).toMatchObject({ version: 3, effectiveFrom: from });
  const cap = { amount: usd('25.00'), period: 'commission' };
  expect(await patch(path, { cap })).toMatchObject({ version: 4, effectiveFrom: from });
  expect(await paid()).toEqual(['10.00', '25.00']);
  const refused = await world.api.as(world.ws.key, path, {
    method: 'PATCH',
    body: { effectiveTo: new Date(Date.now() + day / 2).toISOString() },
    headers: { 'If-Match': '"4"' },
  });
  expect([refused.status, refused.body['errors']?.[0]?.['pointer']], refused.text).toEqual([422, '#/effectiveTo']);
  await patch(path, { effectiveFrom: null });
  expect(await paid()).toEqual(['25.00', '25.00']);
  // One that begins tomorrow at the earliest does so under another name as well.
  const place = { scope: 'affiliate', affiliateId: at.affiliateId, programId: at.programId, event: 'payment' };
  const own = await world.rule({ ...place, levels: [percent(50_000)], effectiveFrom: from });
  await patch(`/v1/commission-rules/${own.body['id']}`, { name: 'Spring' });
  expect(await paid()).toEqual(['25.00', '5.00']);
});

test('PRG-20: paused, links deliver without credit and running money goes on; closed, later sales earn nothing unless renewals run out', async () => {
  const at = await scene({});
  const customer = { externalId: newId('contact'), email: `${newId('contact')}@buyer.example` };
  const buy = (body: Readonly<Record<string, unknown>> = {}) =>
    world.sale({ externalId: newId('sale'), customer, amount: usd('100.00'), ...body });
  await buy({ clickId: await world.click(at), subscription: { externalId: customer.externalId, paymentNumber: 1 } });
  const [link] = itemsOf((await world.as(`/v1/links?affiliateId=${at.affiliateId}`)).body['data']);
  const follow = async (): Promise<readonly unknown[]> => {
    const answer = await fetch(`${world.api.url}/r/${link?.['slug']}`, {
      redirect: 'manual',
      headers: { 'User-Agent': 'Mozilla/5.0' },
    });
    const [click] = itemsOf((await world.as(`/v1/clicks?linkId=${link?.['id']}&limit=1`)).body['data']);
    return [answer.status, click?.['credit'], click?.['creditCode']];
  };
  expect(await follow()).toEqual([302, 'credited', null]);
  const decide = (verb: string, body: Readonly<Record<string, unknown>> = {}) =>
    world.as(`/v1/programs/${at.programId}/${verb}`, { reason: 'Season is over', ...body });
  expect(await decide('pause')).toMatchObject({ status: 200, body: { status: 'paused' } });
  // The edge knows a link for two seconds.
  await eventually(async () => (await follow())[1] === 'not_credited');
  expect(await follow()).toEqual([302, 'not_credited', 'program_not_active']);
  const running = await buy({ subscription: { externalId: customer.externalId, paymentNumber: 2 } });
  expect(await earned(running)).toEqual(['10.00']);
  const approved = await world.settled(world.as(`/v1/referrals/${running['referralId']}/approve`, {}));
  expect(approved.status, approved.text).toBe(200);
  expect(await linesOf(running)).toMatchObject([{ status: 'approved' }]);

  expect(await decide('close', { renewals: 'run_out' })).toMatchObject({ status: 200, body: { status: 'closed' } });
  expect(await follow()).toEqual([302, 'not_credited', 'program_not_active']);
  expect(await earned(await buy({ subscription: { externalId: customer.externalId, paymentNumber: 3 } }))).toEqual([
    '10.00',
  ]);
  // A renewal that does not say its number is counted by its order, as Stripe's are.
  const unnumbered = await buy({ subscription: { externalId: customer.externalId } });
  expect([unnumbered['paymentNumber'], await earned(unnumbered)]).toEqual([4, ['10.00']]);
  expect(await buy()).toMatchObject({ noCommissionCode: 'program_not_active', commissionIds: [] });
  const late = await world.as(`/v1/affiliates/${await world.affiliate(await world.program())}/enrolments`, {
    programId: at.programId,
  });
  expect([late.status, late.body['code']]).toEqual([409, 'program_not_active']);
  expect(await world.broken()).toEqual([]);
});

test('PRG-20: a draft credits nothing, whoever sends it and however it is given', async () => {
  const draft = await world.as('/v1/programs', { name: `Draft ${newId('program').slice(-6)}`, currency: 'USD' });
  const programId: string = draft.body['id'];
  const [starter] = itemsOf((await world.as('/v1/products?limit=1')).body['data']);
  await world.as(`/v1/programs/${programId}/products`, { productId: starter?.['id'] });
  const flat = { level: 1, kind: 'flat', amount: usd('5.00') };
  expect((await world.rule({ scope: 'program', programId, event: 'payment', levels: [flat] })).status).toBe(201);
  expect((await world.rule({ scope: 'program', programId, event: 'lead', levels: [flat] })).status).toBe(201);
  const affiliateId = await world.affiliate(programId);
  const key = (await world.as('/v1/api-keys', { name: 'Leads', affiliateId })).body['secret'] as string;
  const email = `${newId('contact')}@buyer.example`;
  const sent = await world.api.as(key, '/v1/leads', { body: { email, programId, externalId: newId('lead') } });
  expect(sent.status, sent.text).toBe(202);
  await world.settle();
  const lead = await world.as(`/v1/leads/${sent.body['id']}`);
  expect(lead.body['attribution'], lead.text).toMatchObject({ status: 'unattributed', affiliateId: null });
  const given = await world.as(`/v1/leads/${sent.body['id']}/attribute`, { affiliateId, programId });
  expect(given.status, given.text).toBe(200);
  await world.settle();
  const sale = await world.sale({
    externalId: newId('sale'),
    customer: { email },
    programId,
    product: starter?.['id'],
    amount: usd('100.00'),
  });
  expect(sale).toMatchObject({ noCommissionCode: 'program_not_active', commissionIds: [] });
  expect(await world.commissions(`programId=${programId}`)).toEqual([]);
});

test('RUL-18: what contradicts itself is refused with its reason, in a rule, a version and the default of the settings', async () => {
  const at = await scene({});
  const shares = [percent(600_000), { ...percent(1_000_000, 2), of: 'lower_level' }];
  const { version } = (await world.as('/v1/settings')).body;
  const tries = [
    world.rule({ scope: 'affiliate', affiliateId: at.affiliateId, event: 'payment', levels: shares }),
    world.api.as(world.ws.key, `/v1/commission-rules/${at.rule['id']}`, {
      method: 'PATCH',
      body: { levels: shares },
      headers: { 'If-Match': '"1"' },
    }),
    world.api.as(world.ws.key, '/v1/settings', {
      method: 'PATCH',
      body: { commissions: { defaultRule: { event: 'payment', levels: shares } } },
      headers: { 'If-Match': `"${version}"` },
    }),
  ];
  for (const answer of await Promise.all(tries))
    expect([answer.status, answer.body['code'], answer.body['conflicts']?.[0]?.['code']], answer.text).toEqual([
      422,
      'rule_conflict',
      'levels_over_whole',
    ]);
  const negative = await world.rule({
    scope: 'affiliate',
    affiliateId: at.affiliateId,
    event: 'payment',
    levels: [{ level: 1, kind: 'flat', amount: usd('-1.00') }],
  });
  expect([negative.status, negative.body['errors']?.[0]?.['pointer']]).toEqual([422, '#/levels/0/amount/amount']);
  expect((await world.as('/v1/settings')).body['version']).toBe(version);
  expect((await world.as(`/v1/commission-rules/${at.rule['id']}`)).body['version']).toBe(1);
});

test('RUL-18: rules that pay one sale together exceed its base as little as one rule may, however they come to meet', async () => {
  const two = await scene({ levels: [percent(200_000), percent(300_000, 2)] }, { levels: 2 });
  const own = { scope: 'affiliate', affiliateId: two.affiliateId, event: 'payment' };
  const outcome = (answer: { status: number; body: Json }) => [
    answer.status,
    answer.body?.['code'],
    itemsOf(answer.body?.['conflicts'] ?? []).map((one) => [one['code'], one['ruleId']]),
  ];
  const met = [422, 'rule_conflict', [['levels_over_whole', two.rule['id']]]];
  const change = (method: string, path: string, version: number, body?: Readonly<Record<string, unknown>>) =>
    world.api.as(world.ws.key, path, { method, ...(body ? { body } : {}), headers: { 'If-Match': `"${version}"` } });
  expect(outcome(await world.rule({ ...own, levels: [percent(710_000)] }))).toEqual(met);
  const draft = { ...own, name: 'Draft', levels: [percent(710_000)] };
  expect(outcome(await world.as('/v1/commission-rules/simulate', { draft }))).toEqual(met);
  const most = await world.rule({ ...own, levels: [percent(700_000)] });
  expect(most.status, most.text).toBe(201);
  const path = `/v1/commission-rules/${most.body['id']}`;
  expect(outcome(await change('PATCH', path, 1, { levels: [percent(700_001)] }))).toEqual(met);
  // From the other side, too: more for level 2 of the program meets the affiliate's level 1.
  const more = await change('PATCH', `/v1/commission-rules/${two.rule['id']}`, 1, {
    levels: [percent(200_000), percent(300_001, 2)],
  });
  expect(outcome(more)).toEqual([422, 'rule_conflict', [['levels_over_whole', most.body['id']]]]);
  // A narrower rule that states level 2 itself lets the wider one rise; its end would let them meet.
  const narrow = await world.rule({ ...own, programId: two.programId, levels: [percent(100_000), percent(0, 2)] });
  expect(narrow.status, narrow.text).toBe(201);
  expect((await change('PATCH', path, 1, { levels: [percent(710_000)] })).status).toBe(200);
  const ended = await change('DELETE', `/v1/commission-rules/${narrow.body['id']}`, 1);
  expect([ended.status, ended.body['conflicts']?.[0]?.['code']]).toEqual([422, 'levels_over_whole']);
  expect((await world.as(`/v1/commission-rules/${narrow.body['id']}`)).body['status']).toBe('active');
  expect((await change('DELETE', path, 2)).status).toBe(204); // it holds in every program of this file

  // One level pays level 1 alone: the same rules are sound there, until the program has two.
  const one = await scene({ levels: [percent(200_000), percent(300_000, 2)] });
  const steep = await world.rule({
    scope: 'affiliate',
    affiliateId: one.affiliateId,
    programId: one.programId,
    event: 'payment',
    levels: [percent(800_000)],
  });
  expect(steep.status, steep.text).toBe(201);
  const { version } = (await world.as(`/v1/programs/${one.programId}`)).body;
  const deeper = await change('PATCH', `/v1/programs/${one.programId}`, Number(version), { levels: 2 });
  expect([deeper.status, deeper.body['code']]).toEqual([422, 'rule_conflict']);
  // Planned for a day it is asked as well, and from then on rules meet at the depth that is planned.
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  const planned = { levels: 2, effectiveFrom: tomorrow };
  const program = `/v1/programs/${one.programId}`;
  const early = await change('PATCH', program, Number(version), planned);
  expect([early.status, early.body['code']]).toEqual([422, 'rule_conflict']);
  const own8 = `/v1/commission-rules/${steep.body['id']}`;
  expect((await change('PATCH', own8, 1, { levels: [percent(700_000)] })).status).toBe(200);
  expect((await change('PATCH', program, Number(version), planned)).status).toBe(200);
  expect(outcome(await change('PATCH', own8, 2, { levels: [percent(700_001)] }))).toEqual([
    422,
    'rule_conflict',
    [['levels_over_whole', one.rule['id']]],
  ]);
});

test('RUL-01: a flat amount is paid once per event, whatever the sale above 0.00; by the unit only where the rule says so', async () => {
  const flat = (perUnit: boolean) => ({ levels: [{ level: 1, kind: 'flat', amount: usd('200.00'), perUnit }] });
  const once = await scene(flat(false));
  const units = await scene(flat(true));
  for (const sale of [{ amount: usd('0.01') }, { amount: usd('49.99') }, { amount: usd('9.00'), quantity: 3 }])
    expect(await quoted(once, sale)).toEqual(usd('200.00'));
  expect(await quoted(once, { amount: usd('0.00') })).toBe('rounded_to_zero');
  expect(await quoted(units, { amount: usd('9.00'), quantity: 3 })).toEqual(usd('600.00'));
  expect(await earned(await sell(once, '9.00', { quantity: 3 }))).toEqual(['200.00']);
  expect(await earned(await sell(units, '9.00', { quantity: 3 }))).toEqual(['600.00']);
});

test('RUL-02: percentages round half away from zero, once; a rate out of range or too fine is refused', async () => {
  const twenty = await scene({ levels: [percent(200_000)] });
  const ten = await scene({});
  expect(await quoted(twenty, { amount: usd('49.99') })).toEqual(usd('10.00'));
  expect(await quoted(ten, { amount: usd('0.15') })).toEqual(usd('0.02'));
  expect(await sell(twenty, '0.02')).toMatchObject({ noCommissionCode: 'rounded_to_zero', commissionIds: [] });
  for (const ratePpm of [1_000_001, -1, 0.5, '200000']) {
    const refused = await world.rule({
      scope: 'program',
      programId: ten.programId,
      event: 'first_payment',
      levels: [{ level: 1, kind: 'percent', ratePpm }],
    });
    expect([refused.status, refused.body['code']], String(ratePpm)).toEqual([422, 'validation_failed']);
  }
});

test('RUL-03, RUL-04: first payments only, or each renewal until the limit; a failed renewal earns nothing', async () => {
  const first = await scene({ event: 'first_payment' });
  const recurring = await scene({ limits: { maxPayments: 3, maxMonths: null } });
  const buy = async (of: Scene, count: number): Promise<readonly Json[]> => {
    const customer = { externalId: newId('contact'), email: `${newId('contact')}@buyer.example` };
    const sales: Json[] = [];
    for (let index = 0; index < count; index += 1) {
      if (index === 1)
        sales.push(
          await world.sale({
            externalId: newId('sale'),
            customer,
            status: 'declined',
            programId: of.programId,
            amount: usd('100.00'),
          }),
        );
      sales.push(
        await world.sale({
          externalId: newId('sale'),
          customer,
          programId: of.programId,
          ...(index === 0 ? { clickId: await world.click(of) } : {}),
          amount: usd('100.00'),
        }),
      );
    }
    return sales;
  };
  const codes = (sales: readonly Json[]) => sales.map((sale) => sale['noCommissionCode']);
  expect(codes(await buy(first, 2))).toEqual([null, 'declined', 'not_first_payment']);
  const renewals = await buy(recurring, 4);
  expect(codes(renewals)).toEqual([null, 'declined', null, null, 'limit_payments']);
  const lines = await world.commissions(`programId=${recurring.programId}`);
  expect(lines.map((line) => [line['amount']['amount'], line['status']])).toEqual(Array(3).fill(['10.00', 'pending']));
});

test('RUL-05: the base is gross, net or net of fees, as the rule says, and stands on the commission', async () => {
  const sale = { amount: usd('120.00'), tax: usd('20.00'), fees: usd('3.00') };
  for (const [base, amount, commission] of [
    ['gross', '120.00', '12.00'],
    [undefined, '100.00', '10.00'],
    ['net_of_fees', '97.00', '9.70'],
  ] as const) {
    const at = await scene(base === undefined ? {} : { base });
    expect(await quoted(at, sale)).toEqual(usd(commission));
    const [line] = await linesOf(await sell(at, '120.00', { tax: usd('20.00'), fees: usd('3.00') }));
    expect(line).toMatchObject({ base: usd(amount), baseType: base ?? 'net', amount: usd(commission) });
    // What the sale leaves unsaid counts as 0, and the commission says so, as the quote does: here shipping.
    const asked = base === 'gross' ? [] : ['shipping'];
    expect((await world.as(`/v1/commissions/${line?.['id']}/explanation`)).body['notStated']).toEqual(asked);
    const { commissions } = await quote(at, { amount: usd('120.00'), shipping: usd('0.00') });
    expect(itemsOf(commissions)[0]?.['explanation']).toMatchObject({
      notStated: { gross: [], net: ['tax'], net_of_fees: ['tax', 'fees'] }[base ?? 'net'],
    });
  }
  const deposit = await scene({ base: 'deposit' });
  expect(await earned(await sell(deposit, '120.00', { deposit: usd('50.00') }))).toEqual(['5.00']);
});

test('RUL-10, RUL-11, RUL-14: the override beats the group, is named with its version and quoted alike; an edit reprices nothing', async () => {
  const at = await scene({});
  const group = (await world.as('/v1/groups', { name: `VIP ${at.programId.slice(-6)}` })).body;
  await world.rule({ scope: 'group', groupId: group['id'], event: 'payment', levels: [percent(300_000)] });
  const moved = await world.as(`/v1/affiliates/${at.affiliateId}`, { groupId: group['id'] }, 'PATCH');
  expect(moved.status, moved.text).toBe(200);
  const own = await world.rule({
    scope: 'affiliate',
    affiliateId: at.affiliateId,
    event: 'payment',
    levels: [percent(350_000)],
  });
  expect(await quoted(at, { amount: usd('100.00') })).toEqual(usd('35.00'));
  const [line] = await linesOf(await sell(at, '100.00'));
  expect(line).toMatchObject({ amount: usd('35.00'), ruleId: own.body['id'], ruleVersion: 1 });
  const explained = (await world.as(`/v1/commissions/${line?.['id']}/explanation`)).body;
  expect(explained['rule']).toMatchObject({ id: own.body['id'], version: 1, scope: 'affiliate', ratePpm: 350_000 });
  const considered = itemsOf(explained['rule']['considered']);
  expect(considered.map((one) => [one['scope'], one['won']])).toEqual([
    ['affiliate', true],
    ['group', false],
    ['program', false],
    ['global', false],
  ]);
  await patch(`/v1/commission-rules/${own.body['id']}`, { levels: [percent(400_000)] });
  expect(await linesOf({ id: line?.['saleId'] })).toMatchObject([{ amount: usd('35.00'), ruleVersion: 1 }]);
  const versions = itemsOf((await world.as(`/v1/commission-rules/${own.body['id']}/versions`)).body['data']);
  expect(versions.find((one) => one['version'] === line?.['ruleVersion'])).toMatchObject({
    levels: [{ ratePpm: 350_000 }],
  });
  const cleared = await world.as(`/v1/commission-rules/${own.body['id']}`, undefined, 'DELETE');
  expect(cleared.status, cleared.text).toBe(204);
  expect(await earned(await sell(at, '100.00'))).toEqual(['30.00']);
});

test('RUL-17: each currency keeps its digits and its own total; one digit too many is a field error', async () => {
  const dollars = await scene({});
  const programId = await world.program({ currency: 'BDT' });
  await world.rule({ scope: 'program', programId, event: 'payment', levels: [percent(100_000)] });
  await world.owner('enrolments').where({ affiliate_id: dollars.affiliateId }).first<{ id: string }>('id');
  expect((await world.as(`/v1/affiliates/${dollars.affiliateId}/enrolments`, { programId })).status).toBe(201);
  await sell(dollars, '10.00');
  await sell({ programId, affiliateId: dollars.affiliateId }, '0', { amount: { amount: '500.00', currency: 'BDT' } });
  const list = (await world.as(`/v1/commissions?affiliateId=${dollars.affiliateId}&include=sums`)).body;
  expect(itemsOf(list['sums']).toSorted((a, b) => (a['currency'] < b['currency'] ? -1 : 1))).toEqual([
    { amount: '50.00', currency: 'BDT' },
    usd('1.00'),
  ]);
  for (const amount of [
    { amount: '1.005', currency: 'USD' },
    { amount: '1.5', currency: 'JPY' },
    { amount: 1, currency: 'USD' },
    { amount: '1e2', currency: 'USD' },
  ]) {
    const refused = await world.as('/v1/sales', {
      externalId: newId('sale'),
      customer: { email: 'x@y.example' },
      amount,
    });
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']], JSON.stringify(amount)).toEqual([
      422,
      '#/amount/amount',
    ]);
  }
});

test('RUL-20: what the level below earned is shared by the rules of the level above without losing a cent', async () => {
  // Three lines of one sale, a third each: 1.00 in equal shares is 0.34, 0.33, 0.33 (commissionPlan.test.ts); here the lines on the books.
  const programId = await world.program({ levels: 2 });
  const starter = await productOf(programId);
  const others = await Promise.all(
    ['B', 'C'].map(async (name) => (await world.as('/v1/products', { name, sku: newId('product') })).body['id']),
  );
  for (const productId of others) await world.as(`/v1/programs/${programId}/products`, { productId });
  const whole = { level: 2, kind: 'percent', ratePpm: 1_000_000, of: 'lower_level' };
  await world.rule({ scope: 'program', programId, event: 'payment', levels: [percent(10_000), whole] });
  await world.rule({
    scope: 'program_product',
    programId,
    productId: others[0],
    event: 'payment',
    levels: [percent(10_000), whole],
  });
  const recruiter = await world.affiliate(programId);
  const affiliateId = await world.affiliate(programId, { recruiterId: recruiter });
  const sale = await sell({ programId, affiliateId }, '100.01', {
    lines: [
      { product: starter, quantity: 1, amount: usd('33.33') },
      { product: others[0], quantity: 1, amount: usd('33.34') },
      { product: others[1], quantity: 1, amount: usd('33.34') },
    ],
  });
  const lines = await linesOf(sale);
  expect(lines.map((line) => [line['level'], line['amount']['amount']]).toSorted(byText)).toEqual([
    [1, '1.00'],
    [2, '1.00'],
  ]);
});
