import type { AffiliateId, ProductId, ProgramId, RuleId } from '../ids.js';
import {
  addFractions,
  allocate,
  type CurrencyCode,
  type Fraction,
  millionths,
  type Money,
  type Ppm,
  roundToMinor,
  shareOf,
  sum,
  wholeOf,
  zero,
} from '../money.js';
import { type Bands, type BandPeriod, countsVolume, isAmount, rowReached, rowStarts, slicesOf } from './bands.js';
import type { BaseType, Cap, CapPeriod, CapScope, Rule, RuleLevel, RuleScope } from './commissionPlan.js';
import { ruleScopes } from './commissionPlan.js';

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
  | {
      readonly kind: 'lead';
      readonly event: 'enquiry' | 'registration';
      /** Rule events that have paid for this contact in this program: a lead rule pays once (ruling 41). */
      readonly paidBefore: ReadonlySet<'lead' | 'registration'>;
    }
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

/** What an affiliate's events of a period were before this one, on one level of one program: how many, and the sum of their bases. */
export interface Volume {
  readonly level: number;
  readonly period: BandPeriod;
  readonly count: number;
  readonly amount: bigint;
}

/** What has been earned against caps of one scope and period, in minor units. `subject`: see `capSubject`. */
export interface CapSpent {
  readonly scope: CapScope;
  readonly period: CapPeriod;
  readonly subject: string;
  readonly amount: bigint;
}

export interface PlanInput {
  readonly programId: ProgramId;
  readonly currency: CurrencyCode;
  /** CPL pays leads only, CPA the first payment only; null: each rule's own event decides (PRG-21). */
  readonly acquisitionModel: 'cpl' | 'cpa' | null;
  readonly event: PlanEvent;
  readonly lines: readonly PricedLine[];
  /** Active products of the program: others earn nothing. */
  readonly products: ReadonlySet<string>;
  /** Level 1 first. */
  readonly chain: readonly ChainMember[];
  readonly rules: CompiledRules;
  /** What the referral earned before: payments, and whole months since its first commission (null: none yet). */
  readonly earnedBefore: { readonly payments: number; readonly months: number | null };
  /** Which of the customer's payments this is, from 1. */
  readonly paymentNumber: number;
  /** The contact, for caps per customer. */
  readonly customerId: string;
  readonly volumes: readonly Volume[];
  readonly spent: readonly CapSpent[];
}

/** features.md 4.5, in order: where several fit, the first is kept; `duplicate`: a lead rule has paid for this contact (ruling 41). */
export const noCommissionCodes = [
  'declined',
  'program_not_active',
  'referral_rejected',
  'own_customer',
  'not_commissionable',
  'not_first_payment',
  'duplicate',
  'limit_months',
  'limit_payments',
  'rounded_to_zero',
  'cap_reached',
] as const;
export type NoCommissionCode = (typeof noCommissionCodes)[number];

/** One row's piece of a part. `ordinal`: which counted event of the period this is, from 1. */
export interface BandSlice {
  readonly from: string;
  readonly base: Money;
  readonly rate: Ppm | null;
  readonly flat: Money | null;
  readonly ordinal: number | null;
  readonly exact: Fraction;
}

/** What a cap left of a part. */
export interface CapClip {
  readonly cap: Cap;
  /** Earned against it before, this event's earlier parts included, in minor units. */
  readonly before: bigint;
  readonly code: 'cap_partial' | 'cap_reached';
  readonly left: bigint;
}

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
  /** Before a cap, not reduced to lowest terms. */
  readonly exact: Fraction;
  /** Empty where the level's own rate counts. */
  readonly slices: readonly BandSlice[];
  readonly clip: CapClip | null;
}

export interface Considered {
  readonly ruleId: RuleId;
  readonly scope: RuleScope;
  readonly won: boolean;
  readonly code: string | null;
}

/** One commission to be: rounded once, from the sum of its exact parts, then clipped by caps. */
export interface EarnedLine {
  readonly level: number;
  readonly affiliateId: AffiliateId;
  readonly isHeld: boolean;
  readonly parts: readonly EarnedPart[];
  readonly base: Money;
  readonly exact: Fraction;
  readonly amount: Money;
  readonly clipCode: 'cap_partial' | null;
  readonly considered: readonly Considered[];
}

