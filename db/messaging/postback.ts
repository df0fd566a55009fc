import type { Act } from '../../domain/act.js';
import { assertInvariant, DomainError } from '../../domain/errors.js';
import type { AffiliateId, Id, ProgramId } from '../../domain/ids.js';
import type { Postback, PostbackEvent } from '../../domain/messaging/postback.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export type PostbackId = Id<'postback'>;
export type DeliveryId = Id<'delivery'>;

export interface PostbackRow {
  readonly id: PostbackId;
  readonly affiliate_id: AffiliateId;
  readonly program_id: ProgramId | null;
  readonly events: readonly PostbackEvent[];
  readonly url: string;
  readonly active: boolean;
  readonly failures_in_row: number;
  readonly paused_at: Instant | null;
  readonly last_code: string | null;
  readonly last_at: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toPostback(row: PostbackRow): Postback {
  return {
    id: row.id,
    affiliateId: row.affiliate_id,
    programId: row.program_id,
    events: row.events,
    url: row.url,
    active: row.active,
    failuresInRow: row.failures_in_row,
    pausedAt: row.paused_at,
    lastCode: row.last_code,
    lastAt: row.last_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Undefined for one that was deleted, too. */
export async function findPostback(tx: ReadTx | Tx, id: string): Promise<Postback | undefined> {
  const row = await tx('postbacks').where({ id }).whereNull('deleted_at').first<PostbackRow | undefined>();
  return row === undefined ? undefined : toPostback(row);
}

export async function lockPostback(tx: Tx, id: string): Promise<Postback | undefined> {
  const row = await tx('postbacks')
    .where({ id })
    .whereNull('deleted_at')
    .forNoKeyUpdate()
    .first<PostbackRow | undefined>();
  return row === undefined ? undefined : toPostback(row);
}

export async function countPostbacks(tx: ReadTx | Tx, affiliateId: string): Promise<number> {
  const row = await tx('postbacks')
    .where({ affiliate_id: affiliateId })
    .whereNull('deleted_at')
    .first<{ count: bigint } | undefined>(tx.raw('count(*) as count'));
  return Number(row?.count ?? 0n);
}

export interface PostbackContent {
  readonly programId?: ProgramId | null;
  readonly events?: readonly PostbackEvent[];
  readonly url?: string;
  readonly active?: boolean;
}

function columnsOf(content: PostbackContent): Readonly<Record<string, unknown>> {
  return {
    ...(content.programId === undefined ? {} : { program_id: content.programId }),
    ...(content.events === undefined ? {} : { events: [...content.events] }),
    ...(content.url === undefined ? {} : { url: content.url }),
    ...(content.active === undefined ? {} : { active: content.active }),
  };
}

export async function insertPostback(
  tx: Tx,
  act: Act,
  of: Required<PostbackContent> & { readonly affiliateId: AffiliateId },
): Promise<Postback> {
  const id = act.newId('postback');
  const [row] = await tx('postbacks')
    .insert({ id, affiliate_id: of.affiliateId, ...columnsOf(of), created_at: act.now, updated_at: act.now })
    .returning<PostbackRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'postback',
    objectId: id,
    seq: 1,
    event: 'created',
    changes: { affiliateId: of.affiliateId, programId: of.programId, events: of.events },
  });
  return toPostback(row);
}

/** `resumed` and every other change of `active` by a person clear the pause and the count. Code: resource.not_found. */
export async function changePostback(
  tx: Tx,
  act: Act,
  id: string,
  event: 'changed' | 'deleted' | 'paused' | 'resumed',
  content: PostbackContent = {},
): Promise<Postback> {
  const isCleared = event === 'resumed' || (event === 'changed' && content.active !== undefined);
  const [row] = await tx('postbacks')
    .where({ id })
    .whereNull('deleted_at')
    .update({
      ...columnsOf(content),
      ...(isCleared ? { paused_at: null, failures_in_row: 0 } : {}),
      ...(event === 'resumed' ? { active: true } : {}),
      ...(event === 'paused' ? { active: false, paused_at: act.now } : {}),
      ...(event === 'deleted' ? { active: false, deleted_at: act.now } : {}),
      version: tx.raw('version + 1'),
      updated_at: act.now,
    })
    .returning<PostbackRow[]>('*');
  if (row === undefined) throw new DomainError('resource.not_found');
  await recordAudit(tx, act, {
    objectType: 'postback',
    objectId: id,
    seq: row.version,
    event,
    changes: { fields: Object.keys(content) },
  });
  return toPostback(row);
}

/** What a call left. Not an act of anybody's: no audit entry, no version. */
export async function noteCall(
  tx: Tx,
  id: string,
  of: { readonly at: Instant; readonly code: string | null; readonly failuresInRow: number },
): Promise<void> {
  await tx('postbacks').where({ id }).update({ last_at: of.at, last_code: of.code, failures_in_row: of.failuresInRow });
}

export const deliveryStatuses = ['delivered', 'retrying', 'failed', 'dropped'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export interface Delivery {
  readonly id: DeliveryId;
  readonly postbackId: PostbackId;
  /** `test` for the button. */
  readonly event: string;
  readonly objectId: string | null;
  readonly url: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
  readonly code: string | null;
  readonly nextTryAt: Instant | null;
  readonly lastTryAt: Instant;
  readonly createdAt: Instant;
}

export interface DeliveryRow {
  readonly id: DeliveryId;
  readonly postback_id: PostbackId;
  readonly event: string;
  readonly object_id: string | null;
  readonly url: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly response_status: number | null;
  readonly response_body: string | null;
  readonly code: string | null;
  readonly next_try_at: Instant | null;
  readonly last_try_at: Instant;
  readonly created_at: Instant;
}

export function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    postbackId: row.postback_id,
    event: row.event,
    objectId: row.object_id,
    url: row.url,
    status: row.status,
    attempts: row.attempts,
    responseStatus: row.response_status,
    responseBody: row.response_body,
    code: row.code,
    nextTryAt: row.next_try_at,
    lastTryAt: row.last_try_at,
    createdAt: row.created_at,
  };
}

/** The log line of one event, written with its first call and brought up to date by each further one. */
export async function recordDelivery(
  tx: Tx,
  act: Act,
  of: Omit<Delivery, 'id' | 'lastTryAt' | 'createdAt'> & { readonly entryId: string | null },
): Promise<Delivery> {
  const state = {
    url: of.url,
    status: of.status,
    attempts: of.attempts,
    response_status: of.responseStatus,
    response_body: of.responseBody,
    code: of.code,
    next_try_at: of.nextTryAt,
    last_try_at: act.now,
  };
  const [row] = await tx('postback_deliveries')
    .insert({
      id: act.newId('delivery'),
      postback_id: of.postbackId,
      entry_id: of.entryId,
      event: of.event,
      object_id: of.objectId,
      ...state,
      created_at: act.now,
    })
    .onConflict(tx.raw('(workspace_id, postback_id, entry_id) where entry_id is not null'))
    .merge(state)
    .returning<DeliveryRow[]>('*');
  assertInvariant(row !== undefined, 'a log line is written');
  return toDelivery(row);
}

/** Was this event told already? A relay that died between call and mark sends its message again. */
export async function isDelivered(tx: ReadTx | Tx, postbackId: string, entryId: string): Promise<boolean> {
  const row = await tx('postback_deliveries')
    .where({ postback_id: postbackId, entry_id: entryId })
    .first<{ status: DeliveryStatus } | undefined>('status');
  return row?.status === 'delivered';
}
