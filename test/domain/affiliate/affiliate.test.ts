import { describe, expect, test } from 'vitest';
import {
  affiliateActions,
  type AffiliateEvent,
  type AffiliateStatus,
  affiliateTransitions,
  decideAffiliateMove,
  firstStatus,
  isActive,
} from '../../../domain/affiliate/affiliate.js';
import { decideEnrolmentMove, enrolmentActions, openForEnrolment } from '../../../domain/affiliate/enrolment.js';
import { statusesOf } from '../../../domain/transitions.js';

const d = 'affiliate.already_decided';
const t = 'affiliate.transition_not_allowed';

describe('every status of an affiliate meets every event (features.md 2.1)', () => {
  const expected: Readonly<Record<AffiliateStatus, Readonly<Record<AffiliateEvent, string>>>> = {
    pending: { approved: 'yes', declined: 'yes', reopened: d, suspended: t, reactivated: t, terminated: t },
    declined: { approved: d, declined: d, reopened: 'yes', suspended: t, reactivated: t, terminated: t },
    approved: { approved: d, declined: d, reopened: t, suspended: 'yes', reactivated: d, terminated: 'yes' },
    suspended: { approved: d, declined: d, reopened: t, suspended: d, reactivated: 'yes', terminated: 'yes' },
    terminated: { approved: d, declined: d, reopened: t, suspended: t, reactivated: t, terminated: d },
  };
  test.each(statusesOf(affiliateTransitions))('%s', (status) => {
    const decided = Object.keys(expected[status]).map((event) => {
      const outcome = decideAffiliateMove({ status }, event as AffiliateEvent);
      return [event, outcome.kind === 'refused' ? outcome.code : 'yes'];
    });
    expect(Object.fromEntries(decided)).toEqual(expected[status]);
  });
});

test('an approval waits for what is open and says what that is', () => {
  const open = [{ code: 'agreement_accepted', detail: 'The terms are not accepted.' }];
  expect(decideAffiliateMove({ status: 'pending' }, 'approved', open)).toEqual({
    kind: 'refused',
    code: 'affiliate.requirements_open',
    params: { open },
  });
  expect(decideAffiliateMove({ status: 'pending' }, 'declined', open).kind).toBe('accepted');
});

test('the first status is the setting, unless something is open (AFF-06)', () => {
  const open = [{ code: 'email_verified', detail: '' }];
  expect(firstStatus('approved', [])).toBe('approved');
  expect(firstStatus('approved', open)).toBe('pending');
  expect(firstStatus('pending', [])).toBe('pending');
});

test('active is approved with an active enrolment', () => {
  expect(isActive({ status: 'approved' }, [{ status: 'ended' }, { status: 'active' }])).toBe(true);
  expect(isActive({ status: 'approved' }, [{ status: 'paused' }])).toBe(false);
  expect(isActive({ status: 'suspended' }, [{ status: 'active' }])).toBe(false);
});

test('the actions are those of the table', () => {
  expect(affiliateActions('pending')).toEqual(['approve', 'decline']);
  expect(affiliateActions('suspended')).toEqual(['reactivate', 'terminate']);
  expect(affiliateActions('terminated')).toEqual([]);
  expect(enrolmentActions('active')).toEqual(['pause', 'end']);
});

test.each([
  ['pending', 'activated', undefined],
  ['pending', 'paused', 'enrolment.transition_not_allowed'],
  ['active', 'activated', 'enrolment.already_decided'],
  ['active', 'paused', undefined],
  ['paused', 'resumed', undefined],
  ['paused', 'activated', 'enrolment.transition_not_allowed'],
  ['ended', 'ended', 'enrolment.already_decided'],
  ['ended', 'resumed', 'enrolment.transition_not_allowed'],
] as const)('an enrolment that is %s: %s → %s', (status, event, code) => {
  const decided = decideEnrolmentMove({ status }, event);
  expect(decided.kind === 'refused' ? decided.code : undefined).toBe(code);
});

test('what is open for an enrolment: applicants verify, terms that must be accepted are accepted (AFF-23)', () => {
  const facts = {
    programName: 'Spring',
    requirements: ['email_verified', 'agreement_accepted'] as const,
    madeByStaff: false,
    emailVerified: false,
    mustAcceptTerms: true,
    termsAccepted: false,
    documentKinds: [],
    documents: [],
  };
  const codes = (change: Partial<typeof facts>) => openForEnrolment({ ...facts, ...change }).map(({ code }) => code);
  expect(codes({})).toEqual(['email_verified', 'agreement_accepted']);
  expect(codes({ madeByStaff: true })).toEqual(['agreement_accepted']);
  expect(codes({ emailVerified: true, termsAccepted: true })).toEqual([]);
  expect(codes({ madeByStaff: true, mustAcceptTerms: false })).toEqual([]);
});
