import { z } from 'zod';
import type { PaymentSource } from '../../../db/earning/paymentSource.js';
import type { PaymentEventView } from '../../../db/reads/earning/paymentEventList.js';
import { paymentAdapters } from '../../../domain/earning/paymentEvent.js';
import { stripeEventTypes } from '../../../domain/earning/stripeEvent.js';
import { anyOf, anyText, listQuery } from '../../lists.js';
import { fieldIssue, idWire, instantWire, listOf, nameText, objectFields, text, versionFields } from '../wire.js';
import { disputeCreate, externalIdText, saleCreate, sourceText } from './sale.js';
import { refundCreate } from './refund.js';

const outcomes = ['applied', 'no_effect', 'ignored', 'parked', 'refused'] as const;

export const paymentSourceParams = z.strictObject({ sourceId: idWire('paymentSource') });

const dotted = /^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+){0,4}$/;
/** Our field → theirs, both as dotted paths: `{"amount.amount":"order.total"}`. */
const fieldMapWire = z
  .record(z.string().regex(dotted), z.string().regex(dotted))
  .check((context) => {
    if (Object.keys(context.value).length > 40)
      context.issues.push({ ...fieldIssue('too_long', 'At most 40 fields.'), input: context.value });
  })
  .openapi({ type: 'object', additionalProperties: { type: 'string' } });
const stripeSecret = text(200).check((context) => {
  if (!/^whsec_[\x21-\x7e]{8,}$/.test(context.value))
    context.issues.push({
      ...fieldIssue('bad_format', "Stripe's endpoint secret begins with whsec_."),
      input: context.value,
    });
});

export const paymentSourceCreate = z
  .strictObject({
    name: nameText,
    adapter: z.enum(paymentAdapters),
    secret: stripeSecret.exactOptional(),
    fieldMap: fieldMapWire.exactOptional(),
    test: z.boolean().exactOptional(),
    active: z.boolean().exactOptional(),
  })
  .check((context) => {
    const refuse = (field: 'secret' | 'fieldMap' | 'test', adapter: string): void => {
      if (context.value.adapter !== adapter && context.value[field] !== undefined)
        context.issues.push({
          ...fieldIssue('not_allowed_here', `Only with the adapter ${adapter}.`, [field]),
          input: context.value,
        });
    };
    refuse('secret', 'stripe');
    refuse('fieldMap', 'standard');
    refuse('test', 'standard');
  });
export const paymentSourcePatch = z.strictObject({
  name: nameText.exactOptional(),
  secret: stripeSecret.exactOptional(),
  fieldMap: fieldMapWire.exactOptional(),
  active: z.boolean().exactOptional(),
});

export const paymentSourceWire = z.strictObject({
  ...objectFields('paymentSource', 'payment_source'),
  name: z.string(),
  adapter: z.enum(paymentAdapters),
  hookUrl: z.string(),
  events: z.array(z.string()),
  secretSetAt: instantWire.nullable(),
  fieldMap: z.record(z.string(), z.string()),
  test: z.boolean(),
  active: z.boolean(),
  lastEventAt: instantWire.nullable(),
  lastCode: z.string().nullable(),
  ...versionFields,
});
/** `secret`: ours for `standard`, in this answer only. */
export const paymentSourceCreated = z.strictObject({ ...paymentSourceWire.shape, secret: z.string().nullable() });
export const paymentSourceList = listOf(paymentSourceWire);
export const paymentSourceQuery = listQuery({}, { sort: ['createdAt', 'name'], q: true });

export function presentPaymentSource(source: PaymentSource, publicUrl: string): z.output<typeof paymentSourceWire> {
  return {
    id: source.id,
    object: 'payment_source',
    name: source.name,
    adapter: source.adapter,
    hookUrl: new URL(`/hooks/payments/${source.id}`, publicUrl).href,
    events: source.adapter === 'stripe' ? [...stripeEventTypes] : [...standardTypes],
    secretSetAt: source.secretSetAt,
    fieldMap: { ...source.fieldMap },
    test: source.mode === 'test',
    active: source.active,
    lastEventAt: source.lastEventAt,
    lastCode: source.lastCode,
    version: source.version,
    createdAt: source.createdAt,
    updatedAt: source.updatedAt,
  };
}

/** Types of our own envelope (api.md 4.2). */
const standardTypes = ['sale', 'declined', 'refund', 'dispute', 'subscription_cancelled'] as const;

const declinedCreate = saleCreate; // its status is the type's word, whatever the body says
export const standardEvent = z.discriminatedUnion('type', [
  z.strictObject({ id: externalIdText, type: z.literal('sale'), data: saleCreate }),
  z.strictObject({ id: externalIdText, type: z.literal('declined'), data: declinedCreate }),
  z.strictObject({ id: externalIdText, type: z.literal('refund'), data: refundCreate }),
  z.strictObject({
    id: externalIdText,
    type: z.literal('dispute'),
    data: z.strictObject({ ...disputeCreate.shape, saleExternalId: externalIdText }),
  }),
  z.strictObject({
    id: externalIdText,
    type: z.literal('subscription_cancelled'),
    data: z.strictObject({
      source: sourceText.exactOptional(),
      subscriptionExternalId: externalIdText,
      occurredAt: instantWire.exactOptional(),
    }),
  }),
]);
export type StandardEvent = z.output<typeof standardEvent>;

export const paymentReceipt = z
  .strictObject({
    object: z.literal('payment_event'),
    id: z.string(),
    outcome: z.enum(outcomes),
    code: z.string().nullable(),
  })
  .openapi('PaymentEventReceipt');

export const paymentEventQuery = listQuery({ outcome: anyOf(outcomes), type: anyText() }, { q: true });
export const paymentEventWire = z.strictObject({
  object: z.literal('payment_event'),
  id: z.string(),
  type: z.string(),
  test: z.boolean(),
  outcome: z.enum(outcomes).nullable(),
  code: z.string().nullable(),
  occurredAt: instantWire,
  receivedAt: instantWire,
  processedAt: instantWire.nullable(),
});
export const paymentEventList = listOf(paymentEventWire);

export function presentPaymentEvent(event: PaymentEventView): z.output<typeof paymentEventWire> {
  return {
    object: 'payment_event',
    id: event.externalId,
    type: event.type,
    test: event.mode === 'test',
    outcome: event.outcome,
    code: event.code,
    occurredAt: event.occurredAt,
    receivedAt: event.receivedAt,
    processedAt: event.processedAt,
  };
}
