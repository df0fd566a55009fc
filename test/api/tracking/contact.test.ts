import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';

let world: EarningWorld;
let programId: string;
let ada: string;
let bob: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  ada = await world.affiliate(programId);
  bob = await world.affiliate(programId);
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
  });
});
afterAll(() => world.close());

let people = 0;
const email = (): string => `person${(people += 1)}@buyer.example`;

/** A lead through an affiliate's click, judged. */
async function leadOf(affiliateId: string | null, body: Readonly<Record<string, unknown>> = {}): Promise<Json> {
  const click = affiliateId === null ? {} : { clickId: await world.click({ programId, affiliateId }) };
  const sent = await world.as('/v1/leads', { email: email(), ...click, ...body });
  expect(sent.status).toBe(202);
  await world.settle();
  return (await world.as(`/v1/leads/${String(sent.body['id'])}`)).body;
}
const contact = async (id: unknown): Promise<Json> => (await world.as(`/v1/contacts/${String(id)}`)).body;

test('one person, all roles: first and last referrer per program, touches and purchases of this person (TRK-11, TRK-23)', async () => {
  const lead = await leadOf(ada, { name: 'Jo Buyer', customerExternalId: 'u-1' });
  const id = String(lead['contactId']);
  await world.sale({
    externalId: 's-1',
    customer: { externalId: 'u-1' },
    amount: { amount: '50.00', currency: 'USD' },
  });
  const later = await world.as('/v1/leads', {
    email: lead['email'],
    event: 'registration',
    clickId: await world.click({ programId, affiliateId: bob }),
  });
  await world.settle();

  const seen = await contact(id);
  expect(seen).toMatchObject({
    object: 'contact',
    name: 'Jo Buyer',
    masked: false,
    roles: ['lead', 'customer'],
    referrals: [
      {
        program: { id: programId },
        status: 'pending',
        first: { affiliateId: ada, linkId: expect.stringMatching(/^lnk_/) as unknown },
        last: { affiliateId: bob },
      },
    ],
  });
  const touches = itemsOf((await world.as(`/v1/contacts/${id}/touches`)).body['data']);
  expect(touches.map((touch) => [touch['kind'], touch['affiliateId']])).toEqual([
    ['lead', expect.anything()],
    ['click', bob],
    ['lead', ada],
    ['click', ada],
  ]);
  expect(touches[0]?.['id']).toBe(later.body['id']);
  const paged = await world.as(`/v1/contacts/${id}/touches?limit=3`);
  const rest = await world.as(
    `/v1/contacts/${id}/touches?limit=3&cursor=${encodeURIComponent(String(paged.body['nextCursor']))}`,
  );
  expect([...itemsOf(paged.body['data']), ...itemsOf(rest.body['data'])]).toEqual(touches);
  const sales = itemsOf((await world.as(`/v1/contacts/${id}/sales`)).body['data']);
  expect(sales.map((sale) => sale['externalId'])).toEqual(['s-1']);
});

test('TRK-11: after one referred opt-in both fields name the same affiliate; a referral in a second program is a line of its own', async () => {
  const lead = await leadOf(ada, { name: 'Sue Once' });
  const id = String(lead['contactId']);
  const named = async (affiliateId: string) => {
    const { name, email: address } = (await world.as(`/v1/affiliates/${affiliateId}`)).body;
    return { affiliateId, name, email: address };
  };
  const [byAda, byBob] = [await named(ada), await named(bob)];
  expect((await contact(id))['referrals']).toMatchObject([{ program: { id: programId }, first: byAda, last: byAda }]);

  const second = await world.program({ name: 'Second program' });
  const enrolled = await world.as(`/v1/affiliates/${bob}/enrolments`, { programId: second });
  expect(enrolled.status, enrolled.text).toBe(201);
  const sent = await world.as('/v1/leads', {
    email: lead['email'],
    programId: second,
    clickId: await world.click({ programId: second, affiliateId: bob }),
  });
  expect(sent.status, sent.text).toBe(202);
  await world.settle();
  expect((await contact(id))['referrals']).toMatchObject([
    { program: { id: programId }, first: byAda, last: byAda },
    { program: { id: second, name: 'Second program' }, first: byBob, last: byBob },
  ]);
});

