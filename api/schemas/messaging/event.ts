import { z } from 'zod';
import { type EventType, eventTypes, sampleEvent, type WebhookEvent } from '../../../domain/messaging/event.js';
import { anyOf, anyText, instantRange, listQuery } from '../../lists.js';
import { idWire, instantWire, listOf } from '../wire.js';

export const eventParams = z.strictObject({ eventId: idWire('event') });
export const eventQuery = listQuery({
  type: anyOf(eventTypes),
  objectId: anyText(),
  ...instantRange('createdAt'),
});

/** The body of a webhook, as it is sent. */
export const eventWire = z
  .strictObject({
    id: idWire('event'),
    type: z.enum(eventTypes),
    createdAt: instantWire,
    apiVersion: z.literal('v1'),
    test: z.boolean(),
    sequence: z.int().min(1).meta({ description: 'Rises per object: it tells the order, arrival does not.' }),
    data: z.strictObject({
      object: z.looseObject({ id: z.string(), object: z.string(), status: z.string().nullable() }).meta({
        description: 'Ids and statuses only; what else there is, the object itself says under its own right.',
      }),
      previousAttributes: z.strictObject({ status: z.string().exactOptional() }),
    }),
  })
  .openapi('Event');
export const eventList = listOf(eventWire);

export const eventTypeWire = z
  .strictObject({ object: z.literal('event_type'), type: z.enum(eventTypes), sample: eventWire })
  .openapi('EventType');
export const eventTypeList = listOf(eventTypeWire);

export function presentEvent(event: WebhookEvent): z.output<typeof eventWire> {
  return {
    ...event,
    data: { object: { ...event.data.object }, previousAttributes: { ...event.data.previousAttributes } },
  };
}

export function presentEventType(type: EventType, at: WebhookEvent['createdAt']): z.output<typeof eventTypeWire> {
  return { object: 'event_type', type, sample: presentEvent(sampleEvent(type, { at })) };
}
