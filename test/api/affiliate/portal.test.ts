import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { saveSettings } from '../program/support.js';
import { itemsOf } from '../support.js';
import { acceptAll, mailsTo, type Portal, signInToPortal } from './portalWorld.js';

// The portal (api.md 17), as an affiliate's browser uses it: a session of the mailed link, cookie and CSRF token.

let world: EarningWorld;
let programId: string;
let other: Portal;
let ada: Portal;

beforeAll(async () => {
  world = await createEarningWorld();
  await saveSettings(world.api, world.ws, { affiliates: { customerVisibility: 'anonymous' } });
  programId = await world.program({ name: 'Spring', levels: 2 });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [
      { level: 1, kind: 'percent', ratePpm: 200_000 },
      { level: 2, kind: 'percent', ratePpm: 50_000 },
    ],
  });
  ada = await signInToPortal(world, await world.affiliate(programId));
  other = await signInToPortal(world, await world.affiliate(programId, { name: 'Rita', recruiterId: ada.affiliateId }));
  await acceptAll(ada);
  await acceptAll(other);
});
afterAll(() => world.close());

async function sale(portal: Portal, externalId: string, email: string) {
  const clickId = await world.click({ programId, affiliateId: portal.affiliateId, sub1: 'kw1' });
  return world.sale({
    externalId,
    customer: { externalId: email, email },
    clickId,
    amount: { amount: '49.99', currency: 'USD' },
  });
}

test('required terms come first: nothing else opens before they are accepted, once, with time and way', async () => {
  const late = await signInToPortal(world, await world.affiliate(programId, { name: 'Lena' }));
  const refused = await late.call('/v1/me/home');
  expect([refused.status, refused.body['code']]).toEqual([409, 'requirements_open']);
  expect(refused.body['open']).toMatchObject([{ code: 'agreement_accepted', detail: 'Accept Terms of Spring.' }]);
  expect((await late.call('/v1/me')).status).toBe(200);
  const [terms] = itemsOf((await late.call('/v1/me/agreements')).body['data']);
  expect(terms).toMatchObject({ title: 'Terms', text: 'Be fair.', mustAccept: true, acceptedAt: null });
  const accepted = await late.call(`/v1/me/agreements/${terms?.['id']}/accept`, { body: {} });
  expect(accepted.body['acceptedAt']).toMatch(/Z$/);
  expect((await late.call('/v1/me/home')).status).toBe(200);
  const staff = await world.as(`/v1/agreements/${terms?.['id']}/acceptances`);
  expect(itemsOf(staff.body['data']).find((one) => one['affiliateId'] === late.affiliateId)).toMatchObject({
    via: 'portal',
  });
});

