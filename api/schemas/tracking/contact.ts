import { z } from 'zod';
import {
  type ContactReferral,
  contactRoles,
  type ContactTouch,
  type ContactView,
} from '../../../db/reads/tracking/contactList.js';
import { masked } from '../../../domain/tracking/lead.js';
import { anyOf, listQuery } from '../../lists.js';
import {
  emailWire,
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  nameText,
  objectFields,
  reasonText,
  text,
  versionFields,
} from '../wire.js';

export const contactParams = z.strictObject({ contactId: idWire('contact') });

const countryText = z
  .string()
  .regex(/^[A-Z]{2}$/)
  .openapi({ type: 'string', examples: ['PL'] });
const contactFields = {
  name: nameText.nullable().exactOptional(),
  email: emailWire.nullable().exactOptional(),
  phone: text(40).nullable().exactOptional(),
  company: nameText.nullable().exactOptional(),
  country: countryText.nullable().exactOptional(),
};
export const contactCreate = z.strictObject(contactFields).check((context) => {
  const { name, email, phone } = context.value;
  if ((name ?? null) === null && (email ?? null) === null && (phone ?? null) === null)
    context.issues.push({
      ...fieldIssue('required', 'A name, an e-mail or a phone number.', ['name']),
      input: context.value,
    });
});
export const contactPatch = z.strictObject(contactFields);
export const contactQuery = listQuery({ role: anyOf(contactRoles) }, { q: true });
export const contactPageQuery = listQuery({});

export const referrerBody = z.strictObject({
  programId: idWire('program'),
  which: z.enum(['first', 'last']),
  affiliateId: idWire('affiliate'),
  reason: reasonText,
});
export const mergeBody = z.strictObject({ intoContactId: idWire('contact'), reason: reasonText });

const referrerWire = z
  .strictObject({
    affiliateId: z.string(),
    name: z.string(),
    email: z.string(),
    linkId: z.string().nullable(),
    at: instantWire.nullable(),
  })
  .nullable();

export const contactWire = z
  .strictObject({
    ...objectFields('contact', 'contact'),
    name: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    company: z.string().nullable(),
    country: z.string().nullable(),
    masked: z.boolean(),
    roles: z.array(z.enum(contactRoles)),
    affiliateId: z.string().nullable(),
    customerAccountId: z.string().nullable(),
    mergedIntoId: z.string().nullable(),
    /** Per program who brought this person first and last. */
    referrals: z.array(
      z.strictObject({
        referralId: z.string(),
        program: z.strictObject({ id: z.string(), name: z.string() }),
        status: z.string(),
        stage: z.string(),
        affiliateId: z.string().nullable(),
        first: referrerWire,
        last: referrerWire,
      }),
    ),
    ...versionFields,
  })
  .openapi('Contact');
export type ContactReply = z.output<typeof contactWire>;
export const contactList = listOf(contactWire);

export function presentContact(
  contact: ContactView,
  referrals: readonly ContactReferral[],
  reader: { readonly seesPeople: boolean },
): ContactReply {
  const show = (kind: 'name' | 'email' | 'phone', value: string | null) =>
    reader.seesPeople ? value : masked(kind, value);
  return {
    id: contact.id,
    object: 'contact',
    name: show('name', contact.name),
    email: show('email', contact.email),
    phone: show('phone', contact.phone),
    company: reader.seesPeople ? contact.company : null,
    country: contact.country,
    masked: !reader.seesPeople,
    roles: [
      ...(contact.hasLead ? (['lead'] as const) : []),
      ...(contact.hasSale || contact.customerAccountId !== null ? (['customer'] as const) : []),
      ...(contact.affiliateId !== null ? (['affiliate'] as const) : []),
    ],
    affiliateId: contact.affiliateId,
    customerAccountId: contact.customerAccountId,
    mergedIntoId: contact.mergedIntoId,
    referrals: referrals.map((referral) => ({
      referralId: referral.referralId,
      program: { id: referral.programId, name: referral.programName },
      status: referral.status,
      stage: referral.stage,
      affiliateId: referral.affiliateId,
      first: referral.first,
      last: referral.last,
    })),
    version: contact.version,
    createdAt: contact.createdAt,
    updatedAt: contact.updatedAt,
  };
}

export const contactTouchWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('contact_touch'),
    kind: z.string(),
    referralId: z.string().nullable(),
    affiliateId: z.string().nullable(),
    linkId: z.string().nullable(),
    sub1: z.string().nullable(),
    at: instantWire,
    endsAt: instantWire.nullable(),
  })
  .openapi('ContactTouch');
export const contactTouchList = listOf(contactTouchWire);

export function presentContactTouch(touch: ContactTouch): z.output<typeof contactTouchWire> {
  return { object: 'contact_touch', ...touch, referralId: touch.referralId === '' ? null : touch.referralId };
}
