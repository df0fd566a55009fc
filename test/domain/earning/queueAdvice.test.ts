import { expect, test } from 'vitest';
import { adviseOn } from '../../../domain/earning/queueAdvice.js';

// screens.md 3.3: never more than advice. High findings speak for a refusal, low ones and open checks for a look, nothing for an approval.
test.each([
  ['nothing found', [], 0, { verdict: 'approve', reasons: ['no_findings'] }],
  ['a check that nobody has settled', [], 2, { verdict: 'look', reasons: ['check_open'] }],
  ['a finding to look at', ['affiliate_conflict'], 0, { verdict: 'look', reasons: ['affiliate_conflict'] }],
  [
    'a finding to look at, and a check',
    ['affiliate_conflict'],
    1,
    { verdict: 'look', reasons: ['affiliate_conflict', 'check_open'] },
  ],
  ['a finding that stops a decision', ['self_referral'], 0, { verdict: 'reject', reasons: ['self_referral'] }],
  [
    'both, and a check',
    ['affiliate_conflict', 'self_referral'],
    1,
    { verdict: 'reject', reasons: ['affiliate_conflict', 'self_referral', 'check_open'] },
  ],
] as const)('%s', (_label, flags, openChecks, advice) => {
  expect(adviseOn({ flags, openChecks })).toEqual(advice);
});
