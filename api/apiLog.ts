import type { Context, Middleware } from 'koa';
import { type ApiLogEntry, insertApiLog } from '../db/access/apiLog.js';
import type { Db } from '../db/connection.js';
import { inWorkspace } from '../db/transaction.js';
import type { NewId, WorkspaceId } from '../domain/ids.js';
import { maskedPayload } from '../domain/tracking/maskedPayload.js';
import { clockNow } from '../platform/clock.js';
import type { Logger } from '../platform/logger.js';
import type { CallNote, RequestState } from './requestContext.js';

/** Says of a call what the log should know; later notes add to earlier ones. */
export function noteCall(koa: Context, note: Partial<CallNote>): void {
  const state = koa.state as RequestState;
  state.call = { ...state.call, ...note };
}

interface Kept {
  readonly workspaceId: WorkspaceId;
  readonly entry: ApiLogEntry;
}

export interface ApiLog {
  /** Kept soon: calls are collected for a moment, so that a busy machine costs one statement and not one each. */
  add(kept: Kept): void;
  /** Kept when it resolves: what was refused must be found again (features.md, rules of every row). */
  keep(kept: Kept): Promise<void>;
  /** Writes what is still collected. */
  stop(): Promise<void>;
}

const collectMs = 250;
/** Above it calls are dropped from the log, with a warning: a log must not take the service down. */
const mostWaiting = 20_000;

export function createApiLog({ db, logger }: { readonly db: Db; readonly logger: Logger }): ApiLog {
  let waiting: Kept[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const write = async (calls: readonly Kept[]): Promise<void> => {
    for (const workspaceId of new Set(calls.map((call) => call.workspaceId))) {
      const entries = calls.filter((call) => call.workspaceId === workspaceId).map((call) => call.entry);
      await inWorkspace(db, workspaceId, (tx) => insertApiLog(tx, entries));
    }
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const calls = waiting;
    waiting = [];
    if (calls.length === 0) return;
    writing = writing
      .then(() => write(calls))
      .catch((error: unknown) => logger.warn({ err: error, calls: calls.length }, 'calls not logged'));
  };
  return {
    add(kept) {
      if (waiting.length >= mostWaiting) {
        logger.warn({ waiting: waiting.length }, 'call not logged');
        return;
      }
      waiting.push(kept);
      timer ??= setTimeout(flush, collectMs).unref();
    },
    keep: (kept) => write([kept]),
    async stop() {
      flush();
      await writing;
    },
  };
}

/** Logs each call of a machine, each change by a person, and what public edges say of theirs (LED-15). Stands outside of the problems, so that it sees the answer. */
export function logCalls(deps: {
  readonly apiLog: ApiLog;
  readonly newId: NewId;
  readonly logger: Logger;
  readonly clientAddress: (request: Context['req']) => string;
}): Middleware<RequestState> {
  return async (ctx, next) => {
    const koa = ctx as unknown as Context;
    // Before: a body that is too long is given up with its socket, and the address with it.
    const address = deps.clientAddress(koa.req);
    await next();
    const note = noteOf(koa);
    if (note === undefined) return;
    const refusal = koa.status >= 400 ? refusalOf(koa) : undefined;
    const { workspaceId, leadChannel = null, leadId = null } = note;
    const code = note.code ?? refusal ?? null;
    const kept: Kept = {
      workspaceId,
      entry: {
        id: deps.newId('apiLogEntry'),
        mode: note.mode,
        leadChannel,
        keyId: note.keyId ?? null,
        formId: note.formId ?? null,
        affiliateId: note.affiliateId ?? null,
        leadId,
        address,
        method: koa.method,
        path: koa.path.slice(0, 200),
        status: koa.status,
        code,
        payload: maskedPayload(note.payload ?? {}),
        requestId: ctx.state.requestId,
        at: clockNow(),
      },
    };
    // A flood is answered by a counter, so it must not cost a transaction each.
    if (leadChannel === null || code === null || koa.status === 429) {
      deps.apiLog.add(kept);
      return;
    }
    try {
      await deps.apiLog.keep(kept);
    } catch (error) {
      // The answer is made; with Postgres away it says so itself.
      deps.logger.warn({ err: error, code }, 'refused lead not logged');
    }
  };
}

function noteOf(koa: Context): CallNote | undefined {
  const { call, apiKey, route, payload, caller } = koa.state as RequestState;
  if (apiKey === undefined && call?.workspaceId !== undefined) return call as CallNote;
  if (apiKey === undefined) {
    // What a person changes is logged without its body: an audit entry names the request, the log its address (AUD-01).
    const isChange = caller !== undefined && koa.method !== 'GET' && koa.method !== 'HEAD';
    return isChange ? { workspaceId: caller.workspaceId, mode: caller.mode } : undefined;
  }
  const { workspaceId, mode, keyId, affiliateId } = apiKey;
  const leadChannel = route === 'POST /v1/leads' ? 'api' : null;
  return { workspaceId, mode, keyId, affiliateId, leadChannel, payload, ...call };
}

/** The problem's code; of a lead whose address or number is all that is wrong, `invalid_contact` (features.md 4.4). */
function refusalOf(koa: Context): string {
  const isProblem = typeof koa.body === 'string' && koa.response.get('Content-Type').includes('json');
  const body: unknown = isProblem ? JSON.parse(koa.body as string) : undefined;
  if (typeof body !== 'object' || body === null || !('code' in body) || typeof body.code !== 'string')
    return String(koa.status);
  const errors: readonly unknown[] = 'errors' in body && Array.isArray(body.errors) ? body.errors : [];
  const isContact =
    errors.length > 0 &&
    errors.every((error) => {
      const pointer = typeof error === 'object' && error !== null && 'pointer' in error ? error.pointer : undefined;
      return pointer === '#/email' || pointer === '#/phone';
    });
  return body.code === 'validation_failed' && isContact ? 'invalid_contact' : body.code;
}
