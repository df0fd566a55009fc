import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';

// Accounts of customers: opened by a lead, a form or staff; a password that only their owner knows (LED-10 to LED-12, LED-20, LED-21, api.md 12).

let world: EarningWorld;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ destinationHosts: ['shop.example'] });
  affiliateId = await world.affiliate(programId);
});
afterAll(() => world.close());

const base = '/v1/customer-accounts';
let people = 0;
const email = (): string => `customer${(people += 1)}@buyer.example`;
const open = (body: Readonly<Record<string, unknown>>): Promise<TestAnswer> => world.as(base, body);
const accounts = async (query: string): Promise<readonly Json[]> =>
  itemsOf((await world.as(`${base}?${query}`)).body['data']);

/** The one-time link of the newest mail to this address. */
async function linkTo(address: string, kind: string): Promise<string> {
  const mail = await world
    .owner('emails')
    .where({ recipient: address, kind })
    .orderBy('id', 'desc')
    .first<{ links: string[] } | undefined>('links');
  return mail?.links[0] ?? '';
}
const tokenOf = (link: string): string => link.split('/').pop() ?? '';
const choose = (token: string, password: string): Promise<TestAnswer> =>
  world.api.as(null, '/v1/auth/password-reset/confirm', { body: { token, password } });

test('LED-10: with the switch on a lead opens an account and is linked to it; off, it is only a lead', async () => {
  const apiUser = async (openAccount: boolean): Promise<string> =>
    String(
      (await world.as('/v1/api-keys', { name: 'API user', affiliateId, acquisitionModel: 'cpa', openAccount })).body[
        'secret'
      ],
    );
  const send = async (key: string, address: string): Promise<Json> => {
    const sent = await world.api.as(key, '/v1/leads', { body: { email: address, name: 'Jo', programId } });
    expect(sent.status).toBe(202);
    await world.settle();
    return (await world.as(`/v1/leads/${String(sent.body['id'])}`)).body;
  };
  const [on, off] = [email(), email()];
  const lead = await send(await apiUser(true), on);
  expect((await send(await apiUser(false), off))['customerAccountId']).toBeNull();
  expect(await accounts(`q=${off}`)).toHaveLength(0);

  const [account] = await accounts(`q=${on}`);
  expect(account).toMatchObject({
    id: lead['customerAccountId'],
    object: 'customer_account',
    status: 'active',
    email: on,
    name: 'Jo',
    leadId: lead['id'],
    affiliateId,
    referralId: lead['referralId'],
    contactId: lead['contactId'],
    hasPassword: false,
    subscriptions: [],
    allowedActions: ['suspend'],
    test: false,
  });
  expect(
    await accounts(`affiliateId=${affiliateId}&status=active&contactId=${String(lead['contactId'])}`),
  ).toHaveLength(1);
  expect((await world.as(`/v1/contacts/${String(lead['contactId'])}`)).body['customerAccountId']).toBe(account?.['id']);
});

