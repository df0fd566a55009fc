import type { Instant } from '../../domain/time.js';

/** What is to happen, earliest first; what falls on one instant happens in the order in which it was entered. */
export interface Agenda {
  enter(at: Instant, happen: (at: Instant) => void): void;
  /** Lets everything happen before `end`, also what is entered meanwhile. */
  runUntil(end: Instant): void;
}

interface Entry {
  readonly at: Instant;
  readonly number: number;
  readonly happen: (at: Instant) => void;
}

/** A binary heap: a sorted list would be moved once per click. */
export function createAgenda(): Agenda {
  const heap: Entry[] = [];
  let number = 0;
  const isEarlier = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.number < b.number);
  const swap = (a: number, b: number): void => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  };
  const earlierOf = (a: number, b: number): number => {
    const [one, other] = [heap[a], heap[b]];
    return one !== undefined && other !== undefined && isEarlier(other, one) ? b : a;
  };
  const take = (): Entry | undefined => {
    swap(0, heap.length - 1);
    const first = heap.pop();
    for (let at = 0; ; ) {
      const next = earlierOf(earlierOf(at, 2 * at + 1), 2 * at + 2);
      if (next === at) return first;
      swap(at, next);
      at = next;
    }
  };
  return {
    enter(at, happen) {
      number += 1;
      heap.push({ at, number, happen });
      for (let child = heap.length - 1; child > 0; ) {
        const parent = (child - 1) >> 1;
        if (earlierOf(parent, child) === parent) return;
        swap(parent, child);
        child = parent;
      }
    },
    runUntil(end) {
      for (let next = heap[0]; next !== undefined && next.at < end; next = heap[0]) {
        take();
        next.happen(next.at);
      }
    },
  };
}
