import { describe, expect, test } from 'vitest';
import {
  decidePayoutMove,
  payoutActions,
  type PayoutStanding,
  type PayoutStatus,
  problemOf,
} from '../../../domain/payout/payout.js';
import type { AttemptState } from '../../../domain/payout/payoutAttempt.js';

const standing = (change: Partial<PayoutStanding> = {}): PayoutStanding => ({
  status: 'draft',
  newestState: null,
  onHold: false,
  execution: 'gateway',
  runStatus: null,
  ...change,
});

describe('PAY-04: only the ways that are open are offered (features.md 2.4)', () => {
  test.each<[string, Partial<PayoutStanding>, readonly string[]]>([
    ['a draft alone', {}, ['approve', 'cancel', 'hold']],
    ['a draft paid by hand', { execution: 'manual' }, ['approve', 'mark_paid', 'cancel', 'hold']],
    ['a draft on hold', { onHold: true, execution: 'manual' }, ['cancel', 'release']],
    ['one that is being planned', { runStatus: 'planning', execution: 'manual' }, ['hold']],
    ['one whose run waits for its approval', { runStatus: 'planned', execution: 'manual' }, ['cancel', 'hold']],
    ['one whose run waits for its pay date', { runStatus: 'approved' }, ['cancel', 'hold']],
    ['one whose run went on without it', { runStatus: 'executing' }, ['approve', 'cancel', 'hold']],
    ['approved, not sent', { status: 'pending' }, ['return_to_draft', 'cancel', 'hold']],
    [
      'approved, by hand',
      { status: 'pending', execution: 'manual' },
      ['mark_paid', 'return_to_draft', 'cancel', 'hold'],
    ],
    [
      'approved, by hand, on hold',
      { status: 'pending', execution: 'manual', onHold: true },
      ['return_to_draft', 'cancel', 'release'],
    ],
    ['the call about to be made', { status: 'pending', newestState: 'submitting' }, []],
    ['on its way', { status: 'pending', newestState: 'submitted' }, ['lookup']],
    ['unknown', { status: 'pending', newestState: 'unknown' }, ['lookup', 'resolve']],
    ['refused', { status: 'pending', newestState: 'refused' }, ['retry', 'return_to_draft', 'cancel', 'hold']],
    [
      'refused, on hold',
      { status: 'pending', newestState: 'refused', onHold: true },
      ['return_to_draft', 'cancel', 'release'],
    ],
    [
      'back before it was paid',
      { status: 'pending', newestState: 'returned' },
      ['retry', 'return_to_draft', 'cancel', 'hold'],
    ],
    ['paid', { status: 'paid', newestState: 'paid' }, []],
    ['came back after it was paid', { status: 'paid', newestState: 'returned' }, []],
    ['cancelled', { status: 'cancelled' }, []],
  ])('%s', (_what, change, actions) => {
    expect(payoutActions(standing(change))).toEqual(actions);
  });

  test('a final payout is neither edited nor cancelled, and says what is possible instead', () => {
    const by = { approvedBy: 'usr_1', approvedAt: null };
    for (const event of ['approved', 'returnedToDraft', 'cancelled'] as const)
      expect(decidePayoutMove({ status: 'paid', ...by }, standing({ status: 'paid' }), event)).toMatchObject({
        kind: 'refused',
        params: { currentStatus: 'paid', allowedActions: [] },
      });
    // What is on its way or unknown releases no money (PAY-11, PAY-28).
    for (const newestState of ['submitting', 'submitted', 'unknown'] as const)
      for (const event of ['cancelled', 'returnedToDraft', 'paid'] as const)
        expect(
          decidePayoutMove({ status: 'pending', ...by }, standing({ status: 'pending', newestState }), event),
        ).toMatchObject({ kind: 'refused', code: 'payout.attempt_open' });
  });

  test.each<[PayoutStatus, AttemptState | null, string | null]>([
    ['draft', null, null],
    ['pending', 'submitting', null],
    ['pending', 'submitted', null],
    ['pending', 'refused', 'failed'],
    ['pending', 'unknown', 'unknown'],
    ['pending', 'returned', 'returned'],
    ['paid', 'paid', null],
    ['paid', 'returned', 'returned'],
    ['cancelled', 'refused', null],
  ])('%s with an attempt %s shows %s beside it', (status, state, problem) => {
    expect(problemOf(status, state)).toBe(problem);
  });
});
