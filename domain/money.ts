import type { Brand } from './brand.js';
import { assertInvariant } from './errors.js';

export type CurrencyCode = Brand<string, 'CurrencyCode'>;
/** Parts per million, integer, 0 to 1,000,000: 1 % = 10_000, 2.9 % = 29_000. */
export type Ppm = Brand<number, 'Ppm'>;

export interface Money {
  readonly minor: bigint;
  readonly currency: CurrencyCode;
}

/** An exact amount in minor units. The denominator is positive. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export interface MoneyWire {
  readonly amount: string;
  readonly currency: string;
}

/** 10^15 minor units: above it an amount is a mistake, and sums of millions of them still fit int8 (money.md 2.1). */
export const maxMinor = 1_000_000_000_000_000n;
export const ppmWhole = 1_000_000;

// ISO 4217 list one, active currencies, without funds codes, metals and test codes (XXX, XTS: refused). Exponent 2 unless named below:
// Intl.NumberFormat disagrees for IQD, HUF, COP, IDR and others (dependencies.md 2, fact 9), so this table is the only source.
const currencies = (
  'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE ' +
  'CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES ' +
  'KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR ' +
  'NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND ' +
  'TOP TRY TTD TWD TZS UAH UGX USD UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG'
).split(' ');
const exponentsOtherThanTwo: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};
const exponentOf: ReadonlyMap<string, number> = new Map([
  ...currencies.map((code): [string, number] => [code, 2]),
  ...Object.entries(exponentsOtherThanTwo).flatMap(([exponent, codes]) =>
    codes.split(' ').map((code): [string, number] => [code, Number.parseInt(exponent, 10)]),
  ),
]);

/** Every currency we take, with its number of decimal digits (ISO 4217). */
export function currencyTable(): readonly { readonly code: CurrencyCode; readonly exponent: number }[] {
  return [...exponentOf]
    .map(([code, exponent]) => ({ code: code as CurrencyCode, exponent }))
    .sort((a, b) => (a.code < b.code ? -1 : 1));
}

export function parseCurrency(text: string): CurrencyCode | undefined {
  return exponentOf.has(text) ? (text as CurrencyCode) : undefined;
}

export function exponent(currency: CurrencyCode): number {
  const digits = exponentOf.get(currency);
  assertInvariant(digits !== undefined, 'a currency must be in the table', { currency });
  return digits;
}

export function money(minor: bigint, currency: CurrencyCode): Money {
  return { minor, currency };
}

export function zero(currency: CurrencyCode): Money {
  return { minor: 0n, currency };
}

/** Throws for anything but an integer from 0 to 1,000,000: a rate reaches this line only after a schema has judged it. */
export function ppm(value: number): Ppm {
  assertInvariant(Number.isInteger(value) && value >= 0 && value <= ppmWhole, 'a rate is 0 to 1,000,000 ppm', {
    value,
  });
  return value as Ppm;
}

export type MoneyProblem = 'wrong_type' | 'bad_format' | 'too_many_decimals' | 'unknown_currency' | 'out_of_range';
export type ParsedMoney =
  | { readonly ok: true; readonly money: Money }
  | { readonly ok: false; readonly problem: MoneyProblem; readonly at: 'amount' | 'currency' };

/**
 * The wire form → Money. One strict pattern on the raw string, before any conversion; refused, never repaired (money.md 2.1).
 * `-` is taken only with `negative: true`, never on zero.
 */
export function parseMoney(wire: MoneyWire, options: { readonly negative?: boolean } = {}): ParsedMoney {
  const currency = parseCurrency(wire.currency);
  if (currency === undefined) return { ok: false, problem: 'unknown_currency', at: 'currency' };
  const match = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(wire.amount);
  if (match === null || wire.amount.length > 400) return { ok: false, problem: 'bad_format', at: 'amount' };
  const [, sign = '', whole = '', decimals = ''] = match;
  const digits = exponent(currency);
  if (decimals.length > digits) return { ok: false, problem: 'too_many_decimals', at: 'amount' };
  const minor = BigInt(whole + decimals.padEnd(digits, '0'));
  if (sign === '-' && (options.negative !== true || minor === 0n))
    return { ok: false, problem: 'bad_format', at: 'amount' };
  if (minor > maxMinor) return { ok: false, problem: 'out_of_range', at: 'amount' };
  return { ok: true, money: { minor: sign === '-' ? -minor : minor, currency } };
}

/** Money → wire: exactly the currency's digits, `"10.00"`, JPY `"1580"`, KWD `"1.000"`. */
export function formatMoney({ minor, currency }: Money): MoneyWire {
  const digits = exponent(currency);
  const magnitude = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0');
  const cut = magnitude.length - digits;
  const amount = digits === 0 ? magnitude : `${magnitude.slice(0, cut)}.${magnitude.slice(cut)}`;
  return { amount: minor < 0n ? `-${amount}` : amount, currency };
}

