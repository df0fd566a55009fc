import { afterAll, beforeAll, expect, test } from 'vitest';
import { tellPayees } from '../../../activities/payout/notice.js';
import { insertNoticesOnce } from '../../../db/messaging/notice.js';
import { findPayout } from '../../../db/payout/payout.js';
import { routes } from '../../../api/routes.js';
import { insertEmailsOnce } from '../../../db/messaging/email.js';
import { hasOptedOut } from '../../../db/messaging/message.js';
import { inWorkspace, readWorkspace } from '../../../db/transaction.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { saveSettings } from '../program/support.js';
import { itemsOf, type Json } from '../support.js';
import { acceptAll, browserOf, mailsTo, type Portal, signInToPortal } from './portalWorld.js';

// The rest of the portal (features.md 15): what staff and the affiliate see is the same, terms, notices, recruits.

let world: EarningWorld;
let programId: string;
let ada: Portal;
let rita: Portal;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ name: 'Spring', levels: 2, commissionApproval: 'automatic' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [
      { level: 1, kind: 'percent', ratePpm: 200_000 },
      { level: 2, kind: 'percent', ratePpm: 50_000 },
    ],
  });
  ada = await signInToPortal(world, await world.affiliate(programId, { name: 'Ada' }));
  rita = await signInToPortal(world, await world.affiliate(programId, { name: 'Rita', recruiterId: ada.affiliateId }));
  await acceptAll(ada);
  await acceptAll(rita);
});
afterAll(() => world.close());

/** Every call of the portal that changes something, from the list of routes itself. */
const portalWrites = routes
  .filter(({ permission, method }) => permission === 'me.write' && method !== 'GET')
  .map(({ method, path }) => [method, path.replaceAll(/:\w+/g, 'usr_00000000000000000000000000')] as const);

const usd = (amount: string) => ({ amount, currency: 'USD' });

async function sell(portal: Portal, externalId: string, amount: string): Promise<Json> {
  const clickId = await world.click({ programId, affiliateId: portal.affiliateId });
  const customer = { externalId, email: `${externalId}@buyer.example` };
  return world.sale({ externalId, customer, clickId, amount: usd(amount) });
}

test('PRT-02: the portal’s home says of the affiliate what staff see of it', async () => {
  await sell(ada, 's1', '100.00');
  await sell(ada, 's2', '40.00');
  const home = (await ada.call('/v1/me/home')).body;
  const staff = (path: string) =>
    world.as(`/v1/${path}${path.includes('?') ? '&' : '?'}affiliateId=${ada.affiliateId}`);
  expect(home['balances']).toEqual((await world.as(`/v1/affiliates/${ada.affiliateId}/balances`)).body);
  const counted = async (path: string) => itemsOf((await staff(path)).body['data']).length;
  expect(home['totals']).toEqual({
    clicks: await counted('clicks?limit=200'),
    visits: await counted('visits?limit=200'),
    leads: await counted('leads?limit=200'),
    sales: await counted('sales?limit=200'),
  });
  expect(home['totals']).toMatchObject({ clicks: 2, sales: 2 });
  // The report of the same days counts the same, for staff and for the affiliate (RPT-11).
  const [own] = itemsOf((await ada.call('/v1/me/reports/traffic')).body['totals']);
  const metrics = (await world.as(`/v1/affiliates/${ada.affiliateId}/metrics`)).body;
  expect({ clicks: metrics['clicks'], leads: metrics['leads'], sales: metrics['sales'] }).toEqual({
    clicks: own?.['clicks'],
    leads: own?.['leads'],
    sales: own?.['sales'],
  });
});

