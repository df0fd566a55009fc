import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { inWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import {
  type CallOptions,
  itemsOf,
  startTestApi,
  type TestAnswer,
  type TestApi,
  type TestWorkspace,
} from '../support.js';

let api: TestApi;
let shop: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace({ saved: false });
});
afterAll(() => api.close());

interface Browser {
  readonly cookie: string;
  readonly csrf: string;
}

/** A call as a browser makes it: cookie, CSRF token, same origin. */
function browse(browser: Browser, path: string, options: CallOptions = {}): Promise<TestAnswer> {
  return api.as(null, path, {
    ...options,
    headers: { Cookie: browser.cookie, 'X-CSRF-Token': browser.csrf, ...options.headers },
  });
}

function browserOf(answer: TestAnswer): Browser {
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return { cookie, csrf: String(answer.body['csrfToken']) };
}

async function signInToken(): Promise<string> {
  return inWorkspace(api.db, shop.id, (tx, now) =>
    insertOneTimeToken(tx, newId, now, {
      kind: 'sign_in',
      loginId: shop.owner.loginId,
      workspaceId: shop.id,
      userId: shop.owner.id,
    }),
  );
}

async function signIn(): Promise<Browser> {
  return browserOf(await api.as(null, '/v1/auth/one-time', { body: { token: await signInToken() } }));
}

test('the worked example begins: link, key, invitation, settings (api.md 19, steps 0 to 2)', async () => {
  const signedIn = await api.as(null, '/v1/auth/one-time', { body: { token: await signInToken() } });
  expect(signedIn.status).toBe(200);
  expect(signedIn.body).toMatchObject({ object: 'session', audience: 'staff', user: { name: 'Ana' } });
  expect(signedIn.headers.get('set-cookie')).toMatch(
    /^session=[\w-]{43}; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax$/,
  );
  const ana = browserOf(signedIn);

  const key = await browse(ana, '/v1/api-keys', {
    body: { name: 'ana', kind: 'secret', test: false, roleId: 'owner' },
  });
  expect(key.status).toBe(201);
  const secret = String(key.body['secret']);
  expect(secret).toMatch(/^sk_live_[0-9A-Za-z]{38}$/);

  const invited = await browse(ana, '/v1/users', {
    body: { email: 'ben@shop.example', name: 'Ben', roleIds: ['finance_approver', 'developer'] },
  });
  expect(invited.status).toBe(201);
  expect(invited.body).toMatchObject({ status: 'invited', roleIds: ['finance_approver', 'developer'] });

  const mails = await api.as(secret, '/v1/dev/emails?to=ben@shop.example');
  const link = String(mails.body['data']?.[0]?.['links']?.[0]);
  const token = link.split('/').at(-1) ?? '';
  const accepted = await api.as(null, '/v1/auth/accept-invite', { body: { token, password: 'a long enough phrase' } });
  expect(accepted.status).toBe(200);
  const ben = browserOf(accepted);
  const bensKey = await browse(ben, '/v1/api-keys', { body: { name: 'ben', roleId: 'finance_approver' } });
  expect(bensKey.status).toBe(201);

  const tooEarly = await api.as(secret, '/v1/programs', { body: { name: 'Spring', currency: 'USD' } });
  expect(tooEarly).toMatchObject({ status: 409, body: { code: 'settings_missing' } });

  const settings = await api.as(secret, '/v1/settings', {
    method: 'PATCH',
    headers: { 'If-Match': '"1"' },
    body: {
      general: { timeZone: 'UTC', defaultCurrency: 'USD' },
      payouts: { minimumPayout: [{ amount: '5.00', currency: 'USD' }] },
    },
  });
  expect(settings.status).toBe(200);
  expect(settings.body).toMatchObject({
    version: 2,
    payouts: { minimumPayout: [{ amount: '5.00', currency: 'USD' }], frequency: 'monthly' },
  });
  expect(settings.body['savedAt']).toMatch(/^\d{4}-.*Z$/);
  expect(settings.headers.get('etag')).toBe('"2"');
});

