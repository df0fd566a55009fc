import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { Id } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { DnsResult, HttpsResult, TrackingDomain } from '../../domain/tracking/trackingDomain.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface TrackingDomainRow {
  readonly id: Id<'trackingDomain'>;
  readonly domain: string;
  readonly token: string;
  readonly verified_at: Instant | null;
  readonly checked_at: Instant | null;
  readonly dns_result: DnsResult | null;
  readonly https_result: HttpsResult | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toTrackingDomain(row: TrackingDomainRow): TrackingDomain {
  return {
    id: row.id,
    domain: row.domain,
    token: row.token,
    verifiedAt: row.verified_at,
    checkedAt: row.checked_at,
    dnsResult: row.dns_result,
    httpsResult: row.https_result,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function findTrackingDomain(tx: ReadTx | Tx, id: string): Promise<TrackingDomain | undefined> {
  const row = await tx('tracking_domains').where({ id }).whereNull('deleted_at').first<TrackingDomainRow | undefined>();
  return row === undefined ? undefined : toTrackingDomain(row);
}

export async function lockTrackingDomain(tx: Tx, id: string): Promise<TrackingDomain | undefined> {
  const row = await tx('tracking_domains')
    .where({ id })
    .whereNull('deleted_at')
    .forNoKeyUpdate()
    .first<TrackingDomainRow | undefined>();
  return row === undefined ? undefined : toTrackingDomain(row);
}

/** Every name the workspace has, proved or only claimed, oldest first. */
export async function listTrackingDomainNames(tx: ReadTx | Tx): Promise<readonly string[]> {
  const rows = await tx('tracking_domains')
    .whereNull('deleted_at')
    .orderBy('created_at')
    .select<{ domain: string }[]>('domain');
  return rows.map((row) => row.domain);
}

/** The names that our own pages and scripts answer on, the one proved last first. */
export async function listProvedDomainNames(tx: ReadTx | Tx): Promise<readonly string[]> {
  const rows = await tx('tracking_domains')
    .whereNull('deleted_at')
    .whereNotNull('verified_at')
    .orderBy('verified_at', 'desc')
    .orderBy('id', 'desc')
    .select<{ domain: string }[]>('domain');
  return rows.map((row) => row.domain);
}

/** The name that links are printed with: the one proved last. Undefined: none is proved. */
export async function findLinkDomain(tx: ReadTx | Tx): Promise<string | undefined> {
  const [newest] = await listProvedDomainNames(tx);
  return newest;
}

/** Refuses with `resource.already_exists` for a name that the workspace has. */
export async function insertTrackingDomain(
  tx: Tx,
  act: Act,
  domain: Pick<TrackingDomain, 'id' | 'domain' | 'token'>,
): Promise<TrackingDomain> {
  const [row] = await tx('tracking_domains')
    .insert({ id: domain.id, domain: domain.domain, token: domain.token, created_at: act.now, updated_at: act.now })
    .returning<TrackingDomainRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'tracking_domain',
    objectId: domain.id,
    seq: 1,
    event: 'created',
    changes: { after: { domain: domain.domain } },
  });
  return toTrackingDomain(row);
}

/**
 * Notes what a look showed. Both `ok`: links are printed with it from now on; else no longer. Refuses with `resource.already_exists` where
 * another workspace has proved the name meanwhile.
 */
export async function recordDomainCheck(
  tx: Tx,
  act: Act,
  domain: TrackingDomain,
  seen: { readonly dns: DnsResult; readonly https: HttpsResult },
): Promise<TrackingDomain> {
  const isProved = seen.dns === 'ok' && seen.https === 'ok';
  const verifiedAt = isProved ? (domain.verifiedAt ?? act.now) : null;
  const isMove = (verifiedAt === null) !== (domain.verifiedAt === null);
  const [row] = await tx('tracking_domains')
    .where({ id: domain.id })
    .update({
      verified_at: verifiedAt,
      checked_at: act.now,
      dns_result: seen.dns,
      https_result: seen.https,
      ...(isMove ? { version: domain.version + 1 } : {}),
      updated_at: act.now,
    })
    .returning<TrackingDomainRow[]>('*');
  assertInvariant(row !== undefined, 'a locked domain is there', { domainId: domain.id });
  if (isMove)
    await recordAudit(tx, act, {
      objectType: 'tracking_domain',
      objectId: domain.id,
      seq: domain.version + 1,
      event: isProved ? 'verified' : 'unverified',
      changes: { dns: seen.dns, https: seen.https },
    });
  return toTrackingDomain(row);
}

/** Takes the name away: links are printed without it, and it leads nowhere. */
export async function deleteTrackingDomain(tx: Tx, act: Act, domain: TrackingDomain): Promise<void> {
  await tx('tracking_domains')
    .where({ id: domain.id })
    .update({ deleted_at: act.now, verified_at: null, version: domain.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'tracking_domain',
    objectId: domain.id,
    seq: domain.version + 1,
    event: 'deleted',
  });
}
