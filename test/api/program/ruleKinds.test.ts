import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';

// Every measure of a band, every scope of a cap and every kind of event over the real books (api.md 6.2, RUL-16, BEY-25), and the present plan
// simulated beside them: it comes out as it was booked (BEY-02).

vi.setConfig({ testTimeout: 120_000 });

const usd = (amount: string) => ({ amount, currency: 'USD' });
const percent = (ratePpm: number, level = 1) => ({ level, kind: 'percent', ratePpm });
const row = (from: string, ratePpm: number) => ({ from, kind: 'percent', ratePpm });
/** Noon of yesterday: no deal stands beside the end of a month. */
const noon = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 43_200_000;
const longAgo = new Date(noon - 1_000 * 86_400_000).toISOString();

let world: EarningWorld;
beforeAll(async () => {
  world = await createEarningWorld();
}, 60_000);
afterAll(() => world?.close());

type Body = Readonly<Record<string, unknown>>;
interface Deal {
  /** Which affiliate, from 0. */
  readonly by?: number;
  readonly customer?: string;
  readonly amount?: string;
  readonly daysAgo?: number;
  readonly body?: Body;
}
/** Amounts by level, joined, or the code. */
type Outcome = string;

interface Case {
  readonly rules: readonly Body[];
  readonly program?: Body;
  /** How many affiliates; the second recruits the first where the program has two levels. */
  readonly people?: number;
  /** Who is in a group together. */
  readonly groups?: readonly (readonly number[])[];
  readonly deals: readonly (readonly [Deal, Outcome])[];
  /** What adjustments came to. */
  readonly raises?: readonly string[];
}

