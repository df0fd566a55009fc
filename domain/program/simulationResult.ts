import { type CurrencyCode, formatMoney, type MoneyWire } from '../money.js';
import type { Instant } from '../time.js';
import type { Simulated } from './simulation.js';

/** What a past period would have cost under a plan, beside what was booked (BEY-02), in wire form: it is kept as an operation's result. */
export interface SimulationResult {
  readonly object: 'plan_simulation';
  readonly from: Instant;
  readonly to: Instant;
  readonly sales: number;
  readonly leads: number;
  readonly actual: readonly MoneyWire[];
  readonly simulated: readonly MoneyWire[];
  readonly difference: readonly MoneyWire[];
  /** Affiliates with a difference or an amount, the largest differences first; at most 1,000 of `affiliates`. */
  readonly byAffiliate: readonly SimulatedRow[];
  readonly affiliates: { readonly total: number; readonly winning: number; readonly losing: number };
  readonly byBand: readonly {
    readonly ruleId: string;
    readonly from: string;
    readonly count: number;
    readonly simulated: MoneyWire;
  }[];
  readonly byProgram: readonly SimulatedRow[];
  readonly notComparable: readonly { readonly saleId: string; readonly code: string }[];
}
/** What a simulation's job keeps of the question. `draft`: a rule as `draftJson` writes it; null: the present plan. */
export interface SimulationRequest {
  readonly from: Instant;
  readonly until: Instant;
  readonly programIds: readonly string[];
  readonly replacesRuleId: string | null;
  readonly draft: unknown;
}

export interface SimulatedRow {
  readonly affiliateId?: string;
  readonly programId: string;
  readonly name: string | null;
  readonly actual: MoneyWire;
  readonly simulated: MoneyWire;
  readonly difference: MoneyWire;
}

const mostRows = 1_000;

/** Booked and simulated amounts side by side. Currencies never meet in a sum. */
export function compareWithBooked(of: {
  readonly from: Instant;
  readonly to: Instant;
  readonly simulated: Simulated;
  readonly booked: readonly {
    readonly programId: string;
    readonly affiliateId: string;
    readonly currency: CurrencyCode;
    readonly amount: bigint;
  }[];
  readonly currencyOf: ReadonlyMap<string, CurrencyCode>;
  readonly programNames: ReadonlyMap<string, string>;
  readonly affiliateNames: ReadonlyMap<string, string>;
  readonly bandCurrency: CurrencyCode | null;
  readonly notComparable: SimulationResult['notComparable'];
}): SimulationResult {
  interface Pair {
    readonly programId: string;
    readonly affiliateId: string;
    readonly currency: CurrencyCode;
    actual: bigint;
    simulated: bigint;
  }
  const pairs = new Map<string, Pair>();
  const pairOf = (programId: string, affiliateId: string, currency: CurrencyCode): Pair => {
    const key = `${programId} ${affiliateId} ${currency}`;
    let pair = pairs.get(key);
    if (pair === undefined) pairs.set(key, (pair = { programId, affiliateId, currency, actual: 0n, simulated: 0n }));
    return pair;
  };
  for (const one of of.booked) pairOf(one.programId, one.affiliateId, one.currency).actual += one.amount;
  for (const one of of.simulated.byAffiliate.values()) {
    const currency = of.currencyOf.get(one.programId);
    if (currency !== undefined) pairOf(one.programId, one.affiliateId, currency).simulated += one.amount;
  }
  const all = [...pairs.values()];
  const row = (pair: Pair): Omit<SimulatedRow, 'name'> => ({
    programId: pair.programId,
    actual: formatMoney({ minor: pair.actual, currency: pair.currency }),
    simulated: formatMoney({ minor: pair.simulated, currency: pair.currency }),
    difference: formatMoney({ minor: pair.simulated - pair.actual, currency: pair.currency }),
  });
  const sums = (key: (pair: Pair) => string, programId: (pair: Pair) => string): readonly Pair[] => {
    const found = new Map<string, Pair>();
    for (const pair of all) {
      const sum = found.get(key(pair));
      if (sum === undefined) found.set(key(pair), { ...pair, programId: programId(pair), affiliateId: '' });
      else {
        sum.actual += pair.actual;
        sum.simulated += pair.simulated;
      }
    }
    return [...found.values()];
  };
  const totals = sums(
    (pair) => pair.currency,
    () => '',
  ).toSorted((a, b) => (a.currency < b.currency ? -1 : 1));
  const size = (pair: Pair): bigint => {
    const difference = pair.simulated - pair.actual;
    return difference < 0n ? -difference : difference;
  };
  const ordered = all.toSorted((a, b) => {
    const [one, other] = [size(a), size(b)];
    if (one !== other) return one > other ? -1 : 1;
    return a.affiliateId < b.affiliateId ? -1 : 1;
  });
  return {
    object: 'plan_simulation',
    from: of.from,
    to: of.to,
    sales: of.simulated.sales,
    leads: of.simulated.leads,
    actual: totals.map((pair) => row(pair).actual),
    simulated: totals.map((pair) => row(pair).simulated),
    difference: totals.map((pair) => row(pair).difference),
    byAffiliate: ordered.slice(0, mostRows).map((pair) => ({
      affiliateId: pair.affiliateId,
      name: of.affiliateNames.get(pair.affiliateId) ?? null,
      ...row(pair),
    })),
    affiliates: {
      total: all.length,
      winning: all.filter((pair) => pair.simulated > pair.actual).length,
      losing: all.filter((pair) => pair.simulated < pair.actual).length,
    },
    byBand: [...of.simulated.byBand.values()].flatMap((band) =>
      of.bandCurrency === null
        ? []
        : [
            {
              ruleId: band.ruleId,
              from: band.from,
              count: band.count,
              simulated: formatMoney({ minor: band.amount, currency: of.bandCurrency }),
            },
          ],
    ),
    byProgram: sums(
      (pair) => `${pair.programId} ${pair.currency}`,
      (pair) => pair.programId,
    ).map((pair) => ({ name: of.programNames.get(pair.programId) ?? null, ...row(pair) })),
    notComparable: of.notComparable,
  };
}
