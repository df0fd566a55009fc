import { z } from 'zod';
import { type ParkedEvent, parkedKinds } from '../../../db/reads/earning/parkedEvents.js';
import { anyOf, listQuery } from '../../lists.js';
import { instantWire, listOf } from '../wire.js';

const codes = ['unknown_customer', 'unknown_sale', 'fx_missing'] as const;
export const parkedOutcomes = ['parked', 'booked', 'refused', 'discarded'] as const;
export type ParkedOutcome = (typeof parkedOutcomes)[number];

/** A sale's or refund's id, or a source's with the event's name in hexadecimal behind it. */
export const parkedEventParams = z.strictObject({
  eventId: z.string().regex(/^((sal|rfd)_[0-9a-z]{26}|psr_[0-9a-z]{26}\.([0-9a-f]{2}){1,1020})$/),
});
export const parkedEventQuery = listQuery({ kind: anyOf(parkedKinds), code: anyOf(codes) }, { q: true });

export const parkedEventWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('parked_event'),
    kind: z.enum(parkedKinds),
    /** `parked` in the list; what became of it where somebody judged it again or gave it up. */
    outcome: z.enum(parkedOutcomes),
    code: z.string().nullable(),
    source: z.string(),
    externalId: z.string(),
    waitsFor: z.array(z.string()),
    test: z.boolean(),
    occurredAt: instantWire,
    receivedAt: instantWire,
    allowedActions: z.array(z.string()),
  })
  .openapi('ParkedEvent');
export const parkedEventList = listOf(parkedEventWire);

export function presentParkedEvent(
  event: ParkedEvent,
  of: { readonly mayWrite: boolean; readonly outcome?: ParkedOutcome; readonly code?: string | null },
): z.output<typeof parkedEventWire> {
  const outcome = of.outcome ?? 'parked';
  return {
    id: event.id,
    object: 'parked_event',
    kind: event.kind,
    outcome,
    code: of.code === undefined ? event.code : of.code,
    source: event.source,
    externalId: event.externalId,
    waitsFor: [...event.waitsFor],
    test: event.mode === 'test',
    occurredAt: event.occurredAt,
    receivedAt: event.receivedAt,
    allowedActions: outcome === 'parked' && of.mayWrite ? ['retry', 'discard'] : [],
  };
}