test('who may see whom: masked without the right, an agent only the people behind its leads, affiliates nobody', async () => {
  const lead = await leadOf(null, { name: 'Zoe Hidden' });
  const path = `/v1/contacts/${String(lead['contactId'])}`;
  const reviewer = await world.api.makePerson(world.ws, ['reviewer'], { name: 'Rob' });
  const masked = await world.api.as(reviewer.key, path);
  expect(masked.body).toMatchObject({ name: 'Z…', masked: true });
  expect(masked.text).not.toContain('Hidden');
  const agent = await world.api.makePerson(world.ws, ['agent'], { name: 'Eva' });
  expect(await world.api.as(agent.key, path)).toMatchObject({ status: 403, body: { code: 'not_in_scope' } });
  await world.as(`/v1/leads/${String(lead['id'])}`, { assigneeId: agent.user.id }, 'PATCH');
  expect((await world.api.as(agent.key, path)).status).toBe(200);
  expect(itemsOf((await world.api.as(agent.key, '/v1/contacts')).body['data'])).toHaveLength(1);
  expect(itemsOf((await world.as('/v1/contacts?q=zoe')).body['data'])).toHaveLength(1);
  const other = await world.api.makeWorkspace({ name: 'Other' });
  expect((await world.api.as(other.key, path)).status).toBe(404);
});

test('staff enter and correct people; one e-mail is one person in every spelling', async () => {
  const made = await world.as('/v1/contacts', { name: 'Kim', email: 'kim.lee@gmail.com', phone: '+48 600 700 800' });
  expect(made.status).toBe(201);
  expect(await world.as('/v1/contacts', { email: 'kimlee+x@googlemail.com' })).toMatchObject({
    status: 409,
    body: { code: 'already_exists', existingId: made.body['id'] },
  });
  expect((await world.as('/v1/contacts', {})).status).toBe(422);
  const other = await world.as('/v1/contacts', { name: 'Lee' });
  const path = `/v1/contacts/${String(other.body['id'])}`;
  expect(await world.as(path, { email: 'k.i.m.lee@gmail.com' }, 'PATCH')).toMatchObject({ status: 409 });
  expect((await world.as(path, { email: 'lee@mail.example', country: 'PL' }, 'PATCH')).body).toMatchObject({
    email: 'lee@mail.example',
    version: 2,
  });
  const history = await world.as(`/v1/audit-entries?objectId=${String(other.body['id'])}`);
  expect(history.text).not.toContain('lee@mail.example');
});

test('the first referrer changes only by an audited override; later sales follow, commissions that exist stay (TRK-08)', async () => {
  const lead = await leadOf(ada, { customerExternalId: 'u-2' });
  const path = `/v1/contacts/${String(lead['contactId'])}/referrer`;
  const sale = (externalId: string) =>
    world.sale({ externalId, customer: { externalId: 'u-2' }, amount: { amount: '10.00', currency: 'USD' } });
  const before = await sale('s-2');
  expect(await world.as(path, { programId, which: 'last', affiliateId: bob })).toMatchObject({ status: 422 });
  expect(await world.as(path, { programId, which: 'last', affiliateId: bob, reason: 'Proof by mail' })).toMatchObject({
    status: 200,
    body: { referrals: [{ first: { affiliateId: ada }, last: { affiliateId: bob }, affiliateId: bob }] },
  });
  const after = await sale('s-3');
  const ownerOf = async (one: Json) =>
    (await world.commissions(`saleId=${String(one['id'])}`)).map((line) => line['affiliateId']);
  expect([await ownerOf(before), await ownerOf(after)]).toEqual([[ada], [bob]]);
  const agent = await world.api.makePerson(world.ws, ['reviewer'], { name: 'Rob' });
  expect(
    await world.api.as(agent.key, path, { body: { programId, which: 'first', affiliateId: bob, reason: 'x' } }),
  ).toMatchObject({ status: 403, body: { missingPermission: 'referrer.override' } });
});

