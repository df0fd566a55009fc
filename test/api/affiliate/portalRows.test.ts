import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Route } from '../../../api/route.js';
import { routes } from '../../../api/routes.js';
import { insertOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { inWorkspace } from '../../../db/transaction.js';
import type { PresetId } from '../../../domain/access/permission.js';
import { systemActor } from '../../../domain/act.js';
import type { AffiliateId, ProgramId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { insertApprovedMoney } from '../../support/approvedMoney.js';
import { insertRow } from '../../support/rows.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { saveSettings } from '../program/support.js';
import { itemsOf, type TestAnswer } from '../support.js';
import { acceptAll, browserOf, mailsTo, type Portal, signInToPortal } from './portalWorld.js';

// The affiliate half of the portal's rows (features.md 15), each under its id and as literally as it can be asked.

let world: EarningWorld;
let programId: string;
let ada: Portal;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  const levels = [{ level: 1, kind: 'percent', ratePpm: 200_000 }];
  expect((await world.rule({ scope: 'program', programId, event: 'payment', levels })).status).toBe(201);
  ada = await signInToPortal(world, await world.affiliate(programId, { name: 'Ada', email: 'ada@rows.example' }));
  await acceptAll(ada);
}, 60_000);
afterAll(() => world?.close());

const tokenIn = (links: readonly string[] | undefined): string => (links?.[0] ?? '').split('/').at(-1) ?? '';

test('PRT-01: a mailed link signs in once without a password for 30 days; the console stays shut; lockout and reset work', async () => {
  expect((await world.api.as(null, '/v1/auth/sign-in-link', { body: { email: ada.email } })).status).toBe(202);
  const [mail] = await mailsTo(world, ada.email);
  const token = tokenIn(mail?.links);
  const signedIn = await world.api.as(null, '/v1/auth/one-time', { body: { token } });
  expect(signedIn, signedIn.text).toMatchObject({ status: 200, body: { audience: 'affiliate' } });
  expect(signedIn.headers.get('set-cookie')).toMatch(/Max-Age=2592000\b/i);
  expect((await world.api.as(null, '/v1/auth/one-time', { body: { token } })).status).toBe(410);
  const portal = browserOf(world, signedIn);
  const me = await portal.call('/v1/me');
  expect(me.body).toMatchObject({ audience: 'affiliate', homePath: '/portal' });
  for (const path of ['/v1/affiliates', '/v1/console/home', `/v1/affiliates/${ada.affiliateId}`, '/v1/settings'])
    expect(await portal.call(path), path).toMatchObject({ status: 403, body: { code: 'wrong_audience' } });

  const password = 'a long pass phrase of ada';
  const forgotten = await world.api.as(null, '/v1/auth/password-reset', { body: { email: ada.email } });
  expect(forgotten.status).toBe(202);
  const [reset] = await mailsTo(world, ada.email);
  const confirm = { token: tokenIn(reset?.links), password };
  expect((await world.api.as(null, '/v1/auth/password-reset/confirm', { body: confirm })).status).toBe(204);
  expect((await portal.call('/v1/me')).status).toBe(401);
  const login = (word: string) => world.api.as(null, '/v1/auth/login', { body: { email: ada.email, password: word } });
  const again = await login(password);
  expect(again).toMatchObject({ status: 200, body: { audience: 'affiliate' } });
  Object.assign(ada, browserOf(world, again));
  const tries: number[] = [];
  for (let index = 0; index < 11; index += 1) tries.push((await login('wrong')).status);
  expect(tries.slice(-1)).toEqual([429]);
  expect((await login(password)).body['code']).toBe('too_many_attempts');
  expect((await ada.call('/v1/me')).status).toBe(200); // a lock keeps strangers out, not who is in
});

