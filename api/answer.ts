import { Readable } from 'node:stream';
import type { Context } from 'koa';
import type { z } from 'zod';
import type { StoredAnswer } from '../db/access/idempotencyKey.js';
import type { Config } from '../platform/config.js';
import { encodeAnswer } from './answerEncoder.js';
import { operationWire } from './schemas/reporting/bulkOperation.js';

/** An answer with a status, a Location or headers of its own. Handlers may also return the bare reply. */
export class Answer<R> {
  readonly value: R;
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    value: R,
    options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    this.value = value;
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}

export interface AnswerOptions {
  readonly status?: number;
  readonly location?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `return answer(present(row), { status: 202, location: `/v1/leads/${id}` })`. */
export function answer<R>(value: R, options: AnswerOptions = {}): Answer<R> {
  return new Answer(value, {
    ...(options.status === undefined ? {} : { status: options.status }),
    headers: { ...options.headers, ...(options.location === undefined ? {} : { Location: options.location }) },
  });
}

/** Bytes to send: encoded already, so that a stored answer and a fresh one are the same. */
export class Encoded {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly isReplay: boolean;

  constructor(stored: StoredAnswer, isReplay: boolean) {
    this.status = stored.status;
    this.body = stored.body;
    this.headers = stored.headers;
    this.isReplay = isReplay;
  }
}

/** Bytes to send as they are: a file whose hash somebody compares. */
export function fileAnswer(body: Buffer, file: { readonly contentType: string; readonly fileName: string }): Encoded {
  const headers = {
    'Content-Type': file.contentType,
    'Content-Disposition': `attachment; filename="${file.fileName}"`,
  };
  return new Encoded({ status: 200, body, headers }, false);
}

/** A file in pieces, read while it is sent: never the whole of it in memory. */
export class StreamedFile {
  readonly pieces: AsyncIterable<Buffer>;
  readonly length: bigint;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    pieces: AsyncIterable<Buffer>,
    file: { readonly contentType: string; readonly fileName: string; readonly length: bigint },
  ) {
    this.pieces = pieces;
    this.length = file.length;
    this.headers = {
      'Content-Type': file.contentType,
      'Content-Disposition': `attachment; filename="${file.fileName}"`,
      'Content-Length': String(file.length),
    };
  }
}

/** 202: the decision is kept and happens once; the operation shows its outcome (api.md 1.8). */
export class AcceptedDecision {
  readonly answer: Answer<z.output<typeof operationWire>>;

  constructor(value: Answer<z.output<typeof operationWire>>) {
    this.answer = value;
  }
}

/**
 * What a handler returned, in the wire form of the reply's schema; the tag is the resource's version. Tests also have each answer judged by
 * every check of its schema.
 */
export function encode<R>(
  schema: z.ZodType,
  result: R | Answer<R>,
  { status: defaultStatus, config }: { readonly status: number; readonly config: Pick<Config, 'nodeEnv'> },
): Encoded {
  const given = result instanceof Answer ? result : new Answer(result);
  const status = given.status ?? defaultStatus;
  if (given.value === undefined)
    return new Encoded({ status: status === 200 ? 204 : status, body: Buffer.alloc(0), headers: given.headers }, false);
  const wire = encodeAnswer(schema, given.value, { isChecked: config.nodeEnv === 'test' });
  const headers: Record<string, string> = { ...given.headers };
  if (typeof wire === 'object' && wire !== null) {
    if ('version' in wire && typeof wire.version === 'number') headers['ETag'] = `"${wire.version}"`;
  }
  return new Encoded({ status, body: Buffer.from(JSON.stringify(wire)), headers }, false);
}

/** `path` is the route's: what /v1 answers is nobody's to keep, unless the route says so. */
export function send(koa: Context, encoded: Encoded, path: string): void {
  koa.status = encoded.status;
  koa.set(encoded.headers);
  if (encoded.isReplay) koa.set('Idempotent-Replayed', 'true');
  if (path.startsWith('/v1/') && koa.response.get('Cache-Control') === '') koa.set('Cache-Control', 'no-store');
  if (encoded.body.length === 0) {
    koa.body = null;
    koa.status = encoded.status;
    return;
  }
  if (encoded.headers['Content-Type'] === undefined) koa.set('Content-Type', 'application/json; charset=utf-8');
  koa.body = encoded.body;
}

/** Sends a file while it is read. */
export function sendPieces(koa: Context, file: StreamedFile): void {
  koa.status = 200;
  koa.set({ ...file.headers, 'Cache-Control': 'no-store' });
  koa.body = Readable.from(file.pieces, { objectMode: false });
}
