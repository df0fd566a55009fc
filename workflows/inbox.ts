import { condition } from '@temporalio/workflow';
import type { Wait } from './contract.js';

/** 30 days: no wait is without an end (decisions 3). */
export const longestWaitMs = 30 * 86_400_000;

/** Handlers put letters in, the main loop alone takes them out and acts (temporal.md 3.5). */
export function createInbox<Message>() {
  const letters: Message[] = [];
  return {
    tell: (message: Message): void => {
      letters.push(message);
    },
    /** Its activity gave up: the letter stays the first. */
    putBack: (message: Message): void => {
      letters.unshift(message);
    },
    take: (): Message | undefined => letters.shift(),
    hasLetters: (): boolean => letters.length > 0,
    /** True: a letter came. False: the wait ended without one. At least 1 ms, because `condition(fn, 0)` writes a hidden patch marker. */
    arrives: (wait: Wait | null): Promise<boolean> =>
      condition(() => letters.length > 0, Math.min(longestWaitMs, Math.max(1, wait?.ms ?? longestWaitMs))),
  };
}
