import { z } from 'zod';
import { messageChannels } from '../../../db/messaging/message.js';
import type { MessageView, RecipientView } from '../../../db/reads/messaging/messageList.js';
import { type DomainErrorCode, publicCode } from '../../../domain/errors.js';
import { flag, listQuery } from '../../lists.js';
import { affiliateFilter } from '../affiliate/affiliate.js';
import { fieldIssue, idWire, instantWire, listOf, objectFields } from '../wire.js';

export const messageParams = z.strictObject({ messageId: idWire('message') });
export const messageQuery = listQuery({}, { q: true });
export const recipientQuery = listQuery({ acknowledged: flag() }, { sort: ['position'] });

const mostRecipients = 10_000;
const channels = z
  .array(z.enum(messageChannels))
  .min(1)
  .max(messageChannels.length)
  .transform((values) => [...new Set(values)]);

/** To a segment, a group, affiliates by name, or those of a filter (api.md 14). */
export const messageCreate = z
  .strictObject({
    segmentId: idWire('segment').exactOptional(),
    groupId: idWire('group').exactOptional(),
    affiliateIds: z
      .array(idWire('affiliate'))
      .min(1)
      .max(mostRecipients)
      .transform((ids) => [...new Set(ids)])
      .exactOptional(),
    /** All that the list of affiliates shows with these parameters. */
    filter: affiliateFilter.exactOptional(),
    channels: channels.default([...messageChannels]),
    templateId: idWire('template'),
    requireAcknowledgement: z.boolean().default(false),
    /** Absent: at once. */
    sendAt: instantWire.exactOptional(),
    dryRun: z.boolean().default(false),
  })
  .check((context) => {
    const { segmentId, groupId, affiliateIds, filter, requireAcknowledgement, channels: by } = context.value;
    const named = Object.entries({ segmentId, groupId, affiliateIds, filter }).filter(
      ([, value]) => value !== undefined,
    );
    const refuse = (code: 'required' | 'not_allowed_here', detail: string, field: string): void => {
      context.issues.push({ ...fieldIssue(code, detail, [field]), input: context.value });
    };
    if (named.length === 0) refuse('required', 'To whom: segmentId, groupId, affiliateIds or filter.', 'segmentId');
    for (const [field] of named.slice(1))
      refuse('not_allowed_here', 'One of segmentId, groupId, affiliateIds, filter.', field);
    if (requireAcknowledgement && !by.includes('in_app'))
      refuse('required', 'It is confirmed in the portal: channel in_app.', 'channels');
  });
export type MessageCreate = z.output<typeof messageCreate>;

export const remindBody = z.strictObject({
  templateId: idWire('template').exactOptional(),
  channels: channels.exactOptional(),
});

/** Whom it would reach: nothing is written. */
export const messageDryRun = z.strictObject({
  object: z.literal('message_dry_run'),
  recipients: z.int(),
  /** Of those, who declines mails of this kind: they get the entry in the portal, if that channel is asked for. */
  optedOut: z.int(),
});

export const messageWire = z
  .strictObject({
    ...objectFields('message', 'message'),
    templateId: z.string(),
    templateName: z.string(),
    segmentName: z.string().nullable(),
    channels: z.array(z.enum(messageChannels)),
    requiresAcknowledgement: z.boolean(),
    /** The message whose readers are asked once more. */
    remindsId: z.string().nullable(),
    /** Null: at once. */
    sendAt: instantWire.nullable(),
    status: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
    recipients: z.int(),
    told: z.int(),
    skipped: z.int(),
    acknowledged: z.int(),
    /** Where it is cancelled as long as it waits. */
    operationId: z.string(),
    createdByName: z.string().nullable(),
    createdAt: instantWire,
    finishedAt: instantWire.nullable(),
    allowedActions: z.array(z.string()),
  })
  .openapi('Message');
export const messageList = listOf(messageWire);
export const messageCreated = z.union([messageWire, messageDryRun]);

export function presentMessage(view: MessageView, maySend: boolean): z.output<typeof messageWire> {
  const { id, templateId, operationId, remindsId, ...rest } = view;
  const isOpen = rest.requiresAcknowledgement && rest.status === 'done' && rest.acknowledged < rest.told;
  const waits = rest.status === 'queued' || rest.status === 'running';
  return {
    id,
    object: 'message',
    templateId,
    operationId,
    remindsId,
    ...rest,
    channels: [...rest.channels],
    allowedActions: maySend ? [...(isOpen ? ['remind'] : []), ...(waits ? ['cancel'] : [])] : [],
  };
}

/** What became of a message at one affiliate. */
export const recipientWire = z
  .strictObject({
    id: idWire('affiliate'),
    object: z.literal('message_recipient'),
    affiliateId: idWire('affiliate'),
    affiliateName: z.string().nullable(),
    outcome: z.enum(['succeeded', 'skipped', 'failed']).nullable(),
    code: z.string().nullable(),
    /** Null: it was not to go by mail, or is not written yet. */
    mail: z
      .strictObject({
        id: z.string(),
        status: z.enum(['waiting', 'sent', 'failed']),
        code: z.string().nullable(),
        sentAt: instantWire.nullable(),
      })
      .nullable(),
    notice: z
      .strictObject({ id: z.string(), readAt: instantWire.nullable(), acknowledgedAt: instantWire.nullable() })
      .nullable(),
  })
  .openapi('MessageRecipient');
export const recipientList = listOf(recipientWire);

export function presentRecipient(view: RecipientView): z.output<typeof recipientWire> {
  const { affiliateId, affiliateName, outcome, code, emailId, sentAt, failedCode, noticeId, readAt, acknowledgedAt } =
    view;
  return {
    id: affiliateId,
    object: 'message_recipient',
    affiliateId,
    affiliateName,
    outcome,
    code: code === null ? null : publicCode(code as DomainErrorCode),
    mail:
      emailId === null
        ? null
        : {
            id: emailId,
            status: sentAt !== null ? 'sent' : failedCode !== null ? 'failed' : 'waiting',
            code: sentAt === null ? failedCode : null,
            sentAt,
          },
    notice: noticeId === null ? null : { id: noticeId, readAt, acknowledgedAt },
  };
}
