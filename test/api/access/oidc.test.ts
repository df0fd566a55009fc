import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeLink } from '../../../bin/signInLink.js';
import { createSecrets, type Secrets } from '../../../platform/secrets.js';
import { totpCode } from '../../../platform/totp.js';
import { type CompanyProvider, startCompanyProvider } from '../../support/companyProvider.js';
import { Walker } from '../../support/walker.js';
import {
  type CallOptions,
  itemsOf,
  startTestApi,
  type TestAnswer,
  type TestApi,
  type TestWorkspace,
} from '../support.js';

// Staff sign-in through a company's provider (BEY-35, api.md 5, docs/decisions/1160), against a real one: who comes in, who does not, and what
// a session that came this way never reaches.

const publicUrl = 'http://localhost:3000';
const redirectUri = `${publicUrl}/v1/auth/oidc/callback`;
let api: TestApi;
let company: CompanyProvider;
let owner: pg.Pool;
/** Keys as they are now: a test rotates them. */
const oldKey = { id: 'old', key: createSecretKey(randomBytes(32)) };
let secrets: Secrets = createSecrets([oldKey]);

beforeAll(async () => {
  api = await startTestApi({
    config: { outboundAllow: ['127.0.0.1/32'] },
    deps: {
      secrets: {
        sign: (...given) => secrets.sign(...given),
        isSignedBy: (...given) => secrets.isSignedBy(...given),
        seal: (...given) => secrets.seal(...given),
        unseal: (...given) => secrets.unseal(...given),
      },
    },
  });
  company = await startCompanyProvider({ redirectUri });
  owner = new pg.Pool({ connectionString: api.database.ownerUrl, max: 1 });
});
beforeEach(() => {
  company.lie = undefined;
});
afterAll(async () => {
  await owner?.end();
  await company?.close();
  await api?.close();
});

const groups = [
  { group: 'reviewers', roleId: 'reviewer' },
  { group: 'leads', roleId: 'admin' },
  { group: 'bosses', roleId: 'owner' },
  { group: 'money', roleId: 'finance_preparer' },
];

function bodyFor(provider: CompanyProvider, change: Readonly<Record<string, unknown>> = {}) {
  return {
    issuer: provider.issuer,
    clientId: provider.clientId,
    clientSecret: provider.clientSecret,
    label: 'Sign in with Shop ID',
    roleGroups: groups,
    enabled: true,
    ...change,
  };
}

async function save(key: string, body: unknown): Promise<TestAnswer> {
  const { version } = (await api.as(key, '/v1/sign-in-provider')).body;
  return api.as(key, '/v1/sign-in-provider', { method: 'PUT', body, headers: { 'If-Match': `"${String(version)}"` } });
}

async function shopWith(change: Readonly<Record<string, unknown>> = {}): Promise<TestWorkspace> {
  const shop = await api.makeWorkspace();
  const saved = await save(shop.key, bodyFor(company, change));
  expect(saved.status, saved.text).toBe(200);
  return shop;
}

const unique = (): string => `p-${randomUUID().slice(0, 8)}`;

/** A person at the company. */
function hire(of: { readonly groups: readonly string[]; readonly email?: string; readonly name?: string }): string {
  const login = unique();
  company.accounts.set(login, { email: `${login}@shop.example`, name: 'Pia Fox', ...of });
  return login;
}

const newWalker = (): Walker => new Walker({ [publicUrl]: api.url });

function startOf(shop: Pick<TestWorkspace, 'id'>, more = ''): string {
  return `${publicUrl}/v1/auth/oidc/start?provider=${shop.id}${more}`;
}

const isBack = (address: string): boolean => address.startsWith(redirectUri);
const isOurs = (address: string): boolean => address.startsWith(publicUrl) && !isBack(address);

/** Fills in the provider's forms; answers the address of our callback that the browser is sent to. */
async function atProvider(walker: Walker, from: string, login: string): Promise<string> {
  let page = await walker.follow(await walker.step(from), isBack);
  for (let forms = 0; forms < 4 && page.location === null; forms += 1) {
    const action = /action="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const prompt = /name="prompt" value="(\w+)"/.exec(page.text)?.[1] ?? '';
    expect(prompt, page.text.slice(0, 500)).toMatch(/login|consent/);
    const form = prompt === 'login' ? { prompt, login, password: 'any' } : { prompt };
    page = await walker.follow(await walker.step(new URL(action, page.url).href, { form }), isBack);
  }
  expect(page.location).not.toBeNull();
  return page.location ?? '';
}

/** From the button to where the person ends up; an address of ours. */
async function signIn(walker: Walker, shop: Pick<TestWorkspace, 'id'>, login: string, more = ''): Promise<string> {
  const begun = await walker.step(startOf(shop, more));
  if (begun.location === null || isOurs(begun.location)) return begun.location ?? begun.text;
  const back = await atProvider(walker, begun.location, login);
  return (await walker.step(back)).location ?? '';
}

async function csrfOf(walker: Walker): Promise<string> {
  return String((await browse(walker, '/v1/me')).body['csrfToken']);
}

function browse(walker: Walker, path: string, options: CallOptions = {}): Promise<TestAnswer> {
  return api.as(null, path, { ...options, headers: { Cookie: walker.cookieHeader(publicUrl), ...options.headers } });
}

async function change(walker: Walker, path: string, options: CallOptions = {}): Promise<TestAnswer> {
  const headers = { 'X-CSRF-Token': await csrfOf(walker), ...options.headers };
  return browse(walker, path, { method: 'POST', ...options, headers });
}

async function people(shop: TestWorkspace, email: string, statuses = 'invited,active,disabled') {
  return itemsOf((await api.as(shop.key, `/v1/users?q=${email}&status=${statuses}`)).body['data']);
}

