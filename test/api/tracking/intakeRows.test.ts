import { afterAll, beforeAll, expect, test } from 'vitest';
import { warnOfEndingKeys } from '../../../activities/calendar.js';
import { createRateLimiter } from '../../../api/rateLimit.js';
import { inWorkspace } from '../../../db/transaction.js';
import { dateIn } from '../../../domain/calendar.js';
import { clockNow } from '../../../platform/clock.js';
import { saveSettings } from '../program/support.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { acceptAll, browserOf, mailsTo } from '../affiliate/portalWorld.js';
import { signInBySession } from './staffSession.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';

// Rows of features.md 6, 7 and 19, each as its "it works when" says, over HTTP.

let world: EarningWorld;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  world = await createEarningWorld({ deps: { rateLimiter: createRateLimiter(() => '10.3.0.1') } });
  programId = await world.program({ levels: 2 });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [
      { level: 1, kind: 'percent', ratePpm: 200_000 },
      { level: 2, kind: 'percent', ratePpm: 50_000 },
    ],
  });
  affiliateId = await world.affiliate(programId, { name: 'Ada' });
});
afterAll(() => world.close());

let people = 0;
const email = (): string => `row${(people += 1)}@buyer.example`;
const usd = (amount: string) => ({ amount, currency: 'USD' });
const send = (key: string, body: Readonly<Record<string, unknown>>, headers: Readonly<Record<string, string>> = {}) =>
  world.api.as(key, '/v1/leads', { body, headers });
async function apiUser(body: Readonly<Record<string, unknown>> = {}): Promise<{ id: string; secret: string }> {
  const made = await world.as('/v1/api-keys', { name: 'API user', affiliateId, ...body });
  expect(made, made.text).toMatchObject({ status: 201 });
  return { id: String(made.body['id']), secret: String(made.body['secret']) };
}
const keyOf = async (id: string): Promise<Json> => (await world.as(`/v1/api-keys/${id}`)).body;
const leadCount = async (): Promise<number> =>
  Number((await world.owner('leads').count<{ count: string }[]>())[0]?.count);
/** A purchase after the click of this affiliate, as the shop reports it. */
async function purchase(of: string, address: string, externalId: string, more = {}): Promise<Json> {
  const clickId = await world.click({ programId, affiliateId: of });
  return world.sale({ externalId, clickId, customer: { email: address }, amount: usd('100.00'), ...more });
}

test('LED-04: the secret is shown once; the list shows name, source, affiliate, expiry and last use', async () => {
  const source = await world.as('/v1/lead-sources', { name: 'Partners' });
  const made = await world.as('/v1/api-keys', {
    name: 'Ada’s server',
    affiliateId,
    leadSourceId: source.body['id'],
    expiresOn: '2099-01-31',
  });
  const secret = String(made.body['secret']);
  expect(secret).toMatch(/^sk_live_/);
  const row = async () => {
    const listed = await world.as(`/v1/api-keys?affiliateId=${affiliateId}`);
    expect(listed.text).not.toContain(secret);
    return itemsOf(listed.body['data']).find((one) => one['id'] === made.body['id']);
  };
  expect(await row()).toMatchObject({
    name: 'Ada’s server',
    leadSourceId: source.body['id'],
    affiliateId,
    expiresOn: '2099-01-31',
    lastUsedAt: null,
    state: 'active',
  });
  expect((await world.as(`/v1/api-keys/${String(made.body['id'])}`)).text).not.toContain(secret);
  await send(secret, { email: email(), programId });
  for (let tries = 0; (await row())?.['lastUsedAt'] === null && tries < 100; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await row())?.['lastUsedAt']).toMatch(/Z$/);
});

