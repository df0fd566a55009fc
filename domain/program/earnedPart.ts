import {
  addFractions,
  allocate,
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
import { type Bands, countsVolume, isAmount, rowReached, rowStarts, slicesOf } from './bands.js';
import type { BaseType, Cap, CapScope, Rule, RuleLevel } from './commissionPlan.js';
import type { ChainMember, NoCommissionCode, PricedLine } from './planEvent.js';
import type { PlanInput } from './planInput.js';

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

/** Where no part adds anything. */
export const noShare: Fraction = { numerator: 0n, denominator: 1n };

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
export interface Below {
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
  /** What the parts before it earned of the same line, after their caps: they share every cap with this one. */
  readonly lineSoFar: Fraction;
}

/** What one rule pays one level for the lines it won; a code where it pays nothing for them. */
export function earnPart(input: PlanInput, earning: Earning): EarnedPart | NoCommissionCode {
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
    exact = single?.exact ?? slices.reduce((total, slice) => addFractions(total, slice.exact), noShare);
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
export function wholeRow(input: PlanInput, part: EarnedPart, level: number): number | null {
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

function clipOf(
  input: PlanInput,
  { member, spentHere, lineSoFar }: Earning,
  cap: Cap,
  exact: Fraction,
): CapClip | null {
  if (member.standing === 'nothing') return null;
  let before = 0n;
  if (cap.period !== 'commission') {
    const subject = capSubject(cap.scope, member, input.customerId);
    const known = input.spent.find(
      (one) => one.scope === cap.scope && one.period === cap.period && one.subject === subject,
    );
    before = (known?.amount ?? 0n) + (spentHere?.get(`${cap.scope} ${subject}`) ?? 0n);
  }
  // One line is one commission, whichever rules it is of: what its earlier parts took is gone for this one.
  const taken = before + roundToMinor(lineSoFar);
  const room = cap.amount.minor > taken ? cap.amount.minor - taken : 0n;
  if (before + roundToMinor(addFractions(lineSoFar, exact)) <= cap.amount.minor) return null;
  return { cap, before: taken, code: room > 0n ? 'cap_partial' : 'cap_reached', left: room };
}

/** What this event has earned so far counts for the levels that follow. */
export function spend(spentHere: Map<string, bigint>, input: PlanInput, member: ChainMember, earned: bigint): void {
  for (const scope of ['program', 'group', 'affiliate', 'affiliate_customer'] as const) {
    const key = `${scope} ${capSubject(scope, member, input.customerId)}`;
    spentHere.set(key, (spentHere.get(key) ?? 0n) + earned);
  }
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