test('a sale is in home, referrals, commissions and balances, as staff see it; nobody else is', async () => {
  const sold = await sale(ada, 'order-1', 'jo@buyer.example');
  const [id] = itemsOf(sold['commissionIds']);

  const home = await ada.call('/v1/me/home');
  expect(home.status, home.text).toBe(200);
  expect(home.body).toMatchObject({
    affiliate: { id: ada.affiliateId, status: 'approved' },
    balances: [{ currency: 'USD', pending: { amount: '10.00' }, owed: { amount: '0.00' } }],
    totals: { clicks: 1, sales: 1 },
    bestLinks: [{ clicks: 1, sales: 1 }],
  });
  expect(home.body['balances']).toEqual((await world.as(`/v1/affiliates/${ada.affiliateId}/balances`)).body);
  expect(itemsOf(home.body['chart'])).toHaveLength(30);
  expect(itemsOf(home.body['chart']).at(-1)).toMatchObject({ clicks: 1, sales: 1 });
  const missing = itemsOf(home.body['nextPayouts'][0]?.['missing']).map((one) => one['code']);
  expect(missing).toContain('no_method');

  const [referral] = itemsOf((await ada.call('/v1/me/referrals')).body['data']);
  expect(referral).toMatchObject({
    object: 'own_referral',
    status: 'pending',
    stage: 'sale',
    text: 'Is being looked at.',
    expected: [{ amount: '10.00', currency: 'USD' }],
    commissionIds: [id],
    customer: { name: null, email: null, masked: true },
  });
  const lines = await ada.call('/v1/me/commissions?include=sums,counts');
  expect(lines.body).toMatchObject({
    data: [{ id, net: { amount: '10.00' }, sub1: 'kw1', waitsFor: [{ code: 'referral_not_approved' }] }],
    counts: { total: 1 },
    sums: [{ amount: '10.00', currency: 'USD' }],
  });
  const why = await ada.call(`/v1/me/commissions/${id}/explanation`);
  expect(why.body['sentence']).toContain('10.00 USD');

  // Of Rita's customer, Ada sees her own share and nothing of whose sale it was.
  const recruits = await sale(other, 'order-2', 'kim@buyer.example');
  const all = await ada.call('/v1/me/commissions');
  const second = itemsOf(all.body['data']).find((line) => line['level'] === 2);
  expect(second).toMatchObject({ net: { amount: '2.50' }, customer: null, referralId: null, sub1: null });
  const theirs = await ada.call(`/v1/me/commissions/${second?.['id']}/explanation`);
  expect(theirs.text).not.toContain('order-2');
  expect(theirs.text).not.toContain(other.affiliateId);
  const foreign = await ada.call(`/v1/me/referrals/${recruits['referralId']}`);
  expect([foreign.status, foreign.body['code']]).toEqual([404, 'not_found']);
});

async function setVisibility(customerVisibility: 'name_only' | 'anonymous'): Promise<void> {
  const { version } = (await world.as(`/v1/programs/${programId}`)).body;
  const changed = await world.api.as(world.ws.key, `/v1/programs/${programId}`, {
    method: 'PATCH',
    body: { customerVisibility },
    headers: { 'If-Match': `"${version}"` },
  });
  expect(changed.status, changed.text).toBe(200);
}

test('where customers are anonymous no answer holds a name or an address', async () => {
  await sale(ada, 'order-3', 'secret@buyer.example');
  await world.owner('contacts').where({ email: 'secret@buyer.example' }).update({ name: 'Jo Buyer' });
  const referrals = await ada.call('/v1/me/referrals');
  const [one] = itemsOf(referrals.body['data']);
  const commissions = await ada.call('/v1/me/commissions');
  const texts = [
    referrals,
    commissions,
    await ada.call(`/v1/me/referrals/${one?.['id']}`),
    await ada.call(`/v1/me/commissions/${itemsOf(commissions.body['data'])[0]?.['id']}/explanation`),
    await ada.call('/v1/me/home'),
  ].map((answer) => answer.text);
  expect(texts.join(' ')).not.toMatch(/buyer\.example|Jo Buyer/);
  // Nor can it be asked for: a hit would tell who it is.
  const asked = async (word: string) => itemsOf((await ada.call(`/v1/me/referrals?q=${word}`)).body['data']).length;
  expect([await asked('secret'), await asked('jo%20buyer')]).toEqual([0, 0]);

  await setVisibility('name_only');
  expect([await asked('secret'), await asked('jo%20buyer')]).toEqual([0, 1]);
  const named = await ada.call('/v1/me/referrals');
  expect(named.text).toContain('Jo Buyer');
  expect(named.text).not.toContain('buyer.example');
  await setVisibility('anonymous');
});

test('a rejection carries the reason for the affiliate, not the note of staff', async () => {
  const sold = await sale(other, 'order-4', 'dan@buyer.example');
  const rejected = await world.settled(
    world.as(`/v1/referrals/${sold['referralId']}/reject`, {
      reason: 'Looks like his brother',
      reasonCode: 'self_referral',
      publicReason: 'Own purchases do not count.',
    }),
  );
  expect(rejected.status, rejected.text).toBe(200);
  const seen = await other.call(`/v1/me/referrals/${sold['referralId']}`);
  expect(seen.body).toMatchObject({
    status: 'rejected',
    reason: { code: 'not_accepted', text: 'Own purchases do not count.' },
  });
  expect(seen.text).not.toMatch(/brother|Ana/);
});

