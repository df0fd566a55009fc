import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type IdKind, idKindOf, idPattern, idPrefixes, parseId, partId, sameIdAs } from '../../domain/ids.js';
import { base32, newId } from '../../platform/newId.js';

test('every prefix is used once and says what the id is', () => {
  const prefixes = Object.values(idPrefixes);
  // `src` names both a lead source and a payment source in api.md 1.1; here it is the lead source.
  expect(new Set(prefixes).size).toBe(prefixes.length);
  for (const kind of Object.keys(idPrefixes) as IdKind[]) {
    const id = newId(kind);
    expect(id).toMatch(idPattern(kind));
    expect(parseId(kind, id)).toBe(id);
    expect(idKindOf(id)).toBe(kind);
  }
});

test('ids of one process rise, also within a millisecond', () => {
  const ids = Array.from({ length: 5_000 }, () => newId('click'));
  expect([...ids].sort()).toEqual(ids);
});

test('text order of base 32 is byte order', () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(Math.sign(Buffer.compare(a, b))).toBe(base32(a) < base32(b) ? -1 : base32(a) > base32(b) ? 1 : 0);
      expect(base32(a)).toMatch(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/);
    }),
  );
});

test.each([
  '',
  'com',
  'com_',
  'com_01kaz',
  `com_8${'0'.repeat(25)}`,
  `com_0${'i'.repeat(25)}`,
  `COM_0${'0'.repeat(25)}`,
  ` com_0${'0'.repeat(25)}`,
  `com_0${'0'.repeat(25)}\n`,
])('%j is no commission id', (text) => {
  expect(parseId('commission', text)).toBeUndefined();
});

test('an id of another kind is refused', () => {
  expect(parseId('commission', newId('payout'))).toBeUndefined();
});

test('a decision seen as an operation keeps its 26 characters', () => {
  const decision = newId('decision');
  expect(sameIdAs('decision', sameIdAs('operation', decision))).toBe(decision);
});

test('the parts of a thing have ids of their own that follow from its, and no two of them are alike', () => {
  const payout = newId('payout');
  const parts = Array.from({ length: 1_023 }, (_none, index) => partId('payoutAttempt', payout, index + 1));
  expect(new Set([...parts, sameIdAs('payoutAttempt', payout)]).size).toBe(1_024);
  expect(parts.every((id) => parseId('payoutAttempt', id) === id)).toBe(true);
  expect(partId('payoutAttempt', payout, 1)).toBe(parts[0]);
  expect(() => partId('payoutAttempt', payout, 1_024)).toThrow('a part has a number');
});