test('LED-06: it ends at midnight of its date in the workspace’s zone; warning mails go out two weeks and three days before', async () => {
  const email = `ends-${Date.now()}@ada.example`;
  const ending = await world.affiliate(programId, { email });
  const zones = { ahead: 'Pacific/Kiritimati', behind: 'Pacific/Pago_Pago' };
  const user = await apiUser({ affiliateId: ending, expiresOn: dateIn(zones.ahead, clockNow()) });
  const call = () => world.api.as(user.secret, '/v1/leads');
  const inZone = (timeZone: string) => saveSettings(world.api, world.ws, { general: { timeZone } });
  await inZone(zones.ahead);
  expect(await call()).toMatchObject({ status: 403, body: { code: 'api_user_expired' } });
  expect((await keyOf(user.id))['state']).toBe('expired');
  await inZone(zones.behind); // a day before, there
  expect((await call()).status).toBe(200);
  expect((await keyOf(user.id))['state']).toBe('active');
  await inZone('UTC');

  await world.as(`/v1/api-keys/${user.id}`, { expiresOn: '2027-03-15' }, 'PATCH');
  const passOn = (day: string) =>
    inWorkspace(world.api.db, world.ws.id, (tx) =>
      warnOfEndingKeys(
        tx,
        world.api.act(world.ws.id, `${day}T12:00:00.000Z` as Parameters<typeof world.api.act>[1]),
        'UTC',
      ),
    );
  const warned = async (): Promise<number> =>
    (await world.owner('emails').where({ recipient: email, kind: 'api_key_ending' })).length;
  const counts: number[] = [];
  for (const day of ['2027-02-28', '2027-03-01', '2027-03-02', '2027-03-12', '2027-03-14', '2027-03-15']) {
    await passOn(day);
    counts.push(await warned());
  }
  expect(counts).toEqual([0, 1, 1, 2, 2, 2]);
  const mail = await world
    .owner('emails')
    .where({ recipient: email, kind: 'api_key_ending' })
    .first<{ subject: string }>();
  expect(mail?.subject).toBe('The API user API user ends on 2027-03-15');
  // Staff who look after keys read it too; a revoked one ends nobody's traffic.
  expect(await world.owner('notices').where({ kind: 'api_key_ending', user_id: world.ws.owner.id })).toHaveLength(2);
  await world.as(`/v1/api-keys/${user.id}`, { expiresOn: '2027-06-15' }, 'PATCH');
  await world.as(`/v1/api-keys/${user.id}/revoke`, {});
  await passOn('2027-06-10');
  expect(await warned()).toBe(2);
});

test('LED-07: an expired key is refused and logged; a new date lets the same key in at once; what was refused is no lead', async () => {
  const user = await apiUser({ expiresOn: '2020-01-01' });
  const [late, again] = [email(), email()];
  const before = await leadCount();
  expect(await send(user.secret, { email: late, programId })).toMatchObject({
    status: 403,
    body: { code: 'api_user_expired', expiredOn: '2020-01-01' },
  });
  const extended = await world.as(`/v1/api-keys/${user.id}`, { expiresOn: '2099-01-01' }, 'PATCH');
  expect(extended.body).toMatchObject({ state: 'active' });
  expect((await send(user.secret, { email: again, programId })).status).toBe(202);
  expect(await leadCount()).toBe(before + 1);

  const refused = async () =>
    itemsOf((await world.as(`/v1/api-log?keyId=${user.id}&outcome=refused`)).body['data']).map((call) => call['code']);
  for (let tries = 0; (await refused()).length === 0 && tries < 100; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await refused()).toEqual(['api_user_expired']);
  expect((await world.as(`/v1/api-log?keyId=${user.id}`)).text).not.toContain(late);
});

test('LED-08: nothing ticked is nothing allowed; unless somebody ticks, it is to create leads and read the own ones', async () => {
  const nothing = await apiUser({ permissions: [] });
  for (const answer of [
    await send(nothing.secret, { email: email(), programId }),
    await world.api.as(nothing.secret, '/v1/leads'),
    await world.api.as(nothing.secret, '/v1/sales'),
  ])
    expect(answer).toMatchObject({ status: 403, body: { code: 'permission_missing' } });
  const usual = await apiUser();
  expect((await keyOf(usual.id))['permissions']).toEqual(['lead.write', 'lead.read']);
  const sent = await send(usual.secret, { email: email(), programId });
  expect(sent.status).toBe(202);
  await send(world.ws.key, { email: email() }); // somebody else's
  await world.settle();
  const own = itemsOf((await world.api.as(usual.secret, '/v1/leads')).body['data']);
  expect(own.map((one) => one['id'])).toContain(sent.body['id']);
  expect(new Set(own.map((one) => (one['attribution'] as Json)['affiliateId']))).toEqual(new Set([affiliateId]));
  expect(await world.api.as(usual.secret, '/v1/sales')).toMatchObject({
    status: 403,
    body: { missingPermission: 'sale.read' },
  });
});

