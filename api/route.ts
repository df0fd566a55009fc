import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { z } from 'zod';
import type { EdgeDb, Db } from '../db/connection.js';
import { type KeyScope, reserveKey, storeAnswer, type StoredAnswer } from '../db/access/idempotencyKey.js';
import { findUserName } from '../db/access/userName.js';
import { recordAudit } from '../db/audit/audit.js';
import { type DecisionRecord, findDecisionByKey, insertDecision } from '../db/audit/decision.js';
import { enqueue } from '../db/messaging/outbox.js';
import type { Page } from '../db/reads/keyset.js';
import { inWorkspace, notify, type ReadTx, readWorkspace, type Tx } from '../db/transaction.js';
import { can, isPortalPermission, type Permission, type Scope } from '../domain/access/permission.js';
import type { Act, Actor, Mode } from '../domain/act.js';
import { DomainError, type DomainErrorCode, type ErrorParams, InvariantError } from '../domain/errors.js';
import type { DecisionId, NewId, WorkspaceId } from '../domain/ids.js';
import type { GatewayDesk } from '../domain/payout/gateway.js';
import { mostStreamedRows } from '../domain/reporting/listExport.js';
import type { Instant } from '../domain/time.js';
import { clockNow } from '../platform/clock.js';
import type { Config } from '../platform/config.js';
import type { DomainChecker } from '../platform/domainCheck.js';
import type { Engine } from '../platform/engineState.js';
import { failpoint } from '../platform/failpoint.js';
import type { HeadKeeper } from '../platform/headKeeper.js';
import type { LiveHistories } from '../platform/liveHistories.js';
import type { Logger } from '../platform/logger.js';
import type { Passwords } from '../platform/passwords.js';
import type { Secrets } from '../platform/secrets.js';
import { signalMessage, type WorkflowType } from '../workflows/contract.js';
import type { ApiLog } from './apiLog.js';
import { authenticate, type Caller, checkCsrf, checkOrigin, scopeFor } from './auth.js';
import type { DecisionOutcomes } from './decisionOutcome.js';
import { hashRequest, readIdempotencyKey } from './idempotency.js';
import { checkMediaType, jsonGuardedBody } from './jsonGuard.js';
import {
  type ExportWish,
  fileNameOf,
  fileTypes,
  listFile,
  type ListShape,
  listShapeOf,
  rowsOf,
  takeExport,
} from './listExport.js';
import { type CursorBinding, type ListQuery, readPage, writeCursor } from './lists.js';
import type { RateLimiter } from './rateLimit.js';
import type { RequestState } from './requestContext.js';
import type { SignInGuard } from './signInGuard.js';
import { operationWire, presentDecisionAsOperation } from './schemas/reporting/bulkOperation.js';
import type { DecisionReason } from './schemas/wire.js';
import { hashedUpload, readUpload } from './upload.js';
import { parseWith } from './validation.js';

/** What handlers are given beside the request; constructed once in bin/api.ts and test/api/support.ts. Add what your routes need. */
export interface ApiDeps {
  readonly db: Db;
  /** A pool of its own with a statement timeout of 10 min: exports, previews, checks of the books (architecture.md 9). */
  readonly longDb: Db;
  readonly edgeDb: EdgeDb;
  readonly config: Config;
  readonly newId: NewId;
  readonly logger: Logger;
  readonly secrets: Secrets;
  readonly outcomes: DecisionOutcomes;
  /** Heads of the audit chain, kept outside the database. */
  readonly heads: HeadKeeper;
  /** Histories of runs that are not archived yet: the one read that asks Temporal. */
  readonly liveHistories: LiveHistories;
  /** What Temporal says of its own health: the System screen's. */
  readonly engine: Engine;
  readonly rateLimiter: RateLimiter;
  /** Payout providers as the API needs them: trying credentials, checking what they report. By gateway. */
  readonly gatewayDesks: ReadonlyMap<string, GatewayDesk>;
  /** The log of machines' calls and of what public edges were sent. */
  readonly apiLog: ApiLog;
  readonly passwords: Passwords;
  readonly signInGuard: SignInGuard;
  /** Is a link domain its workspace's, and does it lead here? */
  readonly checkDomain: DomainChecker;
  /** Address of the caller, through trusted proxies only. */
  readonly clientAddress: (request: Context['req']) => string;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
/** One right of the matrix, or: `any` valid credential, `session`, `staff` of any kind, `public` (definePublicRoute). */
export type RoutePermission = Permission | 'any' | 'session' | 'staff' | 'public';

/** An answer with a status, a Location or headers of its own. Handlers may also return the bare reply. */
export class Answer<R> {
  readonly value: R;
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    value: R,
    options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    this.value = value;
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}

export interface AnswerOptions {
  readonly status?: number;
  readonly location?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `return answer(present(row), { status: 202, location: `/v1/leads/${id}` })`. */
export function answer<R>(value: R, options: AnswerOptions = {}): Answer<R> {
  return new Answer(value, {
    ...(options.status === undefined ? {} : { status: options.status }),
    headers: { ...options.headers, ...(options.location === undefined ? {} : { Location: options.location }) },
  });
}

/** Bytes to send: encoded already, so that a stored answer and a fresh one are the same. */
class Encoded {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly isReplay: boolean;

