import { decideEntry, refuseWithoutEffect } from '../../../activities/earning/adjustment.js';
import { rolesHolding } from '../../../db/access/role.js';
import { countActiveWithRoles } from '../../../db/access/user.js';
import { insertDecision } from '../../../db/audit/decision.js';
import { recordDirectDecision } from '../../../db/audit/directDecision.js';
import { type AppealRecord, endAppeal, findAppealable, insertAppeal, lockAppeal } from '../../../db/earning/appeal.js';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { insertNoticesOnce } from '../../../db/messaging/notice.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { listAppeals } from '../../../db/reads/earning/appealList.js';
import { readLastMove } from '../../../db/reads/earning/referralLastMove.js';
import { lockLead } from '../../../db/tracking/lead.js';
import type { Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { type AppealEvent, decideAnswer, decideAppeal } from '../../../domain/earning/appeal.js';
import { DomainError } from '../../../domain/errors.js';
import { decideLead } from '../../../domain/tracking/lead.js';
import { signalMessage, workflowIds } from '../../../workflows/contract.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  appealCreate,
  appealList,
  appealParams,
  appealQuery,
  appealWire,
  ownAppealList,
  ownAppealWire,
  presentAppeal,
  presentOwnAppeal,
} from '../../schemas/earning/appeal.js';
import { type DecisionReason, decisionBody, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';
import { applyVerdict } from '../tracking/lead.js';
import { ownId, portalRefusals, portalWriteRefusals, requireOwn } from '../affiliate/ownRecord.js';

const newest = (appeal: AppealRecord) => ({ value: appeal.createdAt, id: appeal.id });

const list = defineRoute({
  method: 'GET',
  path: '/v1/appeals',
  summary: 'Appeals of affiliates against rejections',
  permission: 'referral.read',
  query: appealQuery,
  reply: appealList,
  refuses: [],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) =>
      ctx.list(
        await listAppeals(tx, { ...ctx.query, scope: ctx.scope, mode: ctx.mode, status: ctx.query.status }, page),
        page,
        (appeal) => presentAppeal(appeal, now, ctx.can('referral.reopen')),
        newest,
      ),
    );
  },
});

