import { z } from 'zod';
import { deliveryStatuses } from '../../../db/messaging/postback.js';
import type { WebhookDelivery } from '../../../db/messaging/webhook.js';
import type { EndpointView } from '../../../db/reads/messaging/webhookList.js';
import { eventTypes } from '../../../domain/messaging/event.js';
import { isBefore } from '../../../domain/time.js';
import { anyOf, anyText, flag, instantRange, listQuery } from '../../lists.js';
import { fieldIssue, idWire, instantWire, listOf, objectFields, text, versionFields } from '../wire.js';

export const endpointParams = z.strictObject({ endpointId: idWire('webhook') });
export const webhookDeliveryParams = z.strictObject({ deliveryId: idWire('delivery') });

const typeList = z
  .array(z.enum(eventTypes))
  .min(1)
  .max(eventTypes.length)
  .check((context) => {
    if (new Set(context.value).size !== context.value.length)
      context.issues.push({ ...fieldIssue('already_used', 'Each event once.'), input: context.value });
  });
const urlText = text(2_000);

export const endpointCreate = z.strictObject({
  url: urlText,
  events: typeList,
  active: z.boolean().exactOptional(),
});
export const endpointPatch = z.strictObject({
  url: urlText.exactOptional(),
  events: typeList.exactOptional(),
  active: z.boolean().exactOptional(),
});
/** Which of its events; without `events` all that it wants. Half-open. */
export const replayBody = z
  .strictObject({ from: instantWire, to: instantWire, events: typeList.exactOptional() })
  .check((context) => {
    if (!isBefore(context.value.from, context.value.to))
      context.issues.push({ ...fieldIssue('out_of_range', 'Later than from.', ['to']), input: context.value });
  });
export const endpointQuery = listQuery({ active: flag(), failing: flag() }, { q: true });
export const webhookDeliveryQuery = listQuery(
  { endpointId: anyText(), status: anyOf(deliveryStatuses), type: anyOf(eventTypes), ...instantRange('createdAt') },
  { q: true },
);

const endpointFields = {
  ...objectFields('webhook', 'webhook_endpoint'),
  url: z.string(),
  events: z.array(z.enum(eventTypes)),
  active: z.boolean(),
  test: z.boolean(),
  secretSetAt: instantWire,
  previousSecretUntil: instantWire
    .nullable()
    .meta({ description: 'Until then calls carry a second signature, of the secret before.' }),
  failedInRow: z.int().min(0).meta({ description: 'Events in a row whose first try failed.' }),
  failingSince: instantWire.nullable(),
  disabledAt: instantWire.nullable().meta({ description: 'Switched off by failures, and not by a person.' }),
  lastCode: z.string().nullable(),
  lastAt: instantWire.nullable(),
  lastWeek: z
    .strictObject({ delivered: z.int(), failed: z.int(), p95Ms: z.int().nullable() })
    .meta({ description: 'Events of the last seven days, and how long 95 of 100 answers took at most.' }),
  ...versionFields,
};
export const endpointWire = z.strictObject(endpointFields).openapi('WebhookEndpoint');
/** `secret`: in this answer only. */
export const endpointWithSecret = z
  .strictObject({ ...endpointFields, secret: z.string() })
  .openapi('WebhookEndpointWithSecret');
export const endpointList = listOf(endpointWire);

export const webhookDeliveryWire = z
  .strictObject({
    ...objectFields('delivery', 'webhook_delivery'),
    endpointId: idWire('webhook'),
    eventId: idWire('event').meta({ description: 'The webhook-id, the same with every try and replay.' }),
    type: z.enum(eventTypes),
    objectId: z.string().nullable(),
    test: z.boolean().meta({ description: 'Sent by the test button: it tells of nothing.' }),
    url: z.string(),
    body: z.string().meta({ description: 'As it was sent.' }),
    status: z.enum(deliveryStatuses),
    attempts: z.int(),
    responseStatus: z.int().nullable(),
    responseBody: z.string().nullable(),
    code: z.string().nullable(),
    durationMs: z.int().nullable(),
    nextTryAt: instantWire.nullable(),
    lastTryAt: instantWire,
    createdAt: instantWire,
  })
  .openapi('WebhookDelivery');
export const webhookDeliveryList = listOf(webhookDeliveryWire);

export const replayWire = z
  .strictObject({
    object: z.literal('webhook_replay'),
    endpointId: idWire('webhook'),
    from: instantWire,
    to: instantWire,
    events: z.int().meta({ description: 'How many are sent again.' }),
  })
  .openapi('WebhookReplay');

export function presentEndpoint(view: EndpointView): z.output<typeof endpointWire> {
  const { endpoint } = view;
  return {
    id: endpoint.id,
    object: 'webhook_endpoint',
    url: endpoint.url,
    events: [...endpoint.events],
    active: endpoint.active,
    test: endpoint.mode === 'test',
    secretSetAt: endpoint.secretSetAt,
    previousSecretUntil: endpoint.previousUntil,
    failedInRow: endpoint.failedInRow,
    failingSince: endpoint.failingSince,
    disabledAt: endpoint.disabledAt,
    lastCode: endpoint.lastCode,
    lastAt: endpoint.lastAt,
    lastWeek: { delivered: view.delivered, failed: view.failed, p95Ms: view.p95Ms },
    version: endpoint.version,
    createdAt: endpoint.createdAt,
    updatedAt: endpoint.updatedAt,
  };
}

export function presentWebhookDelivery(delivery: WebhookDelivery): z.output<typeof webhookDeliveryWire> {
  const { id, endpointId, eventId, eventType, isTest, ...rest } = delivery;
  return { id, object: 'webhook_delivery', endpointId, eventId, type: eventType, test: isTest, ...rest };
}
