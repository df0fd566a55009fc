/** The lines of the dashboard's chart. */
export const seriesNames = ['clicks', 'leads', 'sales'] as const;
export type SeriesName = (typeof seriesNames)[number];

/** A day further from the mean than this many standard deviations is unusual (ADM-04): of a quiet year's days about four. */
const unusualDeviations = 2.5;
/** With fewer days nothing can be called unusual. */
const fewestDays = 7;

/** Each day with the lines that spike or drop on it (ADM-04). Counts only; the days are one span. */
export function markUnusual<Day extends Readonly<Record<SeriesName, number>>>(
  days: readonly Day[],
): (Day & { unusual: SeriesName[] })[] {
  const limits = seriesNames.map((name) => {
    const mean = days.reduce((sum, day) => sum + day[name], 0) / days.length;
    const variance = days.reduce((sum, day) => sum + (day[name] - mean) ** 2, 0) / days.length;
    return { name, mean, far: unusualDeviations * Math.sqrt(variance) };
  });
  return days.map((day) => ({
    ...day,
    unusual:
      days.length < fewestDays
        ? []
        : limits.filter(({ name, mean, far }) => far > 0 && Math.abs(day[name] - mean) > far).map(({ name }) => name),
  }));
}
