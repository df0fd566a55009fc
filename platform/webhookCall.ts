import { epochSeconds } from './clock.js';
import type { Config } from './config.js';
import { fetchOutside, type OutboundAnswer } from './outbound.js';
import { standardMac } from './standardWebhooks.js';

/** Well inside the relay's lease, and as long as a receiver may take (reliability.md N5). */
const timeoutMs = 10_000;
/** Nobody reads more of an answer than the log keeps. */
const limitBytes = 16_384;

export interface WebhookCall {
  readonly url: string;
  /** `webhook-id`: the event's, the same with every try and every replay. */
  readonly eventId: string;
  readonly body: string;
  /** The newest first; two while a change of secrets is under way. */
  readonly secrets: readonly string[];
}

/** One call of a webhook: a signed POST, no redirect followed, the address judged after its name was resolved. */
export function callWebhook(
  { url, eventId, body, secrets }: WebhookCall,
  config: Pick<Config, 'outboundAllow'>,
  patienceMs: number = timeoutMs,
): Promise<OutboundAnswer> {
  const timestamp = String(epochSeconds());
  const signatures = secrets.map(
    (secret) => `v1,${standardMac(secret, { id: eventId, timestamp, body }).toString('base64')}`,
  );
  return fetchOutside(
    url,
    { allow: config.outboundAllow, timeoutMs: patienceMs, limitBytes },
    {
      method: 'POST',
      headers: {
        'user-agent': 'Mozilla/5.0 (compatible; TributaryWebhook/1.0)',
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'webhook-id': eventId,
        'webhook-timestamp': timestamp,
        'webhook-signature': signatures.join(' '),
      },
      body,
    },
  );
}
