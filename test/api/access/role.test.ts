import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestAnswer, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// Roles of a workspace's own: ROL-08, ROL-09, and "nobody grants what they do not hold" (api.md 2).

let api: TestApi;
let shop: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace();
});
afterAll(() => api.close());

async function makeRole(body: Readonly<Record<string, unknown>>, key = shop.key): Promise<TestAnswer> {
  return api.as(key, '/v1/roles', { body });
}

/** A key that holds all of what its person may do through this role. */
async function keyOf(roleId: string): Promise<{ readonly key: string; readonly userId: string }> {
  const { user, key } = await api.makePerson(shop, ['owner'], { name: 'Rolf' });
  const changed = await api.as(shop.key, `/v1/users/${user.id}`, { method: 'PATCH', body: { roleIds: [roleId] } });
  expect(changed.status).toBe(200);
  return { key, userId: user.id };
}

test('a role of ones own opens what is ticked, and new ticks count at once', async () => {
  const role = await makeRole({ name: 'Link keeper', permissions: ['link.read', 'affiliate.read'] });
  expect(role).toMatchObject({
    status: 201,
    body: { preset: false, permissions: ['link.read', 'affiliate.read'], reach: 'workspace', version: 1, warnings: [] },
  });
  const id = String(role.body['id']);
  const { key } = await keyOf(id);

  expect((await api.as(key, '/v1/links')).status).toBe(200);
  expect((await api.as(key, '/v1/programs')).body).toMatchObject({ code: 'permission_missing' });
  const changed = await api.as(shop.key, `/v1/roles/${id}`, {
    method: 'PATCH',
    headers: { 'If-Match': '"1"' },
    body: { permissions: ['program.read'] },
  });
  expect(changed).toMatchObject({ status: 200, body: { version: 2, permissions: ['program.read'] } });
  expect((await api.as(key, '/v1/links')).body).toMatchObject({ code: 'permission_missing' });
  expect((await api.as(key, '/v1/programs')).status).toBe(200);

  const matrix = await api.as(shop.key, '/v1/permissions');
  expect((matrix.body['roles'] as unknown as { id: string }[]).map((one) => one.id)).toContain(id);
  const stale = await api.as(shop.key, `/v1/roles/${id}`, {
    method: 'PATCH',
    headers: { 'If-Match': '"1"' },
    body: { name: 'x' },
  });
  expect(stale).toMatchObject({ status: 412, body: { code: 'version_mismatch', currentVersion: 2 } });
});

test('nothing ticked means nothing allowed, and the answer warns', async () => {
  const role = await makeRole({ name: 'Nothing', permissions: [] });
  expect(role.body).toMatchObject({ warnings: ['no_permissions'] });
  const { key } = await keyOf(String(role.body['id']));

  for (const path of ['/v1/links', '/v1/affiliates', '/v1/payouts', '/v1/settings', '/v1/users'])
    expect(await api.as(key, path)).toMatchObject({ status: 403, body: { code: 'permission_missing' } });
});

