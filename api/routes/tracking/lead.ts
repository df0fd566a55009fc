import { journeyFor, takeUpClick } from '../../../activities/tracking/click.js';
import { getSettings } from '../../../db/access/settings.js';
import { recordDirectDecision, refusalWithHistory } from '../../../db/audit/directDecision.js';
import { upsertExternalCustomer } from '../../../db/earning/sale.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { findDefaultProgram } from '../../../db/reads/tracking/leadProgram.js';
import { getLeadView, listLeads } from '../../../db/reads/tracking/leadList.js';
import { readReferralTerms } from '../../../db/reads/earning/referralTerms.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import {
  type Contact,
  findContact,
  findContactByEmail,
  findContactByPhone,
  findOrInsertContact,
  lockContact,
} from '../../../db/tracking/contact.js';
import {
  findEarlierLead,
  findLeadByExternalId,
  insertLead,
  type Lead,
  type LeadChange,
  lockLead,
  settleLead,
  updateLead,
} from '../../../db/tracking/lead.js';
import { type Act, actFor } from '../../../domain/act.js';
import { assertInvariant, DomainError } from '../../../domain/errors.js';
import type { AffiliateId, ContactId, LeadId, ProgramId } from '../../../domain/ids.js';
import { addDuration } from '../../../domain/time.js';
import type { Touch, UnattributedCode } from '../../../domain/tracking/attribution.js';
import { phoneKey } from '../../../domain/tracking/contactKey.js';
import { decideLead, leadActions, type LeadVerb } from '../../../domain/tracking/lead.js';
import { sha256Hex } from '../../../platform/secrets.js';
import { signalReferral } from '../../../workflows/contract.js';
import { boundsOf } from '../../lists.js';
import { invalid } from '../../problems.js';
import { answer, defineRoute, type Route, type RouteContext } from '../../route.js';
import {
  type LeadCreate,
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

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller' | 'mode' | 'scope' | 'scopeFor'>;

function readerOf(ctx: Asking): LeadReader {
  const { reach } = ctx.caller;
  const affiliateId = reach.kind === 'affiliate' ? reach.affiliateId : null;
  return { affiliateId, seesPeople: ctx.can('pii.read'), mayDecide: affiliateId === null && ctx.can('lead.decide') };
}

async function present(ctx: Asking, tx: ReadTx | Tx, id: string): Promise<LeadReply> {
  return presentLead(await getLeadView(tx, ctx.scope, ctx.mode, id), readerOf(ctx));
}

/** Leads of one sender have one space of external ids: an affiliate's key is always that affiliate's (api.md 1.4). */
const mainSource = 'main';

export const createLeadRoute = defineRoute({
  method: 'POST',
  path: '/v1/leads',
  permission: 'lead.write',
  body: leadCreate,
  reply: leadWire,
  status: 202,
  refuses: ['resource.already_exists', 'affiliate.affiliate_not_active'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const affiliateId = ctx.caller.reach.kind === 'affiliate' ? ctx.caller.reach.affiliateId : null;
        const affiliateStatus = ctx.caller.key?.affiliateStatus ?? null;
        if (affiliateId !== null && affiliateStatus !== 'approved')
          throw new DomainError('affiliate.affiliate_not_active', { affiliateStatus });
        const { lead, isNew } = await takeInLead(tx, act, ctx.body, affiliateId);
        const shown = presentLead(
          { lead, customerVisibility: await visibilityOf(tx, lead.programId), decision: null },
          readerOf(ctx),
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

/**
 * Lead intake (architecture.md 6, hop 3): customer and contact first, so that copies and races wait for each other; then the click that is
 * named, the journey, the lead and its message, in one transaction. A repeat of the same external id and content finds its lead.
 */
async function takeInLead(
  tx: Tx,
  act: Act,
  body: LeadCreate,
  affiliateId: AffiliateId | null,
): Promise<{ readonly lead: Lead; readonly isNew: boolean }> {
  const source = affiliateId ?? mainSource;
  const contentHash = sha256Hex(canonical(body));
  const externalId = body.externalId ?? null;
  const repeat = await findRepeat(tx, act, { source, externalId, contentHash });
  if (repeat !== undefined) return { lead: repeat, isNew: false };

  const contact = await findOrMakePerson(tx, act, body);
  await lockContact(tx, contact.id);
  if (typeof body.customerExternalId === 'string')
    await upsertExternalCustomer(tx, act, body.customerExternalId, contact.id);
  const sameTime = await findRepeat(tx, act, { source, externalId, contentHash }); // its twin held the contact until now
  if (sameTime !== undefined) return { lead: sameTime, isNew: false };

  const taken = typeof body.clickId === 'string' ? await takeUpClick(tx, act, body.clickId) : undefined;
  const credited = taken?.visitorId == null ? undefined : taken;
  const program =
    credited?.click.programId ??
    (await findDefaultProgram(tx, {
      mode: act.mode,
      named: body.programId ?? null,
      affiliateId,
      contactId: contact.id,
    }));
  if (program === 'not_found')
    throw invalid({ pointer: '#/programId', code: 'not_found', detail: 'There is no such program.' });
  if (program === 'ambiguous')
    throw invalid({
      pointer: '#/programId',
      code: 'required',
      detail: 'The affiliate is in several programs: name one.',
    });

  const event = body.event ?? 'enquiry';
  const id = act.newId('lead');
  const earlier = await findEarlierLead(tx, { mode: act.mode, contactId: contact.id, programId: program, event });
  const { settings } = await getSettings(tx);
  const isRefused = earlier !== undefined && settings.leads.duplicates === 'refuse';
  const journey =
    program === null || isRefused
      ? undefined
      : await journeyFor(tx, act, {
          programId: program,
          taken: credited,
          ownTouch:
            credited === undefined && affiliateId !== null
              ? await ownTouch(tx, act, program, id, affiliateId, body)
              : undefined,
          fact: {
            kind: 'lead',
            id,
            occurredAt: act.now,
            contactId: contact.id,
            hasUnknownCoupon: typeof body.coupon === 'string',
          },
        });
  const inserted = await insertLead(tx, actFor(act, { cause: null }), {
    id,
    source,
    externalId,
    contentHash,
    customerExternalId: body.customerExternalId ?? null,
    event,
    channel: affiliateId === null && act.actor.type === 'user' ? 'manual' : 'api',
    name: body.name ?? null,
    email: body.email ?? null,
    phone: body.phone ?? null,
    company: body.company ?? null,
    country: body.country ?? null,
    contactId: contact.id,
    duplicateOfId: earlier?.id ?? null,
    isUnique: earlier === undefined,
    programId: program,
    affiliateId: null,
    linkId: null,
    clickId: body.clickId ?? null,
    coupon: body.coupon ?? null,
    sub1: body.sub1 ?? credited?.click.sub1 ?? null,
    referralId: journey?.id ?? null,
    assigneeId: null,
    customFields: body.customFields ?? {},
    consent: body.consent ?? null,
    metadata: body.metadata ?? {},
    occurredAt: act.now,
  });
  // Copies wait for each other at the contact; who slips through with another person's data under the same id meets the unique key.
  if (inserted === undefined) throw new DomainError('resource.already_exists', { field: 'externalId' });
  if (isRefused) return { lead: await refuseDuplicate(tx, act, inserted), isNew: true };
  if (journey === undefined)
    return { lead: await keepUnattributed(tx, act, inserted, credited !== undefined), isNew: true };
  await enqueue(
    tx,
    signalReferral({ workspaceId: act.workspaceId, referralId: journey.id }, 'leadReported', { leadId: inserted.id }),
  );
  return { lead: inserted, isNew: true };
}

/** The same members in any order are the same content. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

async function findRepeat(
  tx: Tx,
  act: Act,
  of: { readonly source: string; readonly externalId: string | null; readonly contentHash: string },
): Promise<Lead | undefined> {
  if (of.externalId === null) return undefined;
  const lead = await findLeadByExternalId(tx, { mode: act.mode, source: of.source, externalId: of.externalId });
  if (lead !== undefined && lead.contentHash !== of.contentHash)
    throw new DomainError('resource.already_exists', { field: 'externalId', existingId: lead.id });
  return lead;
}

/** The person behind the lead: the shop's customer, else by e-mail, else by phone, else somebody new. */
async function findOrMakePerson(tx: Tx, act: Act, body: LeadCreate): Promise<Contact> {
  const { customerExternalId, email = null, phone = null } = body;
  if (typeof customerExternalId === 'string') {
    const known: ContactId | null = await upsertExternalCustomer(tx, act, customerExternalId);
    const contact = known === null ? undefined : await findContact(tx, known);
    if (contact !== undefined) return contact;
  }
  const byEmail = email === null ? undefined : await findContactByEmail(tx, email);
  if (byEmail !== undefined) return byEmail;
  if (phone !== null) {
    // No unique index on phones: a family may share one. The lock makes two copies of one lead wait for each other all the same.
    await tx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
      `phone ${act.workspaceId} ${phoneKey(phone) ?? phone}`,
    ]);
    const byPhone = await findContactByPhone(tx, phone);
    if (byPhone !== undefined) return byPhone;
  }
  return findOrInsertContact(tx, act, {
    id: act.newId('contact'),
    name: body.name ?? null,
    email,
    phone,
    company: body.company ?? null,
    country: body.country ?? null,
  });
}

/** A lead that an affiliate's key sends without a click names that affiliate itself. */
async function ownTouch(
  tx: Tx,
  act: Act,
  programId: ProgramId,
  leadId: LeadId,
  affiliateId: AffiliateId,
  body: LeadCreate,
): Promise<Touch> {
  const { attributionWindow } = await readReferralTerms(tx, programId);
  return {
    kind: 'lead',
    sourceId: leadId,
    affiliateId,
    linkId: null,
    sub1: body.sub1 ?? null,
    occurredAt: act.now,
    endsAt: addDuration(act.now, attributionWindow),
  };
}

/** Stored and logged, without referral and without a word about the first sender (LED-16, LED-17). */
async function refuseDuplicate(tx: Tx, act: Act, lead: Lead): Promise<Lead> {
  const by = actFor(act, { cause: { type: 'lead', id: lead.id } });
  const refusedLead = await updateLead(tx, by, lead, 'duplicated', { verdictCode: 'duplicate' }, 'duplicate');
  return settleLead(tx, by, refusedLead, 'duplicate');
}

/** Kept although nobody is to be credited; staff may still give it to somebody (TRK-27). */
async function keepUnattributed(tx: Tx, act: Act, lead: Lead, isTouchOver: boolean): Promise<Lead> {
  const code: UnattributedCode = lead.coupon !== null ? 'coupon_unknown' : isTouchOver ? 'cookie_expired' : 'no_touch';
  const by = actFor(act, { cause: { type: 'lead', id: lead.id } });
  const isAccepted =
    lead.programId === null || (await readReferralTerms(tx, lead.programId)).leadAcceptance === 'automatic';
  const judged = isAccepted ? await updateLead(tx, by, lead, 'accepted') : lead;
  return settleLead(tx, by, judged, 'unattributed', { attributionCode: code });
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
      (view) => presentLead(view, readerOf(ctx)),
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
      const { assigneeId, customFields, metadata } = ctx.body;
      if (typeof assigneeId === 'string' && !(await isStaff(tx, assigneeId)))
        throw invalid({ pointer: '#/assigneeId', code: 'not_found', detail: 'There is no such person.' });
      const change: LeadChange = {
        ...(assigneeId === undefined ? {} : { assigneeId }),
        ...(customFields === undefined ? {} : { customFields }),
        ...(metadata === undefined ? {} : { metadata }),
      };
      if (Object.keys(change).length > 0) await updateLead(tx, act, lead, 'edited', change);
      return present(ctx, tx, lead.id);
    }),
});

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
  const by = await recordDirectDecision(tx, act, {
    verb,
    objectType: 'lead',
    objectId: lead.id,
    ...reason,
    steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
  });
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
            hasUnknownCoupon: false,
          },
        })
      : undefined;
  const referralId = lead.referralId ?? journey?.id ?? null;
  await updateLead(tx, by, lead, decided.event, {
    verdictCode: verb === 'invalidate' ? reason.reasonCode : null,
    // Without outcome again: the referral's next step reads it.
    ...(referralId === null ? {} : { referralId, processedAt: null, outcome: null }),
  });
  if (referralId !== null)
    await enqueue(
      tx,
      signalReferral({ workspaceId: act.workspaceId, referralId }, 'leadReported', { leadId: lead.id }),
    );
  return present(ctx, tx, lead.id);
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
  refuses: ['resource.not_found', 'access.not_in_scope', 'lead.already_decided', 'lead.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write((tx, act) => judge(ctx, tx, act, ctx.params.leadId, 'invalidate', reasonOf(ctx.body)), { wake: true }),
});

export const leadRoutes: readonly Route[] = [
  createLeadRoute,
  listLeadsRoute,
  getLeadRoute,
  patchLeadRoute,
  acceptLeadRoute,
  invalidateLeadRoute,
];
