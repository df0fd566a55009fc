import { z } from 'zod';

/** What a postback may say (api.md 4.1). An empty value is one that was not given: other systems fill what they do not know with nothing. */
export const postbackNames = [
  'key',
  'event',
  'click_id',
  'txn_id',
  'refund_id',
  'coupon',
  'amount',
  'currency',
  'product',
  'customer_id',
  'email',
  'phone',
  'name',
  'ts',
  'sig',
  'sub1',
  'sub2',
  'sub3',
  'sub4',
  'sub5',
] as const;
export type PostbackName = (typeof postbackNames)[number];

const parameter = z.string().max(1_000).exactOptional();
const parameters = Object.fromEntries(postbackNames.map((name) => [name, parameter])) as Record<
  PostbackName,
  typeof parameter
>;

export const postbackEvents = ['lead', 'sale', 'declined', 'refund'] as const;
export const postbackCall = z.strictObject({ ...parameters, key: z.string().max(100), event: z.enum(postbackEvents) });
export type PostbackCall = z.output<typeof postbackCall>;
/** What must be known before anything is mapped: whose names they are. */
export const postbackKey = z.looseObject({ key: postbackCall.shape.key });

/** The key names the map and the other two sign what was sent, so none of them can have another name. */
const mappable = postbackNames.filter((name) => name !== 'key' && name !== 'ts' && name !== 'sig');
/** Our parameter → the name that the other system gives it: `{"txn_id":"order"}` (BEY-20). */
export const postbackFieldMap = z
  .partialRecord(z.enum(mappable), z.string().regex(/^(?!(?:key|ts|sig)$)[^\s=&\p{C}]{1,100}$/u))
  .openapi({ type: 'object', additionalProperties: { type: 'string' } });

export const postbackAnswer = z.strictObject({
  id: z.string(),
  object: z.enum(['lead', 'sale', 'refund']),
  processedAt: z.string().nullable(),
});
export type PostbackAnswer = z.output<typeof postbackAnswer>;

/** Pixel parameters (api.md 4.1). */
export const pixelCall = z.strictObject({
  key: z.string().max(100),
  order_id: parameter,
  amount: parameter,
  currency: parameter,
  product: parameter,
  email: parameter,
  click_id: parameter,
  ts: parameter,
  sig: parameter,
});
export type PixelCall = z.output<typeof pixelCall>;
