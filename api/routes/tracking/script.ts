import { z } from 'zod';
import { sha256Hex } from '../../../platform/secrets.js';
import type { Route } from '../../route.js';
import { scriptSource } from './scriptSource.js';

const body = Buffer.from(scriptSource);
const etag = `"${sha256Hex(body).slice(0, 32)}"`;

/** `GET /t/v1.js`: the tracking script, the same for everybody, kept an hour by browsers (api.md 4.1). */
const script: Route = {
  method: 'GET',
  path: '/t/v1.js',
  summary: 'The tracking script',
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

export const scriptRoutes: readonly Route[] = [script];
