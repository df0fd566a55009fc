import { openCase, rejectCase, releaseCase } from '../../../activities/tracking/riskCase.js';
import { hasAffiliate } from '../../../db/access/affiliateExists.js';
import { recordDirectDecision } from '../../../db/audit/directDecision.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import {
  findCaseView,
  listRiskCases,
  listRiskFlags,
  listRiskyAffiliates,
} from '../../../db/reads/tracking/riskList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { lockRiskCase, type RiskCase, updateRiskCase } from '../../../db/tracking/riskCase.js';
import { dismissFlag, lockFlag } from '../../../db/tracking/riskFlag.js';
import type { Act } from '../../../domain/act.js';
import { affiliateActions } from '../../../domain/affiliate/affiliate.js';
import { DomainError } from '../../../domain/errors.js';
import { nudge, workflowIds } from '../../../workflows/contract.js';
import { boundsOf } from '../../lists.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  presentRiskAffiliate,
  presentRiskCase,
  presentRiskFlag,
  riskAffiliateList,
  riskAffiliateQuery,
  riskCaseCreate,
  riskCaseList,
  riskCaseParams,
  riskCasePatch,
  riskCaseQuery,
  type RiskCaseReply,
  riskCaseWire,
  riskFlagList,
  riskFlagParams,
  riskFlagQuery,
  riskFlagWire,
} from '../../schemas/tracking/riskCase.js';
import { decisionBody, type DecisionReason, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'mode'>;

async function show(ctx: Asking, tx: ReadTx | Tx, id: string): Promise<RiskCaseReply> {
  const view = await findCaseView(tx, ctx.mode, id);
  if (view === undefined) throw new DomainError('resource.not_found');
  return presentRiskCase(view, { mayWrite: ctx.can('risk.write') });
}

async function lockOpen(ctx: Asking, tx: Tx, id: string): Promise<RiskCase> {
  const held = await lockRiskCase(tx, ctx.mode, id);
  if (held === undefined) throw new DomainError('resource.not_found');
  if (held.status !== 'open')
    throw new DomainError('risk_case.already_decided', {
      currentStatus: held.status,
      decidedAt: held.closedAt,
      allowedActions: [],
    });
  return held;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/risk-cases',
  permission: 'risk.read',
  query: riskCaseQuery,
  reply: riskCaseList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const filter = { ...ctx.query, createdAt: boundsOf(ctx.query, 'createdAt') };
    const views = await ctx.read((tx) => listRiskCases(tx, ctx.mode, filter, page));
    const reader = { mayWrite: ctx.can('risk.write') };
    return ctx.list(
      views,
      page,
      (view) => presentRiskCase(view, reader),
      (view) => ({ value: view.createdAt, id: view.id }),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/risk-cases/:caseId',
  permission: 'risk.read',
  params: riskCaseParams,
  reply: riskCaseWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read((tx) => show(ctx, tx, ctx.params.caseId)),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/risk-cases',
  summary: 'Hold money while somebody looks at it',
  permission: 'risk.write',
  body: riskCaseCreate,
  reply: riskCaseWire,
  status: 201,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { affiliateId, referralIds = [], commissionIds = [], kind, evidence = {}, notes = null } = ctx.body;
        if (!(await hasAffiliate(tx, affiliateId)))
          throw invalid({ pointer: '#/affiliateId', code: 'not_found', detail: 'There is no such affiliate.' });
        const opened = await openCase(tx, act, {
          kind,
          affiliateId,
          referralIds: [...new Set(referralIds)],
          commissionIds: [...new Set(commissionIds)],
          evidence,
          notes,
        });
        return answer(await show(ctx, tx, opened.id), { location: `/v1/risk-cases/${opened.id}` });
      },
      { wake: true },
    ),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/risk-cases/:caseId',
  permission: 'risk.write',
  params: riskCaseParams,
  body: riskCasePatch,
  reply: riskCaseWire,
  refuses: ['resource.not_found', 'risk_case.already_decided'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const held = await lockOpen(ctx, tx, ctx.params.caseId);
      ctx.requireVersion(held.version);
      if (Object.keys(ctx.body).length > 0) await updateRiskCase(tx, act, held, ctx.body);
      return show(ctx, tx, held.id);
    }),
});

