import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../../api/app.js';
import type { Route } from '../../../api/route.js';
import { routes } from '../../../api/routes.js';
import { listenOn } from '../../../api/server.js';
import { insertOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { inWorkspace } from '../../../db/transaction.js';
import type { PresetId } from '../../../domain/access/permission.js';
import { systemActor } from '../../../domain/act.js';
import type { AffiliateId, ProgramId } from '../../../domain/ids.js';
import type { Duration } from '../../../domain/time.js';
import { createMetrics } from '../../../platform/metrics.js';
import { newId } from '../../../platform/newId.js';
import { insertApprovedMoney } from '../../support/approvedMoney.js';
import { freePort } from '../../support/freePorts.js';
import * as pictures from '../../support/pictures.js';
import { insertRow } from '../../support/rows.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { saveSettings } from '../program/support.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';
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

test('T42: a look ends with the assignment that its right is limited to', async () => {
  const permissions = ['affiliate.read', 'affiliate.impersonate'];
  const role = await world.as('/v1/roles', { name: 'Own only', permissions, reach: 'assigned' });
  expect(role, role.text).toMatchObject({ status: 201 });
  const own = await signInStaff(['support'], 'Olaf Own');
  const change = (body: Readonly<Record<string, unknown>>) => world.as(`/v1/users/${own.user.id}`, body, 'PATCH');
  expect((await change({ roleIds: [role.body['id']] })).status).toBe(200);
  const body = { reason: 'Trying' };
  expect(await own.call(viewPath(), { body })).toMatchObject({ status: 403, body: { code: 'not_in_scope' } });
  const managed = (managerId: string | null) => world.as(`/v1/affiliates/${ada.affiliateId}`, { managerId }, 'PATCH');
  const ways = [
    [() => managed(own.user.id), () => managed(null)],
    [() => change({ affiliateIds: [ada.affiliateId] }), () => change({ affiliateIds: [] })],
  ] as const;
  for (const [assign, take] of ways) {
    expect((await assign()).status).toBe(200);
    const view = browserOf(world, await own.call(viewPath(), { body }));
    expect((await view.call('/v1/me/home')).status).toBe(200);
    expect((await take()).status).toBe(200);
    expect((await view.call('/v1/me/home')).status).toBe(401);
  }
});

test('T42: a look is idle as staff are, and its use is a use of the session that opened it', async () => {
  await saveSettings(world.api, world.ws, { security: { idleTimeout: 'PT15M' as Duration } });
  const sam = await signInStaff(['support']);
  const opened = await sam.call(viewPath(), { body: { reason: 'Trying' } });
  const view = browserOf(world, opened);
  const ids = [String(opened.body['id']), sam.sessionId];
  const seen = (minutesAgo: number) =>
    world
      .owner('sessions')
      .whereIn('id', ids)
      .update({ last_seen_at: new Date(Date.now() - minutesAgo * 60_000) });
  await seen(14);
  expect((await view.call('/v1/me/home')).status).toBe(200);
  const rows = await world.owner('sessions').whereIn('id', ids).select<{ last_seen_at: Date }[]>('last_seen_at');
  expect(rows.map(({ last_seen_at: at }) => Date.now() - at.getTime() < 60_000)).toEqual([true, true]);
  await seen(16);
  expect((await view.call('/v1/me/home')).status).toBe(401);
  await saveSettings(world.api, world.ws, { security: { idleTimeout: 'PT8H' as Duration } });
  expect((await view.call('/v1/me/home')).status).toBe(200);
});

test('T42: documents and files stay closed in a look', async () => {
  const asked = { type: 'address_proof', label: 'Address', required: false, expires: false };
  expect((await world.as(`/v1/programs/${programId}/form`, { documents: [asked] }, 'PUT')).status).toBe(200);
  const form = new FormData();
  form.append('type', 'address_proof');
  form.append('file', new Blob([new Uint8Array(pictures.png)], { type: 'image/png' }), 'bill.png');
  const encoded = new Response(form);
  const sent = await ada.call('/v1/me/documents', {
    method: 'POST',
    raw: new Uint8Array(await encoded.arrayBuffer()),
    headers: { 'Content-Type': encoded.headers.get('content-type') ?? '' },
  });
  expect(sent, sent.text).toMatchObject({ status: 201 });
  const content = `/v1/me/documents/${String(sent.body['id'])}/content`;
  expect((await ada.call(content)).status).toBe(200);
  const payoutId = String(itemsOf((await ada.call('/v1/me/payouts?status=paid')).body['data'])[0]?.['id']);
  const [csv = '', pdf = ''] = ['csv', 'pdf'].map((format) => `/v1/me/payouts/${payoutId}/statement?format=${format}`);
  expect((await ada.call(csv)).status).toBe(200);

  // ADM-07: by the name of the file, and whose it is.
  for (const word of ['BILL', 'ada', 'address proof'])
    expect(itemsOf((await world.as(`/v1/documents?q=${encodeURIComponent(word)}`)).body['data'])).toMatchObject([
      { id: sent.body['id'] },
    ]);
  expect((await world.as('/v1/documents?q=nobody')).body['data']).toEqual([]);
  const look = async (roleId: PresetId) =>
    browserOf(world, await (await signInStaff([roleId])).call(viewPath(), { body: { reason: 'Trying' } }));
  const [owner, support] = [await look('owner'), await look('support')];
  for (const view of [owner, support]) {
    expect(itemsOf((await view.call('/v1/me/documents')).body['data'])).toMatchObject([{ id: sent.body['id'] }]);
    expect(await view.call(content)).toMatchObject({ status: 403, body: { code: 'read_only_session' } });
    expect((await view.call(`/v1/me/payouts/${payoutId}/statement`)).status).toBe(200);
  }
  // Whoever may take no file out of the console takes none out of a look either.
  expect((await owner.call(csv)).status).toBe(200);
  for (const file of [csv, pdf])
    expect(await support.call(file), file).toMatchObject({
      status: 403,
      body: { code: 'permission_missing', missingPermission: 'export.create' },
    });
});

test('T42: a look that a key opened goes no further than the key', async () => {
  const body = { reason: 'Trying' };
  const keyed = async (change: Parameters<typeof world.api.makePerson>[2]) => {
    const { key, user } = await world.api.makePerson(world.ws, ['owner'], { name: 'Kay', ...change });
    const opened = await world.api.as(key, viewPath(), { body });
    expect(opened, opened.text).toMatchObject({ status: 200 });
    const keys = world.owner('api_keys').where({ created_by: user.id });
    return { view: browserOf(world, opened), update: (to: object) => keys.clone().update(to) };
  };
  const file = '/v1/me/commissions?format=csv';
  const all = await keyed({});
  expect((await all.view.call(file)).status).toBe(200);
  // The owner who made it may export; the key was not given that.
  const narrow = await keyed({ permissions: ['affiliate.read', 'affiliate.impersonate'] });
  expect(await narrow.view.call(file)).toMatchObject({ status: 403, body: { missingPermission: 'export.create' } });
  await narrow.update({ permissions: ['affiliate.read'] });
  expect((await narrow.view.call('/v1/me/home')).status).toBe(401);

  // A key of test mode shows nothing of what is live.
  const tried = await keyed({ mode: 'test' });
  expect(itemsOf((await all.view.call('/v1/me/payouts')).body['data'])).not.toEqual([]);
  expect((await tried.view.call('/v1/me/payouts')).body['data']).toEqual([]);
  expect(await tried.view.call('/v1/me/payouts', { headers: { 'Tributary-Mode': 'live' } })).toMatchObject({
    status: 400,
    body: { code: 'mode_mismatch' },
  });

  // One for some addresses only opens none, and ends the one that it opened before it was.
  await all.update({ ip_restricted: true, ip_allow_list: ['127.0.0.1'] });
  expect((await all.view.call('/v1/me/home')).status).toBe(401);
  const { key, user } = await world.api.makePerson(world.ws, ['support']);
  await world
    .owner('api_keys')
    .where({ created_by: user.id })
    .update({ ip_restricted: true, ip_allow_list: ['127.0.0.1'] });
  expect(await world.api.as(key, '/v1/affiliates')).toMatchObject({ status: 200 });
  expect(await world.api.as(key, viewPath(), { body })).toMatchObject({
    status: 403,
    body: { code: 'ip_not_allowed' },
  });
});

test('T42: on https the cookie has the name that browsers guard', async () => {
  const { deps } = world.api;
  const secure = { ...deps.config, http: { ...deps.config.http, publicUrl: 'https://portal.example' } };
  const isWell = () => Promise.resolve('ok' as const);
  const app = createApp(
    { ...deps, config: secure },
    {
      registry: createMetrics(),
      health: { isServing: () => true, database: isWell, migrations: isWell, temporal: isWell },
    },
  );
  const port = await freePort();
  const http = await listenOn(app.callback(), { host: '127.0.0.1', port, logger: deps.logger });
  try {
    const ask = (path: string, headers: Readonly<Record<string, string>>, more: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { 'Content-Type': 'application/json', ...headers },
        ...more,
      });
    const body = JSON.stringify({ reason: 'Trying' });
    const { key } = await world.api.makePerson(world.ws, ['support']);
    const opened = await ask(viewPath(), { Authorization: `Bearer ${key}` }, { method: 'POST', body });
    const cookie = opened.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^__Host-view-session=[\w-]{43}; Path=\/; Max-Age=1800; HttpOnly; SameSite=Lax; Secure$/);
    const [pair = ''] = cookie.split(';');
    expect((await ask('/v1/me', { Cookie: pair })).status).toBe(200);
    expect((await ask('/v1/me', { Cookie: pair.replace('__Host-', '') })).status).toBe(401);
    const { csrfToken } = (await opened.json()) as { readonly csrfToken: string };
    const left = await ask('/v1/auth/logout', { Cookie: pair, 'X-CSRF-Token': csrfToken }, { method: 'POST' });
    expect(left.headers.get('set-cookie')).toMatch(/^__Host-view-session=; .*Max-Age=0/);
  } finally {
    await http.close(1_000);
  }
});

