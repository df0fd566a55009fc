import type { Id } from '../ids.js';
import type { Instant } from '../time.js';

/** What a look at the name's TXT record showed. */
export const dnsResults = ['ok', 'missing', 'wrong', 'unreachable'] as const;
export type DnsResult = (typeof dnsResults)[number];
/** What a call to the name over HTTPS showed: our own answer, somebody else's, or none. */
export const httpsResults = ['ok', 'wrong', 'inner_address', 'unreachable'] as const;
export type HttpsResult = (typeof httpsResults)[number];

/** A link domain of a workspace's own (LNK-08). Used only while both looks were `ok` the last time. */
export interface TrackingDomain {
  readonly id: Id<'trackingDomain'>;
  /** Lower case, without a port. */
  readonly domain: string;
  readonly token: string;
  readonly verifiedAt: Instant | null;
  readonly checkedAt: Instant | null;
  readonly dnsResult: DnsResult | null;
  readonly httpsResult: HttpsResult | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** Where the name says in DNS whose it is. */
export function recordNameOf(domain: string): string {
  return `_tributary.${domain}`;
}

export function recordValueOf(token: string): string {
  return `tributary=${token}`;
}

/** Where a name that leads to us shows the token. */
export const proofPath = '/.well-known/tributary/';

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A name as DNS has it: lower case, two labels at least, the last one of letters or punycode; undefined for addresses and everything else. */
export function parseDomain(text: string): string | undefined {
  const domain = text.toLowerCase();
  if (domain.length > 253) return undefined;
  const labels = domain.split('.');
  const last = labels.at(-1) ?? '';
  const isName =
    labels.length >= 2 && labels.every((part) => label.test(part)) && /^([a-z]{2,63}|xn--[a-z0-9-]+)$/.test(last);
  return isName ? domain : undefined;
}

/** Where links with this domain begin: the scheme and port of PUBLIC_URL, which are those of https wherever it matters. */
export function domainOrigin(domain: string, publicUrl: string): string {
  const url = new URL(publicUrl);
  return `${url.protocol}//${domain}${url.port === '' ? '' : `:${url.port}`}`;
}
