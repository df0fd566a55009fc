import { describe, expect, test } from 'vitest';
import { askAgainMs, blockingChecks, decideCheckMove } from '../../../domain/earning/check.js';
import { readClaim } from '../../../domain/earning/claim.js';
import { deadlineStep, dormantAfter, firstDeadline, msUntil, waitUntil } from '../../../domain/earning/deadline.js';
import {
  checkTransitions,
  decideReferralMove,
  referralActions,
  referralTransitions,
} from '../../../domain/earning/referral.js';
import { idKindOf, idOfUuid, parseId } from '../../../domain/ids.js';
import { addDays, addDuration, type Duration, type Instant } from '../../../domain/time.js';
import { statusesOf } from '../../../domain/transitions.js';

const now = '2026-11-25T12:00:00.000Z' as Instant;
const later = (ms: number): Instant => new Date(Date.parse(now) + ms).toISOString() as Instant;

describe('a decision on a referral', () => {
  const cases = statusesOf(referralTransitions).flatMap((status) =>
    (['approve', 'reject', 'reopen'] as const).map((verb) => ({ status, verb })),
  );
  const accepted = new Set(['pending approve', 'pending reject', 'approved reject', 'rejected reopen']);
  const decidedBefore = new Set(['approved approve', 'rejected approve', 'rejected reject']);

  test.each(cases)('$verb on $status', ({ status, verb }) => {
    const decided = decideReferralMove({ status }, verb, []);

    const name = `${status} ${verb}`;
    if (accepted.has(name)) expect(decided).toMatchObject({ kind: 'accepted' });
    else
      expect(decided).toMatchObject({
        kind: 'refused',
        code: decidedBefore.has(name) ? 'referral.already_decided' : 'referral.transition_not_allowed',
        params: { currentStatus: status, allowedActions: referralActions(status) },
      });
  });

  test('open and failed checks stand before an approval, all named; never before a rejection', () => {
    const checks = [
      { kind: 'payment', status: 'failed', required: true },
      { kind: 'identity', status: 'waiting', required: true },
      { kind: 'fraud', status: 'failed', required: false },
    ] as const;
    const blocking = blockingChecks(checks);

    expect(blocking.map((one) => one.code)).toEqual(['check_open', 'check_failed']);
    expect(decideReferralMove({ status: 'pending' }, 'approve', blocking)).toMatchObject({
      code: 'referral.check_open',
      params: { open: blocking },
    });
    expect(decideReferralMove({ status: 'pending' }, 'reject', blocking)).toMatchObject({ kind: 'accepted' });
  });
});

describe('a check', () => {
  test.each(statusesOf(checkTransitions))('that is %s and is to become it again: nothing to do', (status) => {
    const event = ({ waiting: 'askedAnew', passed: 'passed', failed: 'failed', waived: 'waived' } as const)[status];

    expect(decideCheckMove({ status }, event)).toEqual({ kind: 'unchanged' });
  });

  test('that was waived is not moved any more', () => {
    expect(decideCheckMove({ status: 'waived' }, 'failed')).toMatchObject({
      code: 'check.transition_not_allowed',
      params: { currentStatus: 'waived' },
    });
  });

  test('is asked again ever more seldom, but never later than after six hours', () => {
    expect([0, 1, 2].map(askAgainMs)).toEqual([60_000, 120_000, 240_000]);
    expect(askAgainMs(1_000)).toBe(6 * 3_600_000);
  });
});

describe('what a run waits for', () => {
  const noMoney = { nextHoldEnd: null, hasPending: false, hasHeld: false, hasUnpaid: false, lastChangedAt: null };
  const of = (status: 'tracking' | 'pending' | 'approved' | 'rejected' | 'expired' | 'merged', money = {}, rest = {}) =>
    waitUntil({
      referral: { status, decideBy: null, lastChangedAt: now, ...rest },
      windowEnd: later(5_000),
      money: { ...noMoney, ...money },
      nextAsk: null,
      now,
    });
  const people = addDays(now, 30);

  test('the end of the window, the deadline, the earliest end of a hold', () => {
    expect(of('tracking')).toBe(later(5_000));
    expect(of('pending', {}, { decideBy: later(1_000) })).toBe(later(1_000));
    expect(of('approved', { hasPending: true, nextHoldEnd: later(2_000) })).toBe(later(2_000));
  });

  test('people: an undecided referral, a blocked or held commission', () => {
    expect(of('pending')).toBe(people);
    expect(of('approved', { hasPending: true })).toBe(people);
    expect(of('approved', { hasHeld: true, hasUnpaid: true })).toBe(people);
  });

  test('the payout, until nothing has changed for 60 days', () => {
    expect(of('approved', { hasUnpaid: true })).toBe(addDuration(now, dormantAfter));
    expect(of('rejected', { hasUnpaid: true })).toBe(addDuration(now, dormantAfter));
    expect(of('approved', { hasUnpaid: true }, { lastChangedAt: addDays(now, -60) })).toBeNull();
    const touched = { hasUnpaid: true, lastChangedAt: addDays(now, -1) };
    expect(of('approved', touched, { lastChangedAt: addDays(now, -90) })).toBe(addDays(now, 59));
  });

  test('nothing', () => {
    for (const status of ['approved', 'rejected', 'expired', 'merged'] as const) expect(of(status)).toBeNull();
    expect(of('expired', { hasPending: true })).toBeNull();
  });

  test('is at least a millisecond', () => {
    expect(msUntil(now, now)).toBe(1);
    expect(msUntil(later(-9), now)).toBe(1);
    expect(msUntil(later(1_500), now)).toBe(1_500);
  });
});

