/** A stretch of time as it is drawn: places in percent of the width; `folded` where nothing happened for long and the rest is left out. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly width: number;
  readonly folded: boolean;
}

/** Nothing shorter is left out, in milliseconds. */
const leastFolded = 60_000;
/** How much longer than the usual pause one may be before the rest of it is left out. */
const patience = 4;

/**
 * A line of time on which long idle times are folded (screens.md 4, Gantt): each pause between two instants takes its length, at most four
 * times the median pause. So a journey of ninety days that was decided within minutes still shows both.
 */
export function layOut(instants: readonly number[]): readonly Stretch[] {
  const times = [...new Set(instants)].toSorted((a, b) => a - b);
  const pauses = times.slice(1).map((to, index) => ({ from: times[index] ?? to, to }));
  const lengths = pauses.map(({ from, to }) => to - from).toSorted((a, b) => a - b);
  const longest = Math.max(leastFolded, patience * (lengths[Math.floor((lengths.length - 1) / 2)] ?? 0));
  const drawn = pauses.map(({ from, to }) => Math.min(to - from, longest));
  const whole = drawn.reduce((sum, one) => sum + one, 0);
  let start = 0;
  return pauses.map((pause, index) => {
    const width = ((drawn[index] ?? 0) / whole) * 100;
    const stretch = { ...pause, start, width, folded: pause.to - pause.from > longest };
    start += width;
    return stretch;
  });
}

/** Where an instant stands, in percent; before all is 0, after all 100. */
export function placeOf(stretches: readonly Stretch[], instant: number): number {
  const inside = stretches.find(({ to }) => instant <= to);
  if (inside === undefined) return stretches.length === 0 ? 0 : 100;
  const part = (instant - inside.from) / (inside.to - inside.from);
  return inside.start + inside.width * Math.max(0, part);
}
