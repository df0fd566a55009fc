import { type CurrencyCode, formatMoney, formatPercent, type Money, parseMoney, type Ppm } from '../money.js';

/** What a band is reached by (api.md 6.2). The first two count events of a period; the others look at this one event. */
export const bandMeasures = [
  'sales_count',
  'sales_amount',
  'sale_size',
  'payment_number',
  'months_since_first_commission',
] as const;
export type BandMeasure = (typeof bandMeasures)[number];
export const bandPeriods = ['lifetime', 'month', 'quarter', 'year'] as const;
export type BandPeriod = (typeof bandPeriods)[number];
/** `marginal`: each event, or slice of an amount, at its own row. `whole`: the row reached counts for the whole period (RUL-16). */
export const bandModes = ['marginal', 'whole'] as const;
export type BandMode = (typeof bandModes)[number];

export type BandRate =
  | { readonly kind: 'percent'; readonly rate: Ppm }
  | { readonly kind: 'flat'; readonly amount: Money };

export interface BandRow {
  /** Inclusive. A count, or an amount in whole units of the program's currency, as it was written: `"0"`, `"1000.00"`. */
  readonly from: string;
  readonly pays: BandRate;
}

/** Rates that rise with volume. They replace the rate of `level`; rows ascend from 0. */
export interface Bands {
  readonly level: number;
  readonly by: BandMeasure;
  readonly period: BandPeriod;
  readonly mode: BandMode;
  readonly rows: readonly BandRow[];
}

export function isAmount(by: BandMeasure): boolean {
  return by === 'sales_amount' || by === 'sale_size';
}

/** Does the event's place depend on what else was earned in the period? */
export function countsVolume(by: BandMeasure): boolean {
  return by === 'sales_count' || by === 'sales_amount';
}

/** Where each row starts: counts as they are, amounts in minor units. Undefined where a row cannot be expressed in this currency. */
export function rowStarts(bands: Pick<Bands, 'by' | 'rows'>, currency: CurrencyCode): readonly bigint[] | undefined {
  const starts: bigint[] = [];
  for (const { from } of bands.rows) {
    if (!isAmount(bands.by)) {
      if (!/^(0|[1-9][0-9]{0,14})$/.test(from)) return undefined;
      starts.push(BigInt(from));
      continue;
    }
    const parsed = parseMoney({ amount: from, currency });
    if (!parsed.ok) return undefined;
    starts.push(parsed.money.minor);
  }
  return starts;
}

/** The row that a count or amount has reached: the last that starts at or below it. Rows start at 0, so there is one. */
export function rowReached(starts: readonly bigint[], value: bigint): number {
  let reached = 0;
  for (let index = 1; index < starts.length && (starts[index] ?? value + 1n) <= value; index += 1) reached = index;
  return reached;
}

/** How much of (from, from + amount] lies in each row, in order; rows that get nothing are left out. The slices add up to the amount. */
export function slicesOf(
  starts: readonly bigint[],
  from: bigint,
  amount: bigint,
): readonly { readonly row: number; readonly amount: bigint }[] {
  const end = from + amount;
  const slices: { row: number; amount: bigint }[] = [];
  for (const [row, start] of starts.entries()) {
    const next = starts[row + 1];
    const low = start > from ? start : from;
    const high = next !== undefined && next < end ? next : end;
    if (high > low) slices.push({ row, amount: high - low });
  }
  return slices;
}

/** The highest share of the base that any row pays, in ppm: for the sum of the levels. */
export function highestRate(bands: Pick<Bands, 'rows'>): number {
  return bands.rows.reduce(
    (most, row) => (row.pays.kind === 'percent' && row.pays.rate > most ? row.pays.rate : most),
    0,
  );
}

/**
 * The same for bands that pay the same: the row that is reached counts for all that was earned under them in the period, whatever else of the rule
 * was changed since, its name or its limits (RUL-16).
 */
export function bandsKey({ level, by, period, mode, rows }: Bands): string {
  return [level, by, period, mode, ...rows.map((row) => `${row.from}: ${bandRateText(row.pays)}`)].join(' ');
}

/** A row's share or sum as an affiliate reads it: `15 %`, `20.00 USD`. */
export function bandRateText(pays: BandRate): string {
  if (pays.kind === 'flat') {
    const { amount, currency } = formatMoney(pays.amount);
    return `${amount} ${currency}`;
  }
  return `${formatPercent(pays.rate)} %`;
}

/** A row's start as it is shown: counts as they are, amounts with the currency's digits. */
export function bandFromText(by: BandMeasure, from: string, currency: CurrencyCode): string {
  if (!isAmount(by)) return from;
  const parsed = parseMoney({ amount: from, currency });
  return parsed.ok ? formatMoney(parsed.money).amount : from;
}
