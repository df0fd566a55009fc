import { describe, expect, test } from 'vitest';
import { layOut, placeOf } from '../../web/kit/ganttLayout.js';

const minute = 60_000;
const day = 24 * 60 * minute;

describe('layOut', () => {
  test.each([
    ['nothing', [], []],
    ['one instant', [5], []],
    ['the same instant twice', [5, 5], []],
    [
      'even pauses keep their share',
      [0, minute, 3 * minute],
      [
        [0, 33.3, false],
        [33.3, 66.7, false],
      ],
    ],
    [
      'any order',
      [3 * minute, 0, minute],
      [
        [0, 33.3, false],
        [33.3, 66.7, false],
      ],
    ],
    [
      'a month between minutes is folded to four usual pauses',
      [0, minute, 2 * minute, 2 * minute + 30 * day],
      [
        [0, 16.7, false],
        [16.7, 16.7, false],
        [33.3, 66.7, true],
      ],
    ],
    [
      'nothing under a minute is folded',
      [0, 10, 20, 50_000],
      [
        [0, 0, false],
        [0, 0, false],
        [0, 100, false],
      ],
    ],
  ])('%s', (_label, instants, places) => {
    expect(
      layOut(instants).map(({ start, width, folded }) => [
        Math.round(start * 10) / 10,
        Math.round(width * 10) / 10,
        folded,
      ]),
    ).toEqual(places);
  });
});

test('an instant stands within its stretch, and never outside the picture', () => {
  const stretches = layOut([0, minute, 2 * minute]);
  expect([-minute, 0, minute / 2, minute, 2 * minute, 9 * minute].map((at) => placeOf(stretches, at))).toEqual([
    0, 0, 25, 50, 100, 100,
  ]);
  expect(placeOf(layOut([7]), 7)).toBe(0);
});
