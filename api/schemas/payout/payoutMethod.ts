import { z } from 'zod';
import type { Instant } from '../../../domain/time.js';
import {
  methodStatusAt,
  type PayoutMethod,
  payoutMethodTransitions,
  payoutMethodTypes,
} from '../../../domain/payout/payoutMethod.js';
import { statusesOf } from '../../../domain/transitions.js';
import { listQuery } from '../../lists.js';
import { currencyWire, idWire, instantWire, listOf, objectFields, text, versionFields } from '../wire.js';

export const payoutMethodParams = z.strictObject({ methodId: idWire('payoutMethod') });
const statuses = statusesOf(payoutMethodTransitions) as ['unverified', 'cooling', 'active', 'replaced', 'removed'];

export const payoutMethodCreate = z.strictObject({
  type: z.enum(payoutMethodTypes),
  currency: currencyWire,
  details: z.record(text(40), text(500)),
});
export const payoutMethodQuery = listQuery({});

export const payoutMethodWire = z
  .strictObject({
    ...objectFields('payoutMethod', 'payout_method'),
    affiliateId: idWire('affiliate'),
    type: z.enum(payoutMethodTypes),
    currency: z.string(),
    /** Enough to recognise it. */
    masked: z.string(),
    status: z.enum(statuses),
    verifiedBy: z.string().nullable(),
    verifiedAt: instantWire.nullable(),
    activeAt: instantWire.nullable(),
    createdBy: z.string().nullable(),
    allowedActions: z.array(z.string()),
    ...versionFields,
  })
  .openapi('PayoutMethod');
export type PayoutMethodReply = z.output<typeof payoutMethodWire>;
export const payoutMethodList = listOf(payoutMethodWire);

export function presentPayoutMethod(
  method: PayoutMethod,
  now: Instant,
  allowedActions: readonly string[],
): PayoutMethodReply {
  const { fingerprint: _fingerprint, ...shown } = method; // for comparing, never for showing
  return {
    object: 'payout_method',
    ...shown,
    status: methodStatusAt(method, now),
    allowedActions: [...allowedActions],
  };
}

export const payoutMethodDetailsWire = z
  .strictObject({
    object: z.literal('payout_method_details'),
    id: idWire('payoutMethod'),
    type: z.enum(payoutMethodTypes),
    currency: z.string(),
    details: z.record(z.string(), z.string()),
  })
  .openapi('PayoutMethodDetails');

export const payoutMethodTypeWire = z
  .strictObject({
    object: z.literal('payout_method_type'),
    type: z.enum(payoutMethodTypes),
    /** The sets of fields its details take: a bank account has two. */
    fields: z.array(z.array(z.string())),
    execution: z.enum(['gateway', 'manual']),
    usable: z.boolean(),
    reason: z.string().nullable(),
  })
  .openapi('PayoutMethodType');
export const payoutMethodTypeList = listOf(payoutMethodTypeWire);
