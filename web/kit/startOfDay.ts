/** The instant at which a day ("2026-12-15") begins in a zone: a bound of a range of instants that a person gives by days. */
export function startOfDay(day: string, timeZone: string): string {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const offsetAt = (at: number): number => Date.parse(`${clock.format(at).replace(' ', 'T')}Z`) - at;
  return new Date(midnight - offsetAt(midnight - offsetAt(midnight))).toISOString();
}
