import { expect, test } from 'vitest';
import { startOfDay } from '../../web/kit/startOfDay.js';

test.each([
  ['2026-11-20', 'UTC', '2026-11-20T00:00:00.000Z'],
  ['2026-11-20', 'Europe/Warsaw', '2026-11-19T23:00:00.000Z'],
  ['2026-07-01', 'Europe/Warsaw', '2026-06-30T22:00:00.000Z'],
  ['2026-03-29', 'Europe/Warsaw', '2026-03-28T23:00:00.000Z'],
  ['2026-10-26', 'Europe/Warsaw', '2026-10-25T23:00:00.000Z'],
  ['2026-11-20', 'Pacific/Honolulu', '2026-11-20T10:00:00.000Z'],
  ['2026-11-20', 'Asia/Kathmandu', '2026-11-19T18:15:00.000Z'],
])('a day in a list\u2019s filter begins where the workspace\u2019s day does: %s in %s', (day, zone, instant) => {
  expect(startOfDay(day, zone)).toBe(instant);
});