test('PRT-13: a new version has to be accepted before anything else; version, time and address are kept', async () => {
  const published = await world.as(`/v1/programs/${programId}/agreements`, {
    kind: 'terms',
    title: 'Terms',
    text: 'Be very fair.',
  });
  expect(published.status, published.text).toBe(201);
  const stopped = await ada.call('/v1/me/home');
  expect([stopped.status, stopped.body['code']]).toEqual([409, 'requirements_open']);
  await acceptAll(ada);
  expect((await ada.call('/v1/me/home')).status).toBe(200);
  const kept = await world.as(`/v1/affiliates/${ada.affiliateId}/agreement-acceptances`);
  expect(itemsOf(kept.body['data'])[0]).toMatchObject({
    agreementId: published.body['id'],
    number: 2,
    title: 'Terms',
    via: 'portal',
    address: '127.0.0.1',
  });
  expect(itemsOf(kept.body['data'])[0]?.['acceptedAt']).toMatch(/Z$/);
  // Who may not see personal data sees that it was accepted, not from where.
  const { key } = await world.api.makePerson(world.ws, ['support']);
  const masked = await world.api.as(key, `/v1/affiliates/${ada.affiliateId}/agreement-acceptances`);
  expect(itemsOf(masked.body['data'])[0]).toMatchObject({ number: 2, address: null });
  await acceptAll(rita);
});

test('PRT-14: a notice is counted until it is opened, and one that asks for it until it is acknowledged', async () => {
  const path = '/v1/me/notices';
  const unread = async (portal: Portal) => (await portal.call(`${path}?include=counts`)).body['counts']['byStatus'];
  // The new version of the terms was told already; what need not be accepted asks for a word.
  expect(await unread(ada)).toEqual({ unread: 1, to_acknowledge: 0 });
  const guidelines = { kind: 'guidelines', title: 'Brand', text: 'Blue.', mustAccept: false };
  expect((await world.as(`/v1/programs/${programId}/agreements`, guidelines)).status).toBe(201);
  expect(await unread(ada)).toEqual({ unread: 2, to_acknowledge: 1 });

  const [brand, terms] = itemsOf((await ada.call(`${path}?unread=true`)).body['data']);
  expect(brand).toMatchObject({
    kind: 'agreement_published',
    subject: 'Brand: version 1 (Spring)',
    requiresAcknowledgement: true,
    allowedActions: ['read', 'acknowledge'],
  });
  const post = (portal: Portal, id: string | undefined, verb: string) =>
    portal.call(`${path}/${String(id)}/${verb}`, { body: {} });
  expect((await post(ada, terms?.['id'], 'read')).status).toBe(204);
  expect((await post(ada, terms?.['id'], 'acknowledge')).status).toBe(404);
  expect((await post(ada, brand?.['id'], 'acknowledge')).status).toBe(204);
  expect((await post(ada, brand?.['id'], 'acknowledge')).status).toBe(204);
  expect(await unread(ada)).toEqual({ unread: 0, to_acknowledge: 0 });
  const trail = await world.as(`/v1/audit-entries?event=acknowledged&objectId=${brand?.['id']}`);
  expect(itemsOf(trail.body['data'])).toHaveLength(1);

  // Rita’s are Rita’s: unread still, and out of Ada’s reach.
  expect((await unread(rita))['unread']).toBe(2);
  const [hers] = itemsOf((await rita.call(path)).body['data']);
  const foreign = await post(ada, hers?.['id'], 'read');
  expect([foreign.status, foreign.body['code']]).toEqual([404, 'not_found']);
  expect((await world.as(`/v1/notices/${hers?.['id']}/read`, {})).status).toBe(404);
  expect((await world.as('/v1/me/notices')).body['code']).toBe('wrong_audience');
});

test('a person of the staff has notices of its own, by mailbox, each fact once', async () => {
  const { owner } = world.ws;
  const told = {
    to: { email: owner.email },
    onceKey: 'link/1',
    kind: 'link_unreachable',
    subject: 'A page',
    body: 'x',
  };
  for (let i = 0; i < 2; i += 1)
    await inWorkspace(world.api.db, world.ws.id, (tx, now) =>
      insertNoticesOnce(tx, world.api.act(world.ws.id, now), [told]),
    );
  const list = await world.as('/v1/notices?include=counts');
  expect(list.body['counts']).toEqual({ total: 1, byStatus: { unread: 1, to_acknowledge: 0 } });
  const [notice] = itemsOf(list.body['data']);
  expect((await world.as(`/v1/notices/${notice?.['id']}/read`, {})).status).toBe(204);
  expect((await world.as('/v1/notices?unread=true')).body['data']).toEqual([]);
  const { key } = await world.api.makePerson(world.ws, ['admin'], { name: 'Ben' });
  expect((await world.api.as(key, '/v1/notices')).body['data']).toEqual([]);
});

