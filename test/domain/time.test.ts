import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dateIn, daysRange, isTimeZone, periodContaining } from '../../domain/calendar.js';
import {
  addDays,
  durationMs,
  earliest,
  type Instant,
  type LocalDate,
  parseDuration,
  parseInstant,
  parseLocalDate,
} from '../../domain/time.js';

test('a zone is known by itself: not because another was, and as well the second time', () => {
  const asked = ['Mars/Base', 'Europe/Warsaw', 'Mars/Base', 'europe/warsaw', 'Europe/Warsaw', ''];
  expect(asked.map(isTimeZone)).toEqual([false, true, false, true, true, false]);
});

describe('instants', () => {
  test.each([
    { input: '2026-11-20T09:30:00Z', expected: '2026-11-20T09:30:00.000Z' },
    { input: '2026-11-20T09:30:00.5Z', expected: '2026-11-20T09:30:00.500Z' },
    { input: '2026-11-20T09:30:00+02:00', expected: '2026-11-20T07:30:00.000Z' },
    { input: '2028-02-29T00:00:00Z', expected: '2028-02-29T00:00:00.000Z' },
    { input: '2100-12-31T23:59:59.999Z', expected: '2100-12-31T23:59:59.999Z' },
  ])('$input is $expected', ({ input, expected }) => {
    expect(parseInstant(input)).toBe(expected);
  });

  test.each([
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '0000-00-00T00:00:00Z',
    '2026-01-05 10:00:00Z',
    '2026-01-05T10:00:00',
    '2026-01-05T10:00Z',
    '2026-01-05T10:00:00+25:00',
    '2026-01-05T10:00:00-00:00',
    '0001-01-01T00:00:00Z',
    '9999-01-01T00:00:00Z',
    '1999-12-31T23:59:59Z',
    '2101-01-01T00:00:00Z',
    '2026-01-05T24:00:00Z',
    '2026-01-05T10:60:00Z',
    '2026-01-05T10:00:60Z',
    '2026-01-05T10:00:00.1234Z',
    'now',
    '',
    '20260105T100000Z',
    '٢٠٢٦-01-05T10:00:00Z',
  ])('%s is no instant', (input) => {
    expect(parseInstant(input)).toBeUndefined();
  });

  test('text order is time order', () => {
    const instant = fc.date({
      min: new Date('2000-01-01T00:00:00Z'),
      max: new Date('2100-12-31T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        const [first, second] = [parseInstant(a.toISOString()), parseInstant(b.toISOString())];
        expect(first !== undefined && second !== undefined && first < second).toBe(a.getTime() < b.getTime());
      }),
    );
  });

  test('a day is 24 hours from the instant, also over a clock change', () => {
    expect(addDays('2026-03-28T12:00:00.000Z' as Instant, 1)).toBe('2026-03-29T12:00:00.000Z');
  });

  test('the earliest of none is undefined', () => {
    expect(earliest([])).toBeUndefined();
    expect(earliest(['2026-01-02T00:00:00.000Z', '2026-01-01T00:00:00.000Z'] as Instant[])).toBe(
      '2026-01-01T00:00:00.000Z',
    );
  });
});

describe('durations', () => {
  test.each([
    { input: 'P30D', ms: 2_592_000_000 },
    { input: 'PT12H', ms: 43_200_000 },
    { input: 'PT15M', ms: 900_000 },
    { input: 'PT5S', ms: 5_000 },
    { input: 'PT0S', ms: 0 },
    { input: 'P3650D', ms: 315_360_000_000 },
  ])('$input is $ms ms', ({ input, ms }) => {
    const duration = parseDuration(input);
    expect(duration === undefined ? undefined : durationMs(duration)).toBe(ms);
  });

  test.each(['P3651D', 'P0D', 'P1M', 'P1W', 'PT1.5H', 'P1DT1H', 'PT', '30D', 'p30d', '-P1D', 'PT999999H', ''])(
    '%s is refused',
    (input) => {
      expect(parseDuration(input)).toBeUndefined();
    },
  );
});

describe('days and months in a zone', () => {
  test.each(['2026-02-30', '2026-1-5', '20260105', '5/1/2026', '2025-02-29', '1999-12-31'])('%s is no day', (input) => {
    expect(parseLocalDate(input)).toBeUndefined();
  });

  test('the day of a clock change in Berlin has 25 hours', () => {
    const range = daysRange('Europe/Berlin', '2026-10-25' as LocalDate, '2026-10-25' as LocalDate);
    expect(range).toEqual({ from: '2026-10-24T22:00:00.000Z', until: '2026-10-25T23:00:00.000Z' });
  });

  test('the same instant is another day further east', () => {
    expect(dateIn('UTC', '2026-12-31T22:30:00.000Z' as Instant)).toBe('2026-12-31');
    expect(dateIn('Europe/Berlin', '2026-12-31T23:30:00.000Z' as Instant)).toBe('2027-01-01');
  });

  test('a quarter begins with its first month and excludes the next quarter', () => {
    expect(periodContaining('UTC', 'quarter', '2026-11-25T12:00:00.000Z' as Instant)).toEqual({
      from: '2026-10-01T00:00:00.000Z',
      until: '2027-01-01T00:00:00.000Z',
    });
    expect(periodContaining('UTC', 'month', '2028-02-29T12:00:00.000Z' as Instant)).toEqual({
      from: '2028-02-01T00:00:00.000Z',
      until: '2028-03-01T00:00:00.000Z',
    });
    expect(periodContaining('UTC', 'year', '2028-02-29T12:00:00.000Z' as Instant)).toEqual({
      from: '2028-01-01T00:00:00.000Z',
      until: '2029-01-01T00:00:00.000Z',
    });
  });
});
