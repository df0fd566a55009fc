import { describe, expect, test } from 'vitest';
import type { Instant } from '../../../domain/time.js';
import {
  type CreditGate,
  creditCodeOf,
  decideLinkMove,
  linkActions,
  linkStatusAt,
  slugOf,
  slugProblem,
} from '../../../domain/tracking/link.js';

const noon = '2026-11-20T12:00:00.000Z' as Instant;
const before = '2026-11-20T11:59:59.999Z' as Instant;

describe('slugs (api.md 7.2, reliability.md C4, C5)', () => {
  test.each(['ada-spring', 'abc', 'a1b', '2026', 'a--b', 'a'.repeat(64)])('takes %s', (slug) => {
    expect(slugProblem(slug)).toBeUndefined();
  });
  test.each(['admin', 'api', 'login', 'www', 'con', 'nul', 'r', 'healthz', 'xn--bcher-kva'])(
    '%s is reserved',
    (slug) => {
      expect(slugProblem(slug)).toBeDefined();
    },
  );
  test.each([
    '..',
    '.well-known',
    'index.html',
    '-',
    '--',
    '%2e%2e',
    'ab',
    'Ada',
    'ada-',
    '-ada',
    'ada_x',
    'ada x',
    'żółw',
    'aİb',
    'straße',
    '',
    'a'.repeat(65),
    'ada\n',
  ])('%j is no slug', (slug) => {
    expect(slugProblem(slug)).toBe('bad_format');
  });
  test.each([
    ['Spring', 'spring'],
    ['Żółty Blog!', 'zolty-blog'],
    ['  Ada  Kowal ', 'ada-kowal'],
    ['Straße', 'strasse'],
    ['日本', undefined],
    ['Admin', undefined],
    ['A', undefined],
  ])('%j makes %j', (name, slug) => {
    expect(slugOf(name)).toBe(slug);
  });
});

test('a link is expired from its instant on, whatever is stored; an archived one stays archived', () => {
  expect(linkStatusAt({ status: 'active', expiresAt: noon }, before)).toBe('active');
  expect(linkStatusAt({ status: 'active', expiresAt: noon }, noon)).toBe('expired');
  expect(linkStatusAt({ status: 'disabled', expiresAt: noon }, noon)).toBe('expired');
  expect(linkStatusAt({ status: 'archived', expiresAt: noon }, noon)).toBe('archived');
  expect(linkStatusAt({ status: 'active', expiresAt: null }, noon)).toBe('active');
});

test('the credit gate names the first reason that is closed (features.md 4.1)', () => {
  const open: CreditGate = {
    isTrackingOn: true,
    programStatus: 'active',
    affiliateStatus: 'approved',
    enrolmentStatus: 'active',
    linkStatus: 'active',
  };
  expect(creditCodeOf(open)).toBeNull();
  expect(creditCodeOf({ ...open, linkStatus: 'expired' })).toBe('link_expired');
  expect(creditCodeOf({ ...open, linkStatus: 'disabled' })).toBe('link_disabled');
  expect(creditCodeOf({ ...open, linkStatus: 'archived' })).toBe('link_archived');
  expect(creditCodeOf({ ...open, linkStatus: 'expired', enrolmentStatus: 'paused' })).toBe('enrolment_not_active');
  expect(creditCodeOf({ ...open, enrolmentStatus: null })).toBe('enrolment_not_active');
  expect(creditCodeOf({ ...open, enrolmentStatus: 'ended', affiliateStatus: 'suspended' })).toBe(
    'affiliate_not_active',
  );
  expect(creditCodeOf({ ...open, affiliateStatus: 'pending', programStatus: 'draft' })).toBe('program_not_active');
  expect(creditCodeOf({ ...open, programStatus: 'closed', isTrackingOn: false })).toBe('tracking_off');
});

test.each([
  ['active', 'disabled', undefined],
  ['active', 'enabled', 'link.already_decided'],
  ['active', 'archived', undefined],
  ['disabled', 'enabled', undefined],
  ['disabled', 'disabled', 'link.already_decided'],
  ['expired', 'enabled', 'link.transition_not_allowed'],
  ['expired', 'disabled', 'link.transition_not_allowed'],
  ['expired', 'archived', undefined],
  ['archived', 'enabled', 'link.transition_not_allowed'],
  ['archived', 'archived', 'link.already_decided'],
] as const)('a link that is %s: %s → %s', (status, event, code) => {
  const decided = decideLinkMove(status, event);
  expect(decided.kind === 'refused' ? decided.code : undefined).toBe(code);
});

test('a person is offered what the table allows, never what the clock does', () => {
  expect(linkActions('active')).toEqual(['disable', 'archive']);
  expect(linkActions('disabled')).toEqual(['enable', 'archive']);
  expect(linkActions('expired')).toEqual(['archive']);
  expect(linkActions('archived')).toEqual([]);
});
