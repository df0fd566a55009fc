import type { Context } from 'koa';
import type { z } from 'zod';
import { DomainError, type DomainErrorCode, InvariantError } from '../domain/errors.js';
import { mostStreamedRows } from '../domain/reporting/listExport.js';
import { guardsOtherMemberships } from '../db/access/login.js';
import { failpoint } from '../platform/failpoint.js';
import {
  authenticate,
  type AuthOptions,
  type Caller,
  checkCsrf,
  checkOrigin,
  guessCaller,
  isSameCaller,
} from './auth.js';
import { hashRequest, readIdempotencyKey } from './idempotency.js';
import { type ListShape, listShapeOf, takeExport } from './listExport.js';
import type { RequestState } from './requestContext.js';
import { operationWire } from './schemas/reporting/bulkOperation.js';
import { hashedUpload, readUpload } from './upload.js';
import { parseWith } from './validation.js';
import type { ApiDeps } from './deps.js';
import { AcceptedDecision, type Answer, encode, Encoded, send, sendPieces, StreamedFile } from './answer.js';
import type { PublicContext, RouteContext } from './routeContext.js';
import {
  checkExportRight,
  checkPermission,
  checkProviderSession,
  checkView,
  type RoutePermission,
} from './routePermission.js';
import { readIfMatch, readJson, readQuery, requireJsonWanted } from './requestParts.js';
import { exported, keepAttempt } from './requestAudit.js';
import { type HandledRoute, Handling, type WholeList } from './handling.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

type Nothing = z.ZodType<undefined>;

interface Common<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, Reply extends z.ZodType> {
  readonly method: Method;
  readonly path: `/${string}`;
  readonly summary?: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly reply: Reply;
  /** Success status; default 200, 201 for a POST on a collection is said here. */
  readonly status?: 200 | 201 | 202 | 204;
  readonly refuses: readonly DomainErrorCode[];
}

export interface RouteDefinition<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, Reply extends z.ZodType>
  extends Common<P, Q, B, Reply> {
  readonly permission: Exclude<RoutePermission, 'public'>;
  /** `required`: a row marked K. Default: accepted on POST and PATCH. */
  readonly idempotency?: 'required' | 'accepted';
  /** `required`: a row marked V. Default: honoured on PATCH, PUT, DELETE. */
  readonly ifMatch?: 'required' | 'honoured';
  /** A row marked +. */
  readonly stepUp?: true;
  /** The answer shows a secret once: what is stored for a repeat is sealed. */
  readonly secretReply?: true;
  /** The body is `multipart/form-data`: text fields and the part `file` (`uploadedFile` of api/upload.ts); `optional`: or JSON, without a file. */
  readonly upload?: true | 'optional';
  handle(
    ctx: RouteContext<z.output<P>, z.output<Q>, z.output<B>, z.output<Reply>>,
    deps: ApiDeps,
  ): Promise<z.output<Reply> | Answer<z.output<Reply>> | Encoded | StreamedFile | AcceptedDecision>;
}

export interface PublicRouteDefinition<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  Reply extends z.ZodType,
> extends Common<P, Q, B, Reply> {
  handle(
    ctx: PublicContext<z.output<P>, z.output<Q>, z.output<B>>,
    deps: ApiDeps,
  ): Promise<z.output<Reply> | Answer<z.output<Reply>>>;
}

/** A route as the router and the OpenAPI document see it. */
export interface Route extends HandledRoute {
  readonly method: Method;
  readonly path: string;
  readonly summary: string | undefined;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly refuses: readonly DomainErrorCode[];
  readonly ifMatch: 'required' | 'honoured' | 'none';
  readonly stepUp: boolean;
  /** Takes a file as `multipart/form-data`. */
  readonly upload?: boolean | 'optional';
  /** The list behind the route, for a job that writes all of it into a file; undefined: the route is none. */
  readonly list?: ListSource;
  run(koa: Context, deps: ApiDeps): Promise<void>;
}

