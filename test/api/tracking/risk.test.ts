import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countryOfRequest } from '../../../api/auth.js';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import { scanWorkspace } from '../../../activities/tracking/risk.js';
import { insertOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { inWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { insertRow } from '../../support/rows.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';
import { browser, clickIdOf } from './world.js';

let world: EarningWorld;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  world = await createEarningWorld({
    edge: (deps) =>
      clickEdge({
        ...deps,
        publicUrl: deps.config.http.publicUrl,
        countryOf: countryOfRequest(['127.0.0.0/8', '::1'], 'CF-IPCountry'),
      }),
  });
  programId = await world.program({ referralApproval: 'automatic', commissionApproval: 'automatic' });
  affiliateId = await world.affiliate(programId);
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
  });
});
afterAll(() => world.close());

let people = 0;
const email = (): string => `person${(people += 1)}@buyer.example`;
const money = (amount: string) => ({ amount, currency: 'USD' });

async function referralOf(body: Readonly<Record<string, unknown>>, of = affiliateId): Promise<Json> {
  const clickId = await world.click({ programId, affiliateId: of });
  const sent = await world.as('/v1/leads', { email: email(), clickId, ...body });
  expect(sent.status).toBe(202);
  await world.settle();
  const lead = await world.as(`/v1/leads/${String(sent.body['id'])}`);
  return (await world.as(`/v1/referrals/${String(lead.body['referralId'])}`)).body;
}
const flagsOf = async (query: string): Promise<readonly Json[]> =>
  itemsOf((await world.as(`/v1/risk-flags?${query}`)).body['data']);
const riskyOf = async (query: string): Promise<readonly Json[]> =>
  itemsOf((await world.as(`/v1/console/risk?${query}`)).body['data']);
const affiliate = (id: string) =>
  world.owner('affiliates').where({ id }).first<{ email: string; contact_id: string }>();

/** Signs an affiliate's person in, in the browser that sends these headers. */
async function signIn(id: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const { api, ws, owner } = world;
  const [login, user] = [newId('login'), newId('user')];
  await owner('logins').insert({ id: login, email: `${randomUUID()}@blog.example` });
  await owner('users').insert({
    workspace_id: ws.id,
    id: user,
    login_id: login,
    audience: 'affiliate',
    name: 'Ada',
    email: 'ada@blog.example',
    rights: ['view', 'manage'],
    affiliate_id: id,
    status: 'active',
  });
  const token = await inWorkspace(api.db, ws.id, (tx, now) =>
    insertOneTimeToken(tx, newId, now, { kind: 'sign_in', loginId: login, workspaceId: ws.id, userId: user }),
  );
  expect((await api.as(null, '/v1/auth/one-time', { body: { token }, headers })).status).toBe(200);
}

/** Follows a link of the affiliate over HTTP. */
async function follow(id: string, userAgent: string): Promise<string> {
  const body = {
    affiliateId: id,
    programId,
    slug: `own-${(people += 1)}-${randomUUID().slice(0, 8)}`,
    destinationUrl: 'https://shop.example/',
  };
  expect((await world.as('/v1/links', body)).status).toBe(201);
  return clickIdOf(
    await fetch(`${world.api.url}/r/${body.slug}`, { headers: { 'user-agent': userAgent }, redirect: 'manual' }),
  );
}

