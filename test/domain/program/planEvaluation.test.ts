import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainLine } from '../../../domain/earning/explanation.js';
import { monthsBetween } from '../../../domain/calendar.js';
import type { AffiliateId, ProductId, ProgramId, RuleId } from '../../../domain/ids.js';
import { type CurrencyCode, formatMoney, money, ppm, ppmWhole, roundToMinor } from '../../../domain/money.js';
import { type BandRow, type Bands, rowStarts, slicesOf } from '../../../domain/program/bands.js';
import { chooseVersion, type Rule, type RuleLevel, type RuleVersion } from '../../../domain/program/commissionPlan.js';
import { evaluatePlan } from '../../../domain/program/planEvaluation.js';
import type { ChainMember, PricedLine } from '../../../domain/program/planEvent.js';
import type { PlanInput } from '../../../domain/program/planInput.js';
import { compileRules } from '../../../domain/program/ruleChoice.js';
import { ownRates } from '../../../domain/program/ownRates.js';
import { meetingConflict, ruleConflicts, ruleMeetings } from '../../../domain/program/ruleConflicts.js';
import type { Instant } from '../../../domain/time.js';

const usd = 'USD' as CurrencyCode;
const programId = 'prg_1' as ProgramId;
const ana = 'aff_ana' as AffiliateId;
const ben = 'aff_ben' as AffiliateId;

function percent(rate: number, level = 1, of: 'base' | 'lower_level' = 'base'): RuleLevel {
  return { level, kind: 'percent', rate: ppm(rate), of };
}
function flat(minor: bigint, level = 1, perUnit = false): RuleLevel {
  return { level, kind: 'flat', amount: money(minor, usd), perUnit };
}
function row(from: string, rate: number): BandRow {
  return { from, pays: { kind: 'percent', rate: ppm(rate) } };
}
function bands(change: Partial<Bands> = {}): Bands {
  const rows = [row('0', 100_000), row('10', 150_000)];
  return { level: 1, by: 'sales_count', period: 'lifetime', mode: 'marginal', rows, ...change };
}

function rule(terms: Partial<Rule['terms']> = {}, place: Partial<Omit<Rule, 'terms'>> = {}): Rule {
  return {
    id: 'rul_1' as RuleId,
    name: 'Rule',
    version: 1,
    scope: 'program',
    programId,
    productId: null,
    groupId: null,
    affiliateId: null,
    event: 'payment',
    transactionType: null,
    ...place,
    terms: {
      base: 'net',
      minimumBase: null,
      flatOnPartialRefund: 'proportional',
      levels: [percent(100_000)],
      bands: null,
      limits: { maxPayments: null, maxMonths: null },
      cap: null,
      appliesTo: 'all',
      ...terms,
    },
  };
}

function line(amount: bigint, change: Partial<PricedLine> = {}): PricedLine {
  const productId = 'prd_1' as ProductId;
  return { productId, quantity: 1, amount, tax: 0n, fees: 0n, shipping: 0n, deposit: 0n, ...change };
}

const chain: readonly ChainMember[] = [
  { level: 1, affiliateId: ana, groupId: 'grp_1', standing: 'earns' },
  { level: 2, affiliateId: ben, groupId: null, standing: 'earns' },
];

function plan(rules: readonly Rule[], change: Partial<Omit<PlanInput, 'rules'>> = {}): PlanInput {
  return {
    programId,
    currency: usd,
    acquisitionModel: null,
    event: { kind: 'sale', type: 'payment', transactionType: null, isFirstPayment: true },
    lines: [line(10_000n)],
    products: new Set(['prd_1', 'prd_2']),
    chain,
    rules: compileRules(programId, rules),
    earnedBefore: { payments: 0, months: null },
    paymentNumber: 1,
    customerId: 'con_1',
    volumes: [],
    spent: [],
    ...change,
  };
}

function amounts(input: PlanInput): readonly string[] {
  return evaluatePlan(input).lines.map((one) => formatMoney(one.amount).amount);
}
const sold = (count: number, amount = 0n) => ({
  volumes: [{ level: 1, period: 'lifetime' as const, count, amount }],
});
const lead = (event: 'enquiry' | 'registration' = 'enquiry', paid: readonly ('lead' | 'registration')[] = []) => ({
  event: { kind: 'lead' as const, event, paidBefore: new Set(paid) },
  lines: [line(0n, { productId: null })],
});

