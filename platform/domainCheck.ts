import { type lookup, type LookupAddress, promises as dns, Resolver } from 'node:dns';
import {
  type DnsResult,
  domainOrigin,
  type HttpsResult,
  proofPath,
  recordNameOf,
  recordValueOf,
} from '../domain/tracking/trackingDomain.js';
import { fetchOutside } from './outbound.js';

export interface DomainLook {
  readonly dns: DnsResult;
  readonly https: HttpsResult;
}

/** Looks whether a name is its workspace's, by its TXT record, and leads to this installation, over HTTPS (LNK-08). */
export type DomainChecker = (domain: string, token: string) => Promise<DomainLook>;

export interface DomainCheckOptions {
  readonly publicUrl: string;
  /** OUTBOUND_ALLOW. */
  readonly allow: readonly string[];
  /** Name servers as `address:port`; those of the machine unless a test brings its own. */
  readonly servers?: readonly string[];
}

const dnsTimeoutMs = 3_000;
const dnsTries = 2;

/** Asks once, from outside any transaction. Inner addresses are not called (reliability.md G18). Never throws for what the other side does. */
export function createDomainChecker({ publicUrl, allow, servers }: DomainCheckOptions): DomainChecker {
  const resolver = new dns.Resolver({ timeout: dnsTimeoutMs, tries: dnsTries });
  if (servers !== undefined) resolver.setServers([...servers]);

  async function txt(domain: string, token: string): Promise<DnsResult> {
    try {
      const records = await resolver.resolveTxt(recordNameOf(domain));
      // A long record comes in pieces.
      return records.some((pieces) => pieces.join('') === recordValueOf(token)) ? 'ok' : 'wrong';
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOTFOUND' || code === 'ENODATA' ? 'missing' : 'unreachable';
    }
  }

  async function page(domain: string, token: string): Promise<HttpsResult> {
    const answer = await fetchOutside(`${domainOrigin(domain, publicUrl)}${proofPath}${token}`, {
      allow,
      ...(servers === undefined ? {} : { resolve: lookupBy(servers) }),
    });
    if (answer.kind === 'answered') return answer.status === 200 && answer.body.trim() === token ? 'ok' : 'wrong';
    return answer.fault === 'inner_address' || answer.fault === 'scheme_not_allowed' ? 'inner_address' : 'unreachable';
  }

  return async (domain, token) => {
    const [record, shown] = await Promise.all([txt(domain, token), page(domain, token)]);
    return { dns: record, https: shown };
  };
}

/** The machine's own look-up asks its own servers; this one asks those it is given. */
function lookupBy(servers: readonly string[]): typeof lookup {
  const resolver = new Resolver({ timeout: dnsTimeoutMs, tries: dnsTries });
  resolver.setServers([...servers]);
  const look = (
    host: string,
    _options: unknown,
    callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
  ): void => {
    resolver.resolve4(host, (error, found) => {
      callback(error, error === null ? found.map((address) => ({ address, family: 4 })) : []);
    });
  };
  return look as typeof lookup;
}
