import type { Middleware } from 'koa';
import { createRequestMetrics, type Registry } from '../platform/metrics.js';
import type { RequestState } from './requestContext.js';

/** Times every request. */
export function observeRequests(registry: Registry): Middleware<RequestState> {
  const metrics = createRequestMetrics(registry);
  return async (ctx, next) => {
    const startedAt = performance.now();
    await next();
    metrics.observe(ctx.state.route ?? 'other', ctx.status, (performance.now() - startedAt) / 1_000);
  };
}