describe('bands (RUL-06, RUL-16)', () => {
  const byAmount = bands({ by: 'sales_amount', rows: [row('0', 100_000), row('1000.00', 150_000)] });
  const bySize = bands({ by: 'sale_size', mode: 'whole', rows: [row('0', 100_000), row('50.00', 200_000)] });
  const byPayment = bands({ by: 'payment_number', rows: [row('0', 300_000), row('2', 100_000)] });
  const byMonths = bands({ by: 'months_since_first_commission', rows: [row('0', 300_000), row('12', 100_000)] });
  test.each<[string, Bands, Partial<PlanInput>, string]>([
    ['the 9th sale: 10 %', bands(), sold(8), '10.00'],
    ['the 10th sale: 15 %', bands(), sold(9), '15.00'],
    ['whole: the 10th sale: 15 %', bands({ mode: 'whole' }), sold(9), '15.00'],
    ['an amount that crosses: 50.00 at 10 %, 50.00 at 15 %', byAmount, sold(3, 95_000n), '12.50'],
    ['an amount that ends on the row: all at 10 %', byAmount, sold(3, 90_000n), '10.00'],
    ['an amount beyond: 15 %', byAmount, sold(3, 100_000n), '15.00'],
    ['whole by amount: the row reached', { ...byAmount, mode: 'whole' }, sold(3, 95_000n), '15.00'],
    ['the size of the sale, whole', bySize, {}, '20.00'],
    ['the size of the sale, marginal: 50.00 at 10 %, 50.00 at 20 %', { ...bySize, mode: 'marginal' }, {}, '15.00'],
    ['below the size', bySize, { lines: [line(4_999n)] }, '5.00'],
    ['the first payment', byPayment, { paymentNumber: 1 }, '30.00'],
    ['the second payment', byPayment, { paymentNumber: 2 }, '10.00'],
    ['no month yet', byMonths, {}, '30.00'],
    ['eleven months', byMonths, { earnedBefore: { payments: 3, months: 11 } }, '30.00'],
    ['twelve months', byMonths, { earnedBefore: { payments: 3, months: 12 } }, '10.00'],
  ])('%s', (_name, of, change, expected) => {
    expect(amounts(plan([rule({ bands: of })], change))).toEqual([expected]);
  });

  test('flat rows, as of a lead', () => {
    const rows: readonly BandRow[] = [
      { from: '0', pays: { kind: 'flat', amount: money(500n, usd) } },
      { from: '3', pays: { kind: 'flat', amount: money(800n, usd) } },
    ];
    const paying = rule({ levels: [flat(500n)], bands: bands({ rows }) }, { event: 'lead' });
    expect(amounts(plan([paying], { ...lead(), ...sold(1) }))).toEqual(['5.00']);
    expect(amounts(plan([paying], { ...lead(), ...sold(2) }))).toEqual(['8.00']);
  });

  test('the line shows its ordinal and its band', () => {
    const [tenth] = evaluatePlan(plan([rule({ bands: bands() })], sold(9))).lines;
    const told = tenth && explainLine(tenth, ['prd_1']);
    expect(told?.inputs).toMatchObject([{ ordinal: 10, bandFrom: '10', ratePpm: 150_000 }]);
    expect(told?.sentence).toBe('15 % of 100.00 USD net (number 10, band from 10) is 15.00 USD.');
    const [crossing] = evaluatePlan(plan([rule({ bands: byAmount })], sold(3, 95_000n))).lines;
    const sliced = crossing && explainLine(crossing, ['prd_1']);
    expect(crossing?.parts[0]).toMatchObject({ rate: null, flat: null });
    expect(sliced?.inputs.map((one) => [one.base.amount, one.ratePpm, one.bandFrom])).toEqual([
      ['50.00', 100_000, '0'],
      ['50.00', 150_000, '1000.00'],
    ]);
  });

  test('a whole band that is reached asks for the earlier lines, the first row for none', () => {
    const whole = rule({ bands: bands({ mode: 'whole' }) });
    expect(evaluatePlan(plan([whole], sold(8))).repricings).toEqual([]);
    expect(evaluatePlan(plan([whole], sold(9))).repricings).toMatchObject([{ level: 1, affiliateId: ana, row: 1 }]);
    expect(evaluatePlan(plan([rule({ bands: bands() })], sold(9))).repricings).toEqual([]);
  });

  test('the slices of any amounts add up to them, and meet without gap', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.bigInt({ min: 1n, max: 10n ** 6n }), { maxLength: 6 }),
        fc.array(fc.bigInt({ min: 1n, max: 10n ** 6n }), { minLength: 1, maxLength: 8 }),
        (inner, sales) => {
          const starts = [0n, ...inner.sort((a, b) => (a < b ? -1 : 1))];
          const perRow = new Map<number, bigint>();
          let at = 0n;
          for (const sale of sales) {
            for (const slice of slicesOf(starts, at, sale))
              perRow.set(slice.row, (perRow.get(slice.row) ?? 0n) + slice.amount);
            at += sale;
          }
          const together = slicesOf(starts, 0n, at);
          expect([...perRow].sort(([a], [b]) => a - b)).toEqual(together.map((slice) => [slice.row, slice.amount]));
          expect(together.reduce((total, slice) => total + slice.amount, 0n)).toBe(at);
        },
      ),
    );
  });

  test('a row that a currency cannot express pays nothing', () => {
    const jpy = 'JPY' as CurrencyCode;
    expect(rowStarts({ by: 'sale_size', rows: [row('0', 1), row('10.5', 1)] }, jpy)).toBeUndefined();
    const half = bands({ by: 'sale_size', mode: 'whole', rows: [row('0', 1), row('10.5', 1)] });
    expect(evaluatePlan(plan([rule({ bands: half })], { currency: jpy })).code).toBe('not_commissionable');
  });
});

