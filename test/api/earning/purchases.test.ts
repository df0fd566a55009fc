import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { itemsOf } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// PRG-05, PRG-06 and PRG-14: what an affiliate sees of the purchases of whom it brought, as its program says.

const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
let programId: string;
let starter: string;
let referralId: string;
let portal: string;
let customer: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  starter = itemsOf((await world.as(`/v1/programs/${programId}/products`)).body['data'])[0]?.['productId'] ?? '';
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  const affiliateId = await world.affiliate(programId);
  await world.owner('agreements').update({ must_accept: false });
  portal = (await world.api.makePerson(world.ws, [], { affiliateId, permissions: ['me.read'] })).key;
  const clickId = await world.click({ programId, affiliateId });
  customer = newId('contact');
  await world.as('/v1/leads', {
    externalId: customer,
    clickId,
    email: 'jo@buyer.example',
    customerExternalId: customer,
  });
  await world.settle();
  const sale = await sell('49.99');
  referralId = sale['referralId'];
  await sell('10.00', { status: 'declined' });
  await world.as('/v1/products', { name: 'Poster', sku: 'poster' });
  await sell('7.00', { product: 'poster' });
}, 60_000);
afterAll(() => world?.close());

function sell(amount: string, body: Readonly<Record<string, unknown>> = {}) {
  return world.sale({
    externalId: newId('sale'),
    customer: { externalId: customer },
    product: starter,
    amount: usd(amount),
    ...body,
  });
}

const seen = async (): Promise<readonly unknown[]> => {
  const answer = await world.api.as(portal, `/v1/me/referrals/${referralId}`);
  expect(answer.status, answer.text).toBe(200);
  return itemsOf(answer.body['purchases']).map((one) => [
    one['status'],
    one['amount']['amount'],
    one['commission']['amount'],
    one['code'],
  ]);
};
async function change(body: Readonly<Record<string, unknown>>): Promise<void> {
  const { version } = (await world.as(`/v1/programs/${programId}`)).body;
  const changed = await world.api.as(world.ws.key, `/v1/programs/${programId}`, {
    method: 'PATCH',
    body,
    headers: { 'If-Match': `"${version}"` },
  });
  expect(changed.status, changed.text).toBe(200);
}

const earning = ['succeeded', '49.99', '10.00', null];

test('PRG-05: a failed charge is shown as declined with zero commission only where the program says so', async () => {
  expect(await seen()).toEqual([earning]);
  await change({ showDeclinedCharges: true });
  expect(await seen()).toEqual(expect.arrayContaining([earning, ['declined', '10.00', '0.00', expect.anything()]]));
  expect(await seen()).toHaveLength(2);
  await change({ showDeclinedCharges: false });
  expect(await seen()).toEqual([earning]);
});

test('PRG-06: the whole history shows what earned nothing too, and still no failed charge', async () => {
  await change({ showPurchaseHistory: true });
  const all = await seen();
  expect(all).toHaveLength(2);
  expect(all).toEqual(expect.arrayContaining([earning, ['succeeded', '7.00', '0.00', 'not_commissionable']]));
  await change({ showPurchaseHistory: false });
  expect(await seen()).toEqual([earning]);
});

test('PRG-14: a product taken out of the program earns nothing from then on; what was earned keeps amount and rule', async () => {
  const before = await world.commissions(`programId=${programId}`);
  expect((await world.as(`/v1/programs/${programId}/products/${starter}`, undefined, 'DELETE')).status).toBe(204);
  const later = await sell('49.99');
  expect(later).toMatchObject({ noCommissionCode: 'not_commissionable', commissionIds: [] });
  expect(await world.commissions(`programId=${programId}`)).toEqual(before);
  const again = await world.as(`/v1/programs/${programId}/products`, { productId: starter });
  expect(again.status, again.text).toBe(201);
  expect((await world.as(`/v1/programs/${programId}/products/${starter}`, { active: false }, 'PATCH')).status).toBe(
    200,
  );
  expect(await sell('49.99')).toMatchObject({ noCommissionCode: 'not_commissionable' });
  expect(await world.commissions(`programId=${programId}`)).toEqual(before);
});
