/** A stored destination, parsed once: what a click's Location begins and ends with. */
export interface Destination {
  /** Serialised URL without its fragment. */
  readonly base: string;
  /** `#…` or empty. */
  readonly fragment: string;
  /** Names that the destination's own query has: they win over the incoming ones. */
  readonly names: ReadonlySet<string>;
  readonly hasQuery: boolean;
  /** For resolving a deep link. */
  readonly href: string;
}

// Characters that may stand in a Location as they are; all else came in raw and leaves percent-encoded.
const safe = /^[A-Za-z0-9\-._~!$'()*+,;:@/?%=]*$/;

/** `host` or `host:port` as it is compared: the parsed URL's own, lower case, without a default port (reliability.md R3). */
export function isAllowedHost(host: string, allowedHosts: readonly string[]): boolean {
  return allowedHosts.includes(host);
}

/**
 * The destination of a redirect, judged on the parsed URL only: http or https, no credentials, its host listed. Undefined: there must be no
 * redirect to it, whatever it looked like when it was saved (reliability.md R, G19).
 */
export function parseDestination(
  text: string,
  allowedHosts: readonly string[],
  base?: string,
): Destination | undefined {
  if (!URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  if (url.username !== '' || url.password !== '' || !isAllowedHost(url.host, allowedHosts)) return undefined;
  const fragment = url.hash;
  url.hash = '';
  return {
    base: url.href.replace(/[?#]$/, ''),
    fragment,
    names: new Set(url.searchParams.keys()),
    hasQuery: url.search !== '',
    href: url.href,
  };
}

/**
 * Another page than the stored one: a path of it, or a URL of a listed host (BEY-19). Undefined: no page for this link, whatever its spelling;
 * neither is one over http where the stored one is encrypted.
 */
export function deepDestination(
  to: string,
  stored: Destination,
  allowedHosts: readonly string[],
): Destination | undefined {
  const deep = parseDestination(to, allowedHosts, stored.href);
  const isWeaker = deep?.href.startsWith('http:') === true && !stored.href.startsWith('http:');
  return isWeaker ? undefined : deep;
}

/** One `name=value` of a query, as it came and decoded. */
export interface QueryPart {
  readonly raw: string;
  readonly name: string;
  readonly value: string;
}

function decoded(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text; // `%zz`: taken as it stands
  }
}

/** Splits a raw query. At most 100 parts: more is no link that anybody made. */
export function parseQuery(query: string): readonly QueryPart[] {
  if (query === '') return [];
  const parts: QueryPart[] = [];
  for (const raw of query.split('&', 100)) {
    if (raw === '') continue;
    const cut = raw.indexOf('=');
    parts.push({
      raw,
      name: decoded(cut === -1 ? raw : raw.slice(0, cut)),
      value: cut === -1 ? '' : decoded(raw.slice(cut + 1)),
    });
  }
  return parts;
}

/**
 * The destination with its own query, then the incoming one (without `to`, `click_id` and names already there), then the click id
 * (api.md 4.1).
 */
export function locationOf(destination: Destination, query: readonly QueryPart[], clickId: string): string {
  let text = destination.base;
  let separator = destination.hasQuery ? '&' : '?';
  for (const part of query) {
    if (part.name === 'to' || part.name === 'click_id' || destination.names.has(part.name)) continue;
    text += separator + (safe.test(part.raw) ? part.raw : encoded(part));
    separator = '&';
  }
  return `${text}${separator}click_id=${clickId}${destination.fragment}`;
}

function encoded({ name, value }: QueryPart): string {
  return `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
}
