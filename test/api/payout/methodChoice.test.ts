import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf } from '../support.js';
import { saveSettings } from '../program/support.js';

// PAY-06: who says how an affiliate is paid. PRG-22: the master switch stops tracking and leaves finance alone.

const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
let programId: string;
let affiliateId: string;
let portal: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  affiliateId = await world.affiliate(programId, { minimumPayout: [usd('1.00')] });
  await world.owner('agreements').update({ must_accept: false });
  portal = (await world.api.makePerson(world.ws, [], { affiliateId, permissions: ['me.read', 'me.write'] })).key;
}, 60_000);
afterAll(() => world?.close());

const offered = async (): Promise<readonly unknown[]> =>
  itemsOf((await world.api.as(portal, '/v1/me/payout-methods')).body['types']).map((one) => one['type']);
const add = () =>
  world.api.as(portal, '/v1/me/payout-methods', {
    body: { type: 'paypal', currency: 'USD', details: { email: 'ada@pay.example' } },
  });

test('PAY-06: the affiliate chooses among the allowed methods; fixed by the workspace, no choice is shown and none is taken', async () => {
  await saveSettings(world.api, world.ws, { payouts: { methodTypes: ['paypal', 'bank'], methodChoice: 'affiliate' } });
  expect(await offered()).toEqual(['bank', 'paypal']);
  expect((await add()).status).toBe(201);
  // Its group may leave less: what is not offered is refused.
  const banks = await world.as('/v1/groups', { name: 'Banks only', payoutMethodTypes: ['bank'] });
  expect(banks.status, banks.text).toBe(201);
  await world.owner('affiliates').where({ id: affiliateId }).update({ group_id: banks.body['id'] });
  expect(await offered()).toEqual(['bank']);
  expect((await add()).body['code']).toBe('not_enabled');
  await world.owner('affiliates').where({ id: affiliateId }).update({ group_id: null });
  await saveSettings(world.api, world.ws, { payouts: { methodChoice: 'fixed' } });
  expect(await offered()).toEqual([]);
  const refused = await add();
  expect([refused.status, refused.body['code']]).toEqual([403, 'not_enabled']);
  const byStaff = await world.as(`/v1/affiliates/${affiliateId}/payout-methods`, {
    type: 'paypal',
    currency: 'USD',
    details: { email: 'ada2@pay.example' },
  });
  expect(byStaff.status, byStaff.text).toBe(201);
});

test('PRG-22: switched off, links credit nobody and money can still be approved and drafted; on again, all is back', async () => {
  const bonus = await world.as('/v1/commissions', {
    affiliateId,
    programId,
    kind: 'bonus',
    amount: usd('9.00'),
    reason: 'x',
    skipHold: true,
  });
  await saveSettings(world.api, world.ws, { general: { moduleEnabled: false } });
  const [link] = itemsOf((await world.as(`/v1/links?affiliateId=${affiliateId}`)).body['data']);
  expect(link).toMatchObject({ credits: false, creditCode: 'tracking_off' });
  const { slug } = (await world.as(`/v1/programs/${programId}`)).body;
  const form = await world.api.as(null, `/apply/${slug}`, { headers: { Accept: 'application/json' } });
  expect([form.status, form.body['open']], form.text).toEqual([200, false]);
  const apply = () =>
    world.api.as(null, `/apply/${slug}`, {
      body: { name: 'Late', email: 'late@blog.example', agreementId: form.body['terms']?.['id'], acceptTerms: true },
    });
  const refused = await apply();
  expect([refused.status, refused.body['code'], refused.body['capability']], refused.text).toEqual([
    403,
    'not_enabled',
    'module',
  ]);
  expect(await world.owner('affiliates').where({ email: 'late@blog.example' })).toEqual([]);
  expect((await world.as(`/v1/commissions/${bonus.body['id']}/approve`, {})).status).toBe(200);
  await world.owner('payout_methods').where({ affiliate_id: affiliateId }).update({ status: 'active' });
  expect((await world.as('/v1/payouts', { affiliateId, currency: 'USD' })).status).toBe(201);
  await saveSettings(world.api, world.ws, { general: { moduleEnabled: true } });
  expect(itemsOf((await world.as(`/v1/links?affiliateId=${affiliateId}`)).body['data'])[0]).toMatchObject({
    credits: true,
    creditCode: null,
  });
  expect((await apply()).status).toBe(202);
});