  constructor(stored: StoredAnswer, isReplay: boolean) {
    this.status = stored.status;
    this.body = stored.body;
    this.headers = stored.headers;
    this.isReplay = isReplay;
  }
}

/** Bytes to send as they are: a file whose hash somebody compares. */
export function fileAnswer(body: Buffer, file: { readonly contentType: string; readonly fileName: string }): Encoded {
  const headers = {
    'Content-Type': file.contentType,
    'Content-Disposition': `attachment; filename="${file.fileName}"`,
  };
  return new Encoded({ status: 200, body, headers }, false);
}

/** A file in pieces, read while it is sent: never the whole of it in memory. */
export class StreamedFile {
  readonly pieces: AsyncIterable<Buffer>;
  readonly length: bigint;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    pieces: AsyncIterable<Buffer>,
    file: { readonly contentType: string; readonly fileName: string; readonly length: bigint },
  ) {
    this.pieces = pieces;
    this.length = file.length;
    this.headers = {
      'Content-Type': file.contentType,
      'Content-Disposition': `attachment; filename="${file.fileName}"`,
      'Content-Length': String(file.length),
    };
  }
}

interface BaseContext<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The Idempotency-Key, if one was sent. */
  readonly key: string | null;
  readonly requestId: string;
  readonly log: Logger;
  /** The raw request and response: cookies, bytes. Never `host` or `href` of it. */
  readonly koa: Context;
}

export interface RouteContext<P, Q, B, R> extends BaseContext<P, Q, B> {
  readonly caller: Caller;
  readonly workspaceId: WorkspaceId;
  readonly actor: Actor;
  readonly mode: Mode;
  /** Which rows the caller may see under this route's permission. */
  readonly scope: Scope;
  /** The scope under another right of the caller's. */
  scopeFor(permission: Permission): Scope;
  can(permission: Permission): boolean;
  /** If-Match, where it was sent. */
  readonly ifMatch: number | null;
  /** 412 `version_mismatch` unless If-Match was left out or names this version. Call it under the row's lock. */
  requireVersion(current: number): void;
  /** One transaction's context for writers. `write` makes it for you. */
  act(now: Instant): Act;
  /**
   * One transaction of the caller's workspace whose result is the answer. Takes the Idempotency-Key first and stores the answer's bytes
   * with the work; a repeat gets those and `work` does not run. Return what it returns. `wake` tells the relay after the commit.
   */
  write(work: (tx: Tx, act: Act) => Promise<R | Answer<R>>, options?: { readonly wake?: boolean }): Promise<Encoded>;
  /** One read-only transaction: every row of an answer is of one instant. */
  read<T>(work: (tx: ReadTx, now: Instant) => Promise<T>): Promise<T>;
  /** The page that a query made by `listQuery` asks for. */
  page(query: ListQuery): Page;
  /** `rows` as the reader gave them, one more than the page when there is a next; `after` is the sort value and id of a row. */
  list<Row, T>(
    rows: readonly Row[],
    page: Page,
    present: (row: Row) => T,
    after: (row: Row) => { readonly value: string | number | null; readonly id: string },
  ): { data: T[]; nextCursor: string | null };
}

