import type { CommissionPart } from './commission.js';
import { addFractions, formatExact, formatMoney, formatPercent, type Fraction, reduce, wholeOf } from '../money.js';
import { bandFromText, bandRateText } from '../program/bands.js';
import type { BaseType, Cap } from '../program/commissionPlan.js';
import type { BandSlice, EarnedPart } from '../program/earnedPart.js';
import type { EarnedLine } from '../program/planEvaluation.js';
import { type UnstatedPart, unstatedParts } from '../program/planEvent.js';

/** The part of an explanation that is fixed when a line is made (api.md 9.2); cause, attribution and what came later are read beside it. */
export interface LineExplanation {
  readonly sentence: string;
  readonly rule: RuleExplanation | null;
  readonly rules: readonly RuleExplanation[];
  readonly inputs: readonly InputExplanation[];
  /** Parts of the base that the sale did not state: they counted as 0. */
  readonly notStated: readonly UnstatedPart[];
  readonly exchangeRate: null;
  readonly exact: WireFraction & { readonly unit: 'minor' };
  readonly rounding: { readonly mode: 'half_away_from_zero'; readonly difference: WireFraction };
  readonly rounded: { readonly amount: string; readonly currency: string };
  readonly split: SplitExplanation | null;
  readonly cap: CapExplanation | null;
}
interface WireAmount {
  readonly amount: string;
  readonly currency: string;
}
/** A share of the level below: how its rounded amount fell on the parts (RUL-20). */
interface SplitExplanation {
  readonly of: 'lower_level';
  readonly shares: readonly { readonly lineIndexes: readonly number[]; readonly amount: WireAmount }[];
}
interface CapExplanation {
  readonly amount: WireAmount;
  readonly scope: Cap['scope'];
  readonly period: Cap['period'];
  /** Earned against it before this line. */
  readonly before: WireAmount;
  /** What would have been earned without it. */
  readonly uncapped: WireFraction;
  readonly left: WireAmount;
  readonly code: 'cap_partial' | 'cap_reached';
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
  readonly base: WireAmount;
  readonly ratePpm: number | null;
  readonly flat: WireAmount | null;
  /** Which counted event of the band's period this was, from 1. */
  readonly ordinal: number | null;
  readonly bandFrom: string | null;
}

const baseWords: Readonly<Record<string, string>> = {
  gross: 'gross',
  net: 'net',
  net_of_fees: 'net of fees',
  deposit: 'deposit',
};

/**
 * Why this amount, in words and numbers: rule and version, inputs, the exact fraction, what rounding did (RUL-11, RUL-15). `unstated`: what each
 * line of the sale left unsaid.
 */
export function explainLine(
  line: EarnedLine,
  productIds: readonly (string | null)[],
  unstated: readonly (readonly UnstatedPart[])[] = [],
): LineExplanation {
  const rules = line.parts.map((part) => explainRule(line, part));
  return {
    sentence: sentenceOf(line),
    rule: rules.length === 1 ? (rules[0] ?? null) : null,
    rules,
    inputs: line.parts.flatMap((part) => inputsOf(part, productIds)),
    notStated: notStatedOf(line, unstated),
    exchangeRate: null,
    exact: { ...wireFraction(reduce(line.exact)), unit: 'minor' },
    rounding: { mode: 'half_away_from_zero', difference: wireFraction(roundingDifference(line)) },
    rounded: formatMoney(line.amount),
    split: splitOf(line),
    cap: capOf(line),
  };
}

const partsOfBase: Readonly<Record<BaseType, readonly UnstatedPart[]>> = {
  gross: [],
  net: ['tax', 'shipping'],
  net_of_fees: ['tax', 'shipping', 'fees'],
  deposit: ['deposit'],
};

/** Of what the sale left unsaid, what this line's bases would have asked for. A flat amount asks for nothing. */
function notStatedOf(line: EarnedLine, unstated: readonly (readonly UnstatedPart[])[]): readonly UnstatedPart[] {
  const missing = new Set<UnstatedPart>();
  for (const part of line.parts) {
    const asked = part.baseType === null || part.flat !== null ? [] : partsOfBase[part.baseType];
    for (const index of part.lineIndexes)
      for (const name of asked) if (unstated[index]?.includes(name) === true) missing.add(name);
  }
  return unstatedParts.filter((name) => missing.has(name));
}

