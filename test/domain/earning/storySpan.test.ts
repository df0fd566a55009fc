import { expect, test } from 'vitest';
import { heldUntil } from '../../../domain/earning/storySpan.js';
import { addDays, instantOf } from '../../../domain/time.js';

const day = (number: number) => addDays(instantOf(Date.UTC(2026, 10, 1, 10)), number);

test.each([
  ['nothing', [], []],
  [
    'a move holds until the next of the same object, the last one still',
    [
      { at: day(1), refId: 'ref_1', to: 'tracking' },
      { at: day(2), refId: 'com_1', to: 'pending' },
      { at: day(3), refId: 'ref_1', to: 'pending' },
    ],
    [day(3), null, null],
  ],
  [
    'what has no status, and what leaves it as it was, is a moment and ends nothing',
    [
      { at: day(1), refId: 'ref_1', to: 'pending' },
      { at: day(2), refId: 'clk_1', to: null },
      { at: day(3), refId: 'ref_1', to: 'pending' },
      { at: day(4), refId: 'ref_1', to: 'approved' },
      { at: day(5), refId: 'ref_1', to: null },
    ],
    [day(4), day(2), day(3), null, day(5)],
  ],
  [
    'a status that comes back is a span of its own',
    [
      { at: day(1), refId: 'ref_1', to: 'pending' },
      { at: day(2), refId: 'ref_1', to: 'rejected' },
      { at: day(3), refId: 'ref_1', to: 'pending' },
    ],
    [day(2), day(3), null],
  ],
])('%s', (_label, lines, until) => {
  expect(heldUntil(lines)).toEqual(until);
});