test('PRT-05: payout details take a step-up and the right form; a mail confirms them, and the next ones wait', async () => {
  const add = (body: Readonly<Record<string, unknown>>) => ada.call('/v1/me/payout-methods', { body });
  const bank = { type: 'bank', currency: 'USD', details: { holder: 'Ada Rows', iban: 'DE89370400440532013000' } };
  await world.owner('sessions').update({ stepped_up_at: new Date(Date.now() - 6 * 60_000) });
  expect(await add(bank)).toMatchObject({ status: 403, body: { code: 'step_up_required' } });
  await world.owner('sessions').update({ stepped_up_at: new Date() });
  const wrong = await add({ ...bank, details: { ...bank.details, iban: 'DE89370400440532013001' } });
  expect([wrong.status, wrong.body['errors'][0]?.['pointer']], wrong.text).toEqual([422, '#/details/iban']);

  const first = await add(bank);
  expect(first, first.text).toMatchObject({ status: 201, body: { status: 'unverified' } });
  const confirm = async (id: unknown) => {
    const [mail] = await mailsTo(world, ada.email);
    const token = new URL(mail?.links[0] ?? '').searchParams.get('token') ?? '';
    return ada.call(`/v1/me/payout-methods/${String(id)}/verify`, { body: { token } });
  };
  expect((await confirm(first.body['id'])).body['status']).toBe('active');
  const second = await add({ type: 'paypal', currency: 'USD', details: { email: 'ada@rows.example' } });
  const cooling = await confirm(second.body['id']);
  expect(cooling.body['status']).toBe('cooling');
  const wait = Date.parse(String(cooling.body['activeAt'])) - Date.now();
  expect(Math.round(wait / 86_400_000)).toBe(3);
});

test('PRT-17: a draft is hidden, what is paid shows its reference, what failed or came back says in words what to do', async () => {
  const insert = async (status: string, attempt: Readonly<Record<string, unknown>> | null): Promise<string> => {
    const id = newId('payout');
    await world.owner.transaction(async (trx) => {
      await trx.raw('set constraints all deferred');
      await insertRow(trx, 'payouts', {
        workspace_id: world.ws.id,
        id,
        mode: 'live',
        affiliate_id: ada.affiliateId,
        currency: 'USD',
        amount_minor: 1_000,
        status,
        method_type: 'bank',
        execution: 'manual',
        gateway: 'manual',
        created_by_type: 'system',
      });
      if (attempt !== null)
        await insertRow(trx, 'payout_attempts', {
          workspace_id: world.ws.id,
          id: newId('payoutAttempt'),
          payout_id: id,
          number: 1,
          gateway: 'manual',
          request_key: randomUUID(),
          currency: 'USD',
          amount_minor: 1_000,
          ...attempt,
        });
    });
    return id;
  };
  const draft = await insert('draft', null);
  const paid = await insert('paid', { state: 'paid', provider_id: 'WIRE-77' });
  await world.owner('payouts').where({ id: paid }).update({ reference: 'WIRE-77' });
  const failed = await insert('pending', { state: 'refused', code: 'destination_closed' });
  const ours = await insert('pending', { state: 'refused', code: 'limit_exceeded' });
  const early = await insert('pending', { state: 'returned', code: 'recalled' });
  const returned = await insert('paid', { state: 'returned', provider_id: 'WIRE-78' });

  expect((await ada.call(`/v1/me/payouts/${draft}`)).status).toBe(404);
  const listed = itemsOf((await ada.call('/v1/me/payouts')).body['data']).map((one) => one['id']);
  expect(new Set(listed)).toEqual(new Set([paid, failed, ours, early, returned]));
  expect((await ada.call(`/v1/me/payouts/${paid}`)).body).toMatchObject({
    status: 'paid',
    reference: 'WIRE-77',
    problem: null,
  });
  expect((await ada.call(`/v1/me/payouts/${failed}`)).body).toMatchObject({
    status: 'pending',
    problem: {
      code: 'failed',
      reason: 'destination_closed',
      fixBy: 'you',
      text: 'The payment was refused. Check your payout details; we try again.',
    },
  });
  // PAY-26, PAY-27: what is not theirs to repair asks nothing of them.
  for (const [id, code, reason] of [
    [ours, 'failed', 'limit_exceeded'],
    [early, 'returned', 'recalled'],
  ])
    expect((await ada.call(`/v1/me/payouts/${id}`)).body['problem']).toMatchObject({ code, reason, fixBy: 'us' });
  expect(itemsOf((await ada.call('/v1/me/payouts?paidOn[gte]=2026-01-01')).body['data'])).toEqual([]);
  expect((await ada.call(`/v1/me/payouts/${returned}`)).body['problem']).toMatchObject({
    code: 'returned',
    fixBy: 'you',
    text: 'The money came back. Confirm your payout details; the next payout pays it again.',
  });

  await saveSettings(world.api, world.ws, { payouts: { minimumPayout: [{ amount: '80.00', currency: 'USD' }] } });
  await inWorkspace(world.api.db, world.ws.id, (tx, now) =>
    insertApprovedMoney(
      tx,
      {
        workspaceId: world.ws.id,
        mode: 'live',
        now,
        actor: systemActor,
        cause: null,
        reasonCode: null,
        origin: null,
        requestId: null,
        newId,
      },
      {
        affiliateId: ada.affiliateId as AffiliateId,
        programId: programId as ProgramId,
        minor: 2_000n,
      },
    ),
  );
  const { body } = await ada.call('/v1/me/home');
  expect(itemsOf(body['nextPayouts'])).toMatchObject([
    { minimum: { amount: '80.00', currency: 'USD' }, payable: false, progressPpm: 250_000 },
  ]);
});