function answerRoute(verb: 'uphold' | 'dismiss', event: AppealEvent): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/appeals/:appealId/${verb}`,
    summary: verb === 'uphold' ? 'Uphold: what was rejected is open again' : 'Dismiss: the rejection stands',
    permission: 'referral.reopen',
    params: appealParams,
    body: negativeDecisionBody, // an answer has a reason, whichever it is (api.md 1.8)
    reply: appealWire,
    refuses: [
      'resource.not_found',
      'access.not_in_scope',
      'appeal.already_decided',
      'appeal.transition_not_allowed',
      'access.own_work',
    ],
    handle: (ctx) =>
      ctx.write(
        async (tx, act) => {
          const appeal = await lockAppeal(tx, ctx.params.appealId);
          if (appeal === undefined || appeal.mode !== ctx.mode) throw new DomainError('resource.not_found');
          await requireAffiliateInScope(tx, await findAffiliate(tx, appeal.affiliateId), ctx.scope);
          const decided = decideAnswer(appeal, event);
          if (decided.kind === 'refused')
            throw new DomainError(decided.code, { ...decided.params, allowedActions: [] });
          await refuseOwnWork(tx, act, appeal);
          const reason = reasonOf(ctx.body);
          const mine = await recordDirectDecision(tx, act, {
            verb,
            objectType: 'appeal',
            objectId: appeal.id,
            ...reason,
            steppedUp: false,
          });
          const ended = await endAppeal(tx, mine, appeal, event, reason.publicReason ?? reason.note);
          if (event === 'upheld') await reopen(ctx, tx, mine, appeal, reason);
          await tellAnswer(tx, mine, ended);
          return presentAppeal(ended, act.now, ctx.can('referral.reopen'));
        },
        { wake: true },
      ),
  });
}

/** The affiliate hears of it where it asked (PRT-14); what was written for it stands there, or that it stands with the appeal. */
async function tellAnswer(tx: Tx, act: Act, appeal: AppealRecord): Promise<void> {
  const affiliate = await findAffiliate(tx, appeal.affiliateId);
  const words = answerWords[affiliate?.language === 'de' ? 'de' : 'en'];
  await insertNoticesOnce(tx, act, [
    {
      to: { affiliateId: appeal.affiliateId },
      onceKey: `appeal/${appeal.id}`,
      kind: 'appeal_answered',
      subject: appeal.status === 'upheld' ? words.upheld : words.dismissed,
      body: appeal.answer ?? words.noAnswer,
      link: '/earnings',
      referralIds: appeal.referralId === null ? [] : [appeal.referralId],
    },
  ]);
}

const answerWords = {
  en: {
    upheld: 'Your appeal was upheld',
    dismissed: 'Your appeal was dismissed',
    noAnswer: 'It was decided without a further word.',
  },
  de: {
    upheld: 'Ihrem Einspruch wurde stattgegeben',
    dismissed: 'Ihr Einspruch wurde abgewiesen',
    noAnswer: 'Darüber wurde ohne weitere Worte entschieden.',
  },
} as const;

/** Not by who rejected, wherever somebody else may answer (BEY-04). */
async function refuseOwnWork(tx: Tx, act: Act, appeal: AppealRecord): Promise<void> {
  if (act.mode !== 'live' || appeal.rejectedBy === null || appeal.rejectedBy !== act.actor.userId) return;
  const roles = await rolesHolding(tx, 'referral.reopen');
  if ((await countActiveWithRoles(tx, roles, act.actor.userId ?? undefined)) > 0)
    throw new DomainError('access.own_work', { createdBy: appeal.rejectedBy });
}

/** What was rejected goes its own way back: through its referral's workflow, or at once where nothing sequences it. */
async function reopen(
  ctx: Pick<RouteContext<unknown, unknown, unknown, unknown>, 'workspaceId'>,
  tx: Tx,
  act: Act,
  appeal: AppealRecord,
  reason: DecisionReason,
): Promise<void> {
  if (appeal.objectType === 'lead') {
    const lead = await lockLead(tx, appeal.objectId);
    if (lead === undefined) throw new DomainError('resource.not_found');
    const decided = decideLead(lead, 'accept');
    if (decided.kind !== 'accepted') throw new DomainError('appeal.already_decided', { currentStatus: lead.verdict });
    // A decision on the lead itself: whatever takes the lead up again names the last one as its cause.
    const by = await recordDirectDecision(tx, act, {
      verb: 'accept',
      objectType: 'lead',
      objectId: lead.id,
      ...reason,
      steppedUp: false,
    });
    await applyVerdict(tx, by, lead, { verb: 'accept', event: decided.event, reasonCode: reason.reasonCode });
    return;
  }
  const signal = appeal.objectType === 'referral' ? 'reopen' : 'reinstate';
  await refuseWithoutEffect(tx, appeal);
  if (appeal.referralId === null) {
    const refusal = await decideEntry(tx, act, appeal.objectId, { verb: signal });
    if (refusal !== undefined) throw new DomainError(refusal.code, refusal.params);
    return;
  }
  const input = { workspaceId: ctx.workspaceId, referralId: appeal.referralId };
  const decisionId = act.newId('decision');
  const workflowId = workflowIds.referral(input);
  await insertDecision(tx, act, {
    id: decisionId,
    verb: signal,
    objectType: appeal.objectType === 'referral' ? 'referrals' : 'commissions',
    objectId: appeal.objectId,
    workflowId,
    reasonCode: reason.reasonCode,
    note: reason.note,
    publicReason: reason.publicReason,
    params: { appealId: appeal.id },
    via: 'api',
    callerKey: null,
    requestHash: null,
    steppedUp: false,
    operationId: null,
  });
  await enqueue(
    tx,
    signalMessage({ workflowType: 'referral', workflowId, input, signal, argument: { decisionId } }, 2),
  );
}

const ownList = defineRoute({
  method: 'GET',
  path: '/v1/me/appeals',
  summary: 'Own appeals and their answers',
  permission: 'me.read',
  query: appealQuery,
  reply: ownAppealList,
  refuses: portalRefusals,
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      const scope = { kind: 'affiliate', affiliateId: ownId(ctx) } as const;
      const of = { scope, mode: ctx.mode, status: ctx.query.status };
      return ctx.list(await listAppeals(tx, of, page), page, presentOwnAppeal, newest);
    });
  },
});

/** Once per object, within 30 days of its rejection (BEY-15). */
const create = defineRoute({
  method: 'POST',
  path: '/v1/me/appeals',
  summary: 'Appeal a rejected referral, commission or lead',
  permission: 'me.write',
  body: appealCreate,
  reply: ownAppealWire,
  status: 201,
  refuses: ['resource.not_found', 'resource.already_exists', 'appeal.transition_not_allowed', ...portalWriteRefusals],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { affiliate } = await requireOwn(tx, ctx, act.now, 'write');
      const { objectId, text } = ctx.body;
      const object = await findAppealable(tx, { mode: ctx.mode, affiliateId: affiliate.id, objectId });
      if (object === undefined) throw new DomainError('resource.not_found');
      const last = await readLastMove(tx, objectId);
      const decided = decideAppeal({ status: object.status, rejectedAt: last?.at ?? null }, act.now);
      if (decided.kind === 'refused') throw new DomainError(decided.code, { ...decided.params, allowedActions: [] });
      const made = await insertAppeal(tx, act, {
        id: act.newId('appeal'),
        affiliateId: affiliate.id,
        objectType: object.objectType,
        objectId,
        referralId: object.referralId,
        text,
        rejectedBy: last?.by ?? null,
      });
      if (made === undefined) throw new DomainError('resource.already_exists', { field: 'objectId' });
      return answer(presentOwnAppeal(made), { location: '/v1/me/appeals' });
    }),
});

const withdraw = defineRoute({
  method: 'POST',
  path: '/v1/me/appeals/:appealId/withdraw',
  permission: 'me.write',
  params: appealParams,
  body: decisionBody,
  reply: ownAppealWire,
  refuses: ['resource.not_found', 'appeal.already_decided', ...portalWriteRefusals],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { affiliate } = await requireOwn(tx, ctx, act.now, 'write');
      const appeal = await lockAppeal(tx, ctx.params.appealId);
      if (appeal === undefined || appeal.mode !== ctx.mode || appeal.affiliateId !== affiliate.id)
        throw new DomainError('resource.not_found');
      const decided = decideAnswer(appeal, 'withdrawn');
      if (decided.kind === 'refused') throw new DomainError(decided.code, { ...decided.params, allowedActions: [] });
      return presentOwnAppeal(await endAppeal(tx, act, appeal, 'withdrawn', null));
    }),
});

export const appealRoutes: readonly Route[] = [
  list,
  answerRoute('uphold', 'upheld'),
  answerRoute('dismiss', 'dismissed'),
  ownList,
  create,
  withdraw,
];
