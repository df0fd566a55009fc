import { Temporal as T } from 'temporal-polyfill';
import { instantOf, type Instant, type LocalDate } from './time.js';

/** Half-open: `from` belongs to it, `until` does not. */
export interface InstantRange {
  readonly from: Instant;
  readonly until: Instant;
}

/** Is this an IANA zone the runtime knows? */
export function isTimeZone(zone: string): boolean {
  try {
    return zone !== '' && new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // Intl throws RangeError for an unknown zone: that is the answer
  }
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
