export const deviceKinds = ['phone', 'tablet', 'desktop', 'other'] as const;

/** What a user agent says of a device, as far as anybody should know of a click (TRK-02): no version, nothing that tells people apart. */
export interface DeviceSummary {
  readonly kind: (typeof deviceKinds)[number];
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

/** By which the kind is told. Plain alternatives: the database looks for the same words. */
export const devicePatterns = {
  tablet: /ipad|tablet/i,
  android: /android/i,
  windowsPhone: /windows phone/i,
  mobile: /mobile/i,
  phone: /iphone|ipod|mobile/i,
  anySystem: new RegExp(systems.map(([pattern]) => pattern.source).join('|'), 'i'),
} as const;

/** Null: the agent was not kept, or is dropped by now. */
export function deviceSummaryOf(userAgent: string | null): DeviceSummary | null {
  if (userAgent === null || userAgent === '') return null;
  const first = (list: readonly (readonly [RegExp, string])[]): string | null =>
    list.find(([pattern]) => pattern.test(userAgent))?.[1] ?? null;
  const system = first(systems);
  return { kind: kindOf(userAgent, system), system, browser: first(browsers) };
}

function kindOf(userAgent: string, system: string | null): DeviceSummary['kind'] {
  const { tablet, mobile, phone } = devicePatterns;
  if (tablet.test(userAgent) || (system === 'Android' && !mobile.test(userAgent))) return 'tablet';
  if (phone.test(userAgent)) return 'phone';
  return system === null ? 'other' : 'desktop';
}