test('an honest referral approves itself; one of the affiliate’s own mailbox in any spelling never does (FRD-01, T6)', async () => {
  expect(await referralOf({})).toMatchObject({ status: 'approved', flags: [] });

  await world
    .owner('contacts')
    .where({ id: (await affiliate(affiliateId))?.contact_id })
    .update({
      email: 'ada.kowal@gmail.com',
      email_key: 'adakowal@gmail.com',
      phone_key: '+48600100500',
    });
  const own = await referralOf({ email: 'a.d.a.kowal+shop@googlemail.com' });
  expect(own).toMatchObject({
    status: 'pending',
    flags: [{ code: 'self_referral', evidence: { affiliateId, same: expect.arrayContaining(['email']) as unknown } }],
  });
  const ben = await world.affiliate(programId);
  await world
    .owner('contacts')
    .where({ id: (await affiliate(ben))?.contact_id })
    .update({ phone_key: '+48600100700' });
  const byPhone = await referralOf({ phone: '0048 600-100-700' }, ben);
  expect(byPhone).toMatchObject({
    status: 'pending',
    flags: [{ evidence: { same: expect.arrayContaining(['phone']) as unknown } }],
  });
  await world.settle();
  expect((await world.as(`/v1/referrals/${String(own['id'])}`)).body['status']).toBe('pending');

  // Dismissed with a note, it is free to go.
  const [flag] = await flagsOf(`referralId=${String(own['id'])}&open=true`);
  expect(flag).toMatchObject({ blocking: true, affiliate: { id: affiliateId }, allowedActions: ['dismiss'] });
  const path = `/v1/risk-flags/${String(flag?.['id'])}/dismiss`;
  const otherMode = await world.api.as(world.ws.testKey, path, { body: { reason: 'Not mine.' } });
  expect([otherMode.status, otherMode.body['code']]).toEqual([404, 'not_found']);
  expect(await world.as(path, {})).toMatchObject({ status: 422 });
  expect(await world.as(path, { reason: 'Her sister' })).toMatchObject({ status: 200, body: { note: 'Her sister' } });
  expect(await world.as(path, { reason: 'again' })).toMatchObject({ status: 409, body: { code: 'already_decided' } });
  await world.settle();
  expect((await world.as(`/v1/referrals/${String(own['id'])}`)).body['status']).toBe('approved');
});

test('the affiliate’s portal in the browser that clicked, or from its device within a day, is a self-referral (FRD-01)', async () => {
  const [one, two] = [await world.affiliate(programId), await world.affiliate(programId)];
  const clickId = await world.click({ programId, affiliateId: one });
  await signIn(one, { cookie: `trb_click=${clickId}`, 'user-agent': 'Firefox' });
  const sent = await world.as('/v1/leads', { email: email(), clickId });
  await world.settle();
  const lead = await world.as(`/v1/leads/${String(sent.body['id'])}`);
  expect((await world.as(`/v1/referrals/${String(lead.body['referralId'])}`)).body).toMatchObject({
    status: 'pending',
    flags: [{ code: 'self_referral', evidence: { same: ['visitor'] } }],
  });

  await signIn(two, { 'user-agent': browser });
  const other = await follow(two, browser);
  const second = await world.as('/v1/leads', { email: email(), clickId: other });
  await world.settle();
  const seen = await world.as(`/v1/leads/${String(second.body['id'])}`);
  expect((await world.as(`/v1/referrals/${String(seen.body['referralId'])}`)).body).toMatchObject({
    status: 'pending',
    flags: [{ evidence: { same: ['device'] } }],
  });
});

test('FRD-01: a buyer who is paid where the credited affiliate is paid is a self-referral, by a sale as by a lead', async () => {
  const [seller, second] = [await world.affiliate(programId), await world.affiliate(programId)];
  for (const id of [seller, second])
    await insertRow(world.owner, 'payout_methods', {
      id: newId('payoutMethod'),
      workspace_id: world.ws.id,
      affiliate_id: id,
      fingerprint: 'joint-account',
      status: 'active',
    });
  const buyer = await world
    .owner('contacts')
    .where({ id: (await affiliate(second))?.contact_id })
    .first<{ email: string }>();
  const clickId = await world.click({ programId, affiliateId: seller });
  const sale = await world.sale({
    externalId: 'own-account',
    clickId,
    customer: { email: buyer?.email },
    amount: money('100.00'),
  });
  expect((await world.as(`/v1/referrals/${String(sale['referralId'])}`)).body).toMatchObject({
    status: 'pending',
    flags: [{ code: 'self_referral', evidence: { affiliateId: seller, same: ['payout_account'] } }],
  });
  const [commissionId] = sale['commissionIds'] as unknown as readonly string[];
  expect((await world.as(`/v1/commissions/${String(commissionId)}`)).body).toMatchObject({
    status: 'pending',
    blockers: [{ code: 'referral_not_approved' }],
  });
  await world.owner('payout_methods').where({ fingerprint: 'joint-account' }).delete(); // rows without a history
});

