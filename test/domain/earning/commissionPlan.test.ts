import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainLine } from '../../../domain/earning/explanation.js';
import { decideReduction, lostInAll } from '../../../domain/earning/commission.js';
import {
  allocate,
  type CurrencyCode,
  formatMoney,
  ppm,
  reversedInAll,
  roundToMinor,
  shareOf,
} from '../../../domain/money.js';
import type { Rule, RuleLevel } from '../../../domain/program/commissionPlan.js';
import { evaluatePlan as evaluateCompiled } from '../../../domain/program/planEvaluation.js';
import type { ChainMember, PricedLine } from '../../../domain/program/planEvent.js';
import type { PlanInput as CompiledInput } from '../../../domain/program/planInput.js';
import { compileRules } from '../../../domain/program/ruleChoice.js';
import { ruleConflicts } from '../../../domain/program/ruleConflicts.js';
import type { AffiliateId, ProductId, ProgramId, RuleId } from '../../../domain/ids.js';

const usd = 'USD' as CurrencyCode;
type PlanInput = Omit<CompiledInput, 'rules'> & { readonly rules: readonly Rule[] };
const evaluatePlan = (input: PlanInput) =>
  evaluateCompiled({ ...input, rules: compileRules(input.programId, input.rules) });

const ana = 'aff_ana' as AffiliateId;
const ben = 'aff_ben' as AffiliateId;

function percent(rate: number, level = 1, of: 'base' | 'lower_level' = 'base'): RuleLevel {
  return { level, kind: 'percent', rate: ppm(rate), of };
}

function rule(change: Partial<Omit<Rule, 'terms'>> & { readonly terms?: Partial<Rule['terms']> } = {}): Rule {
  const { terms, ...place } = change;
  return {
    id: 'rul_1' as RuleId,
    name: 'Rule',
    version: 1,
    scope: 'program',
    programId: 'prg_1' as ProgramId,
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
      levels: [percent(200_000)],
      bands: null,
      limits: { maxPayments: null, maxMonths: null },
      cap: null,
      appliesTo: 'all',
      ...terms,
    },
  };
}

function line(amount: bigint, change: Partial<PricedLine> = {}): PricedLine {
  return {
    productId: 'prd_1' as ProductId,
    quantity: 1,
    amount,
    tax: 0n,
    fees: 0n,
    shipping: 0n,
    deposit: 0n,
    ...change,
  };
}

const chain: readonly ChainMember[] = [
  { level: 1, affiliateId: ana, groupId: null, standing: 'earns' },
  { level: 2, affiliateId: ben, groupId: null, standing: 'earns' },
];

