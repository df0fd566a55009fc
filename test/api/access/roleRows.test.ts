import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { makeAffiliate, makeProgram, withoutRequest } from '../program/support.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// The rows of features.md 17 that are about one deed each, taken at their word. The whole matrix is in matrix.test.ts (ROL-01, ROL-02, ROL-08),
// roles of a workspace's own in role.test.ts (ROL-09), sign-in and sessions in session.test.ts and secondFactor.test.ts (ROL-11).

let api: TestApi;
let ws: TestWorkspace;
let programId: string;
let mine: string;
let foreign: string;
let manager: Awaited<ReturnType<TestApi['makePerson']>>;

beforeAll(async () => {
  api = await startTestApi();
  ws = await api.makeWorkspace();
  programId = await makeProgram(api, ws);
  manager = await api.makePerson(ws, ['affiliate_manager'], { name: 'Mia' });
  mine = await makeAffiliate(api, ws, [programId], { managerId: manager.user.id });
  foreign = await makeAffiliate(api, ws, [programId]);
});
afterAll(() => api.close());

test('ROL-03: a manager who opens an unassigned affiliate by id is refused, and each attempt is in the audit trail', async () => {
  expect((await api.as(manager.key, `/v1/affiliates/${mine}`)).status).toBe(200);
  const read = await api.as(manager.key, `/v1/affiliates/${foreign}`);
  expect(read).toMatchObject({ status: 403, body: { code: 'not_in_scope' } });
  const write = await api.as(manager.key, `/v1/affiliates/${foreign}/suspend`, { body: { reason: 'Not mine' } });
  expect(write).toMatchObject({ status: 403, body: { code: 'not_in_scope' } });

  const entries = await api.as(ws.key, `/v1/audit-entries?objectType=attempt&event=refused&sort=createdAt`);
  expect(itemsOf(entries.body['data'])).toMatchObject([
    {
      actor: { type: 'api_key' },
      requestId: read.body['requestId'],
      changes: { code: 'not_in_scope', method: 'GET', path: `/v1/affiliates/${foreign}` },
    },
    {
      requestId: write.body['requestId'],
      changes: { code: 'not_in_scope', method: 'POST', path: `/v1/affiliates/${foreign}/suspend` },
    },
  ]);
  expect((await api.as(ws.key, `/v1/affiliates/${foreign}`)).body['status']).toBe('approved');
});

test('ROL-04: an affiliate manager who edits rates is refused, and the rule stays as it was', async () => {
  const rule = await api.as(ws.key, '/v1/commission-rules', {
    body: {
      name: '20 %',
      scope: 'program',
      programId,
      event: 'payment',
      base: 'net',
      levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
    },
  });
  expect(rule.status, rule.text).toBe(201);
  const path = `/v1/commission-rules/${String(rule.body['id'])}`;
  expect(
    await api.as(manager.key, path, {
      method: 'PATCH',
      body: { levels: [{ level: 1, kind: 'percent', ratePpm: 900_000 }] },
      headers: { 'If-Match': '"1"' },
    }),
  ).toMatchObject({ status: 403, body: { code: 'permission_missing', missingPermission: 'rule.write' } });
  expect(
    await api.as(manager.key, `/v1/programs/${programId}`, {
      method: 'PATCH',
      body: { commissionHold: 'PT0S' },
      headers: { 'If-Match': '"1"' },
    }),
  ).toMatchObject({ status: 403, body: { missingPermission: 'program.write' } });
  expect((await api.as(ws.key, path)).body['levels'][0]['ratePpm']).toBe(200_000);
});

test.each(['suspend', 'terminate'])('ROL-05: only who holds status.change may %s an affiliate', async (verb) => {
  const id = await makeAffiliate(api, ws, [programId]);
  for (const preset of ['program_manager', 'finance_preparer', 'support', 'auditor'] as const) {
    const { key } = await api.makePerson(ws, [preset]);
    expect(await api.as(key, `/v1/affiliates/${id}/${verb}`, { body: { reason: 'x' } }), preset).toMatchObject({
      status: 403,
      body: { missingPermission: 'status.change' },
    });
  }
  const { key } = await api.makePerson(ws, ['compliance']);
  expect((await api.as(ws.key, `/v1/affiliates/${id}`)).body['status']).toBe('approved');
  const done = await api.as(key, `/v1/affiliates/${id}/${verb}`, {
    body: { reason: 'Broke the rules', ...(verb === 'terminate' ? { approvedMoney: 'pay' } : {}) },
  });
  expect([done.status, done.body['status']], done.text).toEqual([200, verb === 'suspend' ? 'suspended' : 'terminated']);
});