/** A whole band was reached: the period's earlier lines of this rule are due at its row's rate (RUL-16). */
export interface Repricing {
  readonly level: number;
  readonly affiliateId: AffiliateId;
  readonly rule: Rule;
  readonly row: number;
}

export interface Earnings {
  readonly lines: readonly EarnedLine[];
  /** Why nothing was earned at all; null when something was. */
  readonly code: NoCommissionCode | null;
  /** Per line of the sale: why level 1 earns nothing on it. */
  readonly lineCodes: readonly (NoCommissionCode | null)[];
  readonly repricings: readonly Repricing[];
}

interface Step {
  readonly scope: RuleScope;
  /** The narrowest of the step, by id. */
  readonly rules: readonly Rule[];
}

/** What wins on a line, but for limits, which depend on the referral. */
type Choice =
  | { readonly rule: Rule; readonly terms: RuleLevel; readonly considered: readonly Considered[] }
  | { readonly rule: null; readonly code: NoCommissionCode; readonly considered: readonly Considered[] };

/** The steps of ruling 5 for one kind of event, place and person; what wins is found once per level and kept. */
interface Ladder {
  readonly steps: readonly Step[];
  readonly choices: (Choice | undefined)[];
}

/** The rules of a program, ready to be asked many times. Make it once per set of rules: `compileRules`. */
export interface CompiledRules {
  readonly rules: readonly Rule[];
  readonly ofAffiliates: ReadonlySet<string>;
  readonly ofGroups: ReadonlySet<string>;
  readonly ofProducts: ReadonlySet<string>;
  readonly hasCaps: boolean;
  readonly ladders: Map<string, Map<string, Ladder>>;
}

/** Every rule version in force at the instant, of the program and of none. */
export function compileRules(programId: ProgramId, rules: readonly Rule[]): CompiledRules {
  const here = rules.filter((rule) => rule.programId === null || rule.programId === programId);
  const named = (pick: (rule: Rule) => string | null): ReadonlySet<string> =>
    new Set(here.flatMap((rule) => pick(rule) ?? []));
  return {
    rules: here,
    ofAffiliates: named((rule) => (rule.scope === 'affiliate' ? rule.affiliateId : null)),
    ofGroups: named((rule) => (rule.scope === 'group' ? rule.groupId : null)),
    ofProducts: named((rule) => rule.productId),
    hasCaps: here.some((rule) => rule.terms.cap !== null),
    ladders: new Map(),
  };
}

const nothing: Fraction = { numerator: 0n, denominator: 1n };

/**
 * What one event earns, on every level, and why: a pure function, so that quote, simulation and accrual cannot differ (RUL-11). Judged
 * per sale line; the lines that one rule wins form a part; a level's exact parts are added and rounded once (money.md 2.2).
 */
