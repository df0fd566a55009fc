import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRateLimiter } from '../../../api/rateLimit.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';

// Who is signed in by a form, and who is not, whatever a visitor types (LED-12, LED-20, LED-21), over HTTP.

let world: EarningWorld;
let programId: string;
let affiliateId: string;
let addresses = 0;

beforeAll(async () => {
  const clientAddress = () => `10.4.0.${(addresses += 1)}`;
  world = await createEarningWorld({ deps: { clientAddress, rateLimiter: createRateLimiter(clientAddress) } });
  programId = await world.program({ destinationHosts: ['shop.example'], landingUrl: 'https://shop.example/' });
  affiliateId = await world.affiliate(programId);
});
afterAll(() => world.close());

let people = 0;
const email = (): string => `joiner${(people += 1)}@buyer.example`;
async function makeForm(body: Readonly<Record<string, unknown>> = {}): Promise<Json> {
  const made = await world.as('/v1/lead-forms', {
    name: 'Join',
    programId,
    fields: [
      { name: 'email', label: 'E-mail', required: true },
      { name: 'phone', label: 'Phone' },
    ],
    openAccount: true,
    signIn: true,
    thankYouUrl: 'https://shop.example/welcome',
    ...body,
  });
  expect(made, made.text).toMatchObject({ status: 201 });
  return made.body;
}
const submit = (form: Json, values: Readonly<Record<string, string>>): Promise<TestAnswer> =>
  world.api.as(null, `/f/${String(form['id'])}`, {
    raw: new URLSearchParams(values).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'text/html' },
  });
/** Where the visitor was sent; `token` null: signed in nowhere. */
function goalOf(sent: TestAnswer): { readonly page: string; readonly token: string | null } {
  expect(sent, sent.text).toMatchObject({ status: 303 });
  const goal = new URL(sent.headers.get('location') ?? '', 'https://here.example');
  return { page: goal.origin + goal.pathname, token: goal.searchParams.get('sign_in_token') };
}
const mailsTo = (recipient: string): Promise<readonly { kind: string }[]> =>
  world.owner('emails').where({ recipient }).where('kind', 'like', 'customer_%');
const newestLead = async (form: Json): Promise<Json> =>
  itemsOf((await world.as(`/v1/leads?formId=${String(form['id'])}`)).body['data'])[0] as Json;

test('LED-21: who types the address of somebody’s account is sent on, and signed in nowhere', async () => {
  const form = await makeForm();
  const address = email();
  const first = goalOf(await submit(form, { email: address }));
  expect(first.token).toMatch(/^[\w-]{20,}$/);
  const again = goalOf(await submit(form, { email: address.toUpperCase() }));
  expect(again).toEqual({ page: 'https://shop.example/welcome', token: null });
  // The account that staff opened is no more open to strangers.
  const known = email();
  await world.as('/v1/customer-accounts', { email: known, name: 'Kim' });
  expect(goalOf(await submit(form, { email: known })).token).toBeNull();
  expect((await newestLead(form))['customerAccountId']).toMatch(/^cus_/);
  // Nor is the account that a customer without one gets now: what they bought is theirs.
  const buyer = email();
  await world.sale({
    externalId: 'join-1',
    customer: { email: buyer },
    amount: { amount: '10.00', currency: 'USD' },
  });
  expect(goalOf(await submit(form, { email: buyer })).token).toBeNull();
  expect(await mailsTo(buyer)).toMatchObject([{ kind: 'customer_account_opened' }]);
  // Who only asked something before is nobody's customer yet.
  const asked = email();
  await world.as('/v1/leads', { email: asked, programId });
  await world.settle();
  expect(goalOf(await submit(form, { email: asked })).token).not.toBeNull();
});

test('LED-12: who knows a number is not that person: the link goes to the address that is known of them', async () => {
  const form = await makeForm();
  const [owner, stranger] = [email(), email()];
  await world.as('/v1/leads', { email: owner, phone: '+48600100201', programId });
  await world.settle();
  expect(goalOf(await submit(form, { email: stranger, phone: '+48 600 100 201' })).token).toBeNull();
  expect(await mailsTo(stranger)).toHaveLength(0);
  expect(await mailsTo(owner)).toMatchObject([{ kind: 'customer_account_opened' }]);
});

test('LED-21: a host taken off the lists is sent nobody any more, and no token', async () => {
  const form = await makeForm({ thankYouUrl: 'https://shop.example/hello' });
  expect(goalOf(await submit(form, { email: email() })).page).toBe('https://shop.example/hello');
  await world
    .owner('programs')
    .where({ id: programId })
    .update({ destination_hosts: ['new-shop.example'] });
  const sent = goalOf(await submit(form, { email: email() }));
  expect(sent).toEqual({ page: `https://here.example/f/${String(form['id'])}`, token: null });
  await world
    .owner('programs')
    .where({ id: programId })
    .update({ destination_hosts: ['shop.example'] });
  expect(goalOf(await submit(form, { email: email() })).token).not.toBeNull();
});

test('LED-21: a token is spent by its own workspace only, in its mode, and by no affiliate that has nothing to do with the lead', async () => {
  const form = await makeForm();
  const token = goalOf(await submit(form, { email: email() })).token;
  const take = (key: string) => world.api.as(key, '/v1/customer-sign-ins', { body: { token } });
  const keyOf = async (body: Readonly<Record<string, unknown>>): Promise<string> =>
    String((await world.as('/v1/api-keys', { name: 'x', ...body })).body['secret']);
  const other = await world.api.makeWorkspace();
  for (const key of [other.key, await keyOf({ affiliateId }), await keyOf({ permissions: ['lead.write'], test: true })])
    expect(await take(key)).toMatchObject({ status: 410, body: { code: 'token_used_or_expired' } });
  expect(await take(await keyOf({ permissions: ['lead.read'] }))).toMatchObject({
    status: 403,
    body: { missingPermission: 'lead.write' },
  });
  // None of them has spent it.
  expect(await take(await keyOf({ permissions: ['lead.write'] }))).toMatchObject({ status: 200 });
});
