import { add, type CurrencyCode, formatMoney, type Money, sum } from '../money.js';

// What a remittance statement says (PAY-21): every line with its explanation, and the sums that lead to the amount.

/** Above it a statement is a CSV only: what an answer may hold (api.md 1.6), and some 8 s of a quiet core (dependencies.md 2, fact 13). */
export const maxPdfLines = 5_000;

export interface ExplainedLine {
  readonly kind: string;
  readonly currency: CurrencyCode;
  /** What the line was made with. */
  readonly originalMinor: bigint;
  /** What refunds took off it before it was paid. */
  readonly reversedMinor: bigint;
  /** What this payout pays of it. */
  readonly amountMinor: bigint;
  /** Kept when the line was made. */
  readonly sentence: string | null;
}

/** Why a line pays what it pays: the sentence it was made with, and what was taken off it since. */
export function explainStatementLine(line: ExplainedLine): string {
  const { currency } = line;
  const words = (minor: bigint): string => {
    const { amount } = formatMoney({ minor, currency });
    return `${amount} ${currency}`;
  };
  const made = line.sentence ?? `${words(line.originalMinor)}.`;
  if (line.reversedMinor === 0n) return made;
  return `${made} Less ${words(line.reversedMinor)} for refunds, leaves ${words(line.amountMinor)}.`;
}

export interface StatementTotals {
  /** Lines above zero. */
  readonly gross: Money;
  /** Lines below zero: what is taken back. */
  readonly corrections: Money;
  readonly net: Money;
}

/** The sums of a statement; `net` is the payout's amount, which a test compares with the ledger. */
export function statementTotals(currency: CurrencyCode, minors: readonly bigint[]): StatementTotals {
  const of = (wanted: (minor: bigint) => boolean): Money =>
    sum(
      currency,
      minors.filter(wanted).map((minor) => ({ minor, currency })),
    );
  const gross = of((minor) => minor > 0n);
  const corrections = of((minor) => minor < 0n);
  return { gross, corrections, net: add(gross, corrections) };
}
