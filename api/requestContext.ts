import type { Middleware } from 'koa';
import type { NewId } from '../domain/ids.js';
import type { Logger } from '../platform/logger.js';
import type { Caller } from './auth.js';

/** What every middleware and handler of a request shares. */
export interface RequestState {
  requestId: string;
  log: Logger;
  /** Set once the credential is known: for the log line. */
  caller?: Caller;
  /** The code of a refusal, for the log line. */
  refusal?: string;
  /** The pattern that matched, for log and metrics: never the path itself, which holds ids. */
  route?: string;
}

const callersOwn = /^[A-Za-z0-9_-]{8,64}$/;

/** Names the request (api.md 1.10), gives it a child logger, writes one line when it is done. */
export function requestContext(newId: NewId, logger: Logger): Middleware<RequestState> {
  return async (ctx, next) => {
    const sent = ctx.get('X-Request-Id');
    const requestId = callersOwn.test(sent) ? sent : newId('request');
    ctx.state.requestId = requestId;
    ctx.state.log = logger.child({ requestId });
    ctx.set('X-Request-Id', requestId);
    const startedAt = performance.now();
    await next();
    const { caller, refusal, route, log } = ctx.state;
    log[ctx.status >= 500 ? 'warn' : 'info'](
      {
        method: ctx.method,
        route: route ?? null,
        status: ctx.status,
        code: refusal,
        actor: caller?.actor.id,
        workspaceId: caller?.workspaceId,
        durationMs: Math.round(performance.now() - startedAt),
      },
      'request answered',
    );
  };
}
