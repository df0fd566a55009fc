import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, CommissionId, PayoutId, PayoutMethodId, ReferralId } from '../../domain/ids.js';
import { type CurrencyCode, formatMoney } from '../../domain/money.js';
import { type Payout, type PayoutEvent, type PayoutStatus, payoutTransitions } from '../../domain/payout/payout.js';
import {
  type PayoutMethodStatus,
  payoutMethodTransitions,
  type PayoutMethodType,
} from '../../domain/payout/payoutMethod.js';
import type { PlannedRow, SecondPerson } from '../../domain/payout/payoutRun.js';
import type { Instant, LocalDate } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import { currentWorkspace } from '../migrationKit.js';
import { freeDraft, type PayableLines } from '../reads/payout/payoutPlan.js';
import { insertSet } from '../setInsert.js';
import type { ReadTx, Tx } from '../transaction.js';

interface PayoutRow {
  readonly id: PayoutId;
  readonly mode: Mode;
  readonly run_id: string | null;
  readonly affiliate_id: AffiliateId;
  readonly currency: CurrencyCode;
  readonly amount_minor: bigint;
  readonly status: PayoutStatus;
  readonly on_hold: boolean;
  readonly method_id: PayoutMethodId | null;
  readonly method_type: PayoutMethodType;
  readonly method_version: number | null;
  readonly method_fingerprint: string | null;
  readonly execution: 'gateway' | 'manual';
  readonly gateway: string;
  readonly plan_version: number;
  readonly created_by_user: string | null;
  readonly editors: string[];
  readonly approved_by: string | null;
  readonly approved_at: Instant | null;
  readonly reference: string | null;
  readonly paid_at: Instant | null;
  readonly version: number;
}

function toPayout(row: PayoutRow): Payout {
  return {
    id: row.id,
    mode: row.mode,
    runId: row.run_id,
    affiliateId: row.affiliate_id,
    currency: row.currency,
    amountMinor: row.amount_minor,
    status: row.status,
    onHold: row.on_hold,
    methodId: row.method_id,
    methodType: row.method_type,
    methodVersion: row.method_version,
    methodFingerprint: row.method_fingerprint,
    execution: row.execution,
    gateway: row.gateway,
    planVersion: row.plan_version,
    createdByUser: row.created_by_user,
    editors: row.editors,
    approvedBy: row.approved_by,
    approvedAt: row.approved_at,
    reference: row.reference,
    paidAt: row.paid_at,
    version: row.version,
  };
}

export type PlannedPayout = PlannedRow & { readonly payoutId: PayoutId };
/** With the day it is due on (PAY-20). */
export type NewDraft = PlannedPayout & { readonly dueOn: LocalDate };

/** Whose work a draft is: four eyes compares with this person, also when a run's activity wrote the row. */
export interface Creator {
  readonly type: string;
  readonly id: string | null;
  readonly userId: string | null;
}

/** Drafts of a plan, with their history: one statement each, however many. The caller reserves their money in the same transaction. */
export async function insertDrafts(
  tx: Tx,
  act: Act,
  of: { readonly runId: string | null; readonly planVersion: number; readonly creator: Creator },
  planned: readonly NewDraft[],
): Promise<void> {
  await insertSet(
    tx,
    'payouts',
    draftColumns,
    planned.map((row) => {
      assertInvariant(row.method !== null && row.route !== null, 'who is paid has a method', {
        payoutId: row.payoutId,
      });
      return {
        id: row.payoutId,
        mode: act.mode,
        run_id: of.runId,
        affiliate_id: row.affiliateId,
        currency: row.currency,
        amount_minor: row.netMinor.toString(),
        status: 'draft',
        method_id: row.method.id,
        method_type: row.method.type,
        method_version: row.method.version,
        method_fingerprint: row.method.fingerprint,
        method_masked: row.method.masked,
        execution: row.route.execution,
        gateway: row.route.gateway,
        plan_version: of.planVersion,
        created_by_type: of.creator.type,
        created_by: of.creator.id,
        created_by_user: of.creator.userId,
        due_on: row.dueOn,
        created_at: act.now,
        updated_at: act.now,
      };
    }),
  );
  for (let from = 0; from < planned.length; from += chunkSize)
    await recordAudit(
      tx,
      act,
      ...planned
        .slice(from, from + chunkSize)
        .map((row) => ({ objectType: 'payout', objectId: row.payoutId, seq: 1, event: 'planned', to: 'draft' })),
    );
}

