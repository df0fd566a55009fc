import type { IncomingMessage } from 'node:http';
import { DomainError } from '../domain/errors.js';
import { sha256Hex } from '../platform/secrets.js';

/** 1 to 255 visible ASCII characters, once (api.md 1.4). Two of the same header arrive joined by ", ", which has a space. */
const keyPattern = /^[\x21-\x7e]{1,255}$/;

export function readIdempotencyKey(request: IncomingMessage): string | null {
  const sent = request.headersDistinct['idempotency-key'];
  if (sent === undefined) return null;
  const [key = '', ...more] = sent;
  if (more.length > 0 || !keyPattern.test(key))
    throw new DomainError('request.invalid_header', {
      detail: 'Idempotency-Key is 1 to 255 visible ASCII characters, once.',
    });
  return key;
}

/** Same request? Compared after parsing: order of keys and white space do not count. */
export function hashRequest(method: string, path: string, query: unknown, body: unknown): string {
  return sha256Hex(canonicalJson([method, path, query ?? null, body ?? null]));
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
