import { lookup as resolve, type LookupAddress } from 'node:dns';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps, type RequestOptions } from 'node:https';
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net';

// Requests to addresses that other people chose (reliability.md G18, 7 N): the address is judged after the name was resolved and is the one
// that is connected to; no redirect is followed; time and size are capped.

/** Why nothing was sent, or why no answer came. */
export type OutboundFault =
  | 'scheme_not_allowed'
  | 'port_not_allowed'
  | 'inner_address'
  | 'name_not_found'
  | 'no_answer'
  | 'too_large'
  | 'connection_failed';

export type OutboundAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: IncomingMessage['headers'];
      /** At most `limitBytes`, read as UTF-8. */
      readonly body: string;
      /** There was more than was read. */
      readonly isCut: boolean;
    }
  | { readonly kind: 'failed'; readonly fault: OutboundFault };

export interface OutboundRules {
  /** OUTBOUND_ALLOW: private networks that may be reached, and over plain http; development and tests only. */
  readonly allow: readonly string[];
  readonly timeoutMs?: number;
  readonly limitBytes?: number;
  /** Name resolution, replaced by tests. */
  readonly resolve?: typeof resolve;
}

export interface OutboundCall {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const defaultTimeoutMs = 10_000;
const defaultLimitBytes = 65_536;
const maxHeaderBytes = 16_384;
const allowedPorts: ReadonlySet<string> = new Set(['', '443', '8443']);

// Private, shared, loopback, link-local, documentation, benchmark, multicast and reserved ranges (reliability.md N1, N2).
const inner = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  inner.addSubnet(network, prefix, 'ipv4');
// Of IPv6 only what is given out as global unicast may be reached, without what maps or tunnels IPv4 and the documentation range.
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  inner.addSubnet(network, prefix, 'ipv6');

/** May the internet be reached under this address? Anything that is no address of the public internet may not. */
export function isPublicAddress(address: string): boolean {
  const plain = unmapped(address);
  if (isIPv4(plain)) return !inner.check(plain, 'ipv4');
  return isIP(plain) === 6 && globalUnicast.check(plain, 'ipv6') && !inner.check(plain, 'ipv6');
}

/** `::ffff:10.0.0.1` is 10.0.0.1. */
function unmapped(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function listOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', prefix = ''] = cidr.split('/');
    const family = isIPv4(network) ? 'ipv4' : 'ipv6';
    if (prefix === '') list.addAddress(network, family);
    else list.addSubnet(network, Number(prefix), family);
  }
  return list;
}

class Refused extends Error {
  readonly fault: OutboundFault;
  constructor(fault: OutboundFault) {
    super(fault);
    this.fault = fault;
  }
}

/** Throws `Refused` unless every address of the name is fit: else the next resolution might give the other one. */
function judgeOf(url: URL, rules: OutboundRules): (ips: readonly string[]) => void {
  const allowed = listOf(rules.allow);
  const isAllowed = (ip: string): boolean => {
    const plain = unmapped(ip);
    return allowed.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
  };
  return (ips) => {
    if (ips.length > 0 && ips.every(isAllowed)) return;
    if (url.protocol !== 'https:') throw new Refused('scheme_not_allowed');
    if (!allowedPorts.has(url.port)) throw new Refused('port_not_allowed');
    if (!ips.every((ip) => isPublicAddress(ip) || isAllowed(ip))) throw new Refused('inner_address');
  };
}

/**
 * May this address be kept, to be called later? Null: as far as can be seen now, yes. Nothing is sent; each call is judged anew, because a name
 * may point elsewhere by then. A name that cannot be resolved just now is no reason against keeping it.
 */
export async function judgeOutside(address: string, rules: OutboundRules): Promise<OutboundFault | null> {
  if (!URL.canParse(address)) return 'scheme_not_allowed';
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'scheme_not_allowed';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const ips =
    isIP(host) !== 0
      ? [host]
      : await new Promise<readonly string[]>((done) => {
          (rules.resolve ?? resolve)(host, { all: true }, (error, found) => {
            done(error === null ? found.map((one) => one.address) : []);
          });
        });
  try {
    judgeOf(url, rules)(ips);
    return null;
  } catch (error) {
    return faultOf(error);
  }
}

/** Asks an address of somebody's choice once. Never throws for what the other side does. */
export async function fetchOutside(
  address: string,
  rules: OutboundRules,
  call: OutboundCall = {},
): Promise<OutboundAnswer> {
  if (!URL.canParse(address)) return { kind: 'failed', fault: 'scheme_not_allowed' };
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { kind: 'failed', fault: 'scheme_not_allowed' };
  const judge = judgeOf(url, rules);
  const lookup: LookupFunction = (hostname, options, callback) => {
    (rules.resolve ?? resolve)(hostname, { ...options, all: true }, (error, found) => {
      const addresses: readonly LookupAddress[] = error === null ? found : [];
      try {
        if (error !== null) throw new Refused('name_not_found');
        judge(addresses.map((one) => one.address));
      } catch (refusal) {
        callback(refusal as NodeJS.ErrnoException, '', 4);
        return;
      }
      if (options.all === true) callback(null, [...addresses]);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
    });
  };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  try {
    if (isIP(host) !== 0) judge([host]); // no name, so no look-up will be asked
    return await send(url, rules, call, lookup);
  } catch (error) {
    return { kind: 'failed', fault: faultOf(error) };
  }
}

function faultOf(error: unknown): OutboundFault {
  if (error instanceof Refused) return error.fault;
  const { name, code } = error as Error & { readonly code?: string };
  if (name === 'AbortError' || name === 'TimeoutError' || code === 'ETIMEDOUT') return 'no_answer';
  return code === 'HPE_HEADER_OVERFLOW' ? 'too_large' : 'connection_failed';
}

function send(url: URL, rules: OutboundRules, call: OutboundCall, lookup: LookupFunction): Promise<OutboundAnswer> {
  const limit = rules.limitBytes ?? defaultLimitBytes;
  const signal = AbortSignal.timeout(rules.timeoutMs ?? defaultTimeoutMs);
  const options: RequestOptions = {
    method: call.method ?? 'GET',
    headers: { 'accept-encoding': 'identity', connection: 'close', ...call.headers },
    agent: false,
    maxHeaderSize: maxHeaderBytes,
    lookup,
    signal,
  };
  return new Promise((done, fail) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const end = (isCut: boolean): void => {
        const body = Buffer.concat(chunks).subarray(0, limit).toString('utf8');
        done({ kind: 'answered', status: response.statusCode ?? 0, headers: response.headers, body, isCut });
        if (isCut) request.destroy();
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > limit) end(true);
      });
      response.on('end', () => end(false));
      response.on('error', fail);
    });
    request.on('error', fail);
    request.end(call.body);
  });
}

/** Payout providers: hosts of ours to choose, answers with whole statements in them. */
export function gatewayRules(config: { readonly outboundAllow: readonly string[] }): OutboundRules {
  return { allow: config.outboundAllow, timeoutMs: 10_000, limitBytes: 8 * 1_048_576 };
}
