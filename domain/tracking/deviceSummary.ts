/** What a user agent says of a device, as far as anybody should know of a click (TRK-02): no version, nothing that tells people apart. */
export interface DeviceSummary {
  readonly kind: 'phone' | 'tablet' | 'desktop' | 'other';
  readonly system: string | null;
  readonly browser: string | null;
}

// In this order: many name others too, to be served like them.
const systems: readonly (readonly [RegExp, string])[] = [
  [/windows phone/i, 'Windows Phone'],
  [/android/i, 'Android'],
  [/iphone|ipad|ipod/i, 'iOS'],
  [/windows nt/i, 'Windows'],
  [/cros/i, 'ChromeOS'],
  [/mac os x|macintosh/i, 'macOS'],
  [/linux|x11/i, 'Linux'],
];
const browsers: readonly (readonly [RegExp, string])[] = [
  [/edg(e|a|ios)?\//i, 'Edge'],
  [/opr\/|opera/i, 'Opera'],
  [/samsungbrowser\//i, 'Samsung Internet'],
  [/firefox\/|fxios\//i, 'Firefox'],
  [/chrome\/|crios\//i, 'Chrome'],
  [/safari\//i, 'Safari'],
];

/** Null: the agent was not kept, or is dropped by now. */
export function deviceSummaryOf(userAgent: string | null): DeviceSummary | null {
  if (userAgent === null || userAgent === '') return null;
  const first = (list: readonly (readonly [RegExp, string])[]): string | null =>
    list.find(([pattern]) => pattern.test(userAgent))?.[1] ?? null;
  const system = first(systems);
  return { kind: kindOf(userAgent, system), system, browser: first(browsers) };
}

function kindOf(userAgent: string, system: string | null): DeviceSummary['kind'] {
  if (/ipad|tablet/i.test(userAgent) || (system === 'Android' && !/mobile/i.test(userAgent))) return 'tablet';
  if (/iphone|ipod|mobile/i.test(userAgent)) return 'phone';
  return system === null ? 'other' : 'desktop';
}
