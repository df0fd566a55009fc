import type { AttemptState } from './payoutAttempt.js';

/** What a difference between a gateway's statement and the books can be (money.md 10, api.md 10.3). */
export const itemClasses = [
  'matched',
  'timing',
  'fee',
  'return',
  'duplicate',
  'missing_here',
  'missing_there',
  'amount',
  'currency',
  'unknown_reference',
] as const;
export type ItemClass = (typeof itemClasses)[number];

export type StatementLineKind = 'payment' | 'return' | 'fee' | 'deposit' | 'other';

/** One business fact as both sides have it, in minor units of one currency; above zero the money at the gateway grew. */
export interface Compared {
  readonly lineKind: StatementLineKind | null;
  readonly lineCount: number;
  readonly lineMinor: bigint;
  readonly booksMinor: bigint;
  /** The attempt the fact is about; null: the line names none of ours. */
  readonly attemptState: AttemptState | null;
  /** The fact stands in another currency on the other side. */
  readonly isOtherCurrency: boolean;
}

/** Books less statement: what this fact adds to the difference of the two balances. */
export function gapOf(fact: Pick<Compared, 'lineMinor' | 'booksMinor'>): bigint {
  return fact.booksMinor - fact.lineMinor;
}

const onItsWay: ReadonlySet<AttemptState | null> = new Set<AttemptState>(['submitting', 'submitted', 'unknown']);

/** Which class a fact is: always exactly one, so that no line of a statement is left unexplained. */
export function classOf(fact: Compared): ItemClass {
  if (gapOf(fact) === 0n) return 'matched';
  if (fact.isOtherCurrency) return 'currency';
  if (fact.lineCount === 0) return 'missing_there';
  switch (fact.lineKind) {
    case 'deposit':
      return fact.booksMinor === 0n ? 'missing_here' : fact.lineCount > 1 ? 'duplicate' : 'amount';
    case 'payment':
    case 'return':
    case 'fee':
      if (fact.attemptState === null) return 'unknown_reference';
      if (fact.booksMinor !== 0n) return fact.lineCount > 1 ? 'duplicate' : 'amount';
      if (fact.lineKind !== 'payment') return fact.lineKind;
      // The gateway debits when it takes an instruction, we when it is paid.
      if (onItsWay.has(fact.attemptState)) return 'timing';
      return fact.lineCount > 1 ? 'duplicate' : 'missing_here';
    case 'other':
    case null:
      return 'unknown_reference';
    default:
      return fact.lineKind satisfies never;
  }
}

/**
 * How a person settles a difference: it is right as it is, its money waits in suspense for a document, or it is what an affiliate was paid and is
 * taken off what that one is owed (docs/decisions/0452).
 */
export const itemResolutions = ['accepted', 'suspense', 'affiliate'] as const;
export type ItemResolution = (typeof itemResolutions)[number];

const paidOut: ReadonlySet<ItemClass> = new Set<ItemClass>([
  'unknown_reference',
  'missing_here',
  'amount',
  'duplicate',
]);

/** May this difference be what somebody was paid? Money left the gateway, and the books do not know of it. */
export function mayBePayment(item: { readonly itemClass: ItemClass; readonly gap: bigint }): boolean {
  return item.gap > 0n && paidOut.has(item.itemClass);
}