test('a burst of clicks from one address marks them suspect and its referral waits for a person (FRD-02)', async () => {
  const burster = await world.affiliate(programId);
  const clicks = await Promise.all(Array.from({ length: 25 }, () => world.click({ programId, affiliateId: burster })));
  const hash = Buffer.alloc(32, 7);
  const rows = await world
    .owner('clicks')
    .whereIn('id', clicks)
    .select<{ id: string; created_at: Date }[]>('id', 'created_at');
  await world.owner('click_details').whereIn('click_id', clicks).delete();
  await world.owner('click_details').insert(
    rows.map((row) => ({
      click_id: row.id,
      workspace_id: world.ws.id,
      address_hash: hash,
      user_agent: 'bot',
      created_at: row.created_at,
    })),
  );
  const sent = await world.as('/v1/leads', { email: email(), clickId: clicks[0] });
  await world.settle();
  const lead = await world.as(`/v1/leads/${String(sent.body['id'])}`);
  expect((await world.as(`/v1/referrals/${String(lead.body['referralId'])}`)).body).toMatchObject({
    status: 'pending',
    flags: [{ code: 'click_burst', evidence: { clicksPerMinute: 25, limit: 20 } }],
  });
  // Each of the first three was seen on the page, one of them after another visitor's honest click.
  const { link_id: linkId } = await world.owner('clicks').where({ id: clicks[0] }).first<{ link_id: string }>();
  const honest = await world.click({ programId, affiliateId: burster });
  for (const clickId of [...clicks.slice(0, 3), honest])
    await world.owner('visits').insert({
      workspace_id: world.ws.id,
      id: newId('visit'),
      mode: 'live',
      click_id: clickId,
      link_id: linkId,
      visitor_id: newId('visitor'),
      day: new Date().toISOString().slice(0, 10),
      url: 'https://shop.example/',
    });
  const visits = async () =>
    itemsOf((await world.as(`/v1/reports/affiliate-performance?affiliateId=${burster}`)).body['rows'])[0]?.['visits'];
  expect(await visits()).toBe(4);
  const scan = () =>
    inWorkspace(world.api.db, world.ws.id, (tx, now) => scanWorkspace(tx, world.api.act(world.ws.id, now)));
  await scan();
  const suspects = await world.owner('clicks').whereIn('id', clicks).where({ suspect: true });
  expect(suspects.length).toBeGreaterThanOrEqual(21); // a minute’s border may cut the burst in two
  expect(await scan()).toBe(0); // once more finds nothing new
  const isMarked = new Set(suspects.map(({ id }: { id: string }) => id));
  const marked = clicks.slice(0, 3).filter((id) => isMarked.has(id)).length;
  expect(await visits()).toBe(4 - marked);
  const seen = itemsOf((await world.as(`/v1/visits?affiliateId=${burster}&suspect=false`)).body['data']);
  expect(seen).toHaveLength(4 - marked);
});

/** The referral of a person who followed the affiliate's link of this program as said. */
async function referralAfter(
  of: { readonly programId: string; readonly affiliateId: string },
  visit: { readonly query?: string; readonly headers?: Readonly<Record<string, string>> },
  lead: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly referral: Json; readonly clickId: string }> {
  const [link] = itemsOf((await world.as(`/v1/links?affiliateId=${of.affiliateId}`)).body['data']);
  const response = await fetch(`${world.api.url}/r/${String(link?.['slug'])}?${visit.query ?? ''}`, {
    redirect: 'manual',
    headers: { 'user-agent': browser, ...visit.headers },
  });
  const clickId = clickIdOf(response);
  const sent = await world.as('/v1/leads', { email: email(), clickId, ...lead });
  expect(sent.status, sent.text).toBe(202);
  await world.settle();
  const seen = await world.as(`/v1/leads/${String(sent.body['id'])}`);
  return { referral: (await world.as(`/v1/referrals/${String(seen.body['referralId'])}`)).body, clickId };
}

test('a click from a country where the buyer does not live is shown and holds nothing; without a country nothing is said (screens.md 3.16)', async () => {
  const of = { programId, affiliateId: await world.affiliate(programId) };
  const far = await referralAfter(of, { headers: { 'cf-ipcountry': 'DE' } }, { country: 'PL' });
  expect(far.referral).toMatchObject({
    status: 'approved',
    flags: [{ code: 'place_mismatch', evidence: { buyerCountry: 'PL', clickCountries: ['DE'] } }],
  });
  expect(await flagsOf(`affiliateId=${of.affiliateId}&code=place_mismatch`)).toMatchObject([{ blocking: false }]);
  expect((await world.as(`/v1/clicks/${far.clickId}`)).body).toMatchObject({ country: 'DE' });
  for (const headers of [{ 'cf-ipcountry': 'PL' }, { 'cf-ipcountry': 'T1' }, {}])
    expect((await referralAfter(of, { headers }, { country: 'PL' })).referral['flags']).toEqual([]);
});