describe('the verification deadline', () => {
  const terms = (reminder: string, deadline: string, action: 'escalate' | 'reject' = 'escalate') => ({
    checkReminder: reminder as Duration,
    checkDeadline: deadline as Duration,
    checkDeadlineAction: action,
  });
  const waiting = { status: 'pending' as const, pendingSince: now, remindedAt: null };

  test('reminds first, then hands on or rejects', () => {
    const weekly = terms('P7D', 'P14D', 'reject');
    const decideBy = firstDeadline(now, weekly);
    expect(decideBy).toBe(addDays(now, 7));
    expect(deadlineStep({ ...waiting, decideBy }, weekly, addDays(now, 6))).toEqual({ kind: 'none' });
    expect(deadlineStep({ ...waiting, decideBy }, weekly, decideBy)).toEqual({
      kind: 'remind',
      decideBy: addDays(now, 14),
    });
    const reminded = { ...waiting, remindedAt: decideBy, decideBy: addDays(now, 14) };
    expect(deadlineStep(reminded, weekly, addDays(now, 14))).toEqual({ kind: 'reject' });
  });

  test('skips a reminder that would come too late', () => {
    const odd = terms('P14D', 'P7D');
    expect(firstDeadline(now, odd)).toBe(addDays(now, 7));
    expect(deadlineStep({ ...waiting, decideBy: addDays(now, 7) }, odd, addDays(now, 7))).toEqual({ kind: 'escalate' });
    // everything was down over both: only the deadline counts
    expect(deadlineStep({ ...waiting, decideBy: addDays(now, 7) }, terms('P7D', 'P14D'), addDays(now, 20))).toEqual({
      kind: 'escalate',
    });
  });
});

describe('a claim by hand', () => {
  const by = 'usr_01m8aapmzcessadfy6kh5q90qk';
  const commissionId = 'com_01m8aapmzcessadfy6kh5q90qk';

  test.each([
    ['approve', { by, reason: 'staff_decision' }],
    ['approve', { by }],
    ['reject', { by, reason: 'fraud' }],
    ['hold', { by, reason: 'fraud', commissionId }],
    ['release', { by, commissionId }],
  ])('%s %j is read', (verb, claim) => {
    expect(readClaim(verb, claim)).toMatchObject({ by });
  });

  test.each([
    ['approve', undefined],
    ['approve', null],
    ['approve', 'yes'],
    ['approve', []],
    ['approve', {}],
    ['approve', { by: 'Ana' }],
    ['approve', { by: 7 }],
    ['approve', { by: commissionId }],
    ['approve', { by, reason: 'because' }],
    ['approve', { by, commissionId: by }],
    ['reject', { by }],
    ['hold', { by, reason: 'fraud' }],
    ['withdrawApproval', { by, commissionId }],
  ])('%s %j is malformed', (verb, claim) => {
    expect(readClaim(verb, claim)).toBeUndefined();
  });

  test('the UUID a workflow drew is always the same id, and other UUIDs are others', () => {
    const id = idOfUuid('decision', '9b2d31f8-8f4a-4f0c-9f4e-6b7a8c9d0e1f');
    expect(id === undefined ? undefined : parseId('decision', id)).toBe(id);
    expect(idKindOf(id ?? '')).toBe('decision');
    expect(idOfUuid('decision', '9b2d31f8-8f4a-4f0c-9f4e-6b7a8c9d0e1e')).not.toBe(id);
    expect(idOfUuid('decision', 'ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe('dec_7zzzzzzzzzzzzzzzzzzzzzzzzz');
    expect(idOfUuid('decision', 'no uuid')).toBeUndefined();
  });
});
