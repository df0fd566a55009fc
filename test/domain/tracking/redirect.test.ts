import { expect, test } from 'vitest';
import { locationOf, parseDestination, parseQuery } from '../../../domain/tracking/redirect.js';

const hosts = ['shop.example', 'pay.example:8443'];
const follow = (destination: string, query: string): string => {
  const parsed = parseDestination(destination, hosts);
  if (parsed === undefined) throw new Error(`${destination} should be allowed`);
  return locationOf(parsed, parseQuery(query), 'clk_1');
};

test.each([
  ['a plain link', 'https://shop.example/pricing', '', 'https://shop.example/pricing?click_id=clk_1'],
  [
    'the incoming query follows',
    'https://shop.example/p',
    'sid=kw1&utm_source=x',
    'https://shop.example/p?sid=kw1&utm_source=x&click_id=clk_1',
  ],
  [
    'its own query comes first and wins',
    'https://shop.example/p?a=1',
    'a=2&b=3',
    'https://shop.example/p?a=1&b=3&click_id=clk_1',
  ],
  [
    'the same name, encoded, is still the same',
    'https://shop.example/p?a=1',
    '%61=2',
    'https://shop.example/p?a=1&click_id=clk_1',
  ],
  [
    'to and click_id of the caller are dropped',
    'https://shop.example/p',
    'to=/x&click_id=clk_9&%74o=/y',
    'https://shop.example/p?click_id=clk_1',
  ],
  [
    'the fragment stays at the end',
    'https://shop.example/p#plans',
    'a=1',
    'https://shop.example/p?a=1&click_id=clk_1#plans',
  ],
  [
    'line breaks stay encoded',
    'https://shop.example/p',
    'a=%0d%0aSet-Cookie:x=1',
    'https://shop.example/p?a=%0d%0aSet-Cookie:x=1&click_id=clk_1',
  ],
  [
    'raw characters leave encoded',
    'https://shop.example/p',
    'a="<x>',
    'https://shop.example/p?a=%22%3Cx%3E&click_id=clk_1',
  ],
  ['an unreadable percent is kept', 'https://shop.example/p', 'a=%zz', 'https://shop.example/p?a=%zz&click_id=clk_1'],
  ['an empty query adds nothing', 'https://shop.example/p?', '&&', 'https://shop.example/p?click_id=clk_1'],
])('%s', (_rule, destination, query, expected) => {
  expect(follow(destination, query)).toBe(expected);
});

test.each([
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  '\tjavascript:alert(1)',
  'data:text/html,x',
  '//evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  'https:///evil.example',
  'https:evil.example',
  'https://shop.example.evil.example/',
  'https://evilshop.example/',
  'https://shop.example./',
  'https://shop.example:444/',
  'https://shop.example@evil.example/',
  'https://user:secret@shop.example/',
  'https://evil.example\\@shop.example/',
  'ftp://shop.example/',
])('no redirect to %j, also not as a deep link', (text) => {
  expect(parseDestination(text, hosts)).toBeUndefined();
  const deep = parseDestination(text, hosts, 'https://shop.example/pricing');
  if (deep !== undefined) expect(new URL(deep.href).host).toBe('shop.example');
});

test('a deep link is a path of the destination or a URL of a listed host', () => {
  const base = 'https://shop.example/pricing';

  expect(parseDestination('/terms?x=1', hosts, base)?.href).toBe('https://shop.example/terms?x=1');
  expect(parseDestination('https://pay.example:8443/now', hosts, base)?.href).toBe('https://pay.example:8443/now');
  expect(parseDestination('https://SHOP.example/now', hosts, base)?.href).toBe('https://shop.example/now');
});
