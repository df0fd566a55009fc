import { readHistoryText } from '../../../activities/audit/history.js';
import { listReplays } from '../../../db/audit/replay.js';
import { recordSensitiveRead } from '../../../db/audit/sensitiveRead.js';
import { findHistoryView, listHistories } from '../../../db/reads/audit/historyList.js';
import { inWorkspace } from '../../../db/transaction.js';
import { withoutPayloads } from '../../../domain/audit/recording.js';
import { DomainError } from '../../../domain/errors.js';
import { boundsOf } from '../../lists.js';
import { fileAnswer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { contentWire } from '../../schemas/audit/historyEvent.js';
import {
  historyList,
  historyParams,
  historyQuery,
  historyWire,
  presentHistory,
  presentReplay,
  replayList,
  replayQuery,
  replayWire,
  stateQuery,
  stateWire,
} from '../../schemas/audit/history.js';
import { requireWholeWorkspace } from './audit.js';
import { archivedState, judgeAndKeep } from './replayed.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'read' | 'mode' | 'scope'>;

async function getHistory(ctx: Asking, id: string) {
  requireWholeWorkspace(ctx.scope);
  const history = await ctx.read((tx) => findHistoryView(tx, ctx.mode, id));
  if (history === undefined) throw new DomainError('resource.not_found');
  return history;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/histories',
  summary: 'Archived runs of workflows',
  permission: 'history.read',
  query: historyQuery,
  reply: historyList,
  refuses: ['access.not_in_scope'],
  async handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    const { workflowType, workflowId, runId, objectId, closeStatus, q } = ctx.query;
    const page = ctx.page(ctx.query);
    const filter = { mode: ctx.mode, workflowType, workflowId, runId, objectId, closeStatus, q };
    const rows = await ctx.read((tx) =>
      listHistories(tx, { ...filter, createdAt: boundsOf(ctx.query, 'createdAt') }, page),
    );
    return ctx.list(rows, page, presentHistory, (row) => ({
      value: page.sort === 'firstEventAt' ? row.firstEventAt : row.createdAt,
      id: row.id,
    }));
  },
});

const getOne = defineRoute({
  method: 'GET',
  path: '/v1/histories/:historyId',
  summary: 'One archived run',
  permission: 'history.read',
  params: historyParams,
  reply: historyWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: async (ctx) => presentHistory(await getHistory(ctx, ctx.params.historyId)),
});

const getContent = defineRoute({
  method: 'GET',
  path: '/v1/histories/:historyId/content',
  summary: 'The JSON as recorded; without history.decode its payloads are left out',
  permission: 'history.read',
  params: historyParams,
  reply: contentWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx, deps) {
    const { id } = await getHistory(ctx, ctx.params.historyId);
    const text = await ctx.read((tx) => readHistoryText(tx, id));
    if (text === undefined) throw new DomainError('resource.not_found');
    const file = { contentType: 'application/json; charset=utf-8', fileName: `${id}.json` };
    if (!ctx.can('history.decode')) return fileAnswer(Buffer.from(withoutPayloads(text)), file);
    // Clear text is a right of its own, and each use leaves a line (temporal.md 10.6, AUD-12). Then the very bytes that were hashed.
    await inWorkspace(deps.db, ctx.workspaceId, (tx, now) =>
      recordSensitiveRead(tx, ctx.act(now), { objectType: 'history', objectId: id, event: 'decoded' }),
    );
    return fileAnswer(Buffer.from(text), file);
  },
});

const getState = defineRoute({
  method: 'GET',
  path: '/v1/histories/:historyId/state',
  summary: 'Status, timers and pending work after event N',
  permission: 'history.read',
  params: historyParams,
  query: stateQuery,
  reply: stateWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'request.validation_failed'],
  handle: async (ctx) => archivedState(ctx, await getHistory(ctx, ctx.params.historyId), ctx.query.event),
});

const replays = defineRoute({
  method: 'GET',
  path: '/v1/histories/:historyId/replays',
  summary: 'Replays so far: who asked, when, and the verdict',
  permission: 'history.read',
  params: historyParams,
  query: replayQuery,
  reply: replayList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx) {
    const { id } = await getHistory(ctx, ctx.params.historyId);
    const page = ctx.page(ctx.query);
    const rows = await ctx.read((tx) => listReplays(tx, { historyIds: [id] }, page));
    return ctx.list(rows, page, presentReplay, (row) => ({ value: row.at, id: row.id }));
  },
});

const replay = defineRoute({
  method: 'POST',
  path: '/v1/histories/:historyId/replays',
  summary: 'Replay it now against the current code, without a Temporal server',
  permission: 'audit.verify',
  params: historyParams,
  reply: replayWire,
  status: 201,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx, deps) {
    const { id } = await getHistory(ctx, ctx.params.historyId);
    return judgeAndKeep(ctx, deps, id, `/v1/histories/${id}/replays`);
  },
});

export const historyRoutes: readonly Route[] = [list, getOne, getContent, getState, replays, replay];
