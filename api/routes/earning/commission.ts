import { addEntry, adjustCommission, decideEntry } from '../../../activities/earning/adjustment.js';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { recordDirectDecision, refusalWithHistory } from '../../../db/audit/directDecision.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { findProgram } from '../../../db/program/program.js';
import { listCommissionChanges, readCommissionStory } from '../../../db/reads/earning/commissionExplanation.js';
import {
  type CommissionView,
  getCommissionView,
  listCommissions,
  sumCommissions,
} from '../../../db/reads/earning/commissionList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { commissionActions } from '../../../domain/earning/commission.js';
import { DomainError, type DomainErrorCode } from '../../../domain/errors.js';
import type { ReferralId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { nudge, type ReferralVerb, workflowIds } from '../../../workflows/contract.js';
import { boundsOf } from '../../lists.js';
import { answer } from '../../answer.js';
import { decide } from '../../decide.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  adjustBody,
  changeList,
  commissionList,
  commissionParams,
  commissionQuery,
  type CommissionReader,
  type CommissionReply,
  commissionWire,
  entryCreate,
  explanationWire,
  presentChanges,
  presentCommission,
  presentExplanation,
} from '../../schemas/earning/commission.js';
import { presentOwnExplanation } from '../../schemas/earning/ownEarning.js';
import { decisionBody, type DecisionReason, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';
import { fieldRefusal } from '../program/directDecision.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller' | 'mode' | 'scope' | 'scopeFor'>;

function readerOf(ctx: Asking): CommissionReader {
  return { isAffiliate: ctx.caller.audience === 'affiliate', seesPeople: ctx.can('pii.read') };
}

function actionsFor(ctx: Asking, view: CommissionView): readonly string[] {
  if (ctx.caller.audience === 'affiliate') return [];
  const inPayout = view.payoutId !== null;
  return commissionActions(view.commission, view.blockers, view.isReplaced).filter((action) => {
    if (!ctx.can(action === 'adjust' ? 'commission.adjust' : 'commission.decide')) return false;
    if (action === 'release' && view.isDisputed) return false;
    return !inPayout || !['withdraw_approval', 'hold', 'adjust'].includes(action);
  });
}

function render(ctx: Asking, view: CommissionView): CommissionReply {
  return presentCommission(view, readerOf(ctx), actionsFor(ctx, view));
}

async function present(ctx: Asking, tx: ReadTx | Tx, now: Instant, id: string): Promise<CommissionReply> {
  return render(ctx, await getCommissionView(tx, { scope: ctx.scopeFor('commission.read'), mode: ctx.mode, now }, id));
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/commissions',
  permission: 'commission.read',
  query: commissionQuery,
  reply: commissionList,
  refuses: [],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    const { query } = ctx;
    const filter = {
      ...query,
      eligibleAt: boundsOf(query, 'eligibleAt'),
      createdAt: boundsOf(query, 'createdAt'),
    };
    const of = { scope: ctx.scope, mode: ctx.mode, filter };
    return ctx.read(async (tx, now) => {
      const views = await listCommissions(tx, { ...of, now }, page);
      const data = ctx.list(
        views,
        page,
        (view) => render(ctx, view),
        ({ commission }) => ({ value: commission.createdAt, id: commission.id }),
      );
      if (query.include === undefined) return data;
      const { counts, sums, sumsByStatus } = await sumCommissions(tx, of);
      return {
        ...data,
        ...(query.include.includes('counts')
          ? { counts: { total: counts.total, byStatus: { ...counts.byStatus } } }
          : {}),
        ...(query.include.includes('sums') ? { sums: [...sums], sumsByStatus } : {}),
      };
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/commissions/:commissionId',
  permission: 'commission.read',
  params: commissionParams,
  reply: commissionWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read((tx, now) => present(ctx, tx, now, ctx.params.commissionId)),
});

const explanation = defineRoute({
  method: 'GET',
  path: '/v1/commissions/:commissionId/explanation',
  permission: 'commission.read',
  params: commissionParams,
  reply: explanationWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const view = await getCommissionView(tx, { scope: ctx.scope, mode: ctx.mode, now }, ctx.params.commissionId);
      const story = await readCommissionStory(tx, view.commission);
      return readerOf(ctx).isAffiliate ? presentOwnExplanation(view, story) : presentExplanation(view, story);
    }),
});