/** The session cookie is gone or was never set. */
const isSignedIn = async (walker: Walker): Promise<boolean> => (await browse(walker, '/v1/me')).status === 200;

/** A member of the shop who chose a password. */
async function invite(shop: TestWorkspace, email: string, ...roleIds: readonly string[]): Promise<string> {
  const invited = await api.as(shop.key, '/v1/users', { body: { email, name: 'Ina', roleIds } });
  expect(invited.status, invited.text).toBe(201);
  const mails = await api.as(shop.key, `/v1/dev/emails?to=${email}`);
  return String(mails.body['data']?.[0]?.['links']?.[0]).split('/').at(-1) as string;
}

describe('setting it up', () => {
  test('the secret is taken and never answered, in no answer, history or log of calls', async () => {
    const shop = await api.makeWorkspace();
    const before = await api.as(shop.key, '/v1/sign-in-provider');
    expect(before.body).toMatchObject({ issuer: null, hasClientSecret: false, enabled: false, version: 1 });
    expect(before.body['callbackUrl']).toBe(redirectUri);

    const saved = await save(shop.key, bodyFor(company));
    const renamed = await save(shop.key, { ...bodyFor(company, { label: 'Shop ID' }), clientSecret: 'another' });

    expect(saved.body).toMatchObject({ hasClientSecret: true, enabled: true, version: 2, groupsClaim: 'groups' });
    expect(renamed.body).toMatchObject({ label: 'Shop ID', version: 3 });
    const history = await api.as(shop.key, '/v1/audit-entries?objectType=sign_in_provider');
    expect(itemsOf(history.body['data']).map((one) => one['event'])).toEqual(['changed', 'created']);
    expect(itemsOf(history.body['data'])[0]?.['changes']).toEqual({
      label: { from: 'Sign in with Shop ID', to: 'Shop ID' },
      clientSecretChanged: true,
    });
    const { rows } = await owner.query<{ line: string }>(
      `select row_to_json(one)::text as line from sign_in_providers as one
       union all select row_to_json(one)::text from audit_entries as one where object_type = 'sign_in_provider'
       union all select row_to_json(one)::text from api_log as one`,
    );
    for (const text of [saved.text, renamed.text, history.text, ...rows.map(({ line }) => line)]) {
      expect(text).not.toContain(company.clientSecret);
      expect(text).not.toContain('"another"');
    }
  });

  test.each([
    { rule: 'nobody there', change: { issuer: 'http://127.0.0.1:1' }, pointer: '#/issuer', code: 'not_found' },
    { rule: 'an inner network', change: { issuer: 'http://10.1.2.3' }, pointer: '#/issuer', code: 'not_allowed_here' },
    {
      rule: 'the metadata service',
      change: { issuer: 'https://169.254.169.254' },
      pointer: '#/issuer',
      code: 'not_allowed_here',
    },
    { rule: 'a file', change: { issuer: 'file:///etc/passwd' }, pointer: '#/issuer', code: 'bad_format' },
    {
      rule: 'a name and password',
      change: { issuer: 'https://me:pw@login.example' },
      pointer: '#/issuer',
      code: 'bad_format',
    },
    { rule: 'a query', change: { issuer: 'https://login.example?x=1' }, pointer: '#/issuer', code: 'bad_format' },
    { rule: 'another issuer’s document', change: { issuer: 'OTHER' }, pointer: '#/issuer', code: 'not_found' },
    {
      rule: 'a role that is none',
      change: { roleGroups: [{ group: 'x', roleId: 'king' }] },
      pointer: '#/roleGroups/0/roleId',
      code: 'not_in_list',
    },
    { rule: 'no secret', change: { clientSecret: undefined }, pointer: '#/clientSecret', code: 'required' },
  ])('refused: $rule', async ({ change, pointer, code }) => {
    const shop = await api.makeWorkspace();
    const issuer = company.issuer.replace('127.0.0.1', 'localhost'); // its document says 127.0.0.1
    const given = 'issuer' in change && change.issuer === 'OTHER' ? { issuer } : change;
    const answer = await save(shop.key, bodyFor(company, given));
    expect(answer.status, answer.text).toBe(422);
    expect(itemsOf(answer.body['errors'])[0]).toMatchObject({ pointer, code });
    expect((await api.as(shop.key, '/v1/sign-in-provider')).body).toMatchObject({ issuer: null, version: 1 });
  });

  test('who may not give a role may not give it to a group, take it from one, or stand between', async () => {
    const shop = await shopWith();
    const admin = await api.makePerson(shop, ['admin']);
    const reader = await api.makePerson(shop, ['developer']);

    const added = await save(admin.key, bodyFor(company));
    const dropped = await save(admin.key, bodyFor(company, { roleGroups: [] }));
    const stale = await api.as(shop.key, '/v1/sign-in-provider', {
      method: 'PUT',
      body: bodyFor(company),
      headers: { 'If-Match': '"1"' },
    });
    const blind = await api.as(shop.key, '/v1/sign-in-provider', { method: 'PUT', body: bodyFor(company) });
    const read = await api.as(reader.key, '/v1/sign-in-provider');
    const written = await save(reader.key, bodyFor(company));

    expect([added.status, added.body['code']]).toEqual([403, 'permission_missing']);
    expect([dropped.status, dropped.body['code']]).toEqual([403, 'permission_missing']);
    expect([stale.status, stale.body['currentVersion']]).toEqual([412, 2]);
    expect(blind.status).toBe(428);
    expect(read.status).toBe(200);
    expect([written.status, written.body['missingPermission']]).toEqual([403, 'settings.write']);
  });

  test('a kept secret goes to no other issuer or client', async () => {
    const shop = await shopWith();
    const other = await startCompanyProvider({ redirectUri });
    const { clientSecret: _left, ...body } = bodyFor(company);

    const same = await save(shop.key, body);
    const elsewhere = await save(shop.key, { ...body, issuer: other.issuer });
    const asOther = await save(shop.key, { ...body, clientId: 'x' });
    await other.close();

    expect(same.status, same.text).toBe(200);
    for (const refused of [elsewhere, asOther])
      expect([refused.status, itemsOf(refused.body['errors'])[0]?.['pointer']]).toEqual([422, '#/clientSecret']);
  });

  test('a role that a group gives cannot be deleted', async () => {
    const shop = await api.makeWorkspace();
    const role = await api.as(shop.key, '/v1/roles', {
      body: { name: 'Desk', permissions: ['lead.read'], reach: 'workspace' },
    });
    const roleId = String(role.body['id']);
    expect((await save(shop.key, bodyFor(company, { roleGroups: [{ group: 'desk', roleId }] }))).status).toBe(200);

    const deleted = await api.as(shop.key, `/v1/roles/${roleId}`, { method: 'DELETE' });

    expect([deleted.status, deleted.body['usedBy']]).toEqual([409, ['sign_in_provider']]);
  });

  test('the sign-in page learns of the providers that are on, and their words; nothing else', async () => {
    const on = await shopWith({ label: 'On' });
    const off = await shopWith({ enabled: false, label: 'Off' });

    const { body } = await api.as(null, '/v1/auth/oidc/providers');

    expect(itemsOf(body['data'])).toContainEqual({ workspaceId: on.id, label: 'On' });
    expect(JSON.stringify(body)).not.toContain(off.id);
  });
});