test('an ad that the program’s terms forbid is flagged with what gave it away, and waits for a person (screens.md 3.16, T17)', async () => {
  const strict = await world.program({ referralApproval: 'automatic', paidAds: 'forbidden', brandTerms: ['Acme'] });
  const of = { programId: strict, affiliateId: await world.affiliate(strict) };
  expect((await referralAfter(of, { query: 'utm_medium=email&sid=kw1' })).referral).toMatchObject({
    status: 'approved',
    flags: [],
  });
  const ad = await referralAfter(of, { query: 'utm_medium=cpc&utm_term=Buy%20ACME' });
  expect(ad.referral).toMatchObject({
    status: 'pending',
    flags: [
      {
        code: 'paid_ads',
        evidence: { clickId: ad.clickId, sign: 'utm_medium=cpc', keyword: 'Buy ACME', brandTerm: 'Acme' },
      },
    ],
  });
  // Where ads are allowed, only the program's own words are kept from them.
  const { version } = (await world.as(`/v1/programs/${strict}`)).body;
  const edit = (body: Readonly<Record<string, unknown>>) =>
    world.api.as(world.ws.key, `/v1/programs/${strict}`, {
      method: 'PATCH',
      body,
      headers: { 'If-Match': `"${String(version)}"` },
    });
  expect(await edit({ brandTerms: ['', 'Acme', 'Acme'] })).toMatchObject({ status: 422 });
  expect(await edit({ paidAds: 'allowed' })).toMatchObject({
    status: 200,
    body: { paidAds: 'allowed', brandTerms: ['Acme'] },
  });
  expect((await referralAfter(of, { query: 'gclid=1&utm_term=shoes' })).referral).toMatchObject({
    status: 'approved',
    flags: [],
  });
  const searched = { referer: 'https://www.bing.com/search?q=acme+deal' };
  const byWord = await referralAfter(of, { headers: searched });
  expect(byWord.referral).toMatchObject({
    status: 'pending',
    flags: [{ code: 'paid_ads', evidence: { sign: null, keyword: 'acme deal', brandTerm: 'Acme' } }],
  });
  expect(await riskyOf(`affiliateId=${of.affiliateId}`)).toMatchObject([
    { findings: [{ code: 'paid_ads', blocking: true, open: 2 }] },
  ]);
});

test('the same person sent by two affiliates is a conflict for staff, and the first one’s money does not wait (FRD-03)', async () => {
  const rival = await world.affiliate(programId);
  const keys = await Promise.all(
    [affiliateId, rival].map(async (id) =>
      String((await world.as('/v1/api-keys', { name: 'k', affiliateId: id })).body['secret']),
    ),
  );
  const body = { email: email(), programId };
  const first = await world.api.as(keys[0] ?? '', '/v1/leads', { body });
  await world.settle();
  expect((await world.api.as(keys[1] ?? '', '/v1/leads', { body })).body['verdict']).toBe('duplicate');
  const lead = await world.as(`/v1/leads/${String(first.body['id'])}`);
  const [flag] = await flagsOf(`referralId=${String(lead.body['referralId'])}`);
  expect(flag).toMatchObject({
    code: 'affiliate_conflict',
    blocking: false,
    evidence: { affiliateIds: [affiliateId, rival] },
  });
  await world.settle();
  expect((await world.as(`/v1/referrals/${String(lead.body['referralId'])}`)).body['status']).toBe('approved');
});

