import { enrol, findOpenProgram, openAtEnrolment } from '../../../activities/affiliate/onboard.js';
import { findAffiliate, lockAffiliate } from '../../../db/affiliate/affiliate.js';
import { findEnrolment, listEnrolments, moveEnrolment } from '../../../db/affiliate/enrolment.js';
import { listLastDecisions } from '../../../db/audit/directDecision.js';
import { findAgreement, recordAcceptance } from '../../../db/program/agreement.js';
import { findProgram } from '../../../db/program/program.js';
import { listEnrolmentFacts, openOf } from '../../../db/reads/affiliate/affiliateList.js';
import { listAcceptancesOf } from '../../../db/reads/program/agreementList.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import {
  decideEnrolmentMove,
  type Enrolment,
  enrolmentActions,
  type EnrolmentEvent,
} from '../../../domain/affiliate/enrolment.js';
import type { OpenRequirement } from '../../../domain/affiliate/requirement.js';
import { DomainError } from '../../../domain/errors.js';
import type { EnrolmentId } from '../../../domain/ids.js';
import { addMs, type Instant, isBefore } from '../../../domain/time.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import {
  enrolmentCreate,
  enrolmentList,
  enrolmentParams,
  enrolmentQuery,
  type EnrolmentReply,
  enrolmentWire,
  presentEnrolment,
} from '../../schemas/affiliate/enrolment.js';
import {
  acceptanceCreate,
  acceptanceWire,
  affiliateAcceptanceList,
  presentAcceptance,
  presentAffiliateAcceptance,
} from '../../schemas/program/agreement.js';
import { decisionBody, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';
import { decideHere, fieldRefusal } from '../program/directDecision.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller'>;

function actionsFor(ctx: Asking, enrolment: Enrolment): readonly string[] {
  return ctx.can('affiliate.write') ? enrolmentActions(enrolment.status) : [];
}

/** What stands between this enrolment and being active. */
function openFor(affiliate: Affiliate, row: Parameters<typeof openOf>[0] | undefined): readonly OpenRequirement[] {
  const isApproved = affiliate.status === 'approved';
  return [
    ...(isApproved ? [] : [{ code: 'affiliate_not_active', detail: 'The affiliate is not approved.' }]),
    ...(row === undefined ? [] : openOf(row, affiliate)),
  ];
}

async function presentAll(
  ctx: Asking,
  tx: ReadTx | Tx,
  affiliate: Affiliate,
  enrolments: readonly Enrolment[],
  undo?: { readonly path: string; readonly until: Instant },
): Promise<EnrolmentReply[]> {
  const facts = await listEnrolmentFacts(tx, [affiliate.id]);
  const decisions = await listLastDecisions(
    tx,
    enrolments.map((enrolment) => enrolment.id),
  );
  return enrolments.map((enrolment) => {
    const row = facts.find((fact) => fact.id === enrolment.id);
    return presentEnrolment(enrolment, {
      linkId: row?.link_id ?? null,
      openRequirements: enrolment.status === 'pending' ? openFor(affiliate, row) : [],
      decision: decisions.get(enrolment.id) ?? null,
      allowedActions: actionsFor(ctx, enrolment),
      ...(undo === undefined ? {} : { undo }),
    });
  });
}

async function presentOne(
  ctx: Asking,
  tx: ReadTx | Tx,
  affiliate: Affiliate,
  enrolment: Enrolment,
  undo?: { readonly path: string; readonly until: Instant },
): Promise<EnrolmentReply> {
  const [one] = await presentAll(ctx, tx, affiliate, [enrolment], undo);
  if (one === undefined) throw new DomainError('resource.not_found');
  return one;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/enrolments',
  permission: 'affiliate.read',
  params: affiliateParams,
  query: enrolmentQuery,
  reply: enrolmentList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const found = await findAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      // An affiliate has a handful of enrolments: the page is cut here.
      const inOrder = [...(await listEnrolments(tx, affiliate.id))].sort((a, b) => (a.id < b.id ? -1 : 1));
      const all = page.descending ? inOrder.reverse() : inOrder;
      const isAfter = (id: string, last: string): boolean => (page.descending ? id < last : id > last);
      const rest = page.after === null ? all : all.filter((one) => isAfter(one.id, page.after?.id ?? ''));
      const shown = rest.slice(0, page.limit + 1);
      const replies = await presentAll(ctx, tx, affiliate, shown);
      return ctx.list(
        replies,
        page,
        (reply) => reply,
        (reply) => ({ value: reply.createdAt, id: reply.id }),
      );
    });
  },
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/enrolments',
  permission: 'affiliate.write',
  params: affiliateParams,
  body: enrolmentCreate,
  reply: enrolmentWire,
  status: 201,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'resource.already_exists',
    'program.program_not_active',
    'affiliate.transition_not_allowed',
  ],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const found = await lockAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      if (affiliate.status === 'terminated' || affiliate.status === 'declined')
        throw new DomainError('affiliate.transition_not_allowed', {
          currentStatus: affiliate.status,
          allowedActions: [],
        });
      const program = await findOpenProgram(tx, ctx.body.programId);
      if (program === undefined) throw fieldRefusal('programId', 'not_found', 'No such program.');
      const open = (await listEnrolments(tx, affiliate.id)).find(
        (one) => one.programId === program.id && one.status !== 'ended',
      );
      if (open !== undefined)
        throw new DomainError('resource.already_exists', { field: 'programId', existingId: open.id });
      const isReady =
        affiliate.status === 'approved' && (await openAtEnrolment(tx, act, program, affiliate.id)).length === 0;
      const enrolment = await enrol(tx, act, affiliate, program, {
        status: isReady ? 'active' : 'pending',
        publicUrl: config.http.publicUrl,
      });
      return answer(await presentOne(ctx, tx, affiliate, enrolment), { location: `/v1/enrolments/${enrolment.id}` });
    }),
});

