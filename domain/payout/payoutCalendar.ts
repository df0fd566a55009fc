/** When a payout schedule runs, in its own zone. Hours 0-3 are not offered: a clock change may leave them out, and a run would be lost. */
export type PayoutCalendar =
  | { readonly every: 'day'; readonly hour: number; readonly minute: number }
  | { readonly every: 'week'; readonly dayOfWeek: Weekday; readonly hour: number; readonly minute: number }
  /** Days 1-28 only: every month has them. */
  | { readonly every: 'month'; readonly dayOfMonth: number; readonly hour: number; readonly minute: number };

export const weekdays = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const;
export type Weekday = (typeof weekdays)[number];

function isWholeNumber(value: unknown, from: number, to: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to;
}

/** Reads the column `payout_schedules.calendar`; undefined for anything that is no calendar. */
export function parsePayoutCalendar(value: unknown): PayoutCalendar | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { every, hour, minute = 0, dayOfWeek, dayOfMonth } = value as Readonly<Record<string, unknown>>;
  if (!isWholeNumber(hour, 4, 23) || !isWholeNumber(minute, 0, 59)) return undefined;
  switch (every) {
    case 'day':
      return { every, hour, minute };
    case 'week': {
      const day = weekdays.find((name) => name === dayOfWeek);
      return day === undefined ? undefined : { every, dayOfWeek: day, hour, minute };
    }
    case 'month':
      return isWholeNumber(dayOfMonth, 1, 28) ? { every, dayOfMonth, hour, minute } : undefined;
    default:
      return undefined;
  }
}