describe('caps (BEY-25)', () => {
  const cap = { amount: money(10_000n, usd), scope: 'affiliate', period: 'month' } as const;
  const spent = (amount: bigint) => ({
    spent: [{ scope: 'affiliate' as const, period: 'month' as const, subject: ana, amount }],
  });
  const twenty = { lines: [line(20_000n)] };

  test('95.00 of 100.00 earned: 20.00 becomes 5.00, the next nothing', () => {
    const capped = rule({ cap });
    const partial = evaluatePlan(plan([capped], { ...twenty, ...spent(9_500n) }));
    expect(partial.lines.map((one) => [formatMoney(one.amount).amount, one.clipCode])).toEqual([
      ['5.00', 'cap_partial'],
    ]);
    const [clipped] = partial.lines;
    const told = clipped && explainLine(clipped, ['prd_1']);
    expect(told?.cap).toMatchObject({
      code: 'cap_partial',
      before: { amount: '95.00' },
      left: { amount: '5.00' },
      uncapped: { numerator: '2000' },
    });
    expect(told?.sentence).toBe(
      '10 % of 200.00 USD net is 20 USD, of which the cap of 100.00 USD a month for an affiliate leaves 5.00 USD.',
    );
    const none = evaluatePlan(plan([capped], { ...twenty, ...spent(10_000n) }));
    expect([none.lines, none.code]).toEqual([[], 'cap_reached']);
  });

  test('exactly up to the cap is not clipped', () => {
    expect(evaluatePlan(plan([rule({ cap })], { ...twenty, ...spent(8_000n) })).lines[0]?.clipCode).toBeNull();
  });

  test('for one commission, whatever was before', () => {
    expect(
      amounts(plan([rule({ cap: { ...cap, amount: money(1_500n, usd), period: 'commission' } })], twenty)),
    ).toEqual(['15.00']);
  });

  test('of the whole program: what level 1 takes is gone for level 2', () => {
    const shared = { amount: money(2_500n, usd), scope: 'program', period: 'lifetime' } as const;
    const two = rule({ levels: [percent(100_000), percent(100_000, 2)], cap: shared });
    expect(amounts(plan([two], twenty))).toEqual(['20.00', '5.00']);
  });

  test('of two rules that share a line: what the first part takes is gone for the second', () => {
    const a = rule({ cap });
    const b = rule({ cap }, { id: 'rul_2' as RuleId, scope: 'program_product', productId: 'prd_2' as ProductId });
    const two = { lines: [line(80_000n), line(80_000n, { productId: 'prd_2' as ProductId })] };
    const [one] = evaluatePlan(plan([a, b], two)).lines;
    expect([one?.amount.minor, one?.clipCode, one?.parts.map((part) => part.clip?.left ?? null)]).toEqual([
      10_000n,
      'cap_partial',
      [null, 2_000n],
    ]);
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 99n }),
        fc.bigInt({ min: 1n, max: 99n }),
        fc.bigInt({ min: 0n, max: 10n }),
        (first, second, before) => {
          const small = rule({ cap: { ...cap, amount: money(10n, usd) } });
          const other = rule(
            { cap: { ...cap, amount: money(10n, usd) } },
            { id: b.id, scope: b.scope, productId: b.productId },
          );
          const lines = [line(first), line(second, { productId: 'prd_2' as ProductId })];
          const due = evaluatePlan(plan([small, other], { lines, ...spent(before) })).lines[0]?.amount.minor ?? 0n;
          const free = roundToMinor({ numerator: first + second, denominator: 10n });
          expect(due).toBe(free < 10n - before ? free : 10n - before);
        },
      ),
    );
  });

  test.each([
    ['program', 'for the program'],
    ['group', 'for the group'],
    ['affiliate', 'for an affiliate'],
    ['affiliate_customer', 'for an affiliate and customer'],
  ] as const)('the scope is printed: %s', (scope, words) => {
    const capped = rule({ cap: { ...cap, scope } });
    const subject = { program: '', group: 'grp_1', affiliate: ana, affiliate_customer: `${ana} con_1` }[scope];
    const of = (one: string) => ({ spent: [{ scope, period: 'month' as const, subject: one, amount: 9_500n }] });
    const [clipped] = evaluatePlan(plan([capped], { ...twenty, ...of(subject) })).lines;
    expect(clipped && explainLine(clipped, ['prd_1'])).toMatchObject({
      cap: { scope, code: 'cap_partial', before: { amount: '95.00' }, left: { amount: '5.00' } },
      sentence: expect.stringContaining(words) as string,
    });
    expect(amounts(plan([capped], { ...twenty, ...of('somebody else') }))).toEqual(['20.00']);
  });

  test('twelve months from 31 January 2025 end with 30 January 2026, at any hour; and n payments with the nth', () => {
    const from = '2025-01-31T15:00:00.000Z' as Instant;
    const limited = (terms: Partial<Rule['terms']['limits']>, months: number | null, payments = 3) =>
      evaluatePlan(
        plan([rule({ limits: { maxMonths: null, maxPayments: null, ...terms } })], {
          earnedBefore: { payments, months },
        }),
      ).code;
    const on = (at: string) => limited({ maxMonths: 12 }, monthsBetween('UTC', from, at as Instant));
    expect(['2026-01-30T23:59:59.999Z', '2026-01-31T00:00:00.000Z', '2026-01-31T23:00:00.000Z'].map(on)).toEqual([
      null,
      'limit_months',
      'limit_months',
    ]);
    expect(monthsBetween('UTC', from, '2025-02-28T00:00:00.000Z' as Instant)).toBe(1);
    // The day is the zone's: in Auckland that first commission was on 1 February.
    expect(monthsBetween('Pacific/Auckland', from, '2026-01-31T10:59:59.000Z' as Instant)).toBe(11);
    expect([1, 2].map((payments) => limited({ maxPayments: 2 }, 0, payments))).toEqual([null, 'limit_payments']);
  });

  test('in another currency the rule does not hold', () => {
    const eur = { ...cap, amount: money(1n, 'EUR' as CurrencyCode) };
    expect(evaluatePlan(plan([rule({ cap: eur })])).code).toBe('not_commissionable');
  });

  test('never above the cap, in any sequence', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 1n, max: 200_000n }), { maxLength: 12 }), (sales) => {
        let earned = 0n;
        for (const sale of sales) {
          const { lines } = evaluatePlan(plan([rule({ cap })], { lines: [line(sale)], ...spent(earned) }));
          earned += lines.reduce((total, one) => total + one.amount.minor, 0n);
          expect(earned <= cap.amount.minor).toBe(true);
        }
        const uncapped = sales.reduce((total, sale) => total + roundToMinor({ numerator: sale, denominator: 10n }), 0n);
        expect(earned).toBe(uncapped < cap.amount.minor ? uncapped : cap.amount.minor);
      }),
    );
  });
});

