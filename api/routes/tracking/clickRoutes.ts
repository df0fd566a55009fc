import { findClickView, listClicks } from '../../../db/reads/tracking/clickList.js';
import { DomainError } from '../../../domain/errors.js';
import { boundsOf } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import { clickList, clickParams, clickQuery, clickWire, presentClick } from '../../schemas/tracking/click.js';

export const listClicksRoute = defineRoute({
  method: 'GET',
  path: '/v1/clicks',
  permission: 'link.read',
  query: clickQuery,
  reply: clickList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const filter = { ...ctx.query, createdAt: boundsOf(ctx.query, 'createdAt') };
    const rows = await ctx.read((tx) => listClicks(tx, ctx.scope, ctx.mode, filter, page));
    const reader = { seesPeople: ctx.can('pii.read') };
    return ctx.list(
      rows,
      page,
      (row) => presentClick(row, reader),
      (row) => ({ value: row.created_at, id: row.id }),
    );
  },
});

export const getClickRoute = defineRoute({
  method: 'GET',
  path: '/v1/clicks/:clickId',
  permission: 'link.read',
  params: clickParams,
  reply: clickWire,
  refuses: ['resource.not_found'],
  async handle(ctx) {
    const row = await ctx.read((tx) => findClickView(tx, ctx.scope, ctx.mode, ctx.params.clickId));
    if (row === undefined) throw new DomainError('resource.not_found');
    return presentClick(row, { seesPeople: ctx.can('pii.read') });
  },
});

export const clickRoutes: readonly Route[] = [listClicksRoute, getClickRoute];