test('LED-13: the chosen contact’s login opens this affiliate’s data only; another choice ends it', async () => {
  const other = await world.affiliate(programId, { name: 'Bob' });
  const user = await apiUser();
  const address = `max-${Date.now()}@ada.example`;
  const contact = await world.as('/v1/contacts', { name: 'Max', email: address });
  const contactId = String(contact.body['id']);
  const path = `/v1/api-keys/${user.id}`;
  const choose = (id: string | null): Promise<TestAnswer> => world.as(path, { contactId: id }, 'PATCH');

  const silent = await world.as('/v1/contacts', { name: 'No mail' });
  expect(await choose(String(silent.body['id']))).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/contactId', code: 'required' }] },
  });
  const ofNobody = await world.as('/v1/api-keys', { name: 'Ours', contactId });
  expect(ofNobody).toMatchObject({ status: 422, body: { errors: [{ code: 'not_allowed_here' }] } });
  const developer = await world.api.makePerson(world.ws, ['developer'], { name: 'Dev' });
  expect(await world.api.as(developer.key, path, { method: 'PATCH', body: { contactId } })).toMatchObject({
    status: 403,
    body: { missingPermission: 'affiliate.write' },
  });
  expect(await mailsTo(world, address)).toHaveLength(0);

  expect(await choose(contactId)).toMatchObject({ status: 200, body: { contactId } });
  expect((await choose(contactId)).status).toBe(200);
  const mails = await mailsTo(world, address);
  expect(mails).toHaveLength(1);
  const token = mails[0]?.links[0]?.split('/').pop();
  const signedIn = await world.api.as(null, '/v1/auth/accept-invite', { body: { token } });
  expect(signedIn.status).toBe(200);
  const portal = { affiliateId, email: address, ...browserOf(world, signedIn) };
  await acceptAll(portal);
  expect((await portal.call('/v1/me/profile')).body).toMatchObject({ name: 'Ada' });
  const links = itemsOf((await portal.call('/v1/me/links')).body['data']);
  expect(new Set(links.map((link) => link['affiliateId']))).toEqual(new Set([affiliateId]));
  const foreign = itemsOf((await world.as(`/v1/links?affiliateId=${other}`)).body['data'])[0];
  expect((await portal.call(`/v1/me/links/${String(foreign?.['id'])}`)).status).toBe(404);
  expect(await portal.call('/v1/affiliates')).toMatchObject({ status: 403, body: { code: 'wrong_audience' } });

  expect((await choose(null)).body['contactId']).toBeNull();
  expect((await portal.call('/v1/me/profile')).status).toBe(401);
});

test('LED-14: an id and a status; a bad field names itself; 200 copies with one key are one lead', async () => {
  const user = await apiUser();
  const bad = await send(user.secret, { email: 'no mail', phone: 'x', programId: 'nothing', event: 'party' });
  expect(bad.status).toBe(422);
  expect(new Set((bad.body['errors'] as unknown as readonly Json[]).map((error) => error['pointer']))).toEqual(
    new Set(['#/email', '#/event', '#/phone', '#/programId']),
  );
  const body = { email: email(), programId };
  const before = await leadCount();
  const copies = await Promise.all(
    Array.from({ length: 200 }, () => send(user.secret, body, { 'Idempotency-Key': 'copies' })),
  );
  // Whoever comes while the first is running is told so and asks again.
  expect(copies.every(({ status, body: { code } }) => status === 202 || code === 'idempotency_in_progress')).toBe(true);
  const again = await send(user.secret, body, { 'Idempotency-Key': 'copies' });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  const ids = [...copies, again].flatMap((answer) => (answer.status === 202 ? [answer.body['id']] : []));
  expect(new Set(ids).size).toBe(1);
  expect(again.body).toMatchObject({ object: 'lead', verdict: 'received' });
  expect(await leadCount()).toBe(before + 1);
});

