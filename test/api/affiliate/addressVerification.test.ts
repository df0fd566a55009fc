import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { makeAffiliate, makeProgram, saveSettings } from '../program/support.js';
import type { Json, TestAnswer } from '../support.js';
import { mailsTo } from './portalWorld.js';

// An affiliate shows that its address is its own, by a link that staff have sent (api.md 7.1).

let world: EarningWorld;
let programId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await makeProgram(world.api, world.ws, { requirements: ['email_verified'] });
});
afterAll(() => world.close());

const pending = (body: Readonly<Record<string, unknown>> = {}): Promise<string> =>
  makeAffiliate(world.api, world.ws, [programId], body, { approve: false });
const read = async (id: string): Promise<Json> => (await world.as(`/v1/affiliates/${id}`)).body;
const ask = (id: string): Promise<TestAnswer> => world.as(`/v1/affiliates/${id}/request-verification`, {});
const open = (token: string): Promise<TestAnswer> => world.api.as(null, '/v1/auth/verify-email', { body: { token } });
async function tokenFor(email: unknown): Promise<string> {
  const [mail] = await mailsTo(world, String(email));
  return /\/verify-email\/([\w-]+)$/.exec(mail?.links[0] ?? '')?.[1] ?? '';
}

test('the mailed link confirms the address once; it is no way into the portal, and a second one takes its place', async () => {
  const id = await pending();
  const { email } = await read(id);
  expect(await ask(id)).toMatchObject({ status: 202, body: { status: 'received' } });
  const older = await tokenFor(email);
  await ask(id);
  const token = await tokenFor(email);
  expect(await open(older)).toMatchObject({ status: 410, body: { code: 'token_used_or_expired' } });
  const password = 'a long pass phrase of nobody';
  for (const [path, more] of [
    ['one-time', {}],
    ['accept-invite', { password }],
    ['password-reset/confirm', { password }],
  ] as const)
    expect((await world.api.as(null, `/v1/auth/${path}`, { body: { token, ...more } })).status).toBe(410);
  expect((await read(id))['emailVerifiedAt']).toBeNull();

  expect((await open(token)).status).toBe(204);
  expect((await read(id))['emailVerifiedAt']).not.toBeNull();
  expect((await open(token)).body['code']).toBe('token_used_or_expired');
  const before = (await mailsTo(world, String(email))).length;
  expect(await ask(id)).toMatchObject({ status: 202, body: { status: 'verified' } });
  expect(await mailsTo(world, String(email))).toHaveLength(before);

  // Asking made nobody of the portal: the approval still invites.
  expect((await world.as(`/v1/affiliates/${id}/contacts`)).body['data']).toEqual([]);
  await world.api.as(null, '/v1/auth/sign-in-link', { body: { email } });
  expect(await mailsTo(world, String(email))).toHaveLength(before);
  expect((await world.as(`/v1/affiliates/${id}/approve`, {})).body).toMatchObject({ status: 'approved' });
  const [welcome] = await mailsTo(world, String(email));
  expect(welcome?.links.some((link) => link.includes('/welcome/'))).toBe(true);
});

test('a link to the address before confirms nothing, and nobody declined is asked', async () => {
  const id = await pending();
  const { email, version } = await read(id);
  await ask(id);
  const token = await tokenFor(email);
  const changed = await world.api.as(world.ws.key, `/v1/affiliates/${id}`, {
    method: 'PATCH',
    body: { email: 'another@blog.example' },
    headers: { 'If-Match': `"${String(version)}"` },
  });
  expect(changed.status, changed.text).toBe(200);
  expect(await open(token)).toMatchObject({ status: 410 });
  expect((await read(id))['emailVerifiedAt']).toBeNull();

  await ask(id);
  expect((await open(await tokenFor('another@blog.example'))).status).toBe(204);
  expect((await read(id))['emailVerifiedAt']).not.toBeNull();

  const other = await pending();
  await world.as(`/v1/affiliates/${other}/decline`, { reason: 'No' });
  expect(await ask(other)).toMatchObject({ status: 409, body: { code: 'transition_not_allowed' } });
});

test('who may sign in is not changed by being asked, and a login keeps its address', async () => {
  const id = await pending();
  expect((await world.as(`/v1/affiliates/${id}`)).body['emailVerifiedAt']).toBeNull();
  const { email } = await read(id);
  const shut = await world.as(`/v1/affiliates/${id}/contacts`, { name: 'Own', email, portalAccess: false });
  expect(shut.status, shut.text).toBe(201);
  await ask(id);
  expect((await world.as(`/v1/affiliates/${id}/contacts`)).body['data']).toMatchObject([{ portalAccess: false }]);
  expect((await open(await tokenFor(email))).status).toBe(204);
  expect((await read(id))['email']).toBe(email);
});

test('where nothing else is open and new affiliates are approved by default, the link approves', async () => {
  const { api } = world;
  const ws = await api.makeWorkspace({ name: 'Quick' });
  await saveSettings(api, ws, { affiliates: { defaultStatus: 'approved' } });
  const quick = await makeProgram(api, ws, { requirements: ['email_verified'] });
  const made = await api.as(ws.key, '/v1/affiliates', {
    body: { name: 'Lia', email: 'lia@blog.example', programIds: [quick] },
  });
  const id = String(made.body['id']);
  expect(await api.as(ws.key, `/v1/affiliates/${id}/request-verification`, { body: {} })).toMatchObject({
    status: 202,
  });
  const mails = await api.as(ws.key, '/v1/dev/emails?to=lia@blog.example');
  const token = /\/verify-email\/([\w-]+)/.exec(mails.text)?.[1] ?? '';
  expect((await open(token)).status).toBe(204);
  expect((await api.as(ws.key, `/v1/affiliates/${id}`)).body).toMatchObject({ status: 'approved' });
});