test('SET-07: with its mail switched off a payout is told inside the portal all the same, once', async () => {
  await saveSettings(world.api, world.ws, { notifications: { 'payout.paid': false } });
  const id = newId('payout');
  await world.owner('payouts').insert({
    workspace_id: world.ws.id,
    id,
    mode: 'live',
    affiliate_id: ada.affiliateId,
    currency: 'USD',
    amount_minor: 1000,
    status: 'pending',
    method_type: 'bank',
    execution: 'manual',
    gateway: 'manual',
    created_by_type: 'system',
  });
  for (let i = 0; i < 2; i += 1)
    await inWorkspace(world.api.db, world.ws.id, async (tx, now) => {
      const payout = await findPayout(tx, id);
      if (payout === undefined) throw new Error('the payout is there');
      await tellPayees(tx, world.api.act(world.ws.id, now), 'payout.paid', [
        { payout, onceFor: id, reference: 'SEPA 7' },
      ]);
    });
  const told = itemsOf((await ada.call('/v1/me/notices?unread=true')).body['data']);
  expect(told).toMatchObject([{ kind: 'payout_paid', subject: 'You were paid 10.00 USD', link: '/payouts' }]);
  expect((await mailsTo(world, ada.email)).map((mail) => mail.kind)).not.toContain('payout_paid');
});

test('PRT-18: a recruiter sees how many it recruited and what they earned it, and nothing of their customers', async () => {
  await sell(rita, 's3', '200.00');
  const seen = await ada.call('/v1/me/recruits');
  expect(seen.body).toMatchObject({
    data: [{ object: 'own_recruit', depth: 1, active: true, sales: 1, earned: [usd('10.00')] }],
    counts: { total: 1, byStatus: { active: 1, inactive: 0 } },
    sums: [usd('10.00')],
  });
  expect(seen.text).not.toMatch(/Rita|s3|buyer\.example/);
  expect(seen.text).not.toContain(rita.affiliateId);
  const lines = await ada.call('/v1/me/commissions?level=2&include=sums');
  expect(lines.body['sums']).toEqual([usd('10.00')]);
  expect((await rita.call('/v1/me/recruits')).body['data']).toEqual([]);
});

test('PRT-12: the first login is stamped, staff see who never came, and the invitation can be sent again', async () => {
  const id = await world.affiliate(programId, { name: 'Lena' });
  const staff = async () => (await world.as(`/v1/affiliates/${id}`)).body;
  expect((await staff())['firstLoginAt']).toBeNull();
  const never = async () =>
    itemsOf((await world.as('/v1/affiliates?neverLoggedIn=true')).body['data']).map((one) => one['id']);
  expect(await never()).toEqual([id]);
  const email = String((await staff())['email']);
  const before = (await mailsTo(world, email)).length;
  expect((await world.as(`/v1/affiliates/${id}/invite`, {})).status).toBe(202);
  expect((await mailsTo(world, email)).length).toBe(before + 1);
  await signInToPortal(world, id);
  const { firstLoginAt } = await staff();
  expect(firstLoginAt).toMatch(/Z$/);
  expect(await never()).toEqual([]);
  await world.api.as(null, '/v1/auth/sign-in-link', { body: { email } });
  const link = (await mailsTo(world, email))[0]?.links[0] ?? '';
  const token = /\/welcome\/([\w-]+)/.exec(link)?.[1];
  expect((await world.api.as(null, '/v1/auth/one-time', { body: { token } })).status).toBe(200);
  expect((await staff())['firstLoginAt']).toBe(firstLoginAt);
});

