import { journeyFor } from '../../../activities/tracking/click.js';
import { takeSignIn } from '../../../activities/reseller/customerAccount.js';
import { getSettings } from '../../../db/access/settings.js';
import { recordDirectDecision, refusalWithHistory } from '../../../db/audit/directDecision.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { findProgram } from '../../../db/program/program.js';
import { getLeadView, listLeads } from '../../../db/reads/tracking/leadList.js';
import { readReferralTerms } from '../../../db/reads/earning/referralTerms.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { lockContact } from '../../../db/tracking/contact.js';
import { findCaseOfLead } from '../../../db/tracking/riskCase.js';
import { listFieldsInUse } from '../../../db/tracking/customField.js';
import { type Lead, type LeadChange, lockLead, updateLead } from '../../../db/tracking/lead.js';
import type { Act } from '../../../domain/act.js';
import { heldByCase } from '../../../domain/earning/caseHold.js';
import { assertInvariant, DomainError } from '../../../domain/errors.js';
import type { AffiliateId, ProgramId } from '../../../domain/ids.js';
import { addDuration } from '../../../domain/time.js';
import { decideLead, leadActions, type LeadEvent, type LeadVerb } from '../../../domain/tracking/lead.js';
import { signalReferral } from '../../../workflows/contract.js';
import { noteCall } from '../../apiLog.js';
import { boundsOf } from '../../lists.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  type AttributeBody,
  attributeBody,
  customerSignInBody,
  customerSignInWire,
  leadCreate,
  leadList,
  leadParams,
  leadPatch,
  leadQuery,
  type LeadReader,
  type LeadReply,
  leadWire,
  presentLead,
} from '../../schemas/tracking/lead.js';
import { decisionBody, type DecisionReason, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';
import { requireEarner } from '../earning/earner.js';
import { checkCustomFields, takeInLead } from './leadIntake.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller' | 'mode' | 'scope' | 'scopeFor'>;

/** How leads are shown to this caller. */
export function leadReaderOf(ctx: Pick<Asking, 'can' | 'caller'>): LeadReader {
  const { reach } = ctx.caller;
  const affiliateId = reach.kind === 'affiliate' ? reach.affiliateId : null;
  return {
    affiliateId,
    seesPeople: ctx.can('pii.read'),
    mayDecide: affiliateId === null && ctx.can('lead.decide'),
    mayAttribute: affiliateId === null && ctx.can('sale.attribute'),
  };
}

async function present(ctx: Asking, tx: ReadTx | Tx, id: string): Promise<LeadReply> {
  return presentLead(await getLeadView(tx, ctx.scope, ctx.mode, id), leadReaderOf(ctx));
}

export const createLeadRoute = defineRoute({
  method: 'POST',
  path: '/v1/leads',
  permission: 'lead.write',
  body: leadCreate,
  reply: leadWire,
  status: 202,
  refuses: ['resource.already_exists', 'affiliate.affiliate_not_active', 'access.not_enabled'],
  handle: (ctx, deps) =>
    ctx.write(
      async (tx, act) => {
        const affiliateId = ctx.caller.reach.kind === 'affiliate' ? ctx.caller.reach.affiliateId : null;
        const affiliateStatus = ctx.caller.key?.affiliateStatus ?? null;
        if (affiliateId !== null && affiliateStatus !== 'approved')
          throw new DomainError('affiliate.affiliate_not_active', { affiliateStatus });
        const { lead, isNew } = await takeInLead(tx, act, ctx.body, {
          affiliateId,
          channel: affiliateId === null && act.actor.type === 'user' ? 'manual' : 'api',
          keyId: ctx.caller.key?.keyId ?? null,
          publicUrl: deps.config.http.publicUrl,
        });
        noteCall(ctx.koa, { leadId: lead.id });
        const shown = presentLead(
          { lead, customerVisibility: await visibilityOf(tx, lead.programId), decision: null },
          leadReaderOf(ctx),
        );
        return answer(shown, { status: isNew ? 202 : 200, location: `/v1/leads/${lead.id}` });
      },
      { wake: true },
    ),
});

async function visibilityOf(tx: Tx, programId: ProgramId | null): Promise<'full' | 'name_only' | 'anonymous'> {
  if (programId === null) return (await getSettings(tx)).settings.affiliates.customerVisibility;
  return (await readReferralTerms(tx, programId)).customerVisibility;
}

export const listLeadsRoute = defineRoute({
  method: 'GET',
  path: '/v1/leads',
  permission: 'lead.read',
  query: leadQuery,
  reply: leadList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const filter = { ...ctx.query, createdAt: boundsOf(ctx.query, 'createdAt') };
    const views = await ctx.read((tx) => listLeads(tx, ctx.scope, ctx.mode, filter, page));
    return ctx.list(
      views,
      page,
      (view) => presentLead(view, leadReaderOf(ctx)),
      ({ lead }) => ({ value: lead.createdAt, id: lead.id }),
    );
  },
});

