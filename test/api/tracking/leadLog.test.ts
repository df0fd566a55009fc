import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { inWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';

let world: EarningWorld;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  affiliateId = await world.affiliate(programId);
  await world.owner('agreements').update({ must_accept: false }); // the portal is open without a click of the affiliate's
});
afterAll(() => world.close());

let people = 0;
const email = (): string => `person${(people += 1)}@buyer.example`;
const send = (secret: string, body: Readonly<Record<string, unknown>>): Promise<TestAnswer> =>
  world.api.as(secret, '/v1/leads', { body });

async function apiUser(body: Readonly<Record<string, unknown>> = {}): Promise<{ id: string; secret: string }> {
  const made = await world.as('/v1/api-keys', { name: 'API user', affiliateId, ...body });
  expect(made).toMatchObject({ status: 201 });
  return { id: String(made.body['id']), secret: String(made.body['secret']) };
}

const log = async (query: string): Promise<readonly Json[]> =>
  itemsOf((await world.as(`/v1/lead-log?${query}`)).body['data']);

/** The log of calls is written a moment later. */
async function calls(query: string, count: number): Promise<readonly Json[]> {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = itemsOf((await world.as(`/v1/api-log?${query}`)).body['data']);
    if (found.length >= count) return found;
    await sleep(50);
  }
  throw new Error(`fewer than ${count} calls in the log for ${query}`);
}

