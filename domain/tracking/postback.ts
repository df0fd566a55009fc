/** A parameter of a postback or pixel call, decoded. */
export interface CallParameter {
  readonly name: string;
  readonly value: string;
}

/** How old or early a signed call may be, in seconds (api.md 4.1). */
export const signatureToleranceSeconds = 300;

/**
 * The text that a postback's or pixel's `sig` is the HMAC of: every other parameter, sorted by name, RFC 3986-encoded, `name=value` joined
 * with `&` (api.md 4.1). Names occur once: the caller refuses others before.
 */
export function signedText(parameters: readonly CallParameter[]): string {
  return parameters
    .filter(({ name }) => name !== 'sig')
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ name, value }) => `${encoded(name)}=${encoded(value)}`)
    .join('&');
}

/** encodeURIComponent leaves five characters of RFC 3986's reserved set as they are. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `ts`: Unix seconds within the tolerance of now. Anything else is no time. */
export function isInTime(ts: string, nowSeconds: number): boolean {
  return /^[1-9]\d{0,11}$/.test(ts) && Math.abs(Number.parseInt(ts, 10) - nowSeconds) <= signatureToleranceSeconds;
}
