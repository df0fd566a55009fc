import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import Koa, { type Context } from 'koa';
import { readWorkspace } from '../db/transaction.js';
import { DomainError } from '../domain/errors.js';
import type { ExportAsker, ExportOrder } from '../domain/reporting/listExport.js';
import type { Logger } from '../platform/logger.js';
import type { Caller } from './auth.js';
import type { ExportColumn, Wire } from './listCells.js';
import {
  chooseColumns,
  csvBody,
  csvHead,
  type ExportWish,
  fileNameOf,
  pageOf,
  printRows,
  refuseLongPdf,
  shownColumns,
} from './listExport.js';
import type { RequestState } from './requestContext.js';
import type { ApiDeps } from './deps.js';
import type { ListSource, Route } from './route.js';

// Lists as the API answers them, for whoever asked, without a request: the same handlers, filters, rights and masks (api.md 1.6, 16.2).

/** Rows of one page: encoding them holds up a worker's other work for less than a tenth of a second. */
const perPage = 500;

export interface FoundList {
  readonly route: Route;
  readonly source: ListSource;
  readonly params: Readonly<Record<string, string>>;
}

/** The list of a path behind `/v1/`; a list of one's own sessions is of a credential, which a job has not. */
export function findList(routes: readonly Route[], resource: string): FoundList | undefined {
  const wanted = ['v1', ...resource.split('/')];
  for (const route of routes) {
    const { list: source } = route;
    if (source === undefined || route.method !== 'GET' || route.permission === 'session') continue;
    const params = matched(route.path.split('/').slice(1), wanted);
    if (params !== undefined) return { route, source, params };
  }
  return undefined;
}

function matched(pattern: readonly string[], path: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== path.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const there = path[index] ?? '';
    if (part.startsWith(':') && there !== '') params[part.slice(1)] = there;
    else if (part !== there) return undefined;
  }
  return params;
}

/** What is kept of who asks; null: nobody with rows of their own. */
export function askerOf(caller: Caller): ExportAsker | null {
  if (caller.reach.kind !== 'workspace' && caller.reach.kind !== 'affiliate') return null;
  return {
    via: caller.via,
    audience: caller.audience,
    permissions: [...caller.grant.permissions],
    assignedOnly: [...caller.grant.assignedOnly],
    limited: [...caller.grant.limited],
    affiliateId: caller.reach.kind === 'affiliate' ? caller.reach.affiliateId : null,
  };
}

function callerOf(order: ExportOrder): Caller {
  const { asker, actor, workspaceId, mode } = order;
  return {
    via: asker.via,
    workspaceId,
    actor,
    name: '', // no list shows who reads it
    audience: asker.audience,
    grant: {
      permissions: new Set(asker.permissions),
      assignedOnly: new Set(asker.assignedOnly),
      limited: new Set(asker.limited),
    },
    mode,
    reach: asker.affiliateId === null ? { kind: 'workspace' } : { kind: 'affiliate', affiliateId: asker.affiliateId },
    isSteppedUp: false,
    lacksSecondFactor: false,
    session: null,
    key: null,
    viewing: null,
  };
}

/** A request that nobody sent: handlers of lists read its path, and write a header that nobody reads. */
function quietContext(path: string, state: { readonly requestId: string; readonly log: Logger }): Context {
  const request = new IncomingMessage(new Socket());
  request.method = 'GET';
  request.url = path;
  const context = new Koa<RequestState>().createContext(request, new ServerResponse(request));
  Object.assign(context.state, { requestId: state.requestId, log: state.log });
  return context as unknown as Context;
}

/** The rows of a list from its beginning to its end, a page at a time, all of one instant. */
async function eachPage(
  order: ExportOrder,
  list: FoundList,
  of: { readonly deps: ApiDeps; readonly begin: () => Promise<void> },
  take: (wire: unknown, rows: readonly Wire[]) => Promise<void>,
): Promise<void> {
  const { deps } = of;
  const requestId = order.requestId ?? order.id;
  const koa = quietContext(`/v1/${order.resource}`, { requestId, log: deps.logger.child({ requestId }) });
  const caller = callerOf(order);
  await readWorkspace(deps.longDb, order.workspaceId, async (tx, now) => {
    await of.begin(); // a conflict begins all of it anew
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: Readonly<Record<string, string>> = cursor === '' ? order.query : { ...order.query, cursor };
      const ask = { koa, caller, params: list.params, query, limit: perPage, opened: { tx, now } };
      const wire = await list.source.readPage(ask, deps);
      const { rows, nextCursor } = pageOf(wire, list.source.shape);
      await take(wire, rows);
      cursor = nextCursor;
    }
  });
}