const draftColumns = {
  id: 'text',
  mode: 'text',
  run_id: 'text',
  affiliate_id: 'text',
  currency: 'text',
  amount_minor: 'bigint',
  status: 'text',
  method_id: 'text',
  method_type: 'text',
  method_version: 'integer',
  method_fingerprint: 'text',
  method_masked: 'text',
  execution: 'text',
  gateway: 'text',
  plan_version: 'integer',
  created_by_type: 'text',
  created_by: 'text',
  created_by_user: 'text',
  due_on: 'date',
  created_at: 'timestamptz',
  updated_at: 'timestamptz',
} as const;

/** A statement takes 65,535 values; an audit entry has some twenty. */
const chunkSize = 1_000;

/**
 * Writes the lines of planned payouts, exactly those that the locking statement added up: nobody can have changed them since. The ids and
 * amounts come back as they were given out, because judging a page twice cost as much as writing it. Answers their number.
 */
export async function insertPlannedLines(
  tx: Tx,
  payouts: readonly { readonly payoutId: string; readonly lines: PayableLines }[],
): Promise<number> {
  if (payouts.length === 0) return 0;
  const { rowCount } = await tx.raw<{ rowCount: number }>(
    // workspace and time are asked once, not for each line as their defaults would be
    `insert into payout_lines (workspace_id, payout_id, commission_id, amount_minor, created_at)
     select (select ${currentWorkspace}), payout_id, unnest(string_to_array(ids, ',')), unnest(string_to_array(minors, ',')::bigint[]),
            (select date_trunc('milliseconds', now()))
     from unnest(:payoutIds::text[], :ids::text[], :minors::text[]) as planned (payout_id, ids, minors)`,
    // Not sorted: payout by payout its index grows at one end, and by commission the sort costs more than it saves.
    {
      payoutIds: payouts.map((payout) => payout.payoutId),
      ids: payouts.map((payout) => payout.lines.ids),
      minors: payouts.map((payout) => payout.lines.minors),
    },
  );
  return rowCount;
}

export async function findPayout(tx: ReadTx | Tx, id: string): Promise<Payout | undefined> {
  const row = await tx('payouts').where({ id }).first<PayoutRow | undefined>();
  return row === undefined ? undefined : toPayout(row);
}

export async function lockPayout(tx: Tx, id: string): Promise<Payout | undefined> {
  const row = await tx('payouts').where({ id }).forNoKeyUpdate().first<PayoutRow | undefined>();
  return row === undefined ? undefined : toPayout(row);
}

/** Some payouts, locked by id. */
export async function lockPayouts(tx: Tx, ids: readonly string[]): Promise<readonly Payout[]> {
  const rows = await tx('payouts')
    .whereIn('id', [...ids])
    .orderBy('id')
    .forNoKeyUpdate()
    .select<PayoutRow[]>('*');
  return rows.map(toPayout);
}

/** The drafts of a run, locked by id: of some affiliates, that a plan does not list, or the next of a page. */
export async function lockDrafts(
  tx: Tx,
  of: {
    readonly runId: string;
    readonly affiliateIds?: readonly string[];
    readonly notPlannedIn?: number;
    readonly limit?: number;
  },
): Promise<readonly Payout[]> {
  const query = tx('payouts').where({ run_id: of.runId, status: 'draft' }).orderBy('id').forNoKeyUpdate();
  if (of.affiliateIds !== undefined) query.whereIn('affiliate_id', [...of.affiliateIds]);
  if (of.notPlannedIn !== undefined)
    query.whereRaw(
      `not exists (
         select from payout_run_rows as row
         where row.run_id = payouts.run_id and row.plan_version = ? and row.affiliate_id = payouts.affiliate_id
           and row.currency = payouts.currency and row.payout_id = payouts.id)`,
      [of.notPlannedIn],
    );
  if (of.limit !== undefined) query.limit(of.limit);
  const rows = await query.select<PayoutRow[]>('*');
  return rows.map(toPayout);
}