test('TRK-10: the switch flipped, the next purchase credits the other; what was earned and what is subscribed stays', async () => {
  const [first, last] = [await world.affiliate(programId), await world.affiliate(programId)];
  const address = email();
  const lead = async (of: string, event: string) => {
    const sent = await send(world.ws.key, {
      email: address,
      event,
      clickId: await world.click({ programId, affiliateId: of }),
    });
    expect(sent.status).toBe(202);
    await world.settle();
  };
  await lead(first, 'registration');
  await lead(last, 'enquiry');
  const buy = (externalId: string, more = {}) =>
    world.sale({ externalId, customer: { email: address }, amount: usd('100.00'), ...more });
  const creditOf = (sale: Json) => (sale['attribution'] as Json)['affiliateId'];
  const renewal = (paymentNumber: number) => ({ subscription: { externalId: 'trk10', paymentNumber } });

  const before = await buy('trk10-1', renewal(1));
  expect(creditOf(before)).toBe(last);
  const flip = async (referrerChoice: 'first' | null): Promise<void> => {
    const path = `/v1/programs/${programId}`;
    const version = String((await world.as(path)).body['version']);
    const changed = await world.api.as(world.ws.key, path, {
      method: 'PATCH',
      body: { referrerChoice },
      headers: { 'If-Match': `"${version}"` },
    });
    expect(changed.status, changed.text).toBe(200);
  };
  await flip('first');
  expect(creditOf(await buy('trk10-2'))).toBe(first);
  expect(creditOf(await buy('trk10-3', renewal(2)))).toBe(last);
  const earned = await world.commissions(`saleId=${String(before['id'])}`);
  expect(earned.map((line) => [line['affiliateId'], line['status']])).toContainEqual([last, 'pending']);
  await flip(null);
});

test('TRK-24: a purchase after the window is credited through the referral, unless a referral lifetime is set and over', async () => {
  const affiliateId = await world.affiliate(programId);
  const address = email();
  const clickId = await world.click({ programId, affiliateId });
  expect((await send(world.ws.key, { email: address, event: 'registration', clickId })).status).toBe(202);
  await world.settle();
  await world
    .owner('touches')
    .where({ source_id: clickId })
    .update({ ends_at: new Date(Date.now() - 1_000) });
  const buy = (externalId: string, more = {}) =>
    world.sale({ externalId, customer: { email: address }, amount: usd('100.00'), ...more });
  const inside = await buy('trk24-1', { subscription: { externalId: 'trk24', paymentNumber: 1 } });
  expect(inside['attribution']).toMatchObject({ status: 'attributed', affiliateId });

  const lifetime = async (referralLifetime: string | null): Promise<void> => {
    const path = `/v1/programs/${programId}`;
    const version = String((await world.as(path)).body['version']);
    const changed = await world.api.as(world.ws.key, path, {
      method: 'PATCH',
      body: { referralLifetime },
      headers: { 'If-Match': `"${version}"` },
    });
    expect(changed.status, changed.text).toBe(200);
  };
  await lifetime('P30D');
  expect((await buy('trk24-2'))['attribution']).toMatchObject({ status: 'attributed', affiliateId });
  const days = (count: number) => new Date(Date.now() - count * 86_400_000);
  await world
    .owner('referrals')
    .where({ id: inside['referralId'] })
    .update({ lead_at: days(31) });
  const late = await buy('trk24-3', { subscription: { externalId: 'trk24', paymentNumber: 2 } });
  expect(late).toMatchObject({
    attribution: { status: 'unattributed', code: 'referral_lifetime_over', affiliateId: null },
    commissionIds: [],
  });
  // It happened while the referral still carried credit, and is reported now.
  const earlier = await buy('trk24-4', { occurredAt: days(2).toISOString() });
  expect(earlier['attribution']).toMatchObject({ status: 'attributed', affiliateId });

  // Staff may still give it to somebody (TRK-27).
  const given = await world.as(`/v1/sales/${String(late['id'])}/attribute`, {
    affiliateId,
    programId,
    reason: 'Agreed',
  });
  expect(given.status, given.text).toBe(200);
  await world.settle();
  expect((await world.as(`/v1/sales/${String(late['id'])}`)).body['attribution']).toMatchObject({ affiliateId });

  // The first purchase of a lead whose time is over is nobody's either.
  const other = email();
  const again = await send(world.ws.key, {
    email: other,
    event: 'registration',
    clickId: await world.click({ programId, affiliateId }),
  });
  await world.settle();
  const leadRow = (await world.as(`/v1/leads/${String(again.body['id'])}`)).body;
  await world
    .owner('referrals')
    .where({ id: leadRow['referralId'] })
    .update({ lead_at: days(31) });
  await world
    .owner('touches')
    .where({ referral_id: leadRow['referralId'] })
    .update({ ends_at: days(1) });
  const first = await world.sale({ externalId: 'trk24-5', customer: { email: other }, amount: usd('100.00') });
  expect(first['attribution']).toMatchObject({ status: 'unattributed', code: 'referral_lifetime_over' });
  await lifetime(null);
});