describe('coming in', () => {
  test('a person of the right group is in at once, with their roles, and sees this workspace', async () => {
    const shop = await shopWith();
    const login = hire({ groups: ['reviewers', 'money', 'choir'] });
    const walker = newWalker();

    const goal = await signIn(walker, shop, login);

    expect(goal).toBe(`${publicUrl}/`);
    const { body } = await browse(walker, '/v1/me');
    expect(body).toMatchObject({
      byProvider: true,
      workspace: { id: shop.id },
      user: { name: 'Pia Fox', email: `${login}@shop.example` },
    });
    expect(body['user']?.['roleIds']).toEqual(['reviewer', 'finance_preparer']);
    expect(walker.cookieOf(publicUrl, 'oidc')).toBeUndefined();
    const again = newWalker();
    expect(await signIn(again, shop, login)).toBe(`${publicUrl}/`);
    expect(await people(shop, `${login}@shop.example`)).toHaveLength(1);
  });

  test('where e-mail and groups stand in the user info only, they are read there', async () => {
    const short = await startCompanyProvider({ redirectUri, claimsInToken: false });
    const shop = await api.makeWorkspace();
    expect((await save(shop.key, bodyFor(short))).status).toBe(200);
    const login = unique();
    short.accounts.set(login, { email: `${login}@shop.example`, groups: ['reviewers'] });
    const walker = newWalker();

    const goal = await signIn(walker, shop, login);
    await short.close();

    expect(goal).toBe(`${publicUrl}/`);
    expect((await browse(walker, '/v1/me')).body['user']).toMatchObject({ name: login, roleIds: ['reviewer'] });
  });

  test('roles follow the groups at each sign-in, with an entry in the history; without one the door is closed', async () => {
    const shop = await shopWith();
    const login = hire({ groups: ['reviewers'] });
    const email = `${login}@shop.example`;
    await signIn(newWalker(), shop, login);
    const [before] = await people(shop, email);

    company.accounts.set(login, { email, groups: ['money'] });
    const moved = newWalker();
    await signIn(moved, shop, login);
    company.accounts.set(login, { email, groups: ['choir'] });
    const out = newWalker();
    const goal = await signIn(out, shop, login);

    expect((await browse(moved, '/v1/me')).body['user']?.['roleIds']).toEqual(['finance_preparer']);
    expect(goal).toBe(`${publicUrl}/sign-in?problem=no_role`);
    expect(await isSignedIn(out)).toBe(false);
    expect((await people(shop, email))[0]?.['roleIds']).toEqual(['finance_preparer']);
    const history = await api.as(shop.key, `/v1/audit-entries?objectId=${String(before?.['id'])}`);
    expect(itemsOf(history.body['data']).find((one) => one['event'] === 'rolesByProvider')?.['changes']).toEqual({
      roleIds: { from: ['reviewer'], to: ['finance_preparer'] },
    });
  });

  test('the last owner stays one, whatever the groups say; one of two does not', async () => {
    const shop = await shopWith();
    const login = hire({ groups: ['bosses'] });
    const email = `${login}@shop.example`;
    await signIn(newWalker(), shop, login);
    company.accounts.set(login, { email, groups: ['reviewers'] });
    await signIn(newWalker(), shop, login);
    const oneOfTwo = (await people(shop, email))[0]?.['roleIds'];
    company.accounts.set(login, { email, groups: ['bosses'] });
    await signIn(newWalker(), shop, login);
    await owner.query(`update users set role_ids = '{reviewer}' where id = $1`, [shop.owner.id]);
    company.accounts.set(login, { email, groups: ['reviewers'] });
    await signIn(newWalker(), shop, login);

    expect(oneOfTwo).toEqual(['reviewer']);
    const { rows } = await owner.query('select role_ids from users where email = $1', [email]);
    expect(rows).toEqual([{ role_ids: ['owner', 'reviewer'] }]);
  });

  test('two owners whose groups changed come in at once: one of them stays owner', async () => {
    for (let round = 0; round < 4; round += 1) {
      const shop = await shopWith();
      const logins = [hire({ groups: ['bosses'] }), hire({ groups: ['bosses'] })];
      for (const login of logins) await signIn(newWalker(), shop, login);
      await owner.query(`update users set role_ids = '{reviewer}' where id = $1`, [shop.owner.id]);
      for (const login of logins)
        company.accounts.set(login, { email: `${login}@shop.example`, groups: ['reviewers'] });
      const walkers = [newWalker(), newWalker()];
      const backs = await Promise.all(
        walkers.map(async (walker, index) =>
          atProvider(walker, (await walker.step(startOf(shop))).location ?? '', logins[index] ?? ''),
        ),
      );

      await Promise.all(walkers.map((walker, index) => walker.step(backs[index] ?? '')));

      const { rows } = await owner.query(`select id from users where workspace_id = $1 and 'owner' = any(role_ids)`, [
        shop.id,
      ]);
      expect(rows).toHaveLength(1);
    }
  });

  test('an invited person is in with it, and an active one is bound', async () => {
    const shop = await shopWith();
    const login = hire({ groups: ['reviewers'] });
    const email = `${login}@shop.example`;
    await invite(shop, email, 'reviewer');
    const walker = newWalker();

    await signIn(walker, shop, login);

    expect(await isSignedIn(walker)).toBe(true);
    expect((await people(shop, email)).map((one) => one['status'])).toEqual(['active']);
  });

  test.each([
    { next: '/affiliates?status=pending', goal: '/affiliates?status=pending' },
    { next: '//evil.example/x', goal: '/' },
    { next: 'https://evil.example', goal: '/' },
    { next: '/\\evil.example', goal: '/' },
    { next: '/@evil.example', goal: '/' },
    { next: 'javascript:alert(1)', goal: '/' },
    { next: '/v1/auth/oidc/start', goal: '/' },
  ])('next=$next leads to $goal', async ({ next, goal }) => {
    const shop = await shopWith();
    const got = await signIn(newWalker(), shop, hire({ groups: ['reviewers'] }), `&next=${encodeURIComponent(next)}`);
    expect(got).toBe(`${publicUrl}${goal}`);
  });

  test('two at once are one person', async () => {
    const shop = await shopWith();
    const login = hire({ groups: ['reviewers'] });
    const walkers = [newWalker(), newWalker(), newWalker()];
    const backs = await Promise.all(
      walkers.map(async (walker) => atProvider(walker, (await walker.step(startOf(shop))).location ?? '', login)),
    );

    await Promise.all(walkers.map((walker, index) => walker.step(backs[index] ?? '')));

    expect(await people(shop, `${login}@shop.example`)).toHaveLength(1);
    expect(await Promise.all(walkers.map(isSignedIn))).toContain(true);
  });
});

