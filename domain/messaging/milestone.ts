import type { Id, ProgramId } from '../ids.js';
import type { CurrencyCode } from '../money.js';

export type MilestoneId = Id<'milestone'>;

export const milestoneMeasures = ['sales_amount', 'sales_count'] as const;
export type MilestoneMeasure = (typeof milestoneMeasures)[number];

/** A mark of sales that triggers a congratulation (features.md NTF-05). */
export interface Mark {
  readonly by: MilestoneMeasure;
  /** Of a sum: minor units of the currency; of a number: sales. */
  readonly threshold: bigint;
  /** Null: a number has none. */
  readonly currency: CurrencyCode | null;
}

export interface Milestone extends Mark {
  readonly id: MilestoneId;
  readonly programId: ProgramId;
  readonly templateId: string;
  readonly active: boolean;
}

/** What an affiliate has sold in a program by now, net of what was given back. */
export interface SoldTotals {
  readonly count: number;
  readonly amounts: ReadonlyMap<CurrencyCode, bigint>;
}

export function totalFor({ by, currency }: Mark, totals: SoldTotals): bigint {
  return by === 'sales_count'
    ? BigInt(totals.count)
    : ((currency === null ? null : totals.amounts.get(currency)) ?? 0n);
}

export interface Pass<M> {
  readonly milestone: M;
  readonly total: bigint;
  readonly mailed: boolean;
}

/**
 * Those of the milestones not passed before that are reached or passed now, in ascending order. The highest of each measure and currency is
 * the one to tell of: a jump over two is one congratulation (NTF-06).
 */
export function passedNow<M extends Mark>(open: readonly M[], totals: SoldTotals): readonly Pass<M>[] {
  const reached = open
    .filter((milestone) => totalFor(milestone, totals) >= milestone.threshold)
    .toSorted((a, b) => (a.threshold < b.threshold ? -1 : a.threshold > b.threshold ? 1 : 0));
  return reached.map((milestone, index) => ({
    milestone,
    total: totalFor(milestone, totals),
    mailed: !reached.slice(index + 1).some((other) => isSameScale(other, milestone)),
  }));
}

function isSameScale(one: Mark, other: Mark): boolean {
  return one.by === other.by && one.currency === other.currency;
}
