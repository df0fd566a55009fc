import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import { publicCode } from '../domain/errors.js';
import { problems } from './problems.js';

// The page behind the `type` of every problem (api.md 1.5): what it means, what to do, one example. Plain HTML, usable without scripts.

const byStatus: Readonly<Record<number, string>> = {
  400: 'The request itself could not be understood. Correct it; sending it again as it is changes nothing.',
  401: 'Nobody is signed in, or the credential is not valid. Sign in again or send a valid key, then repeat the request.',
  403: 'The caller is known but may not do this. The answer names what is missing; whoever manages the team can grant it.',
  404: 'There is no such object, or it belongs to somebody else: the answer is the same for both.',
  405: 'This address exists, but not for this method. The Allow header lists those that it takes.',
  406: 'The answer does not exist in the format that was asked for. Ask for application/json.',
  408: 'The request did not arrive in time. Send it again.',
  409: 'The request is valid, but not in the present state of the object. The answer tells that state and what is possible now.',
  410: 'The link has been used or has expired. Ask for a new one.',
  412: 'Somebody has changed the object since you read it. Read it again and repeat the change on the new version.',
  413: 'The body is larger than this address takes. Send less at once.',
  414: 'The address is too long. Move parameters into the body or ask for less.',
  415: 'Send the body as application/json in UTF-8.',
  422: 'The request can be read, but a field or a rule does not hold. `errors` names every field at once.',
  428: 'A header that this call needs is missing; the title names it.',
  429: 'Too many requests or attempts. Wait for as long as Retry-After says.',
  431: 'The headers are too large. Send fewer or shorter ones.',
  500: 'Our fault. Nothing half-done was kept. Repeat with the same Idempotency-Key; if it stays, report the request id.',
  503: 'A part that is needed is away at the moment. Repeat with the same Idempotency-Key after Retry-After.',
};

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 42rem; margin: 0 auto; padding: 2rem 1rem; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid; white-space: pre-wrap; overflow-wrap: anywhere; }`;
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Answers the page of a code; false when there is no such code. */
export function problemPage(ctx: Context, code: string): boolean {
  const found = Object.entries(problems).find(([name]) => publicCode(name as keyof typeof problems) === code);
  if (found === undefined) return false;
  const { status, title } = found[1];
  const example = JSON.stringify(
    {
      type: `/problems/${code}`,
      title,
      status,
      instance: 'urn:tributary:request:req_…',
      code,
      requestId: 'req_…',
    },
    null,
    2,
  );
  ctx.status = 200;
  ctx.set('Content-Type', 'text/html; charset=utf-8');
  ctx.set('Content-Security-Policy', policy);
  ctx.set('Cache-Control', 'public, max-age=3600');
  ctx.body = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${style}</style></head><body><main><h1>${title}</h1><p>Code <code>${code}</code>, status ${status}.</p><h2>What to do</h2><p>${byStatus[status] ?? ''}</p><h2>Example</h2><pre tabindex="0" aria-label="Example">${example}</pre></main></body></html>`;
  return true;
}
