import { expect, test } from 'vitest';
import { toCsv } from '../../platform/csv.js';

test.each([
  ['-5.00', '-5.00'],
  ['=1+1', "'=1+1"],
  ['-evil()', "'-evil()"],
  ['+44 123', "'+44 123"],
  ['@x', "'@x"],
  ['\tx', "'\tx"],
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['two\nlines', '"two\nlines"'],
  ['żółć', 'żółć'],
  ['', ''],
])('%j is written %j', (cell, written) => {
  expect(toCsv(['one', 'two'], [[cell, 'x']])).toBe(`one,two\r\n${written},x\r\n`);
});

test('null is an empty cell; no rows leave the head', () => {
  expect(toCsv(['a', 'b'], [[null, '1']])).toBe('a,b\r\n,1\r\n');
  expect(toCsv(['a'], [])).toBe('a\r\n');
});