test('RUL-15: programs show the rates that count for this affiliate, in words, with base, bands and threshold', async () => {
  const mine = await ada.call('/v1/me/programs');
  expect(mine.status, mine.text).toBe(200);
  const [program] = itemsOf(mine.body['data']);
  expect(program).toMatchObject({
    id: programId,
    enrolment: { status: 'active' },
    terms: { title: 'Terms' },
    minimumPayout: { amount: '50.00', currency: 'USD' },
  });
  const level1 = (rates: unknown) => itemsOf(rates).find((rate) => rate['level'] === 1 && rate['event'] === 'payment');
  expect(level1(program?.['rates'])).toMatchObject({
    ratePpm: 200_000,
    text: '20 % of the price without tax, for every payment',
  });

  const own = await world.rule({
    scope: 'affiliate',
    affiliateId: ada.affiliateId,
    event: 'payment',
    levels: [
      { level: 1, kind: 'percent', ratePpm: 300_000 },
      { level: 2, kind: 'percent', ratePpm: 0 },
    ],
  });
  expect(own.status, own.text).toBe(201);
  expect(level1((await ada.call(`/v1/me/programs/${programId}`)).body['rates'])).toMatchObject({ ratePpm: 300_000 });
  expect(level1((await other.call(`/v1/me/programs/${programId}`)).body['rates'])).toMatchObject({ ratePpm: 200_000 });
  const banded = await world.api.as(world.ws.key, `/v1/commission-rules/${String(own.body['id'])}`, {
    method: 'PATCH',
    headers: { 'if-match': `"${String(own.body['version'])}"` },
    body: {
      bands: {
        by: 'sales_count',
        rows: [
          { from: '0', kind: 'percent', ratePpm: 300_000 },
          { from: '10', kind: 'percent', ratePpm: 350_000 },
        ],
      },
    },
  });
  expect(banded.status, banded.text).toBe(200);
  expect(level1((await ada.call(`/v1/me/programs/${programId}`)).body['rates'])).toMatchObject({
    text: '30 % of the price without tax; 35 % of the price without tax from 10 sales, for every payment',
  });
});

test('PAY-01: the minimum that the affiliate reads is the one a run asks for: own, then the group’s, then the workspace’s', async () => {
  const { body } = await world.api.as(world.ws.key, `/v1/affiliates/${other.affiliateId}`);
  const home = body['groupId'];
  const shown = async () => (await other.call(`/v1/me/programs/${programId}`)).body['minimumPayout'];
  const change = async (fields: Readonly<Record<string, unknown>>) => {
    const { version } = (await world.api.as(world.ws.key, `/v1/affiliates/${other.affiliateId}`)).body;
    const options = { method: 'PATCH', headers: { 'if-match': `"${String(version)}"` }, body: fields } as const;
    const changed = await world.api.as(world.ws.key, `/v1/affiliates/${other.affiliateId}`, options);
    expect(changed.status, changed.text).toBe(200);
  };
  const group = await world.as('/v1/groups', {
    name: 'Low threshold',
    minimumPayout: [{ amount: '20.00', currency: 'USD' }],
  });
  await change({ groupId: group.body['id'] });
  expect(await shown()).toEqual({ amount: '20.00', currency: 'USD' });
  await change({ minimumPayout: [{ amount: '5.00', currency: 'USD' }] });
  expect(await shown()).toEqual({ amount: '5.00', currency: 'USD' });
  await change({ minimumPayout: [], groupId: home });
  expect(await shown()).toEqual({ amount: '50.00', currency: 'USD' });
});

