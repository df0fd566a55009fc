import { refused, type Refused } from '../decided.js';
import type { AffiliateId, ProductId, ProgramId, RuleId } from '../ids.js';
import {
  addFractions,
  allocate,
  compare,
  type CurrencyCode,
  type Fraction,
  millionths,
  type Money,
  type Ppm,
  ppmWhole,
  reduce,
  roundToMinor,
  shareOf,
  sum,
  wholeOf,
  zero,
} from '../money.js';
import { addMonths, type Instant } from '../time.js';

/** Narrowest first: the first step that has a rule for the event decides (ruling 5). */
export const ruleScopes = ['affiliate', 'group', 'program_product', 'program', 'global'] as const;
export type RuleScope = (typeof ruleScopes)[number];
export const ruleEvents = ['lead', 'registration', 'first_payment', 'payment', 'transaction'] as const;
export type RuleEvent = (typeof ruleEvents)[number];
export const baseTypes = ['gross', 'net', 'net_of_fees', 'deposit'] as const;
export type BaseType = (typeof baseTypes)[number];
/** What a flat amount does when part of the sale is refunded (RFD-05). */
export const flatRefundModes = ['proportional', 'full_only', 'at_once'] as const;
export type FlatRefundMode = (typeof flatRefundModes)[number];

export type RuleLevel =
  | { readonly level: number; readonly kind: 'percent'; readonly rate: Ppm; readonly of: 'base' | 'lower_level' }
  | { readonly level: number; readonly kind: 'flat'; readonly amount: Money; readonly perUnit: boolean };

/** What a rule says, in one of its versions. */
export interface RuleTerms {
  readonly base: BaseType;
  /** A part of a sale below it earns nothing (money.md 2.5). */
  readonly minimumBase: Money | null;
  readonly flatOnPartialRefund: FlatRefundMode;
  readonly levels: readonly RuleLevel[];
  /** Per referral; null = none. Months count from the first commission. */
  readonly limits: { readonly maxPayments: number | null; readonly maxMonths: number | null };
}

/** Where a rule holds and for what. */
export interface RulePlace {
  readonly scope: RuleScope;
  readonly programId: ProgramId | null;
  readonly productId: ProductId | null;
  readonly groupId: string | null;
  readonly affiliateId: AffiliateId | null;
  readonly event: RuleEvent;
  readonly transactionType: string | null;
}

/** One version of a rule, as it counts at some instant. */
export interface Rule extends RulePlace {
  readonly id: RuleId;
  readonly name: string;
  readonly version: number;
  readonly terms: RuleTerms;
}

export interface RuleConflict {
  readonly code: string;
  readonly detail: string;
  readonly ruleId?: string;
}

/** What is wrong with a rule by itself: the conflicts of `rule_conflict` (api.md 3, RUL-18). `programLevels` where it has a program. */
export function ruleConflicts(
  rule: RulePlace & { readonly terms: RuleTerms },
  program: { readonly levels: number; readonly currency: CurrencyCode } | null,
): readonly RuleConflict[] {
  const { levels } = rule.terms;
  const conflicts: RuleConflict[] = [];
  const numbers = levels.map((level) => level.level);
  if (new Set(numbers).size !== numbers.length)
    conflicts.push({ code: 'level_twice', detail: 'A level stands twice.' });
  if (!numbers.includes(1)) conflicts.push({ code: 'level_missing', detail: 'Level 1 is missing.' });
  const ofBase = levels.reduce(
    (total, level) => total + (level.kind === 'percent' && level.of === 'base' ? level.rate : 0),
    0,
  );
  if (ofBase > ppmWhole)
    conflicts.push({ code: 'levels_over_whole', detail: 'The levels together exceed 100 % of the base.' });
  if (levels.some((level) => level.level === 1 && level.kind === 'percent' && level.of === 'lower_level'))
    conflicts.push({ code: 'no_lower_level', detail: 'Level 1 has no level below it.' });
  const isLead = rule.event === 'lead' || rule.event === 'registration';
  if (isLead && levels.some((level) => level.kind === 'percent' && level.of === 'base'))
    conflicts.push({
      code: 'lead_has_no_base',
      detail: 'A lead has no amount: only a flat sum, or a share of the level below.',
    });
  const needsLevelTwo = rule.scope === 'program' || rule.scope === 'program_product';
  if (program !== null && needsLevelTwo && program.levels >= 2 && !numbers.includes(2))
    conflicts.push({
      code: 'level_missing',
      detail: 'A program of two levels needs a rate for level 2; 0 is allowed.',
    });
  return conflicts;
}