describe('RUL-13, PRG-21: leads and acquisition models', () => {
  const perLead = rule({ levels: [flat(500n)] }, { id: 'rul_l' as RuleId, event: 'lead' });
  const perSignUp = rule({ levels: [flat(900n)] }, { id: 'rul_r' as RuleId, event: 'registration' });
  const perSale = rule({}, { id: 'rul_p' as RuleId });
  const own = (level: number, acquisitionModel: 'cpl' | 'cpa') => ({
    chain: chain.map((one) => (one.level === level ? { ...one, acquisitionModel } : one)),
  });
  test.each<[string, PlanInput, readonly string[], string | null]>([
    ['an affiliate of CPL and a sale', plan([perLead, perSale], own(1, 'cpl')), [], 'not_commissionable'],
    [
      "an affiliate's model goes before the program's",
      plan([perLead, perSale], { acquisitionModel: 'cpl', ...own(1, 'cpa') }),
      ['10.00'],
      null,
    ],
    ["a recruiter's says nothing of whom it recruited", plan([perSale], own(2, 'cpl')), ['10.00'], null],
    ['an enquiry pays the lead rule', plan([perLead, perSignUp, perSale], lead()), ['5.00'], null],
    ['a registration the more exact one', plan([perLead, perSignUp, perSale], lead('registration')), ['9.00'], null],
    [
      'a registration after it was paid: the lead rule',
      plan([perLead, perSignUp], lead('registration', ['registration'])),
      ['5.00'],
      null,
    ],
    ['a second enquiry of the contact', plan([perLead], lead('enquiry', ['lead'])), [], 'duplicate'],
    ['a rule on sales and a lead', plan([perSale], lead()), [], 'not_commissionable'],
    ['a rule on leads and a sale', plan([perLead]), [], 'not_commissionable'],
    ['CPL and a sale', plan([perLead, perSale], { acquisitionModel: 'cpl' }), [], 'not_commissionable'],
    ['CPL and a lead', plan([perLead, perSale], { acquisitionModel: 'cpl', ...lead() }), ['5.00'], null],
    ['CPA and a lead', plan([perLead, perSale], { acquisitionModel: 'cpa', ...lead() }), [], 'not_commissionable'],
    ['CPA and the first payment', plan([perSale], { acquisitionModel: 'cpa' }), ['10.00'], null],
    [
      'CPA and the second payment',
      plan([perSale], {
        acquisitionModel: 'cpa',
        event: { kind: 'sale', type: 'payment', transactionType: null, isFirstPayment: false },
      }),
      [],
      'not_first_payment',
    ],
  ])('%s', (_name, input, expected, code) => {
    expect(amounts(input)).toEqual(expected);
    expect(evaluatePlan(input).code).toBe(code);
  });
});