function plan(change: Partial<PlanInput> = {}): PlanInput {
  return {
    programId: 'prg_1' as ProgramId,
    currency: usd,
    acquisitionModel: null,
    event: { kind: 'sale', type: 'payment', transactionType: null, isFirstPayment: true },
    lines: [line(4_999n)],
    products: new Set(['prd_1']),
    chain,
    rules: [rule()],
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

describe('money.md 2.2: one rounding, half away from zero', () => {
  test.each([
    ['49.99 at 20 %', 4_999n, 200_000, 1_000n],
    ['0.07 at 20 %', 7n, 200_000, 1n],
    ['0.15 at 10 %', 15n, 100_000, 2n],
    ['-0.15 at 10 %', -15n, 100_000, -2n],
    ['5.00 at 2.9 %', 500n, 29_000, 15n],
    ['33.35 at 10 %', 3_335n, 100_000, 334n],
    ['0.02 at 20 %', 2n, 200_000, 0n],
    ['1580 JPY at 5 %', 1_580n, 50_000, 79n],
    ['1.234 KWD at 10 %', 1_234n, 100_000, 123n],
  ])('%s', (_name, minor, rate, expected) => {
    expect(roundToMinor(shareOf({ minor, currency: usd }, ppm(rate)))).toBe(expected);
  });
});

describe('api.md 19: further amounts a quote gives', () => {
  const twoLevels = rule({ terms: { levels: [percent(200_000), percent(50_000, 2)] } });
  const jpy = 'JPY' as CurrencyCode;
  const kwd = 'KWD' as CurrencyCode;
  const flat: RuleLevel = { level: 1, kind: 'flat', amount: { minor: 20_000n, currency: usd }, perUnit: false };
  const taxed = line(12_000n, { tax: 2_000n, fees: 300n });
  test.each<[string, PlanInput, readonly string[], string | null]>([
    ['20 % and 5 % of 49.99', plan({ rules: [twoLevels] }), ['10.00', '2.50'], null],
    [
      '10 % of 0.15',
      plan({ lines: [line(15n)], rules: [rule({ terms: { levels: [percent(100_000)] } })] }),
      ['0.02'],
      null,
    ],
    ['20 % of 0.02', plan({ lines: [line(2n)] }), [], 'rounded_to_zero'],
    [
      'flat 200.00 of any sale',
      plan({ lines: [line(1n)], rules: [rule({ terms: { levels: [flat] } })] }),
      ['200.00'],
      null,
    ],
    ['flat of 0.00', plan({ lines: [line(0n)], rules: [rule({ terms: { levels: [flat] } })] }), [], 'rounded_to_zero'],
    [
      '12.5 % of JPY 1580',
      plan({ currency: jpy, lines: [line(1_580n)], rules: [rule({ terms: { levels: [percent(125_000)] } })] }),
      ['198'],
      null,
    ],
    [
      '30.7 % of KWD 1.000',
      plan({ currency: kwd, lines: [line(1_000n)], rules: [rule({ terms: { levels: [percent(307_000)] } })] }),
      ['0.307'],
      null,
    ],
    [
      'gross',
      plan({ lines: [taxed], rules: [rule({ terms: { base: 'gross', levels: [percent(100_000)] } })] }),
      ['12.00'],
      null,
    ],
    [
      'net',
      plan({ lines: [taxed], rules: [rule({ terms: { base: 'net', levels: [percent(100_000)] } })] }),
      ['10.00'],
      null,
    ],
    [
      'net of fees',
      plan({ lines: [taxed], rules: [rule({ terms: { base: 'net_of_fees', levels: [percent(100_000)] } })] }),
      ['9.70'],
      null,
    ],
  ])('%s', (_name, input, expected, code) => {
    expect(amounts(input)).toEqual(expected);
    expect(evaluatePlan(input).code).toBe(code);
  });
});

describe('ruling 5: which rule wins', () => {
  const at10 = { levels: [percent(100_000)] };
  const global = rule({ id: 'rul_g' as RuleId, scope: 'global', programId: null, terms: at10 });
  const program = rule({ id: 'rul_p' as RuleId });
  const product = rule({
    id: 'rul_pp' as RuleId,
    scope: 'program_product',
    productId: 'prd_1' as ProductId,
    terms: { levels: [percent(250_000)] },
  });
  const group = rule({
    id: 'rul_gr' as RuleId,
    scope: 'group',
    programId: null,
    groupId: 'grp_vip',
    terms: { levels: [percent(300_000)] },
  });
  const affiliate = rule({
    id: 'rul_a' as RuleId,
    scope: 'affiliate',
    programId: null,
    affiliateId: ana,
    terms: { levels: [percent(350_000)] },
  });
  const vip: readonly ChainMember[] = [{ level: 1, affiliateId: ana, groupId: 'grp_vip', standing: 'earns' }];
  test.each<[string, readonly Rule[], string]>([
    ['affiliate before all', [global, program, product, group, affiliate], 'rul_a'],
    ['group before product', [global, program, product, group], 'rul_gr'],
    ['product before program', [global, program, product], 'rul_pp'],
    ['program before global', [global, program], 'rul_p'],
    ['global alone', [global], 'rul_g'],
  ])('%s', (_name, rules, winner) => {
    const [won] = evaluatePlan(plan({ rules, chain: vip })).lines;
    expect(won?.parts[0]?.rule.id).toBe(winner);
    expect(won?.considered.filter((one) => one.won).map((one) => one.ruleId)).toEqual([winner]);
    expect(won?.considered).toHaveLength(rules.length);
  });

  test('a rule without level 2 leaves it to the next step', () => {
    const withTwo = rule({ id: 'rul_p' as RuleId, terms: { levels: [percent(200_000), percent(50_000, 2)] } });
    expect(amounts(plan({ rules: [withTwo, affiliate] }))).toEqual(['17.50', '2.50']);
  });

  test('a share of the level below is of its rounded amount', () => {
    const shares = rule({ terms: { levels: [percent(200_000), percent(100_000, 2, 'lower_level')] } });
    expect(amounts(plan({ rules: [shares] }))).toEqual(['10.00', '1.00']);
  });

  test('sale lines that one rule wins are a part; the parts are rounded once', () => {
    const lines = [line(5n, { productId: 'prd_1' as ProductId }), line(5n, { productId: 'prd_2' as ProductId })];
    const [earned] = evaluatePlan(
      plan({
        lines,
        products: new Set(['prd_1', 'prd_2']),
        rules: [
          rule({ terms: at10 }),
          rule({ id: 'rul_2' as RuleId, scope: 'program_product', productId: 'prd_2' as ProductId, terms: at10 }),
        ],
      }),
    ).lines;
    expect(earned?.parts.map((part) => part.lineIndexes)).toEqual([[0], [1]]);
    expect(earned?.amount.minor).toBe(1n); // 0.5 + 0.5, not 1 + 1
  });
});

describe('what earns nothing, and why', () => {
  test.each<[string, Partial<PlanInput>, string]>([
    ['a product that is not attached', { products: new Set<string>() }, 'not_commissionable'],
    ['no rule at all', { rules: [] }, 'not_commissionable'],
    [
      'a second payment under a first-payment rule',
      {
        rules: [rule({ event: 'first_payment' })],
        event: { kind: 'sale', type: 'payment', transactionType: null, isFirstPayment: false },
      },
      'not_first_payment',
    ],
    [
      'the limit of payments',
      {
        rules: [rule({ terms: { limits: { maxPayments: 12, maxMonths: null } } })],
        earnedBefore: { payments: 12, months: 0 },
      },
      'limit_payments',
    ],
    [
      'the limit of months',
      {
        rules: [rule({ terms: { limits: { maxPayments: null, maxMonths: 1 } } })],
        earnedBefore: { payments: 1, months: 1 },
      },
      'limit_months',
    ],
    [
      'below the smallest base',
      { rules: [rule({ terms: { minimumBase: { minor: 5_000n, currency: usd } } })] },
      'not_commissionable',
    ],
    [
      'another type of transaction',
      { rules: [rule({ event: 'transaction', transactionType: 'deposit' })] },
      'not_commissionable',
    ],
  ])('%s', (_name, change, code) => {
    expect(evaluatePlan(plan(change))).toMatchObject({ lines: [], code, lineCodes: [code] });
  });

  test('a suspended recruiter is accrued and held, one that is gone is left out', () => {
    const rules = [rule({ terms: { levels: [percent(200_000), percent(50_000, 2)] } })];
    const [first] = chain;
    if (first === undefined) throw new Error('no first');
    const held = evaluatePlan(
      plan({ rules, chain: [first, { level: 2, affiliateId: ben, groupId: null, standing: 'held' }] }),
    );
    expect(held.lines.map((one) => [one.affiliateId, one.isHeld])).toEqual([
      [ana, false],
      [ben, true],
    ]);
    const gone = evaluatePlan(
      plan({ rules, chain: [first, { level: 2, affiliateId: ben, groupId: null, standing: 'nothing' }] }),
    );
    expect(gone.lines.map((one) => one.affiliateId)).toEqual([ana]);
  });
});

test('a sentence says it in words', () => {
  const [one] = evaluatePlan(plan()).lines;
  expect(one && explainLine(one, ['prd_1']).sentence).toBe(
    '20 % of 49.99 USD net is 9.998, rounded half away from zero to 10.00 USD.',
  );
  const [whole] = evaluatePlan(plan({ lines: [line(5_000n)] })).lines;
  expect(whole && explainLine(whole, ['prd_1']).sentence).toBe('20 % of 50.00 USD net is 10.00 USD.');
});

test('rules that contradict themselves', () => {
  const codes = (levels: readonly RuleLevel[], program: { levels: number; currency: CurrencyCode } | null = null) =>
    ruleConflicts(rule({ terms: { levels } }), program).map((conflict) => conflict.code);
  expect(codes([percent(600_000), percent(500_000, 2)])).toEqual(['levels_over_whole']);
  expect(codes([percent(1), percent(1)])).toEqual(['level_twice']);
  expect(codes([percent(1, 2)])).toEqual(['level_missing']);
  expect(codes([percent(1)], { levels: 2, currency: usd })).toEqual(['level_missing']);
  expect(codes([percent(1), percent(0, 2)], { levels: 2, currency: usd })).toEqual([]);
});

describe('properties', () => {
  test('a split sums to its whole, mirrored below zero', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
        fc
          .array(fc.bigInt({ min: 0n, max: 1_000_000n }), { minLength: 1, maxLength: 12 })
          .filter((w) => w.some((x) => x > 0n)),
        (minor, weights) => {
          const parts = allocate({ minor, currency: usd }, weights);
          expect(parts.reduce((total, part) => total + part.minor, 0n)).toBe(minor);
          const mirrored = allocate({ minor: -minor, currency: usd }, weights);
          expect(mirrored.map((part) => part.minor)).toEqual(parts.map((part) => -part.minor + 0n));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('refund steps never drift: never below zero, a full refund takes exactly all, in any order', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.array(fc.bigInt({ min: 1n, max: 10n ** 8n }), { maxLength: 12 }),
        (captured, rate, refunds) => {
          const original = roundToMinor(shareOf({ minor: captured, currency: usd }, ppm(rate)));
          const run = (steps: readonly bigint[]): bigint => {
            let refunded = 0n;
            let reversed = 0n;
            for (const step of steps) {
              refunded = refunded + step > captured ? captured : refunded + step;
              const now = reversedInAll(original, refunded, captured) - reversed;
              expect(now >= 0n).toBe(true);
              reversed += now;
            }
            return reversed;
          };
          expect(run(refunds)).toBe(run(refunds.toReversed()));
          expect(run([...refunds, captured])).toBe(original);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('a reduction takes at most what is left, and says where it goes', () => {
    const base = {
      amount: 1_000n,
      reversed: 0n,
      clawedBack: 0n,
      parts: [],
      status: 'approved',
    } as unknown as Parameters<typeof decideReduction>[0];
    expect(decideReduction(base, 'payable', 5_000n)).toEqual({
      kind: 'reduce',
      step: 1_000n,
      to: 'reversed',
      event: 'reversed',
    });
    expect(decideReduction(base, 'sent', 400n)).toEqual({ kind: 'clawBack', step: 400n });
    expect(decideReduction({ ...base, status: 'pending' }, 'pending', 1_000n)).toMatchObject({ to: 'rejected' });
    expect(decideReduction(base, 'payable', 0n)).toEqual({ kind: 'none' });
  });

  test('a flat amount shrinks, stays or goes as its rule says', () => {
    const of = (onPartialRefund: string) =>
      ({ amount: 1_000n, givenBack: 0n, parts: [{ onPartialRefund }] }) as unknown as Parameters<typeof lostInAll>[0];
    expect(lostInAll(of('proportional'), 50n, 100n)).toBe(500n);
    expect(lostInAll(of('full_only'), 99n, 100n)).toBe(0n);
    expect(lostInAll(of('full_only'), 100n, 100n)).toBe(1_000n);
    expect(lostInAll(of('at_once'), 1n, 100n)).toBe(1_000n);
  });
});