/** The fields in which two rules of the same scope collide: at the same place, for the same event. */
export function samePlace(a: RulePlace, b: RulePlace): boolean {
  return (
    a.scope === b.scope &&
    a.programId === b.programId &&
    a.productId === b.productId &&
    a.groupId === b.groupId &&
    a.affiliateId === b.affiliateId &&
    a.event === b.event &&
    a.transactionType === b.transactionType
  );
}

/** One line of a sale, amounts in minor units of the sale's currency. What it does not state is 0. */
export interface PricedLine {
  readonly productId: ProductId | null;
  readonly quantity: number;
  readonly amount: bigint;
  readonly tax: bigint;
  readonly fees: bigint;
  readonly shipping: bigint;
  readonly deposit: bigint;
}

/** What happened, as far as a rule asks. */
export type PlanEvent =
  | { readonly kind: 'lead'; readonly event: 'enquiry' | 'registration' }
  | {
      readonly kind: 'sale';
      readonly type: 'payment' | 'transaction';
      readonly transactionType: string | null;
      /** The contact's first successful payment for a product of the program, credited or not. */
      readonly isFirstPayment: boolean;
    };

/** Who stands on a level: earns, earns but waits (suspended), or nothing there (not enrolled, terminated). */
export interface ChainMember {
  readonly level: number;
  readonly affiliateId: AffiliateId;
  readonly groupId: string | null;
  readonly standing: 'earns' | 'held' | 'nothing';
}

export interface PlanInput {
  readonly programId: ProgramId;
  readonly currency: CurrencyCode;
  readonly event: PlanEvent;
  readonly occurredAt: Instant;
  readonly lines: readonly PricedLine[];
  /** Active products of the program: others earn nothing. */
  readonly products: ReadonlySet<string>;
  /** Level 1 first. */
  readonly chain: readonly ChainMember[];
  /** Every rule version in force at `occurredAt`. */
  readonly rules: readonly Rule[];
  /** What the referral earned before, for `limits`. */
  readonly earnedBefore: { readonly payments: number; readonly firstAt: Instant | null };
}

/** features.md 4.5, in order: where several fit, the first is kept. */
export const noCommissionCodes = [
  'declined',
  'program_not_active',
  'referral_rejected',
  'own_customer',
  'not_commissionable',
  'not_first_payment',
  'limit_months',
  'limit_payments',
  'rounded_to_zero',
] as const;
export type NoCommissionCode = (typeof noCommissionCodes)[number];

/** The lines of a sale that one rule won, on one level. */
export interface EarnedPart {
  readonly lineIndexes: readonly number[];
  readonly rule: Rule;
  readonly base: Money;
  readonly baseType: BaseType | null;
  readonly rate: Ppm | null;
  readonly of: 'base' | 'lower_level' | null;
  readonly flat: Money | null;
  readonly units: number;
  readonly exact: Fraction;
}

export interface Considered {
  readonly ruleId: RuleId;
  readonly scope: RuleScope;
  readonly won: boolean;
  readonly code: string | null;
}

/** One commission to be: rounded once, from the sum of its exact parts. */
export interface EarnedLine {
  readonly level: number;
  readonly affiliateId: AffiliateId;
  readonly isHeld: boolean;
  readonly parts: readonly EarnedPart[];
  readonly base: Money;
  readonly exact: Fraction;
  readonly amount: Money;
  readonly considered: readonly Considered[];
}

export interface Earnings {
  readonly lines: readonly EarnedLine[];
  /** Why nothing was earned at all; null when something was. */
  readonly code: NoCommissionCode | null;
  /** Per line of the sale: why level 1 earns nothing on it. */
  readonly lineCodes: readonly (NoCommissionCode | null)[];
}

/**
 * What one event earns, on every level, and why: a pure function, so that quote, back-test and accrual cannot differ (RUL-11). Judged
 * per sale line; the lines that one rule wins form a part; a level's exact parts are added and rounded once (money.md 2.2).
 */