/** Drafts of some affiliates that left their run and that nobody holds: the next run takes them in (features.md 2.4). Oldest first, locked. */
export async function lockFreeDrafts(tx: Tx, mode: Mode, affiliateIds: readonly string[]): Promise<readonly Payout[]> {
  const rows = await tx('payouts')
    .where({ mode })
    .whereIn('affiliate_id', [...affiliateIds])
    .whereRaw(freeDraft('payouts'))
    .orderBy('id')
    .forNoKeyUpdate()
    .select<PayoutRow[]>('*');
  return rows.map(toPayout);
}

/** The next payouts of a run in the order of their ids, locked: drafts still to be sent and those already on their way. */
export async function lockRunPage(tx: Tx, runId: string, after: string, limit: number): Promise<readonly Payout[]> {
  const rows = await tx('payouts')
    .where({ run_id: runId })
    .whereIn('status', ['draft', 'pending'])
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .forNoKeyUpdate()
    .select<PayoutRow[]>('*');
  return rows.map(toPayout);
}

export interface PayoutPatch {
  readonly runId?: string | null;
  readonly amountMinor?: bigint;
  readonly onHold?: boolean;
  readonly planVersion?: number;
  readonly editors?: readonly string[];
  readonly approvedBy?: string | null;
  readonly approvedAt?: Instant | null;
  readonly secondPerson?: SecondPerson | null;
  readonly reference?: string | null;
  readonly paidOn?: string | null;
  readonly paidAt?: Instant | null;
  readonly note?: string | null;
  readonly returned?: Readonly<Record<string, unknown>>;
  readonly backToDraftReasons?: readonly Readonly<Record<string, unknown>>[];
  readonly method?: {
    readonly id: string;
    readonly type: string;
    readonly version: number;
    readonly fingerprint: string;
    readonly masked: string;
    readonly execution: string;
    readonly gateway: string;
  };
}

function columnsOf(patch: PayoutPatch): Record<string, unknown> {
  const columns: Record<string, unknown> = {
    run_id: patch.runId,
    amount_minor: patch.amountMinor,
    on_hold: patch.onHold,
    plan_version: patch.planVersion,
    editors: patch.editors && [...patch.editors],
    approved_by: patch.approvedBy,
    approved_at: patch.approvedAt,
    second_person: patch.secondPerson,
    reference: patch.reference,
    paid_on: patch.paidOn,
    paid_at: patch.paidAt,
    note: patch.note,
    returned: patch.returned && JSON.stringify(patch.returned),
    back_to_draft_reasons: patch.backToDraftReasons && JSON.stringify(patch.backToDraftReasons),
    method_id: patch.method?.id,
    method_type: patch.method?.type,
    method_version: patch.method?.version,
    method_fingerprint: patch.method?.fingerprint,
    method_masked: patch.method?.masked,
    execution: patch.method?.execution,
    gateway: patch.method?.gateway,
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
}

/** Acts that keep the status: a flag, a new sum, money that came back. */
export type PayoutNote = 'held' | 'released' | 'replanned' | 'returned' | 'feeCharged' | 'paidLate';

/** A move of the table or a note, with its history; the version is compared, so it needs the row's lock. */
export async function movePayout(
  tx: Tx,
  act: Act,
  payout: Payout,
  event: PayoutEvent | PayoutNote,
  patch: PayoutPatch = {},
  changes: Readonly<Record<string, unknown>> = {},
): Promise<Payout> {
  const [moved] = await movePayouts(tx, act, [payout], event, patch, changes);
  assertInvariant(moved !== undefined, 'a payout is moved under its lock', { payoutId: payout.id });
  return moved;
}

const notes: ReadonlySet<string> = new Set<PayoutNote>([
  'held',
  'released',
  'replanned',
  'returned',
  'feeCharged',
  'paidLate',
]);

/** The same for many that stand alike: one statement. */
export async function movePayouts(
  tx: Tx,
  act: Act,
  payouts: readonly Payout[],
  event: PayoutEvent | PayoutNote,
  patch: PayoutPatch = {},
  changes: Readonly<Record<string, unknown>> = {},
): Promise<readonly Payout[]> {
  const [first] = payouts;
  if (first === undefined) return [];
  const to = notes.has(event) ? first.status : nextStatus(payoutTransitions, first.status, event as PayoutEvent);
  assertInvariant(
    to !== undefined && payouts.every((payout) => payout.status === first.status),
    'payouts move along their table',
    { payoutId: first.id, from: first.status, event },
  );
  const rows = await tx('payouts')
    .whereIn(
      ['id', 'version'],
      payouts.map((payout) => [payout.id, payout.version]),
    )
    .update({ ...columnsOf(patch), status: to, version: tx.raw('version + 1'), updated_at: act.now })
    .returning<PayoutRow[]>('*');
  assertInvariant(rows.length === payouts.length, 'payouts are moved under their locks', { event });
  await recordAudit(
    tx,
    act,
    ...rows.map((row) => ({
      objectType: 'payout',
      objectId: row.id,
      seq: row.version,
      event,
      from: first.status,
      to,
      changes,
    })),
  );
  return rows.map(toPayout);
}

export interface PayoutLine {
  readonly commissionId: CommissionId;
  readonly amountMinor: bigint;
}

/** The live lines of a payout, by commission. */
export async function listLines(tx: ReadTx | Tx, payoutId: string): Promise<readonly PayoutLine[]> {
  const rows = await tx('payout_lines')
    .where({ payout_id: payoutId })
    .whereNull('released_at')
    .orderBy('commission_id')
    .select<{ commission_id: CommissionId; amount_minor: bigint }[]>('commission_id', 'amount_minor');
  return rows.map((row) => ({ commissionId: row.commission_id, amountMinor: row.amount_minor }));
}

/** Is one of its lines on hold since it was planned? A hold blocks payment (features.md 2.3). */
export async function hasHeldLine(tx: ReadTx | Tx, payoutId: string): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: { held: boolean }[] }>(
    `select exists (select from payout_lines as line
       join commissions as commission on commission.workspace_id = line.workspace_id and commission.id = line.commission_id
       where line.payout_id = :payoutId and line.released_at is null and commission.on_hold) as held`,
    { payoutId },
  );
  return rows[0]?.held === true;
}

