import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeLink } from '../../../bin/signInLink.js';
import { insertOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { inWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { totpCode } from '../../../platform/totp.js';
import { type CallOptions, startTestApi, type TestAnswer, type TestApi, type TestWorkspace } from '../support.js';

// The second factor, over HTTP: BEY-35 and ROL-11.

let api: TestApi;
let shop: TestWorkspace;
const passphrase = 'a long enough phrase of mine';

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace();
});
afterAll(() => api.close());

interface Browser {
  readonly cookie: string;
  readonly csrf: string;
  readonly email: string;
  readonly userId: string;
}

function browse(browser: Browser, path: string, options: CallOptions = {}): Promise<TestAnswer> {
  return api.as(null, path, {
    ...options,
    headers: { Cookie: browser.cookie, 'X-CSRF-Token': browser.csrf, ...options.headers },
  });
}

function browserOf(answer: TestAnswer, email: string): Browser {
  expect(answer.body).toMatchObject({ object: 'session' });
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return { cookie, csrf: String(answer.body['csrfToken']), email, userId: String(answer.body['user']?.['id']) };
}

/** A person who accepted an invitation and chose the password above. */
async function member(...roleIds: readonly string[]): Promise<Browser> {
  const email = `p-${randomUUID()}@shop.example`;
  const invited = await api.as(shop.key, '/v1/users', { body: { email, name: 'Pia', roleIds } });
  expect(invited.status).toBe(201);
  const mails = await api.as(shop.key, `/v1/dev/emails?to=${email}`);
  const token = String(mails.body['data']?.[0]?.['links']?.[0]).split('/').at(-1);
  return browserOf(await api.as(null, '/v1/auth/accept-invite', { body: { token, password: passphrase } }), email);
}

/** The code of now, or of that many steps of 30 seconds away. */
const codeOf = (secret: string, steps = 0): string => totpCode(secret, Date.now() + steps * 30_000);

/** The last code that confirms is of the step before, so that the present one is unused afterwards. */
async function enrol(browser: Browser): Promise<{ readonly secret: string; readonly codes: readonly string[] }> {
  const draft = await browse(browser, '/v1/auth/totp/enrol', { method: 'POST' });
  expect(draft.status).toBe(200);
  const secret = String(draft.body['secret']);
  const confirmed = await browse(browser, '/v1/auth/totp/confirm', { body: { code: codeOf(secret, -1) } });
  expect(confirmed.status).toBe(200);
  return { secret, codes: confirmed.body['codes'] as unknown as readonly string[] };
}

async function challengeOf(browser: Browser): Promise<string> {
  const answer = await api.as(null, '/v1/auth/login', { body: { email: browser.email, password: passphrase } });
  expect(answer).toMatchObject({ status: 200, body: { next: 'totp' } });
  expect(answer.headers.get('set-cookie')).toBeNull();
  return String(answer.body['challenge']);
}

test('enrolling shows secret and picture, and only a right code turns the second factor on', async () => {
  const pia = await member('reviewer');
  const before = await browse(pia, '/v1/me');
  expect(before.body['secondFactor']).toEqual({
    enrolled: false,
    required: false,
    recoveryCodesLeft: null,
    isOwn: true,
  });

  const draft = await browse(pia, '/v1/auth/totp/enrol', { method: 'POST' });
  expect(draft.body).toMatchObject({ object: 'totp_draft' });
  expect(draft.body['secret']).toMatch(/^[A-Z2-7]{32}$/);
  expect(draft.body['address']).toContain(`secret=${String(draft.body['secret'])}`);
  expect(draft.body['qrSvg']).toContain('<svg');
  const wrong = await browse(pia, '/v1/auth/totp/confirm', { body: { code: '000000' } });
  expect(wrong).toMatchObject({ status: 422, body: { errors: [{ pointer: '#/code' }] } });
  expect((await browse(pia, '/v1/me')).body['secondFactor']).toMatchObject({ enrolled: false });

  const confirmed = await browse(pia, '/v1/auth/totp/confirm', {
    body: { code: codeOf(String(draft.body['secret'])) },
  });
  const codes = confirmed.body['codes'] as unknown as readonly string[];
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) expect(code).toMatch(/^([a-z2-7]{4}-){3}[a-z2-7]{4}$/);
  expect((await browse(pia, '/v1/me')).body['secondFactor']).toEqual({
    enrolled: true,
    required: false,
    recoveryCodesLeft: 10,
    isOwn: true,
  });
});

test('a password is then not enough, and a code counts once', async () => {
  const pia = await member('reviewer');
  const { secret } = await enrol(pia);
  const challenge = await challengeOf(pia);

  const wrong = await api.as(null, '/v1/auth/totp', { body: { challenge, code: '123456' } });
  expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
  const used = await api.as(null, '/v1/auth/totp', { body: { challenge, code: codeOf(secret, -1) } });
  expect(used.status).toBe(401); // the one that confirmed the enrolment

  const code = codeOf(secret);
  const both = await Promise.all([1, 2].map(() => api.as(null, '/v1/auth/totp', { body: { challenge, code } })));
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401]);
  const signedIn = both.find(({ status }) => status === 200);
  expect(signedIn?.body).toMatchObject({ object: 'session', user: { email: pia.email } });
});

