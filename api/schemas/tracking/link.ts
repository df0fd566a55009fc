import { z } from 'zod';
import type { LinkView } from '../../../db/reads/tracking/linkList.js';
import type { Instant } from '../../../domain/time.js';
import {
  creditCodeOf,
  creditCodes,
  destinationTypes,
  linkAddress,
  linkHealths,
  linkKinds,
  linkStatusAt,
  linkTransitions,
} from '../../../domain/tracking/link.js';
import type { LinkCheck } from '../../../domain/tracking/linkCheck.js';
import { domainOrigin } from '../../../domain/tracking/trackingDomain.js';
import { statusesOf } from '../../../domain/transitions.js';
import { anyName, anyOf, anyText, listQuery } from '../../lists.js';
import {
  dateWire,
  decisionWire,
  idWire,
  instantWire,
  listOf,
  metadataWire,
  objectFields,
  signedMoneyWire,
  text,
  versionFields,
} from '../wire.js';
import { undoWire } from '../affiliate/affiliate.js';

export const linkParams = z.strictObject({ linkId: idWire('link') });
const statuses = statusesOf(linkTransitions) as ['active', 'expired', 'disabled', 'archived'];

const settable = {
  slug: z.string().max(64).exactOptional(),
  destinationUrl: z.string().exactOptional(),
  destinationType: z.enum(destinationTypes).exactOptional(),
  expiresAt: instantWire.nullable().exactOptional(),
  campaign: text(100).nullable().exactOptional(),
  ad: text(100).nullable().exactOptional(),
  metadata: metadataWire.exactOptional(),
};
export const linkCreate = z.strictObject({
  affiliateId: idWire('affiliate'),
  programId: idWire('program'),
  kind: z.enum(linkKinds).exactOptional(),
  ...settable,
});
/** `kind`: a direct link becomes a standard one, so that a new destination reaches what was published (LNK-07). */
export const linkPatch = z.strictObject({ ...settable, kind: z.literal('standard').exactOptional() });

/** What an affiliate may say of its own links: `metadata` is the staff's (api.md 17). */
export const ownLinkPatch = linkPatch.omit({ metadata: true });
export const ownLinkCreate = linkCreate.omit({ metadata: true, affiliateId: true });

export const linkQuery = listQuery(
  {
    affiliateId: anyText(),
    programId: anyText(),
    status: anyOf(statuses),
    health: anyOf(linkHealths),
    campaign: anyName(),
    ad: anyName(),
    kind: anyOf(linkKinds),
    /** Days of the figures, both included; the last thirty where none is named. */
    from: dateWire.exactOptional(),
    to: dateWire.exactOptional(),
  },
  { sort: ['createdAt', 'slug'], q: true, include: ['figures'] },
);

export const ownLinkQuery = listQuery(
  { programId: anyText(), status: anyOf(statuses), campaign: anyName(), ad: anyName(), kind: anyOf(linkKinds) },
  { sort: ['createdAt', 'slug'], q: true },
);

export const linkFiguresWire = z
  .strictObject({
    clicks: z.int(),
    /** One per visitor, link and day. */
    visits: z.int(),
    leads: z.int(),
    sales: z.int(),
    earned: z.array(signedMoneyWire),
    /** Per currency, rounded to its smallest unit; none without a click. */
    earningsPerClick: z.array(signedMoneyWire),
    /** The most frequent first sub-ids among the newest clicks of these days, at most three. */
    subIds: z.array(z.string()),
  })
  .openapi('LinkFigures');

export const linkWire = z
  .strictObject({
    ...objectFields('link', 'link'),
    affiliateId: idWire('affiliate'),
    programId: idWire('program'),
    kind: z.enum(linkKinds),
    slug: z.string(),
    url: z.string(),
    destinationUrl: z.string(),
    destinationType: z.enum(destinationTypes),
    status: z.enum(statuses),
    health: z.enum(linkHealths),
    healthCheckedAt: instantWire.nullable(),
    credits: z.boolean(),
    creditCode: z.enum(creditCodes).nullable(),
    expiresAt: instantWire.nullable(),
    campaign: z.string().nullable(),
    ad: z.string().nullable(),
    isDefault: z.boolean(),
    warnings: z.array(z.strictObject({ code: z.string(), detail: z.string() })),
    /** What was seen just now: only in the answer of `check`. */
    check: z
      .strictObject({ status: z.int().nullable(), fault: z.string().nullable(), scriptFound: z.boolean().nullable() })
      .exactOptional(),
    /** Only in the list, with `include=figures`. */
    figures: linkFiguresWire.exactOptional(),
    decision: decisionWire,
    undo: undoWire.exactOptional(),
    allowedActions: z.array(z.string()),
    metadata: z.record(z.string(), z.string()),
    ...versionFields,
  })
  .openapi('Link');
