import { z } from 'zod';
import type { LeadView } from '../../../db/reads/tracking/leadList.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { leadActions, leadTransitions, type LeadVerdict, masked } from '../../../domain/tracking/lead.js';
import { reasonForAffiliate } from '../../../domain/publicReason.js';
import { phoneKey } from '../../../domain/tracking/contactKey.js';
import { statusesOf } from '../../../domain/transitions.js';
import { anyName, anyOf, anyText, flag, instantRange, listQuery } from '../../lists.js';
import {
  decisionWire,
  emailWire,
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  longText,
  metadataWire,
  nameText,
  noteText,
  objectFields,
  reasonText,
  text,
  versionFields,
} from '../wire.js';

const events = ['enquiry', 'registration'] as const;
const channels = ['form', 'api', 'postback', 'script', 'manual', 'import', 'payment_hook', 'sale'] as const;
const verdicts = statusesOf(leadTransitions) as ['received', 'accepted', 'duplicate', 'invalid', 'converted'];
/** What another system calls something of its own: visible characters, kept as they are. */
const externalId = text(255);

const phoneText = text(40).check((context) => {
  if (!/\d/.test(context.value) || !/^[+\d\s().\-/]+$/.test(context.value))
    context.issues.push({
      ...fieldIssue('bad_format', 'A phone number, best with its country: +48600100200.'),
      input: context.value,
    });
});
const countryText = z
  .string()
  .regex(/^[A-Z]{2}$/)
  .openapi({ type: 'string', examples: ['PL'] });

export const leadParams = z.strictObject({ leadId: idWire('lead') });

export const leadCreate = z
  .strictObject({
    externalId: externalId.nullable().exactOptional(),
    customerExternalId: externalId.nullable().exactOptional(),
    clickId: idWire('click').nullable().exactOptional(),
    event: z.enum(events).exactOptional(),
    name: nameText.nullable().exactOptional(),
    email: emailWire.nullable().exactOptional(),
    phone: phoneText.nullable().exactOptional(),
    company: nameText.nullable().exactOptional(),
    country: countryText.nullable().exactOptional(),
    sourceId: idWire('leadSource').nullable().exactOptional(),
    programId: idWire('program').nullable().exactOptional(),
    coupon: text(100).nullable().exactOptional(),
    sub1: text(255).nullable().exactOptional(),
    customFields: z.record(text(40), longText(500, { empty: true })).exactOptional(),
    consent: z
      .strictObject({ text: text(500), given: z.boolean() })
      .nullable()
      .exactOptional(),
    metadata: metadataWire.exactOptional(),
  })
  .check((context) => {
    const { email, phone } = context.value;
    if ((email ?? null) === null && (phone ?? null) === null)
      context.issues.push({
        ...fieldIssue('required', 'A lead needs email or phone.', ['email']),
        input: context.value,
      });
    else if ((email ?? null) === null && typeof phone === 'string' && phoneKey(phone) === undefined)
      context.issues.push({
        ...fieldIssue('bad_format', 'Without an e-mail the phone needs its country code, such as +48600100200.', [
          'phone',
        ]),
        input: context.value,
      });
  });
export type LeadCreate = z.output<typeof leadCreate>;

export const leadPatch = z.strictObject({
  assigneeId: idWire('user').nullable().exactOptional(),
  customFields: z.record(text(40), longText(500, { empty: true })).exactOptional(),
  metadata: metadataWire.exactOptional(),
  tags: z.array(text(50)).max(20).exactOptional(),
  notes: noteText.nullable().exactOptional(),
});

export const attributeBody = z.strictObject({
  affiliateId: idWire('affiliate'),
  programId: idWire('program').exactOptional(),
  reason: reasonText.exactOptional(),
});
export type AttributeBody = z.output<typeof attributeBody>;

export const customerSignInBody = z.strictObject({ token: z.string().regex(/^[A-Za-z0-9_-]{20,100}$/) });
export const customerSignInWire = z
  .strictObject({ customerAccountId: z.string(), leadId: z.string().nullable() })
  .openapi('CustomerSignIn');

export const leadQuery = listQuery(
  {
    verdict: anyOf(verdicts),
    channel: anyOf(channels),
    sourceId: anyText(),
    formId: anyText(),
    affiliateId: anyText(),
    programId: anyText(),
    assigneeId: anyText(),
    assigned: flag(),
    department: anyName(),
    country: anyText(),
    externalId: anyText(),
    unique: flag(),
    ...instantRange('createdAt'),
  },
  { q: true },
);