test('a one-time link is not enough either', async () => {
  const pia = await member('reviewer');
  const { secret } = await enrol(pia);
  const { loginId } = await inWorkspace(api.db, shop.id, async (tx) => {
    const row = await tx('users').where({ id: pia.userId }).first<{ login_id: string }>('login_id');
    return { loginId: row.login_id };
  });
  const token = await inWorkspace(api.db, shop.id, (tx, now) =>
    insertOneTimeToken(tx, newId, now, {
      kind: 'sign_in',
      loginId: loginId as never,
      workspaceId: shop.id,
      userId: pia.userId as never,
    }),
  );

  const answer = await api.as(null, '/v1/auth/one-time', { body: { token } });
  expect(answer).toMatchObject({ status: 200, body: { next: 'totp' } });
  const signedIn = await api.as(null, '/v1/auth/totp', {
    body: { challenge: String(answer.body['challenge']), code: codeOf(secret) },
  });
  expect(signedIn.status).toBe(200);
});

test('a recovery code signs in once, however it is typed, and is counted down', async () => {
  const pia = await member('reviewer');
  const { codes } = await enrol(pia);
  const [first = ''] = codes;
  const typed = first.toUpperCase().replaceAll('-', ' ');

  const one = await api.as(null, '/v1/auth/totp', { body: { challenge: await challengeOf(pia), code: typed } });
  const again = await api.as(null, '/v1/auth/totp', { body: { challenge: await challengeOf(pia), code: first } });

  expect(one.status).toBe(200);
  expect(again).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
  const me = await browse(browserOf(one, pia.email), '/v1/me');
  expect(me.body['secondFactor']).toMatchObject({ recoveryCodesLeft: 9 });
});

test('codes cannot be guessed: ten wrong ones lock the login, for the right password too', async () => {
  const pia = await member('reviewer');
  const { secret } = await enrol(pia);
  const challenge = await challengeOf(pia);
  for (let n = 0; n < 10; n += 1) {
    // A right password in between does not begin the count anew.
    if (n === 5) await challengeOf(pia);
    const guess = await api.as(null, '/v1/auth/totp', { body: { challenge, code: String(100_000 + n) } });
    expect(guess.status).toBe(401);
  }

  const right = await api.as(null, '/v1/auth/totp', { body: { challenge, code: codeOf(secret) } });
  const password = await api.as(null, '/v1/auth/login', { body: { email: pia.email, password: passphrase } });

  for (const answer of [right, password])
    expect(answer).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } });
});

test('an altered challenge, or none of ours, says no more than a wrong code', async () => {
  const pia = await member('reviewer');
  const { secret } = await enrol(pia);
  const challenge = await challengeOf(pia);
  const altered = `${challenge.slice(0, -3)}${challenge.endsWith('AAA') ? 'BBB' : 'AAA'}`;

  for (const one of [altered, 'x'.repeat(60), api.deps.secrets.seal('answer', '{}')])
    expect(await api.as(null, '/v1/auth/totp', { body: { challenge: one, code: codeOf(secret) } })).toMatchObject({
      status: 401,
      body: { code: 'invalid_credentials' },
    });
});

test('step-up then asks for a code, and a used code is refused', async () => {
  const pia = await member('developer');
  const { secret } = await enrol(pia);
  const password = await browse(pia, '/v1/auth/step-up', { body: { password: passphrase } });
  expect(password).toMatchObject({ status: 401, body: { code: 'invalid_credentials', needs: 'code' } });

  const code = codeOf(secret);
  const first = await browse(pia, '/v1/auth/step-up', { body: { code } });
  const second = await browse(pia, '/v1/auth/step-up', { body: { code } });

  expect(first.status).toBe(204);
  expect(second.status).toBe(401);
});

test('step-up takes exactly one of the two', async () => {
  const pia = await member('reviewer');

  for (const body of [{}, { password: passphrase, code: '123456' }])
    expect(await browse(pia, '/v1/auth/step-up', { body })).toMatchObject({
      status: 422,
      body: { code: 'validation_failed' },
    });
});

