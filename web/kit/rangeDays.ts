/** First and last day, both included, as the API's reports take them (screens.md 1.2). */
export interface Days {
  readonly from: string;
  readonly to: string;
}

export const presets = [
  'today',
  'yesterday',
  'last7',
  'last30',
  'last90',
  'thisWeek',
  'lastWeek',
  'monthToDate',
  'lastMonth',
  'thisQuarter',
  'lastQuarter',
  'yearToDate',
  'last12Months',
  'sinceLaunch',
] as const;
export type Preset = (typeof presets)[number];

/** What the newer browsers tell of a language; the type library does not know it yet. */
type WeekAware = Intl.Locale & { getWeekInfo?: () => { firstDay: number }; weekInfo?: { firstDay: number } };

/** The first day of the reader's week, 1 is Monday and 7 Sunday (screens.md 1.2). */
export function firstWeekday(of: string): number {
  const known = new Intl.Locale(of) as WeekAware;
  return (known.getWeekInfo?.() ?? known.weekInfo)?.firstDay ?? 1;
}

/** The day in a zone, as `2026-11-20`. */
export function dayIn(timeZone: string, at: Date = new Date()): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at);
}

function shift(day: string, by: { readonly days?: number; readonly months?: number }): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCMonth(date.getUTCMonth() + (by.months ?? 0));
  date.setUTCDate(date.getUTCDate() + (by.days ?? 0));
  return date.toISOString().slice(0, 10);
}

/** The days of a preset, counted in the given zone; `launchedOn` for the one since then. */
export function daysOf(
  preset: Preset,
  timeZone: string,
  {
    launchedOn,
    today = dayIn(timeZone),
    weekStart = 1,
  }: {
    readonly launchedOn?: string;
    readonly today?: string;
    readonly weekStart?: number;
  } = {},
): Days {
  const month = `${today.slice(0, 8)}01`;
  const weekday = new Date(`${today}T00:00:00Z`).getUTCDay() || 7;
  const week = shift(today, { days: -((weekday - weekStart + 7) % 7) });
  const quarter = shift(month, { months: -((Number(month.slice(5, 7)) - 1) % 3) });
  switch (preset) {
    case 'today':
      return { from: today, to: today };
    case 'yesterday':
      return { from: shift(today, { days: -1 }), to: shift(today, { days: -1 }) };
    case 'last7':
      return { from: shift(today, { days: -6 }), to: today };
    case 'last30':
      return { from: shift(today, { days: -29 }), to: today };
    case 'last90':
      return { from: shift(today, { days: -89 }), to: today };
    case 'thisWeek':
      return { from: week, to: today };
    case 'lastWeek':
      return { from: shift(week, { days: -7 }), to: shift(week, { days: -1 }) };
    case 'thisQuarter':
      return { from: quarter, to: today };
    case 'lastQuarter':
      return { from: shift(quarter, { months: -3 }), to: shift(quarter, { days: -1 }) };
    case 'sinceLaunch':
      return { from: launchedOn ?? today, to: today };
    case 'monthToDate':
      return { from: month, to: today };
    case 'lastMonth':
      return { from: shift(month, { months: -1 }), to: shift(month, { days: -1 }) };
    case 'yearToDate':
      return { from: `${today.slice(0, 4)}-01-01`, to: today };
    case 'last12Months':
      return { from: shift(month, { months: -11 }), to: today };
    default:
      return preset satisfies never;
  }
}