type MoveContext = RouteContext<{ enrolmentId: EnrolmentId }, unknown, Parameters<typeof reasonOf>[0], EnrolmentReply>;

/** One move of features.md 2.1, second table, under the affiliate's lock. */
async function move(ctx: MoveContext, tx: Tx, act: Act, verb: string, event: EnrolmentEvent): Promise<EnrolmentReply> {
  const named = await findEnrolment(tx, ctx.params.enrolmentId);
  const owner = named === undefined ? undefined : await lockAffiliate(tx, named.affiliateId);
  const affiliate = await requireAffiliateInScope(tx, owner, ctx.scope);
  // Read again under the lock: another decision may have come between.
  const enrolment = await findEnrolment(tx, ctx.params.enrolmentId);
  if (enrolment === undefined) throw new DomainError('resource.not_found');
  const row = (await listEnrolmentFacts(tx, [affiliate.id])).find((fact) => fact.id === enrolment.id);
  const program = await findProgram(tx, enrolment.programId);
  const open = [
    ...openFor(affiliate, row),
    ...(program?.status === 'closed' ? [{ code: 'program_not_active', detail: 'The program is closed.' }] : []),
  ];
  const effect = await decideHere(ctx, tx, act, {
    verb,
    objectType: 'enrolment',
    objectId: enrolment.id,
    decided: decideEnrolmentMove(enrolment, event, open),
    allowedActions: actionsFor(ctx, enrolment),
    reason: reasonOf(ctx.body),
  });
  const moved = await moveEnrolment(tx, effect, enrolment, event);
  const undo =
    event === 'paused' && ctx.can('affiliate.write')
      ? { path: `/v1/enrolments/${moved.id}/resume`, until: addMs(act.now, 10_000) } // api.md 1.8
      : undefined;
  return presentOne(ctx, tx, affiliate, moved, undo);
}

function moveRoute(verb: 'activate' | 'pause' | 'resume', event: EnrolmentEvent): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/enrolments/:enrolmentId/${verb}`,
    permission: 'affiliate.write',
    params: enrolmentParams,
    body: decisionBody,
    reply: enrolmentWire,
    refuses: [
      'resource.not_found',
      'access.not_in_scope',
      'enrolment.already_decided',
      'enrolment.transition_not_allowed',
      ...(event === 'activated' ? (['enrolment.requirements_open'] as const) : []),
    ],
    handle: (ctx) => ctx.write((tx, act) => move(ctx, tx, act, verb, event)),
  });
}

const end = defineRoute({
  method: 'POST',
  path: '/v1/enrolments/:enrolmentId/end',
  permission: 'affiliate.write',
  params: enrolmentParams,
  body: negativeDecisionBody,
  reply: enrolmentWire,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'enrolment.already_decided',
    'enrolment.transition_not_allowed',
  ],
  handle: (ctx) => ctx.write((tx, act) => move(ctx, tx, act, 'end', 'ended')),
});

/** Acceptance on paper, entered by staff (api.md 7.1). The same again answers the same and changes nothing. */
const accept = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/agreement-acceptances',
  permission: 'affiliate.write',
  params: affiliateParams,
  body: acceptanceCreate,
  reply: acceptanceWire,
  status: 201,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const found = await lockAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      const agreement = await findAgreement(tx, ctx.body.agreementId);
      const enrolments = await listEnrolments(tx, affiliate.id);
      // Somebody who is in no enrolment of the program has nothing to accept there.
      if (agreement === undefined || !enrolments.some((one) => one.programId === agreement.programId))
        throw fieldRefusal('agreementId', 'not_found', 'No agreement of a program the affiliate is enrolled in.');
      const acceptedAt = ctx.body.acceptedAt ?? act.now;
      if (isBefore(act.now, acceptedAt)) throw fieldRefusal('acceptedAt', 'out_of_range', 'Not in the future.');
      await recordAcceptance(tx, act, {
        agreementId: agreement.id,
        affiliateId: affiliate.id,
        via: 'paper',
        acceptedAt,
        seq: affiliate.version + 1,
      });
      return presentAcceptance(agreement.id, {
        affiliateId: affiliate.id,
        affiliateName: affiliate.name,
        acceptedAt,
        via: 'paper',
      });
    }),
});

const acceptances = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/agreement-acceptances',
  summary: 'Which versions this affiliate accepted: when, how, and from where',
  permission: 'affiliate.read',
  params: affiliateParams,
  reply: affiliateAcceptanceList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const found = await findAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      const rows = await listAcceptancesOf(tx, affiliate.id);
      // A network address is personal: masked without the right (api.md 2).
      const seesAddress = ctx.can('pii.read');
      const data = rows.map((row) => presentAffiliateAcceptance(row, affiliate, seesAddress));
      return { data, nextCursor: null };
    }),
});

export const enrolmentRoutes: readonly Route[] = [
  list,
  create,
  moveRoute('activate', 'activated'),
  moveRoute('pause', 'paused'),
  moveRoute('resume', 'resumed'),
  end,
  acceptances,
  accept,
];