test('a one-time link works once', async () => {
  const token = await signInToken();

  const both = await Promise.all([1, 2].map(() => api.as(null, '/v1/auth/one-time', { body: { token } })));

  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 410]);
  expect(both.find(({ status }) => status === 410)?.body).toMatchObject({ code: 'token_used_or_expired' });
});

test('a session needs its CSRF token and our own origin to change something', async () => {
  const ana = await signIn();
  const body = { name: 'x' };
  const without = await api.as(null, '/v1/workspace', { method: 'PATCH', body, headers: { Cookie: ana.cookie } });
  const wrong = await browse({ ...ana, csrf: 'x' }, '/v1/workspace', { method: 'PATCH', body });
  const foreign = await browse(ana, '/v1/workspace', {
    method: 'PATCH',
    body,
    headers: { Origin: 'https://evil.example' },
  });
  const crossSite = await browse(ana, '/v1/workspace', {
    method: 'PATCH',
    body,
    headers: { 'Sec-Fetch-Site': 'cross-site' },
  });
  const own = await browse(ana, '/v1/workspace', {
    method: 'PATCH',
    body: { name: 'Shop' },
    headers: { Origin: 'http://localhost:3000', 'Sec-Fetch-Site': 'same-origin' },
  });

  for (const answer of [without, wrong, foreign, crossSite])
    expect(answer).toMatchObject({ status: 403, body: { code: 'csrf_failed' } });
  expect(own.status).toBe(200);
});

test('signing out ends the session at once, and only that one', async () => {
  const [first, second] = [await signIn(), await signIn()];

  const out = await browse(first, '/v1/auth/logout', { method: 'POST' });

  expect(out.status).toBe(204);
  expect((await browse(first, '/v1/me')).status).toBe(401);
  expect((await browse(second, '/v1/me')).status).toBe(200);
});

test('rights are read at each call: a person who is removed is out at once', async () => {
  const email = `carl-${randomUUID()}@shop.example`;
  const invited = await api.as(shop.key, '/v1/users', { body: { email, name: 'Carl', roleIds: ['auditor'] } });
  const mails = await api.as(shop.key, `/v1/dev/emails?to=${email}`);
  const token = String(mails.body['data']?.[0]?.['links']?.[0]).split('/').at(-1) ?? '';
  const carl = browserOf(
    await api.as(null, '/v1/auth/accept-invite', { body: { token, password: 'a long enough phrase' } }),
  );
  // The second read of a list begins while the session is still looked up.
  for (const _ of [1, 2]) expect((await browse(carl, '/v1/users?limit=1')).headers.get('link')).toMatch(/rel="next"/);

  await api.as(shop.key, `/v1/users/${invited.body['id']}`, {
    method: 'PATCH',
    body: { roleIds: ['agent'] },
  });
  const refused = await browse(carl, '/v1/users?limit=1');
  expect(refused.body).toMatchObject({ code: 'permission_missing', missingPermission: 'user.read' });
  expect(refused.headers.get('link')).toBeNull();
  await api.as(shop.key, `/v1/users/${invited.body['id']}`, { method: 'PATCH', body: { roleIds: ['auditor'] } });
  expect((await browse(carl, '/v1/users')).status).toBe(200);

  const removed = await api.as(shop.key, `/v1/users/${invited.body['id']}`, { method: 'DELETE' });
  expect(removed.status).toBe(204);
  expect(await browse(carl, '/v1/users')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  expect((await browse(carl, '/v1/me')).status).toBe(401);
  expect((await api.as(shop.key, `/v1/users/${invited.body['id']}`)).status).toBe(404);
});

test('ten wrong passwords lock an account, known or not, alike', async () => {
  const email = `dora-${randomUUID()}@shop.example`;
  await api.as(shop.key, '/v1/users', { body: { email, name: 'Dora', roleIds: [] } });
  const token =
    String((await api.as(shop.key, `/v1/dev/emails?to=${email}`)).body['data']?.[0]?.['links']?.[0])
      .split('/')
      .at(-1) ?? '';
  const password = 'correct horse battery';
  expect((await api.as(null, '/v1/auth/accept-invite', { body: { token, password } })).status).toBe(200);
  expect((await api.as(null, '/v1/auth/login', { body: { email, password } })).status).toBe(200);

  const statuses = async (address: string): Promise<number[]> => {
    const seen: number[] = [];
    for (let i = 0; i < 11; i += 1)
      seen.push((await api.as(null, '/v1/auth/login', { body: { email: address, password: 'wrong' } })).status);
    return seen;
  };
  const known = await statuses(email);
  const unknown = await statuses('nobody@shop.example');

  expect(known).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
  expect(unknown).toEqual(known);
  const right = await api.as(null, '/v1/auth/login', { body: { email, password } });
  expect(right).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } });
});