/** One input per part, or per slice where bands cut it. */
function inputsOf(part: EarnedPart, productIds: readonly (string | null)[]): readonly InputExplanation[] {
  const [index] = part.lineIndexes;
  const productId = part.lineIndexes.length === 1 ? (productIds[index ?? 0] ?? null) : null;
  const pieces: readonly (Pick<BandSlice, 'base' | 'rate' | 'flat' | 'ordinal'> & { readonly from: string | null })[] =
    part.slices.length === 0
      ? [{ base: part.base, rate: part.rate, flat: part.flat, ordinal: null, from: null }]
      : part.slices;
  return pieces.map((piece) => ({
    productId,
    base: formatMoney(piece.base),
    ratePpm: piece.rate,
    flat: piece.flat === null ? null : formatMoney(piece.flat),
    ordinal: piece.ordinal,
    bandFrom: piece.from,
  }));
}

function splitOf(line: EarnedLine): SplitExplanation | null {
  const shared = line.parts.filter((part) => part.of === 'lower_level');
  if (shared.length === 0) return null;
  return {
    of: 'lower_level',
    shares: shared.map((part) => ({ lineIndexes: part.lineIndexes, amount: formatMoney(part.base) })),
  };
}

/** The cap that took something; where several did, the one that left least. */
function capOf(line: EarnedLine): CapExplanation | null {
  const clipped = line.parts.flatMap((part) => (part.clip === null ? [] : [{ part, clip: part.clip }]));
  const [tightest] = clipped.toSorted((a, b) => (a.clip.left < b.clip.left ? -1 : a.clip.left > b.clip.left ? 1 : 0));
  if (tightest === undefined) return null;
  const { clip, part } = tightest;
  const { currency } = line.amount;
  return {
    amount: formatMoney(clip.cap.amount),
    scope: clip.cap.scope,
    period: clip.cap.period,
    before: formatMoney({ minor: clip.before, currency }),
    uncapped: wireFraction(reduce(part.exact)),
    left: formatMoney({ minor: clip.left, currency }),
    code: clip.code,
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
    bandFrom: part.slices.length === 1 ? (part.slices[0]?.from ?? null) : null,
    ordinal: part.slices[0]?.ordinal ?? null,
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
  const reduced = reduce(line.exact);
  const exact = formatExact(reduced, currency);
  const cap = capOf(line);
  const isWhole = reduced.denominator === 1n;
  const ending =
    cap !== null
      ? `${exact} ${currency}, of which ${capWords(cap)} leaves ${whole} ${currency}`
      : isWhole
        ? `${whole} ${currency}`
        : `${exact}, rounded half away from zero to ${whole} ${currency}`;
  if (only === undefined || line.parts.length > 1)
    return `${line.parts.map(partWords).join(' and ')} together are ${ending}.`;
  if (only.flat !== null && only.units === 1 && only.slices.length === 0 && cap === null)
    return `A flat ${whole} ${currency}.`;
  return `${partWords(only)} is ${ending}.`;
}

function capWords(cap: CapExplanation): string {
  const amount = `${cap.amount.amount} ${cap.amount.currency}`;
  const period = { commission: 'for one commission', month: 'a month', lifetime: 'in all' }[cap.period];
  const scope = {
    program: 'for the program',
    group: 'for the group',
    affiliate: 'for an affiliate',
    affiliate_customer: 'for an affiliate and customer',
  }[cap.scope];
  return cap.period === 'commission' ? `the cap of ${amount} ${period}` : `the cap of ${amount} ${period} ${scope}`;
}

/** `15 % of 100.00 USD net (sale 10, band from 10)`: each slice of a part at its row. */
function sliceWords(part: EarnedPart): string {
  const { bands } = part.rule.terms;
  return part.slices
    .map((slice) => {
      const base = formatMoney(slice.base);
      const pays = slice.flat !== null ? bandRateText({ kind: 'flat', amount: slice.flat }) : '';
      const rate =
        slice.rate === null
          ? `a flat ${pays}`
          : `${formatPercent(slice.rate)} % of ${base.amount} ${base.currency} ${part.of === 'lower_level' ? 'of the level below' : (baseWords[part.baseType ?? ''] ?? '')}`.trimEnd();
      const from = bands === null ? slice.from : bandFromText(bands.by, slice.from, part.base.currency);
      return `${rate} (${slice.ordinal === null ? '' : `number ${slice.ordinal}, `}band from ${from})`;
    })
    .join(' and ');
}

function partWords(part: EarnedPart): string {
  if (part.slices.length > 0) return sliceWords(part);
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
  if (line.clipCode !== null) return { numerator: 0n, denominator: 1n }; // what the cap took is no rounding
  return addFractions(wholeOf(line.amount), { ...line.exact, numerator: -line.exact.numerator });
}

function wireFraction({ numerator, denominator }: Fraction): WireFraction {
  return { numerator: numerator.toString(), denominator: denominator.toString() };
}
