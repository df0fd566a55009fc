import { z } from 'zod';
import type { VisitView } from '../../../db/reads/tracking/visitList.js';
import { anyText, flag, instantRange, listQuery } from '../../lists.js';
import { dateWire, instantWire, listOf, objectFields } from '../wire.js';

export const visitQuery = listQuery({
  linkId: anyText(),
  affiliateId: anyText(),
  programId: anyText(),
  referralId: anyText(),
  suspect: flag(),
  ...instantRange('createdAt'),
});

export const visitWire = z
  .strictObject({
    ...objectFields('visit', 'visit'),
    clickId: z.string().nullable(),
    linkId: z.string(),
    affiliateId: z.string(),
    programId: z.string(),
    referralId: z.string().nullable(),
    visitorId: z.string(),
    url: z.string().nullable(),
    day: dateWire,
    suspect: z.boolean().meta({ description: 'Of a suspect click: listed, and in no unique count.' }),
    test: z.boolean(),
    createdAt: instantWire,
  })
  .openapi('Visit');
export const visitList = listOf(visitWire);

/** A visit as its list shows it; its address may name a person. */
export function presentVisit(visit: VisitView, reader: { readonly seesPeople: boolean }): z.output<typeof visitWire> {
  return {
    id: visit.id as z.output<typeof visitWire>['id'],
    object: 'visit',
    clickId: visit.click_id,
    linkId: visit.link_id,
    affiliateId: visit.affiliate_id,
    programId: visit.program_id,
    referralId: visit.referral_id,
    visitorId: visit.visitor_id,
    url: reader.seesPeople ? visit.url : null,
    day: visit.day,
    suspect: visit.suspect,
    test: visit.mode === 'test',
    createdAt: visit.created_at,
  };
}

/** What the script tells of a page view (api.md 4.1). Strings are cut, not refused: a page must not break over its own address. */
export const visitReport = z.strictObject({
  key: z.string().max(100),
  url: z.string().max(8_000),
  referrer: z.string().max(8_000).nullable().exactOptional(),
  clickId: z.string().max(64).nullable().exactOptional(),
  via: z.string().max(200).nullable().exactOptional(),
  consent: z.enum(['granted', 'denied', 'unknown']).exactOptional(),
});
export type VisitReport = z.output<typeof visitReport>;
