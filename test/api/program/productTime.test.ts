import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { eventually } from '../../support/eventually.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';

// PRG-14, PRG-21: a product that leaves a program rewrites nothing of the time when it was in it, whenever that is told, judged or simulated.

vi.setConfig({ testTimeout: 120_000 });

const usd = (amount: string) => ({ amount, currency: 'USD' });
const ten = [{ level: 1, kind: 'percent', ratePpm: 100_000 }];

let world: EarningWorld;
beforeAll(async () => {
  world = await createEarningWorld();
}, 60_000);
afterAll(() => world?.close());

interface Shop {
  readonly programId: string;
  readonly affiliateId: string;
  readonly starter: string;
  readonly poster: string;
}

/** A program with one product of two; the other is not in it yet. */
async function shop(program: Readonly<Record<string, unknown>> = {}, event = 'payment'): Promise<Shop> {
  const programId = await world.program(program);
  const rule = await world.rule({ scope: 'program', programId, event, levels: ten });
  expect(rule.status, rule.text).toBe(201);
  const [first] = itemsOf((await world.as(`/v1/programs/${programId}/products`)).body['data']);
  const poster = await world.as('/v1/products', { name: 'Poster', sku: newId('product') });
  return {
    programId,
    affiliateId: await world.affiliate(programId),
    starter: String(first?.['productId']),
    poster: String(poster.body['id']),
  };
}
async function attach(at: Shop, productId: string): Promise<void> {
  const answer = await world.as(`/v1/programs/${at.programId}/products`, { productId });
  expect(answer.status, answer.text).toBe(201);
}
async function detach(at: Shop, productId: string): Promise<void> {
  expect((await world.as(`/v1/programs/${at.programId}/products/${productId}`, undefined, 'DELETE')).status).toBe(204);
}
async function turn(at: Shop, productId: string, active: boolean): Promise<void> {
  const path = `/v1/programs/${at.programId}/products/${productId}`;
  expect((await world.as(path, { active }, 'PATCH')).status).toBe(200);
}

/** One customer, who came by the affiliate's link. */
async function customerOf(at: Shop) {
  const externalId = newId('contact');
  const customer = { externalId, email: `${externalId}@buyer.example` };
  let clickId: string | undefined = await world.click(at);
  return async (product: string, body: Readonly<Record<string, unknown>> = {}): Promise<Json> => {
    const by = clickId === undefined ? {} : { clickId };
    clickId = undefined;
    return world.sale({ externalId: newId('sale'), customer, product, amount: usd('100.00'), ...by, ...body });
  };
}
const linesOf = async (saleId: unknown): Promise<unknown> =>
  (await world.commissions(`saleId=${String(saleId)}`)).map((line) => [line['status'], line['amount']['amount']]);
const outcome = async (sale: Json): Promise<unknown> => sale['noCommissionCode'] ?? linesOf(sale['id']);
const earned = [['pending', '10.00']];
/** A moment that is over. */
async function moment(): Promise<string> {
  const now = new Date();
  await eventually(() => Promise.resolve(Date.now() > now.getTime()));
  return now.toISOString();
}
async function simulated(at: Shop): Promise<unknown> {
  const today = new Date().toISOString().slice(0, 10);
  const { body, text } = await world.as('/v1/commission-rules/simulate', {
    programIds: [at.programId],
    from: today,
    to: today,
  });
  expect(body['actual'], text).toBeDefined();
  return [body['sales'], body['actual'], body['simulated']];
}

test('PRG-14: a sale from before its product was taken out earns, whenever it is told; one from after earns nothing', async () => {
  for (const takeOut of [detach, (at: Shop, id: string) => turn(at, id, false)]) {
    const at = await shop();
    const buy = await customerOf(at);
    expect(await outcome(await buy(at.starter))).toEqual(earned);
    const before = await moment();
    await attach(at, at.poster);
    await takeOut(at, at.starter);
    expect(await outcome(await buy(at.starter))).toBe('not_commissionable');
    expect(await outcome(await buy(at.starter, { occurredAt: before }))).toEqual(earned);
    expect(await simulated(at)).toEqual([3, [usd('20.00')], [usd('20.00')]]);
  }
});

test('PRG-14: a sale that is confirmed with another amount after its product was taken out keeps its commission', async () => {
  const at = await shop();
  const pixel = await (await customerOf(at))(at.starter);
  await world.owner('sales').where({ id: pixel['id'] }).update({ in_review: true });
  await detach(at, at.starter);
  const confirmed = await world.settled(world.as(`/v1/sales/${pixel['id']}/confirm`, { amount: usd('90.00') }));
  expect(confirmed.status, confirmed.text).toBe(200);
  await world.settle();
  expect(await linesOf(pixel['id'])).toEqual([
    ['rejected', '10.00'],
    ['pending', '9.00'],
  ]);
  expect(await world.broken()).toEqual([]);
});

