import { sleep, type ActivityOptions } from '@temporalio/workflow';
import { expect, test } from 'vitest';

// The compiler is what tests this file: without platform/ms.d.ts Temporal's Duration is `any`, the wrong lines compile, and
// `npm run typecheck` stops at an expectation that nothing fulfils (dependencies.md 2, fact 7).
test('a duration that is none does not compile', () => {
  const right: ActivityOptions = { startToCloseTimeout: '10 seconds', scheduleToCloseTimeout: 5_000 };
  // @ts-expect-error a boolean is no duration
  const flag: ActivityOptions = { startToCloseTimeout: true };
  // @ts-expect-error a unit with a typing mistake is no duration
  const mistyped = (): Promise<void> => sleep('1 dya');

  expect([right, flag, mistyped]).toHaveLength(3);
});
