import { journeyFor, type TakenUpClick, takeUpClick } from '../../../activities/tracking/click.js';
import { openCustomerAccount } from '../../../activities/reseller/customerAccount.js';
import { getSettings } from '../../../db/access/settings.js';
import { listEnrolments } from '../../../db/affiliate/enrolment.js';
import { upsertExternalCustomer } from '../../../db/earning/sale.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { findProgram } from '../../../db/program/program.js';
import { readReferralTerms } from '../../../db/reads/earning/referralTerms.js';
import { type IntakeRules, readIntakeRules } from '../../../db/reads/tracking/intakeRules.js';
import { findCouponProgram } from '../../../db/reads/tracking/couponProgram.js';
import { isKnownCustomer } from '../../../db/reads/tracking/knownCustomer.js';
import { findDefaultProgram } from '../../../db/reads/tracking/leadProgram.js';
import type { Tx } from '../../../db/transaction.js';
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
  settleLead,
  updateLead,
} from '../../../db/tracking/lead.js';
import { findCouponByCode } from '../../../db/tracking/coupon.js';
import { type Device, keepLeadDetails } from '../../../db/tracking/device.js';
import type { LeadForm } from '../../../db/tracking/leadForm.js';
import { raiseFlag } from '../../../db/tracking/riskFlag.js';
import { type Act, actFor, systemActor } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import type { AffiliateId, ApiKeyId, ContactId, CustomerAccountId, LeadId, ProgramId } from '../../../domain/ids.js';
import { addDuration, type Instant, parseLocalDate } from '../../../domain/time.js';
import type { Touch, UnattributedCode } from '../../../domain/tracking/attribution.js';
import { couponProblem } from '../../../domain/tracking/coupon.js';
import { emailKey, phoneKey } from '../../../domain/tracking/contactKey.js';
import { customFieldProblems, type FieldProblem } from '../../../domain/tracking/leadField.js';
import { acceptanceOf, isFormLike, opensAccount, routeLead } from '../../../domain/tracking/leadRouting.js';
import { randomToken, sha256Hex } from '../../../platform/secrets.js';
import { signalReferral } from '../../../workflows/contract.js';
import { type FieldError, invalid } from '../../problems.js';
import type { LeadCreate } from '../../schemas/tracking/lead.js';

/** Leads of one sender have one space of external ids: an affiliate's key is always that affiliate's (api.md 1.4). */
const mainSource = 'main';

/** Who sends a lead, and by which way. */
export interface LeadReport {
  /** The affiliate whose key sends it; null: nobody's. */
  readonly affiliateId: AffiliateId | null;
  readonly channel: Lead['channel'];
  readonly keyId?: ApiKeyId | null;
  /** When it happened, where that is known better than by its arrival: an event that another system sends late. */
  readonly occurredAt?: Instant;
  /** The form it was submitted by, whose fields were judged already. */
  readonly form?: LeadForm;
  /** From where a form or script was sent; an API's caller is the merchant's own server. */
  readonly device?: Device;
  /** `config.http.publicUrl`: where the mailed links of opened accounts lead to. Without it none is opened. */
  readonly publicUrl?: string;
}

export interface TakenIn {
  readonly lead: Lead;
  readonly isNew: boolean;
  /** The account that this lead opened for a person who was nobody's customer before; null: none, or one that may be somebody else's. */
  readonly ownAccountId: CustomerAccountId | null;
}

/**
 * Lead intake (architecture.md 6, hop 3): customer and contact first, so that copies and races wait for each other; then the click that is
 * named, the journey, the lead and its message, in one transaction. A repeat of the same external id and content finds its lead.
 */
