import { expect, test } from 'vitest';
import { classOf, type Compared } from '../../../domain/payout/reconciliation.js';

const fact = (part: Partial<Compared>): Compared => ({
  lineKind: 'payment',
  lineCount: 1,
  lineMinor: -1_000n,
  booksMinor: 0n,
  attemptState: 'paid',
  isOtherCurrency: false,
  ...part,
});

// money.md 10: every difference is exactly one of these.
test.each([
  { rule: 'the same on both sides', of: { booksMinor: -1_000n }, expected: 'matched' },
  {
    rule: 'debited by the gateway while our attempt is on its way',
    of: { attemptState: 'submitted' as const },
    expected: 'timing',
  },
  { rule: 'debited while the outcome is unknown', of: { attemptState: 'unknown' as const }, expected: 'timing' },
  { rule: 'debited although we booked a refusal', of: { attemptState: 'refused' as const }, expected: 'missing_here' },
  {
    rule: 'booked, and the gateway knows nothing of it',
    of: { lineCount: 0, lineMinor: 0n, lineKind: null, booksMinor: -1_000n },
    expected: 'missing_there',
  },
  {
    rule: 'paid twice by the gateway',
    of: { lineCount: 2, lineMinor: -2_000n, booksMinor: -1_000n },
    expected: 'duplicate',
  },
  { rule: 'another amount', of: { lineMinor: -999n, booksMinor: -1_000n }, expected: 'amount' },
  { rule: 'in another currency', of: { isOtherCurrency: true }, expected: 'currency' },
  { rule: 'a reference that is none of ours', of: { attemptState: null }, expected: 'unknown_reference' },
  { rule: 'a fee not booked yet', of: { lineKind: 'fee' as const, lineMinor: -25n }, expected: 'fee' },
  {
    rule: 'money that came back and is not booked yet',
    of: { lineKind: 'return' as const, lineMinor: 1_000n },
    expected: 'return',
  },
  {
    rule: 'a deposit nobody entered',
    of: { lineKind: 'deposit' as const, lineMinor: 5_000n, attemptState: null },
    expected: 'missing_here',
  },
  {
    rule: 'a deposit of another amount',
    of: { lineKind: 'deposit' as const, lineMinor: 5_000n, booksMinor: 4_000n, attemptState: null },
    expected: 'amount',
  },
  {
    rule: 'a line of a kind we do not know',
    of: { lineKind: 'other' as const, attemptState: null },
    expected: 'unknown_reference',
  },
])('$rule is $expected', ({ of, expected }) => {
  expect(classOf(fact(of))).toBe(expected);
});
