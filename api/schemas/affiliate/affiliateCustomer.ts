import { z } from 'zod';
import { type AffiliateCustomer, customerStates } from '../../../db/reads/affiliate/affiliateCustomers.js';
import { referralTransitions } from '../../../domain/earning/referral.js';
import { statusesOf } from '../../../domain/transitions.js';
import { anyOf, anyText, instantRange, listQuery } from '../../lists.js';
import { customerWire, presentCustomer } from '../earning/referral.js';
import { idWire, instantWire, listOf, objectFields } from '../wire.js';

export const affiliateCustomerQuery = listQuery(
  { state: anyOf(customerStates), programId: anyText(), ...instantRange('startedAt') },
  { sort: ['startedAt'], q: true, include: ['counts'] },
);

export const affiliateCustomerWire = z
  .strictObject({
    ...objectFields('referral', 'affiliate_customer'),
    referralStatus: z.enum(statusesOf(referralTransitions) as ['pending', 'approved', 'rejected']),
    programId: idWire('program'),
    contactId: z.string().nullable().meta({ description: 'Null for an affiliate’s key.' }),
    customer: customerWire.nullable(),
    state: z.enum(customerStates).meta({
      description:
        '`suspended`: the customer account is; `ended`: the newest payment was of a subscription that has been cancelled since; else `active`.',
    }),
    startedAt: instantWire.meta({ description: 'The first payment or the account, whichever came first.' }),
    lastPaymentAt: instantWire.nullable(),
    payments: z.int().meta({ description: 'Payments on this referral that were not declined.' }),
  })
  .openapi('AffiliateCustomer');
export const affiliateCustomerList = listOf(affiliateCustomerWire);

/** `id` is the referral’s: who buys in two programs is a customer of both. */
export function presentAffiliateCustomer(
  view: AffiliateCustomer,
  reader: { readonly seesPeople: boolean; readonly isAffiliate: boolean },
): z.output<typeof affiliateCustomerWire> {
  const { contactId, reference, name, email, customerVisibility } = view;
  return {
    id: view.referralId,
    object: 'affiliate_customer',
    referralStatus: view.referralStatus as z.output<typeof affiliateCustomerWire>['referralStatus'],
    programId: view.programId,
    contactId: reader.isAffiliate ? null : contactId,
    customer: presentCustomer(
      { customer: { reference, name, email }, referral: { contactId }, terms: { customerVisibility } },
      reader,
    ),
    state: view.state,
    startedAt: view.startedAt,
    lastPaymentAt: view.lastPaymentAt,
    payments: view.payments,
  };
}
