import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutPlan } from '../../../domain/payout/payoutRun.js';

// docs/decisions/0540: whatever ids there are and wherever a plan is cut, each affiliate lies in exactly one page.

const id = fc.string({ unit: fc.constantFrom('0', '1', '2', 'A', 'B', 'X', 'Z'), minLength: 1, maxLength: 4 });

test('BEY-03: each affiliate lies in one range of a plan, also one that came after the cut; a half planned one goes on', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(id, { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.uniqueArray(id, { maxLength: 10 }),
      fc.option(id, { nil: '' }),
      (present, size, later, after) => {
        const due = present.filter((one) => one > after).sort();
        const ranges = cutPlan(
          after,
          due.filter((_one, index) => (index + 1) % size === 0 && index + 1 < due.length),
        );
        const pages = ranges.map(
          (range) => (one: string) => one > range.after && (range.until === null || one <= range.until),
        );
        for (const one of [...present, ...later])
          expect(pages.filter((holds) => holds(one))).toHaveLength(one > after ? 1 : 0);
        expect(pages.every((holds) => due.filter(holds).length <= size)).toBe(true);
        expect(ranges).toHaveLength(Math.max(1, Math.ceil(due.length / size)));
      },
    ),
  );
});
