import type { Context } from 'koa';
import { DomainError } from '../domain/errors.js';
import { epochSeconds } from '../platform/clock.js';
import type { Caller } from './auth.js';

export interface RateLimiter {
  /** Counts a request and sets the RateLimit headers; 429 `rate_limited` above the limit. `caller` null: a public route, per address. */
  take(koa: Context, caller: Caller | null, route: { readonly path: string; readonly method: string }): void;
}

const windowSeconds = 60;
/** api.md 1.10, per minute. */
const limits = { key: 600, facts: 6_000, session: 1_200, publicForm: 10, public: 600 } as const;
const factPaths = /^\/v1\/(leads|sales)(\/|$)/;
const formPaths = /^\/(f\/|apply\/|v1\/auth\/(sign-in-link|password-reset)$)/;
const maxWindows = 50_000;

/** Counts in fixed windows of a minute, in this process: two processes allow twice as much, which these limits can bear. */
export function createRateLimiter(clientAddress: (request: Context['req']) => string): RateLimiter {
  let minute = 0;
  let counts = new Map<string, number>();
  return {
    take(koa, caller, route) {
      const now = epochSeconds();
      const current = Math.floor(now / windowSeconds);
      if (current !== minute || counts.size > maxWindows) {
        minute = current;
        counts = new Map();
      }
      const { who, limit } = whose(koa, caller, route);
      const used = (counts.get(who) ?? 0) + 1;
      counts.set(who, used);
      const resetSeconds = windowSeconds - (now % windowSeconds);
      koa.set('RateLimit-Policy', `"default";q=${limit};w=${windowSeconds}`);
      koa.set('RateLimit', `"default";r=${Math.max(0, limit - used)};t=${resetSeconds}`);
      if (used > limit) throw new DomainError('request.rate_limited', { retryAfter: resetSeconds });
    },
  };

  function whose(koa: Context, caller: Caller | null, route: { readonly path: string; readonly method: string }) {
    if (caller === null) {
      const isForm = formPaths.test(route.path) && route.method !== 'GET';
      return {
        who: `${isForm ? `form ${route.path}` : 'public'} ${clientAddress(koa.req)}`,
        limit: isForm ? limits.publicForm : limits.public,
      };
    }
    const isFact = factPaths.test(route.path) && route.method !== 'GET';
    return {
      who: `${isFact ? 'facts' : 'calls'} ${caller.actor.id ?? ''}`,
      limit: isFact ? limits.facts : caller.via === 'key' ? limits.key : limits.session,
    };
  }
}