test('links: own ones only, below the allowed hosts; what staff switched off stays off', async () => {
  const make = (body: Readonly<Record<string, unknown>>) => ada.call('/v1/me/links', { body: { programId, ...body } });
  const evil = await make({ destinationUrl: 'https://evil.example/' });
  expect([evil.status, evil.body['code']]).toEqual([422, 'url_not_allowed']);
  const forOther = await make({ affiliateId: other.affiliateId });
  expect(forOther.body['errors'][0]).toMatchObject({ pointer: '#/affiliateId', code: 'unknown_field' });
  const made = await make({ destinationUrl: 'https://shop.example/blue', slug: 'ada-blue' });
  expect(made.status, made.text).toBe(201);
  expect(made.body).toMatchObject({ affiliateId: ada.affiliateId, slug: 'ada-blue', allowedActions: ['disable'] });
  const id: string = made.body['id'];
  const edited = await ada.call(`/v1/me/links/${id}`, { method: 'PATCH', body: { campaign: 'May' } });
  expect(edited.body).toMatchObject({ campaign: 'May', version: 2 });
  expect((await other.call(`/v1/me/links/${id}`)).status).toBe(404);
  expect((await other.call(`/v1/me/links/${id}/disable`, { body: {} })).status).toBe(404);

  const off = await ada.call(`/v1/me/links/${id}/disable`, { body: {} });
  expect(off.body).toMatchObject({ status: 'disabled', allowedActions: ['enable'] });
  expect((await ada.call(`/v1/me/links/${id}/enable`, { body: {} })).body['status']).toBe('active');
  await world.as(`/v1/links/${id}/disable`, { reason: 'Wrong page' });
  const stays = await ada.call(`/v1/me/links/${id}/enable`, { body: {} });
  expect([stays.status, stays.body['code']]).toEqual([409, 'transition_not_allowed']);
  expect((await ada.call('/v1/me/links?q=ada-blue')).text).not.toContain('Wrong page');
});

test('a payout method is confirmed by the mail to the address known before, once', async () => {
  const body = { type: 'bank', currency: 'USD', details: { holder: 'Ada', iban: 'DE89370400440532013000' } };
  const added = await ada.call('/v1/me/payout-methods', { body });
  expect(added.status, added.text).toBe(201);
  expect(added.body).toMatchObject({ object: 'own_payout_method', masked: 'DE89 …3000', status: 'unverified' });
  const id: string = added.body['id'];
  const email = (await ada.call('/v1/me/profile')).body['email'];
  const [mail] = await mailsTo(world, email);
  expect(mail?.body).not.toContain('DE89');
  const token = new URL(mail?.links[0] ?? '').searchParams.get('token') ?? '';

  const verify = (portal: Portal, text: string) =>
    portal.call(`/v1/me/payout-methods/${id}/verify`, { body: { token: text } });
  const forged = await verify(ada, `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`);
  expect([forged.status, forged.body['code']]).toEqual([410, 'token_used_or_expired']);
  expect((await verify(other, token)).status).toBe(404);
  const confirmed = await verify(ada, token);
  expect([confirmed.status, confirmed.body['status']], confirmed.text).toEqual([200, 'active']);
  expect((await verify(ada, token)).status).toBe(410);

  // Another one for that currency waits for the cooling time, and the list says what may be added.
  const next = await ada.call('/v1/me/payout-methods', {
    body: { type: 'paypal', currency: 'USD', details: { email: 'ada@blog.example' } },
  });
  const [nextMail] = await mailsTo(world, email);
  const nextToken = new URL(nextMail?.links[0] ?? '').searchParams.get('token') ?? '';
  const cooled = await ada.call(`/v1/me/payout-methods/${next.body['id']}/verify`, { body: { token: nextToken } });
  expect(cooled.body['status']).toBe('cooling');
  const list = await ada.call('/v1/me/payout-methods');
  expect(itemsOf(list.body['types']).map((one) => one['type'])).toContain('bank');
  expect((await ada.call(`/v1/me/payout-methods/${next.body['id']}`, { method: 'DELETE' })).status).toBe(204);
  expect((await ada.call(`/v1/me/payout-methods/${next.body['id']}`)).status).toBe(404);
});

