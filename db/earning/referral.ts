import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import {
  type Referral,
  type ReferralEvent,
  type ReferralNote,
  type ReferralStage,
  referralTransitions,
} from '../../domain/earning/referral.js';
import type { AffiliateId, LeadId, LinkId, ProgramId, ReferralId, RefundId, SaleId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import type { Touch } from '../../domain/tracking/attribution.js';
import { recordAudit } from '../audit/audit.js';
import { know, later, once, run } from '../pipeline.js';
import { type ReferralRow, toReferral } from '../reads/earning/referralRow.js';
import type { ReadTx, Tx } from '../transaction.js';
import { given, updateOf } from '../statements.js';

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
export function lockReferral(tx: Tx, id: string): Promise<Referral | undefined> {
  return once(tx, ['referrals'], `referrals/${id}`, async () => {
    const [row] = await run<ReferralRow>(tx, 'select * from referrals where id = $1 for no key update', [id]);
    return row === undefined ? undefined : toReferral(row);
  });
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
export function findContactReferral(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly programId: string; readonly contactId: string },
): Promise<Referral | undefined> {
  return once(tx, ['referrals'], `referrals of ${of.mode}/${of.programId}/${of.contactId}`, async () => {
    const [row] = await run<ReferralRow>(
      tx,
      `select * from referrals where mode = $1 and program_id = $2 and contact_id = $3 and status in ('pending', 'approved', 'rejected')
       limit 1`,
      [of.mode, of.programId, of.contactId],
    );
    return row === undefined ? undefined : toReferral(row);
  });
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
  const columns = columnsOf(change);
  later(
    tx,
    updateOf(
      'referrals',
      [...Object.keys(columns), 'status', 'version', 'last_changed_at', 'updated_at'],
      ['id', 'version'],
    ),
    [...Object.values(columns), to, referral.version + 1, act.now, act.now, referral.id, referral.version],
    1,
  );
  const changed: Referral = {
    ...referral,
    ...given(change),
    status: to,
    version: referral.version + 1,
    lastChangedAt: act.now,
    updatedAt: act.now,
  };
  know(tx, ['referrals'], `referrals/${referral.id}`, changed);
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
  return changed;
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
export function listTouches(tx: ReadTx | Tx, referralId: string): Promise<readonly Touch[]> {
  return once(tx, ['touches'], `touches/${referralId}`, async () => {
    const rows = await run<TouchRow>(
      tx,
      `select kind, source_id, affiliate_id, link_id, sub1, occurred_at, ends_at from touches where referral_id = $1
       order by occurred_at, source_id`,
      [referralId],
    );
    return rows.map((row) => ({
      kind: row.kind,
      sourceId: row.source_id,
      affiliateId: row.affiliate_id as AffiliateId,
      linkId: row.link_id as LinkId | null,
      sub1: row.sub1,
      occurredAt: row.occurred_at,
      endsAt: row.ends_at,
    }));
  });
}

/** When the newest touch ends, exclusive; undefined: it has none. */
export function findWindowEnd(tx: ReadTx | Tx, referralId: string): Promise<Instant | undefined> {
  return once(tx, ['touches'], `touches/${referralId}/end`, async () => {
    const [row] = await run<{ end: Instant | null }>(
      tx,
      'select max(ends_at) as "end" from touches where referral_id = $1',
      [referralId],
    );
    return row?.end ?? undefined;
  });
}

/** Facts that reached a merged referral and nobody applied go to its root. Answers which, so that the root's workflow is told. */
export async function readdressFacts(
  tx: Tx,
  act: Act,
  fromId: string,
  rootId: string,
): Promise<{
  readonly leads: readonly LeadId[];
  readonly sales: readonly SaleId[];
  readonly refunds: readonly RefundId[];
  readonly disputes: readonly string[];
}> {
  const move = async <T extends string>(objectType: string): Promise<readonly T[]> => {
    const rows = await tx(`${objectType}s`)
      .where({ referral_id: fromId })
      .whereNull('processed_at')
      .update({ referral_id: rootId, version: tx.raw('version + 1') })
      .returning<{ id: T; version: number }[]>(['id', 'version']);
    await recordAudit(
      tx,
      act,
      ...rows.map((row) => ({
        objectType,
        objectId: row.id,
        seq: row.version,
        event: 'readdressed',
        changes: { referralId: rootId },
      })),
    );
    return rows.map((row) => row.id);
  };
  return {
    leads: await move<LeadId>('lead'),
    sales: await move<SaleId>('sale'),
    refunds: await move<RefundId>('refund'),
    disputes: await move<string>('dispute'),
  };
}

/**
 * Sales that waited because nobody knew their customer, who is this referral's contact by now: no signal reports that (temporal.md 4.5).
 * They join the referral and are facts of its next step.
 */
export async function adoptParkedSales(tx: Tx, act: Act, referral: Referral): Promise<void> {
  const { rows } = await tx.raw<{ rows: { id: string; version: number }[] }>(
    `update sales set parked_code = null, referral_id = :referralId, contact_id = :contactId, version = sales.version + 1,
       updated_at = :now
     from external_customers as customer
     where sales.parked_code = 'unknown_customer' and sales.processed_at is null and sales.mode = :mode
       and (customer.workspace_id, customer.mode, customer.external_id) = (sales.workspace_id, sales.mode, sales.customer_external_id)
       and customer.contact_id = :contactId and (sales.program_hint_id is null or sales.program_hint_id = :programId)
     returning sales.id, sales.version`,
    {
      referralId: referral.id,
      contactId: referral.contactId,
      programId: referral.programId,
      mode: referral.mode,
      now: act.now,
    },
  );
  await recordAudit(
    tx,
    act,
    ...rows.map((row) => ({
      objectType: 'sale',
      objectId: row.id,
      seq: row.version,
      event: 'customerKnown',
      changes: { referralId: referral.id },
    })),
  );
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
