import { readCommissionStory } from '../../../db/reads/earning/commissionExplanation.js';
import {
  type CommissionView,
  getCommissionView,
  listCommissions,
  listCommissionViews,
  sumCommissions,
} from '../../../db/reads/earning/commissionList.js';
import { listOwnRefunds, sumOwnRefunds } from '../../../db/reads/earning/ownRefundList.js';
import { findDraftPayouts, listExpected, listPublicReasons } from '../../../db/reads/earning/publicReasons.js';
import {
  countReferrals,
  listReferrals,
  requireReferral,
  type ReferralView,
  viewReferral,
} from '../../../db/reads/earning/referralList.js';
import { listOwnPurchases } from '../../../db/reads/earning/ownPurchases.js';
import { readReferralTerms } from '../../../db/reads/earning/referralTerms.js';
import type { ReadTx } from '../../../db/transaction.js';
import { assertInvariant } from '../../../domain/errors.js';
import type { Instant } from '../../../domain/time.js';
import { boundsOf } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { commissionParams, explanationWire } from '../../schemas/earning/commission.js';
import {
  ownCommissionList,
  ownCommissionQuery,
  ownReferralList,
  ownReferralQuery,
  ownReferralDetailWire,
  ownRefundList,
  ownRefundQuery,
  presentOwnCommission,
  presentOwnExplanation,
  presentOwnPurchase,
  presentOwnReferral,
  presentOwnRefund,
} from '../../schemas/earning/ownEarning.js';
import { referralParams } from '../../schemas/earning/referral.js';
import { ownId, ownSearch, portalRefusals, requireOwn, shownCustomers } from '../affiliate/ownRecord.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'caller' | 'scope' | 'workspaceId'>;

/** The line with no more of the customer than whoever looks may see. */
function shownLine(ctx: Pick<Asking, 'caller'>, view: CommissionView): CommissionView {
  return { ...view, customerVisibility: shownCustomers(ctx, view.customerVisibility) };
}

/** Presents referrals with the affiliate's own lines and the reasons it may read. */
async function presenterOf(tx: ReadTx, ctx: Asking, now: Instant, views: readonly ReferralView[]) {
  const ids = views.map(({ referral }) => referral.id);
  const lines = await listExpected(tx, ownId(ctx), ids);
  const reasons = await listPublicReasons(tx, ids);
  return (view: ReferralView) =>
    presentOwnReferral(
      { ...view, terms: { ...view.terms, customerVisibility: shownCustomers(ctx, view.terms.customerVisibility) } },
      { workspaceId: ctx.workspaceId, now },
      {
        lines: lines.filter((line) => line.referralId === view.referral.id),
        reason: reasons.get(view.referral.id),
      },
    );
}

const referrals = defineRoute({
  method: 'GET',
  path: '/v1/me/referrals',
  summary: 'Own referrals, in plain words; customers as the program allows',
  permission: 'me.read',
  query: ownReferralQuery,
  reply: ownReferralList,
  refuses: portalRefusals,
  handle(ctx) {
    const { query } = ctx;
    const page = ctx.page(query);
    const { q: _word, ...asked } = query;
    return ctx.read(async (tx, now) => {
      const { settings } = await requireOwn(tx, ctx, now);
      const filter = { ...asked, createdAt: boundsOf(query, 'createdAt'), own: ownSearch(ctx, settings) };
      const views = await listReferrals(tx, ctx, filter, page);
      const counts =
        query.include?.includes('counts') === true ? { counts: await countReferrals(tx, ctx, filter) } : {};
      const data = ctx.list(views, page, await presenterOf(tx, ctx, now, views), ({ referral }) => ({
        value: referral.createdAt,
        id: referral.id,
      }));
      return { ...data, ...counts };
    });
  },
});

const referral = defineRoute({
  method: 'GET',
  path: '/v1/me/referrals/:referralId',
  permission: 'me.read',
  params: referralParams,
  reply: ownReferralDetailWire,
  refuses: ['resource.not_found', ...portalRefusals],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      const view = await viewReferral(tx, await requireReferral(tx, ctx, ctx.params.referralId));
      const { id, programId } = view.referral;
      const terms = await readReferralTerms(tx, programId);
      const purchases = await listOwnPurchases(tx, {
        referralId: id,
        affiliateId: ownId(ctx),
        showsDeclined: terms.showDeclinedCharges,
        showsHistory: terms.showPurchaseHistory,
      });
      return {
        ...(await presenterOf(tx, ctx, now, [view]))(view),
        purchases: purchases.map(presentOwnPurchase),
      };
    }),
});

