import { describe, expect, test } from 'vitest';
import { isBlockingRisk, riskCodes } from '../../../domain/tracking/riskFlag.js';
import {
  findRings,
  isThrowawayMail,
  judgeAffiliate,
  judgeReferral,
  qualityOf,
  type ReferralSignals,
  riskLimits,
} from '../../../domain/tracking/riskRules.js';
import { type ClickOrigin, countryIn, forbiddenAd } from '../../../domain/tracking/trafficTerms.js';

const honest: ReferralSignals = {
  same: [],
  sameAffiliateId: null,
  buyerEmailKey: 'jo@mail.example',
  clicksPerMinute: 2,
  leadsPerTenMinutes: 1,
  secondsToEvent: 140,
  minutesSinceOther: null,
  origins: [],
  buyerCountry: 'PL',
};
const from = (of: Partial<ClickOrigin>): ClickOrigin => ({
  clickId: 'clk_1',
  query: null,
  referrer: null,
  country: null,
  ...of,
});
const codesOf = (change: Partial<ReferralSignals>) => judgeReferral({ ...honest, ...change }).map(({ code }) => code);

describe('a referral', () => {
  test.each([
    { what: 'an honest buyer', change: {}, codes: [] },
    { what: 'nothing known at all', change: { buyerEmailKey: null, secondsToEvent: null }, codes: [] },
    {
      what: 'the affiliate’s own mailbox',
      change: { same: ['email'] as const, sameAffiliateId: 'aff_1' },
      codes: ['self_referral'],
    },
    { what: 'the affiliate’s browser', change: { same: ['visitor'] as const }, codes: ['self_referral'] },
    {
      what: 'as many clicks a minute as the limit',
      change: { clicksPerMinute: riskLimits.clicksPerMinute },
      codes: [],
    },
    { what: 'one click more', change: { clicksPerMinute: riskLimits.clicksPerMinute + 1 }, codes: ['click_burst'] },
    { what: 'a flood of leads', change: { leadsPerTenMinutes: 40 }, codes: ['lead_burst'] },
    { what: 'a fast buyer without another affiliate', change: { secondsToEvent: 3 }, codes: [] },
    {
      what: 'a click just before an order under way',
      change: { secondsToEvent: 3, minutesSinceOther: 600 },
      codes: ['late_click'],
    },
    { what: 'two affiliates compared side by side', change: { secondsToEvent: 15, minutesSinceOther: 2 }, codes: [] },
    { what: 'a mailbox for ten minutes', change: { buyerEmailKey: 'x@mailinator.com' }, codes: ['throwaway_mail'] },
    {
      what: 'clicks of another country only',
      change: { origins: [from({ country: 'DE' })] },
      codes: ['place_mismatch'],
    },
    {
      what: 'one click on the road and one at home',
      change: { origins: [from({ country: 'DE' }), from({ country: 'PL' })] },
      codes: [],
    },
    { what: 'a click of no known country', change: { origins: [from({})] }, codes: [] },
    {
      what: 'a buyer of no known country',
      change: { buyerCountry: null, origins: [from({ country: 'DE' })] },
      codes: [],
    },
    { what: 'an ad where ads are allowed', change: { origins: [from({ query: 'gclid=x' })] }, codes: [] },
  ])('with $what: $codes', ({ change, codes }) => {
    expect(codesOf(change)).toEqual(codes);
  });

  test('every finding names what was counted and against which limit', () => {
    expect(judgeReferral({ ...honest, clicksPerMinute: 90 })).toEqual([
      { code: 'click_burst', evidence: { clicksPerMinute: 90, limit: 20 } },
    ]);
  });
});

test('what staff are only shown does not stop an automatic approval', () => {
  expect(riskCodes.filter((code) => !isBlockingRisk(code))).toEqual([
    'place_mismatch',
    'affiliate_conflict',
    'shared_destination',
  ]);
});

describe('an ad that the terms forbid (screens.md 3.16, T17)', () => {
  const forbidden = { paidAds: 'forbidden', brandTerms: [] } as const;
  const brand = { paidAds: 'allowed', brandTerms: ['Acme', 'Müller shoes'] } as const;
  test.each([
    ['Google’s own parameter', { query: 'sid=1&gclid=Cj0K' }, forbidden, { sign: 'gclid' }],
    ['Microsoft’s', { query: 'msclkid=1' }, forbidden, { sign: 'msclkid' }],
    [
      'a medium that is paid',
      { query: 'utm_medium=CPC&utm_term=shoes' },
      forbidden,
      { sign: 'utm_medium=cpc', keyword: 'shoes' },
    ],
    [
      'an ad for the page before',
      { referrer: 'https://blog.example/x?utm_medium=ppc' },
      forbidden,
      { sign: 'utm_medium=ppc' },
    ],
    ['an empty parameter', { query: 'gclid=' }, forbidden, undefined],
    ['a mail', { query: 'utm_medium=email&utm_term=gclid' }, forbidden, undefined],
    ['a search without an ad', { referrer: 'https://www.google.com/search?q=acme' }, forbidden, undefined],
    ['an ad where only words are kept', { query: 'gclid=1&utm_term=running+shoes' }, brand, undefined],
    ['an ad on our word', { query: 'gclid=1&utm_term=buy+ACME+shoes' }, brand, { sign: 'gclid', brandTerm: 'Acme' }],
    [
      'a search for our word',
      { referrer: 'https://www.bing.com/search?q=acme%20deal' },
      brand,
      { sign: null, keyword: 'acme deal' },
    ],
    [
      'two words of ours, without their accents',
      { query: 'keyword=muller-SHOES' },
      brand,
      { brandTerm: 'Müller shoes' },
    ],
    ['a longer word', { query: 'utm_term=acmeology' }, brand, undefined],
    ['our word on a page that is no search engine', { referrer: 'https://blog.example/?q=acme' }, brand, undefined],
    ['a referrer that is no address', { referrer: 'acme', query: '%zz&gclid' }, forbidden, undefined],
  ])('%s', (_what, click, terms, found) => {
    const finding = forbiddenAd([from({}), from({ clickId: 'clk_2', ...click })], terms);
    if (found === undefined) expect(finding).toBeUndefined();
    else expect(finding).toMatchObject({ clickId: 'clk_2', ...found });
  });
});

