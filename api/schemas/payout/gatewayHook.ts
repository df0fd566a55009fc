import { z } from 'zod';
import { instantWire, text } from '../wire.js';

/** An event of the simulated gateway: which payment (our reference, its own id), what became of it and when. */
export const gatewayEventBody = z.strictObject({
  reference: text(100).nullable(),
  providerId: text(200).nullable(),
  state: text(60),
  occurredAt: instantWire,
});
export const gatewayEventWire = z
  .strictObject({ object: z.literal('gateway_event'), received: z.literal(true) })
  .openapi('GatewayEventReceipt');