describe('versions (PRG-17)', () => {
  const at = (day: number) => `2026-03-${String(day).padStart(2, '0')}T00:00:00.000Z` as Instant;
  const version = (number: number, from: Instant, to: Instant | null, appliesTo: 'all' | 'new_customers' = 'all') => ({
    ...rule({ appliesTo }, { version: number }),
    from,
    to,
  });
  const two = [version(1, at(1), at(10)), version(2, at(10), null)];
  const forNew = [version(1, at(1), at(10)), version(2, at(10), null, 'new_customers')];
  test.each<[string, readonly ReturnType<typeof version>[], Instant, Instant | null, number | undefined]>([
    ['a millisecond before', two, '2026-03-09T23:59:59.999Z' as Instant, null, 1],
    ['at that instant', two, at(10), null, 2],
    ['brought earlier: the new version too', two, at(12), at(2), 2],
    ['for new customers only, brought earlier: the old one', forNew, at(12), at(2), 1],
    ['for new customers only, brought after', forNew, at(12), at(11), 2],
    ['before it began', two, '2026-02-01T00:00:00.000Z' as Instant, null, undefined],
    ['ended', [version(1, at(1), at(10))], at(12), null, undefined],
    [
      'replaced before it began',
      [version(1, at(1), at(5)), version(2, at(20), at(20)), version(3, at(5), null)],
      at(21),
      null,
      3,
    ],
    [
      'new customers only from the start, brought before',
      [version(1, at(5), null, 'new_customers')],
      at(12),
      at(2),
      undefined,
    ],
  ])('%s', (_name, versions, instant, brought, expected) => {
    expect(chooseVersion(versions, instant, brought)?.version).toBe(expected);
  });
});

describe('levels to ten', () => {
  test('a chain of ten, each with a level of its own', () => {
    const levels = Array.from({ length: 10 }, (_, index) => percent(10_000 * (10 - index), index + 1));
    const ten = levels.map(
      (one): ChainMember => ({
        level: one.level,
        affiliateId: `aff_${one.level}` as AffiliateId,
        groupId: null,
        standing: 'earns',
      }),
    );
    expect(amounts(plan([rule({ levels })], { chain: ten }))).toEqual([
      '10.00',
      '9.00',
      '8.00',
      '7.00',
      '6.00',
      '5.00',
      '4.00',
      '3.00',
      '2.00',
      '1.00',
    ]);
  });

  test('shares of the level below, by two rules on two lines, add up to it', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 7n }),
        fc.bigInt({ min: 1n, max: 10n ** 7n }),
        fc.integer({ min: 0, max: ppmWhole / 2 }),
        (a, b, rate) => {
          const product = { scope: 'program_product', productId: 'prd_2' as ProductId, id: 'rul_2' as RuleId } as const;
          const levels = [percent(rate), percent(1_000_000, 2, 'lower_level')];
          const input = plan([rule({ levels }), rule({ levels }, product)], {
            lines: [line(a), line(b, { productId: 'prd_2' as ProductId })],
          });
          const [first, second] = evaluatePlan(input).lines;
          expect(second?.amount.minor).toBe(first?.amount.minor); // 100 % of the level below is the level below
          expect(second?.parts.reduce((total, part) => total + part.base.minor, 0n)).toBe(first?.amount.minor);
        },
      ),
    );
  });
});