test('PRT-11: signing in leads where the workspace says, by role, and never out of the own surface', async () => {
  const homeOf = async (portal: Portal) => (await portal.call('/v1/me')).body['homePath'];
  const staff = async () => (await world.as('/v1/me')).body['homePath'];
  expect([await homeOf(ada), await staff()]).toEqual(['/portal', '/']);
  await saveSettings(world.api, world.ws, {
    general: { consoleHome: 'queue' },
    affiliates: { portalHome: 'earnings' },
  });
  expect([await homeOf(ada), await staff()]).toEqual(['/portal/earnings', '/queue']);
  await world.api.as(null, '/v1/auth/sign-in-link', { body: { email: ada.email } });
  const token = /\/welcome\/([\w-]+)/.exec((await mailsTo(world, ada.email))[0]?.links[0] ?? '')?.[1];
  const signedIn = await world.api.as(null, '/v1/auth/one-time', { body: { token } });
  expect(signedIn.body).toMatchObject({ audience: 'affiliate', homePath: '/portal/earnings' });
  const { version } = (await world.as('/v1/settings')).body;
  const wrong = await world.api.as(world.ws.key, '/v1/settings', {
    method: 'PATCH',
    body: { affiliates: { portalHome: 'https://evil.example' } },
    headers: { 'If-Match': `"${version}"` },
  });
  expect([wrong.status, wrong.body['errors'][0]?.['pointer']]).toEqual([422, '#/affiliates/portalHome']);
  expect((await ada.call('/v1/console/home')).body['code']).toBe('wrong_audience');
  await saveSettings(world.api, world.ws, { general: { consoleHome: 'home' }, affiliates: { portalHome: 'home' } });
});

test('PRT-10: with the portal off its pages and tools say so, links go on earning; on again, all is back', async () => {
  const enable = (portalEnabled: boolean) => saveSettings(world.api, world.ws, { affiliates: { portalEnabled } });
  await enable(false);
  for (const path of ['/v1/me/home', '/v1/me/promo-tools', '/v1/me/notices', '/v1/me/reports/traffic']) {
    const off = await ada.call(path);
    expect([off.status, off.body['code'], off.body['capability']], path).toEqual([403, 'not_enabled', 'portal']);
  }
  const sold = await sell(ada, 's4', '10.00');
  expect(itemsOf(sold['commissionIds'])).toHaveLength(1);
  await enable(true);
  expect((await ada.call('/v1/me/promo-tools')).status).toBe(200);
});

test('RUL-15: the programs page words the own rates in both languages and never names the rule; another program is joined', async () => {
  const read = async (query = '') => (await rita.call(`/v1/me/programs${query}`)).body;
  const [spring] = itemsOf((await read())['data']);
  const [rate] = itemsOf(spring?.['rates']);
  expect(rate?.['text']).toBe('20 % of the price without tax, for every payment');
  expect(Object.keys(rate ?? {})).not.toContain('rule');
  const [german] = itemsOf((await read('?language=de'))['data']);
  expect(itemsOf(german?.['rates']).map((one) => one['text'])).toEqual([
    '20 % von dem Preis ohne Steuer, für jede Zahlung',
    '5 % von dem Preis ohne Steuer, für jede Zahlung, über einen von Ihnen geworbenen Affiliate',
  ]);
  expect((await rita.call('/v1/me/programs?language=fr')).status).toBe(422);

  const open = await world.program({ name: 'Autumn' });
  const invited = await world.program({ name: 'Only invited', enrolment: 'invite' });
  expect(itemsOf((await read())['joinable']).map((one) => one['id'])).toEqual([open]);
  const join = (id: string) => rita.call(`/v1/me/programs/${id}/enrol`, { body: {} });
  expect((await join(invited)).body).toMatchObject({ status: 404, code: 'not_found' });
  const joined = await join(open);
  expect([joined.status, joined.body], joined.text).toEqual([201, { programId: open, joined: true }]);
  await acceptAll(rita);
  const mine = itemsOf((await read())['data']).find((one) => one['id'] === open);
  expect(mine).toMatchObject({ name: 'Autumn', enrolment: { status: 'active' } });
  expect(mine?.['linkId']).toMatch(/^lnk_/);
  expect((await read())['joinable']).toEqual([]);
  expect((await join(open)).body).toMatchObject({ status: 409, code: 'already_exists' });

  const { affiliateId } = rita;
  await world.as(`/v1/affiliates/${affiliateId}/suspend`, { reason: 'A look' });
  const later = await world.program({ name: 'Winter' });
  expect((await join(later)).body).toMatchObject({ status: 403, code: 'affiliate_not_active' });
  await world.as(`/v1/affiliates/${affiliateId}/reactivate`, {});
});