const subscription = (externalId: string, paymentNumber?: number) => ({
  subscription: { externalId, ...(paymentNumber === undefined ? {} : { paymentNumber }) },
});
const cases: Readonly<Record<string, Case>> = {
  'a cap for an affiliate and customer': {
    rules: [{ cap: { amount: usd('15.00'), scope: 'affiliate_customer', period: 'lifetime' } }],
    deals: [
      [{ customer: 'x' }, '10.00'],
      [{ customer: 'x' }, '5.00 cap_partial'],
      [{ customer: 'x' }, 'cap_reached'],
      [{ customer: 'y' }, '10.00'],
    ],
  },
  'a cap of the program in a month': {
    people: 2,
    rules: [{ cap: { amount: usd('15.00'), scope: 'program', period: 'month' } }],
    deals: [
      [{ daysAgo: 40 }, '10.00'],
      [{}, '10.00'],
      [{ by: 1 }, '5.00 cap_partial'],
      [{}, 'cap_reached'],
    ],
  },
  'a cap of a group': {
    people: 4,
    groups: [[0, 1], [2]],
    rules: [{ cap: { amount: usd('15.00'), scope: 'group', period: 'lifetime' } }],
    deals: [
      [{}, '10.00'],
      [{ by: 1 }, '5.00 cap_partial'],
      [{}, 'cap_reached'],
      [{ by: 2 }, '10.00'],
      [{ by: 3 }, '10.00'],
    ],
  },
  'a cap of one commission': {
    rules: [{ cap: { amount: usd('8.00'), period: 'commission' } }],
    deals: [
      [{}, '8.00 cap_partial'],
      [{ amount: '80.00' }, '8.00'],
      [{ amount: '50.00' }, '5.00'],
    ],
  },
  'a cap that level 1 takes from level 2': {
    people: 2,
    program: { levels: 2 },
    rules: [
      {
        levels: [percent(100_000), percent(80_000, 2)],
        cap: { amount: usd('15.00'), scope: 'program', period: 'lifetime' },
      },
    ],
    deals: [
      [{}, '10.00 5.00 cap_partial'],
      [{}, 'cap_reached'],
    ],
  },
  'bands by the number of the payment': {
    rules: [{ bands: { by: 'payment_number', rows: [row('0', 300_000), row('2', 100_000), row('4', 50_000)] } }],
    deals: [
      [{ customer: 'x', body: subscription('s-1', 1) }, '30.00'],
      [{ customer: 'x', body: subscription('s-1') }, '10.00'],
      [{ customer: 'x', body: subscription('s-1') }, '10.00'],
      [{ customer: 'x', body: subscription('s-1', 4) }, '5.00'],
      [{ customer: 'y' }, '30.00'],
      [{ customer: 'y' }, '10.00'],
    ],
  },
  'bands by the size of a sale': {
    rules: [{ bands: { by: 'sale_size', rows: [row('0', 100_000), row('50.00', 200_000)] } }],
    deals: [
      [{ amount: '49.99' }, '5.00'],
      [{ amount: '50.00' }, '10.00'],
      [{ amount: '100.00' }, '20.00'],
    ],
  },
  'slices of a sale by its size': {
    rules: [{ bands: { by: 'sale_size', mode: 'marginal', rows: [row('0', 100_000), row('50.00', 200_000)] } }],
    deals: [
      [{ amount: '50.00' }, '5.00'],
      [{ amount: '100.00' }, '15.00'],
    ],
  },
  'bands by months since the first commission': {
    rules: [{ bands: { by: 'months_since_first_commission', rows: [row('0', 300_000), row('1', 100_000)] } }],
    deals: [
      [{ customer: 'x', daysAgo: 40 }, '30.00'],
      [{ customer: 'x', daysAgo: 30 }, '30.00'],
      [{ customer: 'x', daysAgo: 2 }, '10.00'],
      [{ customer: 'y' }, '30.00'],
    ],
  },
  'a whole band by the amount sold in a quarter': {
    rules: [
      {
        bands: {
          by: 'sales_amount',
          period: 'quarter',
          mode: 'whole',
          rows: [row('0', 100_000), row('150.00', 200_000)],
        },
      },
    ],
    deals: [
      [{ daysAgo: 100 }, '10.00'],
      [{}, '10.00'],
      [{}, '20.00'],
      [{}, '20.00'],
    ],
    raises: ['10.00'],
  },
  'slices by the amount sold in a year': {
    rules: [{ bands: { by: 'sales_amount', period: 'year', rows: [row('0', 100_000), row('150.00', 200_000)] } }],
    deals: [
      [{ daysAgo: 380 }, '10.00'],
      [{}, '10.00'],
      [{}, '15.00'],
      [{}, '20.00'],
    ],
  },
  'bands of level 2 count what the recruiter was paid for': {
    people: 2,
    program: { levels: 2 },
    rules: [
      {
        levels: [percent(100_000), percent(50_000, 2)],
        bands: { level: 2, by: 'sales_count', rows: [row('0', 50_000), row('2', 80_000)] },
      },
    ],
    deals: [
      [{}, '10.00 5.00'],
      [{ by: 1 }, '10.00'],
      [{}, '10.00 8.00'],
    ],
  },
  'a level 2 that takes a share of level 1': {
    people: 2,
    program: { levels: 2 },
    rules: [{ levels: [percent(100_000), { ...percent(333_333, 2), of: 'lower_level' }] }],
    deals: [
      [{ amount: '0.30' }, '0.03 0.01'],
      [{ amount: '33.35' }, '3.34 1.11'],
    ],
  },
  'a kind of transaction of its own': {
    rules: [
      { event: 'transaction', transactionType: 'upgrade', levels: [{ level: 1, kind: 'flat', amount: usd('5.00') }] },
      { event: 'transaction', transactionType: 'top-up', levels: [percent(10_000)] },
    ],
    deals: [
      [{ body: { type: 'transaction', transactionType: 'upgrade' } }, '5.00'],
      [{ body: { type: 'transaction', transactionType: 'top-up' } }, '1.00'],
      [{ body: { type: 'transaction', transactionType: 'other' } }, 'not_commissionable'],
      [{}, 'not_commissionable'],
    ],
  },
  'the first payment by one rule, the next by another': {
    rules: [{ event: 'first_payment', levels: [{ level: 1, kind: 'flat', amount: usd('50.00') }] }, {}],
    deals: [
      [{ customer: 'x' }, '50.00'],
      [{ customer: 'x' }, '10.00'],
      [{ customer: 'y' }, '50.00'],
    ],
  },
  'a smallest amount that earns': {
    rules: [{ minimumBase: usd('20.00') }],
    deals: [
      [{ amount: '19.99' }, 'not_commissionable'],
      [{ amount: '20.00' }, '2.00'],
      [{ amount: '24.00', body: { tax: usd('4.01') } }, 'not_commissionable'],
    ],
  },
  'months of a limit': {
    rules: [{ limits: { maxMonths: 1, maxPayments: null } }],
    deals: [
      [{ customer: 'x', daysAgo: 40 }, '10.00'],
      [{ customer: 'x', daysAgo: 20 }, '10.00'],
      [{ customer: 'x', daysAgo: 1 }, 'limit_months'],
      [{ customer: 'y' }, '10.00'],
    ],
  },
};

