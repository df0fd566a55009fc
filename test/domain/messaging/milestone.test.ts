import { expect, test } from 'vitest';
import { type Mark, passedNow, type SoldTotals } from '../../../domain/messaging/milestone.js';
import { parseCurrency } from '../../../domain/money.js';

const usd = parseCurrency('USD') ?? null;
const eur = parseCurrency('EUR') ?? null;
const amount = (threshold: bigint, currency = usd): Mark => ({ by: 'sales_amount', threshold, currency });
const number = (threshold: bigint): Mark => ({ by: 'sales_count', threshold, currency: null });
const sold = (count: number, minor: bigint): SoldTotals => ({
  count,
  amounts: usd === null ? new Map() : new Map([[usd, minor]]),
});

test.each([
  {
    rule: 'a jump from 900 to 1,600 passes 1,000 and not 2,000',
    open: [amount(200_000n), amount(100_000n)],
    totals: sold(2, 160_000n),
    passed: ['100000 mailed'],
  },
  { rule: 'reached exactly', open: [amount(100_000n)], totals: sold(1, 100_000n), passed: ['100000 mailed'] },
  { rule: 'a cent below', open: [amount(100_000n)], totals: sold(1, 99_999n), passed: [] },
  {
    rule: 'two at once: both in ascending order, the higher is told',
    open: [amount(200_000n), amount(100_000n)],
    totals: sold(1, 250_000n),
    passed: ['100000', '200000 mailed'],
  },
  {
    rule: 'number and sum are told of side by side',
    open: [number(1n), amount(100n)],
    totals: sold(1, 100n),
    passed: ['1 mailed', '100 mailed'],
  },
  { rule: 'currencies are never mixed', open: [amount(100n, eur)], totals: sold(5, 10_000n), passed: [] },
  { rule: 'nothing is open', open: [], totals: sold(5, 10_000n), passed: [] },
])('NTF-05, NTF-06: $rule', ({ open, totals, passed }) => {
  const found = passedNow(open, totals).map(
    ({ milestone, mailed }) => `${milestone.threshold}${mailed ? ' mailed' : ''}`,
  );
  expect(found).toEqual(passed);
});
