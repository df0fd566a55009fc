import type { CommissionPart } from './commission.js';
import { addFractions, formatExact, formatMoney, formatPercent, type Fraction, reduce, wholeOf } from '../money.js';
import type { EarnedLine, EarnedPart } from '../program/commissionPlan.js';

/** The part of an explanation that is fixed when a line is made (api.md 9.2); cause, attribution and what came later are read beside it. */
export interface LineExplanation {
  readonly sentence: string;
  readonly rule: RuleExplanation | null;
  readonly rules: readonly RuleExplanation[];
  readonly inputs: readonly InputExplanation[];
  readonly exchangeRate: null;
  readonly exact: WireFraction & { readonly unit: 'minor' };
  readonly rounding: { readonly mode: 'half_away_from_zero'; readonly difference: WireFraction };
  readonly rounded: { readonly amount: string; readonly currency: string };
  readonly split: null;
  readonly cap: null;
}
interface WireFraction {
  readonly numerator: string;
  readonly denominator: string;
}
interface RuleExplanation {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly scope: string;
  readonly level: number;
  readonly kind: 'percent' | 'flat';
  readonly ratePpm: number | null;
  readonly flat: { readonly amount: string; readonly currency: string } | null;
  readonly considered: readonly {
    readonly ruleId: string;
    readonly scope: string;
    readonly won: boolean;
    readonly code: string | null;
  }[];
}
interface InputExplanation {
  readonly productId: string | null;
  readonly base: { readonly amount: string; readonly currency: string };
  readonly ratePpm: number | null;
  readonly ordinal: null;
  readonly bandFrom: null;
}

const baseWords: Readonly<Record<string, string>> = {
  gross: 'gross',
  net: 'net',
  net_of_fees: 'net of fees',
  deposit: 'deposit',
};

/** Why this amount, in words and numbers: rule and version, inputs, the exact fraction, what rounding did (RUL-11, RUL-15). */
export function explainLine(line: EarnedLine, productIds: readonly (string | null)[]): LineExplanation {
  const rules = line.parts.map((part) => explainRule(line, part));
  return {
    sentence: sentenceOf(line),
    rule: rules.length === 1 ? (rules[0] ?? null) : null,
    rules,
    inputs: line.parts.map((part) => ({
      productId: part.lineIndexes.length === 1 ? (productIds[part.lineIndexes[0] ?? 0] ?? null) : null,
      base: formatMoney(part.base),
      ratePpm: part.rate,
      ordinal: null,
      bandFrom: null,
    })),
    exchangeRate: null,
    exact: { ...wireFraction(line.exact), unit: 'minor' },
    rounding: { mode: 'half_away_from_zero', difference: wireFraction(roundingDifference(line)) },
    rounded: formatMoney(line.amount),
    split: null,
    cap: null,
  };
}

/** The parts as the line keeps and the wire shows them. */
export function storedParts(line: EarnedLine, isLead: boolean): readonly CommissionPart[] {
  return line.parts.map((part) => ({
    lineIndexes: isLead ? [] : part.lineIndexes,
    ruleId: part.rule.id,
    ruleVersion: part.rule.version,
    scope: part.rule.scope,
    base: formatMoney(part.base),
    baseType: part.baseType,
    ratePpm: part.rate,
    flat: part.flat === null ? null : formatMoney(part.flat),
    exact: { ...wireFraction(reduce(part.exact)), unit: 'minor' },
    onPartialRefund: part.flat === null ? null : part.rule.terms.flatOnPartialRefund,
  }));
}

function explainRule(line: EarnedLine, part: EarnedPart): RuleExplanation {
  return {
    id: part.rule.id,
    name: part.rule.name,
    version: part.rule.version,
    scope: part.rule.scope,
    level: line.level,
    kind: part.flat === null ? 'percent' : 'flat',
    ratePpm: part.rate,
    flat: part.flat === null ? null : formatMoney(part.flat),
    considered: line.considered,
  };
}

function sentenceOf(line: EarnedLine): string {
  const { currency } = line.amount;
  const whole = formatMoney(line.amount).amount;
  const [only] = line.parts;
  const exact = formatExact(line.exact, currency);
  const isWhole = line.exact.denominator === 1n;
  const ending = isWhole ? `${whole} ${currency}` : `${exact}, rounded half away from zero to ${whole} ${currency}`;
  if (only === undefined || line.parts.length > 1)
    return `${line.parts.map(partWords).join(' and ')} together are ${ending}.`;
  if (only.flat !== null && only.units === 1) return `A flat ${whole} ${currency}.`;
  return `${partWords(only)} is ${ending}.`;
}

function partWords(part: EarnedPart): string {
  if (part.flat !== null) {
    const flat = formatMoney(part.flat);
    return part.units === 1
      ? `a flat ${flat.amount} ${flat.currency}`
      : `${part.units} times ${flat.amount} ${flat.currency}`;
  }
  const base = formatMoney(part.base);
  const of = part.of === 'lower_level' ? 'of the level below' : (baseWords[part.baseType ?? ''] ?? '');
  return `${part.rate === null ? '' : formatPercent(part.rate)} % of ${base.amount} ${base.currency} ${of}`.trimEnd();
}

function roundingDifference(line: EarnedLine): Fraction {
  return addFractions(wholeOf(line.amount), { ...line.exact, numerator: -line.exact.numerator });
}

function wireFraction({ numerator, denominator }: Fraction): WireFraction {
  return { numerator: numerator.toString(), denominator: denominator.toString() };
}
