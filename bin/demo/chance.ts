import { type Id, type IdKind, idPrefixes } from '../../domain/ids.js';
import { epochMs, type Instant } from '../../domain/time.js';
import { base32 } from '../../platform/newId.js';

/** Everything that is left to chance in the demo data: the same seed draws the same numbers, on every machine and every day. */
export interface Chance {
  /** At least 0, below 1. */
  next(): number;
  /** True with this probability. */
  is(probability: number): boolean;
  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number;
  pick<T>(items: readonly T[]): T;
  /** One of the items, each as often as its weight says. Undefined: no weight is above zero. */
  weighted<T>(items: readonly T[], weightOf: (item: T) => number): T | undefined;
  /** An id as it would have been made at that time: ids sort by it. */
  newId<K extends IdKind>(kind: K, at: Instant): Id<K>;
  /** 32 bytes as hex, where a row wants a hash of something that never existed. */
  hash(): string;
}

/** Mulberry32: 32 bits of state are plenty for a year of clicks, and it is six lines that nobody has to trust. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  let counter = 0;
  const bits = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const next = (): number => bits() / 0x1_0000_0000;
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(next() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  };
  return {
    next,
    is: (probability) => next() < probability,
    whole: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick,
    weighted(items, weightOf) {
      let left = next() * items.reduce((total, item) => total + weightOf(item), 0);
      for (const item of items) {
        left -= weightOf(item);
        if (left < 0) return item;
      }
      return undefined;
    },
    newId(kind, at) {
      const ms = epochMs(at);
      const bytes = new Uint8Array(16);
      const view = new DataView(bytes.buffer);
      view.setUint16(0, Math.floor(ms / 0x1_0000_0000));
      view.setUint32(2, ms >>> 0);
      counter = (counter + 1) & 0xfff; // two of one millisecond differ, and mostly rise
      view.setUint16(6, 0x7000 | counter);
      view.setUint32(8, bits());
      view.setUint32(12, bits());
      bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
      return `${idPrefixes[kind]}_${base32(bytes)}` as Id<typeof kind>;
    },
    hash: () => Array.from({ length: 8 }, () => bits().toString(16).padStart(8, '0')).join(''),
  };
}
