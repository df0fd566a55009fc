import { listApiLog } from '../../../db/reads/access/apiLogList.js';
import { boundsOf } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import { apiLogList, apiLogQuery, presentApiLog } from '../../schemas/access/apiLog.js';

const list = defineRoute({
  method: 'GET',
  path: '/v1/api-log',
  summary: 'Calls of machines and public edges, with what became of them',
  permission: 'log.read',
  query: apiLogQuery,
  reply: apiLogList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const filter = { ...ctx.query, createdAt: boundsOf(ctx.query, 'createdAt') };
    const rows = await ctx.read((tx) => listApiLog(tx, ctx.mode, filter, page));
    return ctx.list(rows, page, presentApiLog, (row) => ({ value: row.created_at, id: row.id }));
  },
});

export const apiLogRoutes: readonly Route[] = [list];
