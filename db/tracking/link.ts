import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, LinkId, ProgramId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import {
  type DestinationType,
  type Link,
  type LinkEvent,
  type LinkHealth,
  type LinkKind,
  type LinkStatus,
  linkTransitions,
} from '../../domain/tracking/link.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface LinkRow {
  readonly id: string;
  readonly affiliate_id: string;
  readonly program_id: string;
  readonly kind: LinkKind;
  readonly slug: string;
  readonly destination_url: string;
  readonly destination_type: DestinationType;
  readonly status: LinkStatus;
  readonly health: LinkHealth;
  readonly health_checked_at: Instant | null;
  readonly expires_at: Instant | null;
  readonly campaign: string | null;
  readonly ad: string | null;
  readonly is_default: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toLink(row: LinkRow): Link {
  return {
    id: row.id as LinkId,
    affiliateId: row.affiliate_id as AffiliateId,
    programId: row.program_id as ProgramId,
    kind: row.kind,
    slug: row.slug,
    destinationUrl: row.destination_url,
    destinationType: row.destination_type,
    status: row.status,
    health: row.health,
    healthCheckedAt: row.health_checked_at,
    expiresAt: row.expires_at,
    campaign: row.campaign,
    ad: row.ad,
    isDefault: row.is_default,
    metadata: row.metadata,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewLink = Omit<Link, 'status' | 'health' | 'healthCheckedAt' | 'version' | 'createdAt' | 'updatedAt'>;
export type LinkChange = Partial<
  Pick<Link, 'kind' | 'slug' | 'destinationUrl' | 'destinationType' | 'expiresAt' | 'campaign' | 'ad' | 'metadata'>
>;

export async function lockLink(tx: Tx, id: string): Promise<Link | undefined> {
  const row = await tx('links').where({ id }).forNoKeyUpdate().first<LinkRow | undefined>();
  return row === undefined ? undefined : toLink(row);
}

/** An affiliate's links, oldest first. */
export async function listLinksOf(tx: ReadTx | Tx, affiliateId: string): Promise<readonly Link[]> {
  const rows = await tx('links')
    .where({ affiliate_id: affiliateId })
    .orderBy('created_at')
    .orderBy('id')
    .select<LinkRow[]>('*');
  return rows.map(toLink);
}

/** Writes the link and its audit entry. Refuses with `resource.already_exists` for a slug that any link ever had. */
export async function insertLink(tx: Tx, act: Act, link: NewLink): Promise<Link> {
  const [row] = await tx('links')
    .insert({
      id: link.id,
      affiliate_id: link.affiliateId,
      program_id: link.programId,
      is_default: link.isDefault,
      ...columnsOf(link),
      status: 'active',
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<LinkRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'link',
    objectId: link.id,
    seq: 1,
    event: 'created',
    to: 'active',
    changes: {
      affiliateId: link.affiliateId,
      programId: link.programId,
      slug: link.slug,
      destinationUrl: link.destinationUrl,
    },
  });
  return toLink(row);
}

/** Writes what is different. `event` says more than "edited" where the date brought an expired link back. */
export async function updateLink(
  tx: Tx,
  act: Act,
  link: Link,
  change: LinkChange,
  event: 'edited' | 'extended' = 'edited',
): Promise<Link> {
  const before = columnsOf(link);
  const columns = Object.fromEntries(
    Object.entries(columnsOf(change)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])),
  );
  const names = Object.keys(columns);
  if (names.length === 0) return link;
  const to = event === 'extended' && link.status === 'expired' ? 'active' : link.status;
  const [row] = await tx('links')
    .where({ id: link.id })
    .update({ ...columns, status: to, version: link.version + 1, updated_at: act.now })
    .returning<LinkRow[]>('*');
  assertInvariant(row !== undefined, 'a locked link is there', { linkId: link.id });
  await recordAudit(tx, act, {
    objectType: 'link',
    objectId: link.id,
    seq: link.version + 1,
    event: to === link.status ? 'edited' : event,
    from: link.status,
    to,
    changes: {
      before: Object.fromEntries(names.map((name) => [name, before[name]])),
      after: columns,
    },
  });
  return toLink(row);
}

/** Moves the link to the status that the event leads to. The caller has judged it, under the row's lock. */
export async function moveLink(tx: Tx, act: Act, link: Link, event: LinkEvent): Promise<Link> {
  const to = nextStatus(linkTransitions, link.status, event);
  assertInvariant(to !== undefined, 'a move is in the table', { from: link.status, event });
  const [row] = await tx('links')
    .where({ id: link.id })
    .update({ status: to, version: link.version + 1, updated_at: act.now })
    .returning<LinkRow[]>('*');
  assertInvariant(row !== undefined, 'a locked link is there', { linkId: link.id });
  await recordAudit(tx, act, {
    objectType: 'link',
    objectId: link.id,
    seq: link.version + 1,
    event,
    from: link.status,
    to,
  });
  return toLink(row);
}

/** Notes what a look at the destination showed. Only a change of health is an entry of the link's history: it is looked at every day. */
export async function recordLinkHealth(tx: Tx, act: Act, link: Link, health: LinkHealth): Promise<Link> {
  const isNew = health !== link.health;
  const [row] = await tx('links')
    .where({ id: link.id })
    .update({
      health,
      health_checked_at: act.now,
      ...(isNew ? { version: link.version + 1, updated_at: act.now } : {}),
    })
    .returning<LinkRow[]>('*');
  assertInvariant(row !== undefined, 'a locked link is there', { linkId: link.id });
  if (isNew)
    await recordAudit(tx, act, {
      objectType: 'link',
      objectId: link.id,
      seq: link.version + 1,
      event: 'checked',
      from: link.status,
      to: link.status,
      changes: { health: [link.health, health] },
    });
  return toLink(row);
}

type Columns = Readonly<Record<string, unknown>>;

function columnsOf(link: LinkChange): Columns {
  const pairs: readonly (readonly [string, unknown])[] = [
    ['kind', link.kind],
    ['slug', link.slug],
    ['destination_url', link.destinationUrl],
    ['destination_type', link.destinationType],
    ['expires_at', link.expiresAt],
    ['campaign', link.campaign],
    ['ad', link.ad],
    ['metadata', link.metadata === undefined ? undefined : JSON.stringify(link.metadata)],
  ];
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}