test('drafts are hidden, a pending payout is not, and only the own one', async () => {
  await world.owner('payouts').insert(
    (['draft', 'pending'] as const).map((status, index) => ({
      workspace_id: world.ws.id,
      id: newId('payout'),
      mode: 'live',
      affiliate_id: ada.affiliateId,
      currency: 'USD',
      amount_minor: 1000 + index,
      status,
      method_type: 'bank',
      execution: 'manual',
      gateway: 'manual',
      created_by_type: 'system',
    })),
  );
  const list = await ada.call('/v1/me/payouts');
  expect(itemsOf(list.body['data'])).toMatchObject([{ status: 'pending', amount: { amount: '10.01' } }]);
  const id = itemsOf(list.body['data'])[0]?.['id'];
  expect((await ada.call(`/v1/me/payouts/${id}`)).body).toMatchObject({ id, lines: [] });
  expect((await other.call(`/v1/me/payouts/${id}`)).status).toBe(404);
  const draft = await world.owner('payouts').where({ status: 'draft' }).first<{ id: string }>('id');
  expect((await ada.call(`/v1/me/payouts/${draft.id}`)).status).toBe(404);
});

test('the profile changes what is the affiliate’s to change, under its version', async () => {
  const before = await ada.call('/v1/me/profile');
  const patch = (body: Readonly<Record<string, unknown>>, headers = {}) =>
    ada.call('/v1/me/profile', { method: 'PATCH', body, headers });
  expect((await patch({ status: 'approved' })).status).toBe(422);
  expect((await patch({ email: 'new@blog.example' })).status).toBe(422);
  expect((await patch({ timeZone: 'Mars/Base' })).status).toBe(422);
  const changed = await patch({ timeZone: 'Europe/Warsaw' }, { 'If-Match': `"${before.body['version']}"` });
  expect(changed.body, changed.text).toMatchObject({ timeZone: 'Europe/Warsaw', object: 'profile' });
  expect((await patch({ company: 'X' }, { 'If-Match': `"${before.body['version']}"` })).status).toBe(412);
});

test('suspended: everything can be read, nothing changed; staff have no business here; off means off', async () => {
  expect((await world.as('/v1/me/home')).body['code']).toBe('wrong_audience');
  await world.as(`/v1/affiliates/${other.affiliateId}/suspend`, { reason: 'Look into it' });
  for (const path of ['home', 'profile', 'programs', 'links', 'referrals', 'commissions', 'balances', 'payouts']) {
    expect((await other.call(`/v1/me/${path}`)).status, path).toBe(200);
  }
  expect((await other.call('/v1/me/profile')).text).not.toContain('Look into it');
  const refused = await other.call('/v1/me/links', { body: { programId } });
  expect([refused.status, refused.body['code']]).toEqual([403, 'affiliate_not_active']);
  await saveSettings(world.api, world.ws, { affiliates: { portalEnabled: false } });
  const off = await ada.call('/v1/me/home');
  expect([off.status, off.body['code'], off.body['capability']]).toEqual([403, 'not_enabled', 'portal']);
  await saveSettings(world.api, world.ws, { affiliates: { portalEnabled: true } });
});

