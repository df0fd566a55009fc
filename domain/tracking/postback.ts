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

/**
 * Another system's parameters under our names (BEY-20). `fieldMap` says for each of ours what the source calls it. A name that the map reads
 * from stands for nothing else; our own names are taken as they are; what neither knows is dropped, because theirs sends more than we
 * know. Without a map nothing is renamed or dropped: a name that is wrong there is a mistake to be told.
 */
export function inOurNames(
  fields: Readonly<Record<string, string>>,
  fieldMap: Readonly<Record<string, string>>,
  known: readonly string[],
): Readonly<Record<string, string>> {
  const renamed = Object.entries(fieldMap);
  if (renamed.length === 0) return fields;
  const read = new Set(Object.values(fieldMap));
  const named = Object.entries(fields).filter(([name]) => known.includes(name) && !read.has(name));
  const mapped = renamed.flatMap(([ours, theirs]) => {
    const value = Object.hasOwn(fields, theirs) ? fields[theirs] : undefined;
    return value === undefined ? [] : [[ours, value] as const];
  });
  return Object.fromEntries([...named, ...mapped]);
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
