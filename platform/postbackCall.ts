import type { Config } from './config.js';
import { fetchOutside, type OutboundAnswer } from './outbound.js';

/** What the other side's logs call us. */
const agent = 'Mozilla/5.0 (compatible; TributaryPostback/1.0)';
/** Well inside the relay's lease, and as long as a receiver may take (reliability.md N5). */
const timeoutMs = 10_000;
/** Nobody reads more of an answer than the log keeps. */
const limitBytes = 16_384;

/** One call of a postback: a GET, no redirect followed, the address judged after its name was resolved. */
export function callPostback(url: string, config: Pick<Config, 'outboundAllow'>): Promise<OutboundAnswer> {
  return fetchOutside(
    url,
    { allow: config.outboundAllow, timeoutMs, limitBytes },
    { headers: { 'user-agent': agent, accept: '*/*' } },
  );
}