describe('who does not come in', () => {
  test.each([
    { rule: 'no address', account: { email: undefined }, why: 'no_email' },
    { rule: 'an address that is none', account: { email: 'root' }, why: 'no_email' },
    { rule: 'an address that nobody proved', account: { email_verified: false }, why: 'no_email' },
    { rule: 'the same as text', account: { email_verified: 'false' }, why: 'no_email' },
    { rule: 'no group', account: { groups: undefined }, why: 'no_role' },
    { rule: 'a group that means nothing here', account: { groups: ['Reviewers'] }, why: 'no_role' },
  ])('$rule: $why, and nothing is kept', async ({ account, why }) => {
    const shop = await shopWith();
    const login = hire({ groups: ['reviewers'] });
    company.accounts.set(login, { ...company.accounts.get(login), ...account } as never);
    const walker = newWalker();

    const goal = await signIn(walker, shop, login);

    expect(goal).toBe(`${publicUrl}/sign-in?problem=${why}`);
    expect(await isSignedIn(walker)).toBe(false);
    expect(await people(shop, login)).toEqual([]);
  });

  test('a removed person does not come back by it; invited again they do, bound anew', async () => {
    const shop = await shopWith();
    const login = hire({ groups: ['reviewers'] });
    const email = `${login}@shop.example`;
    const walker = newWalker();
    await signIn(walker, shop, login);
    const [person] = await people(shop, email);

    expect((await api.as(shop.key, `/v1/users/${String(person?.['id'])}`, { method: 'DELETE' })).status).toBe(204);
    const wasEnded = !(await isSignedIn(walker));
    const bySubject = await signIn(newWalker(), shop, login);
    const sameAddress = hire({ groups: ['reviewers'], email });
    const byAddress = await signIn(newWalker(), shop, sameAddress);
    await invite(shop, email, 'reviewer');
    const back = newWalker();
    const again = await signIn(back, shop, sameAddress);

    expect(wasEnded).toBe(true);
    expect([bySubject, byAddress]).toEqual([
      `${publicUrl}/sign-in?problem=removed`,
      `${publicUrl}/sign-in?problem=removed`,
    ]);
    expect(again).toBe(`${publicUrl}/`);
    expect((await browse(back, '/v1/me')).body['user']?.['id']).toBe(person?.['id']);
  });

  test('an address that was given to somebody else opens nothing of the first', async () => {
    const shop = await shopWith();
    const first = hire({ groups: ['reviewers'] });
    await signIn(newWalker(), shop, first);
    const second = hire({ groups: ['reviewers'], email: `${first}@shop.example` });
    const walker = newWalker();

    expect(await signIn(walker, shop, second)).toBe(`${publicUrl}/sign-in?problem=other_person`);
    expect(await isSignedIn(walker)).toBe(false);
  });

  test('an admin’s own provider gives nobody the session of an owner or an approver', async () => {
    const shop = await api.makeWorkspace();
    const admin = await api.makePerson(shop, ['admin']);
    const approver = await api.makePerson(shop, ['finance_approver'], { name: 'Zoe' });
    const colleague = await api.makePerson(shop, ['reviewer'], { name: 'Max' });
    const saved = await save(admin.key, bodyFor(company, { roleGroups: groups.slice(0, 2) }));
    expect(saved.status, saved.text).toBe(200);
    const goals = [];
    for (const { email } of [shop.owner, approver.user, colleague.user])
      goals.push(await signIn(newWalker(), shop, hire({ groups: ['leads'], email })));

    expect(goals).toEqual([
      `${publicUrl}/sign-in?problem=beyond_groups`,
      `${publicUrl}/sign-in?problem=beyond_groups`,
      `${publicUrl}/`,
    ]);
    const { rows } = await owner.query<{ role_ids: string[] }>(
      'select role_ids from users where id = any($1) order by name',
      [[shop.owner.id, approver.user.id]],
    );
    expect(rows.map((row) => row.role_ids)).toEqual([['owner'], ['finance_approver']]);
  });

  test('not switched on: 403 for a program, the sign-in page for a person', async () => {
    const shop = await shopWith({ enabled: false });
    const path = `/v1/auth/oidc/start?provider=${shop.id}`;

    const asked = await api.as(null, path);
    const walked = await newWalker().step(`${publicUrl}${path}`);

    expect([asked.status, asked.body['code']]).toEqual([403, 'not_enabled']);
    expect([walked.status, walked.location]).toEqual([302, `${publicUrl}/sign-in?problem=not_enabled`]);
  });

  test('a provider that is away sends nobody to a page of errors', async () => {
    const gone = await startCompanyProvider({ redirectUri });
    const shop = await api.makeWorkspace();
    expect((await save(shop.key, bodyFor(gone))).status).toBe(200);
    await gone.close();

    expect(await signIn(newWalker(), shop, 'anybody')).toBe(`${publicUrl}/sign-in?problem=provider_failed`);
  });
});