test('LED-12: the password is its owner’s: a link that ends, works once, and can be asked for again', async () => {
  const address = email();
  const made = await open({ email: address, name: 'Kim' });
  expect(made).toMatchObject({ status: 201, body: { hasPassword: false, leadId: null, affiliateId: null } });
  expect(made.text).not.toContain('assword":"');
  const path = `${base}/${String(made.body['id'])}`;
  const first = await linkTo(address, 'customer_account_opened');
  expect(Date.parse(String(made.body['linkExpiresAt'])) - Date.parse(String(made.body['createdAt']))).toBe(86_400_000);

  // It ran out: the address gets another; the answer is the same for addresses that nobody has.
  await world
    .owner('customer_tokens')
    .whereNull('used_at')
    .update({ expires_at: new Date(0) });
  expect(await choose(tokenOf(first), 'a long enough passphrase')).toMatchObject({
    status: 410,
    body: { code: 'token_used_or_expired' },
  });
  expect((await world.as(path)).body['linkExpiresAt']).toBeNull();
  const ask = (to: string) => world.api.as(null, '/v1/auth/password-reset', { body: { email: to } });
  const [known, unknown] = [await ask(address.toUpperCase()), await ask('nobody@buyer.example')];
  expect([known.status, known.body]).toEqual([unknown.status, unknown.body]);
  const second = await linkTo(address, 'customer_password_link');
  await ask(address);
  const third = await linkTo(address, 'customer_password_link');
  // The newest alone works.
  expect(await choose(tokenOf(second), 'a long enough passphrase')).toMatchObject({ status: 410 });

  expect(await choose(tokenOf(third), 'short')).toMatchObject({ status: 422, body: { code: 'weak_password' } });
  const both = await Promise.all([
    choose(tokenOf(third), 'a long enough passphrase'),
    choose(tokenOf(third), 'another long passphrase'),
  ]);
  expect(both.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([204, 410]);
  expect((await world.as(path)).body).toMatchObject({ hasPassword: true, linkExpiresAt: null });
  const history = await world.as(`/v1/audit-entries?objectId=${String(made.body['id'])}`);
  expect(itemsOf(history.body['data']).map((entry) => entry['event'])).toEqual(['passwordSet', 'opened']);
});

test('staff open one account per person, correct it, stop it and let it go on; a stopped one signs nobody in', async () => {
  const address = email();
  const contact = await world.as('/v1/contacts', { name: 'Max', email: address });
  const contactId = String(contact.body['id']);
  const at = await Promise.all([open({ contactId }), open({ contactId }), open({ email: address })]);
  expect(at.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([201, 409, 409]);
  expect(await world.owner('emails').where({ recipient: address })).toHaveLength(1);
  const [account] = await accounts(`contactId=${contactId}`);
  const path = `${base}/${String(account?.['id'])}`;

  const edited = await world.as(path, { phone: '+48600100200', metadata: { plan: 'pro' } }, 'PATCH');
  expect(edited.body).toMatchObject({ phone: '+48600100200', metadata: { plan: 'pro' }, name: 'Max', version: 2 });
  expect((await world.as(`/v1/contacts/${contactId}`)).body['phone']).toBe('+48600100200');
  expect((await world.as(path, { phone: '+48600100200' }, 'PATCH')).body['version']).toBe(2);
  const taken = email();
  await world.as('/v1/contacts', { email: taken });
  expect(await world.as(path, { email: taken }, 'PATCH')).toMatchObject({
    status: 409,
    body: { code: 'already_exists', field: 'email' },
  });
  expect(
    await world.api.as(world.ws.key, path, { method: 'PATCH', body: { name: 'x' }, headers: { 'if-match': '"1"' } }),
  ).toMatchObject({
    status: 412,
  });

  expect(await world.as(`${path}/suspend`, {})).toMatchObject({ status: 422 });
  expect(await world.as(`${path}/suspend`, { reason: 'Unpaid' })).toMatchObject({
    status: 200,
    body: { status: 'suspended', allowedActions: ['resume'] },
  });
  expect(await world.as(`${path}/suspend`, { reason: 'Unpaid' })).toMatchObject({
    status: 409,
    body: { code: 'already_decided', currentStatus: 'suspended', allowedActions: ['resume'] },
  });
  expect(await world.as(`${path}/resume`, {})).toMatchObject({ status: 200, body: { status: 'active', version: 4 } });
  const history = await world.as(`/v1/audit-entries?objectId=${String(account?.['id'])}`);
  expect(itemsOf(history.body['data']).map((entry) => entry['event'])).toEqual([
    'resumed',
    'suspended',
    'edited',
    'opened',
  ]);
  expect(history.text).not.toContain('+48600100200');

  for (const body of [
    {},
    { contactId, email: address },
    { contactId: 'con_01kaz0c3v7m2q8x4t6w9y1b5de' },
    { email: 'x' },
  ])
    expect((await open(body)).status, JSON.stringify(body)).toBe(422);
  const silent = await world.as('/v1/contacts', { name: 'No address' });
  expect(await open({ contactId: silent.body['id'] })).toMatchObject({ status: 422 });
});

test('LED-20, LED-21: a form opens it by the same rules and signs in once; suspended meanwhile, late or again: the login page', async () => {
  const form = await world.as('/v1/lead-forms', {
    name: 'Join',
    programId,
    fields: [{ name: 'email', label: 'E-mail', required: true }],
    openAccount: true,
    signIn: true,
    thankYouUrl: 'https://shop.example/welcome',
  });
  expect(form.status).toBe(201);
  const submit = async (address: string): Promise<string> => {
    const sent = await world.api.as(null, `/f/${String(form.body['id'])}`, {
      raw: new URLSearchParams({ email: address }).toString(),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'text/html' },
    });
    expect(sent).toMatchObject({ status: 303 });
    const goal = new URL(sent.headers.get('location') ?? '');
    expect(goal.origin + goal.pathname).toBe('https://shop.example/welcome');
    return goal.searchParams.get('sign_in_token') ?? '';
  };
  const take = (token: string) => world.as('/v1/customer-sign-ins', { token });
  const [one, two] = [email(), email()];
  const token = await submit(one);
  const [account] = await accounts(`q=${one}`);
  const both = await Promise.all([take(token), take(token)]);
  expect(both.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([200, 410]);
  expect(both.find((answer) => answer.status === 200)?.body['customerAccountId']).toBe(account?.['id']);

  const stopped = await submit(two);
  const [other] = await accounts(`q=${two}`);
  await world.as(`${base}/${String(other?.['id'])}/suspend`, { reason: 'Checked' });
  expect(await take(stopped)).toMatchObject({ status: 410, body: { code: 'token_used_or_expired' } });
  expect(await take('no-such-token-no-such-token')).toMatchObject({ status: 410 });
  // Elsewhere than on the allowed hosts nobody is sent with a token.
  expect(
    await world.as(`/v1/lead-forms/${String(form.body['id'])}`, { thankYouUrl: 'https://evil.example/' }, 'PATCH'),
  ).toMatchObject({ status: 422, body: { code: 'url_not_allowed' } });
});

test('subscriptions are what was paid; without the right to see people they are masked; agents see their own', async () => {
  const address = email();
  const made = await open({ email: address, name: 'Lee Buyer' });
  const path = `${base}/${String(made.body['id'])}`;
  for (const number of [1, 2])
    await world.sale({
      externalId: `sub-1-${number}`,
      customer: { email: address },
      amount: { amount: '10.00', currency: 'USD' },
      subscription: { externalId: 'sub-1', paymentNumber: number },
    });
  expect((await world.as(path)).body['subscriptions']).toMatchObject([{ externalId: 'sub-1', payments: 2 }]);

  const { api, ws } = world;
  const agent = await api.makePerson(ws, ['agent'], { name: 'Gus' });
  expect(await api.as(agent.key, path)).toMatchObject({ status: 403, body: { code: 'not_in_scope' } });
  expect(itemsOf((await api.as(agent.key, base)).body['data'])).toHaveLength(0);
  const reader = await world.as('/v1/api-keys', { name: 'Reader', kind: 'secret', permissions: ['contact.read'] });
  const seen = await api.as(String(reader.body['secret']), path);
  expect(seen).toMatchObject({ status: 200, body: { masked: true, allowedActions: [] } });
  expect(seen.text).not.toContain(address);
  const testKey = await world.as('/v1/api-keys', {
    name: 'T',
    kind: 'secret',
    permissions: ['contact.read'],
    test: true,
  });
  expect((await api.as(String(testKey.body['secret']), path)).status).toBe(404);
});