/** Lets lines go: all of some payouts, or named commissions of one. */
export async function releaseLines(
  tx: Tx,
  act: Act,
  payoutIds: readonly string[],
  commissionIds?: readonly string[],
): Promise<void> {
  if (payoutIds.length === 0) return;
  const query = tx('payout_lines')
    .whereIn('payout_id', [...payoutIds])
    .whereNull('released_at');
  if (commissionIds !== undefined) query.whereIn('commission_id', [...commissionIds]);
  await query.update({ released_at: act.now });
}

export async function insertLines(tx: Tx, payoutId: string, lines: readonly PayoutLine[]): Promise<void> {
  if (lines.length === 0) return;
  await tx('payout_lines').insert(
    // clock_timestamp: a line may leave and come back in one transaction, and its time is part of its key.
    lines.map((line) => ({
      payout_id: payoutId,
      commission_id: line.commissionId,
      amount_minor: line.amountMinor,
      created_at: tx.raw('clock_timestamp()'),
    })),
  );
}

/** The approved lines of some affiliates, locked before their drafts are touched (money.md 9). */
export async function lockApprovedLines(tx: Tx, mode: Mode, affiliateIds: readonly string[]): Promise<void> {
  await tx.raw(
    `select commission.id
     from commissions as commission
     where commission.affiliate_id = any(:affiliateIds::text[]) and commission.mode = :mode and commission.status = 'approved'
     order by commission.id
     for no key update of commission`,
    { affiliateIds: [...affiliateIds], mode },
  );
}

/** Locks the commissions of payouts by id, before the payouts (money.md 9). */
export async function lockLineCommissions(tx: Tx, payoutId: string): Promise<void> {
  await tx.raw(
    `select commission.id
     from commissions as commission
     where commission.id in (select line.commission_id from payout_lines as line where line.payout_id = :payoutId and line.released_at is null)
     order by commission.id
     for no key update of commission`,
    { payoutId },
  );
}