test.each([
  ['pl', 'PL'],
  [' DE ', 'DE'],
  ['XX', null],
  ['T1', null],
  ['POL', null],
  ['', null],
  [undefined, null],
])('a proxy’s country %j is %j', (text, country) => {
  expect(countryIn(text)).toBe(country);
});

test('only whole domains are throw-away', () => {
  expect(isThrowawayMail('a@mailinator.com')).toBe(true);
  expect(isThrowawayMail('a@notmailinator.com')).toBe(false);
  expect(isThrowawayMail(null)).toBe(false);
});

test.each([
  {
    what: 'a flood of clicks for five leads',
    counts: { clicks: 100_000, leads: 5, sales: 5, refundedSales: 0 },
    codes: ['click_flood'],
  },
  { what: 'poor but honest traffic', counts: { clicks: 2_000, leads: 4, sales: 1, refundedSales: 0 }, codes: [] },
  { what: 'a new affiliate without a lead', counts: { clicks: 300, leads: 0, sales: 0, refundedSales: 0 }, codes: [] },
  {
    what: 'most sales refunded',
    counts: { clicks: 50, leads: 8, sales: 8, refundedSales: 6 },
    codes: ['refund_share'],
  },
  { what: 'half refunded, not more', counts: { clicks: 50, leads: 8, sales: 8, refundedSales: 4 }, codes: [] },
])('an affiliate with $what: $codes', ({ counts, codes }) => {
  expect(judgeAffiliate(counts).map(({ code }) => code)).toEqual(codes);
});

describe('rings (T19)', () => {
  const office = Array.from({ length: 12 }, (_, a) =>
    Array.from({ length: 12 - a - 1 }, (_, b) => ({ a: `o${a}`, b: `o${a + b + 1}`, kind: 'device' as const })),
  ).flat();

  test('twelve accounts of one hand are one cluster with its edges, in any order', () => {
    const edges = Array.from({ length: 11 }, (_, i) => ({
      a: `r${String(i + 1).padStart(2, '0')}`,
      b: `r${String(i).padStart(2, '0')}`,
      kind: i % 2 === 0 ? ('payout_account' as const) : ('visitor' as const),
    }));
    const [cluster, ...more] = findRings([...office, ...edges].reverse());
    expect(more).toEqual([]);
    expect(cluster?.members).toHaveLength(12);
    expect(cluster?.edges).toHaveLength(11);
    expect(findRings([...edges, ...office])).toEqual(findRings([...office, ...edges]));
  });

  test('an honest office of twelve that shares a device type and an address is no ring', () => {
    expect(findRings(office)).toEqual([]);
  });

  test('two weak signs of one kind are still one sign; two of different kinds are a hand', () => {
    const weak = { a: 'x', b: 'y', kind: 'device' as const };
    expect(findRings([weak, weak], 2)).toEqual([]);
    expect(findRings([weak, { ...weak, kind: 'phone' }], 2)).toHaveLength(1);
    expect(findRings([{ a: 'x', b: 'y', kind: 'phone' }])).toEqual([]); // two are not three
  });
});

test('quality is a share per million, and below standard only with enough to judge by (FRD-05)', () => {
  expect(qualityOf({ clicks: 0, leads: 0, acceptedLeads: 0, sales: 0, refundedSales: 0 })).toEqual({
    acceptedPpm: null,
    refundedPpm: null,
    conversionPpm: null,
    isBelowStandard: false,
  });
  expect(qualityOf({ clicks: 300, leads: 12, acceptedLeads: 5, sales: 3, refundedSales: 3 })).toEqual({
    acceptedPpm: 416_667,
    refundedPpm: 1_000_000,
    conversionPpm: 40_000,
    isBelowStandard: true,
  });
  expect(qualityOf({ clicks: 300, leads: 9, acceptedLeads: 0, sales: 4, refundedSales: 4 }).isBelowStandard).toBe(
    false,
  );
});
