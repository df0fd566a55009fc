import { z } from 'zod';
import type { CustomerAccountView, CustomerSubscription } from '../../../db/reads/reseller/customerAccountList.js';
import { customerAccountActions, type CustomerAccountStatus } from '../../../domain/reseller/customerAccount.js';
import { masked } from '../../../domain/tracking/lead.js';
import { anyOf, anyText, listQuery } from '../../lists.js';
import {
  emailWire,
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  metadataWire,
  nameText,
  objectFields,
  text,
  versionFields,
} from '../wire.js';

export const customerAccountParams = z.strictObject({ customerAccountId: idWire('customer') });

const statuses = ['active', 'suspended'] as const satisfies readonly CustomerAccountStatus[];

const person = {
  name: nameText.nullable().exactOptional(),
  phone: text(40).nullable().exactOptional(),
  company: nameText.nullable().exactOptional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .openapi({ type: 'string', examples: ['PL'] })
    .nullable()
    .exactOptional(),
};

/** Of a contact that is known, or of a person by their e-mail; the link to the first password goes there. */
export const customerAccountCreate = z
  .strictObject({
    contactId: idWire('contact').exactOptional(),
    email: emailWire.exactOptional(),
    ...person,
    language: z.enum(['en', 'de']).exactOptional(),
    metadata: metadataWire.exactOptional(),
  })
  .check((context) => {
    const { contactId, email, ...rest } = context.value;
    const named = (['name', 'phone', 'company', 'country'] as const).filter((field) => rest[field] !== undefined);
    if (contactId === undefined && email === undefined)
      context.issues.push({ ...fieldIssue('required', 'An e-mail, or a contact.', ['email']), input: context.value });
    if (contactId !== undefined && (email !== undefined || named.length > 0))
      context.issues.push({
        ...fieldIssue('not_allowed_here', 'The contact has its own: change it there.', [
          email === undefined ? (named[0] ?? 'email') : 'email',
        ]),
        input: context.value,
      });
  });

export const customerAccountPatch = z.strictObject({
  email: emailWire.exactOptional(),
  ...person,
  metadata: metadataWire.exactOptional(),
});

export const customerAccountQuery = listQuery(
  { status: anyOf(statuses), contactId: anyText(), affiliateId: anyText() },
  { q: true },
);

export const customerAccountWire = z
  .strictObject({
    ...objectFields('customer', 'customer_account'),
    test: z.boolean(),
    status: z.enum(statuses),
    contactId: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    company: z.string().nullable(),
    country: z.string().nullable(),
    masked: z.boolean(),
    /** Has the customer chosen a password? Nobody else knows one. */
    hasPassword: z.boolean(),
    /** Until when the mailed link to choose one works; null: none does any more. */
    linkExpiresAt: instantWire.nullable(),
    /** The lead that opened the account; null: staff did. */
    leadId: z.string().nullable(),
    affiliateId: z.string().nullable(),
    referralId: z.string().nullable(),
    subscriptions: z.array(
      z.strictObject({
        externalId: z.string(),
        payments: z.int(),
        firstPaidAt: instantWire,
        lastPaidAt: instantWire,
      }),
    ),
    allowedActions: z.array(z.string()),
    metadata: z.record(z.string(), z.string()),
    ...versionFields,
  })
  .openapi('CustomerAccount');
export const customerAccountList = listOf(customerAccountWire);

export function presentCustomerAccount(
  view: CustomerAccountView,
  subscriptions: readonly CustomerSubscription[],
  reader: { readonly seesPeople: boolean; readonly mayWrite: boolean },
): z.output<typeof customerAccountWire> {
  const show = (kind: 'name' | 'email' | 'phone', value: string | null) =>
    reader.seesPeople ? value : masked(kind, value);
  return {
    id: view.id,
    object: 'customer_account',
    test: view.mode === 'test',
    status: view.status,
    contactId: view.contactId,
    name: show('name', view.name),
    email: show('email', view.email),
    phone: show('phone', view.phone),
    company: reader.seesPeople ? view.company : null,
    country: view.country,
    masked: !reader.seesPeople,
    hasPassword: view.hasPassword,
    linkExpiresAt: view.linkExpiresAt,
    leadId: view.leadId,
    affiliateId: view.affiliateId,
    referralId: view.referralId,
    subscriptions: subscriptions
      .filter((one) => one.contactId === view.contactId)
      .map(({ externalId, payments, firstPaidAt, lastPaidAt }) => ({ externalId, payments, firstPaidAt, lastPaidAt })),
    allowedActions: reader.mayWrite ? [...customerAccountActions(view.status)] : [],
    metadata: view.metadata,
    version: view.version,
    createdAt: view.createdAt,
    updatedAt: view.updatedAt,
  };
}