describe('rules that contradict themselves (RUL-18)', () => {
  const codes = (terms: Partial<Rule['terms']>, event: Rule['event'] = 'payment') =>
    ruleConflicts(rule(terms, { event }), { levels: 1, currency: usd }).map((one) => one.code);
  test.each<[string, readonly string[], readonly string[]]>([
    ['sound', codes({ bands: bands() }), []],
    ['a gap below the first row', codes({ bands: bands({ rows: [row('1', 1)] }) }), ['band_gap']],
    [
      'rows that overlap',
      codes({ bands: bands({ rows: [row('0', 1), row('10', 2), row('10', 3)] }) }),
      ['band_overlap'],
    ],
    ['rows that fall', codes({ bands: bands({ rows: [row('0', 1), row('10', 2), row('5', 3)] }) }), ['band_overlap']],
    ['half a sale', codes({ bands: bands({ rows: [row('0', 1), row('1.5', 2)] }) }), ['band_from']],
    ['a level it does not have', codes({ bands: bands({ level: 2 }) }), ['band_level']],
    ['whole by payment number', codes({ bands: bands({ by: 'payment_number', mode: 'whole' }) }), ['band_mode']],
    [
      'a flat slice',
      codes({
        bands: bands({ by: 'sales_amount', rows: [{ from: '0', pays: { kind: 'flat', amount: money(1n, usd) } }] }),
      }),
      ['band_flat_slice'],
    ],
    ['percent of a lead', codes({ levels: [flat(1n)], bands: bands() }, 'lead'), ['lead_has_no_base']],
    [
      'a band that lifts the levels above the whole',
      codes({
        levels: [percent(100_000), percent(500_000, 2)],
        bands: bands({ rows: [row('0', 100_000), row('5', 600_000)] }),
      }),
      ['levels_over_whole'],
    ],
    [
      'a share of the level below that lifts the levels above the whole: 60 % and all of that again',
      codes({ levels: [percent(600_000), percent(1_000_000, 2, 'lower_level')] }),
      ['levels_over_whole'],
    ],
    [
      'half, and all of that again: just the whole',
      codes({ levels: [percent(500_000), percent(1_000_000, 2, 'lower_level')] }),
      [],
    ],
    [
      'a share of a share: 50 %, 80 % of it, 80 % of that',
      codes({ levels: [percent(500_000), percent(800_000, 2, 'lower_level'), percent(800_000, 3, 'lower_level')] }),
      ['levels_over_whole'],
    ],
  ])('%s', (_name, found, expected) => {
    expect(found).toEqual(expected);
  });
});

