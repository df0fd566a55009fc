import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWorkspace } from '../../../db/transaction.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import * as pictures from '../../support/pictures.js';
import { itemsOf, type Json, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// Further merchants of one installation (api.md 16.1), over HTTP.

let api: TestApi;
let shop: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace();
});
afterAll(() => api.close());

const create = (name: string, key = randomUUID()) =>
  api.as(shop.key, '/v1/workspaces', {
    body: { name, ownerEmail: 'olga@north.example' },
    headers: { 'Idempotency-Key': key },
  });

test('a further workspace has all that each has, and its owner comes in by the mailed invitation', async () => {
  const key = randomUUID();
  const made = await create('North', key);
  expect(made).toMatchObject({ status: 201, body: { object: 'workspace', name: 'North' } });
  const again = await create('North', key);
  expect(again).toMatchObject({ status: 201, body: { id: made.body['id'] } });
  expect(again.headers.get('idempotent-replayed')).toBe('true');

  const mail = await readWorkspace(api.db, String(made.body['id']) as WorkspaceId, (tx) =>
    tx('emails').first<{ recipient: string; links: readonly string[] }>('recipient', 'links'),
  );
  expect(mail.recipient).toBe('olga@north.example');
  const token = String(mail.links[0]).split('/').at(-1);
  const accepted = await api.as(null, '/v1/auth/accept-invite', {
    body: { token, password: 'a long pass phrase of olga' },
  });
  expect(accepted).toMatchObject({ status: 200, body: { audience: 'staff', workspace: { name: 'North' } } });
  const cookie = (accepted.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const me = await api.as(null, '/v1/me', { headers: { Cookie: cookie } });
  expect(me.body['roles']).toMatchObject([{ id: 'owner' }]);
  // The merchant's owner does not administer the installation, and sees nothing of the others.
  expect(me.body['permissions']).not.toContain('instance.admin');
  const list = await api.as(shop.key, '/v1/workspaces');
  expect(itemsOf(list.body['data']).map((one) => one['name'])).toContain('North');
  const audit = await api.as(shop.key, `/v1/audit-entries?objectId=${String(made.body['id'])}`);
  expect(audit.body['data']).toMatchObject([{ event: 'created', objectType: 'workspace' }]);
});

test('a name stands for one workspace, and nothing is made by who may not', async () => {
  const made = await create('South');
  expect(await create('south')).toMatchObject({
    status: 409,
    body: { code: 'already_exists', field: 'name', existingId: made.body['id'] },
  });
  const admin = await api.makePerson(shop, ['admin']);
  expect(
    await api.as(admin.key, '/v1/workspaces', { body: { name: 'East', ownerEmail: 'e@east.example' } }),
  ).toMatchObject({ status: 403, body: { missingPermission: 'instance.admin' } });
  expect(await api.as(shop.key, '/v1/workspaces', { body: { name: 'East', ownerEmail: 'nobody' } })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/ownerEmail' }] },
  });
  const all = await api.as(shop.key, '/v1/workspaces');
  const names = itemsOf(all.body['data']).map((one) => String(one['name']));
  expect(names.filter((name) => /south|east/i.test(name))).toEqual(['South']);
});

test('two creations of one name at once make one workspace', async () => {
  const answers = await Promise.all([create('West'), create('West'), create('West')]);
  expect(answers.map((one) => one.status).sort((a, b) => a - b)).toEqual([201, 409, 409]);
});

test('a logo is a picture of the own library, nothing from elsewhere; while it is one it stays there', async () => {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(pictures.png)], { type: 'image/png' }), 'logo.png');
  const uploaded = (await (
    await fetch(`${api.url}/v1/media`, { method: 'POST', headers: { Authorization: `Bearer ${shop.key}` }, body: form })
  ).json()) as Json;
  const save = async (logoUrl: string | null) => {
    const { version } = (await api.as(shop.key, '/v1/workspace')).body as { readonly version: number };
    return api.as(shop.key, '/v1/workspace', {
      method: 'PATCH',
      body: { branding: { logoUrl } },
      headers: { 'If-Match': `"${version}"` },
    });
  };
  const url = String(uploaded['url']);
  for (const elsewhere of [
    'https://cdn.example/logo.png',
    url.replace('http://localhost:3000', 'https://evil.example'),
    url.replace(/[0-9a-f]{64}/, 'a'.repeat(64)),
    'http://localhost:3000/r/slug',
  ]) {
    const refused = await save(elsewhere);
    expect([refused.status, refused.body['errors']], refused.text).toMatchObject([
      422,
      [{ pointer: '#/branding/logoUrl', code: 'not_found' }],
    ]);
  }
  expect(await save(url)).toMatchObject({ status: 200, body: { branding: { logoUrl: url } } });
  const path = `/v1/media/${String(uploaded['id'])}`;
  const remove = () => api.as(shop.key, path, { method: 'DELETE', headers: { 'If-Match': '"1"' } });
  expect(await remove()).toMatchObject({ status: 409, body: { code: 'in_use', usedBy: [shop.id] } });
  expect((await save(null)).body['branding']).toEqual({ logoUrl: null });
  expect((await remove()).status).toBe(204);
});