test('screens.md 6: what an affiliate is told of, and how, is its own choice in every mail and notice; what it needs is locked', async () => {
  const choicesOf = async (portal: Portal) => itemsOf((await portal.call('/v1/me/profile')).body['notifications']);
  const choose = (portal: Portal, notifications: readonly Readonly<Record<string, unknown>>[]) =>
    portal.call('/v1/me/profile', { method: 'PATCH', body: { notifications } });
  const told = (portal: Portal, kind: string) =>
    readWorkspace(world.api.db, world.ws.id, async (tx) => ({
      mails: (await tx('emails').where({ kind }).whereILike('recipient', portal.email).select('id')).length,
      notices: (await tx('notices').where({ kind, affiliate_id: portal.affiliateId }).select('id')).length,
    }));
  const tell = (portal: Portal, kind: string, key: string) =>
    inWorkspace(world.api.db, world.ws.id, async (tx, now) => {
      const act = world.api.act(world.ws.id, now);
      const text = { onceKey: `${key}/${kind}/${portal.affiliateId}`, kind, subject: 'A fact', body: 'It happened.' };
      await insertNoticesOnce(tx, act, [{ ...text, to: { affiliateId: portal.affiliateId as AffiliateId } }]);
      await insertEmailsOnce(tx, act, [{ ...text, recipient: portal.email.toUpperCase() }], 4);
    });

  const all = await choicesOf(ada);
  expect(all.find(({ topic }) => topic === 'payout')).toEqual({
    topic: 'payout',
    mail: { on: true, locked: false },
    notice: { on: true, locked: false },
  });
  expect(all.find(({ topic }) => topic === 'payoutProblem')?.['mail']).toEqual({ on: true, locked: true });
  expect((await choose(ada, [{ topic: 'payoutProblem', mail: false }])).body).toMatchObject({
    status: 422,
    errors: [{ pointer: '#/notifications/0/mail', code: 'not_allowed_here' }],
  });
  expect((await choose(ada, [{ topic: 'weather', mail: false }])).body).toMatchObject({
    status: 422,
    errors: [{ pointer: '#/notifications/0/topic', code: 'not_in_list' }],
  });

  const version = (await ada.call('/v1/me/profile')).body['version'];
  expect((await choose(ada, [{ topic: 'postback', mail: false }])).status).toBe(200);
  expect((await choose(rita, [{ topic: 'postback', notice: false }])).status).toBe(200);
  expect((await ada.call('/v1/me/profile')).body['version']).toBe(version);
  for (const portal of [ada, rita]) await tell(portal, 'postback_paused', 'first');
  expect([await told(ada, 'postback_paused'), await told(rita, 'postback_paused')]).toEqual([
    { mails: 0, notices: 1 },
    { mails: 1, notices: 0 },
  ]);
  // On again: the next one is told; what could not be declined was never asked about.
  expect((await choose(ada, [{ topic: 'postback', mail: true }])).status).toBe(200);
  for (const kind of ['postback_paused', 'payout_failed']) await tell(ada, kind, 'second');
  expect(await told(ada, 'postback_paused')).toEqual({ mails: 1, notices: 2 });
  expect(await told(ada, 'payout_failed')).toEqual({ mails: 1, notices: 1 });

  // Messages: the same choice as at the address in each of their mails.
  const isOut = () => readWorkspace(world.api.db, world.ws.id, (tx) => hasOptedOut(tx, ada.affiliateId as AffiliateId));
  expect((await choose(ada, [{ topic: 'news', mail: false }])).status).toBe(200);
  expect(await isOut()).toBe(true);
  expect((await choicesOf(ada)).find(({ topic }) => topic === 'news')).toMatchObject({
    mail: { on: false },
    notice: { on: true, locked: true },
  });
  expect((await choose(ada, [{ topic: 'news', mail: true }])).status).toBe(200);
  expect(await isOut()).toBe(false);
});