export function evaluatePlan(input: PlanInput): Earnings {
  const { currency } = input;
  const isLead = input.event.kind === 'lead';
  const first = input.chain.find((member) => member.level === 1);
  const lines: EarnedLine[] = [];
  const lineCodes: (NoCommissionCode | null)[] = input.lines.map(() => null);
  // Level by level, because a share "of the level below" is of its rounded amount.
  let below: { readonly amount: Money; readonly weights: readonly bigint[] } | null = null;
  for (const member of input.chain) {
    const choices = input.lines.map((line) => chooseRule(input, first, member.level, line));
    const parts: EarnedPart[] = [];
    for (const [index, choice] of choices.entries()) {
      if (member.level === 1 && choice.won === null) lineCodes[index] = choice.code;
    }
    const wonBy = new Map<RuleId, number[]>();
    for (const [index, choice] of choices.entries()) {
      if (choice.won !== null) wonBy.set(choice.won.id, [...(wonBy.get(choice.won.id) ?? []), index]);
    }
    for (const [ruleId, lineIndexes] of wonBy) {
      const rule = input.rules.find((one) => one.id === ruleId);
      if (rule === undefined) continue;
      const part = earnPart(input, rule, member.level, lineIndexes, below);
      if (typeof part !== 'string') parts.push(part);
      else if (member.level === 1) for (const index of lineIndexes) lineCodes[index] = part;
    }
    const exact = parts.reduce<Fraction>((total, part) => addFractions(total, part.exact), {
      numerator: 0n,
      denominator: 1n,
    });
    const amount: Money = { minor: roundToMinor(exact), currency };
    below = { amount, weights: weightsOf(input, parts) };
    if (member.standing === 'nothing' || parts.length === 0) continue;
    if (amount.minor === 0n) {
      if (member.level === 1)
        for (const part of parts) for (const index of part.lineIndexes) lineCodes[index] = 'rounded_to_zero';
      continue;
    }
    lines.push({
      level: member.level,
      affiliateId: member.affiliateId,
      isHeld: member.standing === 'held',
      parts,
      base: isLead
        ? zero(currency)
        : sum(
            currency,
            parts.map((part) => part.base),
          ),
      exact: reduce(exact),
      amount,
      considered: uniqueConsidered(choices.flatMap((choice) => choice.considered)),
    });
  }
  const found = noCommissionCodes.find((code) => lineCodes.includes(code)) ?? 'not_commissionable';
  return { lines, code: lines.length > 0 ? null : found, lineCodes };
}

interface Choice {
  readonly won: Rule | null;
  readonly code: NoCommissionCode;
  readonly considered: readonly Considered[];
}

/** Walks the steps of ruling 5. Rules of the first affiliate's group and person count, on every level. */
function chooseRule(input: PlanInput, first: ChainMember | undefined, level: number, line: PricedLine): Choice {
  const considered: Considered[] = [];
  const isLead = input.event.kind === 'lead';
  const isListed = isLead || (line.productId !== null && input.products.has(line.productId));
  if (!isListed) return { won: null, code: 'not_commissionable', considered };
  if (!isLead && line.amount <= 0n) return { won: null, code: 'rounded_to_zero', considered };
  const here = input.rules.filter((rule) => appliesTo(rule, input, first, line));
  for (const scope of ruleScopes) {
    const step = here
      .filter((rule) => rule.scope === scope)
      .sort((a, b) => narrowness(b) - narrowness(a) || (a.id < b.id ? -1 : 1));
    const narrowest = step[0];
    if (narrowest === undefined) continue;
    const among = step.filter((rule) => narrowness(rule) === narrowness(narrowest));
    const fitting = among.filter((rule) => eventFits(rule, input.event));
    // "first payment" is the more exact of two that fit the same payment.
    const rule = fitting.find((one) => one.event === 'first_payment') ?? fitting[0];
    if (rule === undefined) {
      considered.push(...among.map((one) => ({ ruleId: one.id, scope, won: false, code: 'not_first_payment' })));
      return { won: null, code: 'not_first_payment', considered };
    }
    if (!rule.terms.levels.some((one) => one.level === level)) {
      considered.push({ ruleId: rule.id, scope, won: false, code: 'level_not_stated' });
      continue;
    }
    const limit = limitReached(rule, input);
    if (limit !== null) {
      considered.push({ ruleId: rule.id, scope, won: false, code: limit });
      return { won: null, code: limit, considered };
    }
    considered.push({ ruleId: rule.id, scope, won: true, code: null });
    const lower = here.filter((one) => ruleScopes.indexOf(one.scope) > ruleScopes.indexOf(scope));
    considered.push(
      ...lower.map((one) => ({ ruleId: one.id, scope: one.scope, won: false, code: 'narrower_rule_won' })),
    );
    return { won: rule, code: 'not_commissionable', considered };
  }
  return { won: null, code: 'not_commissionable', considered };
}

/** Right place and right family of events; whether a payment is the first one is judged in the step. */
function appliesTo(rule: Rule, input: PlanInput, first: ChainMember | undefined, line: PricedLine): boolean {
  if (rule.programId !== null && rule.programId !== input.programId) return false;
  if (rule.productId !== null && rule.productId !== line.productId) return false;
  if (rule.scope === 'affiliate' && rule.affiliateId !== first?.affiliateId) return false;
  if (rule.scope === 'group' && (rule.groupId === null || rule.groupId !== first?.groupId)) return false;
  const { event } = input;
  if (event.kind === 'lead')
    return rule.event === 'lead' || (rule.event === 'registration' && event.event === 'registration');
  if (event.type === 'transaction')
    return rule.event === 'transaction' && rule.transactionType === event.transactionType;
  return rule.event === 'first_payment' || rule.event === 'payment';
}

