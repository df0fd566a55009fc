import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { findProgram } from '../../../db/program/program.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { type CouponView, findCouponView, listCoupons } from '../../../db/reads/tracking/couponList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { deleteCoupon, insertCoupon, lockCoupon, updateCoupon } from '../../../db/tracking/coupon.js';
import { DomainError } from '../../../domain/errors.js';
import type { Coupon } from '../../../domain/tracking/coupon.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  couponCreate,
  couponList,
  couponParams,
  couponPatch,
  couponQuery,
  couponWire,
  ownCouponQuery,
  presentCoupon,
} from '../../schemas/tracking/coupon.js';
import { noContent } from '../../schemas/wire.js';
import { portalRefusals, requireOwn } from '../affiliate/ownRecord.js';
import { fieldRefusal } from '../program/directDecision.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'scope'>;

async function requireCoupon(ctx: Asking, tx: ReadTx | Tx, id: string): Promise<CouponView> {
  const view = await findCouponView(tx, id);
  if (view === undefined) throw new DomainError('resource.not_found');
  await requireAffiliateInScope(tx, { id: view.coupon.affiliateId, managerId: view.managerId }, ctx.scope);
  return view;
}

/** The affiliate that a code is to credit: known, in the caller's scope, not gone for good. */
async function requireOwner(ctx: Asking, tx: Tx, affiliateId: string): Promise<void> {
  const affiliate = await findAffiliate(tx, affiliateId);
  if (affiliate === undefined) throw fieldRefusal('affiliateId', 'not_found', 'No such affiliate.');
  await requireAffiliateInScope(tx, affiliate, ctx.scope);
}

async function requireProgram(tx: Tx, programId: string): Promise<void> {
  if ((await findProgram(tx, programId)) === undefined)
    throw fieldRefusal('programId', 'not_found', 'No such program.');
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/coupons',
  permission: 'link.read',
  query: couponQuery,
  reply: couponList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) =>
      ctx.list(
        await listCoupons(tx, ctx.scope, ctx.query, page),
        page,
        (view) => presentCoupon(view, now),
        ({ coupon }) => ({ value: page.sort === 'code' ? coupon.code : coupon.createdAt, id: coupon.id }),
      ),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/coupons/:couponId',
  permission: 'link.read',
  params: couponParams,
  reply: couponWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) => ctx.read(async (tx, now) => presentCoupon(await requireCoupon(ctx, tx, ctx.params.couponId), now)),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/coupons',
  permission: 'link.write',
  body: couponCreate,
  reply: couponWire,
  status: 201,
  refuses: ['access.not_in_scope', 'resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { code, affiliateId, programId, validFrom = null, validTo = null, active = true } = ctx.body;
      await requireOwner(ctx, tx, affiliateId);
      await requireProgram(tx, programId);
      const id = act.newId('coupon');
      await insertCoupon(tx, act, { id, code, affiliateId, programId, validFrom, validTo, active });
      return answer(presentCoupon(await requireCoupon(ctx, tx, id), act.now), { location: `/v1/coupons/${id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/coupons/:couponId',
  permission: 'link.write',
  params: couponParams,
  body: couponPatch,
  reply: couponWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const coupon = await lockOwn(ctx, tx);
      const { affiliateId, programId } = ctx.body;
      if (affiliateId !== undefined) await requireOwner(ctx, tx, affiliateId);
      if (programId !== undefined) await requireProgram(tx, programId);
      const { validFrom, validTo } = { ...coupon, ...ctx.body };
      if (validFrom !== null && validTo !== null && validFrom >= validTo)
        throw fieldRefusal('validTo', 'out_of_range', 'After validFrom.');
      await updateCoupon(tx, act, coupon, ctx.body);
      return presentCoupon(await requireCoupon(ctx, tx, coupon.id), act.now);
    }),
});

async function lockOwn(
  ctx: Asking & Pick<RouteContext<{ couponId: string }, unknown, unknown, unknown>, 'params' | 'requireVersion'>,
  tx: Tx,
): Promise<Coupon> {
  await requireCoupon(ctx, tx, ctx.params.couponId);
  const coupon = await lockCoupon(tx, ctx.params.couponId);
  if (coupon === undefined) throw new DomainError('resource.not_found');
  ctx.requireVersion(coupon.version);
  return coupon;
}

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/coupons/:couponId',
  permission: 'link.write',
  params: couponParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await deleteCoupon(tx, act, await lockOwn(ctx, tx));
      return undefined;
    }),
});

const listOwn = defineRoute({
  method: 'GET',
  path: '/v1/me/coupons',
  summary: 'Own codes',
  permission: 'me.read',
  query: ownCouponQuery,
  reply: couponList,
  refuses: portalRefusals,
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      return ctx.list(
        await listCoupons(tx, ctx.scope, ctx.query, page),
        page,
        (view) => presentCoupon(view, now),
        ({ coupon }) => ({ value: page.sort === 'code' ? coupon.code : coupon.createdAt, id: coupon.id }),
      );
    });
  },
});

export const couponRoutes: readonly Route[] = [list, get, create, edit, remove, listOwn];
