import type { ActivityOptions } from '@temporalio/common';
import { expect, expectTypeOf, test } from 'vitest';

test('a duration of Temporal is a type, so that a misspelt one does not compile', () => {
  // @ts-expect-error: without platform/ms.d.ts `Duration` is any, and this line is the one that tells (dependencies.md 2, fact 7)
  const misspelt: ActivityOptions = { startToCloseTimeout: '1 dya' };
  const right: ActivityOptions = { startToCloseTimeout: '10s' };

  expectTypeOf<NonNullable<ActivityOptions['startToCloseTimeout']>>().not.toBeAny();
  expect([misspelt, right]).toHaveLength(2);
});