type Sink = {
  begin(): Promise<void>;
  add(part: { readonly content: Buffer; readonly rows: number }): Promise<void>;
};

const nothing = Buffer.alloc(0);
/** Bytes of one piece of a PDF. */
const perPiece = 1_000_000;

/** Makes the files: `ExportDesk` of the activities. */
export function createExportDesk(routes: readonly Route[], deps: ApiDeps) {
  return {
    async make(order: ExportOrder, sink: Sink): Promise<{ readonly fileName: string }> {
      const list = findList(routes, order.resource);
      if (list === undefined) throw new DomainError('resource.not_found');
      const chosen = chooseColumns(list.source.shape, order.columns, order.format);
      if (chosen.fault !== null) throw new DomainError('request.validation_failed', { errors: [] });
      return order.format === 'csv'
        ? writeCsv(order, list, { wish: chosen.wish, deps, sink })
        : writePdf(order, list, { wish: chosen.wish, deps, sink });
    },
  };
}

interface Making {
  readonly wish: ExportWish;
  readonly deps: ApiDeps;
  readonly sink: Sink;
}

/** Never more than one page of it in memory. */
async function writeCsv(order: ExportOrder, list: FoundList, { wish, deps, sink }: Making) {
  let columns: readonly ExportColumn[] | undefined;
  let fileName = '';
  const begin = (): Promise<void> => {
    columns = undefined;
    return sink.begin();
  };
  await eachPage(order, list, { deps, begin }, async (wire, rows) => {
    const head = columns === undefined;
    columns ??= shownColumns(wire, { shape: list.source.shape, wish });
    fileName = fileNameOf(list.route.path, wire, 'csv');
    const text = (head ? csvHead(columns) : '') + csvBody(wire, rows, columns);
    await sink.add({ content: Buffer.from(text, 'utf8'), rows: rows.length });
  });
  return { fileName };
}

/** Pages are numbered and summed up, so the rows, a bounded number of them, are there before the first one is set. */
async function writePdf(order: ExportOrder, list: FoundList, { wish, deps, sink }: Making) {
  let all: Wire[] = [];
  let last: unknown;
  const begin = (): Promise<void> => {
    all = [];
    return sink.begin();
  };
  await eachPage(order, list, { deps, begin }, async (wire, rows) => {
    all.push(...rows);
    last = wire;
    refuseLongPdf('pdf', all.length);
    await sink.add({ content: nothing, rows: rows.length });
  });
  const columns = shownColumns(last, { shape: list.source.shape, wish, rows: all });
  const file = await printRows({
    wire: last,
    rows: all,
    columns,
    path: list.route.path,
    query: order.query,
    madeAt: order.createdAt,
  });
  for (let from = 0; from < file.length; from += perPiece)
    await sink.add({ content: file.subarray(from, from + perPiece), rows: 0 });
  return { fileName: fileNameOf(list.route.path, last, 'pdf') };
}

/** The first row, as the list answers it now: whatever it would refuse, it refuses here. Rows in all, where it counts them. */
export async function tryList(
  list: FoundList,
  ask: {
    readonly resource: string;
    readonly caller: Caller;
    readonly query: Readonly<Record<string, string>>;
    readonly requestId: string;
    readonly log: Logger;
  },
  deps: ApiDeps,
): Promise<number | null> {
  const include = [...(ask.query['include']?.split(',') ?? []), 'counts'].join(',');
  const counts = list.route.query?.safeParse({ ...ask.query, include }).success === true;
  const wire = await list.source.readPage(
    {
      koa: quietContext(`/v1/${ask.resource}`, ask),
      caller: ask.caller,
      params: list.params,
      query: counts ? { ...ask.query, include } : ask.query,
      limit: 1,
      opened: null,
    },
    deps,
  );
  const { counts: counted } = wire as { readonly counts?: { readonly total?: unknown } };
  return typeof counted?.total === 'number' ? counted.total : null;
}
