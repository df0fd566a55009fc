/** An instant as a `datetime-local` field has it: the reader's clock, to the minute; empty where there is none. */
export function localField(instant: string | null): string {
  if (instant === null) return '';
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** What such a field says as an instant. An untouched one keeps its instant to the millisecond; an empty one has none. */
export function instantOf(text: string, before: string | null): string | null {
  if (text === localField(before)) return before;
  return text === '' ? null : new Date(text).toISOString();
}