test('screens.md 3.25: a person of the staff chooses what to be told of, for no one else', async () => {
  const path = '/v1/notification-choices';
  const { owner } = world.ws;
  const change = (notifications: readonly Readonly<Record<string, unknown>>[]) =>
    world.as(path, { notifications }, 'PATCH');
  expect((await change([{ topic: 'money', notice: false }])).body).toMatchObject({
    errors: [{ pointer: '#/notifications/0/notice', code: 'not_allowed_here' }],
  });
  expect((await change([{ topic: 'referralDue', mail: true }])).body).toMatchObject({
    errors: [{ pointer: '#/notifications/0/mail', code: 'not_allowed_here' }],
  });
  const changed = await change([{ topic: 'standard', notice: false }]);
  expect(
    itemsOf(changed.body['data']).find(({ topic }) => topic === 'standard'),
    changed.text,
  ).toEqual({
    topic: 'standard',
    mail: null,
    notice: { on: false, locked: false },
  });
  const tell = (kind: string) =>
    inWorkspace(world.api.db, world.ws.id, (tx, now) =>
      insertNoticesOnce(tx, world.api.act(world.ws.id, now), [
        { to: { email: owner.email }, onceKey: `choice/${kind}`, kind, subject: 'A fact', body: 'x' },
      ]),
    );
  for (const kind of ['below_standard', 'payout_overdue']) await tell(kind);
  const kinds = itemsOf((await world.as('/v1/notices?limit=200')).body['data']).map((one) => one['kind']);
  expect(kinds).toContain('payout_overdue');
  expect(kinds).not.toContain('below_standard');
  expect((await ada.call(path)).body['code']).toBe('wrong_audience');
});

/** Opens the latest invitation to this address. */
async function accept(email: string): Promise<Pick<Portal, 'call'>> {
  const [link] = (await mailsTo(world, email)).flatMap((mail) => mail.links);
  const token = /\/welcome\/([\w-]+)$/.exec(link ?? '')?.[1];
  return browserOf(world, await world.api.as(null, '/v1/auth/accept-invite', { body: { token } }));
}

