import { expect, test } from 'vitest';
import { comparedDays } from '../../../domain/reporting/comparedDays.js';
import type { LocalDate } from '../../../domain/time.js';

const days = (from: string, to: string) => ({ from: from as LocalDate, to: to as LocalDate });

test.each([
  { rule: 'a week → the week before', from: '2026-11-16', to: '2026-11-22', expected: ['2026-11-09', '2026-11-15'] },
  { rule: 'a day → the day before', from: '2026-01-01', to: '2026-01-01', expected: ['2025-12-31', '2025-12-31'] },
  { rule: 'over the end of summer time', from: '2026-10-26', to: '2026-11-01', expected: ['2026-10-19', '2026-10-25'] },
  {
    rule: 'over the start of summer time',
    from: '2026-03-30',
    to: '2026-04-05',
    expected: ['2026-03-23', '2026-03-29'],
  },
])('previous: $rule', ({ from, to, expected }) => {
  expect(comparedDays('Europe/Warsaw', days(from, to), 'previous')).toEqual({ from: expected[0], to: expected[1] });
});

test.each([
  { rule: 'the same days', from: '2026-11-01', to: '2026-11-30', expected: ['2025-11-01', '2025-11-30'] },
  {
    rule: 'the 29th of February is the 28th',
    from: '2028-02-29',
    to: '2028-03-01',
    expected: ['2027-02-28', '2027-03-01'],
  },
])('year: $rule', ({ from, to, expected }) => {
  expect(comparedDays('UTC', days(from, to), 'year')).toEqual({ from: expected[0], to: expected[1] });
});