async function set(one: Case) {
  const programId = await world.program(one.program);
  const affiliates: string[] = [];
  for (let index = (one.people ?? 1) - 1; index >= 0; index -= 1)
    affiliates.unshift(
      await world.affiliate(
        programId,
        one.program?.['levels'] === 2 && affiliates.length > 0 ? { recruiterId: affiliates[0] } : {},
      ),
    );
  for (const rule of one.rules) {
    const made = await world.rule({
      scope: 'program',
      programId,
      event: 'payment',
      levels: [percent(100_000)],
      ...rule,
    });
    expect(made.status, made.text).toBe(201);
    await world
      .owner('commission_rule_versions')
      .where({ rule_id: made.body['id'] })
      .update({ effective_from: longAgo });
  }
  for (const members of one.groups ?? []) {
    const group = await world.as('/v1/groups', { name: `Group ${newId('group').slice(-6)}` });
    for (const index of members)
      await world.owner('affiliates').where({ id: affiliates[index] }).update({ group_id: group.body['id'] });
  }
  await world.owner('enrolments').where({ program_id: programId }).update({ joined_at: longAgo });
  await world.owner('program_products').where({ program_id: programId }).update({ created_at: longAgo });
  return { programId, affiliates };
}

test.each(Object.entries(cases))('%s: the books, and the present plan simulated as they are', async (_name, one) => {
  const { programId, affiliates } = await set(one);
  const brought = new Set<string>();
  const prefix = newId('contact');
  const got: Outcome[] = [];
  for (const [index, [deal]] of one.deals.entries()) {
    const at = new Date(noon - (deal.daysAgo ?? 0) * 86_400_000 + index * 1_000);
    const customerId = `${prefix}-${deal.customer ?? index}`;
    const customer = { externalId: customerId, email: `${customerId}@buyer.example` };
    let click: Body = {};
    if (!brought.has(customerId)) {
      const clickId = await world.click({ programId, affiliateId: affiliates[deal.by ?? 0] ?? '' });
      await world
        .owner('clicks')
        .where({ id: clickId })
        .update({ created_at: new Date(at.getTime() - 3_600_000) });
      click = { clickId };
      brought.add(customerId);
    }
    const body = JSON.parse(JSON.stringify(deal.body ?? {}).replaceAll('"s-1"', `"${prefix}-s"`)) as Body;
    const sale = await world.sale({
      externalId: newId('sale'),
      customer,
      programId,
      amount: usd(deal.amount ?? '100.00'),
      occurredAt: at.toISOString(),
      ...click,
      ...body,
    });
    const lines = (await world.commissions(`saleId=${sale['id']}`)).filter((line) => line['kind'] === 'earned');
    const ofLevels = lines.toSorted((a, b) => Number(a['level']) - Number(b['level']));
    const clip = lines.some((line) => line['clipCode'] !== null) ? [' cap_partial'] : [];
    got.push(
      sale['noCommissionCode'] ?? ofLevels.map((line: Json) => line['amount']['amount']).join(' ') + clip.join(''),
    );
  }
  expect(got).toEqual(one.deals.map(([, outcome]) => outcome));
  const raises = (await world.commissions(`programId=${programId}&limit=200`)).filter(
    (line) => line['kind'] !== 'earned',
  );
  expect(raises.map((line) => line['amount']['amount'])).toEqual(one.raises ?? []);
  const asked = { programIds: [programId], from: longAgo.slice(0, 10), to: new Date().toISOString().slice(0, 10) };
  const { body, text } = await world.as('/v1/commission-rules/simulate', asked);
  expect([body['sales'], body['simulated']], text).toEqual([one.deals.length, body['actual']]);
  const rows = itemsOf(body['byAffiliate']);
  expect(rows.map((each) => each['difference']['amount'])).toEqual(rows.map(() => '0.00'));
});