test('TRK-20: staff log a purchase of a referred contact; nothing is charged and a pending commission appears', async () => {
  const address = email();
  await send(world.ws.key, {
    email: address,
    event: 'registration',
    clickId: await world.click({ programId, affiliateId }),
  });
  await world.settle();
  const staff = await signInBySession(world);
  const logged = await staff.call('/v1/sales', {
    body: { externalId: 'paper-1', customer: { email: address }, amount: usd('80.00') },
  });
  expect(logged).toMatchObject({ status: 202, body: { channel: 'manual', inReview: false } });
  await world.settle();
  const [line, ...more] = await world.commissions(`saleId=${String(logged.body['id'])}`);
  expect(more).toEqual([]);
  expect(line).toMatchObject({ status: 'pending', affiliateId, amount: usd('16.00') });
});

test('TRK-25: the recruiter gets a level 2 line if enrolled; suspended, it is on hold; it never goes further up', async () => {
  const top = await world.affiliate(programId);
  const outside = await world.affiliate(await world.program());
  const suspended = await world.affiliate(programId, { recruiterId: top });
  const seller = async (recruiterId: string) => world.affiliate(programId, { recruiterId });
  const linesOf = async (of: string, externalId: string) => {
    const sale = await purchase(of, email(), externalId);
    return (await world.commissions(`saleId=${String(sale['id'])}`)).map((line) => [
      line['level'],
      line['affiliateId'],
      (line['amount'] as Json)['amount'],
      line['onHold'],
    ]);
  };
  const [one, two, three] = [await seller(top), await seller(outside), await seller(suspended)];
  const sorted = (lines: readonly unknown[][]) => lines.toSorted((a, b) => Number(a[0]) - Number(b[0]));

  expect(sorted(await linesOf(one, 'trk25-1'))).toEqual([
    [1, one, '20.00', false],
    [2, top, '5.00', false],
  ]);
  expect(await linesOf(two, 'trk25-2')).toEqual([[1, two, '20.00', false]]);
  expect((await world.as(`/v1/affiliates/${suspended}/suspend`, { reason: 'Looked at' })).status).toBe(200);
  expect(sorted(await linesOf(three, 'trk25-3'))).toEqual([
    [1, three, '20.00', false],
    [2, suspended, '5.00', true],
  ]);
});

