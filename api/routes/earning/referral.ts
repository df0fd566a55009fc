import { editReferral, enterByHand, takeReferral } from '../../../activities/earning/referral.js';
import { findUser } from '../../../db/access/user.js';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { listEnrolments } from '../../../db/affiliate/enrolment.js';
import { refusalWithHistory } from '../../../db/audit/directDecision.js';
import { findProgram } from '../../../db/program/program.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { listReferralAttributions } from '../../../db/reads/earning/referralAttributions.js';
import {
  countReferrals,
  getReferralView,
  listReferrals,
  requireReferral,
  type ReferralView,
} from '../../../db/reads/earning/referralList.js';
import { readSalesValues } from '../../../db/reads/earning/referralMoney.js';
import { readReferralStory } from '../../../db/reads/earning/referralStory.js';
import { listReferralTouches } from '../../../db/reads/earning/referralTouches.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { findContact } from '../../../db/tracking/contact.js';
import type { Permission } from '../../../domain/access/permission.js';
import {
  decideReferralMove,
  type Referral,
  referralActions,
  type ReferralDecision,
  referralTransitions,
} from '../../../domain/earning/referral.js';
import { DomainError } from '../../../domain/errors.js';
import type { Instant } from '../../../domain/time.js';
import { workflowIds } from '../../../workflows/contract.js';
import { boundsOf } from '../../lists.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { decide } from '../../decide.js';
import type { ApiDeps } from '../../deps.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  approveBody,
  attributionList,
  isTouchFor,
  presentAttribution,
  presentPlanned,
  presentReferral,
  presentStoryLine,
  presentTouch,
  referralCreate,
  referralList,
  referralParams,
  referralPatch,
  referralQuery,
  type ReferralReply,
  referralWire,
  storyForAffiliate,
  storyList,
  storyQuery,
  touchList,
  withEnds,
} from '../../schemas/earning/referral.js';
import { decisionBody, type DecisionReason, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';

type Asking = Pick<
  RouteContext<unknown, unknown, unknown, unknown>,
  'can' | 'caller' | 'scope' | 'mode' | 'workspaceId'
>;

const rightFor: Readonly<Record<ReferralDecision, Permission>> = {
  approve: 'referral.decide',
  reject: 'referral.decide',
  reopen: 'referral.reopen',
};

function actionsFor(ctx: Asking, referral: Pick<Referral, 'status'>): readonly string[] {
  return referralActions(referral.status).filter((verb) => ctx.can(rightFor[verb]));
}

/** The affiliate whose key asks; null: staff. */
function ownOf(ctx: Pick<Asking, 'scope'>): string | null {
  return ctx.scope.kind === 'affiliate' ? ctx.scope.affiliateId : null;
}

/** The referral as this caller sees it. */
export function presentFor(ctx: Asking, view: ReferralView, now: Instant): ReferralReply {
  return presentReferral(
    view,
    {
      workspaceId: ctx.workspaceId,
      seesPeople: ctx.can('pii.read'),
      isAffiliate: ctx.caller.audience === 'affiliate',
      checkAnswers: [
        ...(ctx.can('check.write') ? (['passed', 'failed', 'waiting'] as const) : []),
        ...(ctx.can('check.write') && ctx.can('check.waive') ? (['waived'] as const) : []),
      ],
      now,
    },
    actionsFor(ctx, view.referral),
  );
}

async function present(ctx: Asking, tx: ReadTx | Tx, id: string, now: Instant): Promise<ReferralReply> {
  return presentFor(ctx, await getReferralView(tx, id), now);
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/referrals',
  permission: 'referral.read',
  query: referralQuery,
  reply: referralList,
  refuses: [],
  async handle(ctx) {
    const { query } = ctx;
    const page = ctx.page(query);
    const filter = { ...query, dueAt: boundsOf(query, 'dueAt'), createdAt: boundsOf(query, 'createdAt') };
    return ctx.read(async (tx, now) => {
      const views = await listReferrals(tx, ctx, filter, page);
      const counts =
        query.include?.includes('counts') === true ? { counts: await countReferrals(tx, ctx, filter) } : {};
      // What customers paid is the merchant's business (PRT-08): an affiliate's key is not told.
      const values =
        query.include?.includes('value') === true && ownOf(ctx) === null
          ? await readSalesValues(
              tx,
              views.map(({ referral }) => referral.id),
            )
          : undefined;
      const data = ctx.list(
        views,
        page,
        (view) => ({
          ...presentFor(ctx, view, now),
          ...(values === undefined ? {} : { value: [...(values.get(view.referral.id) ?? [])] }),
        }),
        ({ referral }) => ({ value: referral.createdAt, id: referral.id }),
      );
      return { ...data, ...counts };
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/referrals/:referralId',
  permission: 'referral.read',
  params: referralParams,
  reply: referralWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const referral = await requireReferral(tx, ctx, ctx.params.referralId);
      const value =
        ownOf(ctx) === null ? { value: [...((await readSalesValues(tx, [referral.id])).get(referral.id) ?? [])] } : {};
      return { ...(await present(ctx, tx, referral.id, now)), moves: referralTransitions, ...value };
    }),
});

const touches = defineRoute({
  method: 'GET',
  path: '/v1/referrals/:referralId/touches',
  permission: 'referral.read',
  params: referralParams,
  reply: touchList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const referral = await requireReferral(tx, ctx, ctx.params.referralId);
      const seen = (await listReferralTouches(tx, referral.id)).filter((touch) => isTouchFor(ownOf(ctx), touch));
      return { data: seen.map(presentTouch), nextCursor: null };
    }),
});