export async function takeInLead(tx: Tx, act: Act, body: LeadCreate, report: LeadReport): Promise<TakenIn> {
  const { affiliateId, channel, form } = report;
  const source = affiliateId ?? mainSource;
  const contentHash = sha256Hex(canonical(body));
  const externalId = body.externalId ?? null;
  const repeat = await findRepeat(tx, act, { source, externalId, contentHash });
  if (repeat !== undefined) return { lead: repeat, isNew: false, ownAccountId: null };

  const contact = await findOrMakePerson(tx, act, body);
  await lockContact(tx, contact.id);
  if (typeof body.customerExternalId === 'string')
    await upsertExternalCustomer(tx, act, body.customerExternalId, contact.id);
  const sameTime = await findRepeat(tx, act, { source, externalId, contentHash }); // its twin held the contact until now
  if (sameTime !== undefined) return { lead: sameTime, isNew: false, ownAccountId: null };

  const taken = typeof body.clickId === 'string' ? await takeUpClick(tx, act, body.clickId) : undefined;
  const credited = taken?.visitorId == null ? undefined : taken;
  // A form's leads are its program's, whichever program the visitor clicked for.
  const program =
    form?.programId ??
    (body.coupon == null ? null : await findCouponProgram(tx, body.coupon, report.occurredAt ?? act.now)) ??
    credited?.click.programId ??
    (await programOf(tx, act, body, { affiliateId, contactId: contact.id }));
  const rules = await readIntakeRules(tx, {
    keyId: report.keyId ?? null,
    sourceId: body.sourceId ?? form?.leadSourceId ?? null,
    affiliateId: affiliateId ?? (await creditedBy(tx, { body, program, credited, at: report.occurredAt ?? act.now })),
    programId: program,
    formAssigneeId: form?.assigneeId ?? null,
  });
  checkSource(body, rules);
  if (form === undefined && (channel === 'api' || channel === 'manual'))
    checkCustomFields(rules, body.customFields ?? {});

  const event = body.event ?? 'enquiry';
  const id = act.newId('lead');
  const earlier = await findEarlierLead(tx, { mode: act.mode, contactId: contact.id, programId: program, event });
  const { settings } = await getSettings(tx);
  const isRefused = earlier !== undefined && settings.leads.duplicates === 'refuse' && !isFormLike(channel);
  const journey =
    program === null || isRefused
      ? undefined
      : await journeyFor(tx, act, {
          programId: program,
          taken: credited,
          ownTouch:
            credited === undefined && affiliateId !== null && settings.general.moduleEnabled
              ? await ownTouch(tx, act, program, id, affiliateId, body)
              : undefined,
          fact: {
            kind: 'lead',
            id,
            occurredAt: report.occurredAt ?? act.now,
            contactId: contact.id,
            coupon: body.coupon ?? null,
          },
        });
  const routing = routeLead({
    affiliateAgentId: rules.affiliateAgentId,
    formAssigneeId: rules.formAssigneeId,
    sourceAssigneeId: rules.source?.assigneeId ?? null,
    department: rules.source?.department ?? null,
  });
  const inserted = await insertLead(tx, actFor(act, { cause: null }), {
    id,
    source,
    externalId,
    contentHash,
    customerExternalId: body.customerExternalId ?? null,
    event,
    channel,
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
    ...routing,
    sourceId: rules.source?.id ?? null,
    formId: form?.id ?? null,
    formVersion: form?.version ?? null,
    customFields: body.customFields ?? {},
    consent: body.consent ?? null,
    metadata: body.metadata ?? {},
    occurredAt: report.occurredAt ?? act.now,
  });
  // Copies wait for each other at the contact; who slips through with another person's data under the same id meets the unique key.
  if (inserted === undefined) throw new DomainError('resource.already_exists', { field: 'externalId' });
  if (report.device !== undefined) await keepLeadDetails(tx, act.now, inserted.id, report.device);
  if (isRefused) return { lead: await refuseDuplicate(tx, act, inserted, earlier), isNew: true, ownAccountId: null };
  const { lead: kept, ownAccountId } = await openAccountFor(tx, act, inserted, contact, report, {
    opens: opensAccount(
      rules.acquisitionModel,
      form === undefined ? rules.keyOpensAccount : form.openAccount,
      settings.leads.accountOpening && channel === 'api',
    ),
  });
  if (journey === undefined)
    return {
      lead: await keepUnattributed(tx, act, kept, rules, credited !== undefined),
      isNew: true,
      ownAccountId,
    };
  await enqueue(
    tx,
    signalReferral({ workspaceId: act.workspaceId, referralId: journey.id }, 'leadReported', { leadId: kept.id }),
  );
  return { lead: kept, isNew: true, ownAccountId };
}