describe('the way back', () => {
  async function halfway(shop: TestWorkspace, login = hire({ groups: ['reviewers'] })) {
    const walker = newWalker();
    const back = await atProvider(walker, (await walker.step(startOf(shop))).location ?? '', login);
    return { walker, back };
  }
  const expired = `${publicUrl}/sign-in?problem=expired`;
  const failed = `${publicUrl}/sign-in?problem=provider_failed`;

  test('another browser’s way back signs nobody in (sign-in of a victim as the attacker)', async () => {
    const shop = await shopWith();
    const attacker = await halfway(shop);
    const bare = newWalker();
    const victim = newWalker();
    await victim.step(startOf(shop));

    expect((await bare.step(attacker.back)).location).toBe(expired);
    expect((await victim.step(attacker.back)).location).toBe(expired);
    expect([await isSignedIn(bare), await isSignedIn(victim)]).toEqual([false, false]);
  });

  test('the same way back works once', async () => {
    const shop = await shopWith();
    const { walker, back } = await halfway(shop);
    const cookie = walker.cookieHeader(publicUrl);

    const first = await walker.step(back);
    const second = await walker.step(back);
    const withCookie = newWalker();
    const third = await withCookie.step(back, { headers: { Cookie: cookie } });

    expect(first.location).toBe(`${publicUrl}/`);
    expect(second.location).toBe(expired);
    expect(third.location).toBe(failed);
    expect(await isSignedIn(withCookie)).toBe(false);
  });

  test('a code that another person, or another client, was given is worth nothing here', async () => {
    const shop = await shopWith();
    const victim = await halfway(shop);
    const code = new URL(victim.back).searchParams.get('code') ?? '';
    const attacker = newWalker();
    const begun = new URL((await attacker.step(startOf(shop))).location ?? '');
    const state = begun.searchParams.get('state') ?? '';
    const iss = `&iss=${encodeURIComponent(company.issuer)}`;
    begun.searchParams.set('client_id', company.otherClientId);
    const ofClient = await atProvider(newWalker(), begun.href, hire({ groups: ['reviewers'] }));
    const cookie = attacker.cookieHeader(publicUrl);

    const injected = await attacker.step(`${redirectUri}?code=${code}&state=${state}${iss}`);
    const foreign = await attacker.step(ofClient, { headers: { Cookie: cookie } });

    expect([injected.location, foreign.location]).toEqual([failed, failed]);
    expect(await isSignedIn(attacker)).toBe(false);
  });

  test.each([
    { rule: 'a nonce of another sign-in', change: (claims: Record<string, unknown>) => ({ ...claims, nonce: 'x' }) },
    {
      rule: 'another client’s token',
      change: (claims: Record<string, unknown>) => ({ ...claims, aud: 'somebody-else' }),
    },
    {
      rule: 'another issuer’s token',
      change: (claims: Record<string, unknown>) => ({ ...claims, iss: 'https://evil.example' }),
    },
    { rule: 'a token of yesterday', change: (claims: Record<string, unknown>) => ({ ...claims, exp: 1_700_000_000 }) },
    { rule: 'a stranger’s signature', change: (claims: Record<string, unknown>) => claims, byStranger: true },
  ])('refused: $rule', async ({ change: lie, byStranger = false }) => {
    const shop = await shopWith();
    const { walker, back } = await halfway(shop);
    company.lie = { change: lie, byStranger };

    expect((await walker.step(back)).location).toBe(failed);
    expect(await isSignedIn(walker)).toBe(false);
  });

  test('an answer that names another issuer is not exchanged there', async () => {
    const shop = await shopWith();
    const { walker, back } = await halfway(shop);
    const mixedUp = new URL(back);
    mixedUp.searchParams.set('iss', 'https://evil.example');

    expect((await walker.step(mixedUp.href)).location).toBe(failed);
  });

  test.each([
    { rule: 'no state', spoil: (url: URL) => url.searchParams.delete('state') },
    { rule: 'two states', spoil: (url: URL) => url.searchParams.append('state', url.searchParams.get('state') ?? '') },
    { rule: 'another state', spoil: (url: URL) => url.searchParams.set('state', 'x'.repeat(43)) },
    { rule: 'no code', spoil: (url: URL) => url.searchParams.delete('code'), why: 'provider_failed' },
    { rule: 'two codes', spoil: (url: URL) => url.searchParams.append('code', 'x'), why: 'provider_failed' },
  ])('$rule', async ({ spoil, why = 'expired' }) => {
    const shop = await shopWith();
    const { walker, back } = await halfway(shop);
    const url = new URL(back);
    spoil(url);

    expect((await walker.step(url.href)).location).toBe(`${publicUrl}/sign-in?problem=${why}`);
    expect(await isSignedIn(walker)).toBe(false);
  });

  test('a cookie that was altered, or is ten minutes old, is none', async () => {
    const shop = await shopWith();
    const one = await halfway(shop);
    const altered = one.walker.cookieOf(publicUrl, 'oidc')?.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    const two = await halfway(shop);
    const flow = JSON.parse(secrets.unseal('oidc_flow', two.walker.cookieOf(publicUrl, 'oidc') ?? '')) as {
      startedAt: string;
    };
    const startedAt = new Date(Date.parse(flow.startedAt) - 10 * 60_000).toISOString();
    const old = secrets.seal('oidc_flow', JSON.stringify({ ...flow, startedAt }));

    expect((await one.walker.step(one.back, { headers: { Cookie: `oidc=${altered}` } })).location).toBe(expired);
    expect((await two.walker.step(two.back, { headers: { Cookie: `oidc=${old}` } })).location).toBe(expired);
  });

  test('a provider that was changed or switched off meanwhile lets nobody in', async () => {
    const shop = await shopWith();
    const one = await halfway(shop);
    expect((await save(shop.key, bodyFor(company, { label: 'Other' }))).status).toBe(200);
    const changed = (await one.walker.step(one.back)).location;
    const two = await halfway(shop);
    expect((await save(shop.key, bodyFor(company, { enabled: false }))).status).toBe(200);

    expect(changed).toBe(expired);
    expect((await two.walker.step(two.back)).location).toBe(`${publicUrl}/sign-in?problem=not_enabled`);
  });

  test('who says no at the provider is back on the sign-in page', async () => {
    const shop = await shopWith();
    const walker = newWalker();
    const begun = new URL((await walker.step(startOf(shop))).location ?? '');
    const back = `${redirectUri}?error=access_denied&state=${begun.searchParams.get('state')}&iss=${encodeURIComponent(company.issuer)}`;

    expect((await walker.step(back)).location).toBe(`${publicUrl}/sign-in?problem=cancelled`);
  });

  test('SECRET_KEY is rotated while somebody is at the provider: they come in', async () => {
    const shop = await shopWith();
    const { walker, back } = await halfway(shop);
    const newKey = { id: 'new', key: createSecretKey(randomBytes(32)) };
    secrets = createSecrets([newKey, oldKey]);

    const goal = (await walker.step(back)).location;
    const sealed = walker.cookieOf(publicUrl, 'session');
    secrets = createSecrets([oldKey]);

    expect(goal).toBe(`${publicUrl}/`);
    expect(sealed).toBeDefined();
  });
});

