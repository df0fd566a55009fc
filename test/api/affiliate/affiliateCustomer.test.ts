import { afterAll, beforeAll, expect, test } from 'vitest';
import { presets } from '../../../domain/access/permission.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';

// The customers of one affiliate (AFF-19): which of its referrals became one, since when, and who still is.

let world: EarningWorld;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ customerVisibility: 'anonymous' });
  const made = await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  expect(made.status, made.text).toBe(201);
  affiliateId = await world.affiliate(programId);
});
afterAll(() => world.close());

const usd = (amount: string) => ({ amount, currency: 'USD' });
let numbers = 0;
const next = (word: string): string => `${word}-${(numbers += 1)}`;

interface Person {
  readonly number: string;
  readonly email: string;
  readonly referralId: string;
  readonly contactId: string;
}

async function lead(of = affiliateId): Promise<Person> {
  const clickId = await world.click({ programId, affiliateId: of });
  const number = next('u');
  const email = `${number}@buyer.example`;
  const sent = await world.as('/v1/leads', { clickId, email, name: `Jo ${number}`, customerExternalId: number });
  expect(sent.status, sent.text).toBe(202);
  await world.settle();
  const { body } = await world.as(`/v1/leads/${String(sent.body['id'])}`);
  return { number, email, referralId: String(body['referralId']), contactId: String(body['contactId']) };
}

const pay = (person: Person, occurredAt: string, more: Readonly<Record<string, unknown>> = {}): Promise<Json> =>
  world.sale({
    externalId: next('order'),
    customer: { externalId: person.number },
    amount: usd('50.00'),
    occurredAt,
    ...more,
  });

const customers = async (query = '', of = affiliateId): Promise<Json> =>
  (await world.as(`/v1/affiliates/${of}/customers?include=counts${query}`)).body;
const idsOf = (body: Json): readonly unknown[] => itemsOf(body['data']).map((one) => one['id']);