export function evaluatePlan(input: PlanInput): Earnings {
  const { currency, lines: sold, chain } = input;
  const isLead = input.event.kind === 'lead';
  const first = chain[0]?.level === 1 ? chain[0] : chain.find((member) => member.level === 1);
  const lines: EarnedLine[] = [];
  const repricings: Repricing[] = [];
  const lineCodes: (NoCommissionCode | null)[] = sold.map(() => null);
  const spentHere = input.rules.hasCaps ? new Map<string, bigint>() : null;
  const refusal = refusedByModel(input);
  const ladders = sold.map((line) =>
    refusal === null && isListed(input, isLead, line) ? ladderOf(input, first, line) : null,
  );
  // Level by level, because a share "of the level below" is of its rounded amount.
  let below: Below | null = null;
  for (const member of chain) {
    const won = winners(input, member.level, ladders, lineCodes, refusal);
    const parts: EarnedPart[] = [];
    for (const { rule, terms, indexes } of won.groups) {
      const part = earnPart(input, { rule, terms, member, indexes, below, spentHere });
      if (typeof part === 'string') markLines(lineCodes, member.level, indexes, part);
      else parts.push(part);
    }
    const rounded = roundedOf(parts);
    below = { amount: { minor: rounded.amount, currency }, parts };
    if (member.standing === 'nothing' || parts.length === 0) continue;
    if (rounded.amount === 0n) {
      for (const part of parts)
        markLines(
          lineCodes,
          member.level,
          part.lineIndexes,
          part.clip?.code === 'cap_reached' ? 'cap_reached' : 'rounded_to_zero',
        );
      continue;
    }
    for (const part of parts) {
      if (spentHere !== null) spend(spentHere, input, member, part);
      if (part.clip?.code === 'cap_reached') markLines(lineCodes, member.level, part.lineIndexes, 'cap_reached');
      const row = wholeRow(input, part, member.level);
      if (row !== null) repricings.push({ level: member.level, affiliateId: member.affiliateId, rule: part.rule, row });
    }
    const [only] = parts;
    lines.push({
      level: member.level,
      affiliateId: member.affiliateId,
      isHeld: member.standing === 'held',
      parts,
      base: isLead
        ? zero(currency)
        : only !== undefined && parts.length === 1
          ? only.base
          : sum(
              currency,
              parts.map((part) => part.base),
            ),
      exact: rounded.exact,
      amount: { minor: rounded.amount, currency },
      clipCode: parts.some((part) => part.clip !== null) ? 'cap_partial' : null,
      considered: won.considered,
    });
  }
  const isPaid = lines.length > 0;
  return { lines, code: isPaid ? null : firstCode(lineCodes), lineCodes, repricings };
}

function firstCode(lineCodes: readonly (NoCommissionCode | null)[]): NoCommissionCode {
  return noCommissionCodes.find((code) => lineCodes.includes(code)) ?? 'not_commissionable';
}

function markLines(
  codes: (NoCommissionCode | null)[],
  level: number,
  indexes: readonly number[],
  code: NoCommissionCode,
): void {
  if (level === 1) for (const index of indexes) codes[index] = code;
}

/** CPL pays leads only; CPA leads never, and of payments only the first (PRG-21). */
function refusedByModel(input: PlanInput): NoCommissionCode | null {
  const { acquisitionModel, event } = input;
  if (acquisitionModel === null) return null;
  if (acquisitionModel === 'cpl') return event.kind === 'lead' ? null : 'not_commissionable';
  if (event.kind === 'lead') return 'not_commissionable';
  const isLater = event.type === 'payment' ? !event.isFirstPayment : input.earnedBefore.payments > 0;
  return isLater ? 'not_first_payment' : null;
}

function isListed(input: PlanInput, isLead: boolean, line: PricedLine): boolean {
  return isLead || (line.productId !== null && input.products.has(line.productId) && line.amount > 0n);
}

interface Won {
  readonly rule: Rule;
  readonly terms: RuleLevel;
  readonly indexes: number[];
}

/** Which rules win which lines on a level. */
function winners(
  input: PlanInput,
  level: number,
  ladders: readonly (Ladder | null)[],
  lineCodes: (NoCommissionCode | null)[],
  refusal: NoCommissionCode | null,
): { readonly groups: readonly Won[]; readonly considered: readonly Considered[] } {
  const groups: Won[] = [];
  let considered: readonly Considered[] = [];
  for (let index = 0; index < ladders.length; index += 1) {
    const ladder = ladders[index] ?? null;
    if (ladder === null) {
      if (level === 1) lineCodes[index] = refusal ?? unlistedCode(input, input.lines[index]);
      continue;
    }
    const choice = chooseRule(ladder, input.event, level);
    const limit = choice.rule === null ? null : limitReached(choice.rule, input);
    const seen =
      limit === null || choice.rule === null ? choice.considered : limited(choice.considered, choice.rule.id, limit);
    considered = considered.length === 0 ? seen : seen === considered ? considered : joined(considered, seen);
    if (choice.rule === null || limit !== null) {
      if (level === 1) lineCodes[index] = limit ?? (choice.rule === null ? choice.code : null);
      continue;
    }
    const { rule, terms } = choice;
    const group = groups.find((one) => one.rule === rule);
    if (group === undefined) groups.push({ rule, terms, indexes: [index] });
    else group.indexes.push(index);
  }
  return { groups, considered };
}

