import type { Instant } from '../time.js';
import type { Touch } from './attribution.js';

/** What one more touch does to its referral: each is an entry of its history with a number of its own. */
export interface JourneyStep {
  readonly touch: Touch;
  /** The referral's version after it. */
  readonly seq: number;
  /** When the window ends from now on; null: it ends as before. */
  readonly windowEndsAt: Instant | null;
}

/** Where a referral stands before its touches are added: version 0 is one that they begin. */
export interface JourneyBefore {
  readonly version: number;
  readonly windowEndsAt: Instant | null;
}

/**
 * Adds touches one after the other, in the order given: many clicks taken up together leave what they would have left one by one. The window
 * ends with the touch that ends last (features.md 2.2); it never becomes shorter.
 */
export function addTouches(
  before: JourneyBefore,
  touches: readonly Touch[],
): JourneyBefore & { readonly steps: readonly JourneyStep[] } {
  let { version, windowEndsAt } = before;
  const steps: JourneyStep[] = [];
  for (const touch of touches) {
    const isLonger = windowEndsAt === null || windowEndsAt < touch.endsAt;
    version += 1;
    if (isLonger) windowEndsAt = touch.endsAt;
    steps.push({ touch, seq: version, windowEndsAt: isLonger ? touch.endsAt : null });
  }
  return { version, windowEndsAt, steps };
}