test('a role that is held, by a person or a key, is not deleted; one that nobody holds is', async () => {
  const role = await makeRole({ name: 'Held', permissions: ['link.read'] });
  const id = String(role.body['id']);
  const { userId } = await keyOf(id);
  const inUse = await api.as(shop.key, `/v1/roles/${id}`, { method: 'DELETE' });
  expect(inUse).toMatchObject({ status: 409, body: { code: 'in_use', usedBy: [userId] } });
  await api.as(shop.key, `/v1/users/${userId}`, { method: 'PATCH', body: { roleIds: ['agent'] } });
  const key = await api.as(shop.key, '/v1/api-keys', { body: { name: 'k', roleId: id } });
  expect(key.status).toBe(201);
  expect((await api.as(shop.key, `/v1/roles/${id}`, { method: 'DELETE' })).body).toMatchObject({
    usedBy: [String(key.body['id'])],
  });
  await api.as(shop.key, `/v1/api-keys/${String(key.body['id'])}/revoke`, { method: 'POST' });

  expect((await api.as(shop.key, `/v1/roles/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await api.as(shop.key, `/v1/roles/${id}`)).status).toBe(404);
  const gone = await api.as(shop.key, `/v1/users/${userId}`, { method: 'PATCH', body: { roleIds: [id] } });
  expect(gone).toMatchObject({ status: 422, body: { errors: [{ pointer: '#/roleIds/0', code: 'not_found' }] } });
});

test('nobody makes, widens or gives a role with more than they hold', async () => {
  const keeper = await makeRole({
    name: 'Role keeper',
    permissions: ['role.write', 'user.read', 'user.write', 'link.read'],
  });
  const { key } = await keyOf(String(keeper.body['id']));

  const more = await makeRole({ name: 'More', permissions: ['payout.approve'] }, key);
  const own = await makeRole({ name: 'Own', permissions: ['link.read'] }, key);
  expect(more).toMatchObject({ status: 403, body: { missingPermission: 'payout.approve' } });
  expect(own.status).toBe(201);
  const widened = await api.as(key, `/v1/roles/${String(own.body['id'])}`, {
    method: 'PATCH',
    body: { permissions: ['link.read', 'ledger.write'] },
  });
  expect(widened).toMatchObject({ status: 403, body: { missingPermission: 'ledger.write' } });
  const given = await api.as(key, '/v1/users', {
    body: { email: 'mia@shop.example', name: 'Mia', roleIds: ['finance_approver'] },
  });
  expect(given).toMatchObject({ status: 403, body: { code: 'permission_missing' } });
});

test('who holds a right for assigned rows only, or up to a limit, hands on no more than that', async () => {
  const narrow = await makeRole({
    name: 'Narrow',
    permissions: ['role.write', 'link.read'],
    reach: 'assigned',
    limited: true,
  });
  const { key } = await keyOf(String(narrow.body['id']));

  const wide = await makeRole({ name: 'Wide', permissions: ['link.read'] }, key);
  const unlimited = await makeRole({ name: 'Unlimited', permissions: ['link.read'], reach: 'assigned' }, key);
  const same = await makeRole({ name: 'Same', permissions: ['link.read'], reach: 'assigned', limited: true }, key);

  expect([wide.status, unlimited.status, same.status]).toEqual([403, 403, 201]);
});

test('ROL-03: a right over rows that are not one affiliate’s each is none for a role of assigned rows, nor becomes one', async () => {
  const made = await makeRole({ name: 'Books of some', permissions: ['link.read', 'ledger.read'], reach: 'assigned' });
  const fault = { errors: [{ pointer: '#/permissions/1', code: 'not_allowed_here' }] };
  expect(made).toMatchObject({ status: 422, body: fault });
  const whole = await makeRole({ name: 'Books of all', permissions: ['link.read', 'ledger.read'] });
  const narrowed = await api.as(shop.key, `/v1/roles/${String(whole.body['id'])}`, {
    method: 'PATCH',
    headers: { 'If-Match': '"1"' },
    body: { reach: 'assigned' },
  });
  expect(narrowed.status).toBe(422);
});

test('presets are fixed, portal rights are not for staff, and two roles of one name cannot be told apart', async () => {
  const preset = await api.as(shop.key, '/v1/roles/owner', { method: 'PATCH', body: { permissions: [] } });
  const deleted = await api.as(shop.key, '/v1/roles/owner', { method: 'DELETE' });
  const portal = await makeRole({ name: 'Portal', permissions: ['me.read'] });
  await makeRole({ name: 'Twice', permissions: ['link.read'] });
  const twice = await makeRole({ name: 'tWICE', permissions: ['link.read'] });

  for (const answer of [preset, deleted]) expect(answer).toMatchObject({ status: 403, body: { code: 'not_enabled' } });
  expect(portal).toMatchObject({ status: 422, body: { errors: [{ pointer: '#/permissions/0' }] } });
  expect(twice).toMatchObject({ status: 409, body: { code: 'already_exists', field: 'name' } });
});

test("another workspace's role is one that never was, and cannot be given", async () => {
  const other = await api.makeWorkspace({ name: 'Other' });
  const role = await makeRole({ name: 'Ours', permissions: ['link.read'] });
  const id = String(role.body['id']);

  expect((await api.as(other.key, `/v1/roles/${id}`)).status).toBe(404);
  expect((await api.as(other.key, `/v1/roles/${id}`, { method: 'DELETE' })).status).toBe(404);
  const given = await api.as(other.key, '/v1/users', {
    body: { email: 'zoe@shop.example', name: 'Zoe', roleIds: [id] },
  });
  expect(given).toMatchObject({ status: 422, body: { errors: [{ code: 'not_found' }] } });
});
