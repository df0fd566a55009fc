// Ordered: what comes first names itself after what comes later.
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Headless)?Chrome\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/**
 * A browser as its owner knows it: `Firefox · Windows`. What names neither is shown as it named itself: somebody has to recognise it before
 * ending its session. Names of products are the same in each language.
 */
export function deviceName(userAgent: string | null): string {
  if (userAgent === null) return '–';
  const nameIn = (names: readonly (readonly [RegExp, string])[]): readonly string[] =>
    names.flatMap(([pattern, name]) => (pattern.test(userAgent) ? [name] : [])).slice(0, 1);
  const parts = [...nameIn(browsers), ...nameIn(systems)];
  return parts.length === 0 ? userAgent : parts.join(' · ');
}
