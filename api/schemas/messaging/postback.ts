import { z } from 'zod';
import { type Delivery, deliveryStatuses } from '../../../db/messaging/postback.js';
import { type Postback, postbackEvents, postbackMacros, templateProblem } from '../../../domain/messaging/postback.js';
import { anyOf, anyText, flag, listQuery } from '../../lists.js';
import { fieldIssue, idWire, instantWire, listOf, objectFields, text, versionFields } from '../wire.js';

export const postbackParams = z.strictObject({ postbackId: idWire('postback') });

/** With macros in braces; whether it may be called is asked when it is saved and at each call. */
const urlText = text(2_000).check((context) => {
  const problem = templateProblem(context.value);
  if (problem === null) return;
  const detail =
    problem.kind === 'unknown_macro'
      ? `There is no macro {${problem.macro}}. There are: ${postbackMacros.map((name) => `{${name}}`).join(' ')}.`
      : problem.kind === 'open_brace'
        ? 'A brace stands alone.'
        : 'A macro may stand behind the host only.';
  context.issues.push({ ...fieldIssue('bad_format', detail), input: context.value });
});
const eventList = z
  .array(z.enum(postbackEvents))
  .min(1)
  .max(postbackEvents.length)
  .check((context) => {
    if (new Set(context.value).size !== context.value.length)
      context.issues.push({ ...fieldIssue('already_used', 'Each event once.'), input: context.value });
  });

const content = {
  programId: idWire('program').nullable().exactOptional(),
  events: eventList,
  url: urlText,
  active: z.boolean().exactOptional(),
};
export const ownPostbackCreate = z.strictObject(content);
export const postbackCreate = z.strictObject({ affiliateId: idWire('affiliate'), ...content });
export const postbackPatch = z.strictObject({
  programId: idWire('program').nullable().exactOptional(),
  events: eventList.exactOptional(),
  url: urlText.exactOptional(),
  active: z.boolean().exactOptional(),
});
export const postbackQuery = listQuery({ affiliateId: anyText(), programId: anyText(), active: flag() }, { q: true });
export const ownPostbackQuery = listQuery({ programId: anyText(), active: flag() }, { q: true });
export const deliveryQuery = listQuery({ status: anyOf(deliveryStatuses) }, { q: true });

export const postbackWire = z
  .strictObject({
    ...objectFields('postback', 'postback'),
    affiliateId: z.string(),
    programId: z.string().nullable(),
    events: z.array(z.enum(postbackEvents)),
    url: z.string(),
    active: z.boolean(),
    failuresInRow: z.int(),
    pausedAt: instantWire.nullable(),
    lastCode: z.string().nullable(),
    lastAt: instantWire.nullable(),
    ...versionFields,
  })
  .openapi('Postback');
export const postbackList = listOf(postbackWire);

export const deliveryWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('postback_delivery'),
    postbackId: z.string(),
    event: z.string(),
    objectId: z.string().nullable(),
    url: z.string(),
    status: z.enum(deliveryStatuses),
    attempts: z.int(),
    responseStatus: z.int().nullable(),
    responseBody: z.string().nullable(),
    code: z.string().nullable(),
    nextTryAt: instantWire.nullable(),
    lastTryAt: instantWire,
    createdAt: instantWire,
  })
  .openapi('PostbackDelivery');
export const deliveryList = listOf(deliveryWire);

/** The affiliate's own, with its last calls: the portal has no list of them beside it (api.md 17). */
export const ownPostbackWire = z
  .strictObject({ ...postbackWire.shape, deliveries: z.array(deliveryWire) })
  .openapi('OwnPostback');

export function presentPostback(postback: Postback): z.output<typeof postbackWire> {
  return {
    id: postback.id,
    object: 'postback',
    affiliateId: postback.affiliateId,
    programId: postback.programId,
    events: [...postback.events],
    url: postback.url,
    active: postback.active,
    failuresInRow: postback.failuresInRow,
    pausedAt: postback.pausedAt,
    lastCode: postback.lastCode,
    lastAt: postback.lastAt,
    version: postback.version,
    createdAt: postback.createdAt,
    updatedAt: postback.updatedAt,
  };
}

export function presentDelivery(delivery: Delivery): z.output<typeof deliveryWire> {
  return {
    id: delivery.id,
    object: 'postback_delivery',
    postbackId: delivery.postbackId,
    event: delivery.event,
    objectId: delivery.objectId,
    url: delivery.url,
    status: delivery.status,
    attempts: delivery.attempts,
    responseStatus: delivery.responseStatus,
    responseBody: delivery.responseBody,
    code: delivery.code,
    nextTryAt: delivery.nextTryAt,
    lastTryAt: delivery.lastTryAt,
    createdAt: delivery.createdAt,
  };
}
