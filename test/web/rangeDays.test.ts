import { expect, test } from 'vitest';
import { daysOf, firstWeekday, type Preset } from '../../web/kit/rangeDays.js';

// 26 Nov 2026 is a Thursday.
const rows: readonly (readonly [Preset, today: string, weekStart: number, from: string, to: string])[] = [
  ['today', '2026-11-26', 1, '2026-11-26', '2026-11-26'],
  ['yesterday', '2026-03-01', 1, '2026-02-28', '2026-02-28'],
  ['last7', '2026-11-26', 1, '2026-11-20', '2026-11-26'],
  ['last30', '2026-11-26', 1, '2026-10-28', '2026-11-26'],
  ['last90', '2026-11-26', 1, '2026-08-29', '2026-11-26'],
  ['thisWeek', '2026-11-26', 1, '2026-11-23', '2026-11-26'],
  ['thisWeek', '2026-11-26', 7, '2026-11-22', '2026-11-26'],
  ['thisWeek', '2026-11-22', 7, '2026-11-22', '2026-11-22'],
  ['thisWeek', '2026-11-22', 1, '2026-11-16', '2026-11-22'],
  ['lastWeek', '2026-11-26', 1, '2026-11-16', '2026-11-22'],
  ['lastWeek', '2026-11-26', 7, '2026-11-15', '2026-11-21'],
  ['monthToDate', '2026-11-26', 1, '2026-11-01', '2026-11-26'],
  ['lastMonth', '2026-03-31', 1, '2026-02-01', '2026-02-28'],
  ['thisQuarter', '2026-11-26', 1, '2026-10-01', '2026-11-26'],
  ['lastQuarter', '2026-11-26', 1, '2026-07-01', '2026-09-30'],
  ['lastQuarter', '2026-02-10', 1, '2025-10-01', '2025-12-31'],
  ['yearToDate', '2026-11-26', 1, '2026-01-01', '2026-11-26'],
  ['last12Months', '2026-11-26', 1, '2025-12-01', '2026-11-26'],
  ['sinceLaunch', '2026-11-26', 1, '2025-11-20', '2026-11-26'],
];

test.each(rows)('%s on %s with weeks from day %i', (preset, today, weekStart, from, to) => {
  expect(daysOf(preset, 'UTC', { today, weekStart, launchedOn: '2025-11-20' })).toEqual({ from, to });
});

test('the week starts as the language says', () => {
  expect(['en-GB', 'de', 'en-US'].map(firstWeekday)).toEqual([1, 1, 7]);
});