/** Ends the case by the person's decision, which the history of everything it moves names as cause. */
async function close(
  ctx: Asking & {
    readonly params: { readonly caseId: string };
    readonly caller: RouteContext<unknown, unknown, unknown, unknown>['caller'];
  },
  tx: Tx,
  act: Act,
  verb: 'release' | 'reject',
  reason: DecisionReason,
): Promise<RiskCaseReply> {
  const held = await lockOpen(ctx, tx, ctx.params.caseId);
  const by = await recordDirectDecision(tx, act, {
    verb,
    objectType: 'risk_case',
    objectId: held.id,
    ...reason,
    steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
  });
  await (verb === 'release' ? releaseCase : rejectCase)(tx, by, held, reason.note);
  return show(ctx, tx, held.id);
}

const release = defineRoute({
  method: 'POST',
  path: '/v1/risk-cases/:caseId/release',
  permission: 'risk.write',
  params: riskCaseParams,
  body: decisionBody,
  reply: riskCaseWire,
  refuses: ['resource.not_found', 'risk_case.already_decided'],
  handle: (ctx) => ctx.write((tx, act) => close(ctx, tx, act, 'release', reasonOf(ctx.body)), { wake: true }),
});

const reject = defineRoute({
  method: 'POST',
  path: '/v1/risk-cases/:caseId/reject',
  permission: 'risk.write',
  params: riskCaseParams,
  body: negativeDecisionBody,
  reply: riskCaseWire,
  refuses: ['resource.not_found', 'risk_case.already_decided'],
  handle: (ctx) => ctx.write((tx, act) => close(ctx, tx, act, 'reject', reasonOf(ctx.body)), { wake: true }),
});

const flags = defineRoute({
  method: 'GET',
  path: '/v1/risk-flags',
  summary: 'What looks odd, with its evidence',
  permission: 'risk.read',
  query: riskFlagQuery,
  reply: riskFlagList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const views = await ctx.read((tx) => listRiskFlags(tx, ctx.mode, ctx.query, page));
    const reader = { mayWrite: ctx.can('risk.write') };
    return ctx.list(
      views,
      page,
      (view) => presentRiskFlag(view, reader),
      (view) => ({ value: view.createdAt, id: view.id }),
    );
  },
});

const dismiss = defineRoute({
  method: 'POST',
  path: '/v1/risk-flags/:flagId/dismiss',
  summary: 'Nothing is done about it, and why not',
  permission: 'risk.write',
  params: riskFlagParams,
  body: negativeDecisionBody,
  reply: riskFlagWire,
  refuses: ['resource.not_found', 'risk_flag.already_decided'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const flag = await lockFlag(tx, ctx.params.flagId, ctx.mode);
        if (flag === undefined) throw new DomainError('resource.not_found');
        if (flag.dismissedAt !== null)
          throw new DomainError('risk_flag.already_decided', {
            currentStatus: 'dismissed',
            decidedAt: flag.dismissedAt,
            allowedActions: [],
          });
        const reason = reasonOf(ctx.body);
        const by = await recordDirectDecision(tx, act, {
          verb: 'dismiss',
          objectType: 'riskFlag',
          objectId: flag.id,
          ...reason,
          steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
        });
        await dismissFlag(tx, by, flag, reason.note ?? reason.reasonCode);
        // An automatic approval may have waited for it.
        if (flag.referralId !== null) {
          const ref = { workspaceId: act.workspaceId, referralId: flag.referralId };
          await enqueue(tx, nudge('referral', workflowIds.referral(ref), ref));
        }
        const dismissed = await lockFlag(tx, flag.id, ctx.mode);
        return presentRiskFlag({ ...(dismissed ?? flag), affiliateName: null }, { mayWrite: true });
      },
      { wake: true },
    ),
});

const byAffiliate = defineRoute({
  method: 'GET',
  path: '/v1/console/risk',
  summary: 'What looks odd, by affiliate, with the money that is held',
  permission: 'risk.read',
  query: riskAffiliateQuery,
  reply: riskAffiliateList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const views = await ctx.read((tx) => listRiskyAffiliates(tx, ctx.mode, ctx.query, page));
    const maySuspend = ctx.can('status.change');
    return ctx.list(
      views,
      page,
      (view) =>
        presentRiskAffiliate(
          view,
          affiliateActions(view.status).filter((action) => action === 'suspend' && maySuspend),
        ),
      (view) => ({ value: view.lastAt, id: view.affiliateId }),
    );
  },
});

export const riskRoutes: readonly Route[] = [list, get, create, edit, release, reject, flags, dismiss, byAffiliate];
