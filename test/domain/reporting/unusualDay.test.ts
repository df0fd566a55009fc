import { expect, test } from 'vitest';
import { markUnusual } from '../../../domain/reporting/unusualDay.js';

const day = (clicks: number, leads = 1, sales = 0) => ({ clicks, leads, sales });

test('ADM-04: a spike and a drop are marked on the line where they are, and nothing else is', () => {
  const quiet = Array.from({ length: 14 }, (_, index) => day(100 + (index % 3)));
  const marked = markUnusual([...quiet, day(400), ...quiet, day(0)]);

  expect(marked.flatMap((one, index) => (one.unusual.length === 0 ? [] : [[index, one.unusual]]))).toEqual([
    [14, ['clicks']],
  ]);
  const drop = markUnusual([...quiet, day(0)]);
  expect(drop.at(-1)?.unusual).toEqual(['clicks']);
  expect(drop.slice(0, -1).every((one) => one.unusual.length === 0)).toBe(true);
});

test('ADM-04: a line that never moves, and a span of fewer than seven days, have no unusual day', () => {
  expect(markUnusual(Array.from({ length: 30 }, () => day(5))).every((one) => one.unusual.length === 0)).toBe(true);
  expect(markUnusual([day(1), day(1), day(1), day(1), day(1), day(900)]).every((one) => one.unusual.length === 0)).toBe(
    true,
  );
});