/** The program of a lead that names no credited click; null: none, the lead stands for itself. */
async function programOf(
  tx: Tx,
  act: Act,
  body: LeadCreate,
  of: { readonly affiliateId: AffiliateId | null; readonly contactId: ContactId },
): Promise<ProgramId | null> {
  const program = await findDefaultProgram(tx, { mode: act.mode, named: body.programId ?? null, ...of });
  // To an affiliate a program that it was never in does not exist.
  const isUnknown = of.affiliateId !== null && body.programId != null && !(await isMember(tx, of.affiliateId, program));
  if (program === 'not_found' || isUnknown)
    throw invalid({ pointer: '#/programId', code: 'not_found', detail: 'There is no such program.' });
  if (program === 'ambiguous')
    throw invalid({
      pointer: '#/programId',
      code: 'required',
      detail: 'The affiliate is in several programs: name one.',
    });
  return program;
}

async function isMember(tx: Tx, affiliateId: AffiliateId, programId: string | null): Promise<boolean> {
  return (await listEnrolments(tx, affiliateId)).some((one) => one.programId === programId);
}

/** Whom the lead's click and coupon name, in the program's order: that affiliate's agent gets it (LED-03). */
async function creditedBy(
  tx: Tx,
  of: {
    readonly body: LeadCreate;
    readonly program: ProgramId | null;
    readonly credited: TakenUpClick | undefined;
    readonly at: Instant;
  },
): Promise<AffiliateId | null> {
  const byClick = of.credited?.click.affiliateId ?? null;
  if (of.body.coupon == null || of.program === null) return byClick;
  const found = await findCouponByCode(tx, of.body.coupon);
  if (found?.coupon.programId !== of.program || couponProblem(found, of.at) !== null) return byClick;
  const { couponPriority } = await readReferralTerms(tx, of.program);
  return couponPriority === 'coupon_first' ? found.coupon.affiliateId : (byClick ?? found.coupon.affiliateId);
}

/** A source that is named must be there; one that is switched off takes no leads, whoever names it. */
function checkSource(body: LeadCreate, { source }: IntakeRules): void {
  if (typeof body.sourceId === 'string' && source === undefined)
    throw invalid({ pointer: '#/sourceId', code: 'not_found', detail: 'There is no such lead source.' });
  if (source?.active === false) throw new DomainError('access.not_enabled', { capability: 'lead_source' });
}

const fieldDetails: Readonly<Record<FieldProblem, string>> = {
  required: 'This field is required.',
  unknown_field: 'There is no such custom field.',
  not_in_list: 'Not one of the field’s options.',
  bad_format: 'The value does not fit the field’s type.',
  too_long: 'At most 500 characters.',
};

/** All wrong custom fields at once, each by its pointer. Code: `request.validation_failed`. */
export function checkCustomFields(
  rules: Pick<IntakeRules, 'customFields'>,
  values: Readonly<Record<string, string>>,
): void {
  const problems: readonly { readonly key: string; readonly problem: FieldProblem }[] = [
    ...customFieldProblems(rules.customFields, values),
    ...rules.customFields.flatMap(({ key, type }) => {
      const value = values[key];
      const isNoDay =
        type === 'date' &&
        value !== undefined &&
        /^\d{4}-\d{2}-\d{2}$/.test(value) &&
        parseLocalDate(value) === undefined;
      return isNoDay ? [{ key, problem: 'bad_format' as const }] : [];
    }),
  ];
  const errors = problems.map(
    ({ key, problem }): FieldError => ({
      pointer: `#/customFields/${encodeURIComponent(key.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1'))}`,
      code: problem,
      detail: fieldDetails[problem],
    }),
  );
  if (errors.length > 0) throw invalid(...errors);
}

