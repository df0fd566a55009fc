import type { AffiliateId } from '../ids.js';
import { addFractions, type Fraction, maxMinor, type Money, roundToMinor, sum, zero } from '../money.js';
import type { Rule, RuleLevel } from './commissionPlan.js';
import { type Below, type EarnedPart, earnPart, noShare, spend, wholeRow } from './earnedPart.js';
import { type NoCommissionCode, noCommissionCodes, type PricedLine } from './planEvent.js';
import type { PlanInput } from './planInput.js';
import { chooseRule, type Considered, joined, type Ladder, ladderOf, limited, limitReached } from './ruleChoice.js';

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

/** What an event earns on every level, or why nothing. */
export interface Earnings {
  readonly lines: readonly EarnedLine[];
  /** Why nothing was earned at all; null when something was. */
  readonly code: NoCommissionCode | null;
  /** Per line of the sale: why level 1 earns nothing on it. */
  readonly lineCodes: readonly (NoCommissionCode | null)[];
  readonly repricings: readonly Repricing[];
}

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
    let lineSoFar = noShare;
    for (const { rule, terms, indexes } of won.groups) {
      const part = earnPart(input, { rule, terms, member, indexes, below, spentHere, lineSoFar });
      if (typeof part === 'string') markLines(lineCodes, member.level, indexes, part);
      else {
        parts.push(part);
        if (spentHere !== null) lineSoFar = addFractions(lineSoFar, leftOf(part));
      }
    }
    const rounded = withinBooks(roundedOf(parts));
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
    if (spentHere !== null) spend(spentHere, input, member, rounded.amount);
    for (const part of parts) {
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
      clipCode: rounded.isCut || parts.some((part) => part.clip !== null) ? 'cap_partial' : null,
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

/**
 * CPL pays leads only; CPA leads never, and of payments only the first (PRG-21). The model of the affiliate that is credited goes before the
 * program's, and decides for those above it too: they earn on what it is paid for.
 */
function refusedByModel(input: PlanInput): NoCommissionCode | null {
  const { event, chain } = input;
  const acquisitionModel = chain.find((member) => member.level === 1)?.acquisitionModel ?? input.acquisitionModel;
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
    const limit = choice.rule === null ? null : limitReached(choice.rule, input.earnedBefore);
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

/** The exact sum and the amount of a line: rounded once; where caps took something, what they left. */
function roundedOf(parts: readonly EarnedPart[]): Rounded {
  const [only] = parts;
  if (only === undefined) return { exact: noShare, amount: 0n };
  if (parts.length === 1)
    return { exact: only.exact, amount: only.clip === null ? roundToMinor(only.exact) : only.clip.left };
  const exact = parts.reduce((total, part) => addFractions(total, part.exact), noShare);
  if (parts.every((part) => part.clip === null)) return { exact, amount: roundToMinor(exact) };
  const left = parts.reduce((total, part) => addFractions(total, leftOf(part)), noShare);
  return { exact, amount: roundToMinor(left) };
}

interface Rounded {
  readonly exact: Fraction;
  readonly amount: bigint;
}

/**
 * No line is above what a posting can hold (money.md 3): a flat sum by the unit may ask for more, and a sale is a fact that has to be judged
 * nevertheless. What is beyond is cut, as by a cap.
 */
function withinBooks({ exact, amount }: Rounded): Rounded & { readonly isCut: boolean } {
  const isCut = amount > maxMinor;
  return { exact, amount: isCut ? maxMinor : amount, isCut };
}

/** What caps left of a part. */
function leftOf(part: EarnedPart): Fraction {
  return part.clip === null ? part.exact : { numerator: part.clip.left, denominator: 1n };
}
