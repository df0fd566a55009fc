import { createDraft } from '../../../activities/payout/payout.js';
import { readWorkspaceZone } from '../../../db/reads/payout/payoutStep.js';
import { listHolders } from '../../../db/reads/payout/payoutControls.js';
import { readDueDates } from '../../../db/reads/payout/dueDates.js';
import { listOwedAsOf } from '../../../db/reads/payout/owedAsOf.js';
import { listPlanAffiliates, readPlanInputs, planOfEverybody } from '../../../db/reads/payout/payoutPlan.js';
import { findAffiliateNames } from '../../../db/reads/payout/payoutRunPreview.js';
import {
  findPayoutView,
  listAttemptViews,
  listLineViews,
  listPayoutViews,
  sumPayouts,
  type PayoutView,
  standingOf,
} from '../../../db/reads/payout/payoutView.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { listConnected } from '../../../db/payout/gateway.js';
import type { Permission } from '../../../domain/access/permission.js';
import { dateIn } from '../../../domain/calendar.js';
import { DomainError, type DomainErrorCode } from '../../../domain/errors.js';
import type { AffiliateId, PayoutId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import { decidePayoutMove, payoutActions, type PayoutEvent } from '../../../domain/payout/payout.js';
import { planPayouts, secondPersonAmong } from '../../../domain/payout/payoutRun.js';
import { epochMs } from '../../../domain/time.js';
import { type PayoutVerb, workflowIds } from '../../../workflows/contract.js';
import { asOfOrNow } from '../../asOf.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { decide } from '../../decide.js';
import type { ApiDeps } from '../../deps.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  attemptList,
  dueList,
  dueQuery,
  markPaidBody,
  payoutCreate,
  payoutFilterOf,
  payoutLineList,
  payoutList,
  payoutParams,
  payoutQuery,
  payoutWire,
  presentAttempt,
  presentLine,
  presentOwed,
  presentPayout,
  resolveBody,
} from '../../schemas/payout/payout.js';
import { decisionBody, type DecisionReason, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';
import { gatewayPolicyOf } from './gatewayPolicy.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'mode'>;

const rightFor: Readonly<Record<string, Permission>> = {
  approve: 'payout.approve',
  retry: 'payout.execute',
};

async function requirePayout(tx: ReadTx | Tx, ctx: Pick<Asking, 'mode'>, id: PayoutId): Promise<PayoutView> {
  const payout = await findPayoutView(tx, ctx.mode, id);
  if (payout === undefined) throw new DomainError('resource.not_found');
  return payout;
}

async function presentOne(ctx: Asking, tx: ReadTx | Tx, payout: PayoutView) {
  return presentTo(ctx, await listHolders(tx, 'payout.approve'), payout);
}

/** With those who may approve, read once for all payouts of a list. */
function presentTo(ctx: Asking, holders: readonly string[], payout: PayoutView) {
  const actions = payoutActions(standingOf(payout)).filter((action) => ctx.can(rightFor[action] ?? 'payout.settle'));
  return presentPayout(payout, secondPersonAmong(holders, payout), actions);
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/payouts',
  permission: 'payout.read',
  query: payoutQuery,
  reply: payoutList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    const filter = payoutFilterOf(ctx.mode, ctx.query);
    const { include } = ctx.query;
    return ctx.read(async (tx) => {
      const [holders, rows] = await Promise.all([listHolders(tx, 'payout.approve'), listPayoutViews(tx, filter, page)]);
      const { data, nextCursor } = ctx.list(
        rows,
        page,
        (row) => row,
        ({ createdAt, id }) => ({ value: createdAt, id }),
      );
      const shown = { data: data.map((row) => presentTo(ctx, holders, row)), nextCursor };
      if (include === undefined) return shown;
      const { counts, sums } = await sumPayouts(tx, filter);
      return {
        ...shown,
        ...(include.includes('counts') ? { counts: { total: counts.total, byStatus: { ...counts.byStatus } } } : {}),
        ...(include.includes('sums') ? { sums: [...sums] } : {}),
      };
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/payouts/:payoutId',
  permission: 'payout.read',
  params: payoutParams,
  reply: payoutWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read(async (tx) => presentOne(ctx, tx, await requirePayout(tx, ctx, ctx.params.payoutId))),
});

const lines = defineRoute({
  method: 'GET',
  path: '/v1/payouts/:payoutId/lines',
  permission: 'payout.read',
  params: payoutParams,
  reply: payoutLineList,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const payout = await requirePayout(tx, ctx, ctx.params.payoutId);
      return { data: (await listLineViews(tx, payout.id)).map(presentLine), nextCursor: null };
    }),
});