describe('what such a session never reaches', () => {
  /** Ben owns another workspace; this shop's provider says that somebody of its own has Ben's address. */
  async function impostor() {
    const [shop, other] = [await shopWith(), await api.makeWorkspace({ name: 'Other' })];
    const walker = newWalker();
    const goal = await signIn(walker, shop, hire({ groups: ['leads'], email: other.owner.email }));
    expect(goal).toBe(`${publicUrl}/`);
    return { shop, other, walker };
  }

  test('no other workspace of the same login: not by list, switch, password, address or second factor', async () => {
    const { shop, other, walker } = await impostor();
    const me = await browse(walker, '/v1/me');

    const refused = [
      await change(walker, '/v1/auth/switch', { body: { membershipId: other.owner.id } }),
      await change(walker, '/v1/auth/password', { body: { password: 'a long enough phrase of mine' } }),
      await change(walker, '/v1/auth/email', { body: { email: 'mine@evil.example' } }),
      await change(walker, '/v1/auth/totp/enrol'),
      await change(walker, '/v1/auth/totp/confirm', { body: { code: '123456' } }),
      await change(walker, '/v1/auth/totp/disable'),
    ];

    expect(itemsOf(me.body['memberships']).map((one) => one['workspace']?.['id'])).toEqual([shop.id]);
    expect(me.body['secondFactor']?.['isOwn']).toBe(false);
    for (const answer of refused) expect([answer.status, answer.body['code']]).toEqual([403, 'not_enabled']);
    const { rows } = await owner.query(
      'select password_hash, totp_draft, email_verified_at from logins where id = $1',
      [other.owner.loginId],
    );
    expect(rows).toEqual([{ password_hash: null, totp_draft: null, email_verified_at: null }]);
  });

  test('no session elsewhere: neither seen nor ended', async () => {
    const { other, walker } = await impostor();
    const link = await makeLink(api.db, publicUrl, other.owner.email);
    const signedIn = await api.as(null, '/v1/auth/one-time', { body: { token: link.split('/').at(-1) } });
    const elsewhere = String(signedIn.body['id']);
    const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';

    const list = await browse(walker, '/v1/sessions');
    const one = await browse(walker, `/v1/sessions/${elsewhere}`);
    const ended = await change(walker, `/v1/sessions/${elsewhere}`, { method: 'DELETE' });

    expect(signedIn.body['workspace']?.['id']).toBe(other.id);
    expect(list.text).not.toContain(elsewhere);
    expect(itemsOf(list.body['data'])).toHaveLength(1);
    expect([one.status, ended.status]).toEqual([404, 404]);
    expect((await api.as(null, '/v1/me', { headers: { Cookie: cookie } })).status).toBe(200);
  });

  test('not the installation: its first user administers it by a sign-in of ours only', async () => {
    const shop = await shopWith();
    const walker = newWalker();
    await signIn(walker, shop, hire({ groups: ['bosses'], email: shop.owner.email }));

    const me = await browse(walker, '/v1/me');

    expect(me.body['user']?.['id']).toBe(shop.owner.id);
    expect(itemsOf(me.body['permissions'])).not.toContain('instance.admin');
    expect((await api.as(shop.key, '/v1/me')).text).toContain('instance.admin');
  });

  test('a second factor can be set up where the login guards nothing else, and sessions end with the provider', async () => {
    const shop = await shopWith();
    const walker = newWalker();
    await signIn(walker, shop, hire({ groups: ['reviewers'] }));
    expect((await browse(walker, '/v1/me')).body['secondFactor']?.['isOwn']).toBe(true);

    expect((await change(walker, '/v1/auth/totp/enrol')).status).toBe(200);
    expect((await save(shop.key, bodyFor(company, { enabled: false }))).status).toBe(200);

    expect(await isSignedIn(walker)).toBe(false);
  });

  test('accepting an invitation with a password ends every session the login had before', async () => {
    const { shop, other, walker } = await impostor();
    await api.as(shop.key, `/v1/users/${shop.owner.id}`); // the shop goes on as it is
    const token = await invite(other, `${unique()}@shop.example`, 'reviewer');
    const email = String((await api.as(other.key, '/v1/users?status=invited')).body['data']?.[0]?.['email']);
    const early = newWalker();
    await signIn(early, shop, hire({ groups: ['leads'], email }));
    expect(await isSignedIn(early)).toBe(true);

    const accepted = await api.as(null, '/v1/auth/accept-invite', {
      body: { token, password: 'a long enough phrase of mine' },
    });

    expect(accepted.status, accepted.text).toBe(200);
    expect([await isSignedIn(early), await isSignedIn(walker)]).toEqual([false, true]);
  });
});

