import { createHmac } from 'node:crypto';

/** Standard Webhooks: base64 HMAC-SHA256 of `{id}.{time}.{raw body}` under the decoded secret, in and out. */
export function standardMac(
  secret: string,
  of: { readonly id: string; readonly timestamp: string; readonly body: string | Buffer },
): Buffer {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return createHmac('sha256', key).update(`${of.id}.${of.timestamp}.`).update(of.body).digest();
}