test('accounts of one hand are a ring with its edges, and the recruiter of one’s own second account is shown (FRD-07, FRD-08, T19)', async () => {
  const members = [
    await world.affiliate(programId),
    await world.affiliate(programId),
    await world.affiliate(programId),
  ];
  for (const id of members)
    await insertRow(world.owner, 'payout_methods', {
      id: newId('payoutMethod'),
      workspace_id: world.ws.id,
      affiliate_id: id,
      fingerprint: 'one-account',
      status: 'active',
    });
  await world.owner('affiliates').where({ id: members[1] }).update({ recruiter_id: members[0] });
  await inWorkspace(world.api.db, world.ws.id, (tx, now) => scanWorkspace(tx, world.api.act(world.ws.id, now)));
  for (const id of members) {
    const codes = (await flagsOf(`affiliateId=${id}`)).map((flag) => flag['code']);
    expect(codes).toEqual(expect.arrayContaining(['ring', 'shared_destination']));
  }
  const [ring] = await flagsOf(`affiliateId=${String(members[2])}&code=ring`);
  expect(ring?.['evidence']).toMatchObject({ members: [...members].sort(), kinds: ['payout_account'] });
  expect(await flagsOf(`affiliateId=${String(members[0])}&code=chain_abuse`)).toHaveLength(1);
  expect(await flagsOf(`affiliateId=${String(members[2])}&code=chain_abuse`)).toEqual([]);
  await world.owner('payout_methods').where({ fingerprint: 'one-account' }).delete(); // rows without a history
  // What speaks against the affiliate stops its next referral from approving itself.
  expect(await referralOf({}, members[2])).toMatchObject({ status: 'pending' });
});

test('a case holds its money: nothing moves it but release or reject, which closes the case (FRD-09)', async () => {
  const held = await world.affiliate(programId);
  const referral = await referralOf({ customerExternalId: 'case-1' }, held);
  const sale = await world.sale({ externalId: 'case-s1', customer: { externalId: 'case-1' }, amount: money('100.00') });
  const [commissionId] = sale['commissionIds'] as unknown as readonly string[];
  const line = async () => (await world.as(`/v1/commissions/${String(commissionId)}`)).body;
  const open = (body: Readonly<Record<string, unknown>>) =>
    world.as('/v1/risk-cases', { affiliateId: held, kind: 'manual_review', ...body });
  expect(await open({})).toMatchObject({ status: 422 });
  expect(await open({ commissionIds: ['com_01kaz0c3v7m2q8x4t6w9y1b5de'] })).toMatchObject({ status: 404 });

  const made = await open({ referralIds: [referral['id']], evidence: { report: 'call of 3 May' }, notes: 'Looking' });
  expect(made).toMatchObject({
    status: 201,
    body: { status: 'open', commissionIds: [commissionId], allowedActions: ['release', 'reject'] },
  });
  await world.settle();
  expect(await line()).toMatchObject({ onHold: true });
  const path = `/v1/risk-cases/${String(made.body['id'])}`;
  expect((await world.as(path)).body['held']).toEqual([money('10.00')]);
  const risky = (query = ''): Promise<readonly Json[]> => riskyOf(`affiliateId=${held}${query}`);
  expect(await risky()).toEqual([
    expect.objectContaining({
      affiliate: expect.objectContaining({ id: held, status: 'approved' }) as unknown,
      findings: [{ code: 'manual_review', blocking: true, open: 1 }],
      openCases: 1,
      held: [money('10.00')],
      allowedActions: ['suspend'],
    }),
  ]);
  const single = await world.settled(world.as(`/v1/commissions/${String(commissionId)}/release`, {}));
  expect(single).toMatchObject({ status: 409, body: { code: 'commission_blocked', blockers: [{ code: 'on_hold' }] } });
  expect(await line()).toMatchObject({ onHold: true });
  // Nor does the referral's own rejection reach past the case.
  const before = await line();
  const whole = await world.settled(world.as(`/v1/referrals/${String(referral['id'])}/reject`, { reason: 'Odd' }));
  expect(whole).toMatchObject({ status: 409, body: { code: 'commission_blocked', blockers: [{ code: 'on_hold' }] } });
  expect((await world.as(`/v1/referrals/${String(referral['id'])}`)).body).toMatchObject({ status: 'approved' });
  expect(await line()).toEqual(before);

  expect(await world.as(`${path}/reject`, {})).toMatchObject({ status: 422 });
  expect(await world.as(`${path}/release`, { reason: 'All in order' })).toMatchObject({
    status: 200,
    body: { status: 'released', held: expect.anything() as unknown },
  });
  await world.settle();
  expect(await line()).toMatchObject({ onHold: false });
  expect(await world.as(`${path}/reject`, { reason: 'x' })).toMatchObject({
    status: 409,
    body: { code: 'already_decided', currentStatus: 'released' },
  });
  expect(await flagsOf(`referralId=${String(referral['id'])}&open=true`)).toEqual([]);
  expect(await risky()).toEqual([]);

  const again = await open({ referralIds: [referral['id']] });
  await world.settle();
  expect((await world.as(`/v1/risk-cases/${String(again.body['id'])}/reject`, { reason: 'Forged order' })).status).toBe(
    200,
  );
  await world.settle();
  expect((await world.as(`/v1/referrals/${String(referral['id'])}`)).body).toMatchObject({ status: 'rejected' });
  expect(await line()).toMatchObject({ status: 'reversed' }); // it was approved before
  expect(await world.broken()).toEqual([]);
});