describe('a role that demands a second factor', () => {
  async function strict() {
    const shop = await shopWith();
    const { version } = (await api.as(shop.key, '/v1/settings')).body;
    const set = await api.as(shop.key, '/v1/settings', {
      method: 'PATCH',
      body: { security: { totpRequiredFor: ['reviewer'] } },
      headers: { 'If-Match': `"${String(version)}"` },
    });
    expect(set.status, set.text).toBe(200);
    return shop;
  }
  const permissionsOf = async (walker: Walker) => itemsOf((await browse(walker, '/v1/me')).body['permissions']);

  test('the provider’s own counts, where it says so; else nothing is held until one is set up here', async () => {
    const shop = await strict();
    const login = hire({ groups: ['reviewers'] });
    const plain = newWalker();
    await signIn(plain, shop, login);
    const withoutFactor = await permissionsOf(plain);
    company.lie = { change: (claims) => ({ ...claims, amr: ['pwd', 'mfa'] }) };
    const strong = newWalker();
    await signIn(strong, shop, login);

    expect(withoutFactor).toEqual([]);
    expect((await browse(plain, '/v1/me')).body['secondFactor']).toMatchObject({ enrolled: false, required: true });
    expect((await browse(strong, '/v1/me')).body['secondFactor']).toMatchObject({ enrolled: false, required: false });
    expect(await permissionsOf(strong)).toContain('lead.read');

    const draft = await change(plain, '/v1/auth/totp/enrol');
    const code = totpCode(String(draft.body['secret']), Date.now() - 30_000);
    expect((await change(plain, '/v1/auth/totp/confirm', { body: { code } })).status).toBe(200);
    expect(await permissionsOf(plain)).toContain('lead.read');

    // From now on its code is asked for before there is a session; a right one gives a session that is as bound as any by the provider.
    company.lie = undefined;
    const third = newWalker();
    const goal = new URL(await signIn(third, shop, login, '&next=/leads'));
    expect([goal.pathname, goal.search, await isSignedIn(third)]).toEqual(['/sign-in', '?next=%2Fleads', false]);
    const challenge = goal.hash.replace('#totp=', '');
    const wrong = await api.as(null, '/v1/auth/totp', { body: { challenge, code: '000000' } });
    const right = await api.as(null, '/v1/auth/totp', {
      body: { challenge, code: totpCode(String(draft.body['secret']), Date.now()) },
    });
    const cookie = (right.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const me = await api.as(null, '/v1/me', { headers: { Cookie: cookie } });
    expect([wrong.status, right.status]).toEqual([401, 200]);
    expect(me.body['byProvider']).toBe(true);
    expect(itemsOf(me.body['permissions'])).toContain('lead.read');

    // Switched off while somebody looks for their phone: the right code comes too late.
    const late = new URL(await signIn(newWalker(), shop, login)).hash.replace('#totp=', '');
    expect((await save(shop.key, bodyFor(company, { enabled: false }))).status).toBe(200);
    const code3 = totpCode(String(draft.body['secret']), Date.now() + 30_000);
    const tooLate = await api.as(null, '/v1/auth/totp', { body: { challenge: late, code: code3 } });
    expect([tooLate.status, tooLate.body['code']]).toEqual([401, 'invalid_credentials']);
  });

  test('demanded later on, a session that showed no factor is over for whoever has one', async () => {
    const shop = await shopWith();
    const login = hire({ groups: ['reviewers'] });
    const first = newWalker();
    await signIn(first, shop, login);
    const draft = await change(first, '/v1/auth/totp/enrol');
    const code = totpCode(String(draft.body['secret']), Date.now());
    expect((await change(first, '/v1/auth/totp/confirm', { body: { code } })).status).toBe(200);
    const second = newWalker();
    await signIn(second, shop, login);
    expect(await isSignedIn(second)).toBe(true);

    const { version } = (await api.as(shop.key, '/v1/settings')).body;
    await api.as(shop.key, '/v1/settings', {
      method: 'PATCH',
      body: { security: { totpRequiredFor: ['reviewer'] } },
      headers: { 'If-Match': `"${String(version)}"` },
    });

    expect([await isSignedIn(first), await isSignedIn(second)]).toEqual([true, false]);
  });
});

describe('confirming who one is, at the provider', () => {
  const stepUp = `${publicUrl}/v1/auth/oidc/start?purpose=step_up`;
  const confirmed = `${publicUrl}/confirmed`;

  async function later(shop: TestWorkspace, login: string): Promise<Walker> {
    const walker = newWalker();
    expect(await signIn(walker, shop, login)).toBe(`${publicUrl}/`);
    await owner.query(`update sessions set stepped_up_at = now() - interval '6 minutes' where workspace_id = $1`, [
      shop.id,
    ]);
    expect((await browse(walker, '/v1/me')).body['steppedUp']).toBe(false);
    return walker;
  }
  const isSteppedUp = async (walker: Walker) => (await browse(walker, '/v1/me')).body['steppedUp'];

  test('the provider asks again, and the session that asked is stepped up', async () => {
    const shop = await shopWith();
    const login = hire({ groups: ['leads'] });
    const walker = await later(shop, login);
    const other = newWalker();
    await signIn(other, shop, login);
    await owner.query(`update sessions set stepped_up_at = now() - interval '6 minutes' where workspace_id = $1`, [
      shop.id,
    ]);
    const before = await change(walker, `/v1/users/${shop.owner.id}/end-sessions`);

    const begun = await walker.step(stepUp, { headers: { 'Sec-Fetch-Site': 'same-origin' } });
    const asks = new URL(begun.location ?? '').searchParams;
    const back = await atProvider(walker, begun.location ?? '', login);
    const goal = (await walker.step(back)).location;

    expect([before.status, before.body['code']]).toEqual([403, 'step_up_required']);
    expect([asks.get('prompt'), asks.get('max_age')]).toEqual(['login', '0']);
    expect(goal).toBe(confirmed);
    expect([await isSteppedUp(walker), await isSteppedUp(other)]).toEqual([true, false]);
    expect((await change(walker, `/v1/users/${shop.owner.id}/end-sessions`)).status).toBe(204);
  });

  test.each([
    {
      rule: 'signed in there an hour ago',
      lie: (claims: Record<string, unknown>) => ({ ...claims, auth_time: Number(claims['auth_time']) - 3_600 }),
      why: 'not_fresh',
    },
    {
      rule: 'does not say when',
      lie: ({ auth_time: _left, ...claims }: Record<string, unknown>) => claims,
      why: 'not_fresh',
    },
    {
      rule: 'somebody else',
      lie: (claims: Record<string, unknown>) => ({ ...claims, sub: 'somebody' }),
      why: 'other_person',
    },
  ])('$rule: $why', async ({ lie, why }) => {
    const shop = await shopWith();
    const login = hire({ groups: ['reviewers'] });
    const walker = await later(shop, login);
    const back = await atProvider(walker, (await walker.step(stepUp)).location ?? '', login);
    company.lie = { change: lie };

    expect((await walker.step(back)).location).toBe(`${confirmed}?problem=${why}`);
    expect(await isSteppedUp(walker)).toBe(false);
  });

  test('only the session that asked: not another of the same browser, not one that ended', async () => {
    const shop = await shopWith();
    const login = hire({ groups: ['reviewers'] });
    const walker = await later(shop, login);
    const back = await atProvider(walker, (await walker.step(stepUp)).location ?? '', login);
    const flow = walker.cookieOf(publicUrl, 'oidc') ?? '';
    const another = await later(shop, login);
    const session = another.cookieOf(publicUrl, 'session') ?? '';

    const swapped = await walker.step(back, { headers: { Cookie: `oidc=${flow}; session=${session}` } });

    expect(swapped.location).toBe(`${confirmed}?problem=expired`);
    expect([await isSteppedUp(walker), await isSteppedUp(another)]).toEqual([false, false]);
  });

  test('nobody begins it for another: not a foreign page, not a session of ours, not without one', async () => {
    const shop = await shopWith();
    const walker = await later(shop, hire({ groups: ['reviewers'] }));
    const link = await makeLink(api.db, publicUrl, shop.owner.email);
    const signedIn = await api.as(null, '/v1/auth/one-time', { body: { token: link.split('/').at(-1) } });
    const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';

    const foreign = await walker.step(stepUp, { headers: { 'Sec-Fetch-Site': 'cross-site' } });
    const byLink = await newWalker().step(stepUp, { headers: { Cookie: cookie } });
    const nobody = await newWalker().step(stepUp);

    for (const answer of [foreign, byLink, nobody]) expect(answer.location).toBe(`${confirmed}?problem=expired`);
  });

  test('whoever has a second factor here confirms with its code', async () => {
    const shop = await shopWith();
    const walker = newWalker();
    await signIn(walker, shop, hire({ groups: ['reviewers'] }));
    const secret = String((await change(walker, '/v1/auth/totp/enrol')).body['secret']);
    const code = totpCode(secret, Date.now() - 30_000);
    expect((await change(walker, '/v1/auth/totp/confirm', { body: { code } })).status).toBe(200);
    await owner.query(`update sessions set stepped_up_at = now() - interval '6 minutes' where workspace_id = $1`, [
      shop.id,
    ]);

    expect((await walker.step(stepUp)).location).toBe(`${confirmed}?problem=expired`);
    expect((await change(walker, '/v1/auth/step-up', { body: { code: totpCode(secret, Date.now()) } })).status).toBe(
      204,
    );
    expect(await isSteppedUp(walker)).toBe(true);
  });
});
