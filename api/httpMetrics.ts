import type { Middleware } from 'koa';
import { Histogram, type Registry } from 'prom-client';
import type { RequestState } from './requestContext.js';

/** How long requests take, by route pattern and status: never by path, which holds ids. Seconds. */
export function observeRequests(registry: Registry): Middleware<RequestState> {
  const duration = new Histogram({
    name: 'tributary_http_request_seconds',
    help: 'Duration of HTTP requests',
    labelNames: ['route', 'status'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return async (ctx, next) => {
    const startedAt = performance.now();
    await next();
    duration.observe(
      { route: ctx.state.route ?? 'other', status: String(ctx.status) },
      (performance.now() - startedAt) / 1_000,
    );
  };
}
