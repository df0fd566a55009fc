import {
  addFractions,
  formatMoney,
  type Fraction,
  type MoneyWire,
  parseMoney,
  reduce,
  roundToMinor,
  shareOf,
  wholeOf,
} from '../money.js';
import { bandRateText } from '../program/bands.js';
import type { Rule } from '../program/commissionPlan.js';
import { assertInvariant } from '../errors.js';
import { type Commission, isTopUp } from './commission.js';

/** What an earlier line is due beyond what it and its earlier raises are, in minor units; below zero where the row pays less. */
export interface TopUp {
  readonly line: Commission;
  readonly amount: bigint;
  readonly explanation: Readonly<Record<string, unknown>>;
}

/**
 * The raises that bring earlier lines of a rule, of the versions with the same bands, to one of its rows (RUL-16). `lines`: the earned ones of the period with the entries that
 * name them. The whole amounts are compared, before refunds: a refund reverses the same share of a line and of its raise. A line that a cap
 * clipped, and one that does not stand, is left as it is.
 */
export function decideTopUps(
  lines: readonly Commission[],
  { rule, row, versions }: { readonly rule: Rule; readonly row: number; readonly versions: readonly number[] },
): readonly TopUp[] {
  const isOfRule = (part: Commission['parts'][number]): boolean =>
    part.ruleId === rule.id && versions.includes(part.ruleVersion);
  return lines.flatMap((line): readonly TopUp[] => {
    const isDue = line.kind === 'earned' && line.clipReason === null && isStanding(line);
    if (!isDue) return [];
    const exact = exactAt(line, { rule, row, isOfRule });
    const due = roundToMinor(exact);
    const raised = lines
      .filter((one) => isTopUp(one) && one.originCommissionId === line.id && one.status !== 'rejected')
      .reduce((total, one) => total + one.amount, 0n);
    const amount = due - line.amount - raised;
    return amount === 0n
      ? []
      : [{ line, amount, explanation: explanationOf(line, rule, row, { due, exact, raised, amount }) }];
  });
}

function isStanding(line: Commission): boolean {
  const isOpen = line.status === 'pending' || line.status === 'approved' || line.status === 'paid';
  return isOpen && line.amount > line.reversed + line.clawedBack;
}

/** The line's exact amount with the rule's parts at the row; what other rules won stays. */
function exactAt(
  line: Commission,
  of: {
    readonly rule: Rule;
    readonly row: number;
    readonly isOfRule: (part: Commission['parts'][number]) => boolean;
  },
): Fraction {
  const { rule, row } = of;
  const pays = rule.terms.bands?.rows[row]?.pays;
  assertInvariant(pays !== undefined, 'a row that was reached is in its rule', { ruleId: rule.id, row });
  return line.parts.reduce<Fraction>(
    (total, part) => {
      if (!of.isOfRule(part))
        return addFractions(total, {
          numerator: BigInt(part.exact.numerator),
          denominator: BigInt(part.exact.denominator),
        });
      return addFractions(total, pays.kind === 'flat' ? wholeOf(pays.amount) : shareOf(moneyOf(part.base), pays.rate));
    },
    { numerator: 0n, denominator: 1n },
  );
}

function moneyOf(wire: MoneyWire) {
  const parsed = parseMoney(wire);
  assertInvariant(parsed.ok, 'a stored amount is readable', { amount: wire.amount, currency: wire.currency });
  return parsed.money;
}

function explanationOf(
  line: Commission,
  rule: Rule,
  row: number,
  of: { readonly due: bigint; readonly exact: Fraction; readonly raised: bigint; readonly amount: bigint },
): Readonly<Record<string, unknown>> {
  const { due, raised, amount } = of;
  const reached = rule.terms.bands?.rows[row];
  const text = (minor: bigint): string => {
    const wire = formatMoney({ minor, currency: line.currency });
    return `${wire.amount} ${wire.currency}`;
  };
  const already = raised === 0n ? text(line.amount) : `${text(line.amount)} and ${text(raised)} since`;
  const exact = reduce(of.exact);
  return {
    sentence: `At the band from ${reached?.from ?? ''} (${reached === undefined ? '' : bandRateText(reached.pays)}) the earlier commission is ${text(due)}; it was ${already}: ${text(amount)} more.`,
    rule: { id: rule.id, name: rule.name, version: rule.version, scope: rule.scope, level: line.level },
    inputs: line.parts.map((part) => ({
      productId: null,
      base: part.base,
      ratePpm: reached?.pays.kind === 'percent' ? reached.pays.rate : null,
      flat: reached?.pays.kind === 'flat' ? formatMoney(reached.pays.amount) : null,
      ordinal: part.ordinal ?? null,
      bandFrom: reached?.from ?? null,
    })),
    due: {
      ...formatMoney({ minor: due, currency: line.currency }),
      exact: { numerator: exact.numerator.toString(), denominator: exact.denominator.toString() },
    },
    originCommissionId: line.id,
  };
}