test('ROL-06: without the right settings are neither read nor written', async () => {
  const { key } = await api.makePerson(ws, ['affiliate_manager']);
  for (const path of ['/v1/settings', '/v1/settings/general', '/v1/settings/history'])
    expect(await api.as(key, path), path).toMatchObject({ status: 403, body: { missingPermission: 'settings.read' } });
  const before = await api.as(ws.key, '/v1/settings');
  expect(
    await api.as(key, '/v1/settings', {
      method: 'PATCH',
      body: { general: { timeZone: 'Asia/Tokyo' } },
      headers: { 'If-Match': `"${String(before.body['version'])}"` },
    }),
  ).toMatchObject({ status: 403, body: { missingPermission: 'settings.write' } });
  expect((await api.as(ws.key, '/v1/settings')).body['version']).toBe(before.body['version']);
});

test('ROL-07: a role, a person or a workspace named in a header, a query or a body changes no answer', async () => {
  const other = await api.makeWorkspace({ name: 'Other' });
  const { key } = await api.makePerson(ws, ['reviewer']);
  const named = {
    'X-Workspace-Id': other.id,
    'X-Tributary-Workspace': other.id,
    'X-User-Id': other.owner.id,
    'X-Role': 'owner',
    'X-Roles': 'owner',
    'X-Permissions': 'settings.write',
    'X-Affiliate-Id': foreign,
    'X-Forwarded-User': 'owner',
    'X-Http-Method-Override': 'DELETE',
    Cookie: `workspace=${other.id}; role=owner; user=${other.owner.id}`,
  };
  for (const path of ['/v1/me', '/v1/affiliates', '/v1/referrals', '/v1/settings', '/v1/users', '/v1/payout-runs']) {
    const [plain, claimed] = [await api.as(key, path), await api.as(key, path, { headers: named })];
    expect([path, claimed.status, withoutRequest(claimed)]).toEqual([path, plain.status, withoutRequest(plain)]);
    const asked = await api.as(key, `${path}?workspaceId=${other.id}&role=owner&userId=${other.owner.id}`);
    expect([200, 403, 422], path).toContain(asked.status);
    expect(asked.text, path).not.toContain(other.id);
  }
  const body = {
    name: 'Claimed',
    email: 'claimed@blog.example',
    workspaceId: other.id,
    role: 'owner',
    userId: 'usr_1',
  };
  const auditor = (await api.makePerson(ws, ['auditor'])).key;
  const refused = await api.as(auditor, '/v1/affiliates', { body, headers: named });
  expect(refused).toMatchObject({ status: 403, body: { code: 'permission_missing' } });
  const admin = (await api.makePerson(ws, ['admin'])).key;
  const made = await api.as(admin, '/v1/affiliates', { body, headers: named });
  expect(made.status, made.text).toBe(201);
  const id = String(made.body['id']);
  expect((await api.as(ws.key, `/v1/affiliates/${id}`)).status).toBe(200);
  expect((await api.as(other.key, `/v1/affiliates/${id}`)).status).toBe(404);
});

test('ROL-08: a key with nothing ticked can do nothing but say who it is', async () => {
  const { key } = await api.makePerson(ws, ['owner'], { permissions: [] });
  expect((await api.as(key, '/v1/me')).body['permissions']).toEqual([]);
  for (const path of ['/v1/affiliates', '/v1/referrals', '/v1/commissions', '/v1/settings', '/v1/users'])
    expect((await api.as(key, path)).body['code'], path).toBe('permission_missing');
});

test('ROL-10: in the portal another id in the address shows nobody else’s record', async () => {
  const links = await api.as(ws.key, `/v1/links?affiliateId=${foreign}`);
  const foreignLink = String(links.body['data'][0]?.['id']);
  const own = await api.makePerson(ws, ['owner'], { permissions: ['me.read', 'me.write'], affiliateId: mine });
  const closed = await api.as(own.key, '/v1/me/links');
  expect(closed).toMatchObject({ status: 409, body: { code: 'requirements_open' } });
  const accepted = await api.as(
    own.key,
    `/v1/me/agreements/${String(closed.body['open'][0]?.['agreementId'])}/accept`,
    {
      body: {},
    },
  );
  expect(accepted.status, accepted.text).toBeLessThan(300);
  const listed = await api.as(own.key, '/v1/me/links');
  expect(listed.status, listed.text).toBe(200);
  expect(itemsOf(listed.body['data']).every((link) => link['affiliateId'] === mine)).toBe(true);

  const theirs = await api.as(own.key, `/v1/me/links/${foreignLink}`, {
    method: 'PATCH',
    body: { campaign: 'mine now' },
  });
  const nobodys = await api.as(own.key, `/v1/me/links/${newId('link')}`, {
    method: 'PATCH',
    body: { campaign: 'mine now' },
  });
  expect(theirs.status).toBe(404);
  expect(nobodys.status).toBe(404);
  expect([403, 404]).toContain((await api.as(own.key, `/v1/affiliates/${foreign}`)).status);
  expect((await api.as(own.key, `/v1/me/links?affiliateId=${foreign}`)).status).toBe(422);
});