test('PRG-14: a sale that nobody was credited for is given to somebody by what its programs had then', async () => {
  const at = await shop();
  const externalId = newId('contact');
  const customer = { externalId, email: `${externalId}@buyer.example` };
  const body = { customer, product: at.starter, amount: usd('100.00') };
  const before = await world.sale({ externalId: newId('sale'), ...body });
  await moment();
  await detach(at, at.starter);
  const after = await world.sale({ externalId: newId('sale'), ...body });
  const give = (sale: Json) => world.as(`/v1/sales/${String(sale['id'])}/attribute`, { affiliateId: at.affiliateId });
  expect((await give(after)).status).toBe(422);
  const given = await give(before);
  expect(given.status, given.text).toBe(200);
  await world.settle();
  expect(await linesOf(before['id'])).toEqual(earned);
});

test('PRG-21: a first payment stays the first one when its product leaves the program', async () => {
  for (const [program, event] of [
    [{ acquisitionModel: 'cpa' }, 'payment'],
    [{}, 'first_payment'],
  ] as const) {
    const at = await shop(program, event);
    await attach(at, at.poster);
    const buy = await customerOf(at);
    expect(await outcome(await buy(at.starter))).toEqual(earned);
    await detach(at, at.starter);
    expect(await outcome(await buy(at.poster))).toBe('not_first_payment');
    expect(await simulated(at)).toEqual([2, [usd('10.00')], [usd('10.00')]]);
  }
});

test('PRG-21: a payment for what is not of the program is no first payment, in the books and in a simulation', async () => {
  const at = await shop({ acquisitionModel: 'cpa' });
  const buy = await customerOf(at);
  expect(await outcome(await buy(at.poster))).toBe('not_commissionable');
  expect(await outcome(await buy(at.starter))).toEqual(earned);
  expect(await outcome(await buy(at.starter))).toBe('not_first_payment');
  expect(await simulated(at)).toEqual([3, [usd('10.00')], [usd('10.00')]]);
});

test('BEY-02: what was sold before its product came into the program is simulated as it was booked', async () => {
  const at = await shop();
  const buy = await customerOf(at);
  expect(await outcome(await buy(at.starter))).toEqual(earned);
  expect(await outcome(await buy(at.poster))).toBe('not_commissionable');
  await moment();
  await attach(at, at.poster);
  await turn(at, at.poster, false);
  expect(await outcome(await buy(at.poster))).toBe('not_commissionable');
  await turn(at, at.poster, true);
  expect(await outcome(await buy(at.poster))).toEqual(earned);
  expect(await simulated(at)).toEqual([4, [usd('20.00')], [usd('20.00')]]);
});

test('PRG-21: a payment that nobody was credited for was the first one all the same, in a simulation too', async () => {
  const at = await shop({ acquisitionModel: 'cpa' });
  const externalId = newId('contact');
  const customer = { externalId, email: `${externalId}@buyer.example` };
  const nobodys = await world.sale({
    externalId: newId('sale'),
    customer,
    product: at.starter,
    amount: usd('100.00'),
  });
  expect(nobodys['attribution']).toMatchObject({ status: 'unattributed' });
  const later = await world.sale({
    externalId: newId('sale'),
    customer,
    product: at.starter,
    amount: usd('100.00'),
    clickId: await world.click(at),
  });
  expect(await outcome(later)).toBe('not_first_payment');
  expect(await simulated(at)).toEqual([1, [], []]);
});

test('PRG-14: a draft whose product came and went is deleted with what was kept of it', async () => {
  const draft = await world.as('/v1/programs', { name: `Draft ${newId('program').slice(-6)}`, currency: 'USD' });
  const product = await world.as('/v1/products', { name: 'Gone', sku: newId('product') });
  const at = { programId: String(draft.body['id']), affiliateId: '', starter: '', poster: '' };
  await attach(at, String(product.body['id']));
  await turn(at, String(product.body['id']), false);
  await detach(at, String(product.body['id']));
  const kept = () => world.owner('program_product_removals').where({ program_id: at.programId });
  expect(await kept()).toHaveLength(1);
  const gone = await world.as(`/v1/programs/${at.programId}`, undefined, 'DELETE');
  expect(gone.status, gone.text).toBe(204);
  expect(await kept()).toEqual([]);
});
