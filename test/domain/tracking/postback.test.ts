import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { isInTime, signedText } from '../../../domain/tracking/postback.js';

const parameters = (query: string) => [...new URLSearchParams(query)].map(([name, value]) => ({ name, value }));

test('the check vector of api.md 4.1', () => {
  const text =
    'amount=49.99&click_id=clk_01kaz0c3v7m2q8x4t6w9y1b5de&currency=USD&event=sale&key=pk_live_demo&product=starter&ts=1795167000&txn_id=order-1001';
  const shuffled = parameters(text).toReversed();

  expect(signedText([...shuffled, { name: 'sig', value: 'x' }])).toBe(text);
  expect(createHmac('sha256', 'example-secret').update(signedText(shuffled)).digest('hex')).toBe(
    'b2d907c32a7a7263ad80df44ea61ac6d73a8ce3d3bec349050994ccee75862fd',
  );
});

test('every reserved character is encoded, so that two ways to write a value have one signature', () => {
  expect(signedText(parameters('name=O%27Neil+%28Jo%29%21*&email=a%2Bb%40c.d'))).toBe(
    'email=a%2Bb%40c.d&name=O%27Neil%20%28Jo%29%21%2A',
  );
});

test.each([
  ['1000', 1_300, true],
  ['1000', 1_301, false],
  ['1300', 1_000, true],
  ['1301', 1_000, false],
  ['1e3', 1_000, false],
  ['-1000', 1_000, false],
  ['', 1_000, false],
  ['01000', 1_000, false],
])('the time %s at %i is within 300 s: %s', (ts, now, expected) => {
  expect(isInTime(ts, now)).toBe(expected);
});
