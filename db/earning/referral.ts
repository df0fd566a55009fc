import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import {
  type Referral,
  type ReferralEvent,
  type ReferralNote,
  type ReferralStage,
  type ReferralStatus,
  referralTransitions,
} from '../../domain/earning/referral.js';
import type { AffiliateId, ContactId, LinkId, ProgramId, ReferralId, UserId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import type { Touch } from '../../domain/tracking/attribution.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface ReferralRow {
  readonly id: string;
  readonly mode: Mode;
  readonly program_id: string;
  readonly status: ReferralStatus;
  readonly stage: ReferralStage;
  readonly visitor_id: string | null;
  readonly contact_id: string | null;
  readonly affiliate_id: string | null;
  readonly link_id: string | null;
  readonly first_affiliate_id: string | null;
  readonly last_affiliate_id: string | null;
  readonly referrer_choice: 'first' | 'last' | null;
  readonly merged_into_id: string | null;
  readonly manual: boolean;
  readonly tags: readonly string[];
  readonly notes: string | null;
  readonly assignee_id: string | null;
  readonly window_ends_at: Instant | null;
  readonly decide_by: Instant | null;
  readonly pending_since: Instant | null;
  readonly reminded_at: Instant | null;
  readonly click_at: Instant | null;
  readonly visit_at: Instant | null;
  readonly lead_at: Instant | null;
  readonly sale_at: Instant | null;
  readonly decided_at: Instant | null;
  readonly last_changed_at: Instant;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toReferral(row: ReferralRow): Referral {
  return {
    id: row.id as ReferralId,
    mode: row.mode,
    programId: row.program_id as ProgramId,
    status: row.status,
    stage: row.stage,
    visitorId: row.visitor_id,
    contactId: row.contact_id as ContactId | null,
    affiliateId: row.affiliate_id as AffiliateId | null,
    linkId: row.link_id as LinkId | null,
    firstAffiliateId: row.first_affiliate_id as AffiliateId | null,
    lastAffiliateId: row.last_affiliate_id as AffiliateId | null,
    referrerChoice: row.referrer_choice,
    mergedIntoId: row.merged_into_id as ReferralId | null,
    manual: row.manual,
    tags: row.tags,
    notes: row.notes,
    assigneeId: row.assignee_id as UserId | null,
    windowEndsAt: row.window_ends_at,
    pendingSince: row.pending_since,
    decideBy: row.decide_by,
    remindedAt: row.reminded_at,
    clickAt: row.click_at,
    visitAt: row.visit_at,
    leadAt: row.lead_at,
    saleAt: row.sale_at,
    decidedAt: row.decided_at,
    lastChangedAt: row.last_changed_at,
    metadata: row.metadata,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** What a writer may set. Status moves only by an event of the table; `version` by every write. */
export type ReferralChange = Partial<
  Omit<Referral, 'id' | 'mode' | 'programId' | 'status' | 'version' | 'createdAt' | 'updatedAt' | 'lastChangedAt'>
>;

export interface NewReferral extends ReferralChange {
  readonly id: ReferralId;
  readonly programId: ProgramId;
  readonly status: 'tracking' | 'pending';
  readonly stage: ReferralStage;
}

/**
 * Mints the referral and its first audit entry: `clicked` into tracking, `leadReported` or `saleReported` into pending (features.md 2.2).
 * The caller holds the lock of (workspace, program, visitor) or has locked the contact. Its mode is the act's.
 */
export async function insertReferral(
  tx: Tx,
  act: Act,
  referral: NewReferral,
  event: 'clicked' | 'leadReported' | 'saleReported',
): Promise<Referral> {
  const { id, programId, status, ...rest } = referral;
  const [row] = await tx('referrals')
    .insert({
      ...columnsOf(rest),
      id,
      program_id: programId,
      status,
      mode: act.mode,
      last_changed_at: act.now,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<ReferralRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'referral',
    objectId: id,
    seq: 1,
    event,
    to: status,
    changes: auditable({ programId, ...rest }),
  });
  return toReferral(row);
}

/** Locks the referral's row until the end of the transaction (money.md 9: customer, then referral, then what belongs to it). */
export async function lockReferral(tx: Tx, id: string): Promise<Referral | undefined> {
  const row = await tx('referrals').where({ id }).forNoKeyUpdate().first<ReferralRow | undefined>();
  return row === undefined ? undefined : toReferral(row);
}

export async function findReferral(tx: ReadTx | Tx, id: string): Promise<Referral | undefined> {
  const row = await tx('referrals').where({ id }).first<ReferralRow | undefined>();
  return row === undefined ? undefined : toReferral(row);
}

/** The visitor's newest referral in the program, whatever its status: a later click adds its touch there (features.md 2.2). */
export async function findVisitorReferral(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly programId: string; readonly visitorId: string },
): Promise<Referral | undefined> {
  const row = await tx('referrals')
    .where({ mode: of.mode, program_id: of.programId, visitor_id: of.visitorId })
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .first<ReferralRow | undefined>();
  return row === undefined ? undefined : toReferral(row);
}

/** The contact's one referral in the program among pending, approved and rejected; the database allows no second (REF-12). */
export async function findContactReferral(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly programId: string; readonly contactId: string },
): Promise<Referral | undefined> {
  const row = await tx('referrals')
    .where({ mode: of.mode, program_id: of.programId, contact_id: of.contactId })
    .whereIn('status', ['pending', 'approved', 'rejected'])
    .first<ReferralRow | undefined>();
  return row === undefined ? undefined : toReferral(row);
}

/**
 * Writes a change of a locked referral, its audit entry and the next version. An event of the state table moves the status, a note leaves
 * it. The caller has judged the move; one that the table does not have is our fault.
 */
export async function updateReferral(
  tx: Tx,
  act: Act,
  referral: Referral,
  event: ReferralEvent | ReferralNote,
  change: ReferralChange = {},
  reasonCode: string | null = null,
): Promise<Referral> {
  const to = isMove(event) ? nextStatus(referralTransitions, referral.status, event) : referral.status;
  assertInvariant(to !== undefined, 'a move is in the table', { from: referral.status, event });
  const [row] = await tx('referrals')
    .where({ id: referral.id, version: referral.version })
    .update({
      ...columnsOf(change),
      status: to,
      version: referral.version + 1,
      last_changed_at: act.now,
      updated_at: act.now,
    })
    .returning<ReferralRow[]>('*');
  assertInvariant(row !== undefined, 'a locked referral is written at the version it was read', {
    referralId: referral.id,
    version: referral.version,
  });
  await recordAudit(tx, act, {
    objectType: 'referral',
    objectId: referral.id,
    seq: referral.version + 1,
    event,
    from: referral.status,
    to,
    ...(reasonCode === null ? {} : { reasonCode }),
    changes: auditable(change),
  });
  return toReferral(row);
}

const moves: ReadonlySet<string> = new Set(Object.values(referralTransitions).flatMap((row) => Object.keys(row)));

function isMove(event: ReferralEvent | ReferralNote): event is ReferralEvent {
  return moves.has(event);
}

/** Adds a touch; the same source twice is one touch. False: it was there. */
export async function insertTouch(tx: Tx, referralId: string, touch: Touch): Promise<boolean> {
  const inserted = await tx('touches')
    .insert({
      referral_id: referralId,
      kind: touch.kind,
      source_id: touch.sourceId,
      affiliate_id: touch.affiliateId,
      link_id: touch.linkId,
      sub1: touch.sub1,
      occurred_at: touch.occurredAt,
      ends_at: touch.endsAt,
    })
    .onConflict(['workspace_id', 'referral_id', 'source_id'])
    .ignore()
    .returning('source_id');
  return inserted.length === 1;
}

interface TouchRow {
  readonly kind: Touch['kind'];
  readonly source_id: string;
  readonly affiliate_id: string;
  readonly link_id: string | null;
  readonly sub1: string | null;
  readonly occurred_at: Instant;
  readonly ends_at: Instant;
}

/** The referral's touches, oldest first. */
export async function listTouches(tx: ReadTx | Tx, referralId: string): Promise<readonly Touch[]> {
  const rows = await tx('touches')
    .where({ referral_id: referralId })
    .orderBy('occurred_at')
    .orderBy('source_id')
    .select<TouchRow[]>('kind', 'source_id', 'affiliate_id', 'link_id', 'sub1', 'occurred_at', 'ends_at');
  return rows.map((row) => ({
    kind: row.kind,
    sourceId: row.source_id,
    affiliateId: row.affiliate_id as AffiliateId,
    linkId: row.link_id as LinkId | null,
    sub1: row.sub1,
    occurredAt: row.occurred_at,
    endsAt: row.ends_at,
  }));
}

/** When the newest touch ends, exclusive; undefined: it has none. */
export async function findWindowEnd(tx: ReadTx | Tx, referralId: string): Promise<Instant | undefined> {
  const row = await tx('touches')
    .where({ referral_id: referralId })
    .max({ end: 'ends_at' })
    .first<{ end: Instant | null } | undefined>();
  return row?.end ?? undefined;
}

const columnNames = {
  stage: 'stage',
  visitorId: 'visitor_id',
  contactId: 'contact_id',
  affiliateId: 'affiliate_id',
  linkId: 'link_id',
  firstAffiliateId: 'first_affiliate_id',
  lastAffiliateId: 'last_affiliate_id',
  referrerChoice: 'referrer_choice',
  mergedIntoId: 'merged_into_id',
  manual: 'manual',
  tags: 'tags',
  notes: 'notes',
  assigneeId: 'assignee_id',
  windowEndsAt: 'window_ends_at',
  pendingSince: 'pending_since',
  decideBy: 'decide_by',
  remindedAt: 'reminded_at',
  clickAt: 'click_at',
  visitAt: 'visit_at',
  leadAt: 'lead_at',
  saleAt: 'sale_at',
  decidedAt: 'decided_at',
  metadata: 'metadata',
} as const satisfies Record<keyof ReferralChange, string>;

function columnsOf(change: ReferralChange): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(columnNames).flatMap(([name, column]) => {
      const value = change[name as keyof ReferralChange];
      return value === undefined ? [] : [[column, name === 'metadata' ? JSON.stringify(value) : value]];
    }),
  );
}

/** Notes and metadata are free text and may name a person: the entry says that they changed, not to what (architecture.md 8). */
function auditable(change: ReferralChange & { readonly programId?: string }): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(change).map(([name, value]) => [name, name === 'notes' || name === 'metadata' ? 'changed' : value]),
  );
}