/** For routes without a workspace: sign-in. They open transactions themselves. */
export type PublicContext<P, Q, B> = BaseContext<P, Q, B>;

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
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly summary: string | undefined;
  readonly permission: RoutePermission;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly reply: z.ZodType;
  readonly status: number;
  readonly refuses: readonly DomainErrorCode[];
  readonly idempotency: 'required' | 'accepted' | 'none';
  readonly ifMatch: 'required' | 'honoured' | 'none';
  readonly stepUp: boolean;
  readonly secretReply: boolean;
  /** Takes a file as `multipart/form-data`. */
  readonly upload?: boolean | 'optional';
  /** The list behind the route, for a job that writes all of it into a file; undefined: the route is none. */
  readonly list?: ListSource;
  run(koa: Context, deps: ApiDeps): Promise<void>;
}

/** A page of a list, as a job asks for it: nobody waits on a socket. */
export interface ListAsk {
  /** Stands for the request: its path, and who has to be told apart in the log. */
  readonly koa: Context;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Rows at most, above what a request may ask for. */
  readonly limit: number;
  /** The snapshot that all pages are read in; null: one of its own. */
  readonly opened: { readonly tx: ReadTx; readonly now: Instant } | null;
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
            const whole = result instanceof Encoded ? result : encode(definition.reply, result, 200);
            return JSON.parse(whole.body.toString('utf8')) as unknown;
          },
        };
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
      const caller = await authenticate(koa.req, {
        db: deps.db,
        publicUrl: deps.config.http.publicUrl,
        clientAddress: deps.clientAddress,
        onKey: (key) => {
          (koa.state as RequestState).apiKey = key;
        },
      });
      (koa.state as RequestState).caller = caller;
      deps.rateLimiter.take(koa, caller, route);
      if (isWrite && caller.session !== null) checkCsrf(koa.req, caller.session, deps.config.http.publicUrl);
      checkPermission(caller, route.permission);
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

      const requestHash = hashRequest(koa.method, koa.path, rawQuery, shownBody);
      const ctx = new Handling<z.output<P>, z.output<Q>, z.output<B>, z.output<Reply>>(
        { koa, deps, caller, route, whole: wish === null ? null : { limit: mostStreamedRows, opened: null } },
        { params, query, body, rawQuery },
        { key, ifMatch, requestHash },
      );
      const result = await keepAttempt(() => definition.handle(ctx, deps), { ctx, deps, koa });
      if (result instanceof StreamedFile) sendPieces(koa, result);
      else if (wish !== null && shape !== undefined && !(result instanceof AcceptedDecision)) {
        const whole = result instanceof Encoded ? result : encode(definition.reply, result, route.status);
        send(
          koa,
          await exported(ctx, deps, whole, { shape, wish, path: route.path, address: koa.path, rawQuery }),
          route,
        );
      } else if (result instanceof AcceptedDecision) send(koa, encode(operationWire, result.answer, 202), route);
      else send(koa, result instanceof Encoded ? result : encode(definition.reply, result, route.status), route);
    },
  };
  return route;
}

/**
 * Who is limited to what they are assigned and asks for another's object is refused, and the attempt stands in the audit trail (ROL-03,
 * api.md 1.2). In a transaction of its own: that of the request has written nothing.
 */
async function keepAttempt<T>(
  handle: () => Promise<T>,
  { ctx, deps, koa }: { readonly ctx: ActingContext; readonly deps: ApiDeps; readonly koa: Context },
): Promise<T> {
  try {
    return await handle();
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'access.not_in_scope') throw error;
    await inWorkspace(deps.db, ctx.workspaceId, (tx, now) =>
      recordAudit(tx, ctx.act(now), {
        objectType: 'attempt',
        objectId: deps.newId('request'), // one of its own: the object that was asked for has its own sequence
        seq: 1,
        event: 'refused',
        changes: { code: 'not_in_scope', method: koa.method, path: koa.path },
      }),
    );
    throw error;
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
      send(koa, encode(definition.reply, result, route.status), route);
    },
  };
  return route;
}

