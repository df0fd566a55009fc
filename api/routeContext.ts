import type { Context } from 'koa';
import type { Page } from '../db/reads/keyset.js';
import type { ReadTx, Tx } from '../db/transaction.js';
import type { Permission, Scope } from '../domain/access/permission.js';
import type { Act, Actor, Mode } from '../domain/act.js';
import type { WorkspaceId } from '../domain/ids.js';
import type { Instant } from '../domain/time.js';
import type { Logger } from '../platform/logger.js';
import type { Caller } from './auth.js';
import type { ListQuery } from './lists.js';
import type { Answer, Encoded } from './answer.js';

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