const attributions = defineRoute({
  method: 'GET',
  path: '/v1/referrals/:referralId/attributions',
  permission: 'referral.read',
  params: referralParams,
  reply: attributionList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const referral = await requireReferral(tx, ctx, ctx.params.referralId);
      const decided = await listReferralAttributions(tx, referral.id);
      return { data: decided.map((one) => presentAttribution(one, ownOf(ctx))), nextCursor: null };
    }),
});

const story = defineRoute({
  method: 'GET',
  path: '/v1/referrals/:referralId/story',
  permission: 'referral.read',
  params: referralParams,
  query: storyQuery,
  reply: storyList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const referral = await requireReferral(tx, ctx, ctx.params.referralId);
      const own = ownOf(ctx);
      const told = await readReferralStory(tx, referral.id);
      const lines = own === null ? told.map(presentStoryLine) : storyForAffiliate(told, own);
      const planned = presentPlanned(await getReferralView(tx, referral.id), now);
      const all = [...lines, ...planned];
      return { data: ctx.query.form === 'gantt' ? withEnds(all) : all, nextCursor: null };
    }),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/referrals',
  permission: 'referral.write',
  body: referralCreate,
  reply: referralWire,
  status: 201,
  refuses: [
    'resource.already_exists',
    'affiliate.affiliate_not_active',
    'program.program_not_active',
    'access.not_in_scope',
  ],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { body } = ctx;
        await requireEntry(ctx, tx, body);
        const referral = await enterByHand(tx, act, {
          affiliateId: body.affiliateId,
          programId: body.programId,
          contactId: body.contactId,
          event: body.event,
          notes: body.note ?? null,
          tags: body.tags ?? [],
          metadata: body.metadata ?? {},
        });
        return answer(await present(ctx, tx, referral.id, act.now), { location: `/v1/referrals/${referral.id}` });
      },
      { wake: true },
    ),
});

/** What a hand entry names must exist and be able to earn. */
async function requireEntry(
  ctx: Asking,
  tx: Tx,
  body: { readonly affiliateId: string; readonly programId: string; readonly contactId: string },
): Promise<void> {
  const missing = (field: string) =>
    invalid({ pointer: `#/${field}`, code: 'not_found', detail: 'There is none with this id.' });
  const affiliate = await findAffiliate(tx, body.affiliateId);
  if (affiliate === undefined) throw missing('affiliateId');
  await requireAffiliateInScope(tx, affiliate, ctx.scope);
  const program = await findProgram(tx, body.programId);
  if (program === undefined) throw missing('programId');
  if ((await findContact(tx, body.contactId)) === undefined) throw missing('contactId');
  if (program.status !== 'active')
    throw new DomainError('program.program_not_active', { currentStatus: program.status });
  const enrolments = await listEnrolments(tx, affiliate.id);
  const isEnrolled = enrolments.some((one) => one.programId === program.id && one.status === 'active');
  if (affiliate.status !== 'approved' || !isEnrolled)
    throw new DomainError('affiliate.affiliate_not_active', { detail: 'The affiliate is not active in this program.' });
}