test('an affiliate makes, uses and ends its own key; it reaches nothing of others and makes no further keys (BEY-22)', async () => {
  await world.owner('sessions').update({ stepped_up_at: new Date() });
  const made = await ada.call('/v1/me/api-keys', { body: { name: 'My tracker', mayWrite: true } });
  expect(made, made.text).toMatchObject({
    status: 201,
    body: {
      name: 'My tracker',
      affiliateId: ada.affiliateId,
      permissions: ['me.read', 'me.write', 'lead.read', 'lead.write'],
      state: 'active',
    },
  });
  const reader = await ada.call('/v1/me/api-keys', { body: { name: 'Reader' } });
  const key = String(made.body['secret']);
  for (const name of ['links', 'lead-log', 'referrals', 'commissions', 'payouts'])
    expect((await world.api.as(key, `/v1/me/${name}`)).status, name).toBe(200);
  const link = (secret: unknown, slug: string) =>
    world.api.as(String(secret), '/v1/me/links', { body: { programId, slug } });
  expect(await link(key, 'own-key-link')).toMatchObject({ status: 201, body: { affiliateId: ada.affiliateId } });
  expect((await link(reader.body['secret'], 'own-key-none')).status).toBe(403);
  expect((await world.api.as(key, '/v1/affiliates')).status).toBe(403);

  const lead = (secret: unknown, email: string) =>
    world.api.as(String(secret), '/v1/leads', {
      body: { programId, externalId: `own-${email}`, email, event: 'enquiry' },
    });
  const sent = await lead(key, 'sent@buyer.example');
  expect(sent, sent.text).toMatchObject({ status: 202, body: { processedAt: null } });
  await world.settle();
  const leadPath = `/v1/leads/${String(sent.body['id'])}`;
  expect(await world.api.as(key, leadPath)).toMatchObject({
    status: 200,
    body: { verdict: 'accepted', channel: 'api', attribution: { affiliateId: ada.affiliateId } },
  });
  expect((await ada.call('/v1/me/lead-log')).text).toContain(String(sent.body['id']));
  expect((await other.call('/v1/me/lead-log')).text).not.toContain(String(sent.body['id']));
  // Without the tick it sends none, and a right of the staff opens no page to a portal session.
  expect(await lead(reader.body['secret'], 'none@buyer.example')).toMatchObject({
    status: 403,
    body: { code: 'permission_missing' },
  });
  expect(await ada.call('/v1/leads')).toMatchObject({ status: 403, body: { code: 'wrong_audience' } });
  expect((await world.api.as(key, `${leadPath}/invalidate`, { body: { reasonCode: 'spam' } })).status).toBe(403);
  expect(await world.api.as(key, '/v1/me/api-keys', { body: { name: 'More' } })).toMatchObject({
    status: 403,
    body: { code: 'permission_missing' },
  });
  const names = async (portal: Portal) =>
    itemsOf((await portal.call('/v1/me/api-keys?sort=name')).body['data']).map((one) => one['name']);
  expect([await names(ada), await names(other)]).toEqual([['My tracker', 'Reader'], []]);
  const path = `/v1/me/api-keys/${String(made.body['id'])}/revoke`;
  expect((await other.call(path, { method: 'POST' })).status).toBe(404);
  expect(await ada.call(path, { method: 'POST' })).toMatchObject({ status: 200, body: { state: 'revoked' } });
  expect(await world.api.as(key, '/v1/me/links')).toMatchObject({ status: 403, body: { code: 'api_user_revoked' } });
});

test('a key that staff made for an affiliate loses its rights over leads with its maker’s roles (BEY-22, LED-08)', async () => {
  const permissions = ['me.read', 'lead.read', 'lead.write'];
  const made = await world.as('/v1/api-keys', { name: 'Bound', permissions, affiliateId: ada.affiliateId });
  expect(made, made.text).toMatchObject({ status: 201 });
  const read = async () => (await world.api.as(String(made.body['secret']), '/v1/leads')).status;
  expect(await read()).toBe(200);
  const maker = { id: String(made.body['createdBy']) };
  const { role_ids, is_instance_admin } = await world
    .owner('users')
    .where(maker)
    .first<{ role_ids: string[]; is_instance_admin: boolean }>('role_ids', 'is_instance_admin');
  await world.owner('users').where(maker).update({ role_ids: [], is_instance_admin: false });
  try {
    expect(await read()).toBe(403);
  } finally {
    await world.owner('users').where(maker).update({ role_ids, is_instance_admin });
  }
});