export const getLeadRoute = defineRoute({
  method: 'GET',
  path: '/v1/leads/:leadId',
  permission: 'lead.read',
  params: leadParams,
  reply: leadWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) => ctx.read((tx) => present(ctx, tx, ctx.params.leadId)),
});

export const patchLeadRoute = defineRoute({
  method: 'PATCH',
  path: '/v1/leads/:leadId',
  permission: 'lead.write',
  params: leadParams,
  body: leadPatch,
  reply: leadWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  ifMatch: 'honoured',
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const lead = await lockScoped(ctx, tx, ctx.params.leadId);
      ctx.requireVersion(lead.version);
      if (ctx.caller.reach.kind === 'affiliate') checkOwnEdit(ctx.caller.reach.affiliateId, lead, ctx.body);
      const { assigneeId, customFields, metadata, tags, notes } = ctx.body;
      if (typeof assigneeId === 'string' && !(await isStaff(tx, assigneeId)))
        throw invalid({ pointer: '#/assigneeId', code: 'not_found', detail: 'There is no such person.' });
      if (customFields !== undefined) checkCustomFields({ customFields: await listFieldsInUse(tx) }, customFields);
      const change: LeadChange = {
        ...(assigneeId === undefined ? {} : { assigneeId, assignedBy: assigneeId === null ? null : 'staff' }),
        ...(customFields === undefined ? {} : { customFields }),
        ...(metadata === undefined ? {} : { metadata }),
        ...(tags === undefined ? {} : { tags }),
        ...(notes === undefined ? {} : { notes }),
      };
      if (Object.keys(change).length > 0) await updateLead(tx, act, lead, 'edited', change);
      return present(ctx, tx, lead.id);
    }),
});

/** An affiliate's key corrects what it sent itself; who looks after a lead, and what staff note of it, is theirs. */
function checkOwnEdit(affiliateId: AffiliateId, lead: Lead, body: object): void {
  if (lead.source !== affiliateId) throw new DomainError('access.not_in_scope');
  const fields = (['assigneeId', 'tags', 'notes'] as const).filter((field) => field in body);
  if (fields.length > 0)
    throw invalid(
      ...fields.map((field) => ({
        pointer: `#/${field}`,
        code: 'not_allowed_here' as const,
        detail: 'Only the merchant’s staff set this.',
      })),
    );
}

async function isStaff(tx: Tx, userId: string): Promise<boolean> {
  const row = await tx('users')
    .where({ id: userId, audience: 'staff', status: 'active' })
    .first<{ id: string } | undefined>('id');
  return row !== undefined;
}

/** The lead, locked after its referral's order: contact first where a journey may be opened (money.md 9). */
async function lockScoped(ctx: Asking, tx: Tx, leadId: string): Promise<Lead> {
  const { lead } = await getLeadView(tx, ctx.scope, ctx.mode, leadId);
  if (lead.contactId !== null) await lockContact(tx, lead.contactId);
  const locked = await lockLead(tx, leadId);
  assertInvariant(locked !== undefined, 'a lead is never deleted', { leadId });
  return locked;
}

/**
 * A verdict acts on the lead's row at once; its referral is told and takes it into account by itself (decisions 5: a decision on what no
 * workflow sequences). A duplicate that staff accept joins the contact's referral.
 */
