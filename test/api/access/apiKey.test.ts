import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countActiveWithRoles } from '../../../db/access/user.js';
import { inWorkspace } from '../../../db/transaction.js';
import { presetIds, presets, type Permission } from '../../../domain/access/permission.js';
import { eventually } from '../../support/eventually.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

let api: TestApi;
let shop: TestWorkspace;
let other: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace();
  other = await api.makeWorkspace({ name: 'Other' });
});
afterAll(() => api.close());

async function makeKey(body: Readonly<Record<string, unknown>>): Promise<{ id: string; secret: string }> {
  const made = await api.as(shop.key, '/v1/api-keys', { body: { name: 'k', ...body } });
  expect(made.status).toBe(201);
  return { id: String(made.body['id']), secret: String(made.body['secret']) };
}

describe('a bad credential is 401 (reliability.md F1, F2)', () => {
  const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.';
  test.each([
    ['none', undefined],
    ['empty', ''],
    ['Bearer alone', 'Bearer'],
    ['Bearer with a space', 'Bearer '],
    ['Basic', 'Basic YTpi'],
    ['a JWT', `Bearer ${jwt}`],
    ['a long token', `Bearer ${'a'.repeat(10_000)}`],
    ['a wrong checksum', `Bearer sk_live_${'a'.repeat(38)}`],
    ['a public key', `Bearer pk_live_${'a'.repeat(38)}`],
  ])('%s', async (_name, header) => {
    const answer = await api.as(null, '/v1/me', header === undefined ? {} : { headers: { Authorization: header } });

    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  test('a well-formed key that is nobody’s', async () => {
    const { secret } = await makeKey({ roleId: 'auditor' });
    const typo = secret.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'));

    expect((await api.as(typo, '/v1/me')).status).toBe(401);
  });
});

test('the secret is shown once, also to a repeat of the call, and never again', async () => {
  const body = { name: 'once', roleId: 'auditor' };
  const headers = { 'Idempotency-Key': 'make-once' };
  const made = await api.as(shop.key, '/v1/api-keys', { body, headers });
  const repeat = await api.as(shop.key, '/v1/api-keys', { body, headers });
  const shown = await api.as(shop.key, `/v1/api-keys/${made.body['id']}`);

  expect(repeat.text).toBe(made.text);
  expect(shown.body).toMatchObject({ object: 'api_key', name: 'once', state: 'active', test: false });
  expect(shown.text).not.toContain(String(made.body['secret']));
});

test('nobody grants what they do not hold', async () => {
  const developer = await api.makePerson(shop, ['developer']);

  const refused = await api.as(developer.key, '/v1/api-keys', { body: { name: 'more', roleId: 'finance_approver' } });
  const ticked = await api.as(developer.key, '/v1/api-keys', {
    body: { name: 'more', permissions: ['lead.read', 'payout.read'] },
  });
  const fine = await api.as(developer.key, '/v1/api-keys', { body: { name: 'fine', permissions: ['lead.read'] } });

  expect(refused).toMatchObject({ status: 403, body: { code: 'permission_missing' } });
  expect(ticked.body).toMatchObject({ code: 'permission_missing', missingPermission: 'payout.read' });
  expect(fine.status).toBe(201);
});

test('revoked, expired, from another address, or for the other mode: refused with its reason', async () => {
  const revoked = await makeKey({ roleId: 'auditor' });
  await api.as(shop.key, `/v1/api-keys/${revoked.id}/revoke`, { method: 'POST' });
  const expired = await makeKey({ roleId: 'auditor', expiresOn: '2020-01-01' });
  const elsewhere = await makeKey({ roleId: 'auditor', ipRestricted: true, ipAllowList: ['192.0.2.0/24'] });
  const here = await makeKey({ roleId: 'auditor', ipRestricted: true, ipAllowList: ['127.0.0.0/8'] });

  expect((await api.as(revoked.secret, '/v1/me')).body).toMatchObject({ code: 'api_user_revoked' });
  expect((await api.as(expired.secret, '/v1/me')).body).toMatchObject({
    code: 'api_user_expired',
    expiredOn: '2020-01-01',
  });
  expect((await api.as(elsewhere.secret, '/v1/me')).body).toMatchObject({ code: 'ip_not_allowed' });
  expect((await api.as(here.secret, '/v1/me')).status).toBe(200);
  const mismatch = await api.as(here.secret, '/v1/me', { headers: { 'Tributary-Mode': 'test' } });
  expect(mismatch).toMatchObject({ status: 400, body: { code: 'mode_mismatch' } });
  const again = await api.as(shop.key, `/v1/api-keys/${revoked.id}/revoke`, { method: 'POST' });
  expect(again).toMatchObject({ status: 409, body: { code: 'transition_not_allowed' } });
  const revived = await api.as(shop.key, `/v1/api-keys/${expired.id}`, {
    method: 'PATCH',
    body: { expiresOn: '2099-01-01' },
  });
  expect(revived.body).toMatchObject({ state: 'active' });
  expect((await api.as(expired.secret, '/v1/me')).status).toBe(200);
});

test('LED-31: after a rotation both secrets work until the grace ends', async () => {
  const key = await makeKey({ roleId: 'auditor' });
  const soon = await api.as(shop.key, `/v1/api-keys/${key.id}/rotate`, { body: {} });
  expect((await api.as(key.secret, '/v1/me')).status).toBe(200);
  expect((await api.as(String(soon.body['secret']), '/v1/me')).status).toBe(200);

  const past = await api.as(shop.key, `/v1/api-keys/${key.id}/rotate`, {
    body: { graceUntil: '2026-01-01T00:00:00Z' },
  });
  expect((await api.as(String(soon.body['secret']), '/v1/me')).status).toBe(401);
  expect((await api.as(String(past.body['secret']), '/v1/me')).status).toBe(200);
});

test('last use is noted', async () => {
  const key = await makeKey({ roleId: 'auditor' });
  await api.as(key.secret, '/v1/me');

  const used = await eventually(async () => {
    const shown = await api.as(shop.key, `/v1/api-keys/${key.id}`);
    return shown.body['lastUsedAt'] === null ? undefined : String(shown.body['lastUsedAt']);
  });
  expect(used).toMatch(/Z$/);
});

test('calls of one key do not wait for each other’s note of its last use', async () => {
  const key = await makeKey({ roleId: 'auditor' });

  await inWorkspace(api.db, shop.id, async (tx) => {
    await tx('api_keys').where({ id: key.id }).forNoKeyUpdate().select('id'); // another call is noting it
    const signal = AbortSignal.timeout(20_000); // waits for the row without `skip locked`, and the row for this test
    const answer = await fetch(`${api.url}/v1/me`, { headers: { Authorization: `Bearer ${key.secret}` }, signal });
    expect(answer.status).toBe(200);
  });
});

test('another workspace’s key, user and settings do not exist', async () => {
  const key = await makeKey({ roleId: 'auditor' });

  const [foreignKey, foreignUser, never] = await Promise.all([
    api.as(other.key, `/v1/api-keys/${key.id}`),
    api.as(other.key, `/v1/users/${shop.owner.id}`),
    api.as(other.key, '/v1/users/usr_01kaz0c3v7m2q8x4t6w9y1b5de'),
  ]);

  const plain = ({ body }: { body: Readonly<Record<string, unknown>> }) => ({ ...body, requestId: 0, instance: 0 });
  expect(foreignKey.status).toBe(404);
  expect(plain(foreignUser)).toEqual(plain(never));
  const listed = await api.as(other.key, '/v1/api-keys');
  expect(itemsOf(listed.body['data']).map((row) => String(row['id']))).not.toContain(key.id);
});

const guarded: readonly { readonly method: string; readonly path: string; readonly permission: Permission }[] = [
  { method: 'GET', path: '/v1/users', permission: 'user.read' },
  { method: 'GET', path: '/v1/permissions', permission: 'user.read' },
  { method: 'GET', path: '/v1/api-keys', permission: 'key.read' },
  { method: 'GET', path: '/v1/settings', permission: 'settings.read' },
  { method: 'GET', path: '/v1/settings/history', permission: 'settings.read' },
  { method: 'GET', path: '/v1/dev/emails', permission: 'system.write' },
  { method: 'GET', path: '/v1/workspaces', permission: 'instance.admin' },
  { method: 'POST', path: '/v1/users', permission: 'user.write' },
  { method: 'POST', path: '/v1/api-keys', permission: 'key.write' },
  { method: 'PATCH', path: '/v1/workspace', permission: 'settings.write' },
];

describe.each(presetIds)('over HTTP the preset %s', (preset) => {
  test('reaches exactly the routes that its rights open', async () => {
    const { key } = await api.makePerson(shop, [preset]);
    const held: readonly Permission[] = presets[preset].permissions;

    for (const { method, path, permission } of guarded) {
      // An empty body is not valid for these: whoever holds the right gets to 422 or 2xx, nobody else past 403.
      const answer = await api.as(key, path, method === 'GET' ? {} : { method, body: { nonsense: true } });
      if (held.includes(permission)) expect([200, 422]).toContain(answer.status);
      else
        expect(answer).toMatchObject({
          status: 403,
          body: { code: 'permission_missing', missingPermission: permission },
        });
    }
  });
});

test('settings: a stale version, none at all, a weak tag, an unknown field, a bad value; then a revert', async () => {
  const fresh = await api.makeWorkspace({ saved: false });
  const patch = (body: unknown, headers: Readonly<Record<string, string>> = { 'If-Match': '"1"' }) =>
    api.as(fresh.key, '/v1/settings', { method: 'PATCH', body, headers });

  expect(await patch({}, {})).toMatchObject({ status: 428, body: { code: 'precondition_required' } });
  expect(await patch({}, { 'If-Match': 'W/"1"' })).toMatchObject({ status: 400, body: { code: 'invalid_header' } });
  expect(await patch({}, { 'If-Match': '*' })).toMatchObject({ status: 400 });
  expect(await patch({}, { 'If-Match': '"7"' })).toMatchObject({ status: 412, body: { currentVersion: 1 } });
  expect((await patch({ general: { timeZone: 'Mars/Olympus' } })).body['errors']).toMatchObject([
    { pointer: '#/general/timeZone', code: 'not_in_list' },
  ]);
  expect((await patch({ general: { colour: 'red' } })).body['errors']).toMatchObject([
    { pointer: '#/general/colour', code: 'unknown_field' },
  ]);
  expect((await patch({ tracking: { attributionWindow: null } })).status).toBe(422);

  const saved = await patch({});
  expect(saved.body).toMatchObject({ version: 2, commissions: { hold: 'P30D', commissionApproval: 'automatic' } });
  const changed = await patch({ commissions: { hold: 'P14D' } }, { 'If-Match': '"2"' });
  expect(changed.body).toMatchObject({ version: 3, commissions: { hold: 'P14D' } });
  const reverted = await api.as(fresh.key, '/v1/settings/revert', { body: { toVersion: 2 } });
  expect(reverted.body).toMatchObject({ version: 4, commissions: { hold: 'P30D' } });
  const history = await api.as(fresh.key, '/v1/settings/history');
  expect(itemsOf(history.body['data']).map((row) => row['version'])).toEqual([4, 3, 2, 1]);
  expect(history.body['data']?.[1]).toMatchObject({
    changes: [{ section: 'commissions', field: 'hold', from: 'P30D', to: 'P14D' }],
    by: { name: 'Ana' },
  });
});

test('the last owner stays, and an admin does not unseat an owner', async () => {
  const alone = await api.makeWorkspace({ name: 'Alone' });
  const admin = await api.makePerson(alone, ['admin']);

  const removed = await api.as(alone.key, `/v1/users/${alone.owner.id}`, { method: 'DELETE' });
  const demoted = await api.as(alone.key, `/v1/users/${alone.owner.id}`, {
    method: 'PATCH',
    body: { roleIds: ['auditor'] },
  });
  const unseated = await api.as(admin.key, `/v1/users/${alone.owner.id}`, { method: 'DELETE' });

  expect(removed).toMatchObject({ status: 409, body: { code: 'in_use' } });
  expect(demoted).toMatchObject({ status: 409, body: { code: 'in_use' } });
  expect(unseated).toMatchObject({ status: 403, body: { code: 'permission_missing' } });
});

test('of two owners who remove each other at once one stays', async () => {
  for (let round = 0; round < 5; round += 1) {
    const both = await api.makeWorkspace({ name: `Both ${round}` });
    const second = await api.makePerson(both, ['owner']);
    await Promise.all([
      api.as(both.key, `/v1/users/${second.user.id}`, { method: 'DELETE' }),
      api.as(second.key, `/v1/users/${both.owner.id}`, { method: 'PATCH', body: { roleIds: ['auditor'] } }),
    ]);
    expect(await inWorkspace(api.db, both.id, (tx) => countActiveWithRoles(tx, ['owner']))).toBe(1);
  }
});