/** Somebody of the staff, signed in at this moment. */
async function signInStaff(roleIds: readonly PresetId[], name = 'Sam Support') {
  const { user } = await world.api.makePerson(world.ws, roleIds, { name });
  const token = await inWorkspace(world.api.db, world.ws.id, (tx, now) =>
    insertOneTimeToken(tx, newId, now, {
      kind: 'sign_in',
      loginId: user.loginId,
      workspaceId: world.ws.id,
      userId: user.id,
    }),
  );
  const signedIn = await world.api.as(null, '/v1/auth/one-time', { body: { token } });
  expect(signedIn.status, signedIn.text).toBe(200);
  return { user, sessionId: String(signedIn.body['id']), cookie: cookieOf(signedIn), ...browserOf(world, signedIn) };
}
const cookieOf = (answer: TestAnswer): string => (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
const viewPath = (): string => `/v1/affiliates/${ada.affiliateId}/impersonate`;

test('T42: support looks at a portal for 30 minutes; the affiliate reads who and why, the history names both', async () => {
  const sam = await signInStaff(['support']);
  expect(await sam.call(viewPath(), { body: {} })).toMatchObject({ status: 422 });
  const reason = 'She asks where her payout is';
  const opened = await sam.call(viewPath(), { body: { reason } });
  expect(opened, opened.text).toMatchObject({
    status: 200,
    body: { object: 'session', audience: 'affiliate', user: { id: sam.user.id, roleIds: [] }, homePath: '/portal' },
  });
  expect(opened.headers.get('set-cookie')).toMatch(
    /^view-session=[\w-]{43}; Path=\/; Max-Age=1800; HttpOnly; SameSite=Lax$/,
  );
  const minutes = (Date.parse(String(opened.body['expiresAt'])) - Date.now()) / 60_000;
  expect(minutes > 29 && minutes <= 30.1).toBe(true);
  const view = browserOf(world, opened);
  const me = await view.call('/v1/me');
  expect(me.body).toMatchObject({
    audience: 'affiliate',
    permissions: ['me.read'],
    roles: [],
    memberships: [],
    viewing: { affiliate: { id: ada.affiliateId, name: 'Ada' }, until: opened.body['expiresAt'] },
  });
  expect((await ada.call('/v1/me')).body['viewing']).toBeNull();
  for (const path of ['/v1/me/home', '/v1/me/commissions', '/v1/me/commissions', '/v1/me/payout-methods'])
    expect((await view.call(path)).text, path).toBe((await ada.call(path)).text);

  const [notice] = itemsOf((await ada.call('/v1/me/notices')).body['data']);
  expect(notice).toMatchObject({ subject: 'Sam Support looks at your portal', kind: 'portal_view' });
  expect(String(notice?.['body'])).toContain(reason);
  const history = await world.as(`/v1/audit-entries?objectId=${ada.affiliateId}&event=portalViewed`);
  expect(itemsOf(history.body['data'])).toMatchObject([
    {
      actor: { type: 'user', id: sam.user.id, name: 'Sam Support' },
      viewed: { id: ada.affiliateId, name: 'Ada' },
      changes: { reason, sessionId: opened.body['id'], until: opened.body['expiresAt'] },
    },
  ]);
  expect(itemsOf((await sam.call('/v1/sessions')).body['data'])).toMatchObject([
    { id: opened.body['id'], viewedAffiliateId: ada.affiliateId, isCurrent: false },
    { id: sam.sessionId, viewedAffiliateId: null, isCurrent: true },
  ]);

  // Console and portal in two tabs of one browser: both cookies go along, the page says for whom it asks.
  const both = { Cookie: `${sam.cookie}; ${cookieOf(opened)}` };
  const seenAs = async (headers: Readonly<Record<string, string>>) =>
    (await world.api.as(null, '/v1/me', { headers: { ...both, ...headers } })).body['audience'];
  expect(await seenAs({})).toBe('affiliate');
  expect(await seenAs({ 'Tributary-Audience': 'staff' })).toBe('staff');
  expect(await seenAs({ 'Tributary-Audience': 'reseller' })).toBe('affiliate');
  const odd = { headers: { ...both, 'Tributary-Audience': 'owner' } };
  expect(await world.api.as(null, '/v1/me', odd)).toMatchObject({ status: 400, body: { code: 'invalid_header' } });
  // A list that is read beside its look-up is read as the same one.
  for (const [audience, status] of [
    ['staff', 200],
    ['affiliate', 403],
    ['staff', 200],
  ] as const) {
    const headers = { ...both, 'Tributary-Audience': audience };
    expect(await world.api.as(null, '/v1/affiliates', { headers }), audience).toMatchObject({ status });
  }

  // A file leaves the house: support may have none made, an owner may, and its entry names both.
  const file = '/v1/me/commissions?format=csv';
  expect(await view.call(file)).toMatchObject({ status: 403, body: { missingPermission: 'export.create' } });
  const boss = await signInStaff(['owner'], 'Olga Owner');
  const asBoss = browserOf(world, await boss.call(viewPath(), { body: { reason: 'A question' } }));
  expect((await asBoss.call(file)).status).toBe(200);
  const exports = await world.as(`/v1/audit-entries?actorId=${boss.user.id}&event=exported`);
  expect(itemsOf(exports.body['data'])).toMatchObject([
    { actor: { name: 'Olga Owner' }, viewed: { id: ada.affiliateId, name: 'Ada' } },
  ]);

  // It ends by itself when the person ends it, and leaves the own session alone.
  const wrong = { method: 'POST', headers: { 'X-CSRF-Token': 'x' } };
  expect(await view.call('/v1/auth/logout', wrong)).toMatchObject({ status: 403, body: { code: 'csrf_failed' } });
  const left = await view.call('/v1/auth/logout', { method: 'POST' });
  expect([left.status, left.headers.get('set-cookie')]).toEqual([
    204,
    'view-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax',
  ]);
  expect([(await view.call('/v1/me')).status, (await sam.call('/v1/me')).status]).toEqual([401, 200]);
});

test('T42: a look changes nothing and reads nothing but the affiliate’s own pages', async () => {
  const sam = await signInStaff(['owner']);
  const view = browserOf(world, await sam.call(viewPath(), { body: { reason: 'Trying' } }));
  const faults: string[] = [];
  const allowed = new Set(['/v1/me', '/v1/workspace', '/v1/preferences/:key', '/v1/auth/logout']);
  const others = routes.filter(
    ({ method, path, permission }) =>
      permission !== 'public' && !allowed.has(path) && !(method === 'GET' && permission === 'me.read'),
  );
  const attack = async (route: Route): Promise<void> => {
    const path = route.path.replaceAll(/:[A-Za-z]+/g, 'x');
    const body = route.method === 'GET' ? {} : { body: {} };
    const { status, body: problem } = await view.call(path, { method: route.method, ...body });
    const expected = route.method === 'GET' ? 'wrong_audience' : 'read_only_session';
    if (status !== 403 || problem['code'] !== expected) faults.push(`${route.method} ${route.path}: ${status}`);
  };
  while (others.length > 0) await Promise.all(others.splice(0, 16).map(attack));
  expect(faults).toEqual([]);
  const change = { method: 'PUT', body: { value: {} } };
  expect(await view.call('/v1/preferences/columns', change)).toMatchObject({
    status: 403,
    body: { code: 'read_only_session' },
  });
});

test('T42: who may look, at whom, and until when', async () => {
  const body = { reason: 'Trying' };
  const agent = await signInStaff(['agent']);
  expect(await agent.call(viewPath(), { body })).toMatchObject({
    status: 403,
    body: { code: 'permission_missing', missingPermission: 'affiliate.impersonate' },
  });
  expect(await ada.call(viewPath(), { body })).toMatchObject({ status: 403, body: { code: 'wrong_audience' } });
  const sam = await signInStaff(['support']);
  const csrf = { body, headers: { 'X-CSRF-Token': 'x' } };
  expect(await sam.call(viewPath(), csrf)).toMatchObject({ status: 403, body: { code: 'csrf_failed' } });
  const other = await world.api.makeWorkspace({ name: 'Other' });
  const foreign = await world.api.as(other.key, '/v1/affiliates', { body: { name: 'Eve', email: 'eve@rows.example' } });
  for (const id of [String(foreign.body['id']), newId('affiliate')])
    expect(await sam.call(`/v1/affiliates/${id}/impersonate`, { body })).toMatchObject({ status: 404 });

  const sessions = () => world.owner('sessions');
  const look = async () => browserOf(world, await sam.call(viewPath(), { body }));
  const first = await look();
  const second = await look();
  // One look at a time; it goes with the right to it, with the session that opened it, and with time.
  expect([(await first.call('/v1/me')).status, (await second.call('/v1/me')).status]).toEqual([401, 200]);
  const roles = (roleIds: readonly string[]) =>
    world.as(`/v1/users/${sam.user.id}`, { roleIds: [...roleIds] }, 'PATCH');
  expect((await roles(['agent'])).status).toBe(200);
  expect((await second.call('/v1/me/home')).status).toBe(401);
  expect((await roles(['support'])).status).toBe(200);
  expect((await second.call('/v1/me/home')).status).toBe(200);
  await sessions()
    .where({ id: sam.sessionId })
    .update({ expires_at: new Date(Date.now() - 1_000) });
  expect((await second.call('/v1/me/home')).status).toBe(401);
  await sessions()
    .where({ id: sam.sessionId })
    .update({ expires_at: new Date(Date.now() + 600_000) });
  const third = await sam.call(viewPath(), { body });
  expect(Date.parse(String(third.body['expiresAt'])) <= Date.now() + 600_000).toBe(true);
  const last = browserOf(world, third);
  expect((await sam.call('/v1/auth/logout', { method: 'POST' })).status).toBe(204);
  expect((await last.call('/v1/me')).status).toBe(401);

  const late = await signInStaff(['support']);
  await sessions()
    .where({ id: late.sessionId })
    .update({ stepped_up_at: new Date(Date.now() - 301_000) });
  expect(await late.call(viewPath(), { body })).toMatchObject({ status: 403, body: { code: 'step_up_required' } });

  // A key looks as the person who made it, until it is revoked; one for some addresses only cannot.
  const { key, user } = await world.api.makePerson(world.ws, ['support'], { name: 'Kim' });
  const byKey = await world.api.as(key, viewPath(), { body });
  expect(byKey, byKey.text).toMatchObject({ status: 200, body: { user: { id: user.id } } });
  const keyed = browserOf(world, byKey);
  expect((await keyed.call('/v1/me/home')).status).toBe(200);
  await world.owner('api_keys').where({ created_by: user.id }).update({ revoked_at: new Date() });
  expect((await keyed.call('/v1/me/home')).status).toBe(401);
});

test('T42: a look shows no customer to staff who may not read personal data, whatever the program lets the affiliate see', async () => {
  const open = await world.program({ customerVisibility: 'full' });
  const levels = [{ level: 1, kind: 'percent', ratePpm: 200_000 }];
  expect((await world.rule({ scope: 'program', programId: open, event: 'payment', levels })).status).toBe(201);
  const portal = await signInToPortal(world, await world.affiliate(open, { name: 'Una', email: 'una@rows.example' }));
  await acceptAll(portal);
  const clickId = await world.click({ programId: open, affiliateId: portal.affiliateId });
  const buyer = 'hidden.buyer@shop.example';
  const lead = { externalId: 'view-1', clickId, email: buyer, name: 'Hidden Buyer', customerExternalId: 'view-u1' };
  expect((await world.as('/v1/leads', lead)).status).toBe(202);
  await world.settle();
  await world.sale({
    externalId: 'view-s1',
    customer: { externalId: 'view-u1' },
    amount: { amount: '50.00', currency: 'USD' },
  });
  await world.settle();
  const pages = ['/v1/me/lead-log', '/v1/me/referrals', '/v1/me/commissions'];
  const says = async (of: Pick<Portal, 'call'>): Promise<readonly boolean[]> => {
    const texts = [];
    for (const path of pages) texts.push((await of.call(path)).text);
    return texts.map((text) => /Hidden Buyer|hidden\.buyer/.test(text));
  };
  const look = async (roleId: PresetId): Promise<Pick<Portal, 'call'>> => {
    const staff = await signInStaff([roleId]);
    const path = `/v1/affiliates/${portal.affiliateId}/impersonate`;
    return browserOf(world, await staff.call(path, { body: { reason: 'Trying' } }));
  };
  expect(await says(portal)).toEqual([true, true, true]);
  expect(await says(await look('owner'))).toEqual([true, true, true]);
  expect(await says(await look('support'))).toEqual([false, false, false]);
});

test('TST-02: an unknown address signed up makes a contact, fills the program in, and is mailed a link that works and a way in', async () => {
  const email = 'new.person@rows.example';
  const made = await world.as('/v1/affiliates', { name: 'New Person', email, programIds: [programId] });
  expect(made, made.text).toMatchObject({ status: 201, body: { enrolments: [{ programId }] } });
  expect((await world.as(`/v1/contacts?q=${email}`)).body['data']).toMatchObject([{ email }]);
  const id = String(made.body['id']);
  expect((await world.as(`/v1/affiliates/${id}/approve`, { reason: 'Known' })).status).toBe(200);

  const [mail] = (await mailsTo(world, email)).filter((one) => /welcome/.test(one.links.join(' ')));
  const [link] = itemsOf((await world.as(`/v1/links?affiliateId=${id}`)).body['data']);
  expect(mail?.body).toContain(String(link?.['url']));
  expect(link).toMatchObject({ programId, credits: true });
  const portal = await signInToPortal(world, id);
  expect((await portal.call('/v1/me')).body).toMatchObject({ audience: 'affiliate', homePath: '/portal' });
});