function unlistedCode(input: PlanInput, line: PricedLine | undefined): NoCommissionCode {
  const isAttached = line !== undefined && line.productId !== null && input.products.has(line.productId);
  return isAttached ? 'rounded_to_zero' : 'not_commissionable';
}

/** The ladder of one line: rules of the first affiliate's person and group count, on every level. */
function ladderOf(input: PlanInput, first: ChainMember | undefined, line: PricedLine): Ladder {
  const { rules, event } = input;
  const affiliate = first !== undefined && rules.ofAffiliates.has(first.affiliateId) ? first.affiliateId : '';
  const group = first !== undefined && first.groupId !== null && rules.ofGroups.has(first.groupId) ? first.groupId : '';
  const product = line.productId !== null && rules.ofProducts.has(line.productId) ? line.productId : '';
  const family = familyOf(event);
  const who = affiliate === '' && group === '' ? family : `${family}\n${affiliate}\n${group}`;
  let byProduct = rules.ladders.get(who);
  if (byProduct === undefined) rules.ladders.set(who, (byProduct = new Map<string, Ladder>()));
  let ladder = byProduct.get(product);
  if (ladder === undefined) {
    const fitting = rules.rules.filter(
      (rule) =>
        (rule.productId === null || rule.productId === product) &&
        (rule.scope !== 'affiliate' || rule.affiliateId === affiliate) &&
        (rule.scope !== 'group' || (rule.groupId !== null && rule.groupId === group)) &&
        isOfFamily(rule, event),
    );
    byProduct.set(product, (ladder = { steps: stepsOf(fitting), choices: [] }));
  }
  return ladder;
}

function familyOf(event: PlanEvent): string {
  if (event.kind === 'lead') return event.event;
  return event.type === 'payment' ? 'payment' : `transaction ${event.transactionType ?? ''}`;
}

/** Right kind of event; whether a payment is the first one, or a lead was paid before, is judged in the step. */
function isOfFamily(rule: Rule, event: PlanEvent): boolean {
  if (event.kind === 'lead')
    return rule.event === 'lead' || (rule.event === 'registration' && event.event === 'registration');
  if (event.type === 'transaction')
    return rule.event === 'transaction' && rule.transactionType === event.transactionType;
  return rule.event === 'first_payment' || rule.event === 'payment';
}

/** Inside a step the narrower product wins, then the narrower program. */
function narrowness(rule: Rule): number {
  return (rule.productId === null ? 0 : 2) + (rule.programId === null ? 0 : 1);
}

function stepsOf(rules: readonly Rule[]): readonly Step[] {
  return ruleScopes.flatMap((scope): readonly Step[] => {
    const ofScope = rules.filter((rule) => rule.scope === scope);
    const narrowest = Math.max(...ofScope.map(narrowness));
    const among = ofScope
      .filter((rule) => narrowness(rule) === narrowest)
      .sort((a, b) => exactness(b) - exactness(a) || (a.id < b.id ? -1 : 1));
    const wider = ofScope.filter((rule) => narrowness(rule) !== narrowest).sort((a, b) => (a.id < b.id ? -1 : 1));
    return among.length === 0
      ? []
      : [{ scope, rules: among }, ...(wider.length === 0 ? [] : [{ scope, rules: wider }])];
  });
}

/** "First payment" is the more exact of two that fit the same payment, "registration" of two that fit the same lead. */
function exactness(rule: Rule): number {
  return rule.event === 'first_payment' || rule.event === 'registration' ? 1 : 0;
}

/** Which of the step's rules the event meets: bits that decide what wins, beside the level. */
function situationOf(event: PlanEvent): number {
  if (event.kind === 'sale') return event.isFirstPayment ? 1 : 0;
  return (event.paidBefore.has('lead') ? 1 : 0) + (event.paidBefore.has('registration') ? 2 : 0);
}

function meets(rule: Rule, event: PlanEvent): boolean {
  if (event.kind === 'sale') return rule.event !== 'first_payment' || event.isFirstPayment;
  return rule.event === 'registration' ? !event.paidBefore.has('registration') : !event.paidBefore.has('lead');
}

/** Walks the steps of ruling 5, once for each level and situation. */
function chooseRule(ladder: Ladder, event: PlanEvent, level: number): Choice {
  const key = level * 4 + situationOf(event);
  return (ladder.choices[key] ??= walk(ladder.steps, event, level));
}

