import type { Context, Middleware } from 'koa';
import type { Registry } from '../../platform/metrics.js';
import { DomainError } from '../../domain/errors.js';
import { isSameText } from '../../platform/secrets.js';
import { isListed } from '../auth.js';
import { openApiDocument } from '../openapi.js';
import type { ApiDeps } from '../deps.js';
import type { Route } from '../route.js';

export type CheckResult = 'ok' | 'away' | 'pending';

/** What readiness asks for; each answers within its own deadline. */
export interface HealthChecks {
  /** False from SIGTERM on: the balancer sends nobody any more. */
  readonly isServing: () => boolean;
  readonly database: () => Promise<CheckResult>;
  readonly migrations: () => Promise<CheckResult>;
  readonly temporal: () => Promise<CheckResult>;
}

const loopback = ['127.0.0.0/8', '::1'];

/** `/healthz /readyz /metrics /version /openapi.json` (api.md 4.3): outside `/v1`, without a credential. */
export function healthRoutes(
  deps: ApiDeps,
  checks: HealthChecks,
  registry: Registry,
  routes: readonly Route[],
): Middleware {
  let document: string | undefined;
  const answers: Readonly<Record<string, (ctx: Context) => Promise<void> | void>> = {
    '/healthz': (ctx) => json(ctx, 200, { status: 'ok' }),
    '/readyz': async (ctx) => {
      const [database, migrations, temporal] = await Promise.all([
        checks.database(),
        checks.migrations(),
        checks.temporal(),
      ]);
      const isAway = database !== 'ok' || migrations !== 'ok' || !checks.isServing();
      const status = isAway ? 'away' : temporal === 'ok' ? 'ready' : 'degraded';
      json(ctx, isAway ? 503 : 200, { status, checks: { database, migrations, temporal } });
    },
    '/metrics': async (ctx) => {
      const token = deps.config.http.metricsToken;
      const sent = /^Bearer (.+)$/.exec(ctx.get('Authorization'))?.[1];
      const isAllowed =
        token === undefined
          ? isListed(deps.clientAddress(ctx.req), loopback)
          : sent !== undefined && isSameText(sent, token);
      if (!isAllowed) throw new DomainError('access.unauthenticated');
      ctx.set('Content-Type', registry.contentType);
      ctx.body = await registry.metrics();
    },
    '/version': (ctx) =>
      json(ctx, 200, { version: '0.1.0', commit: deps.config.worker.buildId, node: process.version, apiVersion: 'v1' }),
    '/openapi.json': (ctx) => {
      document ??= JSON.stringify(openApiDocument(routes, deps.config.http.publicUrl));
      ctx.set('Content-Type', 'application/json; charset=utf-8');
      ctx.body = document;
    },
  };
  return async (ctx, next) => {
    const handle = Object.hasOwn(answers, ctx.path) ? answers[ctx.path] : undefined;
    if (handle === undefined) {
      await next();
      return;
    }
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD');
      throw new DomainError('request.method_not_allowed');
    }
    await handle(ctx as unknown as Context);
  };
}

function json(ctx: Context, status: number, body: unknown): void {
  ctx.status = status;
  ctx.set('Content-Type', 'application/json; charset=utf-8');
  ctx.set('Cache-Control', 'no-store');
  ctx.body = JSON.stringify(body);
}