const attempts = defineRoute({
  method: 'GET',
  path: '/v1/payouts/:payoutId/attempts',
  permission: 'payout.read',
  params: payoutParams,
  reply: attemptList,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const payout = await requirePayout(tx, ctx, ctx.params.payoutId);
      return { data: (await listAttemptViews(tx, payout.id)).map(presentAttempt), nextCursor: null };
    }),
});

/** Who is due, per affiliate and currency: the plan's judgement of now, without a run; or with `asOf` what was owed to whom then (BEY-12). */
const due = defineRoute({
  method: 'GET',
  path: '/v1/payouts/due',
  permission: 'payout.read',
  query: dueQuery,
  reply: dueList,
  refuses: [],
  handle(ctx, deps) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      const asOf = await asOfOrNow(tx, ctx.query.asOf);
      if (asOf !== null) {
        const [affiliateId = '', currency = ''] = page.after?.id.split(' ') ?? [];
        const rows = await listOwedAsOf(
          tx,
          { mode: ctx.mode, asOf, q: ctx.query.q },
          {
            after:
              page.after === null
                ? null
                : { affiliateId: affiliateId as AffiliateId, currency: currency as CurrencyCode },
            limit: page.limit + 1,
          },
        );
        return ctx.list(rows, page, presentOwed, (row) => {
          const id = `${row.affiliateId} ${row.currency}`;
          return { value: id, id };
        });
      }
      const scope = planOfEverybody(ctx.mode, now);
      const ids = await listPlanAffiliates(tx, scope, {
        after: page.after?.id ?? null,
        q: ctx.query.q,
        limit: page.limit + 1,
        lock: false,
      });
      const shown = ids.slice(0, page.limit);
      const names = await findAffiliateNames(tx, shown);
      const rows = planPayouts(await readPlanInputs(tx, scope, shown, false), {
        now,
        nowMs: epochMs(now),
        mode: ctx.mode,
        gateways: gatewayPolicyOf(deps),
        connected: await listConnected(tx, ctx.mode),
        msOf: epochMs,
      });
      const zone = await readWorkspaceZone(tx);
      const datesOf = await readDueDates(tx, {
        mode: ctx.mode,
        affiliateIds: shown,
        zone,
        today: dateIn(zone, now),
      });
      const { nextCursor } = ctx.list(
        ids,
        page,
        (id) => id,
        (id) => ({ value: id, id }),
      );
      return {
        data: rows.map((row) => ({
          object: 'payout_due' as const,
          affiliateId: row.affiliateId,
          name: names.get(row.affiliateId) ?? '',
          currency: row.currency,
          amount: { minor: row.netMinor, currency: row.currency },
          commissions: row.commissionCount,
          payable: row.outcome === 'paid',
          reasons: row.reasons.map((reason) => reason.code),
          ...(row.outcome === 'paid' ? datesOf(row.affiliateId, row.currency) : { dueOn: null, overdueSince: null }),
        })),
        nextCursor,
      };
    });
  },
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/payouts',
  permission: 'payout.prepare',
  idempotency: 'required',
  body: payoutCreate,
  reply: payoutWire,
  status: 201,
  refuses: ['payout.nothing_to_pay', 'payout.in_open_payout', 'resource.not_found'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const payoutId = await createDraft(tx, act, { ...ctx.body, gateways: gatewayPolicyOf(deps) });
      return answer(await presentOne(ctx, tx, await requirePayout(tx, ctx, payoutId)), {
        location: `/v1/payouts/${payoutId}`,
      });
    }),
});

const eventOf: Readonly<Partial<Record<PayoutVerb, PayoutEvent>>> = {
  approve: 'approved',
  returnToDraft: 'returnedToDraft',
  cancel: 'cancelled',
};

type PayoutContext<B> = RouteContext<{ payoutId: PayoutId }, unknown, B, Awaited<ReturnType<typeof presentOne>>>;

