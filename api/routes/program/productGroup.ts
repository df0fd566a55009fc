import {
  deleteProductGroup,
  insertProductGroup,
  lockProductGroup,
  productGroupUses,
  renameProductGroup,
} from '../../../db/program/productGroup.js';
import { findCountedProductGroup, listProductGroups } from '../../../db/reads/program/productGroupList.js';
import { DomainError } from '../../../domain/errors.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  presentProductGroup,
  productGroupBody,
  productGroupList,
  productGroupParams,
  productGroupPatch,
  productGroupQuery,
  productGroupWire,
} from '../../schemas/program/productGroup.js';
import { noContent } from '../../schemas/wire.js';

async function present<T>(found: Promise<T | undefined>): Promise<T> {
  const value = await found;
  if (value === undefined) throw new DomainError('resource.not_found');
  return value;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/product-groups',
  permission: 'program.read',
  query: productGroupQuery,
  reply: productGroupList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const groups = await ctx.read((tx) => listProductGroups(tx, ctx.query, page));
    return ctx.list(groups, page, presentProductGroup, (group) => ({
      value: page.sort === 'name' ? group.name : group.createdAt,
      id: group.id,
    }));
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/product-groups/:productGroupId',
  permission: 'program.read',
  params: productGroupParams,
  reply: productGroupWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => presentProductGroup(await present(findCountedProductGroup(tx, ctx.params.productGroupId)))),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/product-groups',
  permission: 'program.write',
  body: productGroupBody,
  reply: productGroupWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const group = await insertProductGroup(tx, act, { id: act.newId('productGroup'), name: ctx.body.name });
      return answer(presentProductGroup({ ...group, productCount: 0, promoToolCount: 0 }), {
        location: `/v1/product-groups/${group.id}`,
      });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/product-groups/:productGroupId',
  permission: 'program.write',
  params: productGroupParams,
  body: productGroupPatch,
  reply: productGroupWire,
  refuses: ['resource.not_found', 'resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const group = await present(lockProductGroup(tx, ctx.params.productGroupId));
      ctx.requireVersion(group.version);
      await renameProductGroup(tx, act, group, ctx.body.name ?? group.name);
      return presentProductGroup(await present(findCountedProductGroup(tx, group.id)));
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/product-groups/:productGroupId',
  permission: 'program.write',
  params: productGroupParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const group = await present(lockProductGroup(tx, ctx.params.productGroupId));
      ctx.requireVersion(group.version);
      const usedBy = await productGroupUses(tx, group.id);
      if (usedBy.length > 0) throw new DomainError('resource.in_use', { usedBy });
      await deleteProductGroup(tx, act, group);
      return undefined;
    }),
});

export const productGroupRoutes: readonly Route[] = [list, get, create, edit, remove];