describe('rules that only together take more than the base (RUL-18)', () => {
  const [early, later] = ['2026-01-01T00:00:00.000Z', '2026-06-01T00:00:00.000Z'] as Instant[] as [Instant, Instant];
  const version = (
    id: string,
    levels: readonly RuleLevel[],
    over: Partial<Rule> = {},
    time: { from?: Instant; to?: Instant; appliesTo?: 'new_customers' } = {},
  ): RuleVersion => ({
    ...rule(
      { levels, ...(time.appliesTo === undefined ? {} : { appliesTo: time.appliesTo }) },
      { id: id as RuleId, name: id, programId: null, ...over },
    ),
    from: time.from ?? early,
    to: time.to ?? null,
  });
  const general = version('general', [percent(200_000), percent(300_000, 2)], { scope: 'global' });
  const ofAna = { scope: 'affiliate', affiliateId: ana } as const;
  const ofVip = { scope: 'group', groupId: 'vip' } as const;
  const share = { ...percent(500_000, 2, 'lower_level') };
  const meet = (versions: readonly RuleVersion[], of: string | null = null, levels = 2) =>
    [...ruleMeetings(versions, [{ id: programId, levels }], early, versions.find((one) => one.id === of) ?? null)]
      .map((one) => one.levels.map(({ rule: won }) => won.id).join('+'))
      .sort();
  test.each<[string, readonly string[], readonly string[]]>([
    ['80 % and 30 % of the step below', meet([general, version('ana', [percent(800_000)], ofAna)]), ['ana+general']],
    ['70 % and 30 %: just the whole', meet([general, version('ana', [percent(700_000)], ofAna)]), []],
    [
      'a rule that states level 2 leaves it to nobody',
      meet([general, version('ana', [percent(800_000), percent(0, 2)], ofAna)]),
      [],
    ],
    ['one level pays nobody on level 2', meet([general, version('ana', [percent(800_000)], ofAna)], null, 1), []],
    [
      'the group between them, into which anybody may come',
      meet([
        version('general', [percent(200_000), percent(50_000, 2)], { scope: 'global' }),
        version('ana', [percent(800_000)], ofAna),
        version('vip', [percent(100_000), percent(300_000, 2)], ofVip),
      ]),
      ['ana+vip'],
    ],
    [
      'a share of what level 1 takes',
      meet([version('general', [percent(0), share], { scope: 'global' }), version('ana', [percent(700_000)], ofAna)]),
      ['ana+general'],
    ],
    [
      'bands by their highest row',
      meet([
        general,
        {
          ...version('ana', [percent(100_000)], ofAna),
          terms: rule({ bands: bands({ rows: [row('0', 100_000), row('9', 800_000)] }) }).terms,
        },
      ]),
      ['ana+general'],
    ],
    [
      'another product, another kind of sale',
      meet([
        version('book', [percent(100_000), percent(300_000, 2)], {
          scope: 'program_product',
          programId,
          productId: 'prd_1' as ProductId,
        }),
        version('ana', [percent(800_000)], { ...ofAna, productId: 'prd_2' as ProductId }),
        version('upgrade', [percent(0), percent(300_000, 2)], {
          scope: 'global',
          event: 'transaction',
          transactionType: 'upgrade',
        }),
      ]),
      [],
    ],
    [
      'the same product',
      meet([
        version('book', [percent(100_000), percent(300_000, 2)], {
          scope: 'program_product',
          programId,
          productId: 'prd_1' as ProductId,
        }),
        version('ana', [percent(800_000)], ofAna),
      ]),
      ['ana+book'],
    ],
    [
      'first payments alone',
      meet([
        version('first', [percent(0), percent(300_000, 2)], { scope: 'global', event: 'first_payment' }),
        version('ana', [percent(800_000)], ofAna),
      ]),
      ['ana+first'],
    ],
    [
      'a version that begins later',
      meet([general, version('ana', [percent(800_000)], ofAna, { from: later })]),
      ['ana+general'],
    ],
    [
      'an end before that',
      meet([{ ...general, to: later }, version('ana', [percent(800_000)], ofAna, { from: later })]),
      [],
    ],
    [
      'an older version that older customers keep',
      meet([
        { ...general, from: '2025-01-01T00:00:00.000Z' as Instant, to: early },
        version('general', [percent(200_000)], { scope: 'global', version: 2 }, { appliesTo: 'new_customers' }),
        version('ana', [percent(800_000)], ofAna),
      ]),
      ['ana+general'],
    ],
    [
      'those of one rule only',
      meet([general, version('ana', [percent(800_000)], ofAna), version('vip', [percent(900_000)], ofVip)], 'vip'),
      ['vip+general'],
    ],
    ['leads have no base', meet([version('lead', [flat(1n), share], { event: 'lead', scope: 'global' })]), []],
  ])('%s', (_name, found, expected) => {
    expect(found).toEqual(expected);
  });
  test('the conflict names the other rule and both shares', () => {
    const own = version('ana', [percent(800_000)], ofAna);
    const [found] = ruleMeetings([general, own], [{ id: programId, levels: 2 }], early, own);
    expect(found && meetingConflict(found, own)).toEqual({
      code: 'levels_over_whole',
      detail:
        'Rules that pay one sale together exceed 100 % of the base: level 1 80 % by ana, level 2 30 % by general. ' +
        'A level that a rule states is not left to another.',
      ruleId: 'general',
    });
  });
});

