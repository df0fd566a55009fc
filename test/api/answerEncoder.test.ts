import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { encodeAnswer } from '../../api/answerEncoder.js';
import { affiliateList } from '../../api/schemas/affiliate/affiliate.js';
import { idWire, instantWire, listOf, signedMoneyWire, text } from '../../api/schemas/wire.js';
import type { CurrencyCode } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';

const money = (minor: bigint) => ({ minor, currency: 'USD' as CurrencyCode });
const at = '2026-11-26T10:00:00.000Z' as Instant;
const row = z.strictObject({
  id: idWire('sale'),
  object: z.literal('sale'),
  status: z.enum(['open', 'paid']),
  amounts: z.array(signedMoneyWire),
  at: instantWire.nullable(),
  note: z.string().max(5),
  count: z.int(),
  only: z.boolean().exactOptional(),
  by: z.string().nullable().optional(),
  metadata: z.record(z.string(), z.string()),
  terms: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('flat'), amount: signedMoneyWire }),
    z.strictObject({ kind: z.enum(['days', 'weeks']), every: z.int() }),
  ]),
});
const list = listOf(row);
const good = {
  note: 'five',
  status: 'open',
  at,
  count: 2,
  object: 'sale',
  id: 'sal_00000000000000000000000001',
  amounts: [money(1234n), money(-5n)],
  by: undefined,
  metadata: { z: 'last', a: 'first' },
  terms: { kind: 'flat', amount: money(100n) },
};

/** Of an answer as production sends it. */
const plain = (schema: z.ZodType, value: unknown): string =>
  JSON.stringify(encodeAnswer(schema, value, { isChecked: false }));

describe('an answer without the checks of its schema', () => {
  test('is what zod makes of it, byte by byte, in the order of the schema', () => {
    const values = [
      good,
      { ...good, at: null, only: true, by: null, metadata: {}, terms: { kind: 'weeks', every: 2 } },
      { ...good, by: 'ana', amounts: [] },
    ];
    for (const value of values) {
      const page = { nextCursor: null, data: [value] };
      expect(plain(list, page)).toBe(JSON.stringify(z.encode(list, page as never)));
    }
    expect(plain(row, good)).toBe(
      '{"id":"sal_00000000000000000000000001","object":"sale","status":"open","amounts":[{"amount":"12.34","currency":"USD"},{"amount":"-0.05","currency":"USD"}],' +
        '"at":"2026-11-26T10:00:00.000Z","note":"five","count":2,"metadata":{"z":"last","a":"first"},"terms":{"kind":"flat","amount":{"amount":"1.00","currency":"USD"}}}',
    );
  });

  test.each([
    ['a field is missing', { ...good, count: undefined }],
    ['a field is of another type', { ...good, count: '2' }],
    ['a number is none', { ...good, count: Number.NaN }],
    ['a status is not in the list', { ...good, status: 'lost' }],
    ['a literal is another', { ...good, object: 'lead' }],
    ['nobody knows the field', { ...good, secret: 'x' }],
    ['an exact field stands there as undefined', { ...good, only: undefined }],
    ['an amount is missing', { ...good, amounts: [undefined] }],
    ['null where nothing may be null', { ...good, terms: null }],
    ['no member of the union has the name', { ...good, terms: { kind: 'months', every: 1 } }],
    ['a list is none', { ...good, amounts: { 0: money(1n) } }],
  ])('%s: refused with the words and the place of zod', (_rule, value) => {
    const page = { data: [good, value], nextCursor: null };
    const refusal = z.safeEncode(list, page as never).error;
    expect(refusal?.issues[0]?.path.slice(0, 2)).toEqual(['data', 1]);
    for (const isChecked of [true, false])
      expect(() => encodeAnswer(list, page, { isChecked })).toThrow(refusal?.message ?? 'nothing was refused');
  });

  test('a text that its schema rewrites is rewritten', () => {
    const named = z.strictObject({ name: text(10), labels: z.record(text(10), z.string()) });
    expect(plain(named, { name: ' Ada ', labels: { ' b ': 'x' } })).toBe('{"name":"Ada","labels":{"b":"x"}}');
  });

  test('a key that is the prototype’s name stays a key', () => {
    const record = z.record(z.string(), z.string());
    const value = JSON.parse('{"__proto__":"x","a":"y"}') as unknown;
    expect(plain(record, value)).toBe(JSON.stringify(z.encode(record, value as never)));
  });
});

test('tests also hold an answer to its lengths and patterns, and to the same bytes', () => {
  const page = { data: [{ ...good, note: 'too long' }], nextCursor: null };
  expect(() => encodeAnswer(list, page, { isChecked: true })).toThrow(/too_big/);
  expect(plain(list, page)).toContain('too long');
  // A real list of the API, whose schema is deep: nothing of it is left to the slow way.
  expect(plain(affiliateList, { data: [], nextCursor: null })).toBe('{"data":[],"nextCursor":null}');
});
