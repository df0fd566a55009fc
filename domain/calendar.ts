import { Temporal as T } from 'temporal-polyfill';
import { instantOf, type Instant, type LocalDate } from './time.js';

/** Half-open: `from` belongs to it, `until` does not. */
export interface InstantRange {
  readonly from: Instant;
  readonly until: Instant;
}

/** Zones found to be known: asking costs 0.3 ms, and a list asks for its workspace's each time. Some 600 names exist, in any case of letters. */
const knownZones = new Set<string>();
const mostKnownZones = 1_000;

/** Is this an IANA zone the runtime knows? */
export function isTimeZone(zone: string): boolean {
  if (knownZones.has(zone)) return true;
  try {
    if (zone === '' || new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone === '')
      return false;
  } catch {
    return false; // Intl throws RangeError for an unknown zone: that is the answer
  }
  if (knownZones.size < mostKnownZones) knownZones.add(zone);
  return true;
}

export function dateIn(zone: string, at: Instant): LocalDate {
  return T.Instant.from(at).toZonedDateTimeISO(zone).toPlainDate().toString() as LocalDate;
}

/** The first instant of a day in a zone; a day may have 23 or 25 hours. */
export function startOfDay(zone: string, day: LocalDate): Instant {
  return instantOf(T.PlainDate.from(day).toZonedDateTime(zone).epochMilliseconds);
}

/** Days `from` to `to`, both included, as instants. */
export function daysRange(zone: string, from: LocalDate, to: LocalDate): InstantRange {
  const next = T.PlainDate.from(to).add({ days: 1 }).toString() as LocalDate;
  return { from: startOfDay(zone, from), until: startOfDay(zone, next) };
}

/** The calendar month, quarter or year in `zone` that contains `at`: what bands and caps are cut by. */
export function periodContaining(zone: string, unit: 'month' | 'quarter' | 'year', at: Instant): InstantRange {
  const date = T.Instant.from(at).toZonedDateTimeISO(zone).toPlainDate();
  const firstMonth = unit === 'month' ? date.month : unit === 'quarter' ? date.month - ((date.month - 1) % 3) : 1;
  const start = date.with({ month: firstMonth, day: 1 });
  const end = start.add({ months: unit === 'month' ? 1 : unit === 'quarter' ? 3 : 12 });
  return {
    from: startOfDay(zone, start.toString() as LocalDate),
    until: startOfDay(zone, end.toString() as LocalDate),
  };
}

/**
 * Whole calendar months from the day of `from` to the day of `at` in a zone, never below 0; a day that a month lacks is its last (31 January
 * + 1 = 28 February). Days count, not hours: twelve months after 31 January end with 30 January, whenever on it something happens (BEY-25).
 */
export function monthsBetween(zone: string, from: Instant, at: Instant): number {
  const start = T.Instant.from(from).toZonedDateTimeISO(zone).toPlainDate();
  const end = T.Instant.from(at).toZonedDateTimeISO(zone).toPlainDate();
  const about = (end.year - start.year) * 12 + end.month - start.month;
  const isReached = T.PlainDate.compare(start.add({ months: about }), end) <= 0;
  return Math.max(0, isReached ? about : about - 1);
}

/** A day of the week (Monday is 1) or of the month, at a time of the zone's clock. */
export type Recurrence =
  | { readonly every: 'week'; readonly dayOfWeek: number; readonly hour: number; readonly minute: number }
  | { readonly every: 'month'; readonly dayOfMonth: number; readonly hour: number; readonly minute: number };

/** The first time after `after` that the zone's clock shows it. A time that a clock change leaves out is moved on by it. */
export function nextOccurrence(zone: string, recurrence: Recurrence, after: Instant): Instant {
  const today = T.Instant.from(after).toZonedDateTimeISO(zone).toPlainDate();
  const { hour, minute } = recurrence;
  const step = recurrence.every === 'week' ? { weeks: 1 } : { months: 1 };
  const first =
    recurrence.every === 'week'
      ? today.add({ days: recurrence.dayOfWeek - today.dayOfWeek })
      : today.with({ day: recurrence.dayOfMonth });
  const at = (day: T.PlainDate): Instant =>
    instantOf(day.toZonedDateTime({ timeZone: zone, plainTime: { hour, minute } }).epochMilliseconds);
  return at(first) > after ? at(first) : at(first.add(step));
}
