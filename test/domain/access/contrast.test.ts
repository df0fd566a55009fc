import { expect, test } from 'vitest';
import { contrastWithWhite, nearestReadable } from '../../../domain/access/contrast.js';

test.each([
  { color: '#000000', ratio: '21.00' },
  { color: '#ffffff', ratio: '1.00' },
  { color: '#767676', ratio: '4.54' }, // the lightest grey that passes, as every guide has it
  { color: '#777777', ratio: '4.48' },
])('the contrast of $color with white is $ratio', ({ color, ratio }) => {
  expect(contrastWithWhite(color).toFixed(2)).toBe(ratio);
});

test('a colour that passes is left alone; one that fails gets the nearest darker one of its hue', () => {
  expect(nearestReadable('#1f6f8b')).toBeUndefined();
  const offered = nearestReadable('#ffd400') ?? '';
  expect(offered).toMatch(/^#[0-9a-f]{6}$/);
  expect(contrastWithWhite(offered)).toBeGreaterThanOrEqual(4.5);
  // As little darker as possible: one step lighter would fail.
  expect(contrastWithWhite(offered)).toBeLessThan(4.7);
  expect(nearestReadable('#ffffff')).toBe('#757575');
});