/** Codes: `access.wrong_audience`, `access.permission_missing`, `access.unauthenticated`. */
export function checkPermission(caller: Caller, permission: RoutePermission): void {
  if (permission === 'any' || permission === 'public') return;
  if (permission === 'session') {
    if (caller.session === null) throw new DomainError('access.unauthenticated', { detail: 'This needs a session.' });
    return;
  }
  const isForPortal = permission !== 'staff' && isPortalPermission(permission);
  // An affiliate's key may hold staff rights (its leads), within its own rows; a portal session may not, nor staff the portal.
  const isWrongAudience = isForPortal
    ? caller.audience !== 'affiliate'
    : caller.audience !== 'staff' && (caller.via === 'session' || permission === 'staff');
  if (isWrongAudience) throw new DomainError('access.wrong_audience');
  if (permission === 'staff' || can(caller.grant, permission)) return;
  throw new DomainError('access.permission_missing', {
    missingPermission: permission,
    ...(caller.lacksSecondFactor
      ? { needs: 'second_factor', detail: 'Your role demands a second factor: set it up in your profile.' }
      : {}),
  });
}

/** 406 where only a file would do and the route has none; app.ts has refused what no route speaks. */
function requireJsonWanted(koa: Context): void {
  if (koa.accepts('json', 'application/problem+json') === false) throw new DomainError('request.not_acceptable');
}

/** A file leaves the house, so it has a right of its own (api.md 1.6); the portal's is of the caller's own rows (api.md 17). */
export function checkExportRight(caller: Caller, permission: RoutePermission): void {
  const isOwn = permission !== 'any' && permission !== 'session' && permission !== 'staff' && permission !== 'public';
  if (!(isOwn && isPortalPermission(permission))) checkPermission(caller, 'export.create');
}

type ActingContext = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'act' | 'workspaceId'>;

/** The list's answer as a file; that it was made is an entry of the history before a byte of it is sent (screens.md 1.1). */
async function exported(
  ctx: ActingContext,
  deps: ApiDeps,
  whole: Encoded,
  of: {
    readonly shape: ListShape;
    readonly wish: ExportWish;
    readonly path: string;
    /** The path with its ids. */
    readonly address: string;
    readonly rawQuery: Readonly<Record<string, string>>;
  },
): Promise<Encoded> {
  const wire: unknown = JSON.parse(whole.body.toString('utf8'));
  const rows = rowsOf(wire, of.shape, of);
  const { shape, wish, path } = of;
  const file = await listFile({ wire, rows, shape, wish, path, query: of.rawQuery, madeAt: clockNow() });
  await inWorkspace(deps.db, ctx.workspaceId, (tx, now) => {
    const act = ctx.act(now);
    // The names of the filters only: their values may be of a person (architecture.md 8).
    const { format } = of.wish;
    const changes = { list: of.path, format, rows: rows.length, filters: Object.keys(of.rawQuery).sort() };
    return recordAudit(tx, act, {
      objectType: 'export',
      objectId: deps.newId('export'),
      seq: 1,
      event: 'exported',
      changes,
    });
  });
  return fileAnswer(file, {
    contentType: fileTypes[of.wish.format],
    fileName: fileNameOf(of.path, wire, of.wish.format),
  });
}

function readIfMatch(koa: Context): number | null {
  const sent = koa.req.headersDistinct['if-match'];
  if (sent === undefined) return null;
  const [tag = '', ...more] = sent;
  const version = /^"([1-9]\d{0,8})"$/.exec(tag)?.[1];
  if (more.length > 0 || version === undefined)
    throw new DomainError('request.invalid_header', { detail: 'If-Match is one strong tag, such as "3".' });
  return Number(version);
}

/** Each parameter once; 422 for a repeat (api.md 1.1). Koa's own parser would make an array of it. */
function readQuery(koa: Context): Readonly<Record<string, string>> {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(koa.querystring)) {
    if (Object.hasOwn(query, name))
      throw new DomainError('request.validation_failed', {
        errors: [{ parameter: name.slice(0, 64), code: 'bad_format', detail: 'This parameter stands there twice.' }],
      });
    Object.defineProperty(query, name, { value, enumerable: true });
  }
  return query;
}

/** The parsed JSON body; an empty body is an empty object. */
async function readJson(koa: Context): Promise<unknown> {
  checkMediaType(koa.req);
  return jsonGuardedBody(koa.req);
}