test('FRD-09: compliance, which decides no line itself, holds a draft’s line, a bonus and a renewal; nothing else moves them', async () => {
  const held = await world.affiliate(programId);
  const referral = await referralOf({ customerExternalId: 'case-2', event: 'registration' }, held);
  const buy = (externalId: string, paymentNumber: number) =>
    world.sale({
      externalId,
      customer: { externalId: 'case-2' },
      amount: money('1000.00'),
      subscription: { externalId: 'case-2', paymentNumber },
    });
  const lineOf = (sale: Json): string => String((sale['commissionIds'] as unknown as readonly string[])[0]);
  const line = async (id: string) => (await world.as(`/v1/commissions/${id}`)).body;
  const keyed = (path: string, body: unknown) =>
    world.api.as(world.ws.key, path, { body, headers: { 'Idempotency-Key': randomUUID() } });
  const first = lineOf(await buy('case-s2', 1));
  expect(await line(first)).toMatchObject({ status: 'approved' });

  const finance = await world.api.makePerson(world.ws, ['owner'], { name: 'Fay' });
  const method = await world.as(`/v1/affiliates/${held}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account: 'ok' },
  });
  await world.api.as(finance.key, `/v1/payout-methods/${String(method.body['id'])}/verify`, {
    body: { reason: 'Called' },
  });
  const draft = await keyed('/v1/payouts', { affiliateId: held, currency: 'USD' });
  expect(draft, draft.text).toMatchObject({ status: 201, body: { status: 'draft', amount: money('100.00') } });
  const bonus = await keyed('/v1/commissions', {
    kind: 'bonus',
    affiliateId: held,
    programId,
    amount: money('5.00'),
    reason: 'Spring',
    skipHold: true,
  });
  expect(bonus, bonus.text).toMatchObject({ status: 201, body: { status: 'pending' } });
  const bonusId = String(bonus.body['id']);

  const officer = await world.api.makePerson(world.ws, ['compliance'], { name: 'Cai' });
  const made = await world.api.as(officer.key, '/v1/risk-cases', {
    body: {
      affiliateId: held,
      kind: 'manual_review',
      referralIds: [referral['id']],
      commissionIds: [bonusId],
      evidence: {},
    },
  });
  expect(made, made.text).toMatchObject({ status: 201 });
  const path = `/v1/risk-cases/${String(made.body['id'])}`;
  await world.settle();
  expect(await line(first)).toMatchObject({ status: 'approved', onHold: true, payoutId: null });
  expect(await line(bonusId)).toMatchObject({ status: 'pending', onHold: true });
  expect((await world.as(`/v1/payouts/${String(draft.body['id'])}`)).body).toMatchObject({ commissions: 0 });

  // A renewal meanwhile: due at once, and the case's.
  const renewal = lineOf(await buy('case-s3', 2));
  expect(await line(renewal)).toMatchObject({ status: 'pending', onHold: true });
  expect((await world.as(path)).body).toMatchObject({
    commissionIds: expect.arrayContaining([first, bonusId, renewal]) as unknown,
    held: [money('205.00')],
  });
  const blocked = { status: 409, body: { code: 'commission_blocked', blockers: [{ code: 'on_hold' }] } };
  for (const id of [first, renewal, bonusId]) {
    const before = await line(id);
    const wishes = [
      () => world.settled(world.as(`/v1/commissions/${id}/release`, {})),
      () => world.settled(world.as(`/v1/commissions/${id}/reject`, { reason: 'Odd' })),
      () => keyed(`/v1/commissions/${id}/adjust`, { amount: money('1.00'), reason: 'Less', skipHold: true }),
    ];
    for (const wish of wishes) {
      const answer = await wish();
      expect(answer, answer.text).toMatchObject(blocked);
    }
    expect(await line(id)).toEqual(before);
  }
  const early = await world.settled(world.as(`/v1/commissions/${first}/withdraw-approval`, { reason: 'Odd' }));
  expect(early).toMatchObject(blocked);
  expect(await keyed('/v1/payouts', { affiliateId: held, currency: 'USD' })).toMatchObject({
    status: 409,
    body: { code: 'nothing_to_pay', reasons: [{ code: 'on_hold' }] },
  });

  const released = await world.api.as(officer.key, `${path}/release`, { body: { reason: 'All in order' } });
  expect(released, released.text).toMatchObject({ status: 200, body: { status: 'released' } });
  await world.settle();
  for (const id of [first, renewal]) expect(await line(id)).toMatchObject({ status: 'approved', onHold: false });
  expect(await line(bonusId)).toMatchObject({ status: 'pending', onHold: false });

  const again = await world.api.as(officer.key, '/v1/risk-cases', {
    body: { affiliateId: held, kind: 'manual_review', commissionIds: [bonusId, renewal], evidence: {} },
  });
  await world.settle();
  const rejected = await world.api.as(officer.key, `/v1/risk-cases/${String(again.body['id'])}/reject`, {
    body: { reason: 'Made up' },
  });
  expect(rejected.status, rejected.text).toBe(200);
  await world.settle();
  expect(await line(bonusId)).toMatchObject({ status: 'rejected' });
  expect(await line(renewal)).toMatchObject({ status: 'reversed' });
  expect(await line(first)).toMatchObject({ status: 'approved' });
  expect(await world.broken()).toEqual([]);
});

test('who may look at risks and who may act', async () => {
  const reviewer = await world.api.makePerson(world.ws, ['reviewer'], { name: 'Rob' });
  expect((await world.api.as(reviewer.key, '/v1/risk-flags')).status).toBe(200);
  expect(
    await world.api.as(reviewer.key, '/v1/risk-cases', { body: { affiliateId, kind: 'ring', referralIds: [] } }),
  ).toMatchObject({
    status: 403,
    body: { missingPermission: 'risk.write' },
  });
  const other = await world.api.makeWorkspace({ name: 'Other' });
  expect(itemsOf((await world.api.as(other.key, '/v1/risk-flags')).body['data'])).toEqual([]);
  expect(itemsOf((await world.api.as(other.key, '/v1/console/risk')).body['data'])).toEqual([]);
  const agent = await world.api.makePerson(world.ws, ['agent'], { name: 'Ag' });
  expect(await world.api.as(agent.key, '/v1/console/risk')).toMatchObject({ status: 403 });
});

test('what is open is put together by affiliate, the newest first, page by page; a dismissed flag no longer counts (screens.md 3.16)', async () => {
  const found = await riskyOf('limit=200');
  const open = await flagsOf('open=true&limit=200');
  const sums = new Map<unknown, number>();
  for (const flag of open) {
    const of = (flag['affiliate'] as { id: string } | null)?.id;
    if (of !== undefined) sums.set(of, (sums.get(of) ?? 0) + 1);
  }
  const countOf = (row: Json) =>
    (row['findings'] as unknown as { open: number }[]).reduce((sum, one) => sum + one.open, 0);
  expect(sums.size).toBeGreaterThan(2);
  expect(Object.fromEntries(found.flatMap((row) => (countOf(row) > 0 ? [[row['id'], countOf(row)]] : [])))).toEqual(
    Object.fromEntries(sums),
  );
  const times = found.map((row) => String(row['lastAt']));
  expect(times).toEqual(times.toSorted().toReversed());
  const pages: unknown[] = [];
  let cursor = '';
  do {
    const page = await world.as(
      `/v1/console/risk?limit=2${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    pages.push(...itemsOf(page.body['data']).map((row) => row['id']));
    cursor = String(page.body['nextCursor'] ?? '');
  } while (cursor !== '');
  expect(pages).toEqual(found.map((row) => row['id']));

  const [newest] = found;
  const code = (newest?.['findings'] as unknown as readonly { code: string }[] | undefined)?.[0]?.code ?? '';
  expect((await riskyOf(`code=${code}`)).map((row) => row['id'])).toContain(found[0]?.['id']);
  const mine = open.filter((flag) => (flag['affiliate'] as { id: string } | null)?.id === found[0]?.['id']);
  for (const flag of mine)
    expect((await world.as(`/v1/risk-flags/${String(flag['id'])}/dismiss`, { reason: 'Known' })).status).toBe(200);
  const [rest] = await riskyOf(`affiliateId=${String(found[0]?.['id'])}`);
  expect(rest === undefined ? 0 : countOf(rest)).toBe(0);
});