/** Commissions of a settled payout become `paid`, each with its history. Answers their referrals. */
export async function payCommissions(tx: Tx, act: Act, payoutId: string): Promise<readonly ReferralId[]> {
  const { rows } = await tx.raw<{
    rows: { id: string; version: number; from_status: string; referral_id: ReferralId | null }[];
  }>(
    `update commissions as commission
     set status = 'paid', paid_at = :now, version = commission.version + 1, updated_at = :now
     from payout_lines as line
     where line.payout_id = :payoutId and line.released_at is null and commission.id = line.commission_id
       and commission.status = 'approved'
     returning commission.id, commission.version, 'approved' as from_status, commission.referral_id`,
    { now: act.now, payoutId },
  );
  await recordAudit(
    tx,
    act,
    ...rows.map((row) => ({
      objectType: 'commission',
      objectId: row.id,
      seq: row.version,
      event: 'paid',
      from: row.from_status,
      to: 'paid',
    })),
  );
  return [...new Set(rows.flatMap((row) => row.referral_id ?? []))].sort();
}

function correctionSentence(line: {
  readonly kind: 'payout_return' | 'late_payment';
  readonly payout: Payout;
  readonly amountMinor: bigint;
}): string {
  const { id, currency } = line.payout;
  const { amount } = formatMoney({ minor: line.amountMinor < 0n ? -line.amountMinor : line.amountMinor, currency });
  return line.kind === 'payout_return'
    ? `${amount} ${currency} of payout ${id} came back after it was paid and is owed again.`
    : `${amount} ${currency} of payout ${id} turned out to be paid after a refusal was booked and is taken off what is owed.`;
}

/** The correction lines of payouts: money that came back, or that turned out to be paid (money.md 3.1). Born approved. */
export async function insertCorrectionLine(
  tx: Tx,
  act: Act,
  line: {
    readonly id: CommissionId;
    readonly kind: 'payout_return' | 'late_payment';
    readonly event: 'returnCredited' | 'latePaid';
    readonly payout: Payout;
    readonly attemptId: string;
    readonly amountMinor: bigint;
  },
): Promise<void> {
  const of = await tx('payout_lines')
    .join('commissions', 'commissions.id', 'payout_lines.commission_id')
    .where('payout_lines.payout_id', line.payout.id)
    .orderBy('payout_lines.commission_id')
    .first<{ program_id: string } | undefined>('commissions.program_id');
  assertInvariant(of !== undefined, 'a payout has lines', { payoutId: line.payout.id });
  await tx('commissions').insert({
    id: line.id,
    mode: act.mode,
    kind: line.kind,
    level: 1,
    affiliate_id: line.payout.affiliateId,
    program_id: of.program_id,
    cause_type: 'attempt',
    cause_id: line.attemptId,
    currency: line.payout.currency,
    exact_numerator: line.amountMinor.toString(),
    exact_denominator: '1',
    explanation: { sentence: correctionSentence(line) },
    amount_minor: line.amountMinor,
    status: 'approved',
    eligible_at: act.now,
    approved_at: act.now,
    created_at: act.now,
    updated_at: act.now,
  });
  await recordAudit(tx, act, {
    objectType: 'commission',
    objectId: line.id,
    seq: 1,
    event: line.event,
    to: 'approved',
  });
}

/** The method has to be confirmed anew after money came back (PAY-27). One replaced or removed meanwhile is left alone. */
export async function unverifyMethod(tx: Tx, act: Act, methodId: string): Promise<void> {
  const method = await tx('payout_methods')
    .where({ id: methodId })
    .forNoKeyUpdate()
    .first<{ status: PayoutMethodStatus; version: number } | undefined>('status', 'version');
  const to = method === undefined ? undefined : nextStatus(payoutMethodTransitions, method.status, 'bounced');
  if (method === undefined || to === undefined) return;
  const version = method.version + 1;
  await tx('payout_methods').where({ id: methodId }).update({
    status: to,
    verified_by: null,
    verified_at: null,
    active_at: null,
    version,
    updated_at: act.now,
  });
  await recordAudit(tx, act, {
    objectType: 'payout_method',
    objectId: methodId,
    seq: version,
    event: 'bounced',
    from: method.status,
    to,
  });
}

/** Draft and pending payouts of an affiliate and currency: a second draft by hand would find nothing (PAY-03). */
export async function findOpenPayoutOf(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly affiliateId: string; readonly currency: string },
): Promise<Payout | undefined> {
  const row = await tx('payouts')
    .where({ mode: of.mode, affiliate_id: of.affiliateId, currency: of.currency })
    .whereIn('status', ['draft', 'pending'])
    .orderBy('id')
    .first<PayoutRow | undefined>();
  return row === undefined ? undefined : toPayout(row);
}