test('a role that demands a second factor opens nothing before it is set up, and everything after', async () => {
  const workspace = await api.makeWorkspace();
  const email = `fin-${randomUUID()}@shop.example`;
  await api.as(workspace.key, '/v1/users', { body: { email, name: 'Fin', roleIds: ['finance_approver'] } });
  const mails = await api.as(workspace.key, `/v1/dev/emails?to=${email}`);
  const token = String(mails.body['data']?.[0]?.['links']?.[0]).split('/').at(-1);
  const fin = browserOf(await api.as(null, '/v1/auth/accept-invite', { body: { token, password: passphrase } }), email);
  expect((await browse(fin, '/v1/payouts')).status).toBe(200);
  const version = (await api.as(workspace.key, '/v1/settings')).body['version'];
  const saved = await api.as(workspace.key, '/v1/settings', {
    method: 'PATCH',
    headers: { 'If-Match': `"${String(version)}"` },
    body: { security: { totpRequiredFor: ['finance_approver'] } },
  });
  expect(saved.status).toBe(200);

  const refused = await browse(fin, '/v1/payouts');
  expect(refused).toMatchObject({
    status: 403,
    body: { code: 'permission_missing', missingPermission: 'payout.read', needs: 'second_factor' },
  });
  const me = await browse(fin, '/v1/me');
  expect(me.body).toMatchObject({ permissions: [], secondFactor: { enrolled: false, required: true } });

  await enrol(fin);
  expect((await browse(fin, '/v1/payouts')).status).toBe(200);
  const off = await browse(fin, '/v1/auth/totp/disable', { method: 'POST' });
  expect(off).toMatchObject({ status: 403, body: { code: 'not_enabled' } });
});

test('turned off where nobody demands it, the password is enough again; both stand in the audit trail', async () => {
  const pia = await member('reviewer');
  await enrol(pia);

  expect((await browse(pia, '/v1/auth/totp/disable', { method: 'POST' })).status).toBe(204);

  const signedIn = await api.as(null, '/v1/auth/login', { body: { email: pia.email, password: passphrase } });
  expect(signedIn.body).toMatchObject({ object: 'session' });
  const trail = await api.as(shop.key, `/v1/audit-entries?objectId=${pia.userId}`);
  const events = (trail.body['data'] as unknown as readonly { event: string }[]).map((entry) => entry.event);
  expect(events).toEqual(expect.arrayContaining(['secondFactorEnrolled', 'secondFactorRemoved']));
});

test('who lost the phone is helped by somebody who could give them their roles, and by nobody else', async () => {
  const pia = await member('owner');
  await enrol(pia);
  const admin = (await api.makePerson(shop, ['admin'], { name: 'Adam' })).key;

  const refused = await api.as(admin, `/v1/users/${pia.userId}/reset-totp`, { method: 'POST' });
  expect(refused).toMatchObject({ status: 403, body: { code: 'permission_missing' } });
  const done = await api.as(shop.key, `/v1/users/${pia.userId}/reset-totp`, { method: 'POST' });
  expect(done.status).toBe(204);

  expect((await browse(pia, '/v1/me')).status).toBe(401);
  const signedIn = await api.as(null, '/v1/auth/login', { body: { email: pia.email, password: passphrase } });
  expect(signedIn.body).toMatchObject({ object: 'session' });
});

test('a login that guards another workspace too keeps its second factor', async () => {
  const pia = await member('reviewer');
  const elsewhere = await api.makeWorkspace({ name: 'Elsewhere' });
  const invited = await api.as(elsewhere.key, '/v1/users', {
    body: { email: pia.email, name: 'Pia', roleIds: ['agent'] },
  });
  await enrol(pia);

  const answer = await api.as(elsewhere.key, `/v1/users/${String(invited.body['id'])}/reset-totp`, { method: 'POST' });

  expect(answer).toMatchObject({ status: 409, body: { code: 'in_use', usedBy: ['other_workspace'] } });
});

test('the operator lets in who lost phone and recovery codes, and the audit trail says so', async () => {
  const pia = await member('reviewer');
  await enrol(pia);

  const withFactor = await makeLink(api.db, 'http://localhost:3000', pia.email);
  const still = await api.as(null, '/v1/auth/one-time', { body: { token: withFactor.split('/').at(-1) } });
  expect(still.body).toMatchObject({ next: 'totp' });
  const without = await makeLink(api.db, 'http://localhost:3000', pia.email, { withoutSecondFactor: true });
  const signedIn = await api.as(null, '/v1/auth/one-time', { body: { token: without.split('/').at(-1) } });

  expect(signedIn.body).toMatchObject({ object: 'session' });
  const trail = await api.as(shop.key, `/v1/audit-entries?objectId=${pia.userId}&event=secondFactorReset`);
  expect(trail.body['data']).toHaveLength(1);
});

test('what is stored is neither the secret nor a recovery code', async () => {
  const pia = await member('reviewer');
  const { secret, codes } = await enrol(pia);
  const owner = new pg.Client({ connectionString: api.database.ownerUrl });
  await owner.connect();
  const { rows } = await owner.query<{ text: string }>(
    `select login::text as text from logins as login where email = $1
     union all select answer::text || convert_from(coalesce(answer.body, ''), 'UTF8') from idempotency_keys as answer`,
    [pia.email],
  );
  await owner.end();
  const stored = rows.map(({ text }) => text).join('\n');

  expect(stored).not.toContain(secret);
  for (const code of codes) expect(stored).not.toContain(code);
});