test('a later purchase after another affiliate’s click credits that one; its click alone, a renewal and an older touch do not (TRK-09, ruling 55)', async () => {
  const lead = await leadOf(ada, { customerExternalId: 'u-19' });
  const referralId = String(lead['referralId']);
  const buy = (externalId: string, more: Readonly<Record<string, unknown>> = {}) =>
    world.sale({
      externalId,
      customer: { externalId: 'u-19' },
      amount: { amount: '10.00', currency: 'USD' },
      ...more,
    });
  const creditOf = (sale: Json): unknown => [sale['referralId'], (sale['attribution'] as Json)['affiliateId']];
  const renewal = (paymentNumber: number) => ({ subscription: { externalId: 'sub-9', paymentNumber } });
  expect(creditOf(await buy('trk9-1', renewal(1)))).toEqual([referralId, ada]);

  // Bob's click alone, in the browser that the referral knows.
  const bobs = await world.click({ programId, affiliateId: bob });
  await world.owner('touches').insert({
    workspace_id: world.ws.id,
    referral_id: referralId,
    kind: 'click',
    source_id: bobs,
    affiliate_id: bob,
    occurred_at: new Date(),
    ends_at: new Date(Date.now() + 86_400_000),
  });
  const referrersOf = async () => {
    const [referral] = itemsOf((await contact(lead['contactId']))['referrals']) as readonly {
      first: Json;
      last: Json;
    }[];
    return [referral?.first['affiliateId'], referral?.last['affiliateId']];
  };
  expect(await referrersOf()).toEqual([ada, ada]);
  expect(creditOf(await buy('trk9-2', renewal(2)))).toEqual([referralId, ada]);
  expect(await referrersOf()).toEqual([ada, ada]);

  // The order form: no click is named, the touch is known.
  const order = await buy('trk9-3');
  expect(creditOf(order)).toEqual([referralId, bob]);
  expect(await referrersOf()).toEqual([ada, bob]);
  expect((await world.commissions(`saleId=${String(order['id'])}`)).map((line) => line['affiliateId'])).toEqual([bob]);
  expect(creditOf(await buy('trk9-4', renewal(3)))).toEqual([referralId, ada]);
  expect(creditOf(await buy('trk9-5'))).toEqual([referralId, bob]);

  // From another device, by a click that the order names; then staff say who it is, and no older touch takes that back.
  const adas = await world.click({ programId, affiliateId: ada });
  expect(creditOf(await buy('trk9-6', { clickId: adas }))).toEqual([referralId, ada]);
  await world.as(`/v1/contacts/${String(lead['contactId'])}/referrer`, {
    programId,
    which: 'last',
    affiliateId: bob,
    reason: 'Proof by mail',
  });
  expect(creditOf(await buy('trk9-7'))).toEqual([referralId, bob]);
  const again = await world.as('/v1/leads', { email: lead['email'], event: 'registration', programId });
  await world.settle();
  expect((await world.as(`/v1/leads/${String(again.body['id'])}`)).body).toMatchObject({
    referralId,
    attribution: { affiliateId: bob },
  });
  const decisions = itemsOf((await world.as(`/v1/referrals/${referralId}/attributions`)).body['data']);
  expect(decisions).toContainEqual(
    expect.objectContaining({ causeType: 'sale', causeId: order['id'], affiliateId: bob }) as unknown,
  );
});

test('the touches of a referral: every click and visit of every affiliate, credited or why not (TRK-23)', async () => {
  const first = await world.click({ programId, affiliateId: ada });
  const sent = await world.as('/v1/leads', { email: email(), clickId: first });
  await world.settle();
  const lead = (await world.as(`/v1/leads/${String(sent.body['id'])}`)).body;
  const referralId = String(lead['referralId']);
  // Clicks that credit nobody are no touches: one in the same browser, one that a later form names, one of a stranger's browser.
  const uncredited = async (previous: string | null, credit: string, code: string): Promise<string> => {
    const id = await world.click({ programId, affiliateId: bob });
    await world.owner('clicks').where({ id }).update({ previous_click_id: previous, credit, credit_code: code });
    return id;
  };
  const suspended = await uncredited(first, 'not_credited', 'affiliate_not_active');
  const preview = await uncredited(first, 'filtered', 'preview');
  const named = await uncredited(null, 'not_credited', 'link_expired');
  await uncredited(null, 'not_credited', 'link_expired');
  const second = await world.click({ programId, affiliateId: bob });
  expect(
    await world.as('/v1/leads', { email: lead['email'], event: 'registration', clickId: second, programId }),
  ).toMatchObject({ status: 202 });
  await world.settle();
  const amount = { amount: '10.00', currency: 'USD' };
  await world.sale({ externalId: 'trk23', customer: { email: lead['email'] }, clickId: named, amount, programId });
  const touches = async (key = world.ws.key) =>
    itemsOf((await world.api.as(key, `/v1/referrals/${referralId}/touches`)).body['data'])
      .filter((touch) => touch['kind'] === 'click')
      .map((touch) => [touch['id'], touch['affiliateId'], touch['credited'], touch['code']]);
  const all = [
    [first, ada, true, null],
    [suspended, bob, false, 'affiliate_not_active'],
    [preview, bob, false, 'preview'],
    [named, bob, false, 'link_expired'],
    [second, bob, true, null],
  ];
  const seen = await touches();
  expect(seen).toHaveLength(all.length);
  expect(seen).toEqual(expect.arrayContaining(all));
  for (const touch of itemsOf((await world.as(`/v1/referrals/${referralId}/touches`)).body['data']))
    expect(touch).toMatchObject({ slug: expect.any(String) as unknown, at: expect.any(String) as unknown });
  // An affiliate reads its own touches; what became of the others is not its affair.
  const own = await world.as('/v1/api-keys', { name: 'own', affiliateId: ada, permissions: ['referral.read'] });
  expect((await touches(String(own.body['secret']))).every(([, affiliateId]) => affiliateId === ada)).toBe(true);
});

