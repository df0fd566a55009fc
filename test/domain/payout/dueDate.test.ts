import { expect, test } from 'vitest';
import { dueDateOf, type PayoutFrequency } from '../../../domain/payout/dueDate.js';
import type { Instant } from '../../../domain/time.js';

// PAY-20 with the defaults of features.md 20.1: when is money due that was approved at this instant?

test.each<[string, PayoutFrequency, string, string, string | null]>([
  ['monthly: approved in October, due on 15 November', 'monthly', 'UTC', '2026-10-20T10:00:00.000Z', '2026-11-15'],
  ['the first instant of a month belongs to it', 'monthly', 'UTC', '2026-11-01T00:00:00.000Z', '2026-12-15'],
  ['the last of October in Warsaw is October', 'monthly', 'Europe/Warsaw', '2026-10-31T22:59:59.999Z', '2026-11-15'],
  ['an hour later there it is November', 'monthly', 'Europe/Warsaw', '2026-10-31T23:00:00.000Z', '2026-12-15'],
  ['quarterly: the fourth quarter is due in January', 'quarterly', 'UTC', '2026-10-01T00:00:00.000Z', '2027-01-15'],
  [
    'weekly: approved on Wednesday, due on the Friday of the next week',
    'weekly',
    'UTC',
    '2026-11-25T10:00:00.000Z',
    '2026-12-04',
  ],
  ['weekly: approved on Sunday evening as well', 'weekly', 'UTC', '2026-11-29T23:59:59.999Z', '2026-12-04'],
  ['weekly: on Monday a week later', 'weekly', 'UTC', '2026-11-30T00:00:00.000Z', '2026-12-11'],
  ['every second week', 'biweekly', 'UTC', '2026-11-25T10:00:00.000Z', '2026-12-11'],
  ['by hand: never', 'manual', 'UTC', '2026-11-25T10:00:00.000Z', null],
])('%s', (_rule, frequency, zone, approvedAt, due) => {
  expect(dueDateOf(frequency, zone, approvedAt as Instant)).toBe(due);
});