const changes = defineRoute({
  method: 'GET',
  path: '/v1/commissions/:commissionId/changes',
  permission: 'commission.read',
  params: commissionParams,
  reply: changeList,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const view = await getCommissionView(tx, { scope: ctx.scope, mode: ctx.mode, now }, ctx.params.commissionId);
      return presentChanges(await listCommissionChanges(tx, view.commission.id), readerOf(ctx));
    }),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/commissions',
  permission: 'commission.adjust',
  body: entryCreate,
  reply: commissionWire,
  status: 201,
  idempotency: 'required',
  refuses: ['sale.currency_mismatch', 'affiliate.affiliate_not_active'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { body } = ctx;
      const program = await findProgram(tx, body.programId);
      if (program === undefined) throw fieldRefusal('programId', 'not_found', 'No such program.');
      const affiliate = await findAffiliate(tx, body.affiliateId);
      if (affiliate === undefined) throw fieldRefusal('affiliateId', 'not_found', 'No such affiliate.');
      if (affiliate.status === 'pending' || affiliate.status === 'declined')
        throw new DomainError('affiliate.affiliate_not_active', { affiliateStatus: affiliate.status });
      if (body.amount.currency !== program.currency)
        throw new DomainError('sale.currency_mismatch', { expectedCurrency: program.currency });
      if (body.amount.minor === 0n || (body.kind === 'bonus' && body.amount.minor < 0n))
        throw fieldRefusal('amount', 'out_of_range', 'A bonus is above zero, an adjustment not zero.');
      const line = await addEntry(tx, act, body);
      return answer(await present(ctx, tx, act.now, line.id), { location: `/v1/commissions/${line.id}` });
    }),
});

const adjust = defineRoute({
  method: 'POST',
  path: '/v1/commissions/:commissionId/adjust',
  permission: 'commission.adjust',
  params: commissionParams,
  body: adjustBody,
  reply: commissionWire,
  idempotency: 'required',
  refuses: [
    'resource.not_found',
    'commission.commission_paid',
    'commission.commission_blocked',
    'commission.in_open_payout',
    'commission.transition_not_allowed',
    'sale.currency_mismatch',
  ],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const of = { scope: ctx.scope, mode: ctx.mode, now: act.now };
        const { commission: line } = await getCommissionView(tx, of, ctx.params.commissionId);
        const { amount, reason, skipHold } = ctx.body;
        if (amount.currency !== line.currency)
          throw new DomainError('sale.currency_mismatch', { expectedCurrency: line.currency });
        if (amount.minor < 0n) throw fieldRefusal('amount', 'out_of_range', 'The new net is not below zero.');
        const mine = await recordDirectDecision(tx, act, {
          verb: 'adjust',
          objectType: 'commission',
          objectId: line.id,
          reasonCode: 'staff_decision',
          note: reason,
          publicReason: null,
          steppedUp: false,
        });
        await adjustCommission(tx, mine, line.id, { net: amount.minor, reason, skipHold });
        await wake(tx, act.workspaceId, line.referralId);
        return present(ctx, tx, act.now, line.id);
      },
      { wake: true },
    ),
});

/** The referral reads its commissions again: a new line may have a deadline of its own. */
async function wake(
  tx: Tx,
  workspaceId: RouteContext<unknown, unknown, unknown, unknown>['workspaceId'],
  referralId: ReferralId | null,
): Promise<void> {
  if (referralId === null) return;
  const ref = { workspaceId, referralId };
  await enqueue(tx, nudge('referral', workflowIds.referral(ref), ref));
}

