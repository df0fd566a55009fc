/** How old or early a signed event may be, in seconds: Stripe's and Standard Webhooks' own tolerance (api.md 4.2). */
export const signatureToleranceSeconds = 300;

export interface StripeSignature {
  /** Seconds since 1970, as it was signed. */
  readonly timestamp: string;
  /** Hex HMAC-SHA256 each; while a secret is rolled Stripe sends one per secret. */
  readonly candidates: readonly string[];
}

/** `Stripe-Signature: t=1492774577,v1=5257a8…,v1=…,v0=…`. Undefined: it is none. */
export function readStripeSignature(header: string): StripeSignature | undefined {
  let timestamp: string | undefined;
  const candidates: string[] = [];
  for (const part of header.split(',')) {
    const cut = part.indexOf('=');
    const [name, value] = [part.slice(0, cut).trim(), part.slice(cut + 1).trim()];
    if (name === 't') {
      if (timestamp !== undefined || !/^[1-9]\d{0,11}$/.test(value)) return undefined;
      timestamp = value;
    } else if (name === 'v1' && /^[0-9a-f]{64}$/.test(value)) candidates.push(value);
  }
  return timestamp === undefined || candidates.length === 0 ? undefined : { timestamp, candidates };
}

/** Is a time, in seconds, near enough to now? */
export function isInTolerance(timestamp: string, nowSeconds: number): boolean {
  return (
    /^[1-9]\d{0,11}$/.test(timestamp) &&
    Math.abs(Number.parseInt(timestamp, 10) - nowSeconds) <= signatureToleranceSeconds
  );
}