function walk(steps: readonly Step[], event: PlanEvent, level: number): Choice {
  const considered: Considered[] = [];
  for (const [at, { scope, rules }] of steps.entries()) {
    const rule = rules.find((one) => meets(one, event));
    if (rule === undefined) {
      const code = event.kind === 'lead' ? 'duplicate' : 'not_first_payment';
      considered.push(...rules.map((one) => ({ ruleId: one.id, scope, won: false, code })));
      return { rule: null, code, considered };
    }
    const terms = rule.terms.levels.find((one) => one.level === level);
    if (terms === undefined) {
      considered.push({ ruleId: rule.id, scope, won: false, code: 'level_not_stated' });
      continue;
    }
    const code = 'narrower_rule_won';
    const others = rules
      .filter((one) => one !== rule)
      .map((one) => ({ ruleId: one.id, scope, won: false, code: 'more_exact_rule_won' }));
    const lower = steps
      .slice(at + 1)
      .flatMap((step) => step.rules.map((one) => ({ ruleId: one.id, scope: step.scope, won: false, code })));
    return {
      rule,
      terms,
      considered: [...considered, { ruleId: rule.id, scope, won: true, code: null }, ...others, ...lower],
    };
  }
  return { rule: null, code: 'not_commissionable', considered };
}

function limitReached(rule: Rule, input: PlanInput): 'limit_months' | 'limit_payments' | null {
  const { maxMonths, maxPayments } = rule.terms.limits;
  if (maxMonths === null && maxPayments === null) return null;
  const { months, payments } = input.earnedBefore;
  if (maxMonths !== null && months !== null && months >= maxMonths) return 'limit_months';
  return maxPayments !== null && payments >= maxPayments ? 'limit_payments' : null;
}

/** The winner met its limit: nobody else takes its place. */
function limited(considered: readonly Considered[], ruleId: RuleId, code: string): readonly Considered[] {
  return considered.map((one) => (one.ruleId === ruleId ? { ...one, won: false, code } : one));
}

/** What several lines looked at, a rule once; one that won somewhere has won. */
function joined(a: readonly Considered[], b: readonly Considered[]): readonly Considered[] {
  const byRule = new Map(a.map((one) => [one.ruleId, one]));
  for (const one of b) {
    const known = byRule.get(one.ruleId);
    if (known === undefined || (one.won && !known.won)) byRule.set(one.ruleId, one);
  }
  return [...byRule.values()];
}

/** What a line counts for: gross; net = gross − tax − shipping; net of fees = net − fees; the deposit. Never below zero. */
export function baseOf(line: PricedLine, base: BaseType): bigint {
  const minor = baseMinor(line, base);
  return minor > 0n ? minor : 0n;
}

function baseMinor(line: PricedLine, base: BaseType): bigint {
  switch (base) {
    case 'gross':
      return line.amount;
    case 'net':
      return line.amount - line.tax - line.shipping;
    case 'net_of_fees':
      return line.amount - line.tax - line.shipping - line.fees;
    case 'deposit':
      return line.deposit;
    default:
      return base satisfies never;
  }
}

/** The level below as it came out. How its amount spreads over the sale's lines is found when somebody takes a share of it. */
interface Below {
  readonly amount: Money;
  readonly parts: readonly EarnedPart[];
}

interface Earning {
  readonly rule: Rule;
  readonly terms: RuleLevel;
  readonly member: ChainMember;
  readonly indexes: readonly number[];
  readonly below: Below | null;
  /** What this event earned on the levels before; null where no rule has a cap. */
  readonly spentHere: ReadonlyMap<string, bigint> | null;
}