/**
 * Opens the customer's account, where channel and acquisition model say so; without an e-mail there is nobody to send the link to. Whoever
 * fills in a form may know somebody's number, so the link goes to the address that is known of the person, and only to a stranger's own.
 */
async function openAccountFor(
  tx: Tx,
  act: Act,
  lead: Lead,
  contact: Contact,
  { publicUrl, form }: LeadReport,
  { opens }: { readonly opens: boolean },
): Promise<Pick<TakenIn, 'lead' | 'ownAccountId'>> {
  if (!opens || publicUrl === undefined || lead.email === null) return { lead, ownAccountId: null };
  const by = actFor(act, { cause: { type: 'lead', id: lead.id } });
  const { account, isNew } = await openCustomerAccount(tx, by, {
    contactId: contact.id,
    email: contact.email ?? lead.email,
    language: form?.language ?? 'en',
    token: randomToken(),
    linkBase: publicUrl,
  });
  const isOwn =
    isNew &&
    contact.email !== null &&
    emailKey(contact.email) === emailKey(lead.email) &&
    !(await isKnownCustomer(tx, { mode: act.mode, contactId: contact.id }));
  return {
    lead: await updateLead(tx, by, lead, 'accountOpened', { customerAccountId: account.id }),
    ownAccountId: isOwn ? account.id : null,
  };
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

/**
 * A lead that an affiliate's key sends without a click names that affiliate itself, as a click would: in an active program only (PRG-20), and
 * one that the affiliate is in now, whatever program the lead, its coupon or its person's referral names.
 */
async function ownTouch(
  tx: Tx,
  act: Act,
  programId: ProgramId,
  leadId: LeadId,
  affiliateId: AffiliateId,
  body: LeadCreate,
): Promise<Touch | undefined> {
  if ((await findProgram(tx, programId))?.status !== 'active') return undefined;
  const isIn = (await listEnrolments(tx, affiliateId)).some(
    (one) => one.programId === programId && one.status === 'active',
  );
  if (!isIn) return undefined;
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
async function refuseDuplicate(tx: Tx, act: Act, lead: Lead, earlier: Lead): Promise<Lead> {
  const firstSender = earlier.affiliateId ?? earlier.source;
  // Somebody else sends the same person: staff see both, and nobody's money waits for it (FRD-03).
  if (lead.source !== mainSource && lead.source !== firstSender)
    await raiseFlag(tx, actFor(act, { actor: systemActor, cause: null }), {
      referralId: earlier.referralId,
      affiliateId: earlier.affiliateId,
      code: 'affiliate_conflict',
      evidence: { leadIds: [earlier.id, lead.id], affiliateIds: [firstSender, lead.source] },
      onceKey: `affiliate_conflict/${earlier.id}/${lead.source}`,
    });
  const by = actFor(act, { cause: { type: 'lead', id: lead.id } });
  const refusedLead = await updateLead(tx, by, lead, 'duplicated', { verdictCode: 'duplicate' }, 'duplicate');
  return settleLead(tx, by, refusedLead, 'duplicate');
}

/** Kept although nobody is to be credited; staff may still give it to somebody (TRK-27). */
async function keepUnattributed(tx: Tx, act: Act, lead: Lead, rules: IntakeRules, isTouchOver: boolean): Promise<Lead> {
  const problem = lead.coupon === null ? null : couponProblem(await findCouponByCode(tx, lead.coupon), lead.occurredAt);
  const code: UnattributedCode = problem ?? (isTouchOver ? 'cookie_expired' : 'no_touch');
  const by = actFor(act, { cause: { type: 'lead', id: lead.id } });
  const ofProgram =
    lead.programId === null ? 'automatic' : (await readReferralTerms(tx, lead.programId)).leadAcceptance;
  const acceptance = acceptanceOf(rules.source?.leadAcceptance, ofProgram);
  const judged = acceptance === 'automatic' ? await updateLead(tx, by, lead, 'accepted') : lead;
  return settleLead(tx, by, judged, 'unattributed', { attributionCode: code });
}