function encode<R>(schema: z.ZodType, result: R | Answer<R>, defaultStatus: number): Encoded {
  const given = result instanceof Answer ? result : new Answer(result);
  const status = given.status ?? defaultStatus;
  if (given.value === undefined)
    return new Encoded({ status: status === 200 ? 204 : status, body: Buffer.alloc(0), headers: given.headers }, false);
  const wire: unknown = z.encode(schema, given.value);
  const headers: Record<string, string> = { ...given.headers };
  if (typeof wire === 'object' && wire !== null) {
    if ('version' in wire && typeof wire.version === 'number') headers['ETag'] = `"${wire.version}"`;
  }
  return new Encoded({ status, body: Buffer.from(JSON.stringify(wire)), headers }, false);
}

function send(koa: Context, encoded: Encoded, route: Route): void {
  koa.status = encoded.status;
  koa.set(encoded.headers);
  if (encoded.isReplay) koa.set('Idempotent-Replayed', 'true');
  if (route.path.startsWith('/v1/') && koa.response.get('Cache-Control') === '') koa.set('Cache-Control', 'no-store');
  if (encoded.body.length === 0) {
    koa.body = null;
    koa.status = encoded.status;
    return;
  }
  if (encoded.headers['Content-Type'] === undefined) koa.set('Content-Type', 'application/json; charset=utf-8');
  koa.body = encoded.body;
}

function sendPieces(koa: Context, file: StreamedFile): void {
  koa.status = 200;
  koa.set({ ...file.headers, 'Cache-Control': 'no-store' });
  koa.body = Readable.from(file.pieces, { objectMode: false });
}

/** One request on its way through a handler. */
class Handling<P, Q, B, R> implements RouteContext<P, Q, B, R> {
  readonly koa: Context;
  readonly caller: Caller;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly key: string | null;
  readonly ifMatch: number | null;
  readonly requestHash: string;
  private readonly deps: ApiDeps;
  private readonly route: Route;
  private readonly rawQuery: Readonly<Record<string, string>>;
  /** A file wants the whole list: as long pages as these, in that snapshot. */
  private readonly whole: Pick<ListAsk, 'limit' | 'opened'> | null;

  constructor(
    from: {
      readonly koa: Context;
      readonly deps: ApiDeps;
      readonly caller: Caller;
      readonly route: Route;
      readonly whole: Pick<ListAsk, 'limit' | 'opened'> | null;
    },
    parsed: {
      readonly params: P;
      readonly query: Q;
      readonly body: B;
      readonly rawQuery: Readonly<Record<string, string>>;
    },
    headers: { readonly key: string | null; readonly ifMatch: number | null; readonly requestHash: string },
  ) {
    this.koa = from.koa;
    this.deps = from.deps;
    this.caller = from.caller;
    this.route = from.route;
    this.whole = from.whole;
    this.params = parsed.params;
    this.query = parsed.query;
    this.body = parsed.body;
    this.rawQuery = parsed.rawQuery;
    this.key = headers.key;
    this.ifMatch = headers.ifMatch;
    this.requestHash = headers.requestHash;
  }

  get workspaceId(): WorkspaceId {
    return this.caller.workspaceId;
  }

  get actor(): Actor {
    return this.caller.actor;
  }

  get mode(): Mode {
    return this.caller.mode;
  }

  get requestId(): string {
    return (this.koa.state as RequestState).requestId;
  }

  get log(): Logger {
    return (this.koa.state as RequestState).log;
  }

  get scope(): Scope {
    const { permission } = this.route;
    return scopeFor(this.caller, isRight(permission) ? permission : undefined);
  }

  scopeFor(permission: Permission): Scope {
    return scopeFor(this.caller, permission);
  }

  can(permission: Permission): boolean {
    return can(this.caller.grant, permission);
  }

  requireVersion(current: number): void {
    if (this.ifMatch !== null && this.ifMatch !== current)
      throw new DomainError('request.version_mismatch', { currentVersion: current });
  }

  act(now: Instant): Act {
    return {
      workspaceId: this.workspaceId,
      mode: this.mode,
      now,
      actor: this.actor,
      cause: null,
      reasonCode: null,
      origin: null,
      requestId: this.requestId,
      newId: this.deps.newId,
    };
  }