async function judge(
  ctx: Asking,
  tx: Tx,
  act: Act,
  leadId: string,
  verb: LeadVerb,
  reason: DecisionReason,
): Promise<LeadReply> {
  const lead = await lockScoped(ctx, tx, leadId);
  const decided = decideLead(lead, verb);
  if (decided.kind === 'refused') throw await refusalWithHistory(tx, decided, lead.id, leadActions(lead.verdict));
  assertInvariant(decided.kind === 'accepted', 'a verdict moves or is refused', { leadId });
  // What the lead has earned may be held by a case: its end decides then, and no verdict (FRD-09).
  const caseId = verb === 'invalidate' ? await findCaseOfLead(tx, lead.id) : undefined;
  if (caseId !== undefined) throw new DomainError('commission.commission_blocked', heldByCase(caseId).params);
  const by = await recordDirectDecision(tx, act, {
    verb,
    objectType: 'lead',
    objectId: lead.id,
    ...reason,
    steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
  });
  await applyVerdict(tx, by, lead, { verb, event: decided.event, reasonCode: reason.reasonCode });
  return present(ctx, tx, lead.id);
}

/**
 * Writes a verdict that was judged under the lead's lock, and wakes what it changes: a lead that is accepted joins its contact's referral, or
 * opens one. `by` names the decision as its cause.
 */
export async function applyVerdict(
  tx: Tx,
  by: Act,
  lead: Lead,
  verdict: { readonly verb: LeadVerb; readonly event: LeadEvent; readonly reasonCode: string },
): Promise<void> {
  const { verb } = verdict;
  const journey =
    lead.referralId === null && verb === 'accept' && lead.programId !== null && lead.contactId !== null
      ? await journeyFor(tx, by, {
          programId: lead.programId,
          taken: undefined,
          ownTouch: undefined,
          fact: {
            kind: 'lead',
            id: lead.id,
            occurredAt: lead.occurredAt,
            contactId: lead.contactId,
            coupon: null,
          },
        })
      : undefined;
  const referralId = lead.referralId ?? journey?.id ?? null;
  await updateLead(tx, by, lead, verdict.event, {
    verdictCode: verb === 'invalidate' ? verdict.reasonCode : null,
    // Without outcome again: the referral's next step reads it.
    ...(referralId === null ? {} : { referralId, processedAt: null, outcome: null }),
  });
  if (referralId !== null)
    await enqueue(tx, signalReferral({ workspaceId: by.workspaceId, referralId }, 'leadReported', { leadId: lead.id }));
}

export const acceptLeadRoute = defineRoute({
  method: 'POST',
  path: '/v1/leads/:leadId/accept',
  permission: 'lead.decide',
  params: leadParams,
  body: decisionBody,
  reply: leadWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'lead.already_decided', 'lead.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write((tx, act) => judge(ctx, tx, act, ctx.params.leadId, 'accept', reasonOf(ctx.body)), { wake: true }),
});

export const invalidateLeadRoute = defineRoute({
  method: 'POST',
  path: '/v1/leads/:leadId/invalidate',
  permission: 'lead.decide',
  params: leadParams,
  body: negativeDecisionBody,
  reply: leadWire,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'lead.already_decided',
    'lead.transition_not_allowed',
    'commission.commission_blocked',
  ],
  handle: (ctx) =>
    ctx.write((tx, act) => judge(ctx, tx, act, ctx.params.leadId, 'invalidate', reasonOf(ctx.body)), { wake: true }),
});

export const attributeLeadRoute = defineRoute({
  method: 'POST',
  path: '/v1/leads/:leadId/attribute',
  summary: 'Give an unattributed lead to an affiliate',
  permission: 'sale.attribute',
  params: leadParams,
  body: attributeBody,
  reply: leadWire,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'lead.already_decided',
    'lead.transition_not_allowed',
    'affiliate.affiliate_not_active',
  ],
  handle: (ctx) => ctx.write((tx, act) => attribute(ctx, tx, act), { wake: true }),
});

