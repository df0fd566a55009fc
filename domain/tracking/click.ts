import type { AffiliateStatus } from '../affiliate/affiliate.js';
import type { EnrolmentStatus } from '../affiliate/enrolment.js';
import type { ProgramStatus } from '../program/program.js';
import type { LinkStatus } from './link.js';

/** features.md 4.2, in the order in which they are judged. */
export type FilterCode = 'head_request' | 'prefetch' | 'not_navigation' | 'preview' | 'bot';

/** features.md 4.1, in the order in which they are judged. */
export type NoCreditCode =
  | 'tracking_off'
  | 'program_not_active'
  | 'affiliate_not_active'
  | 'enrolment_not_active'
  | 'link_archived'
  | 'link_disabled'
  | 'link_expired'
  | 'consent_refused';

export type ClickCredit = 'credited' | 'not_credited' | 'filtered';

/** What a request says of itself that decides whether a person followed the link. */
export interface FollowedBy {
  readonly isHead: boolean;
  /** `Sec-Purpose`, `Purpose`, `X-Purpose` and `X-Moz`, joined. */
  readonly purpose: string;
  readonly fetchDest: string | undefined;
  readonly hasUserAgent: boolean;
  readonly isKnownBot: boolean;
  readonly isPreviewer: boolean;
}

// Who fetches a link to draw its preview in a chat or a feed, by what they call themselves.
const previewers =
  /facebookexternalhit|facebot|twitterbot|slackbot|slack-imgproxy|whatsapp|telegrambot|discordbot|linkedinbot|skypeuripreview|pinterestbot|redditbot|embedly|vkshare|viber|line-poker|mastodon|bluesky|cardyb|iframely|outbrain|quora link preview|bitlybot|snapchat|googlemessages|google-pagerenderer/i;

/** Is this somebody who only draws a preview of the link? */
export function isPreviewer(userAgent: string): boolean {
  return previewers.test(userAgent);
}

/** Why this is not a person's click, or undefined: judged before the credit gate (features.md 4.2, api.md 4.1). */
export function filterOf(by: FollowedBy): FilterCode | undefined {
  if (by.isHead) return 'head_request';
  if (by.purpose !== '' && /prefetch|prerender/i.test(by.purpose)) return 'prefetch';
  if (by.fetchDest !== undefined && by.fetchDest !== 'document') return 'not_navigation';
  if (by.purpose !== '' && /preview/i.test(by.purpose)) return 'preview';
  if (by.isPreviewer) return 'preview';
  return !by.hasUserAgent || by.isKnownBot ? 'bot' : undefined;
}

export interface CreditGate {
  readonly isTracking: boolean;
  readonly programStatus: ProgramStatus;
  readonly affiliateStatus: AffiliateStatus;
  /** Undefined: never enrolled. */
  readonly enrolmentStatus: EnrolmentStatus | undefined;
  readonly linkStatus: LinkStatus;
  /** The moment passed, whether or not somebody has moved the status yet. */
  readonly isLinkOver: boolean;
}

/** The first reason of features.md 4.1 why a link credits nobody just now, or undefined. Consent is judged per visitor, after this. */
export function gateOf(gate: CreditGate): NoCreditCode | undefined {
  if (!gate.isTracking) return 'tracking_off';
  if (gate.programStatus !== 'active') return 'program_not_active';
  if (gate.affiliateStatus !== 'approved') return 'affiliate_not_active';
  if (gate.enrolmentStatus !== 'active') return 'enrolment_not_active';
  if (gate.linkStatus === 'archived') return 'link_archived';
  if (gate.linkStatus === 'disabled') return 'link_disabled';
  return gate.linkStatus === 'expired' || gate.isLinkOver ? 'link_expired' : undefined;
}

export type CookieMode = 'persistent' | 'session' | 'none';
/** `off`: consent is not asked for. `required`: without it no cookie and, refused, no credit. `url_only`: refused, the URL still credits. */
export type ConsentMode = 'off' | 'required' | 'url_only';
export type Consent = 'granted' | 'denied' | 'unknown';

/** What a visitor's consent allows: a cookie, and credit at all (TRK-28; ruling of api.md 4.1 on Sec-GPC). */
export function consentAllows(
  mode: ConsentMode,
  consent: Consent,
): { readonly cookie: boolean; readonly credit: boolean } {
  const isRefused = consent === 'denied';
  switch (mode) {
    case 'off':
      return { cookie: !isRefused, credit: true };
    case 'url_only':
      return { cookie: !isRefused, credit: true };
    case 'required':
      return { cookie: consent === 'granted', credit: !isRefused };
    default:
      return mode satisfies never;
  }
}

/** A touch of a browser session lasts a day, as its cookie has no date (SET-05). */
export const sessionWindowSeconds = 86_400;
const longestText = 255;

// Control and direction characters: they would reorder a table or split a line.
const unprintable = /\p{Cc}|\p{Cs}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/** A label as it is kept: without control characters, at most 255 characters; empty is none (TRK-14). */
export function subIdOf(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  const clean = text.replace(unprintable, '').trim().slice(0, longestText).replace(unprintable, '');
  return clean === '' ? null : clean;
}

/** Names that other networks use for ours (api.md 4.1). */
export const subAliases: ReadonlyMap<string, 1 | 2 | 3 | 4 | 5> = new Map([
  ['sub1', 1],
  ['sub2', 2],
  ['sub3', 3],
  ['sub4', 4],
  ['sub5', 5],
  ['sid', 1],
  ['subid', 1],
  ['clickref', 1],
  ['chan', 1],
  ['aff_sub', 1],
]);

/** Names that other networks use for `via`, the code of a link on the page itself; the first one given counts (api.md 4.1). */
export const viaNames = ['via', 'ref', 'fpr', 'a_aid', 'orid', 'aff', 'p'] as const;