test('PRT-20: a second login that only views reads everything and changes nothing; taken away, its session ends', async () => {
  const path = '/v1/me/users';
  const email = 'viewer@ada.example';
  const [own] = itemsOf((await ada.call(path)).body['data']);
  expect(own).toMatchObject({ email: ada.email, rights: 'manage', isOwn: true, portalAccess: true });

  const invited = await ada.call(path, { body: { name: 'Vic', email, rights: 'view' } });
  expect(invited.status, invited.text).toBe(201);
  expect((await ada.call(path, { body: { name: 'Vic', email, rights: 'view' } })).body['code']).toBe('already_exists');
  expect((await mailsTo(world, ada.email))[0]?.kind).toBe('portal_person_added');
  const id: string = invited.body['id'];
  const vic = await accept(email);
  for (const read of ['home', 'profile', 'users', 'payouts', 'links', 'payout-methods', 'api-keys', 'notices'])
    expect((await vic.call(`/v1/me/${read}`)).status, read).toBe(200);
  expect((await vic.call('/v1/me/profile')).body['mayWrite']).toBe(false);
  for (const [method, write] of portalWrites) {
    const answer = await vic.call(write, { method, ...(method === 'DELETE' ? {} : { body: {} }) });
    expect([write, answer.status, answer.body['code']]).toEqual([write, 403, 'permission_missing']);
  }

  // Others’ logins are out of reach, and the own one stays.
  expect((await rita.call(`${path}/${id}`)).status).toBe(404);
  expect((await rita.call(`${path}/${id}`, { method: 'DELETE' })).status).toBe(404);
  expect((await ada.call(`${path}/${own?.['id']}`, { method: 'DELETE' })).body).toMatchObject({
    code: 'in_use',
    usedBy: ['own_address'],
  });

  // More rights take hold at once, fewer as well.
  const change = (rights: string) => ada.call(`${path}/${id}`, { method: 'PATCH', body: { rights } });
  expect((await change('manage')).body).toMatchObject({ rights: 'manage', hasSignedIn: true });
  expect((await vic.call('/v1/me/profile')).body['mayWrite']).toBe(true);
  expect((await change('view')).status).toBe(200);
  expect((await vic.call('/v1/me/profile')).body['mayWrite']).toBe(false);
  expect((await ada.call(`${path}/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await vic.call('/v1/me/home')).status).toBe(401);
  expect(itemsOf((await ada.call(path)).body['data'])).toHaveLength(1);
  expect((await ada.call(path, { body: { name: 'Vic', email, rights: 'view' } })).status).toBe(201);
  // Who comes again signs in again: what was open before stays closed.
  expect((await (await accept(email)).call('/v1/me/home')).status).toBe(200);
  expect((await vic.call('/v1/me/home')).status).toBe(401);
});

test('api.md 8: staff keep an affiliate’s people; access off ends the session, on again invites anew', async () => {
  const path = `/v1/affiliates/${rita.affiliateId}/contacts`;
  const email = 'books@rita.example';
  const added = await world.as(path, { name: 'Bo', email });
  expect(added.body, added.text).toMatchObject({ name: 'Bo', portalAccess: false, rights: 'view' });
  expect(await mailsTo(world, email)).toEqual([]);
  const change = (body: unknown) => world.as(`${path}/${added.body['id']}`, body, 'PATCH');
  expect((await change({ portalAccess: true })).body).toMatchObject({ portalAccess: true, hasSignedIn: false });
  const bo = await accept(email);
  expect((await bo.call('/v1/me/home')).status).toBe(200);
  expect((await change({ portalAccess: false })).body['portalAccess']).toBe(false);
  expect((await bo.call('/v1/me/home')).status).toBe(401);
  expect((await change({ portalAccess: true })).body['portalAccess']).toBe(true);
  expect((await (await accept(email)).call('/v1/me/home')).status).toBe(200);
  expect((await bo.call('/v1/me/home')).status).toBe(401);
  expect((await world.as(`${path}/${added.body['id']}`, undefined, 'DELETE')).status).toBe(204);
  expect(itemsOf((await world.as(path)).body['data']).map((one) => one['name'])).toEqual(['Rita']);
  const elsewhere = `/v1/affiliates/${ada.affiliateId}/contacts/${added.body['id']}`;
  expect((await world.as(elsewhere, { name: 'X' }, 'PATCH')).status).toBe(404);
});

test('PRT-20: no key lets people in or out, and the last login in use that may change something stays', async () => {
  const path = '/v1/me/users';
  const key = await ada.call('/v1/me/api-keys', { body: { name: 'Tracker', mayWrite: true } });
  const [own] = itemsOf((await ada.call(path)).body['data']);
  const secret: string = key.body['secret'];
  const byKey = (of: string, method: string, body?: unknown) => world.api.as(secret, of, { method, body });
  const invited = await byKey(path, 'POST', { name: 'Eve', email: 'eve@evil.example', rights: 'manage' });
  expect([invited.status, invited.body['code']]).toEqual([403, 'permission_missing']);
  expect((await byKey(`${path}/${own?.['id']}`, 'DELETE')).status).toBe(403);
  expect(await mailsTo(world, 'eve@evil.example')).toEqual([]);

  // Her login is no longer that of the affiliate's own address, and somebody who was invited has never been here.
  const record = `/v1/affiliates/${rita.affiliateId}`;
  expect((await world.as(record, { email: 'office@rita.example' }, 'PATCH')).status).toBe(200);
  const later = await rita.call(path, { body: { name: 'Lea', email: 'lea@rita.example', rights: 'manage' } });
  expect(later.status, later.text).toBe(201);
  const rows = itemsOf((await rita.call(path)).body['data']);
  const her = rows.find((one) => one['email'] === rita.email)?.['id'];
  for (const [method, body] of [['DELETE'], ['PATCH', { rights: 'view' }]] as const)
    expect((await rita.call(`${path}/${her}`, { method, body })).body).toMatchObject({
      code: 'in_use',
      usedBy: ['last_manager'],
    });
  await accept('lea@rita.example');
  expect((await rita.call(`${path}/${her}`, { method: 'DELETE' })).status).toBe(204);
  expect((await rita.call('/v1/me/home')).status).toBe(401);
});
