import type { Instant } from '../time.js';

interface Line {
  readonly at: Instant;
  readonly refId: string;
  /** The status it led to, or in which it left the object; null where it has none. */
  readonly to: string | null;
}

/**
 * Until when each line of a story held, oldest first (screens.md 4, Gantt): a move until the next one of the same object, null while its
 * status still stands. What moves nothing is a moment and ends when it began.
 */
export function heldUntil(lines: readonly Line[]): readonly (Instant | null)[] {
  const status = new Map<string, string>();
  const moves = lines.map(({ refId, to }) => {
    const isMove = to !== null && status.get(refId) !== to;
    if (to !== null) status.set(refId, to);
    return isMove;
  });
  const next = new Map<string, Instant>();
  const ends: (Instant | null)[] = [];
  for (const [index, line] of [...lines.entries()].toReversed()) {
    if (moves[index] !== true) {
      ends[index] = line.at;
      continue;
    }
    ends[index] = next.get(line.refId) ?? null;
    next.set(line.refId, line.at);
  }
  return ends;
}