test('FRD-04: a reviewer’s fraud check that fails rejects the referral with its reason', async () => {
  const checked = await world.program({ requiredChecks: ['fraud', 'identity'] });
  const ann = await world.affiliate(checked);
  const sent = await send(world.ws.key, {
    email: email(),
    event: 'registration',
    clickId: await world.click({ programId: checked, affiliateId: ann }),
  });
  await world.settle();
  const referralId = String((await world.as(`/v1/leads/${String(sent.body['id'])}`)).body['referralId']);
  const seen = async (): Promise<Json> => (await world.as(`/v1/referrals/${referralId}`)).body;
  const identity = (await seen())['checks'] as unknown as readonly Json[];
  const open = identity.find((check) => check['kind'] === 'identity');
  const reviewer = await world.api.makePerson(world.ws, ['reviewer'], { name: 'Rex' });
  const answer = (body: Readonly<Record<string, unknown>>) =>
    world.settled(world.api.as(reviewer.key, `/v1/referrals/${referralId}/checks/${String(open?.['id'])}`, { body }));
  expect((await answer({ status: 'failed' })).status).toBe(422);
  expect((await seen())['status']).toBe('pending');
  expect(await answer({ status: 'failed', reason: 'Papers do not match' })).toMatchObject({ status: 200 });
  await world.settle();
  expect(await seen()).toMatchObject({ status: 'rejected', checks: [{}, { status: 'failed' }] });
  const history = async () =>
    itemsOf((await world.as(`/v1/audit-entries?objectId=${referralId}`)).body['data']).map((entry) => [
      entry['event'],
      entry['reasonCode'],
      (entry['actor'] as Json)['type'],
    ]);
  expect(await history()).toContainEqual(['rejected', 'check_failed', 'system']);

  // Reopened by a person who knows of it, it waits for them and is not rejected again by what was known.
  const reopened = await world.settled(world.as(`/v1/referrals/${referralId}/reopen`, { reason: 'New papers' }));
  expect(reopened).toMatchObject({ status: 200, body: { status: 'pending' } });
  await world.settle();
  expect(await seen()).toMatchObject({ status: 'pending' });
});

test('FRD-10: script tags and huge texts are kept as text or refused, wrong types are named, nothing is a 500', async () => {
  const tag = '<script>alert(1)</script>';
  const kept = await send(world.ws.key, { email: email(), name: tag, company: tag });
  expect(kept).toMatchObject({ status: 202, body: { name: tag } });
  expect(kept.headers.get('content-type')).toMatch(/^application\/json/);
  const form = await world.as('/v1/lead-forms', {
    name: tag,
    programId,
    fields: [{ name: 'email', label: tag, required: true }],
    thankYouText: tag,
  });
  const page = await world.api.as(null, `/f/${String(form.body['id'])}`, { headers: { Accept: 'text/html' } });
  expect(page.text).toContain('&lt;script&gt;');
  expect(page.text).not.toContain(tag);
  for (const body of [
    { email: 7 },
    { email: { $ne: null } },
    { email: ['a@b.example'] },
    { email: `${'a'.repeat(300)}@b.example` },
    { email: email(), name: 'x'.repeat(1_000_000) },
    { email: email(), customFields: { plan: { deep: true } } },
    { email: email(), clickId: "1' or '1'='1" },
  ]) {
    const refused = await send(world.ws.key, body);
    expect([413, 422]).toContain(refused.status);
    expect(refused.text).not.toContain('script>');
  }
});

