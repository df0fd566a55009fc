import type { Context } from 'koa';
import { DomainError } from '../domain/errors.js';
import { checkMediaType, jsonGuardedBody } from './jsonGuard.js';

/** 406 where only a file would do and the route has none; app.ts has refused what no route speaks. */
export function requireJsonWanted(koa: Context): void {
  if (koa.accepts('json', 'application/problem+json') === false) throw new DomainError('request.not_acceptable');
}

/** The version that If-Match names; null where it was not sent. Code: `request.invalid_header`. */
export function readIfMatch(koa: Context): number | null {
  const sent = koa.req.headersDistinct['if-match'];
  if (sent === undefined) return null;
  const [tag = '', ...more] = sent;
  const version = /^"([1-9]\d{0,8})"$/.exec(tag)?.[1];
  if (more.length > 0 || version === undefined)
    throw new DomainError('request.invalid_header', { detail: 'If-Match is one strong tag, such as "3".' });
  return Number(version);
}

/** Each parameter once; 422 for a repeat (api.md 1.1). Koa's own parser would make an array of it. */
export function readQuery(koa: Context): Readonly<Record<string, string>> {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(koa.querystring)) {
    if (Object.hasOwn(query, name))
      throw new DomainError('request.validation_failed', {
        errors: [{ parameter: name.slice(0, 64), code: 'bad_format', detail: 'This parameter stands there twice.' }],
      });
    Object.defineProperty(query, name, { value, enumerable: true });
  }
  return query;
}

/** The parsed JSON body; an empty body is an empty object. */
export async function readJson(koa: Context): Promise<unknown> {
  checkMediaType(koa.req);
  return jsonGuardedBody(koa.req);
}