/**
 * Staff name whom a lead credits (TRK-27): a touch of the lead's own time, so that terms and window are those of then; its referral opens as
 * `pending` and judges the lead as if it had come with a click. Twice is `lead.already_decided`.
 */
async function attribute(
  ctx: Asking & { readonly params: { readonly leadId: string }; readonly body: AttributeBody },
  tx: Tx,
  act: Act,
): Promise<LeadReply> {
  const { affiliateId } = ctx.body;
  const lead = await lockScoped(ctx, tx, ctx.params.leadId);
  if (lead.attributionStatus === 'attributed' || lead.referralId !== null)
    throw new DomainError('lead.already_decided', { currentStatus: 'attributed', allowedActions: [] });
  if (lead.verdict === 'invalid' || lead.verdict === 'duplicate' || lead.contactId === null)
    throw new DomainError('lead.transition_not_allowed', {
      currentStatus: lead.verdict,
      allowedActions: leadActions(lead.verdict),
    });
  const programId = ctx.body.programId ?? lead.programId;
  if (programId === null || (await findProgram(tx, programId)) === undefined)
    throw invalid({
      pointer: '#/programId',
      code: programId === null ? 'required' : 'not_found',
      detail: programId === null ? 'The lead names no program: say which.' : 'There is no such program.',
    });
  await requireEarner(tx, { affiliateId, programId });
  const by = await recordDirectDecision(tx, act, {
    verb: 'attribute',
    objectType: 'lead',
    objectId: lead.id,
    ...reasonOf(ctx.body),
    params: { affiliateId, programId },
    steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
  });
  const { attributionWindow } = await readReferralTerms(tx, programId);
  const journey = await journeyFor(tx, by, {
    programId,
    taken: undefined,
    ownTouch: {
      kind: 'manual',
      sourceId: lead.id,
      affiliateId,
      linkId: null,
      sub1: lead.sub1,
      occurredAt: lead.occurredAt,
      endsAt: addDuration(lead.occurredAt, attributionWindow),
    },
    fact: {
      kind: 'lead',
      id: lead.id,
      occurredAt: lead.occurredAt,
      contactId: lead.contactId,
      coupon: null,
    },
  });
  assertInvariant(journey !== undefined, 'a touch makes a journey', { leadId: lead.id });
  await updateLead(tx, by, lead, 'attributedByHand', {
    referralId: journey.id,
    programId,
    attributionCode: null,
    processedAt: null,
    outcome: null,
  });
  await enqueue(
    tx,
    signalReferral({ workspaceId: act.workspaceId, referralId: journey.id }, 'leadReported', { leadId: lead.id }),
  );
  return present(ctx, tx, lead.id);
}

export const customerSignInRoute = defineRoute({
  method: 'POST',
  path: '/v1/customer-sign-ins',
  summary: 'Who arrived by a form with sign-in: once, within 60 s',
  permission: 'lead.write',
  body: customerSignInBody,
  reply: customerSignInWire,
  refuses: ['access.token_used_or_expired'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const taken = await takeSignIn(tx, act, ctx.body.token);
      if (taken === undefined) throw new DomainError('access.token_used_or_expired');
      // Refused, the token is as it was: who may not see the lead does not spend it either.
      if (ctx.scope.kind !== 'workspace' && !(await isSeen(ctx, tx, taken.leadId)))
        throw new DomainError('access.token_used_or_expired');
      return { customerAccountId: taken.customerAccountId, leadId: taken.leadId };
    }),
});

async function isSeen(ctx: Asking, tx: Tx, leadId: string | null): Promise<boolean> {
  if (leadId === null) return false;
  try {
    await getLeadView(tx, ctx.scope, ctx.mode, leadId);
    return true;
  } catch (error) {
    if (error instanceof DomainError) return false;
    throw error;
  }
}

export const leadRoutes: readonly Route[] = [
  createLeadRoute,
  listLeadsRoute,
  getLeadRoute,
  patchLeadRoute,
  acceptLeadRoute,
  invalidateLeadRoute,
  attributeLeadRoute,
  customerSignInRoute,
];