function eventFits(rule: Rule, event: PlanEvent): boolean {
  return event.kind === 'lead' || rule.event !== 'first_payment' || event.isFirstPayment;
}

/** Inside a step the narrower product wins, then the narrower program. */
function narrowness(rule: Rule): number {
  return (rule.productId === null ? 0 : 2) + (rule.programId === null ? 0 : 1);
}

function limitReached(rule: Rule, input: PlanInput): 'limit_months' | 'limit_payments' | null {
  const { maxMonths, maxPayments } = rule.terms.limits;
  const { firstAt, payments } = input.earnedBefore;
  if (maxMonths !== null && firstAt !== null && addMonths(firstAt, maxMonths) <= input.occurredAt)
    return 'limit_months';
  return maxPayments !== null && payments >= maxPayments ? 'limit_payments' : null;
}

/** What a line counts for: gross; net = gross − tax − shipping; net of fees = net − fees; the deposit. Never below zero. */
export function baseOf(line: PricedLine, base: BaseType): bigint {
  const net = line.amount - line.tax - line.shipping;
  const minor = { gross: line.amount, net, net_of_fees: net - line.fees, deposit: line.deposit }[base];
  return minor > 0n ? minor : 0n;
}

function earnPart(
  input: PlanInput,
  rule: Rule,
  level: number,
  lineIndexes: readonly number[],
  below: { readonly amount: Money; readonly weights: readonly bigint[] } | null,
): EarnedPart | NoCommissionCode {
  const { currency } = input;
  const terms = rule.terms.levels.find((one) => one.level === level);
  if (terms === undefined) return 'not_commissionable';
  const own = lineIndexes.flatMap((index) => input.lines[index] ?? []);
  const base = sum(
    currency,
    own.map((line) => ({ minor: baseOf(line, rule.terms.base), currency })),
  );
  const { minimumBase } = rule.terms;
  if (minimumBase !== null && (minimumBase.currency !== currency || compare(base, minimumBase) < 0))
    return 'not_commissionable';
  const common = { lineIndexes, rule, baseType: input.event.kind === 'lead' ? null : rule.terms.base };
  if (terms.kind === 'flat') {
    if (terms.amount.currency !== currency) return 'not_commissionable';
    const units = terms.perUnit ? own.reduce((total, line) => total + line.quantity, 0) : 1;
    return { ...common, base, rate: null, of: null, flat: terms.amount, units, exact: wholeOf(terms.amount, units) };
  }
  if (terms.of === 'base')
    return { ...common, base, rate: terms.rate, of: 'base', flat: null, units: 1, exact: shareOf(base, terms.rate) };
  if (below === null) return 'not_commissionable';
  const share = shareOfLower(below, lineIndexes);
  return {
    ...common,
    base: share,
    rate: terms.rate,
    of: 'lower_level',
    flat: null,
    units: 1,
    exact: shareOf(share, terms.rate),
  };
}

/** The part of the level below's rounded amount that falls on some lines; over all lines the shares add up to it (RUL-20). */
function shareOfLower(
  below: { readonly amount: Money; readonly weights: readonly bigint[] },
  lineIndexes: readonly number[],
): Money {
  if (below.weights.every((weight) => weight === 0n)) return zero(below.amount.currency);
  const shares = allocate(below.amount, below.weights);
  return sum(
    below.amount.currency,
    lineIndexes.flatMap((index) => shares[index] ?? []),
  );
}

/** How a level's amount spreads over the sale's lines, in ppm of a minor unit. */
function weightsOf(input: PlanInput, parts: readonly EarnedPart[]): readonly bigint[] {
  const weights = input.lines.map(() => 0n);
  for (const part of parts) {
    const bases = part.lineIndexes.map((index) => {
      const line = input.lines[index];
      return line === undefined ? 0n : baseOf(line, part.rule.terms.base);
    });
    const whole = millionths(part.exact);
    const spread = bases.every((base) => base === 0n) ? bases.map(() => 1n) : bases;
    const shares = allocate({ minor: whole, currency: input.currency }, spread);
    part.lineIndexes.forEach((index, position) => {
      weights[index] = shares[position]?.minor ?? 0n;
    });
  }
  return weights;
}

function uniqueConsidered(all: readonly Considered[]): readonly Considered[] {
  const byRule = new Map<string, Considered>();
  for (const one of all) {
    const known = byRule.get(one.ruleId);
    if (known === undefined || (one.won && !known.won)) byRule.set(one.ruleId, one);
  }
  return [...byRule.values()];
}

export function refuseRule(conflicts: readonly RuleConflict[]): Refused | null {
  return conflicts.length === 0 ? null : refused('rule.rule_conflict', { conflicts });
}