interface Verb {
  readonly path: string;
  readonly signal: ReferralVerb;
  readonly isNegative: boolean;
  readonly refuses: readonly DomainErrorCode[];
}

const verbs: readonly Verb[] = [
  {
    path: 'approve',
    signal: 'approve',
    isNegative: false,
    refuses: ['commission.commission_blocked', 'access.own_work', 'access.step_up_required'],
  },
  { path: 'reject', signal: 'reject', isNegative: true, refuses: [] },
  { path: 'reinstate', signal: 'reinstate', isNegative: false, refuses: [] },
  { path: 'withdraw-approval', signal: 'withdrawApproval', isNegative: true, refuses: ['commission.in_open_payout'] },
  { path: 'hold', signal: 'hold', isNegative: true, refuses: ['commission.in_open_payout'] },
  { path: 'release', signal: 'release', isNegative: false, refuses: ['commission.commission_blocked'] },
];

function decisionRoute({ path, signal, isNegative, refuses }: Verb): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/commissions/:commissionId/${path}`,
    permission: 'commission.decide',
    params: commissionParams,
    body: isNegative ? negativeDecisionBody : decisionBody,
    reply: commissionWire,
    refuses: [
      'resource.not_found',
      'commission.already_decided',
      'commission.transition_not_allowed',
      'commission.commission_paid',
      'access.over_limit',
      ...refuses,
    ],
    async handle(ctx, deps) {
      const id = ctx.params.commissionId;
      const seen = await ctx.read((tx, now) => getCommissionView(tx, { scope: ctx.scope, mode: ctx.mode, now }, id));
      const reason = reasonOf(ctx.body);
      const { referralId } = seen.commission;
      if (referralId === null)
        return ctx.write((tx, act) => decideNow(ctx, tx, act, id, { signal, verb: path.replace('-', '_'), reason }));
      const ref = { workspaceId: ctx.workspaceId, referralId };
      return decide<unknown, unknown, unknown, CommissionReply>(
        ctx as RouteContext<unknown, unknown, unknown, CommissionReply>,
        deps,
        {
          verb: signal,
          objectType: 'commissions',
          objectId: id,
          workflowType: 'referral',
          workflowId: workflowIds.referral(ref),
          signal,
          input: ref,
          reason,
          check: async (tx, act) => {
            await getCommissionView(tx, { scope: ctx.scope, mode: ctx.mode, now: act.now }, id);
          },
          present: (tx, now) => present(ctx, tx, now, id),
        },
      );
    },
  });
}

/** An entry without a referral: no workflow sequences it, so the decision takes effect in its own transaction. */
async function decideNow(
  ctx: Asking,
  tx: Tx,
  act: Parameters<typeof recordDirectDecision>[1],
  id: string,
  wish: { readonly signal: ReferralVerb; readonly verb: string; readonly reason: DecisionReason },
): Promise<CommissionReply> {
  const view = await getCommissionView(tx, { scope: ctx.scope, mode: ctx.mode, now: act.now }, id);
  const steppedUp = ctx.caller.session !== null && ctx.caller.isSteppedUp;
  const mine = await recordDirectDecision(tx, act, {
    verb: wish.verb,
    objectType: 'commission',
    objectId: id,
    ...wish.reason,
    steppedUp,
  });
  const refusal = await decideEntry(tx, mine, id, {
    verb: wish.signal,
    by: { userId: act.actor.userId, isKey: ctx.caller.via === 'key', steppedUp },
  });
  // Thrown, so that the decision above is undone with the rest: what was refused leaves nothing.
  if (refusal !== undefined) throw await refusalWithHistory(tx, refusal, id, actionsFor(ctx, view));
  return present(ctx, tx, act.now, id);
}

export const commissionRoutes: readonly Route[] = [
  list,
  create,
  get,
  explanation,
  changes,
  adjust,
  ...verbs.map(decisionRoute),
];