function earnPart(input: PlanInput, earning: Earning): EarnedPart | NoCommissionCode {
  const { currency } = input;
  const { rule, terms, indexes } = earning;
  let whole = 0n;
  let units = 0;
  for (const index of indexes) {
    const line = input.lines[index];
    if (line === undefined) continue;
    whole += baseOf(line, rule.terms.base);
    units += line.quantity;
  }
  const { minimumBase, bands, cap } = rule.terms;
  if (minimumBase !== null && (minimumBase.currency !== currency || whole < minimumBase.minor))
    return 'not_commissionable';
  if (cap !== null && cap.amount.currency !== currency) return 'not_commissionable';
  const isOfLower = terms.kind === 'percent' && terms.of === 'lower_level';
  const base = isOfLower ? shareOfLower(input, earning.below, indexes) : { minor: whole, currency };
  if (base === null) return 'not_commissionable';
  const isBanded = bands !== null && bands.level === terms.level;
  const slices = isBanded ? bandSlices(input, bands, base, terms.level) : noSlices;
  if (slices === null) return 'not_commissionable';
  const single = slices.length === 1 ? (slices[0] ?? null) : null;
  let rate: Ppm | null = null;
  let flat: Money | null = null;
  let count = 1;
  let exact: Fraction;
  if (isBanded) {
    rate = single?.rate ?? null;
    flat = single?.flat ?? null;
    exact = single?.exact ?? slices.reduce((total, slice) => addFractions(total, slice.exact), nothing);
  } else if (terms.kind === 'flat') {
    if (terms.amount.currency !== currency) return 'not_commissionable';
    flat = terms.amount;
    if (terms.perUnit) count = units;
    exact = wholeOf(terms.amount, count);
  } else {
    rate = terms.rate;
    exact = shareOf(base, terms.rate);
  }
  // Written out: spreading a common part cost five times the whole evaluation (bench/results/rules.json).
  return {
    lineIndexes: indexes,
    rule,
    base,
    baseType: input.event.kind === 'lead' ? null : rule.terms.base,
    rate,
    of: flat !== null ? null : isOfLower ? 'lower_level' : 'base',
    flat,
    units: count,
    exact,
    slices,
    clip: cap === null ? null : clipOf(input, earning, cap, exact),
  };
}

const noSlices: readonly BandSlice[] = [];

/** The rows that one part falls into, each with its exact share. Null: the rows cannot be read in this currency. */
function bandSlices(input: PlanInput, bands: Bands, base: Money, level: number): readonly BandSlice[] | null {
  const starts = rowStarts(bands, input.currency);
  if (starts === undefined) return null;
  const volume = input.volumes.find((one) => one.level === level && one.period === bands.period);
  const before = bands.by === 'sales_amount' ? (volume?.amount ?? 0n) : BigInt(volume?.count ?? 0);
  const ordinal = bands.by === 'sales_count' ? (volume?.count ?? 0) + 1 : null;
  const at = (row: number, slice: Money): BandSlice | null => {
    const found = bands.rows[row];
    if (found === undefined) return null;
    const { from, pays } = found;
    if (pays.kind === 'percent')
      return { from, base: slice, rate: pays.rate, flat: null, ordinal, exact: shareOf(slice, pays.rate) };
    if (pays.amount.currency !== input.currency) return null;
    return { from, base: slice, rate: null, flat: pays.amount, ordinal, exact: wholeOf(pays.amount) };
  };
  if (isAmount(bands.by) && bands.mode === 'marginal') {
    const slices: BandSlice[] = [];
    for (const one of slicesOf(starts, bands.by === 'sales_amount' ? before : 0n, base.minor)) {
      const slice = at(one.row, { minor: one.amount, currency: base.currency });
      if (slice === null) return null;
      slices.push(slice);
    }
    return slices;
  }
  const slice = at(rowReached(starts, measure(input, bands, before, base)), base);
  return slice === null ? null : [slice];
}

/** What the rows compare: this event included. */
function measure(input: PlanInput, bands: Bands, before: bigint, base: Money): bigint {
  switch (bands.by) {
    case 'sales_count':
      return before + 1n;
    case 'sales_amount':
      return before + base.minor;
    case 'sale_size':
      return base.minor;
    case 'payment_number':
      return BigInt(input.paymentNumber);
    case 'months_since_first_commission':
      return BigInt(input.earnedBefore.months ?? 0);
    default:
      return bands.by satisfies never;
  }
}

