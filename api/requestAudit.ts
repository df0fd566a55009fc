import type { Context } from 'koa';
import { recordAudit } from '../db/audit/audit.js';
import { inWorkspace } from '../db/transaction.js';
import { DomainError } from '../domain/errors.js';
import { clockNow } from '../platform/clock.js';
import { type ExportWish, fileNameOf, fileTypes, listFile, type ListShape, rowsOf } from './listExport.js';
import type { ApiDeps } from './deps.js';
import { type Encoded, fileAnswer } from './answer.js';
import type { RouteContext } from './routeContext.js';

type ActingContext = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'act' | 'workspaceId'>;

/**
 * Who is limited to what they are assigned and asks for another's object is refused, and the attempt stands in the audit trail (ROL-03,
 * api.md 1.2). In a transaction of its own: that of the request has written nothing.
 */
export async function keepAttempt<T>(
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

/**
 * A file that an answer is: that it was made is an entry of the history before a byte of it is sent (AUD-12). In a transaction of its own, because
 * files are made outside the one that read.
 */
export async function noteExport(
  ctx: ActingContext,
  deps: ApiDeps,
  changes: Readonly<Record<string, unknown>>,
): Promise<void> {
  await inWorkspace(deps.db, ctx.workspaceId, (tx, now) =>
    recordAudit(tx, ctx.act(now), {
      objectType: 'export',
      objectId: deps.newId('export'),
      seq: 1,
      event: 'exported',
      changes,
    }),
  );
}

/** The list's answer as a file; that it was made is an entry of the history before a byte of it is sent (screens.md 1.1). */
export async function exported(
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
  // The names of the filters only: their values may be of a person (architecture.md 8).
  const { format } = wish;
  await noteExport(ctx, deps, { list: path, format, rows: rows.length, filters: Object.keys(of.rawQuery).sort() });
  return fileAnswer(file, {
    contentType: fileTypes[of.wish.format],
    fileName: fileNameOf(of.path, wire, of.wish.format),
  });
}