test('BEY-22: an affiliate’s own key reads and makes its own, masked like the portal, and learns nothing of others', async () => {
  const [top, rival] = [await world.affiliate(programId), await world.affiliate(programId)];
  const own = await world.affiliate(programId, { recruiterId: top });
  const user = await apiUser({
    affiliateId: own,
    permissions: 'me.read me.write link.read lead.read sale.read referral.read commission.read affiliate.read'.split(
      ' ',
    ),
  });
  const call = (path: string, more: Parameters<typeof world.api.as>[2] = {}) => world.api.as(user.secret, path, more);
  await acceptAll({ affiliateId: own, email: '', call } as unknown as Parameters<typeof acceptAll>[0]);

  const [address, name] = [email(), 'Jo Concealed'];
  for (const [of, event] of [
    [rival, 'registration'],
    [own, 'enquiry'],
  ] as const) {
    const clickId = await world.click({ programId, affiliateId: of });
    expect(
      (
        await send(world.ws.key, {
          email: address,
          name,
          event,
          clickId,
          customerExternalId: `shop-${address}`,
          metadata: { plan: 'Gold plan' },
        })
      ).status,
    ).toBe(202);
    await world.settle();
  }
  const sale = await world.sale({
    externalId: 'bey22-1',
    customer: { email: address },
    amount: usd('100.00'),
    metadata: { plan: 'Gold plan' },
  });
  const referralId = String(sale['referralId']);
  const whole = await world.as(`/v1/referrals/${referralId}`);
  expect(whole.body).toMatchObject({ firstAffiliateId: rival, lastAffiliateId: own, levels: [{}, { level: 2 }] });
  const [line] = await world.commissions(`referralId=${referralId}&level=1`);
  await world.as(`/v1/referrals/${referralId}`, { notes: 'Known to us', tags: ['To be watched'] }, 'PATCH');
  const rejected = await world.settled(
    world.as(`/v1/referrals/${referralId}/reject`, { reasonCode: 'fraud', reason: 'Paid with a stolen card' }),
  );
  expect(rejected, rejected.text).toMatchObject({ status: 200, body: { status: 'rejected' } });
  await world.settle();

  const made = await call('/v1/me/links', { body: { programId, slug: 'bey22-own' } });
  expect(made, made.text).toMatchObject({ status: 201, body: { affiliateId: own } });
  const read = [
    '/v1/me/links',
    '/v1/me/lead-log',
    '/v1/me/referrals',
    `/v1/me/referrals/${referralId}`,
    '/v1/me/commissions',
    `/v1/me/commissions/${String(line?.['id'])}/explanation`,
    '/v1/me/payouts',
    '/v1/links',
    '/v1/leads',
    '/v1/lead-log',
    '/v1/sales',
    '/v1/referrals',
    `/v1/referrals/${referralId}`,
    `/v1/referrals/${referralId}/touches`,
    `/v1/referrals/${referralId}/attributions`,
    `/v1/referrals/${referralId}/story`,
    '/v1/commissions',
    `/v1/commissions/${String(line?.['id'])}/explanation`,
    `/v1/commissions/${String(line?.['id'])}/changes`,
  ];
  for (const path of read) {
    const answer = await call(path);
    expect([path, answer.status]).toEqual([path, 200]);
    expect(answer.headers.get('ratelimit-policy')).toMatch(/q=\d+;w=60/);
    expect(answer.headers.get('ratelimit')).toMatch(/r=\d+;t=\d+/);
    // Others, the customer, why it was rejected, and what staff noted.
    for (const secret of [
      rival,
      top,
      address,
      name,
      'fraud',
      'stolen',
      'To be watched',
      'Known to us',
      'Gold plan',
      'Ana',
    ])
      expect(answer.text.includes(secret), `${path} tells ${secret}: ${answer.text}`).toBe(false);
  }
  const told = (await call('/v1/me/referrals')).body['data'] as unknown as readonly Json[];
  expect(told.find((one) => one['id'] === referralId)).toMatchObject({ reason: { code: 'not_accepted', text: null } });
  expect((await call(`/v1/referrals/${referralId}`)).body).toMatchObject({
    affiliateId: own,
    firstAffiliateId: null,
    lastAffiliateId: own,
    levels: [{ level: 1, affiliateId: own }],
    contactId: null,
    decision: null,
    commissionIds: [line?.['id']],
  });
  const touches = itemsOf((await call(`/v1/referrals/${referralId}/touches`)).body['data']);
  expect(touches.map((touch) => touch['affiliateId'])).toEqual([own]);
  // The recruiter reads its level 2 amount, and neither whose sale it was nor which.
  const above = await apiUser({ affiliateId: top, permissions: ['commission.read', 'sale.read', 'referral.read'] });
  const lines = await world.api.as(above.secret, `/v1/commissions?level=2`);
  expect(itemsOf(lines.body['data'])).toMatchObject([{ level: 2, referralId: null, saleId: null, customer: null }]);
  for (const path of ['/v1/sales', '/v1/referrals'])
    expect(itemsOf((await world.api.as(above.secret, path)).body['data'])).toEqual([]);
  for (const path of [`/v1/links?affiliateId=${rival}`, `/v1/sales?affiliateId=${rival}`])
    expect(itemsOf((await call(path)).body['data'])).toEqual([]);
  expect((await call(`/v1/affiliates/${rival}`)).status).toBe(404);
});