test('AFF-19: referrals whose contact paid or has an account are customers, each with its start, its state and its payments', async () => {
  const [buyer, account, enquirer, declined, gone] = [
    await lead(),
    await lead(),
    await lead(),
    await lead(),
    await lead(),
  ];
  expect(await customers()).toMatchObject({ data: [], counts: { total: 0 } });

  const now = Date.now();
  const at = (hours: number): string => new Date(now + hours * 3_600_000).toISOString();
  const [first, second, third] = [at(0.01), at(0.02), at(0.03)];
  await pay(buyer, second);
  await pay(buyer, first); // told late, and the earlier one all the same
  await pay(declined, first, { status: 'declined' });
  await pay(gone, third, { subscription: { externalId: 'sub-1' } });
  const opened = await world.as('/v1/customer-accounts', { contactId: account.contactId });
  expect(opened.status, opened.text).toBe(201);

  const body = await customers();
  expect(body).toMatchObject({ counts: { total: 3, byStatus: { active: 3 } } });
  const row = (person: Person) => itemsOf(body['data']).find((one) => one['id'] === person.referralId);
  expect(row(buyer)).toMatchObject({
    object: 'affiliate_customer',
    programId,
    contactId: buyer.contactId,
    customer: { reference: buyer.number, name: `Jo ${buyer.number}`, email: buyer.email, masked: false },
    state: 'active',
    startedAt: first,
    lastPaymentAt: second,
    payments: 2,
  });
  expect(row(account)).toMatchObject({ startedAt: opened.body['createdAt'], lastPaymentAt: null, payments: 0 });
  expect([row(enquirer), row(declined)]).toEqual([undefined, undefined]);

  // The count is that of the affiliate's referrals that have a customer.
  const referrals = await world.as(`/v1/referrals?affiliateId=${affiliateId}`);
  expect(itemsOf(referrals.body['data'])).toHaveLength(5);
  const ofCustomers = itemsOf(referrals.body['data'])
    .map((one) => String(one['id']))
    .filter((id) => id !== enquirer.referralId && id !== declined.referralId);
  expect(new Set(idsOf(body))).toEqual(new Set(ofCustomers));

  // One whose subscription ended is a customer that was; a suspended account is one that may not buy.
  await world.owner('subscription_ends').insert({
    workspace_id: world.ws.id,
    mode: 'live',
    source: 'main',
    subscription_external_id: 'sub-1',
    cancelled_at: at(0.04),
    created_at: at(0),
  });
  await world.as(`/v1/customer-accounts/${String(opened.body['id'])}/suspend`, { reason: 'Bounced' });
  const later = await customers();
  expect(later).toMatchObject({ counts: { total: 3, byStatus: { active: 1, ended: 1, suspended: 1 } } });
  expect(idsOf(await customers('&state=ended'))).toEqual([gone.referralId]);
  expect(idsOf(await customers('&state=suspended,active&sort=startedAt'))).toHaveLength(2);

  // Buying again, without the subscription, makes a customer again.
  await pay(gone, at(0.05));
  expect(itemsOf((await customers())['data']).find((one) => one['id'] === gone.referralId)).toMatchObject({
    state: 'active',
    payments: 2,
  });

  // Growth is the count of those that began in a time.
  expect(await customers(`&startedAt[gte]=${third}`)).toMatchObject({ counts: { total: 1 } });
  expect(await customers(`&startedAt[lt]=${third}`)).toMatchObject({ counts: { total: 2 } });
  expect(idsOf(await customers(`&q=${buyer.number}`))).toEqual([buyer.referralId]);
  expect(await customers('&q=nobody')).toMatchObject({ data: [], counts: { total: 0 } });
  expect(await customers('&programId=prg_00000000000000000000000000')).toMatchObject({ counts: { total: 0 } });

  // Page by page each one once, the newest first.
  const seen: unknown[] = [];
  for (let cursor = ''; ; ) {
    const page = await customers(`&limit=1${cursor}`);
    seen.push(...idsOf(page));
    if (page['nextCursor'] === null) break;
    cursor = `&cursor=${String(page['nextCursor'])}`;
  }
  expect(seen).toEqual(idsOf(await customers()));
  expect(seen).toHaveLength(3);
});

test('AFF-19: nobody sees the customers of another affiliate, and who they are only with the right to', async () => {
  const { api, ws } = world;
  const other = await world.affiliate(programId);
  const person = await lead(other);
  await pay(person, new Date().toISOString());
  expect(idsOf(await customers())).not.toContain(person.referralId);
  expect(idsOf(await customers('', other))).toEqual([person.referralId]);
  const path = `/v1/affiliates/${other}/customers`;

  const support = (await api.makePerson(ws, ['support'])).key;
  expect(presets.support.permissions).not.toContain('pii.read');
  const masked = await api.as(support, path);
  expect(masked.body['data']).toMatchObject([{ customer: { email: null, masked: true } }]);

  const manager = (await api.makePerson(ws, ['affiliate_manager'])).key;
  expect(await api.as(manager, path)).toMatchObject({ status: 403, body: { code: 'not_in_scope' } });

  // The affiliate's own key sees what its program shows, and does not find by what it does not see.
  const keyOf = async (id: string): Promise<string> =>
    (await api.makePerson(ws, ['owner'], { affiliateId: id, permissions: ['affiliate.read'] })).key;
  const own = await keyOf(other);
  const mine = await api.as(own, path);
  expect(mine.body['data']).toMatchObject([{ contactId: null, customer: { name: null, email: null, masked: true } }]);
  expect(mine.text).not.toContain(person.number);
  expect((await api.as(own, `${path}?q=${person.number}`)).body['data']).toEqual([]);
  expect(await api.as(await keyOf(affiliateId), path)).toMatchObject({ status: 404 });
  const foreign = await api.makeWorkspace({ name: 'Other' });
  expect(await api.as(foreign.key, path)).toMatchObject({ status: 404 });
});
