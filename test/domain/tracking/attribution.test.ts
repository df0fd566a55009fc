import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AffiliateId } from '../../../domain/ids.js';
import { addDays, addMs, type Instant } from '../../../domain/time.js';
import { type AttributionInput, chooseTouch, type Touch } from '../../../domain/tracking/attribution.js';

const start = '2026-11-01T00:00:00.000Z' as Instant;
const day = (n: number): Instant => addDays(start, n);
const [ada, bob] = ['aff_ada', 'aff_bob'] as AffiliateId[] as [AffiliateId, AffiliateId];

const touch = (affiliateId: AffiliateId, at: Instant, changes: Partial<Touch> = {}): Touch => ({
  kind: 'click',
  sourceId: `clk_${affiliateId}_${at}`,
  affiliateId,
  linkId: null,
  sub1: null,
  occurredAt: at,
  endsAt: addDays(at, 30),
  ...changes,
});
const choose = (touches: readonly Touch[], changes: Partial<AttributionInput> = {}) =>
  chooseTouch({
    touches,
    at: day(10),
    referrerChoice: 'last',
    couponPriority: 'coupon_first',
    first: null,
    last: null,
    couponProblem: null,
    ...changes,
  });

test('the first referrer is of the earliest touch that counts, the last of the newest; the setting picks', () => {
  const touches = [touch(ada, day(1)), touch(bob, day(2))];

  expect(choose(touches)).toMatchObject({ first: ada, last: bob, affiliateId: bob, code: null });
  expect(choose(touches, { referrerChoice: 'first' })).toMatchObject({ first: ada, last: bob, affiliateId: ada });
  expect(choose(touches).candidates.map(({ won, code }) => [won, code])).toEqual([
    [false, 'not_last'],
    [true, null],
  ]);
});

test('a touch counts until one millisecond before its window ends (TRK-07)', () => {
  const one = touch(ada, day(1));

  expect(choose([one], { at: addMs(day(31), -1) }).affiliateId).toBe(ada);
  expect(choose([one], { at: day(31) })).toMatchObject({ affiliateId: null, winner: null, code: 'cookie_expired' });
});

test('each touch has its own window: the first may be over while the last still counts', () => {
  const touches = [touch(ada, day(1), { endsAt: day(2) }), touch(bob, day(3))];

  expect(choose(touches)).toMatchObject({ first: bob, last: bob, affiliateId: bob });
  expect(choose(touches).candidates[0]?.code).toBe('cookie_expired');
});

test('a click after the lead does not count for it', () => {
  expect(choose([touch(ada, day(1)), touch(bob, day(11))])).toMatchObject({ affiliateId: ada });
  expect(choose([touch(bob, day(11))])).toMatchObject({ affiliateId: null, code: 'no_touch' });
});

test('the first referrer of a referral stays, whatever surfaces later (TRK-08); the last moves with the next form (TRK-09)', () => {
  const again = choose([touch(ada, day(1)), touch(bob, day(5))], { first: ada, last: ada });
  expect(again).toMatchObject({ first: ada, last: bob, affiliateId: bob });

  const late = choose([touch(bob, day(0)), touch(ada, day(1))], { first: ada, last: ada, referrerChoice: 'first' });
  expect(late).toMatchObject({ first: ada, affiliateId: ada });
});

test('without a touch that counts the referral carries its credit on (TRK-24)', () => {
  expect(choose([touch(ada, day(1))], { at: day(90), first: ada, last: ada })).toMatchObject({
    affiliateId: ada,
    winner: null,
    code: null,
  });
});

test('a coupon goes before links, or after them, as set', () => {
  const touches = [touch(ada, day(1)), touch(bob, day(10), { kind: 'coupon', sourceId: 'cpn_1' })];

  expect(choose(touches).candidates.map(({ code }) => code)).toEqual(['coupon_preferred', null]);
  expect(choose(touches, { couponPriority: 'link_first' })).toMatchObject({ affiliateId: ada });
});

test('nobody to credit says why', () => {
  expect(choose([])).toMatchObject({ affiliateId: null, code: 'no_touch' });
  expect(choose([], { couponProblem: 'coupon_unknown' })).toMatchObject({ code: 'coupon_unknown' });
});

test('the same touches in any order, with repeats, give the same credit (G30)', () => {
  const anyTouch = fc
    .record({
      who: fc.constantFrom(ada, bob, 'aff_cleo' as AffiliateId),
      hour: fc.integer({ min: 0, max: 400 }),
      windowHours: fc.integer({ min: 1, max: 400 }),
      kind: fc.constantFrom('click' as const, 'coupon' as const, 'lead' as const),
      id: fc.integer({ min: 0, max: 12 }),
    })
    .map(({ who, hour, windowHours, kind, id }) => {
      const at = addMs(start, hour * 3_600_000);
      return touch(who, at, {
        kind,
        sourceId: `${kind}_${id}_${who}_${hour}_${windowHours}`,
        endsAt: addMs(at, windowHours * 3_600_000),
      });
    });
  fc.assert(
    fc.property(
      fc.array(anyTouch, { maxLength: 12 }),
      fc.constantFrom('first' as const, 'last' as const),
      fc.constantFrom('coupon_first' as const, 'link_first' as const),
      fc.array(fc.nat(), { minLength: 16, maxLength: 16 }),
      (touches, referrerChoice, couponPriority, dice) => {
        const shuffled = [...touches, ...touches.slice(0, 3)]
          .map((one, index) => ({ one, roll: dice[index] ?? 0 }))
          .sort((a, b) => a.roll - b.roll)
          .map(({ one }) => one);

        expect(choose(shuffled, { referrerChoice, couponPriority })).toEqual(
          choose(touches, { referrerChoice, couponPriority }),
        );
      },
    ),
    { numRuns: 10_000 },
  );
});