test('AUD-11: the timeline of an affiliate tells of sign-ins, status, links and payouts, and shows nobody more than their own lists', async () => {
  const timeline = `/v1/affiliates/${ada.affiliateId}/timeline`;
  await world
    .owner('affiliates')
    .where({ id: ada.affiliateId })
    .update({ minimum_payout: JSON.stringify([{ amount: '1.00', currency: 'USD' }]) });
  await world
    .owner('payout_methods')
    .where({ affiliate_id: ada.affiliateId, status: 'cooling' })
    .update({ status: 'active', active_at: new Date(Date.now() - 86_400_000) });
  const payout = await world.as('/v1/payouts', { affiliateId: ada.affiliateId, currency: 'USD' });
  expect(payout, payout.text).toMatchObject({ status: 201 });
  const all = await everyPageOf((path) => world.as(path), `${timeline}?limit=5`);
  const told = all.map(({ kind, event }) => `${String(kind)}.${String(event)}`);
  for (const one of [
    'affiliate.created',
    'affiliate.approved',
    'affiliate.firstLogin',
    'affiliate.agreement_accepted',
    'affiliate.portalViewed',
    'enrolment.enrolled',
    'link.created',
    'login.signedIn',
    'user.passwordChanged',
    'payout_method.created',
    'payout_method.verified',
    'affiliate_document.uploaded',
    'payout.planned',
  ])
    expect(told, one).toContain(one);
  const times = all.map(({ createdAt }) => String(createdAt));
  expect(times).toEqual([...times].sort().reverse());
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  expect(all.find(({ event }) => event === 'portalViewed')).toMatchObject({
    viewed: { name: 'Ada' },
    reason: 'Trying',
  });

  // The mailed link, its first use, and the password: three ways in, each by the person it was.
  const logins = itemsOf((await world.as(`${timeline}?kind=login`)).body['data']);
  expect(logins.length).toBeGreaterThanOrEqual(3);
  for (const one of logins) expect(one).toMatchObject({ event: 'signedIn', actor: { type: 'user', name: 'Ada' } });
  const since = `${timeline}?kind=login&createdAt[gte]=${String(logins[0]?.['createdAt'])}`;
  expect(itemsOf((await world.as(since)).body['data'])).toMatchObject([{ id: logins[0]?.['id'] }]);
  expect((await world.as(`${timeline}?kind=mail`)).status).toBe(422);

  // Of somebody else nothing; of another mode no payout.
  const eve = await world.affiliate(programId, { name: 'Eve', email: 'eve@rows.example' });
  const hers = itemsOf((await world.as(`/v1/affiliates/${eve}/timeline`)).body['data']);
  expect(hers.filter(({ id }) => all.some((one) => one['id'] === id))).toEqual([]);
  const inTest = await world.api.as(world.ws.testKey, `${timeline}?kind=payout`);
  expect(inTest, inTest.text).toMatchObject({ status: 200, body: { data: [] } });

  // Support reads no payouts, methods or keys elsewhere, and none here.
  const support = await signInStaff(['support']);
  const shown = new Set((await everyPageOf(support.call, timeline)).map(({ kind }) => String(kind)));
  expect([...shown].sort()).toEqual(['affiliate', 'affiliate_document', 'enrolment', 'link', 'login', 'user']);
  expect(await support.call(`${timeline}?kind=login,payout`)).toMatchObject({
    status: 403,
    body: { code: 'permission_missing', missingPermission: 'payout.read' },
  });
  const manager = await signInStaff(['affiliate_manager']);
  expect(await manager.call(timeline)).toMatchObject({ status: 403, body: { code: 'not_in_scope' } });
  const agent = await signInStaff(['agent']);
  expect(await agent.call(timeline)).toMatchObject({ status: 403, body: { missingPermission: 'affiliate.read' } });

  // The affiliate's own key reads what happened, without who of the staff did it and what they wrote.
  const own = await world.api.makePerson(world.ws, ['owner'], {
    permissions: ['affiliate.read'],
    affiliateId: ada.affiliateId,
  });
  const read = itemsOf((await world.api.as(own.key, `${timeline}?limit=200`)).body['data']);
  expect(read.length).toBeGreaterThan(5);
  for (const one of read)
    expect(one).toMatchObject({ actor: { id: null, name: null }, reasonCode: null, reason: null });
  expect((await world.api.as(own.key, `/v1/affiliates/${eve}/timeline`)).status).toBe(404);
});