/** An exact amount in whole units for a person to read: 4999/5 minor USD → `9.998`. Cut after 12 digits when it has no end. */
export function formatExact({ numerator, denominator }: Fraction, currency: CurrencyCode): string {
  const extraDigits = 12;
  const magnitude = numerator < 0n ? -numerator : numerator;
  const digits = exponent(currency) + extraDigits;
  const scaled = ((magnitude * 10n ** BigInt(extraDigits)) / denominator).toString().padStart(digits + 1, '0');
  const decimals = scaled.slice(scaled.length - digits).replace(/0+$/, '');
  const whole = scaled.slice(0, scaled.length - digits);
  return `${numerator < 0n ? '-' : ''}${whole}${decimals === '' ? '' : `.${decimals}`}`;
}

/** 200,000 ppm → `20`, 125,000 → `12.5`. */
export function formatPercent(rate: Ppm): string {
  const digits = BigInt(rate).toString().padStart(5, '0');
  const decimals = digits.slice(-4).replace(/0+$/, '');
  return `${digits.slice(0, -4)}${decimals === '' ? '' : `.${decimals}`}`;
}

function assertSameCurrency(a: Money, b: Money): void {
  assertInvariant(a.currency === b.currency, 'two currencies never meet in one sum', { a: a.currency, b: b.currency });
}

export function add(a: Money, b: Money): Money {
  assertSameCurrency(a, b);
  return { minor: a.minor + b.minor, currency: a.currency };
}

export function negate(a: Money): Money {
  return { minor: -a.minor, currency: a.currency };
}

export function sum(currency: CurrencyCode, parts: readonly Money[]): Money {
  return parts.reduce(add, zero(currency));
}

/** Exact share of `base`, in minor units. Nothing is rounded here. */
export function shareOf(base: Money, rate: Ppm): Fraction {
  return { numerator: base.minor * BigInt(rate), denominator: BigInt(ppmWhole) };
}

/** Exact share of a share: 100 % of 60 % is 60 %. Nothing is rounded here. */
export function partOf({ numerator, denominator }: Fraction, rate: Ppm): Fraction {
  return { numerator: numerator * BigInt(rate), denominator: denominator * BigInt(ppmWhole) };
}

/** A whole amount as a fraction: a flat commission, `perUnit` times its quantity. */
export function wholeOf(amount: Money, quantity = 1): Fraction {
  return { numerator: amount.minor * BigInt(quantity), denominator: 1n };
}

export function addFractions(a: Fraction, b: Fraction): Fraction {
  return reduce({
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  });
}

/** Lowest terms: 999,800,000/1,000,000 → 4999/5, the form an explanation shows. */
/** The larger of two; the first where they are equal. */
export function larger(a: Fraction, b: Fraction): Fraction {
  return a.numerator * b.denominator < b.numerator * a.denominator ? b : a;
}

export function reduce({ numerator, denominator }: Fraction): Fraction {
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator];
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n ? { numerator: 0n, denominator: 1n } : { numerator: numerator / a, denominator: denominator / a };
}

/** An exact amount in millionths of a minor unit, for comparing shares: never an amount. */
export function millionths({ numerator, denominator }: Fraction): bigint {
  return (numerator * BigInt(ppmWhole)) / denominator;
}

/** Half away from zero: 1.5 → 2, −1.5 → −2. The only place where a fraction of a minor unit disappears. */
export function roundToMinor({ numerator, denominator }: Fraction): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator;
  const rounded = (2n * magnitude + denominator) / (2n * denominator);
  return numerator < 0n ? -rounded : rounded;
}

/**
 * Splits by largest remainder: floor each exact share of the absolute total, hand what is left to the largest remainders, ties in the
 * order given (callers pass shares in id order). A negative total mirrors the positive one. The parts sum to the total (money.md 2.3).
 */
export function allocate(total: Money, weights: readonly bigint[]): readonly Money[] {
  const whole = weights.reduce((a, b) => a + b, 0n);
  assertInvariant(
    whole > 0n && weights.every((weight) => weight >= 0n),
    'weights are not negative and one is above zero',
    { weights },
  );
  const magnitude = total.minor < 0n ? -total.minor : total.minor;
  const shares = weights.map((weight, index) => ({
    index,
    floor: (magnitude * weight) / whole,
    remainder: (magnitude * weight) % whole,
  }));
  let left = magnitude - shares.reduce((a, share) => a + share.floor, 0n);
  const parts = shares.map((share) => share.floor);
  for (const share of [...shares].sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  )) {
    if (left === 0n) break;
    parts[share.index] = share.floor + 1n;
    left -= 1n;
  }
  const allocated = parts.reduce((a, b) => a + b, 0n);
  assertInvariant(allocated === magnitude, 'a split must sum to its whole', { total: total.minor, parts });
  return parts.map((minor) => ({ minor: total.minor < 0n ? -minor : minor, currency: total.currency }));
}

/**
 * What of a line is reversed once `refunded` of `captured` has been given back, in all: round(original × R ÷ T), R counted up to T.
 * Cumulative, so that steps never drift and a full refund leaves exactly zero (money.md 2.4). All in minor units.
 */
export function reversedInAll(original: bigint, refunded: bigint, captured: bigint): bigint {
  assertInvariant(captured > 0n && refunded >= 0n && original >= 0n, 'a refund is of something captured', {
    original,
    refunded,
    captured,
  });
  const counted = refunded > captured ? captured : refunded;
  return roundToMinor({ numerator: original * counted, denominator: captured });
}
