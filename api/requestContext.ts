import type { Middleware } from 'koa';
import type { Mode } from '../domain/act.js';
import type { AffiliateId, ApiKeyId, LeadFormId, LeadId, NewId, WorkspaceId } from '../domain/ids.js';
import type { Logger } from '../platform/logger.js';
import type { ApiKeyEntry } from '../db/directory.js';
import type { Caller } from './auth.js';

/** What is known of a call by its key, or by the handler of a public edge. */
export interface CallNote {
  readonly workspaceId: WorkspaceId;
  readonly mode: Mode;
  readonly keyId?: ApiKeyId | null;
  readonly affiliateId?: AffiliateId | null;
  readonly formId?: LeadFormId | null;
  /** It was to bring a lead by this channel. */
  readonly leadChannel?: string | null;
  readonly leadId?: LeadId | null;
  /** A refusal that the caller is not told of, such as `spam`. */
  readonly code?: string;
  /** As it was sent; masked before it is kept. */
  readonly payload?: unknown;
}

/** What every middleware and handler of a request shares. */
export interface RequestState {
  requestId: string;
  log: Logger;
  /** Set once the credential is known: for the log line. */
  caller?: Caller;
  /** The key that was sent, also when it is refused: for the log of calls. */
  apiKey?: ApiKeyEntry;
  /** The body as it was parsed, for the same. */
  payload?: unknown;
  /** What the handler of a public edge says of the call, or adds to it. */
  call?: Partial<CallNote>;
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
    // Made when a handler asks for it: most requests write one line, the last of this function.
    let log: Logger | undefined;
    Object.defineProperty(ctx.state, 'log', { get: () => (log ??= logger.child({ requestId })), enumerable: true });
    ctx.set('X-Request-Id', requestId);
    const startedAt = performance.now();
    await next();
    const { caller, refusal, route } = ctx.state;
    logger[ctx.status >= 500 ? 'warn' : 'info'](
      {
        requestId,
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