describe('an evaluation does not depend on what was asked before', () => {
  test('one compiled plan answers as a fresh one, whoever asks in whatever order', () => {
    const rules = [
      rule(),
      rule(
        { levels: [percent(200_000)] },
        { id: 'rul_a' as RuleId, scope: 'affiliate', affiliateId: ana, programId: null },
      ),
      rule(
        { levels: [percent(300_000)] },
        { id: 'rul_g' as RuleId, scope: 'group', groupId: 'grp_1', programId: null },
      ),
      rule(
        { levels: [percent(400_000)] },
        { id: 'rul_pp' as RuleId, scope: 'program_product', productId: 'prd_2' as ProductId },
      ),
      rule({ levels: [percent(500_000)] }, { id: 'rul_f' as RuleId, event: 'first_payment' }),
      rule({ levels: [flat(700n)] }, { id: 'rul_l' as RuleId, event: 'lead' }),
    ];
    const kept = compileRules(programId, rules);
    const who = fc.constantFrom<ChainMember>(
      { level: 1, affiliateId: ana, groupId: null, standing: 'earns' },
      { level: 1, affiliateId: ben, groupId: 'grp_1', standing: 'earns' },
      { level: 1, affiliateId: ben, groupId: null, standing: 'earns' },
    );
    const what = fc.constantFrom<Partial<PlanInput>>(
      {},
      { event: { kind: 'sale', type: 'payment', transactionType: null, isFirstPayment: false } },
      { lines: [line(100n), line(200n, { productId: 'prd_2' as ProductId })] },
      lead(),
      lead('enquiry', ['lead']),
    );
    fc.assert(
      fc.property(who, what, (member, change) => {
        const input = plan(rules, { ...change, chain: [member] });
        expect(evaluatePlan({ ...input, rules: kept })).toEqual(evaluatePlan(input));
      }),
    );
  });
});

test('RUL-15: an affiliate reads its bands and its cap', () => {
  const rising = rule({
    bands: bands({ mode: 'whole', period: 'month' }),
    limits: { maxPayments: 12, maxMonths: null },
  });
  const capped = rule(
    { cap: { amount: money(10_000n, usd), scope: 'affiliate', period: 'month' } },
    { id: 'rul_2' as RuleId, productId: 'prd_2' as ProductId, scope: 'program_product' },
  );
  const model = (acquisitionModel: 'cpl' | 'cpa' | null) => ({ levels: 2, acquisitionModel });
  expect(ownRates([rising, capped], { id: ana, groupId: null }, model(null)).map((one) => one.text)).toEqual([
    '10 % of the price without tax; 15 % of the price without tax from 10 sales in a month; the band you reach counts for the sales before too, for every payment, for the first 12 payments of a customer',
    '10 % of the price without tax, for every payment, at most 100.00 USD in a month',
  ]);

  // What a person's own rule says of level 2 is for who recruited her; she reads what her recruits' sales bring her.
  const two = rule({ levels: [percent(100_000), percent(50_000, 2)] });
  const own = rule(
    { levels: [percent(350_000), percent(20_000, 2)] },
    { id: 'rul_a' as RuleId, scope: 'affiliate', affiliateId: ana, programId: null },
  );
  const lead1 = rule({ levels: [flat(500n)] }, { id: 'rul_l' as RuleId, event: 'lead' });
  const read = (rules: readonly Rule[], program: Parameters<typeof ownRates>[2]) =>
    ownRates(rules, { id: ana, groupId: null }, program).map((one) => [
      one.level,
      one.rate ?? one.amount?.minor,
      one.event,
    ]);
  expect(read([two, own], model(null))).toEqual([
    [1, 350_000, 'payment'],
    [2, 50_000, 'payment'],
  ]);
  expect(read([two, own], { levels: 1, acquisitionModel: null })).toEqual([[1, 350_000, 'payment']]);
  expect(read([two, lead1], model('cpl'))).toEqual([[1, 500n, 'lead']]);
  expect(read([two, lead1], model('cpa'))).toEqual([
    [1, 100_000, 'first_payment'],
    [2, 50_000, 'first_payment'],
  ]);
  // A model of her own is for what she brings; what her recruits are paid for is theirs (PRG-21).
  const asPaid = (acquisitionModel: 'cpl' | 'cpa') =>
    ownRates([two, lead1], { id: ana, groupId: null, acquisitionModel }, model(null)).map((one) => [
      one.level,
      one.event,
    ]);
  expect(asPaid('cpl')).toEqual([
    [1, 'lead'],
    [2, 'payment'],
  ]);
  expect(asPaid('cpa')).toEqual([
    [1, 'first_payment'],
    [2, 'payment'],
  ]);
});
