import { z } from 'zod';
import type { SentMessage } from '../../../db/reads/messaging/sentMessages.js';
import { listQuery } from '../../lists.js';
import { instantWire, listOf } from '../wire.js';

export const sentMessageQuery = listQuery({}, { q: true });

/** What somebody was told: a mail, or a notice inside the product. */
export const sentMessageWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('sent_message'),
    channel: z.enum(['mail', 'notice']),
    /** `commission_created`, `referral_reminded` …: what it tells of. */
    kind: z.string(),
    subject: z.string(),
    /** One-time links are hidden. Null: persons are masked for who reads. */
    text: z.string().nullable(),
    recipient: z.strictObject({ name: z.string().nullable(), email: z.string().nullable(), masked: z.boolean() }),
    /** A notice is sent with its writing. */
    status: z.enum(['waiting', 'sent', 'failed']),
    code: z.string().nullable(),
    sentAt: instantWire.nullable(),
    readAt: instantWire.nullable(),
    acknowledgedAt: instantWire.nullable(),
    createdAt: instantWire,
  })
  .openapi('SentMessage');
export const sentMessageList = listOf(sentMessageWire);

export function presentSentMessage(message: SentMessage, seesPeople: boolean): z.output<typeof sentMessageWire> {
  const { id, channel, kind, subject, failedCode, sentAt, readAt, acknowledgedAt, createdAt } = message;
  return {
    object: 'sent_message',
    id,
    channel,
    kind,
    subject,
    text: seesPeople ? withoutTokens(message) : null,
    recipient: seesPeople
      ? { name: message.recipientName, email: message.recipientAddress, masked: false }
      : { name: null, email: null, masked: true },
    status: sentAt !== null ? 'sent' : failedCode !== null ? 'failed' : 'waiting',
    code: sentAt === null ? failedCode : null,
    sentAt,
    readAt,
    acknowledgedAt,
    createdAt,
  };
}

/** Whoever reads a mail of somebody else may not act with its links (api.md 14). */
function withoutTokens({ body, links }: SentMessage): string {
  return links.reduce((text, link) => (link === '' ? text : text.replaceAll(link, '…')), body);
}