/** The row that this event is the first to reach, so that earlier lines of the period are due at its rate; null where none changes. */
function wholeRow(input: PlanInput, part: EarnedPart, level: number): number | null {
  const { bands } = part.rule.terms;
  const [slice] = part.slices;
  if (bands === null || slice === undefined || bands.mode !== 'whole' || !countsVolume(bands.by)) return null;
  const row = bands.rows.findIndex((one) => one.from === slice.from);
  const starts = rowStarts(bands, input.currency);
  if (row <= 0 || starts === undefined) return null;
  const volume = input.volumes.find((one) => one.level === level && one.period === bands.period);
  const before = bands.by === 'sales_amount' ? (volume?.amount ?? 0n) : BigInt(volume?.count ?? 0);
  return rowReached(starts, before) < row ? row : null;
}

/** Whose earnings count together against a cap, within the program. */
export function capSubject(
  scope: CapScope,
  member: Pick<ChainMember, 'affiliateId' | 'groupId'>,
  customerId: string,
): string {
  switch (scope) {
    case 'program':
      return '';
    case 'group':
      return member.groupId ?? '';
    case 'affiliate':
      return member.affiliateId;
    case 'affiliate_customer':
      return `${member.affiliateId} ${customerId}`;
    default:
      return scope satisfies never;
  }
}

function clipOf(input: PlanInput, { member, spentHere }: Earning, cap: Cap, exact: Fraction): CapClip | null {
  if (member.standing === 'nothing') return null;
  let before = 0n;
  if (cap.period !== 'commission') {
    const subject = capSubject(cap.scope, member, input.customerId);
    const known = input.spent.find(
      (one) => one.scope === cap.scope && one.period === cap.period && one.subject === subject,
    );
    before = (known?.amount ?? 0n) + (spentHere?.get(`${cap.scope} ${subject}`) ?? 0n);
  }
  const room = cap.amount.minor > before ? cap.amount.minor - before : 0n;
  if (roundToMinor(exact) <= room) return null;
  return { cap, before, code: room > 0n ? 'cap_partial' : 'cap_reached', left: room };
}

/** What this event has earned so far counts for the levels that follow. */
function spend(spentHere: Map<string, bigint>, input: PlanInput, member: ChainMember, part: EarnedPart): void {
  const earned = part.clip?.left ?? roundToMinor(part.exact);
  for (const scope of ['program', 'group', 'affiliate', 'affiliate_customer'] as const) {
    const key = `${scope} ${capSubject(scope, member, input.customerId)}`;
    spentHere.set(key, (spentHere.get(key) ?? 0n) + earned);
  }
}

/** The exact sum and the amount of a line: rounded once; where caps took something, what they left. */
function roundedOf(parts: readonly EarnedPart[]): { readonly exact: Fraction; readonly amount: bigint } {
  const [only] = parts;
  if (only === undefined) return { exact: nothing, amount: 0n };
  if (parts.length === 1)
    return { exact: only.exact, amount: only.clip === null ? roundToMinor(only.exact) : only.clip.left };
  const exact = parts.reduce((total, part) => addFractions(total, part.exact), nothing);
  if (parts.every((part) => part.clip === null)) return { exact, amount: roundToMinor(exact) };
  const left = parts.reduce(
    (total, part) =>
      addFractions(total, part.clip === null ? part.exact : { numerator: part.clip.left, denominator: 1n }),
    nothing,
  );
  return { exact, amount: roundToMinor(left) };
}

/** The part of the level below's rounded amount that falls on some lines; over all lines the shares add up to it (RUL-20). */
function shareOfLower(input: PlanInput, below: Below | null, indexes: readonly number[]): Money | null {
  if (below === null) return null;
  const weights = weightsOf(input, below.parts);
  if (weights.every((weight) => weight === 0n)) return zero(below.amount.currency);
  const shares = allocate(below.amount, weights);
  return sum(
    below.amount.currency,
    indexes.flatMap((index) => shares[index] ?? []),
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
    const whole = millionths(part.clip === null ? part.exact : { numerator: part.clip.left, denominator: 1n });
    const spread = bases.every((base) => base === 0n) ? bases.map(() => 1n) : bases;
    const shares = allocate({ minor: whole, currency: input.currency }, spread);
    part.lineIndexes.forEach((index, position) => {
      weights[index] = shares[position]?.minor ?? 0n;
    });
  }
  return weights;
}
