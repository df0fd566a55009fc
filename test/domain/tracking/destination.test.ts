import { describe, expect, test } from 'vitest';
import { type DestinationRules, judgeDestination, parseHost } from '../../../domain/tracking/destination.js';

const production: DestinationRules = {
  allowedHosts: [
    'shop.example',
    'good.example',
    'shop.example:8443',
    'localhost:3001',
    '10.0.0.7',
    'xn--bcher-kva.example',
  ],
  ownHosts: ['tributary.example'],
  isDevelopment: false,
};
const development: DestinationRules = { ...production, isDevelopment: true };

describe('a destination is judged after parsing (reliability.md R)', () => {
  test.each([
    ['https://shop.example/pricing', 'https://shop.example/pricing'],
    ['https://shop.example', 'https://shop.example/'],
    ['HTTPS://SHOP.example/Path?a=1#top', 'https://shop.example/Path?a=1#top'],
    ['https://shop.example:443/', 'https://shop.example/'],
    ['https://shop.example:8443/x', 'https://shop.example:8443/x'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
    ['https://shop.example/%0d%0aSet-Cookie:x=1', 'https://shop.example/%0d%0aSet-Cookie:x=1'],
    ['https://shop.example/a@b', 'https://shop.example/a@b'],
    ['https://shop.example/?next=//evil.example', 'https://shop.example/?next=//evil.example'],
  ])('takes %s', (text, url) => {
    expect(judgeDestination(text, production)).toEqual({ ok: true, url });
  });

  test.each([
    // R1: schemes, and what a browser would repair into one
    ['javascript:alert(1)', 'scheme'],
    ['JaVaScRiPt:alert(1)', 'scheme'],
    ['java\nscript:alert(1)', 'scheme'],
    ['\tjavascript:alert(1)', 'scheme'],
    [' javascript:alert(1)', 'scheme'],
    [' https://shop.example/', 'scheme'],
    ['https://shop.example/a b', 'scheme'],
    ['https://shop.example/\r\nX: 1', 'scheme'],
    ['data:text/html,x', 'scheme'],
    ['ftp://shop.example/', 'scheme'],
    ['http://shop.example/', 'scheme'],
    ['', 'scheme'],
    [`https://shop.example/${'a'.repeat(2_000)}`, 'scheme'],
    // R2
    ['//evil.example', 'scheme'],
    ['/\\evil.example', 'scheme'],
    ['\\\\evil.example', 'scheme'],
    ['https:///evil.example', 'scheme'],
    ['https:evil.example', 'scheme'],
    ['https:/evil.example', 'scheme'],
    ['https:\\\\shop.example\\x', 'scheme'],
    ['https://shop.example\\@evil.example/', 'scheme'],
    // R3
    ['https://good.example.evil.example', 'host'],
    ['https://evilgood.example', 'host'],
    ['https://good.example.', 'host'],
    ['https://GOOD.example:444', 'host'],
    ['https://sub.shop.example/', 'host'],
    ['https://evil.example/shop.example', 'host'],
    ['https://evil.example?shop.example', 'host'],
    ['https://user@shop.example/', 'user_info'],
    ['https://user:pw@shop.example/', 'user_info'],
    ['https://@shop.example/', 'user_info'],
    ['https://shop.example@evil.example/', 'user_info'],
    // R5
    ['https://tributary.example/r/ada', 'own_host'],
    ['https://TRIBUTARY.example:443/r/ada', 'own_host'],
    // inner addresses, however they are written
    ['https://10.0.0.7/', 'inner_address'],
    ['https://localhost:3001/', 'inner_address'],
    ['https://0x7f.1/', 'inner_address'],
    ['https://2130706433/', 'inner_address'],
    ['https://[::1]/', 'inner_address'],
    ['https://printer.local/', 'inner_address'],
  ])('refuses %j as %s', (text, problem) => {
    expect(judgeDestination(text, production)).toEqual({ ok: false, problem });
  });

  test('outside production http and inner hosts are for demo shops, when they are listed', () => {
    expect(judgeDestination('http://localhost:3001/shop', development)).toEqual({
      ok: true,
      url: 'http://localhost:3001/shop',
    });
    expect(judgeDestination('http://localhost:3002/shop', development)).toEqual({ ok: false, problem: 'host' });
    expect(judgeDestination('javascript:alert(1)', development)).toEqual({ ok: false, problem: 'scheme' });
  });
});

test.each([
  ['shop.example', 'shop.example'],
  ['SHOP.example', 'shop.example'],
  ['shop.example:8443', 'shop.example:8443'],
  ['shop.example:443', 'shop.example'],
  ['localhost:3001', 'localhost:3001'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['', undefined],
  ['shop.example.', undefined],
  ['*.shop.example', undefined],
  ['https://shop.example', undefined],
  ['shop.example/path', undefined],
  ['user@shop.example', undefined],
  ['shop example', undefined],
  ['shop.example:99999', undefined],
])('a host of the list: %j is %j', (text, host) => {
  expect(parseHost(text)).toBe(host);
});
