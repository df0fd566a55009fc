import { z } from 'zod';
import type { ClickView } from '../../../db/reads/tracking/clickList.js';
import { deviceKinds, deviceSummaryOf } from '../../../domain/tracking/deviceSummary.js';
import { anyName, anyOf, anyText, flag, instantRange, listQuery } from '../../lists.js';
import { idWire, instantWire, listOf, objectFields } from '../wire.js';

export const clickParams = z.strictObject({ clickId: idWire('click') });

export const clickQuery = listQuery({
  linkId: anyText(),
  affiliateId: anyText(),
  programId: anyText(),
  referralId: anyText(),
  credit: anyOf(['credited', 'not_credited', 'filtered']),
  creditCode: anyText(),
  suspect: flag(),
  device: anyOf(deviceKinds),
  sub1: anyText(),
  sub2: anyText(),
  sub3: anyText(),
  sub4: anyText(),
  sub5: anyText(),
  source: anyText(),
  campaign: anyName(),
  ad: anyName(),
  ...instantRange('createdAt'),
});

export const clickWire = z
  .strictObject({
    ...objectFields('click', 'click'),
    linkId: z.string(),
    linkSlug: z.string().nullable(),
    /** The promo tool by which it came; campaign and ad are the tool's, else the link's (LNK-17). */
    toolId: z.string().nullable(),
    campaign: z.string().nullable(),
    ad: z.string().nullable(),
    /** `qr` where the code was followed (BEY-19), else what the address said of its source. */
    source: z.string().nullable(),
    device: z
      .strictObject({
        kind: z.enum(['phone', 'tablet', 'desktop', 'other']),
        system: z.string().nullable(),
        browser: z.string().nullable(),
      })
      .nullable(),
    affiliateId: z.string(),
    programId: z.string(),
    referralId: z.string().nullable(),
    visitorId: z.string().nullable(),
    previousClickId: z.string().nullable(),
    credit: z.enum(['credited', 'not_credited', 'filtered']),
    creditCode: z.string().nullable(),
    suspect: z.boolean(),
    sub1: z.string().nullable(),
    sub2: z.string().nullable(),
    sub3: z.string().nullable(),
    sub4: z.string().nullable(),
    sub5: z.string().nullable(),
    query: z.string().nullable(),
    referrer: z.string().nullable(),
    /** Two capital letters, where the installation's proxy says them (`COUNTRY_HEADER`); kept as long as the user agent. */
    country: z.string().nullable(),
    userAgent: z.string().nullable(),
    test: z.boolean(),
    takenUpAt: instantWire.nullable(),
    createdAt: instantWire,
  })
  .openapi('Click');
export const clickList = listOf(clickWire);

const source = /^[a-z0-9_-]{1,40}$/i;

/** A short word only: the rest of the query may speak of a person. */
function sourceOf(query: string | null): string | null {
  const found = query === null ? null : new URLSearchParams(query).get('src');
  return found !== null && source.test(found) ? found : null;
}

/** A click as its list shows it; the query may hold what a page put there about a person, so it needs the right to see people. */
export function presentClick(click: ClickView, reader: { readonly seesPeople: boolean }): z.output<typeof clickWire> {
  return {
    id: click.id as z.output<typeof clickWire>['id'],
    object: 'click',
    linkId: click.link_id,
    linkSlug: click.link_slug,
    toolId: click.tool_id,
    campaign: click.campaign,
    ad: click.ad,
    source: sourceOf(click.query),
    device: deviceSummaryOf(click.user_agent),
    affiliateId: click.affiliate_id,
    programId: click.program_id,
    referralId: click.referral_id,
    visitorId: click.visitor_id,
    previousClickId: click.previous_click_id,
    credit: click.credit,
    creditCode: click.credit_code,
    suspect: click.suspect,
    sub1: click.sub1,
    sub2: click.sub2,
    sub3: click.sub3,
    sub4: click.sub4,
    sub5: click.sub5,
    query: reader.seesPeople ? click.query : null,
    referrer: reader.seesPeople ? click.referrer : null,
    country: reader.seesPeople ? click.country : null,
    userAgent: reader.seesPeople ? click.user_agent : null,
    test: click.mode === 'test',
    takenUpAt: click.taken_up_at,
    createdAt: click.created_at,
  };
}