/** A page of a list, as a job asks for it: nobody waits on a socket. */
export interface ListAsk extends WholeList {
  /** Stands for the request: its path, and who has to be told apart in the log. */
  readonly koa: Context;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

export interface ListSource {
  readonly shape: ListShape;
  /** The answer in its wire form. Codes: what the route refuses, `request.validation_failed`. */
  readPage(ask: ListAsk, deps: ApiDeps): Promise<unknown>;
}

/** A route of the API: Koa and the OpenAPI document are made from it (architecture.md 12). */
export function defineRoute<
  Reply extends z.ZodType,
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
  B extends z.ZodType = Nothing,
>(definition: RouteDefinition<P, Q, B, Reply>): Route {
  const isWrite = definition.method !== 'GET';
  const shape = isWrite ? undefined : listShapeOf(definition.reply);
  const list: ListSource | undefined =
    shape === undefined
      ? undefined
      : {
          shape,
          async readPage({ koa, caller, params, query, limit, opened }, deps) {
            const ctx = new Handling<z.output<P>, z.output<Q>, z.output<B>, z.output<Reply>>(
              { koa, deps, caller, route, whole: { limit, opened } },
              {
                params: parseWith(definition.params, params, 'path') as z.output<P>,
                query: parseWith(definition.query, query, 'query') as z.output<Q>,
                body: undefined as z.output<B>,
                rawQuery: query,
              },
              { key: null, ifMatch: null, requestHash: '' },
            );
            const result = await definition.handle(ctx, deps);
            if (result instanceof AcceptedDecision || result instanceof StreamedFile)
              throw new InvariantError('a list decides nothing');
            const whole =
              result instanceof Encoded
                ? result
                : encode(definition.reply, result, { status: 200, config: deps.config });
            return JSON.parse(whole.body.toString('utf8')) as unknown;
          },
        };
  type Result = z.output<Reply> | Answer<z.output<Reply>> | Encoded | StreamedFile | AcceptedDecision;
  interface Early {
    readonly ctx: RouteContext<z.output<P>, z.output<Q>, z.output<B>, z.output<Reply>>;
    readonly result: Promise<Result>;
  }
  const isChange = definition.method === 'PATCH' || definition.method === 'PUT' || definition.method === 'DELETE';
  const route: Route = {
    method: definition.method,
    path: definition.path,
    summary: definition.summary,
    permission: definition.permission,
    params: definition.params,
    query: definition.query,
    body: definition.body,
    reply: definition.reply,
    status: definition.status ?? 200,
    refuses: definition.refuses,
    idempotency:
      definition.idempotency ?? (definition.method === 'POST' || definition.method === 'PATCH' ? 'accepted' : 'none'),
    ifMatch: definition.ifMatch ?? (isChange ? 'honoured' : 'none'),
    stepUp: definition.stepUp === true,
    secretReply: definition.secretReply === true,
    upload: definition.upload ?? false,
    ...(list === undefined ? {} : { list }),
    async run(koa, deps) {
      const auth: AuthOptions = {
        db: deps.db,
        publicUrl: deps.config.http.publicUrl,
        clientAddress: deps.clientAddress,
        knownSessions: deps.knownSessions,
        onKey: (key) => {
          (koa.state as RequestState).apiKey = key;
        },
      };
      const early = shape === undefined ? undefined : readEarly(koa, deps, auth, shape);
      const caller = await authenticate(koa.req, auth);
      (koa.state as RequestState).caller = caller;
      if (early !== undefined && (await isOf(early, caller, koa))) {
        sendResult(koa, deps, await keepAttempt(() => early.result, { ctx: early.ctx, deps, koa }));
        return;
      }
      if (early === undefined) deps.rateLimiter.take(koa, caller, route);
      if (isWrite && caller.session !== null) checkCsrf(koa.req, caller.session, deps.config.http.publicUrl);
      checkView(caller, route);
      checkPermission(caller, route.permission);
      await checkProviderSession(caller, route, (session) => guardsOtherMemberships(deps.db, session));
      if (route.stepUp && !caller.isSteppedUp) throw new DomainError('access.step_up_required');
      const key = route.idempotency === 'none' ? null : readIdempotencyKey(koa.req);
      if (route.idempotency === 'required' && key === null) throw new DomainError('request.idempotency_key_required');
      const ifMatch = route.ifMatch === 'none' ? null : readIfMatch(koa);
      if (route.ifMatch === 'required' && ifMatch === null) throw new DomainError('request.precondition_required');

      const { query: rawQuery, wish } =
        shape === undefined ? { query: readQuery(koa), wish: null } : takeExport(readQuery(koa), koa.req, shape);
      if (shape === undefined) requireJsonWanted(koa);
      if (wish !== null) checkExportRight(caller, route.permission);
      const params = parseWith(definition.params, koa['params'], 'path') as z.output<P>;
      const query = parseWith(definition.query, rawQuery, 'query') as z.output<Q>;
      const isUpload =
        definition.upload === true || (definition.upload === 'optional' && koa.is('multipart/form-data') !== false);
      const uploaded = isUpload ? await readUpload(koa.req) : undefined;
      const rawBody = uploaded ?? (isWrite ? await readJson(koa) : undefined);
      // A file is compared and logged by its hash.
      const shownBody = uploaded === undefined ? rawBody : hashedUpload(uploaded);
      if (isWrite) {
        (koa.state as RequestState).payload = shownBody;
        failpoint('api.parsed');
      }
      const body = (isWrite ? parseWith(definition.body, rawBody, 'body') : undefined) as z.output<B>;

      const requestHash = isWrite ? hashRequest(koa.method, koa.path, rawQuery, shownBody) : '';
      const ctx = new Handling<z.output<P>, z.output<Q>, z.output<B>, z.output<Reply>>(
        { koa, deps, caller, route, whole: wish === null ? null : { limit: mostStreamedRows, opened: null } },
        { params, query, body, rawQuery },
        { key, ifMatch, requestHash },
      );
      const result = await keepAttempt(() => definition.handle(ctx, deps), { ctx, deps, koa });
      if (
        wish === null ||
        shape === undefined ||
        result instanceof StreamedFile ||
        result instanceof AcceptedDecision
      ) {
        sendResult(koa, deps, result);
        return;
      }
      const file = { shape, wish, path: route.path, address: koa.path, rawQuery };
      send(koa, await exported(ctx, deps, encoded(result, deps), file), route.path);
    },
  };
  return route;

  function encoded(result: z.output<Reply> | Answer<z.output<Reply>> | Encoded, deps: ApiDeps): Encoded {
    return result instanceof Encoded
      ? result
      : encode(definition.reply, result, { status: route.status, config: deps.config });
  }

  function sendResult(koa: Context, deps: ApiDeps, result: Result): void {
    if (result instanceof StreamedFile) sendPieces(koa, result);
    else if (result instanceof AcceptedDecision)
      send(koa, encode(operationWire, result.answer, { status: 202, config: deps.config }), route.path);
    else send(koa, encoded(result, deps), route.path);
  }

  /** Begins to read a list as whom this process knows by the cookie, while the session is looked up; undefined: wait for the look-up. */
  function readEarly(koa: Context, deps: ApiDeps, auth: AuthOptions, of: ListShape): Early | undefined {
    const caller = guessCaller(koa.req, auth);
    if (caller === undefined || route.stepUp) return undefined;
    try {
      checkView(caller, route);
      checkPermission(caller, route.permission);
      const { query: rawQuery, wish } = takeExport(readQuery(koa), koa.req, of);
      if (wish !== null) return undefined; // a file leaves a trace in the audit trail
      const params = parseWith(definition.params, koa['params'], 'path') as z.output<P>;
      const query = parseWith(definition.query, rawQuery, 'query') as z.output<Q>;
      deps.rateLimiter.take(koa, caller, route); // who asks too often costs the database nothing
      const ctx = new Handling<z.output<P>, z.output<Q>, z.output<B>, z.output<Reply>>(
        { koa, deps, caller, route, whole: null },
        { params, query, body: undefined as z.output<B>, rawQuery },
        { key: null, ifMatch: null, requestHash: '' },
      );
      const result = definition.handle(ctx, deps);
      result.catch(() => undefined); // whoever waits for it hears of it; nobody does once the look-up refused
      return { ctx, result };
    } catch {
      return undefined; // the same checks say it again once it is known who asks
    }
  }

  /** Was it read as the one who asks? If not, what it left on the answer goes away. */
  async function isOf(early: Early, caller: Caller, koa: Context): Promise<boolean> {
    if (isSameCaller(early.ctx.caller, caller)) return true;
    await Promise.allSettled([early.result]);
    koa.remove('Link');
    return false;
  }
}

/** A route that needs no credential. Browsers' calls from foreign pages are refused all the same (api.md 1.2). */
export function definePublicRoute<
  Reply extends z.ZodType,
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
  B extends z.ZodType = Nothing,
>(definition: PublicRouteDefinition<P, Q, B, Reply>): Route {
  const isWrite = definition.method !== 'GET';
  const route: Route = {
    method: definition.method,
    path: definition.path,
    summary: definition.summary,
    permission: 'public',
    params: definition.params,
    query: definition.query,
    body: definition.body,
    reply: definition.reply,
    status: definition.status ?? 200,
    refuses: definition.refuses,
    idempotency: 'none',
    ifMatch: 'none',
    stepUp: false,
    secretReply: false,
    async run(koa, deps) {
      deps.rateLimiter.take(koa, null, route);
      if (route.path.startsWith('/v1/')) requireJsonWanted(koa);
      if (isWrite && route.path.startsWith('/v1/')) checkOrigin(koa.req, deps.config.http.publicUrl);
      const { requestId, log } = koa.state as RequestState;
      const result = await definition.handle(
        {
          params: parseWith(definition.params, koa['params'], 'path') as z.output<P>,
          query: parseWith(definition.query, readQuery(koa), 'query') as z.output<Q>,
          body: (isWrite ? parseWith(definition.body, await readJson(koa), 'body') : undefined) as z.output<B>,
          key: null,
          requestId,
          log,
          koa,
        },
        deps,
      );
      send(koa, encode(definition.reply, result, { status: route.status, config: deps.config }), route.path);
    },
  };
  return route;
}