export const leadWire = z
  .strictObject({
    ...objectFields('lead', 'lead'),
    externalId: z.string().nullable(),
    customerExternalId: z.string().nullable(),
    event: z.enum(events),
    channel: z.enum(channels),
    verdict: z.enum(verdicts),
    verdictCode: z.string().nullable(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    company: z.string().nullable(),
    country: z.string().nullable(),
    contactId: z.string().nullable(),
    customerAccountId: z.string().nullable(),
    sourceId: z.string().nullable(),
    formId: z.string().nullable(),
    assigneeId: z.string().nullable(),
    /** The queue that it waits in without an assignee. */
    department: z.string().nullable(),
    referralId: z.string().nullable(),
    duplicateOfId: z.string().nullable(),
    unique: z.boolean(),
    attribution: z.strictObject({
      status: z.enum(['attributed', 'unattributed']),
      code: z.string().nullable(),
      affiliateId: z.string().nullable(),
      programId: z.string().nullable(),
      linkId: z.string().nullable(),
      clickId: z.string().nullable(),
      sub1: z.string().nullable(),
    }),
    customFields: z.record(z.string(), z.string()),
    consent: z.strictObject({ text: z.string(), given: z.boolean() }).nullable(),
    tags: z.array(z.string()),
    notes: z.string().nullable(),
    test: z.boolean(),
    receivedAt: instantWire,
    processedAt: instantWire.nullable(),
    decision: decisionWire,
    allowedActions: z.array(z.string()),
    metadata: z.record(z.string(), z.string()),
    ...versionFields,
  })
  .openapi('Lead');
export type LeadReply = z.output<typeof leadWire>;
export const leadList = listOf(leadWire);

export interface LeadReader {
  /** The person in clear. */
  readonly seesPeople: boolean;
  /** An affiliate sees of the person what the program allows, and nothing of others who are credited; null: staff. */
  readonly affiliateId: AffiliateId | null;
  readonly mayDecide: boolean;
  readonly mayAttribute: boolean;
}

/** What the reader may do with the lead now: its verdicts, and giving it to an affiliate. */
export function leadActionsFor(
  lead: Attributable,
  reader: Pick<LeadReader, 'mayDecide' | 'mayAttribute'>,
): readonly string[] {
  return [
    ...(reader.mayDecide ? leadActions(lead.verdict) : []),
    ...(reader.mayAttribute && isAttributable(lead) ? ['attribute'] : []),
  ];
}

interface Attributable {
  readonly verdict: LeadVerdict;
  readonly attributionStatus: string | null;
  readonly referralId: string | null;
}

/** Nobody is credited, and somebody still may be (TRK-27). */
function isAttributable(lead: Attributable): boolean {
  return (
    lead.attributionStatus === 'unattributed' &&
    lead.referralId === null &&
    lead.verdict !== 'invalid' &&
    lead.verdict !== 'duplicate'
  );
}

/** A lead as this reader may see it: masked without `pii.read`, by the program's customer visibility for affiliates (ruling 20). */
export function presentLead({ lead, customerVisibility, decision }: LeadView, reader: LeadReader): LeadReply {
  const isAffiliate = reader.affiliateId !== null;
  // Its own lead that went to somebody else's referral says no more than that it did.
  const isOthers = isAffiliate && lead.affiliateId !== null && lead.affiliateId !== reader.affiliateId;
  // What staff or the merchant's shop say of the customer is theirs; a sender gets its own back.
  const isSenders = !isAffiliate || lead.source === reader.affiliateId;
  const isHidden = isAffiliate && customerVisibility === 'anonymous';
  const isNameOnly = isAffiliate && customerVisibility === 'name_only';
  const show = (kind: 'name' | 'email' | 'phone', value: string | null): string | null => {
    if (isAffiliate) return isHidden || (isNameOnly && kind !== 'name') ? null : value;
    return reader.seesPeople ? value : masked(kind, value);
  };
  const isOpen = isAffiliate ? !isHidden && !isNameOnly : reader.seesPeople;
  return {
    id: lead.id,
    object: 'lead',
    externalId: lead.externalId,
    customerExternalId: isSenders ? lead.customerExternalId : null,
    event: lead.event,
    channel: lead.channel,
    verdict: lead.verdict,
    verdictCode: isAffiliate ? reasonForAffiliate(lead.verdictCode) : lead.verdictCode,
    name: show('name', lead.name),
    email: show('email', lead.email),
    phone: show('phone', lead.phone),
    company: isOpen ? lead.company : null,
    country: lead.country,
    contactId: isAffiliate ? null : lead.contactId,
    customerAccountId: isAffiliate ? null : lead.customerAccountId,
    sourceId: isAffiliate ? null : lead.sourceId,
    formId: isAffiliate ? null : lead.formId,
    assigneeId: isAffiliate ? null : lead.assigneeId,
    department: isAffiliate ? null : lead.department,
    referralId: isOthers ? null : lead.referralId,
    duplicateOfId: isAffiliate ? null : lead.duplicateOfId,
    unique: lead.isUnique,
    attribution: {
      status: isOthers ? 'unattributed' : lead.attributionStatus,
      code: isAffiliate ? reasonForAffiliate(lead.attributionCode) : lead.attributionCode,
      affiliateId: isOthers ? null : lead.affiliateId,
      programId: lead.programId,
      linkId: isOthers ? null : lead.linkId,
      clickId: lead.clickId,
      sub1: lead.sub1,
    },
    customFields: isOpen ? lead.customFields : {},
    consent: isAffiliate ? null : lead.consent,
    tags: isAffiliate ? [] : [...lead.tags],
    notes: isAffiliate ? null : lead.notes,
    test: lead.mode === 'test',
    receivedAt: lead.occurredAt,
    processedAt: lead.processedAt,
    decision: decision === null || isAffiliate ? null : decision,
    allowedActions: [...leadActionsFor(lead, reader)],
    metadata: isSenders ? lead.metadata : {},
    version: lead.version,
    createdAt: lead.createdAt,
    updatedAt: lead.updatedAt,
  };
}