function decidePayout<B>(
  ctx: PayoutContext<B>,
  deps: ApiDeps,
  verb: PayoutVerb,
  reason: DecisionReason,
  params: Readonly<Record<string, unknown>> = {},
) {
  const { payoutId } = ctx.params;
  const ref = { workspaceId: ctx.workspaceId, payoutId };
  return decide(ctx, deps, {
    verb,
    objectType: 'payout',
    objectId: payoutId,
    workflowType: 'payout',
    workflowId: workflowIds.payout(ref),
    signal: verb,
    input: ref,
    reason,
    params,
    check: async (tx) => {
      const payout = await requirePayout(tx, ctx, payoutId);
      const event = eventOf[verb];
      const verdict = event === undefined ? undefined : decidePayoutMove(payout, standingOf(payout), event);
      if (verdict?.kind !== 'refused') return;
      const { decidedById, ...rest } = verdict.params;
      const user =
        typeof decidedById === 'string'
          ? await tx('users').where({ id: decidedById }).first<{ id: string; name: string } | undefined>('id', 'name')
          : undefined;
      throw new DomainError(verdict.code, decidedById === undefined ? rest : { ...rest, decidedBy: user ?? null });
    },
    present: async (tx) => presentOne(ctx, tx, await requirePayout(tx, ctx, payoutId)),
  });
}

const refusals: readonly DomainErrorCode[] = [
  'resource.not_found',
  'payout.transition_not_allowed',
  'payout.already_decided',
  'payout.attempt_open',
];

const approve = defineRoute({
  method: 'POST',
  path: '/v1/payouts/:payoutId/approve',
  permission: 'payout.approve',
  idempotency: 'required',
  stepUp: true,
  params: payoutParams,
  body: decisionBody,
  reply: payoutWire,
  refuses: [...refusals, 'access.own_work'],
  handle: (ctx, deps) => decidePayout(ctx, deps, 'approve', reasonOf(ctx.body)),
});

const markPaid = defineRoute({
  method: 'POST',
  path: '/v1/payouts/:payoutId/mark-paid',
  permission: 'payout.settle',
  idempotency: 'required',
  stepUp: true,
  params: payoutParams,
  body: markPaidBody,
  reply: payoutWire,
  refuses: [...refusals, 'access.own_work'],
  async handle(ctx, deps) {
    const today = await ctx.read(async (tx, now) => dateIn(await readWorkspaceZone(tx), now));
    if (ctx.body.paidOn > today)
      throw invalid({ pointer: '#/paidOn', code: 'out_of_range', detail: 'Not in the future.' });
    return decidePayout(ctx, deps, 'markPaid', reasonOf({}), { ...ctx.body });
  },
});

function settle(path: string, verb: PayoutVerb, body: typeof decisionBody | typeof negativeDecisionBody): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/payouts/:payoutId/${path}`,
    permission: 'payout.settle',
    params: payoutParams,
    body,
    reply: payoutWire,
    refuses: refusals,
    handle: (ctx, deps) => decidePayout(ctx, deps, verb, reasonOf(ctx.body)),
  });
}

const retry = defineRoute({
  method: 'POST',
  path: '/v1/payouts/:payoutId/retry',
  permission: 'payout.execute',
  idempotency: 'required',
  stepUp: true,
  params: payoutParams,
  body: decisionBody,
  reply: payoutWire,
  refuses: [...refusals, 'payout.payouts_frozen'],
  handle: (ctx, deps) => decidePayout(ctx, deps, 'retry', reasonOf(ctx.body)),
});

const resolve = defineRoute({
  method: 'POST',
  path: '/v1/payouts/:payoutId/resolve',
  permission: 'payout.settle',
  idempotency: 'required',
  stepUp: true,
  params: payoutParams,
  body: resolveBody,
  reply: payoutWire,
  refuses: [...refusals, 'access.own_work'],
  // The evidence is the decision's note: it may hold anything a person writes, so it stays out of params and of Temporal.
  handle: (ctx, deps) =>
    decidePayout(ctx, deps, 'resolve', reasonOf({ reason: ctx.body.evidence }), { outcome: ctx.body.outcome }),
});

export const payoutRoutes: readonly Route[] = [
  due,
  list,
  create,
  get,
  lines,
  attempts,
  approve,
  markPaid,
  settle('return-to-draft', 'returnToDraft', negativeDecisionBody),
  settle('cancel', 'cancel', negativeDecisionBody),
  settle('lookup', 'lookup', decisionBody),
  settle('hold', 'hold', negativeDecisionBody),
  settle('release', 'release', decisionBody),
  retry,
  resolve,
];