export type LinkReply = z.output<typeof linkWire>;
export const linkList = listOf(linkWire);

export type LinkWarning = LinkReply['warnings'][number];

/** Link → wire, as it stands at this instant. Its address is made of PUBLIC_URL, never of a request's host. */
export function presentLink(
  view: LinkView,
  at: { readonly now: Instant; readonly publicUrl: string; readonly isTrackingOn: boolean },
  allowedActions: readonly string[],
  more: { readonly warnings?: readonly LinkWarning[]; readonly undo?: z.output<typeof undoWire> } = {},
): LinkReply {
  const { link } = view;
  const status = linkStatusAt(link, at.now);
  const creditCode = creditCodeOf({
    isTrackingOn: at.isTrackingOn,
    programStatus: view.programStatus,
    affiliateStatus: view.affiliateStatus,
    enrolmentStatus: view.enrolmentStatus,
    linkStatus: status,
  });
  return {
    object: 'link',
    ...link,
    status,
    url: linkAddress(link, originOf(view, at.publicUrl)),
    credits: creditCode === null,
    creditCode,
    warnings: [...healthWarnings(link.health), ...(more.warnings ?? [])],
    decision: view.decision,
    ...(more.undo === undefined ? {} : { undo: more.undo }),
    allowedActions: [...allowedActions],
    metadata: { ...link.metadata },
  };
}

function healthWarnings(health: LinkReply['health']): readonly LinkWarning[] {
  switch (health) {
    case 'unreachable':
      return [{ code: 'destination_unreachable', detail: 'The page did not answer at the last check.' }];
    case 'untracked':
      return [{ code: 'script_missing', detail: 'The tracking script was not on the page at the last check.' }];
    case 'ok':
    case 'unknown':
      return [];
    default:
      return health satisfies never;
  }
}

/** What a person should know of a destination that was looked at just now (LNK-09, LNK-10). */
export function checkWarnings(seen: LinkCheck): readonly LinkWarning[] {
  if (seen.isPrivate)
    return [{ code: 'destination_private', detail: 'Only who has signed in, or is inside a network, sees the page.' }];
  if (seen.health === 'unreachable')
    return [
      {
        code: 'destination_unreachable',
        detail: seen.status === null ? 'The page does not answer.' : `The page answers ${seen.status}.`,
      },
    ];
  return healthWarnings(seen.health);
}

const label = z.string().min(1).max(255).exactOptional();
/** What an affiliate adds to a link before it is shared: another page of it, a label of its own, UTM (BEY-19, screens.md 6). */
const added = {
  to: z.string().min(1).max(2_000).exactOptional(),
  sid: label,
  utm_source: label,
  utm_medium: label,
  utm_campaign: label,
};
export const qrQuery = z.strictObject({ format: z.enum(['svg', 'png']).default('svg'), ...added });
export const pageCheckBody = z.strictObject({ to: added.to });
export const pageCheckWire = z
  .strictObject({
    object: z.literal('page_check'),
    /** The page that was asked: the link's own, or the other one of `to`. */
    url: z.string(),
    status: z.int().nullable(),
    fault: z.string().nullable(),
    warnings: z.array(z.strictObject({ code: z.string(), detail: z.string() })),
  })
  .openapi('PageCheck');
/** Bytes of a picture, not JSON. */
export const pictureWire = z.string().openapi({ type: 'string', format: 'binary' });

export const diagnoseBody = z.strictObject({ url: z.string().max(2_048) });
const named = z.strictObject({ id: z.string(), name: z.string() }).nullable();
export const diagnosisWire = z
  .strictObject({
    object: z.literal('link_diagnosis'),
    url: z.string(),
    destinationUrl: z.string().nullable(),
    resolves: z.boolean().nullable(),
    public: z.boolean().nullable(),
    status: z.int().nullable(),
    fault: z.string().nullable(),
    scriptFound: z.boolean().nullable(),
    link: z
      .strictObject({
        id: z.string(),
        slug: z.string(),
        kind: z.enum(linkKinds),
        status: z.enum(statuses),
        expiresAt: instantWire.nullable(),
      })
      .nullable(),
    affiliate: named,
    program: named,
    credits: z.boolean(),
    creditCode: z.enum(creditCodes).nullable(),
    problems: z.array(z.strictObject({ code: z.string(), detail: z.string() })),
  })
  .openapi('LinkDiagnosis');

/** Where this workspace's links begin. */
export function originOf(view: Pick<LinkView, 'linkDomain'>, publicUrl: string): string {
  return view.linkDomain === null ? publicUrl : domainOrigin(view.linkDomain, publicUrl);
}