const commissions = defineRoute({
  method: 'GET',
  path: '/v1/me/commissions',
  summary: 'Own earnings',
  permission: 'me.read',
  query: ownCommissionQuery,
  reply: ownCommissionList,
  refuses: portalRefusals,
  handle(ctx) {
    const { query } = ctx;
    const page = ctx.page(query);
    const { q: _word, ...asked } = query;
    const bounds = { eligibleAt: boundsOf(query, 'eligibleAt'), createdAt: boundsOf(query, 'createdAt') };
    return ctx.read(async (tx, now) => {
      const { affiliate, settings } = await requireOwn(tx, ctx, now);
      const filter = { ...asked, ...bounds, own: ownSearch(ctx, settings) };
      const of = { scope: ctx.scope, mode: ctx.mode, filter };
      const views = await listCommissions(tx, { ...of, now }, page);
      const reasons = await listPublicReasons(
        tx,
        views.map(({ commission }) => commission.id),
      );
      const drafts = await findDraftPayouts(
        tx,
        views.flatMap(({ payoutId }) => payoutId ?? []),
      );
      const data = ctx.list(
        views,
        page,
        (view) =>
          presentOwnCommission(shownLine(ctx, view), {
            reason: reasons.get(view.commission.id),
            isInDraft: view.payoutId !== null && drafts.has(view.payoutId),
            seesSubIds: affiliate.subIdAccess,
          }),
        ({ commission }) => ({ value: commission.createdAt, id: commission.id }),
      );
      if (query.include === undefined) return data;
      const { counts, sums } = await sumCommissions(tx, of);
      return {
        ...data,
        ...(query.include.includes('counts')
          ? { counts: { total: counts.total, byStatus: { ...counts.byStatus } } }
          : {}),
        ...(query.include.includes('sums') ? { sums: [...sums] } : {}),
      };
    });
  },
});

const refunds = defineRoute({
  method: 'GET',
  path: '/v1/me/refunds',
  summary: 'What refunds and chargebacks took from own earnings, before and after they were paid',
  permission: 'me.read',
  query: ownRefundQuery,
  reply: ownRefundList,
  refuses: portalRefusals,
  handle(ctx) {
    const { query } = ctx;
    const page = ctx.page(query);
    return ctx.read(async (tx, now) => {
      const { affiliate, settings } = await requireOwn(tx, ctx, now);
      const { programId, effect } = query;
      const filter = {
        own: ownSearch(ctx, settings),
        affiliateId: affiliate.id,
        mode: ctx.mode,
        programId,
        effect,
        createdAt: boundsOf(query, 'createdAt'),
      };
      const found = await listOwnRefunds(tx, filter, page);
      const of = { scope: ctx.scope, mode: ctx.mode, now };
      const lines = await listCommissionViews(
        tx,
        of,
        found.map(({ commissionId }) => commissionId),
      );
      const data = ctx.list(
        found,
        page,
        (refund) => presentOwnRefund(refund, shownLine(ctx, lineOf(lines, refund.commissionId))),
        ({ at, id }) => ({ value: at, id }),
      );
      if (query.include === undefined) return data;
      const { counts, sums } = await sumOwnRefunds(tx, filter);
      return {
        ...data,
        ...(query.include.includes('counts') ? { counts } : {}),
        ...(query.include.includes('sums') ? { sums } : {}),
      };
    });
  },
});

function lineOf(lines: ReadonlyMap<string, CommissionView>, id: string): CommissionView {
  const line = lines.get(id);
  assertInvariant(line !== undefined, 'a loss is of a line that is there', { id });
  return line;
}

const explanation = defineRoute({
  method: 'GET',
  path: '/v1/me/commissions/:commissionId/explanation',
  permission: 'me.read',
  params: commissionParams,
  reply: explanationWire,
  refuses: ['resource.not_found', ...portalRefusals],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      const of = { scope: ctx.scope, mode: ctx.mode, now };
      const view = await getCommissionView(tx, of, ctx.params.commissionId);
      return presentOwnExplanation(shownLine(ctx, view), await readCommissionStory(tx, view.commission));
    }),
});

/** The portal's referrals and earnings (api.md 17). */
export const ownEarningRoutes: readonly Route[] = [referrals, referral, commissions, refunds, explanation];
