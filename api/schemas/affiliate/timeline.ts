import { z } from 'zod';
import { type ActivityKind, activityKinds } from '../../../db/reads/affiliate/affiliateTimeline.js';
import type { AuditEntryView } from '../../../db/reads/audit/auditEntryList.js';
import type { Permission } from '../../../domain/access/permission.js';
import { anyOf, instantRange, listQuery } from '../../lists.js';
import { byWire, instantWire, listOf, namedWire, objectFields } from '../wire.js';

/** The right that shows each kind elsewhere: the timeline shows nobody more than their own lists do. */
export const rightToSee: Readonly<Record<ActivityKind, Permission>> = {
  affiliate: 'affiliate.read',
  enrolment: 'affiliate.read',
  login: 'affiliate.read',
  user: 'affiliate.read',
  link: 'link.read',
  coupon: 'link.read',
  payout: 'payout.read',
  payout_method: 'payout_method.read',
  affiliate_document: 'affiliate.read',
  affiliate_breach: 'affiliate.read',
  api_key: 'key.read',
  postback: 'webhook.read',
};

export const activityQuery = listQuery({ kind: anyOf(activityKinds), ...instantRange('createdAt') }, { q: true });

export const activityWire = z
  .strictObject({
    ...objectFields('auditEntry', 'affiliate_activity'),
    kind: z.enum(activityKinds).meta({ description: 'What it happened to.' }),
    objectId: z.string(),
    event: z.string().meta({ description: 'What happened to it, as the history names it.' }),
    from: z.string().nullable().meta({ description: 'Status before; null where the object has none.' }),
    to: z.string().nullable(),
    actor: byWire,
    viewed: namedWire.nullable().meta({ description: 'The affiliate whose portal the person looked at.' }),
    reasonCode: z.string().nullable(),
    reason: z.string().nullable(),
    test: z.boolean(),
    createdAt: instantWire,
  })
  .openapi('AffiliateActivity');
export const activityList = listOf(activityWire);

/** An affiliate's own key reads what happened, and neither the names of staff nor what they wrote for each other. */
export function presentActivity(entry: AuditEntryView, isAffiliate: boolean): z.output<typeof activityWire> {
  const kind = entry.objectType === 'payout_method_details' ? 'payout_method' : (entry.objectType as ActivityKind);
  const said = entry.event === 'portalViewed' ? entry.changes['reason'] : entry.reason;
  return {
    id: entry.id as z.output<typeof activityWire>['id'],
    object: 'affiliate_activity',
    kind,
    objectId: entry.objectId.replace(/\/details$/, ''),
    event: entry.event,
    from: entry.from,
    to: entry.to,
    actor: isAffiliate
      ? { type: entry.actor.type as z.output<typeof byWire>['type'], id: null, name: null }
      : (entry.actor as z.output<typeof byWire>),
    viewed: entry.viewed,
    reasonCode: isAffiliate ? null : entry.reasonCode,
    reason: isAffiliate || typeof said !== 'string' ? null : said,
    test: entry.mode === 'test',
    createdAt: entry.at,
  };
}
