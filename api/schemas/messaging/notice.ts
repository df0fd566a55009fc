import { z } from 'zod';
import type { Notice } from '../../../db/messaging/notice.js';
import { flag, listQuery } from '../../lists.js';
import { idWire, instantWire, listOf, objectFields } from '../wire.js';

export const noticeParams = z.strictObject({ noticeId: idWire('notice') });
export const noticeQuery = listQuery({ unread: flag() }, { include: ['counts'] });

export const noticeWire = z
  .strictObject({
    ...objectFields('notice', 'notice'),
    /** `payout_paid`, `agreement_published` …: what it tells of. */
    kind: z.string(),
    subject: z.string(),
    body: z.string(),
    /** Where to go from here: a path of the reader's own surface. */
    link: z.string().nullable(),
    requiresAcknowledgement: z.boolean(),
    readAt: instantWire.nullable(),
    acknowledgedAt: instantWire.nullable(),
    allowedActions: z.array(z.enum(['read', 'acknowledge'])),
    createdAt: instantWire,
  })
  .openapi('Notice');
export const noticeList = listOf(noticeWire);

export function presentNotice(notice: Notice): z.output<typeof noticeWire> {
  const { id, kind, subject, body, link, requiresAcknowledgement, readAt, acknowledgedAt, createdAt } = notice;
  return {
    object: 'notice',
    id,
    kind,
    subject,
    body,
    link,
    requiresAcknowledgement,
    readAt,
    acknowledgedAt,
    allowedActions: [
      ...(readAt === null ? ['read' as const] : []),
      ...(requiresAcknowledgement && acknowledgedAt === null ? ['acknowledge' as const] : []),
    ],
    createdAt,
  };
}