  async write(
    work: (tx: Tx, act: Act) => Promise<R | Answer<R>>,
    options: { readonly wake?: boolean } = {},
  ): Promise<Encoded> {
    const encoded = await inWorkspace(this.deps.db, this.workspaceId, async (tx, now) => {
      const scope = this.keyScope();
      const stored =
        scope === null
          ? undefined
          : await reserveKey(tx, scope, {
              hash: this.requestHash,
              requestId: this.requestId,
              keepForEver: this.route.idempotency === 'required',
            });
      if (stored !== undefined) return new Encoded(this.opened(stored), true);
      failpoint('api.keyed');
      const fresh = encode(this.route.reply, await work(tx, this.act(now)), this.route.status);
      if (scope !== null) await storeAnswer(tx, scope, this.sealed(fresh));
      failpoint('api.written');
      return fresh;
    });
    failpoint('api.committed');
    if (options.wake === true && !encoded.isReplay) await notify(this.deps.db, 'outbox', '');
    return encoded;
  }

  read<T>(work: (tx: ReadTx, now: Instant) => Promise<T>): Promise<T> {
    if (this.whole === null) return readWorkspace(this.deps.db, this.workspaceId, work);
    const { opened } = this.whole;
    if (opened !== null) return work(opened.tx, opened.now);
    return readWorkspace(this.deps.longDb, this.workspaceId, work);
  }

  page(query: ListQuery): Page {
    const page = readPage(query, this.deps.secrets, this.cursorBinding());
    return this.whole === null ? page : { ...page, limit: this.whole.limit };
  }

  list<Row, T>(
    rows: readonly Row[],
    page: Page,
    present: (row: Row) => T,
    after: (row: Row) => { readonly value: string | number | null; readonly id: string },
  ): { data: T[]; nextCursor: string | null } {
    const shown = rows.slice(0, page.limit);
    const last = shown.at(-1);
    const nextCursor =
      rows.length > page.limit && last !== undefined
        ? writeCursor(after(last), this.deps.secrets, this.cursorBinding())
        : null;
    if (nextCursor !== null) {
      const next = new URLSearchParams({ ...this.rawQuery, cursor: nextCursor });
      this.koa.set('Link', `<${this.deps.config.http.publicUrl}${this.koa.path}?${next.toString()}>; rel="next"`);
    }
    return { data: shown.map(present), nextCursor };
  }

  private sealed(fresh: Encoded): StoredAnswer {
    if (!this.route.secretReply) return fresh;
    const { status, headers } = fresh;
    return { status, headers, body: Buffer.from(this.deps.secrets.seal('answer', fresh.body.toString('utf8'))) };
  }

  private opened(stored: StoredAnswer): StoredAnswer {
    if (!this.route.secretReply) return stored;
    return { ...stored, body: Buffer.from(this.deps.secrets.unseal('answer', stored.body.toString('utf8'))) };
  }

  private keyScope(): KeyScope | null {
    if (this.key === null) return null;
    const callerId = this.actor.id;
    if (callerId === null) throw new InvariantError('a caller with a workspace has an id');
    return { mode: this.mode, callerId, route: `${this.koa.method} ${this.koa.path}`, key: this.key };
  }

  private cursorBinding(): CursorBinding {
    return { path: this.koa.path, mode: this.mode, workspaceId: this.workspaceId, rawQuery: this.rawQuery };
  }
}

function isRight(permission: RoutePermission): permission is Permission {
  return permission !== 'any' && permission !== 'session' && permission !== 'staff' && permission !== 'public';
}

/** 202: the decision is kept and happens once; the operation shows its outcome (api.md 1.8). */
export class AcceptedDecision {
  readonly answer: Answer<z.output<typeof operationWire>>;

  constructor(value: Answer<z.output<typeof operationWire>>) {
    this.answer = value;
  }
}

