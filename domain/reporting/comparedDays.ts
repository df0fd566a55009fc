import { dateIn, startOfDay } from '../calendar.js';
import { addDays, epochMs, type LocalDate, parseLocalDate } from '../time.js';

export interface Days {
  readonly from: LocalDate;
  readonly to: LocalDate;
}

/**
 * The days that a range is compared with: `previous`, as many right before it; `year`, the same days a year earlier, the 29th of February
 * with the 28th. Days and not hours: the range before a change of the clock is an hour longer or shorter than this one.
 */
export function comparedDays(zone: string, days: Days, compare: 'previous' | 'year'): Days {
  if (compare === 'year') return { from: yearBefore(days.from), to: yearBefore(days.to) };
  const length = daysBetween(days.from, days.to) + 1;
  return { from: shift(zone, days.from, -length), to: shift(zone, days.from, -1) };
}

function yearBefore(day: LocalDate): LocalDate {
  const earlier = `${String(Number(day.slice(0, 4)) - 1).padStart(4, '0')}${day.slice(4)}`;
  return parseLocalDate(earlier) ?? (`${earlier.slice(0, 8)}28` as LocalDate);
}

/** From one day to another, by the calendar. */
export function daysBetween(from: LocalDate, to: LocalDate): number {
  return Math.round((epochMs(startOfDay('UTC', to)) - epochMs(startOfDay('UTC', from))) / 86_400_000);
}

/** At noon no clock changes the day. */
function shift(zone: string, day: LocalDate, by: number): LocalDate {
  return dateIn(zone, addDays(addDays(startOfDay(zone, day), 0.5), by));
}