const patch = defineRoute({
  method: 'PATCH',
  path: '/v1/referrals/:referralId',
  permission: 'referral.write',
  params: referralParams,
  body: referralPatch,
  reply: referralWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'request.version_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await requireReferral(tx, ctx, ctx.params.referralId);
      const referral = await takeReferral(tx, ctx.params.referralId);
      if (referral === undefined) throw new DomainError('resource.not_found');
      ctx.requireVersion(referral.version);
      const { assigneeId } = ctx.body;
      if (typeof assigneeId === 'string' && (await findUser(tx, assigneeId))?.audience !== 'staff')
        throw invalid({ pointer: '#/assigneeId', code: 'not_found', detail: 'No member of staff has this id.' });
      await editReferral(tx, act, referral, ctx.body);
      return present(ctx, tx, referral.id, act.now);
    }),
});

type DecidingContext = RouteContext<{ readonly referralId: Referral['id'] }, unknown, unknown, ReferralReply>;

/** A decision travels through the referral's workflow; what its row rules out already is refused at once (temporal.md 3.7). */
function decideOn(
  ctx: DecidingContext,
  deps: ApiDeps,
  verb: ReferralDecision,
  reason: DecisionReason,
  params: Readonly<Record<string, unknown>> = {},
) {
  const { referralId } = ctx.params;
  const ref = { workspaceId: ctx.workspaceId, referralId };
  return decide(ctx, deps, {
    verb,
    objectType: 'referrals',
    objectId: referralId,
    workflowType: 'referral',
    workflowId: workflowIds.referral(ref),
    signal: verb,
    input: ref,
    reason,
    params,
    check: async (tx) => {
      const referral = await requireReferral(tx, ctx, referralId);
      const decided = decideReferralMove(referral, verb, []);
      if (decided.kind === 'refused')
        throw await refusalWithHistory(tx, decided, referralId, actionsFor(ctx, referral));
    },
    present: (tx, now) => present(ctx, tx, referralId, now),
  });
}

const approve = defineRoute({
  method: 'POST',
  path: '/v1/referrals/:referralId/approve',
  permission: 'referral.decide',
  params: referralParams,
  body: approveBody,
  reply: referralWire,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'access.over_limit',
    'referral.check_open',
    'referral.check_failed',
    'referral.already_decided',
    'referral.transition_not_allowed',
  ],
  async handle(ctx, deps) {
    const { override } = ctx.body;
    if (override === true && !ctx.can('check.waive'))
      throw new DomainError('access.permission_missing', { missingPermission: 'check.waive' });
    return decideOn(ctx, deps, 'approve', reasonOf(ctx.body), override === true ? { override } : {});
  },
});

const reject = defineRoute({
  method: 'POST',
  path: '/v1/referrals/:referralId/reject',
  permission: 'referral.decide',
  params: referralParams,
  body: negativeDecisionBody,
  reply: referralWire,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'referral.already_decided',
    'referral.transition_not_allowed',
    'commission.commission_blocked', // an open case holds its money (FRD-09)
  ],
  handle: (ctx, deps) => decideOn(ctx, deps, 'reject', reasonOf(ctx.body)),
});

const reopen = defineRoute({
  method: 'POST',
  path: '/v1/referrals/:referralId/reopen',
  permission: 'referral.reopen',
  params: referralParams,
  body: decisionBody,
  reply: referralWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'referral.transition_not_allowed'],
  handle: (ctx, deps) => decideOn(ctx, deps, 'reopen', reasonOf(ctx.body)),
});

export const referralRoutes: readonly Route[] = [
  list,
  get,
  touches,
  attributions,
  story,
  create,
  patch,
  approve,
  reject,
  reopen,
];