async function everyPageOf(call: (path: string) => Promise<TestAnswer>, path: string): Promise<readonly Json[]> {
  const rows: Json[] = [];
  let cursor = '';
  do {
    const page = await call(`${path}${path.includes('?') ? '&' : '?'}cursor=${cursor}`.replace(/[?&]cursor=$/, ''));
    expect(page.status, page.text).toBe(200);
    rows.push(...itemsOf(page.body['data']));
    cursor = String(page.body['nextCursor'] ?? '');
  } while (cursor !== '');
  return rows;
}

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
  const [asOwner, asSupport] = [await look('owner'), await look('support')];
  expect(await says(portal)).toEqual([true, true, true]);
  expect(await says(asOwner)).toEqual([true, true, true]);
  expect(await says(asSupport)).toEqual([false, false, false]);

  // ADM-07: the portal's lists are searched by what they show, and a hit tells nobody what they do not.
  const refunded = { externalId: 'view-r1', amount: { amount: '10.00', currency: 'USD' } };
  const [sale] = itemsOf((await world.as('/v1/sales?q=view-s1')).body['data']);
  expect((await world.as(`/v1/sales/${String(sale?.['id'])}/refunds`, refunded)).status).toBe(202);
  await world.settle();
  const found = async (of: Pick<Portal, 'call'>, word: string): Promise<readonly number[]> => {
    const counts = [];
    for (const page of [...pages, '/v1/me/refunds']) {
      const answer = await of.call(`${page}?q=${encodeURIComponent(word)}`);
      expect(answer.status, answer.text).toBe(200);
      counts.push(itemsOf(answer.body['data']).length);
    }
    return counts;
  };
  const [line] = itemsOf((await portal.call('/v1/me/commissions')).body['data']);
  const reference = String(line?.['customer']['reference']);
  const shown = async (of: Pick<Portal, 'call'>) => [
    await found(of, 'hidden BUYER'),
    await found(of, 'hidden.buyer@'),
    await found(of, reference.toLowerCase()),
  ];
  const [all, none] = [
    [1, 1, 1, 1],
    [0, 0, 0, 0],
  ];
  expect(await shown(portal)).toEqual([all, all, all]);
  expect(await shown(asSupport)).toEqual([none, none, all]);
  const show = (customerVisibility: string) =>
    world
      .owner('programs')
      .where({ id: open })
      .update({ own_terms: JSON.stringify({ customerVisibility }) });
  await show('name_only');
  expect(await shown(portal)).toEqual([all, none, all]);
  await show('anonymous');
  expect(await shown(portal)).toEqual([none, none, all]);
  // The affiliate's own reference of a lead is its own to find it by.
  expect((await found(portal, 'VIEW-1'))[0]).toBe(1);
  const link = itemsOf((await portal.call('/v1/me/links')).body['data']);
  expect((await portal.call(`/v1/me/links?q=${String(link[0]?.['slug'])}`)).body['data']).toHaveLength(1);
  expect(itemsOf((await ada.call('/v1/me/payouts?q=wire-77')).body['data'])).toMatchObject([{ reference: 'WIRE-77' }]);
  for (const list of ['links', 'payouts', 'api-keys', 'postbacks'])
    expect((await ada.call(`/v1/me/${list}?q=nobody-at-all`)).body['data'], list).toEqual([]);
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
