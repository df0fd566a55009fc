import { expect, test } from 'vitest';
import { consentAllows, filterOf, gateOf, subIdOf } from '../../../domain/tracking/click.js';

const person = {
  isHead: false,
  purpose: '',
  fetchDest: undefined,
  hasUserAgent: true,
  isKnownBot: false,
  isPreviewer: false,
};

test.each([
  ['a person', {}, undefined],
  ['a navigation', { fetchDest: 'document' }, undefined],
  ['HEAD', { isHead: true }, 'head_request'],
  ['HEAD before everything else', { isHead: true, purpose: 'prefetch', hasUserAgent: false }, 'head_request'],
  ['prefetch', { purpose: 'prefetch;prerender' }, 'prefetch'],
  ['an image tag', { fetchDest: 'image' }, 'not_navigation'],
  ['a frame', { fetchDest: 'iframe' }, 'not_navigation'],
  ['a chat that draws a preview', { isPreviewer: true, isKnownBot: true }, 'preview'],
  ['a preview by its header', { purpose: 'preview' }, 'preview'],
  ['nobody', { hasUserAgent: false }, 'bot'],
  ['a known bot', { isKnownBot: true }, 'bot'],
] as const)('%s', (_who, by, expected) => {
  expect(filterOf({ ...person, ...by })).toBe(expected);
});

const open = {
  isTracking: true,
  programStatus: 'active',
  affiliateStatus: 'approved',
  enrolmentStatus: 'active',
  linkStatus: 'active',
  isLinkOver: false,
} as const;

test.each([
  ['all open', {}, undefined],
  ['the master switch is off', { isTracking: false, programStatus: 'closed' }, 'tracking_off'],
  ['the program rests', { programStatus: 'paused', affiliateStatus: 'suspended' }, 'program_not_active'],
  ['the affiliate is suspended', { affiliateStatus: 'suspended', linkStatus: 'disabled' }, 'affiliate_not_active'],
  ['the enrolment has ended', { enrolmentStatus: 'ended' }, 'enrolment_not_active'],
  ['never enrolled', { enrolmentStatus: undefined }, 'enrolment_not_active'],
  ['archived', { linkStatus: 'archived', isLinkOver: true }, 'link_archived'],
  ['disabled', { linkStatus: 'disabled', isLinkOver: true }, 'link_disabled'],
  ['expired by status', { linkStatus: 'expired' }, 'link_expired'],
  ['expired by the clock', { isLinkOver: true }, 'link_expired'],
] as const)('the credit gate: %s', (_why, gate, expected) => {
  expect(gateOf({ ...open, ...gate })).toBe(expected);
});

test.each([
  ['off', 'unknown', true, true],
  ['off', 'denied', false, true],
  ['url_only', 'unknown', true, true],
  ['url_only', 'denied', false, true],
  ['required', 'unknown', false, true],
  ['required', 'granted', true, true],
  ['required', 'denied', false, false],
] as const)('consent mode %s, consent %s: cookie %s, credit %s', (mode, consent, cookie, credit) => {
  expect(consentAllows(mode, consent)).toEqual({ cookie, credit });
});

test.each([
  ['kw1', 'kw1'],
  [undefined, null],
  ['', null],
  ['a\r\nb\u0000c\u202ed', 'abcd'],
  ['x'.repeat(300), 'x'.repeat(255)],
  [`${'x'.repeat(254)}😀`, 'x'.repeat(254)],
  ['\u0007', null],
])('the label %j is kept as %j', (text, expected) => {
  expect(subIdOf(text)).toBe(expected);
});
