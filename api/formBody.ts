import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { DomainError } from '../domain/errors.js';
import { jsonPointer, parseJsonBody, readBody } from './jsonGuard.js';
import { invalid } from './problems.js';
import { parseWith } from './validation.js';

/** A form of ours has a few dozen fields. */
const longestForm = 65_536;

/** The media type of a request's body, without its parameters. */
export function mediaTypeOf(request: IncomingMessage): string | undefined {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
}

/** The parsed JSON value, or a posted form as an object of texts, each field once. Refuses with `request.unsupported_media_type`. */
export async function readFormOrJsonValue(request: IncomingMessage): Promise<unknown> {
  const media = mediaTypeOf(request);
  if (request.headers['content-encoding'] !== undefined)
    throw new DomainError('request.unsupported_media_type', { detail: 'Send the body without Content-Encoding.' });
  if (media !== 'application/json' && media !== 'application/x-www-form-urlencoded')
    throw new DomainError('request.unsupported_media_type', { detail: 'Send a form, or JSON.' });
  const bytes = await readBody(request, longestForm);
  if (media === 'application/json') return parseJsonBody(bytes);
  const fields: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(bytes.toString('utf8'))) {
    if (Object.hasOwn(fields, name))
      throw invalid({ pointer: jsonPointer([name]), code: 'not_allowed_here', detail: 'Given more than once.' });
    Object.defineProperty(fields, name, { value: value.replaceAll('\r\n', '\n'), enumerable: true });
  }
  return fields;
}

/** The same as texts, whichever way it came: JSON may hold texts and booleans. */
export async function readFormOrJson(request: IncomingMessage): Promise<Readonly<Record<string, string>>> {
  const parsed = parseWith(
    z.record(z.string().max(64), z.union([z.string(), z.boolean()])),
    await readFormOrJsonValue(request),
    'body',
  ) as Record<string, string | boolean>;
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]));
}
