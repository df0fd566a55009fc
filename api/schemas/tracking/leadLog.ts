import { z } from 'zod';
import type { LeadLogEntry } from '../../../db/reads/tracking/leadLog.js';
import { reasonForAffiliate } from '../../../domain/publicReason.js';
import { maskedPayload } from '../../../domain/tracking/maskedPayload.js';
import type { LeadVerdict } from '../../../domain/tracking/lead.js';
import { anyOf, anyText, instantRange, listQuery } from '../../lists.js';
import { instantWire, listOf } from '../wire.js';
import { leadActionsFor, type LeadReader } from './lead.js';

const outcomes = ['received', 'accepted', 'duplicate', 'invalid', 'converted', 'refused'] as const;
const channels = ['form', 'api', 'postback', 'script', 'manual', 'import', 'payment_hook', 'sale'] as const;

export const leadLogQuery = listQuery(
  {
    channel: anyOf(channels),
    outcome: anyOf(outcomes),
    code: anyText(),
    keyId: anyText(),
    formId: anyText(),
    sourceId: anyText(),
    affiliateId: anyText(),
    programId: anyText(),
    ...instantRange('createdAt'),
  },
  { q: true },
);

export const leadLogWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('lead_log_entry'),
    at: instantWire,
    channel: z.string(),
    outcome: z.enum(outcomes),
    code: z.string().nullable(),
    leadId: z.string().nullable(),
    externalId: z.string().nullable(),
    event: z.string().nullable(),
    unique: z.boolean().nullable(),
    keyId: z.string().nullable(),
    formId: z.string().nullable(),
    sourceId: z.string().nullable(),
    address: z.string().nullable(),
    affiliateId: z.string().nullable(),
    programId: z.string().nullable(),
    clickId: z.string().nullable(),
    referralId: z.string().nullable(),
    assigneeId: z.string().nullable(),
    /** How its referral was found: `referral` where an earlier decision on it goes on crediting. */
    matchedBy: z.enum(['click', 'coupon', 'sender', 'hand', 'referral']).nullable(),
    payload: z.unknown(),
    requestId: z.string().nullable(),
    allowedActions: z.array(z.string()).meta({
      description:
        'What the caller may do with its lead now (`/v1/leads/{leadId}/…`); of an attempt without a lead, nothing.',
    }),
  })
  .openapi('LeadLogEntry');
export const leadLogList = listOf(leadLogWire);

function payloadOf(entry: LeadLogEntry): unknown {
  if (entry.leadId === null) return entry.payload;
  const { name, email, phone, company, clickId, coupon, sub1, event, externalId, customFields } = entry;
  const sent = { externalId, event, name, email, phone, company, clickId, coupon, sub1, customFields };
  return maskedPayload(Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== null)));
}

const matches = { click: 'click', coupon: 'coupon', lead: 'sender', manual: 'hand', referral: 'referral' } as const;

function matchOf(entry: LeadLogEntry): z.output<typeof leadLogWire>['matchedBy'] {
  if (entry.attributionStatus !== 'attributed') return null;
  // Moved with its referral into another one, the decision stays with the one where it was taken.
  return matches[entry.matchKind ?? 'referral'];
}

function actionsOf(entry: LeadLogEntry, reader: Pick<LeadReader, 'mayDecide' | 'mayAttribute'>): readonly string[] {
  if (entry.leadId === null) return [];
  return leadActionsFor({ ...entry, verdict: entry.outcome as LeadVerdict }, reader);
}

/** `affiliateId`: an affiliate's key asks, which learns nothing of others and no more of the person than its portal shows. */
export function presentLeadLog(
  entry: LeadLogEntry,
  reader: Pick<LeadReader, 'affiliateId' | 'mayDecide' | 'mayAttribute'>,
): z.output<typeof leadLogWire> {
  const isStaff = reader.affiliateId === null;
  const isOwn = isStaff || entry.affiliateId === reader.affiliateId;
  return {
    id: entry.id,
    object: 'lead_log_entry',
    at: entry.at,
    channel: entry.channel,
    outcome: entry.outcome as (typeof outcomes)[number],
    code: isStaff ? entry.code : reasonForAffiliate(entry.code),
    leadId: entry.leadId,
    externalId: entry.externalId,
    event: entry.event,
    unique: entry.unique,
    keyId: entry.keyId,
    formId: isStaff ? entry.formId : null,
    sourceId: isStaff ? entry.sourceId : null,
    // Of a lead it is the visitor's, of a refused call the sender's own.
    address: isStaff || entry.leadId === null ? entry.address : null,
    affiliateId: isOwn ? entry.affiliateId : null,
    programId: entry.programId,
    clickId: entry.clickId,
    referralId: isOwn ? entry.referralId : null,
    assigneeId: isStaff ? entry.assigneeId : null,
    matchedBy: isOwn ? matchOf(entry) : null,
    payload: isStaff || entry.leadId === null ? payloadOf(entry) : {},
    requestId: entry.requestId,
    allowedActions: [...actionsOf(entry, reader)],
  };
}

/** `q`: own reference and ours, and of the customer only what the program shows (PRT-08). */
export const ownLeadLogQuery = listQuery(
  { channel: anyOf(channels), outcome: anyOf(outcomes), ...instantRange('createdAt') },
  { q: true },
);

export const ownLeadLogWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('own_lead_log_entry'),
    at: instantWire,
    channel: z.string(),
    outcome: z.enum(outcomes),
    code: z.string().nullable(),
    /** Its own reference is shown back (ruling 20). */
    externalId: z.string().nullable(),
    event: z.string().nullable(),
    unique: z.boolean().nullable(),
    programId: z.string().nullable(),
    sub1: z.string().nullable(),
    /** Whom the program lets affiliates see; the reference is ours and names nobody (PRG-04). Null where the attempt made no lead. */
    customer: z.strictObject({
      reference: z.string().nullable(),
      name: z.string().nullable(),
      email: z.string().nullable(),
      masked: z.boolean(),
    }),
    /** It earns for this affiliate: the referral is its own. */
    credited: z.boolean(),
    referralId: z.string().nullable(),
  })
  .openapi('OwnLeadLogEntry');
export const ownLeadLogList = listOf(ownLeadLogWire);

export function presentOwnLeadLog(
  entry: LeadLogEntry,
  reader: { readonly affiliateId: string; readonly visibility: string; readonly seesSubIds: boolean },
): z.output<typeof ownLeadLogWire> {
  const isOwn = entry.affiliateId === reader.affiliateId;
  const isNamed = reader.visibility !== 'anonymous';
  const isOpen = reader.visibility === 'full';
  return {
    id: entry.id,
    object: 'own_lead_log_entry',
    at: entry.at,
    channel: entry.channel,
    outcome: entry.outcome as (typeof outcomes)[number],
    code: reasonForAffiliate(entry.code),
    externalId: entry.externalId,
    event: entry.event,
    unique: entry.unique,
    programId: entry.programId,
    // Taken away with the grant; the row keeps it (TRK-16).
    sub1: reader.seesSubIds ? entry.sub1 : null,
    customer: {
      reference: entry.contactId === null ? null : `C-${entry.contactId.slice(-6)}`,
      name: isNamed ? entry.name : null,
      email: isOpen ? entry.email : null,
      masked: !isOpen,
    },
    credited: isOwn && entry.leadId !== null && entry.attributionStatus === 'attributed',
    referralId: isOwn ? entry.referralId : null,
  };
}
