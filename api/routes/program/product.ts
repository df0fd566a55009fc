import {
  attachProduct,
  deleteProduct,
  detachProduct,
  findProduct,
  findProgramProduct,
  insertProduct,
  lockProduct,
  productUses,
  setProgramProductActive,
  updateProduct,
} from '../../../db/program/product.js';
import { lockProductGroup } from '../../../db/program/productGroup.js';
import { findProgram, lockProgram } from '../../../db/program/program.js';
import { listProducts, listProgramProducts } from '../../../db/reads/program/productList.js';
import type { Tx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import type { ProductGroupId } from '../../../domain/ids.js';
import { judgeAddress } from '../../../domain/tracking/destination.js';
import type { Config } from '../../../platform/config.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  attachBody,
  attachedPatch,
  presentProduct,
  presentProgramProduct,
  productCreate,
  productList,
  productParams,
  productPatch,
  productQuery,
  productWire,
  programProductList,
  programProductParams,
  programProductQuery,
  programProductWire,
} from '../../schemas/program/product.js';
import { programParams } from '../../schemas/program/program.js';
import { noContent } from '../../schemas/wire.js';
import { addressRules } from '../tracking/destinationRules.js';
import { fieldRefusal } from './directDecision.js';

async function present<T>(found: Promise<T | undefined>): Promise<T> {
  const value = await found;
  if (value === undefined) throw new DomainError('resource.not_found');
  return value;
}

/** A product's page, judged; null clears it. */
function judgedUrl(url: string | null | undefined, config: Config): { readonly url?: string | null } {
  if (url === undefined) return {};
  if (url === null) return { url };
  const judged = judgeAddress(url, addressRules(config));
  if (!judged.ok) throw new DomainError('link.url_not_allowed', { field: 'url', problem: judged.problem });
  return { url: judged.url };
}

/** A group that is there and stays until this transaction ends; null is none. 422 for any other (PRG-13). */
export async function heldGroup(tx: Tx, groupId: ProductGroupId | null): Promise<ProductGroupId | null> {
  if (groupId !== null && (await lockProductGroup(tx, groupId)) === undefined)
    throw fieldRefusal('productGroupId', 'not_found', 'There is no such product group.');
  return groupId;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/products',
  permission: 'program.read',
  query: productQuery,
  reply: productList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const products = await ctx.read((tx) => listProducts(tx, ctx.query, page));
    return ctx.list(products, page, presentProduct, (product) => ({
      value: page.sort === 'name' ? product.name : product.createdAt,
      id: product.id,
    }));
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/products/:productId',
  permission: 'program.read',
  params: productParams,
  reply: productWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read(async (tx) => presentProduct(await present(findProduct(tx, ctx.params.productId)))),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/products',
  permission: 'program.write',
  body: productCreate,
  reply: productWire,
  status: 201,
  refuses: ['resource.already_exists', 'link.url_not_allowed'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const { body } = ctx;
      const product = await insertProduct(tx, act, {
        id: act.newId('product'),
        name: body.name,
        sku: body.sku ?? null,
        price: body.price ?? null,
        period: body.period ?? null,
        productGroupId: await heldGroup(tx, body.productGroupId ?? null),
        url: judgedUrl(body.url, deps.config).url ?? null,
        active: body.active ?? true,
      });
      return answer(presentProduct(product), { location: `/v1/products/${product.id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/products/:productId',
  permission: 'program.write',
  params: productParams,
  body: productPatch,
  reply: productWire,
  refuses: ['resource.not_found', 'resource.already_exists', 'link.url_not_allowed'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const product = await present(lockProduct(tx, ctx.params.productId));
      ctx.requireVersion(product.version);
      const { url, ...fields } = ctx.body;
      if (fields.productGroupId !== product.productGroupId) await heldGroup(tx, fields.productGroupId ?? null);
      return presentProduct(await updateProduct(tx, act, product, { ...fields, ...judgedUrl(url, deps.config) }));
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/products/:productId',
  permission: 'program.write',
  params: productParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const product = await present(lockProduct(tx, ctx.params.productId));
      ctx.requireVersion(product.version);
      const usedBy = await productUses(tx, product.id, act.now);
      if (usedBy.length > 0) throw new DomainError('resource.in_use', { usedBy });
      await deleteProduct(tx, act, product);
      return undefined;
    }),
});

const listAttached = defineRoute({
  method: 'GET',
  path: '/v1/programs/:programId/products',
  permission: 'program.read',
  params: programParams,
  query: programProductQuery,
  reply: programProductList,
  refuses: ['resource.not_found'],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const { programId } = ctx.params;
    return ctx.read(async (tx) => {
      await present(findProgram(tx, programId));
      const attached = await listProgramProducts(tx, programId, page);
      return ctx.list(
        attached,
        page,
        (one) => presentProgramProduct(programId, one),
        (one) => ({ value: one.attachedAt, id: one.product.id }),
      );
    });
  },
});

const attach = defineRoute({
  method: 'POST',
  path: '/v1/programs/:programId/products',
  permission: 'program.write',
  params: programParams,
  body: attachBody,
  reply: programProductWire,
  status: 201,
  refuses: ['resource.not_found', 'resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { programId } = ctx.params;
      await present(lockProgram(tx, programId));
      const product = await lockProduct(tx, ctx.body.productId);
      if (product === undefined) throw fieldRefusal('productId', 'not_found', 'No such product.');
      if ((await findProgramProduct(tx, programId, product.id)) !== undefined)
        throw new DomainError('resource.already_exists', { field: 'productId', existingId: product.id });
      await attachProduct(tx, act, programId, product.id);
      const attached = await present(findProgramProduct(tx, programId, product.id));
      return answer(presentProgramProduct(programId, attached), {
        location: `/v1/programs/${programId}/products/${product.id}`,
      });
    }),
});

const editAttached = defineRoute({
  method: 'PATCH',
  path: '/v1/programs/:programId/products/:productId',
  permission: 'program.write',
  params: programProductParams,
  body: attachedPatch,
  reply: programProductWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { programId, productId } = ctx.params;
      await present(lockProgram(tx, programId));
      const attached = await present(findProgramProduct(tx, programId, productId));
      if (attached.active !== ctx.body.active)
        await setProgramProductActive(tx, act, programId, productId, ctx.body.active);
      return presentProgramProduct(programId, { ...attached, active: ctx.body.active });
    }),
});

const detach = defineRoute({
  method: 'DELETE',
  path: '/v1/programs/:programId/products/:productId',
  permission: 'program.write',
  params: programProductParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { programId, productId } = ctx.params;
      await present(lockProgram(tx, programId));
      await present(findProgramProduct(tx, programId, productId));
      await detachProduct(tx, act, programId, productId);
      return undefined;
    }),
});

export const productRoutes: readonly Route[] = [
  list,
  get,
  create,
  edit,
  remove,
  listAttached,
  attach,
  editAttached,
  detach,
];
