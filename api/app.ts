import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import type { Registry } from '../platform/metrics.js';
import { DomainError } from '../domain/errors.js';
import { logCalls } from './apiLog.js';
import { demoShop } from './demoShop.js';
import { observeRequests } from './httpMetrics.js';
import { problemMiddleware } from './problems.js';
import { requestContext, type RequestState } from './requestContext.js';
import type { ApiDeps } from './deps.js';
import type { Route } from './route.js';
import { type HealthChecks, healthRoutes } from './routes/health.js';
import { signInPages } from './routes/access/signInPages.js';
import { routes as allRoutes } from './routes.js';
import type { Site } from './site.js';

export interface AppOptions {
  /** Answers where no route of the API matched: the built console, portal and pages. */
  readonly site?: Site;
  readonly health: HealthChecks;
  readonly registry: Registry;
  readonly routes?: readonly Route[];
}

const maxUrlLength = 8_192;
const maxHeaders = 100;

/** The HTTP application: request id, problems, headers, then the one route that fits. */
export function createApp(deps: ApiDeps, options: AppOptions): Koa<RequestState> {
  const routes = options.routes ?? allRoutes;
  const { publicUrl } = deps.config.http;
  const app = new Koa<RequestState>();
  app.on('error', (error: unknown) => deps.logger.error({ err: error }, 'answer failed'));
  app.use(requestContext(deps.newId, deps.logger));
  app.use(observeRequests(options.registry));
  app.use(logCalls(deps));
  app.use(problemMiddleware(publicUrl));
  app.use(securityHeaders(publicUrl.startsWith('https:')));
  app.use(refuseOddRequests);
  app.use(healthRoutes(deps, options.health, options.registry, routes));

  if (options.site !== undefined) {
    app.use(signInPages(deps, options.site));
    app.use(demoShop(deps, options.site));
  }

  const answer = async (koa: Context, route: Route): Promise<void> => {
    (koa.state as RequestState).route = `${route.method} ${route.path}`;
    refuseOtherFormats(koa);
    await route.run(koa, deps);
  };
  // The router tries hundreds of patterns one after the other. A list's path holds none, and is found at once.
  const plain = new Map(
    routes.filter((route) => !/[:*({]/.test(route.path)).map((route) => [`${route.method} ${route.path}`, route]),
  );
  app.use(async (ctx, next) => {
    const route = plain.get(`${ctx.method} ${ctx.path}`);
    await (route === undefined ? next() : answer(ctx as unknown as Context, route));
  });
  const router = new Router({ sensitive: true, strict: true });
  for (const route of routes)
    router.register(route.path, [route.method], (ctx: unknown) => answer(ctx as Context, route));
  app.use(router.routes() as unknown as Middleware<RequestState>);
  app.use(async (ctx, next) => {
    const koa = ctx as unknown as Context;
    const { path: fitting } = router.match(normalised(koa), koa.method);
    if (fitting.length > 0) {
      const methods = new Set(fitting.flatMap((layer) => layer.methods));
      koa.set('Allow', [...methods].sort().join(', '));
      throw new DomainError('request.method_not_allowed', { detail: `Allowed here: ${koa.response.get('Allow')}.` });
    }
    if (options.site !== undefined && !/^\/v\d+\//.test(koa.path)) {
      await options.site.middleware(koa, next);
      return;
    }
    await next();
  });
  app.use(() => {
    throw new DomainError('resource.not_found');
  });
  return app;
}

/** What the router compares with. */
function normalised(koa: Context): string {
  return koa.path;
}

/** api.md 1.10: on every answer. Pages of the console bring their own content policy. */
function securityHeaders(isHttps: boolean): Middleware {
  return async (ctx, next) => {
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
    ctx.set('Referrer-Policy', 'strict-origin-when-cross-origin');
    if (isHttps) ctx.set('Strict-Transport-Security', 'max-age=31536000');
    if (ctx.path.startsWith('/v1/')) ctx.set('Cache-Control', 'no-store');
    await next();
  };
}

/** Odd paths are 404 before a router may read them its own way: `//`, `;`, a slash at the end, broken escapes, upper case in `/v1`. */
const refuseOddRequests: Middleware = async (ctx, next) => {
  if ((ctx.req.url ?? '').length > maxUrlLength) throw new DomainError('request.uri_too_long');
  if (ctx.req.rawHeaders.length / 2 > maxHeaders) throw new DomainError('request.headers_too_large');
  const { path } = ctx;
  // What people type. Only the two surfaces' own roots: everything else with a slash at its end is nothing of ours (api.md 1.10).
  if ((path === '/portal/' || path === '/reseller/') && (ctx.method === 'GET' || ctx.method === 'HEAD')) {
    ctx.status = 308;
    ctx.redirect(path.slice(0, -1) + ctx.search);
    return;
  }
  const isOdd =
    path.includes('//') || path.includes(';') || path.includes('\\') || (path.length > 1 && path.endsWith('/'));
  if (isOdd || !isDecodable(path)) throw new DomainError('resource.not_found');
  await next();
};

function isDecodable(path: string): boolean {
  try {
    return !decodeURIComponent(path).includes('\u0000');
  } catch {
    return false; // URIError: a broken escape names nothing
  }
}

/** 406: an answer exists as JSON only, unless the route says otherwise. */
function refuseOtherFormats(koa: Context): void {
  if (
    koa.path.startsWith('/v1/') &&
    koa.accepts('json', 'application/problem+json', 'text/csv', 'application/pdf') === false
  )
    throw new DomainError('request.not_acceptable');
}
