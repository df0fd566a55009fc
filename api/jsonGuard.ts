import type { IncomingMessage } from 'node:http';
import { DomainError } from '../domain/errors.js';
import { type FieldError, invalid } from './problems.js';

/** api.md 1.1: JSON bodies end at 1 MiB, nesting at 32. */
export const maxBodyBytes = 1_048_576;
const maxDepth = 32;
/** Arrays and objects of a request: far above what any route takes, far below what would cost memory (reliability.md B4). */
const maxItems = 100_000;
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);
const mediaTypes = new Set(['application/json', 'application/merge-patch+json']);

/** Reads the raw bytes, never more than `limit`: 413 and the connection closes (B5). */
export async function readBody(request: IncomingMessage, limit: number = maxBodyBytes): Promise<Buffer> {
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > limit) throw new DomainError('request.body_too_large', { limit });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new DomainError('request.body_too_large', { limit });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Content type and encoding before a byte is read: 415. */
export function checkMediaType(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new DomainError('request.unsupported_media_type', { detail: 'Send the body without Content-Encoding.' });
  const type = request.headers['content-type'];
  if (type === undefined) {
    const isEmpty =
      request.headers['transfer-encoding'] === undefined && Number(request.headers['content-length'] ?? 0) === 0;
    if (isEmpty) return;
    throw new DomainError('request.unsupported_media_type', { detail: 'Send Content-Type: application/json.' });
  }
  const [media = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  const isUtf8 = parameters.every((part) => part === '' || /^charset="?utf-?8"?$/.test(part));
  if (!mediaTypes.has(media) || !isUtf8)
    throw new DomainError('request.unsupported_media_type', { detail: 'Send Content-Type: application/json.' });
}

/** Bytes → JSON value, strictly: UTF-8, no repeated or dangerous key, at most 32 deep; no string with NUL or half a surrogate pair. */
export function parseJsonBody(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new DomainError('request.malformed_json', { detail: 'The body is not valid UTF-8.' }, { cause: error });
  }
  const reader = new Reader(text);
  const value = reader.document();
  if (reader.badStrings.length > 0) throw invalid(...reader.badStrings.slice(0, 100));
  return value;
}

/** JSON.parse cannot see a key that is there twice, so this reads the text itself (RFC 8259, nothing beyond it). */
class Reader {
  readonly badStrings: FieldError[] = [];
  private readonly text: string;
  private at = 0;
  private items = 0;
  private readonly path: (string | number)[] = [];

  constructor(text: string) {
    this.text = text;
  }

  document(): unknown {
    this.space();
    const value = this.value(1);
    this.space();
    if (this.at < this.text.length) throw this.malformed();
    return value;
  }

  private value(depth: number): unknown {
    if (depth > maxDepth + 1)
      throw new DomainError('request.malformed_json', { detail: 'The body is nested too deeply.' });
    const char = this.text[this.at];
    if (char === '{') return this.object(depth);
    if (char === '[') return this.array(depth);
    if (char === '"') return this.checkedString();
    if (char === 't') return this.word('true', true);
    if (char === 'f') return this.word('false', false);
    if (char === 'n') return this.word('null', null);
    return this.number();
  }

  private object(depth: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    this.at += 1;
    this.space();
    if (this.text[this.at] === '}') {
      this.at += 1;
      return value;
    }
    for (;;) {
      if (this.text[this.at] !== '"') throw this.malformed();
      const key = this.string();
      if (forbiddenKeys.has(key))
        throw new DomainError('request.malformed_json', { detail: 'The body holds a key that is never allowed.' });
      if (Object.hasOwn(value, key))
        throw new DomainError('request.duplicate_key', { detail: 'The same key stands twice in one object.' });
      this.count();
      this.space();
      if (this.text[this.at] !== ':') throw this.malformed();
      this.at += 1;
      this.space();
      this.path.push(key);
      if (hasBadCharacter(key)) this.badString();
      value[key] = this.value(depth + 1);
      this.path.pop();
      this.space();
      const next = this.text[this.at];
      this.at += 1;
      if (next === '}') return value;
      if (next !== ',') throw this.malformed();
      this.space();
    }
  }

  private array(depth: number): unknown[] {
    const value: unknown[] = [];
    this.at += 1;
    this.space();
    if (this.text[this.at] === ']') {
      this.at += 1;
      return value;
    }
    for (;;) {
      this.count();
      this.path.push(value.length);
      value.push(this.value(depth + 1));
      this.path.pop();
      this.space();
      const next = this.text[this.at];
      this.at += 1;
      if (next === ']') return value;
      if (next !== ',') throw this.malformed();
      this.space();
    }
  }

  private checkedString(): string {
    const value = this.string();
    if (hasBadCharacter(value)) this.badString();
    return value;
  }

  private string(): string {
    const start = this.at;
    this.at += 1;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (Number.isNaN(code) || code < 0x20) throw this.malformed();
      if (code === 0x22) break;
      this.at += code === 0x5c ? 2 : 1;
    }
    this.at += 1;
    try {
      // The built-in decoder knows every escape; the slice is one string literal and nothing else.
      return JSON.parse(this.text.slice(start, this.at)) as string;
    } catch (error) {
      throw this.malformed(error);
    }
  }

  private number(): number {
    const pattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) throw this.malformed();
    this.at += found.length;
    return Number(found);
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.malformed();
    this.at += word.length;
    return value;
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }

  private count(): void {
    this.items += 1;
    if (this.items > maxItems)
      throw new DomainError('request.body_too_large', { detail: `The body holds more than ${maxItems} values.` });
  }

  private badString(): void {
    this.badStrings.push({
      pointer: jsonPointer(this.path),
      code: 'bad_format',
      detail: 'Control character NUL and half surrogate pairs are not allowed.',
    });
  }

  private malformed(cause?: unknown): DomainError {
    return new DomainError(
      'request.malformed_json',
      { detail: `The body is not valid JSON at position ${this.at}.` },
      { cause },
    );
  }
}

function hasBadCharacter(text: string): boolean {
  return text.includes('\u0000') || halfPair.test(text);
}

/** With the u flag a surrogate matches only where it stands alone. */
const halfPair = /\p{Surrogate}/u;

/** RFC 6901 as a URI fragment, the form of `errors[].pointer`. Cut, so that an answer never echoes a long name. */
export function jsonPointer(path: readonly (string | number)[]): string {
  const parts = path.map((part) => String(part).slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1'));
  return `#/${parts.map((part) => (halfPair.test(part) ? '?' : encodeURIComponent(part))).join('/')}`;
}

/** The strictly parsed JSON body of a request; an empty body is an empty object, so that an action needs none. */
export async function jsonGuardedBody(request: IncomingMessage): Promise<unknown> {
  const bytes = await readBody(request);
  return bytes.length === 0 ? {} : parseJsonBody(bytes);
}
