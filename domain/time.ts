import type { Brand } from './brand.js';

/** UTC with exactly three decimals, `2027-01-31T12:00:00.000Z`: sorts as text, survives JSON. */
export type Instant = Brand<string, 'Instant'>;

/** `2026-11-20`, a day in a zone that somebody else names. */
export type LocalDate = Brand<string, 'LocalDate'>;

/** One number, one unit, as the wire has it: `P30D`, `PT12H`, `PT15M`, `PT5S` (api.md 1.1). */
export type Duration = Brand<string, 'Duration'>;

const instantPattern = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?(Z|[+-]\d{2}:\d{2})$/;
const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/;
const durationPattern = /^P(?:([1-9]\d{0,3})D|T(\d{1,6})([HMS]))$/;

const dayMs = 86_400_000;
/** api.md 1.1: years outside 2000-2100 are refused; a typo must not open a deadline in the year 9999. */
const firstYear = 2000;
const lastYear = 2100;

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** RFC 3339 with a zone and at most three fraction digits, in the years 2000-2100; undefined for anything else (D1-D4). */
export function parseInstant(text: string): Instant | undefined {
  const match = instantPattern.exec(text);
  if (match === null) return undefined;
  const [, y = '', mo = '', d = '', h = '', mi = '', s = '', fraction = '', zone = ''] = match;
  const [year, month, day, hour, minute, second] = [y, mo, d, h, mi, s].map((part) => Number.parseInt(part, 10)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  if (zone === '-00:00') return undefined; // "offset unknown" of RFC 3339: nobody may guess
  const offset = zone === 'Z' ? 0 : offsetMinutes(zone);
  if (offset === undefined) return undefined;
  const ms = Number.parseInt(fraction.padEnd(3, '0') || '0', 10);
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms) - offset * 60_000);
  const utcYear = at.getUTCFullYear();
  return utcYear < firstYear || utcYear > lastYear ? undefined : (at.toISOString() as Instant);
}

function offsetMinutes(zone: string): number | undefined {
  const hours = Number.parseInt(zone.slice(1, 3), 10);
  const minutes = Number.parseInt(zone.slice(4, 6), 10);
  if (hours > 14 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** A real day in 2000-2100; undefined for anything else. */
export function parseLocalDate(text: string): LocalDate | undefined {
  const match = datePattern.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [match[1], match[2], match[3]].map((part) => Number.parseInt(part ?? '', 10)) as [
    number,
    number,
    number,
  ];
  const isReal = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  return isReal && year >= firstYear && year <= lastYear ? (text as LocalDate) : undefined;
}

/** Milliseconds since 1970, for those who have them already (Postgres, the platform's clock). */
export function instantOf(epochMs: number): Instant {
  return new Date(epochMs).toISOString() as Instant;
}

export function epochMs(at: Instant): number {
  return Date.parse(at);
}

export function addMs(at: Instant, ms: number): Instant {
  return instantOf(epochMs(at) + ms);
}

/** n x 24 h from the instant, never calendar days (features.md, rules that hold for every row). */
export function addDays(at: Instant, days: number): Instant {
  return addMs(at, days * dayMs);
}

/** Calendar months in UTC; a day that the month lacks becomes its last (31 January + 1 = 28 February). */
export function addMonths(at: Instant, months: number): Instant {
  const date = new Date(epochMs(at));
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months + 1, 0);
  date.setUTCDate(Math.min(day, date.getUTCDate()));
  return instantOf(date.getTime());
}

/** Adds a wire duration. */
export function addDuration(at: Instant, duration: Duration): Instant {
  return addMs(at, durationMs(duration));
}

export function isBefore(a: Instant, b: Instant): boolean {
  return a < b;
}

export function earliest(instants: readonly Instant[]): Instant | undefined {
  return instants.reduce<Instant | undefined>(
    (first, at) => (first === undefined || at < first ? at : first),
    undefined,
  );
}

/** `P30D`, `PT12H`, `PT15M`, `PT5S`, up to 3,650 days; undefined for other ISO forms. */
export function parseDuration(text: string): Duration | undefined {
  const match = durationPattern.exec(text);
  if (match === null) return undefined;
  return durationMs(text as Duration) <= 3_650 * dayMs ? (text as Duration) : undefined;
}

export function durationMs(duration: Duration): number {
  const match = durationPattern.exec(duration);
  if (match === null) throw new TypeError(`not a duration: ${duration}`);
  if (match[1] !== undefined) return Number.parseInt(match[1], 10) * dayMs;
  const unitMs = { H: 3_600_000, M: 60_000, S: 1_000 }[match[3] as 'H' | 'M' | 'S'];
  return Number.parseInt(match[2] ?? '0', 10) * unitMs;
}
