import type { AffiliateStatus } from '../affiliate/affiliate.js';
import type { EnrolmentStatus } from '../affiliate/enrolment.js';
import { type Decided, refused } from '../decided.js';
import type { AffiliateId, LinkId, ProgramId } from '../ids.js';
import type { ProgramStatus } from '../program/program.js';
import type { Instant } from '../time.js';
import { type EventOf, eventsFrom, nextStatus, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.5 */
export const linkTransitions = transitionTable({
  active: { expired: 'expired', disabled: 'disabled', archived: 'archived' },
  expired: { extended: 'active', archived: 'archived' },
  disabled: { enabled: 'active', expired: 'expired', archived: 'archived' },
  archived: {},
});
export type LinkStatus = StatusOf<typeof linkTransitions>;
export type LinkEvent = EventOf<typeof linkTransitions>;

export const linkKinds = ['standard', 'direct', 'recruit'] as const;
export type LinkKind = (typeof linkKinds)[number];
export const destinationTypes = ['landing', 'registration', 'product'] as const;
export type DestinationType = (typeof destinationTypes)[number];
export const linkHealths = ['unknown', 'ok', 'unreachable', 'untracked'] as const;
export type LinkHealth = (typeof linkHealths)[number];

export interface Link {
  readonly id: LinkId;
  readonly affiliateId: AffiliateId;
  readonly programId: ProgramId;
  readonly kind: LinkKind;
  readonly slug: string;
  /** Serialised by the URL parser, judged by `judgeDestination`. */
  readonly destinationUrl: string;
  readonly destinationType: DestinationType;
  /** As stored: a link whose time is over counts as expired, whatever stands here (`linkStatusAt`). */
  readonly status: LinkStatus;
  readonly health: LinkHealth;
  readonly healthCheckedAt: Instant | null;
  readonly expiresAt: Instant | null;
  readonly campaign: string | null;
  readonly ad: string | null;
  readonly isDefault: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** The status at this instant: expiry is a matter of the clock, and nobody has to write it down first. */
export function linkStatusAt(link: Pick<Link, 'status' | 'expiresAt'>, now: Instant): LinkStatus {
  const isOver = link.expiresAt !== null && link.expiresAt <= now;
  return isOver && (link.status === 'active' || link.status === 'disabled') ? 'expired' : link.status;
}

/** Judges `enabled`, `disabled`, `archived`. Refuses with `link.already_decided`, `link.transition_not_allowed`. */
export function decideLinkMove(status: LinkStatus, event: LinkEvent): Decided<LinkEvent> {
  if (nextStatus(linkTransitions, status, event) !== undefined) return { kind: 'accepted', event };
  const after: Readonly<Record<LinkEvent, LinkStatus>> = {
    expired: 'expired',
    extended: 'active',
    disabled: 'disabled',
    enabled: 'active',
    archived: 'archived',
  };
  return refused(after[event] === status ? 'link.already_decided' : 'link.transition_not_allowed', {
    currentStatus: status,
  });
}

const actionOf: Readonly<Partial<Record<LinkEvent, string>>> = {
  disabled: 'disable',
  enabled: 'enable',
  archived: 'archive',
};

/** The actions the state table offers a person; expiry and extension follow the date. */
export function linkActions(status: LinkStatus): readonly string[] {
  return eventsFrom(linkTransitions, status).flatMap((event) => actionOf[event] ?? []);
}

/** What a click's credit depends on (LNK-21). */
export interface CreditGate {
  readonly isTrackingOn: boolean;
  readonly programStatus: ProgramStatus;
  readonly affiliateStatus: AffiliateStatus;
  readonly enrolmentStatus: EnrolmentStatus | null;
  readonly linkStatus: LinkStatus;
}

export const creditCodes = [
  'tracking_off',
  'program_not_active',
  'affiliate_not_active',
  'enrolment_not_active',
  'link_archived',
  'link_disabled',
  'link_expired',
] as const;
export type CreditCode = (typeof creditCodes)[number];

/** Why a click on this link would not be credited now, the first reason of features.md 4.1; null: it would. */
export function creditCodeOf(gate: CreditGate): CreditCode | null {
  if (!gate.isTrackingOn) return 'tracking_off';
  if (gate.programStatus !== 'active') return 'program_not_active';
  if (gate.affiliateStatus !== 'approved') return 'affiliate_not_active';
  if (gate.enrolmentStatus !== 'active') return 'enrolment_not_active';
  switch (gate.linkStatus) {
    case 'archived':
      return 'link_archived';
    case 'disabled':
      return 'link_disabled';
    case 'expired':
      return 'link_expired';
    case 'active':
      return null;
    default:
      return gate.linkStatus satisfies never;
  }
}

const slugPattern = /^[a-z0-9][a-z0-9-]{1,62}[a-z0-9]$/;

/** Words with a meaning of their own, in our addresses, in file systems or in people's eyes (reliability.md C5). */
const reservedSlugs: ReadonlySet<string> = new Set(
  (
    'about account accounts admin administrator api app apply assets auth backup billing blog cdn click clicks com1 com2 com3 com4 con ' +
    'config console dashboard default demo dev docs download email error false favicon feed forgot graphql health healthz help hooks home ' +
    'index invite join legal link links livez login logout lpt1 lpt2 lpt3 mail me metrics new nul null openapi owner password payout ' +
    'payouts portal postmaster privacy prn program programs public readyz redirect register reset robots root security settings signin ' +
    'signout signup sitemap ssl staff static status support system terms test track tracking tributary true undefined unsubscribe user ' +
    'users version visit webmaster webhook webhooks well-known www'
  ).split(' '),
);

export type SlugProblem = 'bad_format' | 'not_allowed_here';

/**
 * Lower-case ASCII letters, digits and hyphens, 3 to 64 characters, no hyphen at an end; other letters are refused and not folded, so that
 * two spellings never meet (reliability.md C4). Reserved words and the `xn--` of encoded names are `not_allowed_here`. Undefined: fine.
 */
export function slugProblem(slug: string): SlugProblem | undefined {
  if (reservedSlugs.has(slug) || slug.startsWith('xn--')) return 'not_allowed_here';
  return slugPattern.test(slug) ? undefined : 'bad_format';
}

/** A slug made of a name: `Żółty Blog!` → `zolty-blog`; undefined when too little is left of it. */
export function slugOf(name: string, maxLength = 40): string | undefined {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/ł/g, 'l')
    .replace(/ø/g, 'o')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, maxLength)
    .replace(/^-+|-+$/g, '');
  return slugProblem(plain) === undefined ? plain : undefined;
}

/** A direct link is the page itself with `via`, a recruit link opens the application; the others go through the redirect (api.md 7.2). */
export function linkAddress(
  link: { readonly kind: string; readonly slug: string; readonly destinationUrl: string },
  origin: string,
): string {
  if (link.kind === 'recruit') return `${origin}/j/${link.slug}`;
  if (link.kind !== 'direct') return `${origin}/r/${link.slug}`;
  const url = new URL(link.destinationUrl);
  url.searchParams.set('via', link.slug);
  return url.href;
}
