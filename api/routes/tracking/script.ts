import { z } from 'zod';
import { sha256Hex } from '../../../platform/secrets.js';
import type { Route } from '../../route.js';
import { lightboxSource } from './lightboxSource.js';
import { scriptSource } from './scriptSource.js';

/** A script for foreign pages, the same for everybody, kept an hour by browsers (api.md 4.1). */
function scriptRoute(path: `/t/${string}.js`, summary: string, source: string): Route {
  const body = Buffer.from(source);
  const etag = `"${sha256Hex(body).slice(0, 32)}"`;
  const script: Route = {
    method: 'GET',
    path,
    summary,
    permission: 'public',
    params: undefined,
    query: undefined,
    body: undefined,
    reply: z.string(),
    status: 200,
    refuses: [],
    idempotency: 'none',
    ifMatch: 'none',
    stepUp: false,
    secretReply: false,
    run(koa, deps) {
      deps.rateLimiter.take(koa, null, script);
      koa.set('Cache-Control', 'public, max-age=3600');
      koa.set('ETag', etag);
      koa.set('Cross-Origin-Resource-Policy', 'cross-origin');
      koa.set('Access-Control-Allow-Origin', '*');
      koa.status = 200;
      if (koa.fresh) {
        koa.status = 304;
        return Promise.resolve();
      }
      koa.type = 'text/javascript';
      koa.body = body;
      return Promise.resolve();
    },
  };
  return script;
}

export const scriptRoutes: readonly Route[] = [
  scriptRoute('/t/v1.js', 'The tracking script', scriptSource),
  scriptRoute('/t/lightbox.js', 'What opens a lightbox on a foreign page', lightboxSource),
];