export interface DecisionWish<R> {
  /** Snake or camel as the state table's verb: `approve`, `withdraw_approval`. */
  readonly verb: string;
  /** Plural, as in operations: `referrals`, `payout_runs`; also `objectType` of the decision row. */
  readonly objectType: string;
  readonly objectId: string;
  readonly workflowType: WorkflowType;
  readonly workflowId: string;
  /** Name of the signal, one of the verbs of workflows/contract.ts. */
  readonly signal: string;
  /** The workflow's input, should the signal have to start a run. */
  readonly input: Parameters<typeof signalMessage>[0]['input'];
  readonly reason: DecisionReason;
  /** What the verb needs beside: `planHash`, `until`. Ids, codes and instants. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Runs before the decision is stored: does the object exist in the caller's mode and scope? Throws what the route refuses. */
  readonly check: (tx: Tx, act: Act) => Promise<void>;
  /** The resource after the decision, for the 200. */
  readonly present: (tx: ReadTx, now: Instant) => Promise<R>;
}

/**
 * A decision that a workflow takes (decisions 5): the row and the signal in one transaction, then at most 5 s for the outcome. 200 with
 * the resource; the stored refusal as its problem; 202 with an operation of one item. The same Idempotency-Key again finds its row.
 */
export async function decide<P, Q, B, R>(
  context: RouteContext<P, Q, B, R>,
  deps: ApiDeps,
  wish: DecisionWish<R>,
): Promise<R | Answer<R> | AcceptedDecision> {
  const ctx = context as Handling<P, Q, B, R>;
  const decisionId = deps.newId('decision');
  const stored = await inWorkspace(deps.db, ctx.workspaceId, async (tx, now) => {
    const act = ctx.act(now);
    const ofKey = ctx.key === null ? undefined : await findDecisionByKey(tx, byKey(ctx, wish, ctx.key));
    if (ofKey !== undefined) return ofKey;
    await wish.check(tx, act);
    const isNew = await insertDecision(tx, act, {
      id: decisionId,
      verb: wish.verb,
      objectType: wish.objectType,
      objectId: wish.objectId,
      workflowId: wish.workflowId,
      reasonCode: wish.reason.reasonCode,
      note: wish.reason.note,
      publicReason: wish.reason.publicReason,
      params: wish.params ?? {},
      via: 'api',
      callerKey: ctx.key,
      requestHash: ctx.requestHash,
      steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
      operationId: null,
    });
    // Another request with the same key committed meanwhile: its row is the decision.
    if (!isNew && ctx.key !== null) return findDecisionByKey(tx, byKey(ctx, wish, ctx.key));
    const { workflowType, workflowId, input, signal } = wish;
    await enqueue(tx, signalMessage({ workflowType, workflowId, input, signal, argument: { decisionId } }, 2));
    failpoint('api.written');
    return undefined;
  });
  failpoint('api.committed');
  if (stored !== undefined && stored.requestHash !== ctx.requestHash)
    throw new DomainError('request.idempotency_mismatch', { firstRequestId: stored.requestId });
  if (stored === undefined) await notify(deps.db, 'outbox', '');
  else ctx.koa.set('Idempotent-Replayed', 'true');

  const id: DecisionId = stored?.id ?? decisionId;
  const decision = await deps.outcomes.wait(ctx.workspaceId, id);
  if (decision === undefined) throw new InvariantError('a decision that was stored is there', { decisionId: id });
  if (decision.state === 'refused') throw await refusalOf(ctx, decision);
  if (decision.state === 'done') return ctx.read(wish.present);
  const operation = presentDecisionAsOperation(decision, ctx.caller.name);
  return new AcceptedDecision(answer(operation, { status: 202, location: `/v1/operations/${operation.id}` }));
}

function byKey<P, Q, B, R>(ctx: Handling<P, Q, B, R>, wish: DecisionWish<R>, callerKey: string) {
  return { mode: ctx.mode, actorId: ctx.actor.id, verb: wish.verb, objectId: wish.objectId, callerKey };
}

/** The stored refusal, with the name of who decided before: rows hold ids only. */
async function refusalOf<P, Q, B, R>(ctx: Handling<P, Q, B, R>, decision: DecisionRecord): Promise<DomainError> {
  const params: ErrorParams = decision.outcome ?? {};
  const by = params['decidedBy'];
  const id = typeof by === 'string' ? by : typeof by === 'object' && by !== null && 'id' in by ? by.id : undefined;
  if (typeof id !== 'string') return new DomainError(decision.code as DomainErrorCode, params);
  const name = await ctx.read((tx) => findUserName(tx, id));
  return new DomainError(decision.code as DomainErrorCode, { ...params, decidedBy: { id, name: name ?? null } });
}