test('two contacts of one person join: leads and referral move, two pending referrals become the older one (features.md 2.2)', async () => {
  const [first, second] = [await leadOf(ada), await leadOf(bob)];
  const path = `/v1/contacts/${String(second['contactId'])}/merge`;
  const joined = await world.as(path, { intoContactId: first['contactId'], reason: 'Same person' });
  expect(joined).toMatchObject({
    status: 200,
    body: { id: first['contactId'], referrals: [{ referralId: first['referralId'], first: { affiliateId: ada } }] },
  });
  await world.settle();
  const gone = await world.as(`/v1/referrals/${String(second['referralId'])}`);
  expect(gone.body).toMatchObject({ status: 'merged', mergedIntoId: first['referralId'] });
  expect((await world.as(`/v1/leads/${String(second['id'])}`)).body).toMatchObject({
    contactId: first['contactId'],
    referralId: first['referralId'],
  });
  expect(await contact(second['contactId'])).toMatchObject({ mergedIntoId: first['contactId'] });
  expect(await world.as(path, { intoContactId: first['contactId'], reason: 'again' })).toMatchObject({ status: 409 });
  // A later lead under the merged person's address finds the one that is left.
  const again = await world.as('/v1/leads', { email: second['email'], event: 'registration' });
  await world.settle();
  expect((await world.as(`/v1/leads/${String(again.body['id'])}`)).body['contactId']).toBe(first['contactId']);
  expect(await world.broken()).toEqual([]);
});

test('two pending referrals with money become one: commissions move as they are, a refund of a moved sale still takes its share', async () => {
  const usd = (amount: string) => ({ amount, currency: 'USD' });
  const [first, second] = [await leadOf(ada), await leadOf(bob, { customerExternalId: 'u-money' })];
  const sale = await world.sale({ externalId: 'merged-1', customer: { externalId: 'u-money' }, amount: usd('50.00') });
  const lines = () => world.commissions(`saleId=${String(sale['id'])}`);
  const [before] = await lines();
  expect(before).toMatchObject({ affiliateId: bob, referralId: second['referralId'], status: 'pending' });
  const joined = await world.as(`/v1/contacts/${String(second['contactId'])}/merge`, {
    intoContactId: first['contactId'],
    reason: 'Same person',
  });
  expect(joined.status, joined.text).toBe(200);
  await world.settle();

  const [after] = await lines();
  expect(after).toMatchObject({
    id: before?.['id'],
    affiliateId: bob,
    amount: before?.['amount'],
    net: before?.['net'],
    referralId: first['referralId'],
    status: 'pending',
  });
  expect((await world.as(`/v1/referrals/${String(first['referralId'])}`)).body).toMatchObject({
    status: 'pending',
    stage: 'sale',
    firstAffiliateId: ada,
    commissionIds: [before?.['id']],
  });
  await world.as(`/v1/sales/${String(sale['id'])}/refunds`, { externalId: 'merged-r', amount: usd('25.00') });
  await world.settle();
  expect((await lines())[0]?.['net']['amount']).toBe('2.50');
  expect(await world.broken()).toEqual([]);
});

test('what is decided already is a conflict that staff see, and nothing changes', async () => {
  const [first, second] = [await leadOf(ada), await leadOf(bob, { customerExternalId: 'u-9' })];
  const approved = await world.settled(world.as(`/v1/referrals/${String(first['referralId'])}/approve`, {}));
  expect(approved.status).toBe(200);
  const answer = await world.as(`/v1/contacts/${String(second['contactId'])}/merge`, {
    intoContactId: first['contactId'],
    reason: 'Same person',
  });
  expect(answer).toMatchObject({
    status: 409,
    body: {
      code: 'transition_not_allowed',
      conflicts: [
        { programId, referralId: second['referralId'], intoReferralId: first['referralId'], code: 'decided' },
      ],
    },
  });
  expect(await contact(second['contactId'])).toMatchObject({ mergedIntoId: null });
});