async function portalSession(id: string): Promise<Readonly<Record<string, string>>> {
  const { api, ws, owner } = world;
  const login = newId('login');
  const user = newId('user');
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
  const signedIn = await api.as(null, '/v1/auth/one-time', { body: { token } });
  expect(signedIn.status).toBe(200);
  return { cookie: (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

test('every attempt is found again: kept, duplicate and refused, with its code and a masked payload (LED-15, LED-27, LED-29)', async () => {
  const user = await apiUser();
  const address = email();
  const kept = await send(user.secret, { email: address, name: 'Jo Buyer', externalId: 'own-1', programId });
  const twin = await send(user.secret, { email: address, externalId: 'own-2', programId });
  const badMail = await send(user.secret, { email: 'a@b', externalId: 'own-3', programId });
  const badField = await send(user.secret, { email: email(), size: 'L' });
  expect([kept.status, twin.status, badMail.status, badField.status]).toEqual([202, 202, 422, 422]);
  await world.settle();

  const entries = await log('channel=api');
  const of = (externalId: string) => entries.find((entry) => entry['externalId'] === externalId);
  expect(of('own-1')).toMatchObject({
    outcome: 'accepted',
    leadId: kept.body['id'],
    matchedBy: 'sender',
    payload: { externalId: 'own-1', name: 'J…', email: 'p…' },
  });
  expect(of('own-2')).toMatchObject({ outcome: 'duplicate', code: 'duplicate', leadId: twin.body['id'] });
  expect(of('own-3')).toMatchObject({
    outcome: 'refused',
    code: 'invalid_contact',
    keyId: user.id,
    affiliateId,
    leadId: null,
    payload: { externalId: 'own-3', email: 'a…' },
    address: '127.0.0.1',
  });
  expect((await log('outcome=refused&code=validation_failed')).map((entry) => entry['requestId'])).toEqual([
    badField.body['requestId'],
  ]);
  expect(JSON.stringify(entries)).not.toContain(address);

  const made = await calls(`keyId=${user.id}`, 4);
  expect(made.map((call) => [call['method'], call['path'], call['outcome'], call['code']])).toEqual([
    ['POST', '/v1/leads', 'refused', 'validation_failed'],
    ['POST', '/v1/leads', 'refused', 'invalid_contact'],
    ['POST', '/v1/leads', 'succeeded', null],
    ['POST', '/v1/leads', 'succeeded', null],
  ]);
  expect(made[0]?.['key']).toEqual({ id: user.id, name: 'API user' });
  expect(itemsOf((await world.as(`/v1/api-log?keyId=${user.id}&outcome=succeeded`)).body['data'])).toHaveLength(2);
});

test('expired, extended, foreign address, nothing ticked, revoked, suspended: each its code, each in the log (LED-06 to LED-09, LED-31, LED-32)', async () => {
  const user = await apiUser({ expiresOn: '2026-01-01' });
  const secretName = 'Zed Never-Kept';
  const sent = { email: email(), name: secretName, programId };
  expect(await send(user.secret, sent)).toMatchObject({
    status: 403,
    body: { code: 'api_user_expired', expiredOn: '2026-01-01' },
  });
  const patch = (body: Readonly<Record<string, unknown>>) => world.as(`/v1/api-keys/${user.id}`, body, 'PATCH');
  expect((await patch({ expiresOn: '2099-01-01' })).status).toBe(200);
  expect((await send(user.secret, { ...sent, name: 'After' })).status).toBe(202);

  expect(await patch({ ipRestricted: true })).toMatchObject({ status: 422 });
  expect((await patch({ ipRestricted: true, ipAllowList: ['192.0.2.0/24', '2001:db8::/32'] })).status).toBe(200);
  expect(await send(user.secret, sent)).toMatchObject({ status: 403, body: { code: 'ip_not_allowed' } });
  expect((await patch({ ipAllowList: ['127.0.0.0/8'] })).status).toBe(200);

  const empty = await apiUser({ permissions: [] });
  expect(await send(empty.secret, sent)).toMatchObject({
    status: 403,
    body: { code: 'permission_missing', missingPermission: 'lead.write' },
  });
  const standard = await world.as(`/v1/api-keys/${user.id}`);
  expect(standard.body['permissions']).toEqual(['lead.write', 'lead.read']);

  const rotated = await world.as(`/v1/api-keys/${user.id}/rotate`, {});
  const second = String(rotated.body['secret']);
  for (const secret of [user.secret, second])
    expect((await send(secret, { email: email(), programId })).status).toBe(202);
  await world.owner('affiliates').where({ id: affiliateId }).update({ status: 'suspended' });
  expect(await send(second, { ...sent, email: email() })).toMatchObject({
    status: 403,
    body: { code: 'affiliate_not_active' },
  });
  await world.owner('affiliates').where({ id: affiliateId }).update({ status: 'approved' });
  await world.as(`/v1/api-keys/${user.id}/revoke`, {});
  expect(await send(second, sent)).toMatchObject({ status: 403, body: { code: 'api_user_revoked' } });

  const refused = await log(`outcome=refused&keyId=${user.id},${empty.id}`);
  expect(refused.map((entry) => entry['code'])).toEqual([
    'api_user_revoked',
    'affiliate_not_active',
    'permission_missing',
    'ip_not_allowed',
    'api_user_expired',
  ]);
  // Nothing of the person beyond the masked line: neither in the log nor anywhere else.
  const { rows } = await world.owner.raw<{ rows: { hits: string }[] }>(
    `select (select count(*) from api_log where payload::text like :name) + (select count(*) from leads where name = :exact)
          + (select count(*) from contacts where name = :exact) as hits`,
    { name: `%${secretName}%`, exact: secretName },
  );
  expect(Number(rows[0]?.hits)).toBe(0);
});

test('the affiliate’s own log: all channels, own leads only, masked as its program says, own reference shown (LED-28, PRT-08)', async () => {
  const other = await world.affiliate(programId);
  const [mine, theirs] = [await apiUser(), await apiUser({ affiliateId: other })];
  const [a, b] = [email(), email()];
  const first = await send(mine.secret, { email: a, name: 'Ida Own', externalId: 'ref-mine', programId });
  await send(theirs.secret, { email: b, name: 'Otto Other', externalId: 'ref-theirs', programId });
  const repeated = await send(theirs.secret, { email: a, name: 'Ida Own', externalId: 'ref-repeat', programId });
  expect(repeated.body['verdict']).toBe('duplicate');
  await world.settle();
  const invalid = await world.as(`/v1/leads/${String(first.body['id'])}/invalidate`, { reasonCode: 'invalid_lead' });
  expect(invalid.status).toBe(200);
  await world.settle();

  const asMe = { headers: await portalSession(affiliateId) };
  const ownLog = () => world.api.as(null, '/v1/me/lead-log', asMe);
  const seen = await ownLog();
  expect(seen.status).toBe(200);
  const entry = itemsOf(seen.body['data']).find((one) => one['externalId'] === 'ref-mine');
  expect(entry).toMatchObject({
    outcome: 'invalid',
    code: 'invalid_lead',
    customer: { name: null, email: null, masked: true },
    credited: true,
  });
  expect(seen.text).not.toMatch(/Ida|Otto|ref-theirs|ref-repeat/);
  expect(seen.text).not.toContain(a);

  await world
    .owner('programs')
    .where({ id: programId })
    .update({ own_terms: JSON.stringify({ customerVisibility: 'name_only' }) });
  expect((await ownLog()).text).toContain('Ida Own');
  expect((await ownLog()).text).not.toContain(a);

  // The rival sees its refused repeat, and nothing of whose it was.
  const rivals = await world.api.as(null, '/v1/me/lead-log', { headers: await portalSession(other) });
  const repeat = itemsOf(rivals.body['data']).find((one) => one['externalId'] === 'ref-repeat');
  expect(repeat).toMatchObject({ outcome: 'duplicate', code: 'duplicate', credited: false, referralId: null });
  expect(rivals.text).not.toContain(String(first.body['id']));
  expect(await world.api.as(null, '/v1/lead-log', asMe)).toMatchObject({
    status: 403,
    body: { code: 'wrong_audience' },
  });
});

test('what may be done with a lead stands in its line of the log: its verdicts, and giving it to an affiliate (screens.md 3.14)', async () => {
  const user = await apiUser();
  const address = email();
  const taken = await send(user.secret, { email: address, externalId: 'act-1', programId });
  await send(user.secret, { email: address, externalId: 'act-2', programId });
  await send(user.secret, { email: 'nobody', externalId: 'act-3', programId });
  await world.as('/v1/leads', { email: email(), externalId: 'act-4', programId });
  await world.settle();
  const actions = async (lines: readonly Json[], externalId: string) =>
    lines.find((entry) => entry['externalId'] === externalId)?.['allowedActions'];
  const lines = await log('limit=100');
  expect(await Promise.all(['act-1', 'act-2', 'act-3', 'act-4'].map((id) => actions(lines, id)))).toEqual([
    ['invalidate'],
    ['accept'],
    [],
    ['invalidate', 'attribute'],
  ]);
  const own = itemsOf((await world.api.as(user.secret, '/v1/lead-log?limit=100')).body['data']);
  expect(await actions(own, 'act-1')).toEqual([]);

  const path = `/v1/leads/${String(taken.body['id'])}`;
  expect((await world.as(`${path}/invalidate`, { reasonCode: 'invalid_lead' })).status).toBe(200);
  await world.settle();
  expect(await actions(await log('limit=100'), 'act-1')).toEqual(['accept']);
});

test('how a lead was matched is what its decision says: click, coupon before click, hand, sender, or its referral goes on crediting', async () => {
  const [mine, rival] = [await world.affiliate(programId), await world.affiliate(programId)];
  const coupon = await world.as('/v1/coupons', { code: 'MATCHED', affiliateId: rival, programId });
  expect(coupon.status).toBe(201);
  const [first, second] = [email(), email()];
  const clickId = await world.click({ programId, affiliateId: mine });
  const leads = [
    { externalId: 'm-click', email: first, clickId },
    { externalId: 'm-referral', email: first, event: 'registration' },
    {
      externalId: 'm-coupon',
      email: second,
      clickId: await world.click({ programId, affiliateId: mine }),
      coupon: 'MATCHED',
    },
    { externalId: 'm-hand', email: email() },
  ];
  for (const lead of leads) {
    expect((await world.as('/v1/leads', { programId, ...lead })).status).toBe(202);
    await world.settle();
  }
  const lines = async (): Promise<Readonly<Record<string, unknown>>> =>
    Object.fromEntries((await log('limit=200')).map((one) => [String(one['externalId']), one['matchedBy']]));
  expect((await lines())['m-hand']).toBeNull();
  const byHand = (await log('limit=200')).find((one) => one['externalId'] === 'm-hand');
  await world.as(`/v1/leads/${String(byHand?.['leadId'])}/attribute`, { affiliateId: mine, reason: 'Told us so' });
  await world.settle();
  expect(await lines()).toMatchObject({
    'm-click': 'click',
    'm-referral': 'click',
    'm-coupon': 'coupon',
    'm-hand': 'hand',
    'own-1': 'sender',
  });
});

test('paging goes through both halves of the log, each entry once', async () => {
  const all = await log('limit=200');
  const seen: unknown[] = [];
  let cursor = '';
  for (let pages = 0; pages < 100; pages += 1) {
    const page = await world.as(`/v1/lead-log?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...itemsOf(page.body['data']).map((entry) => entry['id']));
    if (page.body['nextCursor'] === null) break;
    cursor = encodeURIComponent(String(page.body['nextCursor']));
  }
  expect(seen).toEqual(all.map((entry) => entry['id']));
  expect(new Set(all.map((entry) => String(entry['id']).slice(0, 4)))).toEqual(new Set(['led_', 'log_']));
});
