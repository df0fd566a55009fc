import type { Context } from 'koa';
import type { z } from 'zod';
import { type KeyScope, reserveKey, storeAnswer, type StoredAnswer } from '../db/access/idempotencyKey.js';
import type { Page } from '../db/reads/keyset.js';
import { inWorkspace, notify, type ReadTx, readWorkspace, type Tx } from '../db/transaction.js';
import { can, type Permission, type Scope } from '../domain/access/permission.js';
import type { Act, Actor, Mode } from '../domain/act.js';
import { DomainError, InvariantError } from '../domain/errors.js';
import type { WorkspaceId } from '../domain/ids.js';
import type { Instant } from '../domain/time.js';
import { failpoint } from '../platform/failpoint.js';
import type { Logger } from '../platform/logger.js';
import { type Caller, scopeFor } from './auth.js';
import { type CursorBinding, type ListQuery, readPage, writeCursor } from './lists.js';
import type { RequestState } from './requestContext.js';
import type { ApiDeps } from './deps.js';
import { type Answer, encode, Encoded } from './answer.js';
import type { RouteContext } from './routeContext.js';
import { isRight, type RoutePermission } from './routePermission.js';

/** What of a route's declaration decides how a request is handled. */
export interface HandledRoute {
  readonly permission: RoutePermission;
  readonly reply: z.ZodType;
  readonly status: number;
  readonly idempotency: 'required' | 'accepted' | 'none';
  readonly secretReply: boolean;
}

/** A list that is wanted whole, for a file. */
export interface WholeList {
  /** Rows at most, above what a request may ask for. */
  readonly limit: number;
  /** The snapshot that all pages are read in; null: one of its own. */
  readonly opened: { readonly tx: ReadTx; readonly now: Instant } | null;
}

/** One request on its way through a handler. */
export class Handling<P, Q, B, R> implements RouteContext<P, Q, B, R> {
  readonly koa: Context;
  readonly caller: Caller;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly key: string | null;
  readonly ifMatch: number | null;
  readonly requestHash: string;
  private readonly deps: ApiDeps;
  private readonly route: HandledRoute;
  private readonly rawQuery: Readonly<Record<string, string>>;
  /** A file wants the whole list: as long pages as these, in that snapshot. */
  private readonly whole: WholeList | null;

  constructor(
    from: {
      readonly koa: Context;
      readonly deps: ApiDeps;
      readonly caller: Caller;
      readonly route: HandledRoute;
      readonly whole: WholeList | null;
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
      const { config } = this.deps;
      const fresh = encode(this.route.reply, await work(tx, this.act(now)), { status: this.route.status, config });
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
