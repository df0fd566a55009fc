import { z } from 'zod';
import {
  deleteSavedView,
  findSavedView,
  insertSavedView,
  listSavedViews,
  lockOwnView,
  updateSavedView,
} from '../../../db/access/savedView.js';
import { DomainError } from '../../../domain/errors.js';
import type { UserId } from '../../../domain/ids.js';
import type { Caller } from '../../auth.js';
import { anyText, listQuery } from '../../lists.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import { newSavedViewBody, presentSavedView, savedViewPatch, savedViewWire } from '../../schemas/access/savedView.js';
import { idWire, listOf, noContent } from '../../schemas/wire.js';

const viewParams = z.strictObject({ viewId: idWire('savedView') });
const notFound = (): DomainError => new DomainError('resource.not_found');

/** A key acts for the person who made it: their views. */
function personOf(caller: Caller): UserId {
  const { userId } = caller.actor;
  if (userId === null) throw new DomainError('access.unauthenticated');
  return userId as UserId;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/saved-views',
  summary: 'Own views of a list, and those that colleagues shared',
  permission: 'staff',
  query: listQuery({ screen: anyText() }, { sort: ['createdAt', 'name'] }),
  reply: listOf(savedViewWire),
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const page = ctx.page(ctx.query);
      const { screen } = ctx.query;
      const me = personOf(ctx.caller);
      const views = await listSavedViews(tx, me, page, screen === undefined ? {} : { screen });
      return ctx.list(
        views,
        page,
        (view) => presentSavedView(view, me),
        (view) => ({ value: page.sort === 'name' ? view.name : view.createdAt, id: view.id }),
      );
    }),
});

const getOne = defineRoute({
  method: 'GET',
  path: '/v1/saved-views/:viewId',
  summary: 'One view',
  permission: 'staff',
  params: viewParams,
  reply: savedViewWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const me = personOf(ctx.caller);
      const view = await findSavedView(tx, me, ctx.params.viewId);
      if (view === undefined) throw notFound();
      return presentSavedView(view, me);
    }),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/saved-views',
  summary: 'Keep a view of a list',
  permission: 'staff',
  body: newSavedViewBody,
  reply: savedViewWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const userId = personOf(ctx.caller);
      const view = await insertSavedView(tx, act, { ...ctx.body, id: deps.newId('savedView'), userId });
      return answer(presentSavedView(view, userId), { location: `/v1/saved-views/${view.id}` });
    }),
});

const patch = defineRoute({
  method: 'PATCH',
  path: '/v1/saved-views/:viewId',
  summary: 'Change a view of ones own',
  permission: 'staff',
  params: viewParams,
  body: savedViewPatch,
  reply: savedViewWire,
  refuses: ['resource.not_found', 'resource.already_exists', 'request.version_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const me = personOf(ctx.caller);
      const view = await lockOwnView(tx, me, ctx.params.viewId);
      if (view === undefined) throw notFound();
      ctx.requireVersion(view.version);
      const { name = view.name, query = view.query, shared = view.shared, isDefault = view.isDefault } = ctx.body;
      const next = await updateSavedView(tx, act, view, { screen: view.screen, name, query, shared, isDefault });
      return presentSavedView(next, me);
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/saved-views/:viewId',
  summary: 'Forget a view of ones own',
  permission: 'staff',
  params: viewParams,
  reply: noContent,
  refuses: ['resource.not_found', 'request.version_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const view = await lockOwnView(tx, personOf(ctx.caller), ctx.params.viewId);
      if (view === undefined) throw notFound();
      ctx.requireVersion(view.version);
      await deleteSavedView(tx, act, view);
      return undefined;
    }),
});

export const savedViewRoutes: readonly Route[] = [list, getOne, create, patch, remove];
