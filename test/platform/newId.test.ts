import { expect, test } from 'vitest';
import { parseId } from '../../domain/ids.js';
import { newId } from '../../platform/newId.js';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** The 128 bits of an id, as hex. */
function hexOf(id: string): string {
  let value = 0n;
  for (const character of id.slice(id.indexOf('_') + 1)) value = value * 32n + BigInt(alphabet.indexOf(character));
  return value.toString(16).padStart(32, '0');
}

test('100,000 ids of one process rise, differ and are well-formed', () => {
  const ids = Array.from({ length: 100_000 }, () => newId('click'));

  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id, index) => index === 0 || (ids[index - 1] ?? '') < id)).toBe(true);
  expect(ids.every((id) => parseId('click', id) === id)).toBe(true);
});

test('an id is a UUID of version 7 whose first 48 bits are the time', () => {
  const before = Date.now();
  const hex = hexOf(newId('referral'));

  expect(hex[12]).toBe('7');
  expect('89ab').toContain(hex[16]);
  const at = Number.parseInt(hex.slice(0, 12), 16);
  expect(at).toBeGreaterThanOrEqual(before - 1);
  expect(at).toBeLessThanOrEqual(Date.now() + 1_000);
});

test('62 bits are random: each bit of them is set about half of the time', () => {
  const counts = Array.from({ length: 62 }, () => 0);
  const rounds = 4_000;
  for (let round = 0; round < rounds; round += 1) {
    const bits = BigInt(`0x${hexOf(newId('sale')).slice(16)}`);
    for (let bit = 0; bit < 62; bit += 1) if ((bits >> BigInt(bit)) & 1n) counts[bit] = (counts[bit] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count / rounds - 0.5)).toBeLessThan(0.05);
});