test('a password reset ends all sessions, works once, and says the same to strangers', async () => {
  const { email } = shop.owner;
  const before = await signIn();
  const known = await api.as(null, '/v1/auth/password-reset', { body: { email } });
  const stranger = await api.as(null, '/v1/auth/password-reset', { body: { email: 'nobody@shop.example' } });
  expect([known.status, known.text]).toEqual([stranger.status, stranger.text]);
  const mails = await api.as(shop.key, `/v1/dev/emails?to=${email}`);
  const token = String(mails.body['data']?.[0]?.['links']?.[0]).split('/').at(-1) ?? '';

  const weak = await api.as(null, '/v1/auth/password-reset/confirm', { body: { token, password: 'password1234' } });
  const done = await api.as(null, '/v1/auth/password-reset/confirm', {
    body: { token, password: 'x'.repeat(70) + ' long and fine' },
  });
  const again = await api.as(null, '/v1/auth/password-reset/confirm', {
    body: { token, password: 'a long enough phrase' },
  });

  expect(weak).toMatchObject({ status: 422, body: { code: 'weak_password' } });
  expect(done.status).toBe(204);
  expect(again.status).toBe(410);
  expect((await browse(before, '/v1/me')).status).toBe(401);
  const twin = await api.as(null, '/v1/auth/login', { body: { email, password: 'x'.repeat(70) + ' l' } });
  expect(twin.status).toBe(401);
});

test('one of my sessions can be looked at; another person’s does not exist', async () => {
  const ana = await signIn();
  const list = await browse(ana, '/v1/sessions');
  const current = itemsOf(list.body['data']).find((one) => one['isCurrent']);
  expect(await browse(ana, `/v1/sessions/${String(current?.['id'])}`)).toMatchObject({
    status: 200,
    body: { object: 'session', audience: 'staff', isCurrent: true },
  });
  expect(await browse(ana, `/v1/sessions/${newId('session')}`)).toMatchObject({ status: 404 });
});

test('step-up: a password opens the rows marked + for five minutes', async () => {
  const ana = await signIn();
  const owner = new pg.Client({ connectionString: api.database.ownerUrl });
  await owner.connect();
  await owner.query(`update sessions set stepped_up_at = now() - interval '6 minutes'`);
  await owner.end();

  const refused = await browse(ana, '/v1/api-keys', { body: { name: 'late', roleId: 'owner' } });
  expect(refused).toMatchObject({ status: 403, body: { code: 'step_up_required' } });

  const changed = await api.as(null, '/v1/auth/password-reset', { body: { email: shop.owner.email } });
  expect(changed.status).toBe(202);
  const wrong = await browse(ana, '/v1/auth/step-up', { body: { password: 'not this one' } });
  expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
  const right = await browse(ana, '/v1/auth/step-up', { body: { password: 'x'.repeat(70) + ' long and fine' } });
  expect(right.status).toBe(204);
  expect((await browse(ana, '/v1/api-keys', { body: { name: 'in time', roleId: 'owner' } })).status).toBe(201);
});
