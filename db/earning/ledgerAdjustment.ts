import type { Act, Mode } from '../../domain/act.js';
import type { AccountKind, AccountRef } from '../../domain/earning/ledger.js';
import type { LedgerAdjustmentKind, LedgerAdjustmentStatus } from '../../domain/earning/ledgerAdjustment.js';
import { DomainError, InvariantError } from '../../domain/errors.js';
import type { Id } from '../../domain/ids.js';
import type { CurrencyCode, Money } from '../../domain/money.js';
import type { SecondPerson } from '../../domain/payout/payoutRun.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keyset, type Page } from '../reads/keyset.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface LedgerAdjustment {
  readonly id: Id<'transfer'>;
  readonly mode: Mode;
  readonly kind: LedgerAdjustmentKind;
  readonly account: AccountRef;
  readonly accountId: string;
  readonly counterAccountId: string | null;
  readonly counterAccount: AccountRef | null;
  readonly amount: Money;
  readonly reason: string;
  readonly documentId: string | null;
  readonly createdBy: string | null;
  readonly approvedBy: string | null;
  readonly approvedAt: Instant | null;
  readonly secondPerson: SecondPerson | null;
  readonly rejectedBy: string | null;
  readonly rejectedAt: Instant | null;
  readonly rejectionReason: string | null;
  readonly createdAt: Instant;
}

/** Where an entry stands: its instants say it. */
export function statusOfAdjustment(of: Pick<LedgerAdjustment, 'approvedAt' | 'rejectedAt'>): LedgerAdjustmentStatus {
  if (of.rejectedAt !== null) return 'rejected';
  return of.approvedAt === null ? 'pending' : 'approved';
}

interface Row {
  readonly id: Id<'transfer'>;
  readonly mode: Mode;
  readonly kind: LedgerAdjustmentKind;
  readonly account_id: string;
  readonly counter_account_id: string | null;
  readonly account_kind: AccountKind;
  readonly owner_id: string;
  readonly counter_kind: AccountKind | null;
  readonly counter_owner_id: string | null;
  readonly currency: CurrencyCode;
  readonly amount_minor: bigint;
  readonly reason: string;
  readonly document_id: string | null;
  readonly created_by: string | null;
  readonly approved_by: string | null;
  readonly approved_at: Instant | null;
  readonly second_person: SecondPerson | null;
  readonly rejected_by: string | null;
  readonly rejected_at: Instant | null;
  readonly rejection_reason: string | null;
  readonly created_at: Instant;
}

const columns = `adjustment.*, account.kind as account_kind, account.owner_id, account.currency,
  counter.kind as counter_kind, counter.owner_id as counter_owner_id`;

function toAdjustment(row: Row): LedgerAdjustment {
  return {
    id: row.id,
    mode: row.mode,
    kind: row.kind,
    account: { kind: row.account_kind, ownerId: row.owner_id },
    accountId: row.account_id,
    counterAccountId: row.counter_account_id,
    counterAccount: row.counter_kind === null ? null : { kind: row.counter_kind, ownerId: row.counter_owner_id ?? '' },
    amount: { minor: row.amount_minor, currency: row.currency },
    reason: row.reason,
    documentId: row.document_id,
    createdBy: row.created_by,
    approvedBy: row.approved_by,
    approvedAt: row.approved_at,
    secondPerson: row.second_person,
    rejectedBy: row.rejected_by,
    rejectedAt: row.rejected_at,
    rejectionReason: row.rejection_reason,
    createdAt: row.created_at,
  };
}

/** An account of this mode by its id, with its currency. */
export async function findLedgerAccount(
  tx: ReadTx | Tx,
  mode: Mode,
  id: string,
): Promise<{ readonly account: AccountRef; readonly currency: CurrencyCode } | undefined> {
  const row = await tx('ledger_accounts')
    .where({ mode, id })
    .first<{ kind: AccountKind; owner_id: string; currency: CurrencyCode } | undefined>('kind', 'owner_id', 'currency');
  return row === undefined ? undefined : { account: { kind: row.kind, ownerId: row.owner_id }, currency: row.currency };
}

/** Keeps what somebody asks for; nothing is posted before it is approved. */
export async function insertLedgerAdjustment(
  tx: Tx,
  act: Act,
  wanted: Pick<LedgerAdjustment, 'kind' | 'accountId' | 'counterAccountId' | 'amount' | 'reason' | 'documentId'>,
): Promise<LedgerAdjustment> {
  const id = act.newId('transfer');
  await tx('ledger_adjustments').insert({
    id,
    mode: act.mode,
    kind: wanted.kind,
    account_id: wanted.accountId,
    counter_account_id: wanted.counterAccountId,
    amount_minor: wanted.amount.minor,
    reason: wanted.reason,
    document_id: wanted.documentId,
    created_by: act.actor.userId,
    created_at: act.now,
  });
  await recordAudit(tx, act, {
    objectType: 'ledger_adjustment',
    objectId: id,
    seq: 1,
    event: 'created',
    to: 'pending',
    changes: { kind: wanted.kind, accountId: wanted.accountId, amountMinor: wanted.amount.minor.toString() },
  });
  const made = await lockLedgerAdjustment(tx, act.mode, id);
  if (made === undefined) throw new InvariantError('what was inserted is there', { id });
  return made;
}

/** The entry, locked until the end of the transaction: two who approve at once post once. */
export async function lockLedgerAdjustment(tx: Tx, mode: Mode, id: string): Promise<LedgerAdjustment | undefined> {
  const { rows } = await tx.raw<{ rows: Row[] }>(
    `select ${columns}
     from ledger_adjustments as adjustment
     join ledger_accounts as account on account.workspace_id = adjustment.workspace_id and account.id = adjustment.account_id
     left join ledger_accounts as counter
       on counter.workspace_id = adjustment.workspace_id and counter.id = adjustment.counter_account_id
     where adjustment.id = :id and adjustment.mode = :mode
     for no key update of adjustment`,
    { id, mode },
  );
  const [row] = rows;
  return row === undefined ? undefined : toAdjustment(row);
}

function base(tx: ReadTx, mode: Mode) {
  return tx('ledger_adjustments as adjustment')
    .join('ledger_accounts as account', (on) =>
      on.on('account.workspace_id', 'adjustment.workspace_id').andOn('account.id', 'adjustment.account_id'),
    )
    .leftJoin('ledger_accounts as counter', (on) =>
      on.on('counter.workspace_id', 'adjustment.workspace_id').andOn('counter.id', 'adjustment.counter_account_id'),
    )
    .where('adjustment.mode', mode)
    .select<Row[]>(tx.raw(columns));
}

// Which entries by hand were asked for, and which wait for a second person?
export async function listLedgerAdjustments(
  tx: ReadTx,
  of: {
    readonly mode: Mode;
    readonly statuses?: readonly LedgerAdjustmentStatus[] | undefined;
    readonly kinds?: readonly LedgerAdjustmentKind[] | undefined;
    /** Literal, in the reason, and the affiliates and the person whom it names. */
    readonly q?: string | undefined;
  },
  page: Page,
): Promise<readonly LedgerAdjustment[]> {
  const query = base(tx, of.mode);
  if (of.kinds !== undefined) query.whereIn('adjustment.kind', [...of.kinds]);
  const { statuses, q } = of;
  if (q !== undefined)
    query.whereRaw(
      `(adjustment.id = :q or adjustment.document_id = :q or strpos(lower(adjustment.reason), lower(:q)) > 0
        or exists (select from affiliates as named where named.id in (account.owner_id, counter.owner_id)
                   and (strpos(lower(named.name), lower(:q)) > 0 or strpos(lower(named.email), lower(:q)) > 0))
        or exists (select from users as person where person.id = adjustment.created_by and strpos(lower(person.name), lower(:q)) > 0))`,
      { q },
    );
  if (statuses !== undefined)
    query.where((any) => {
      if (statuses.includes('approved')) any.orWhereNotNull('adjustment.approved_at');
      if (statuses.includes('rejected')) any.orWhereNotNull('adjustment.rejected_at');
      if (statuses.includes('pending'))
        any.orWhereRaw('adjustment.approved_at is null and adjustment.rejected_at is null');
    });
  const rows: readonly Row[] = await keyset(query, page, { createdAt: 'adjustment.created_at' }, 'adjustment.id');
  return rows.map(toAdjustment);
}

/** One entry by hand of this mode. */
export async function findLedgerAdjustment(tx: ReadTx, mode: Mode, id: string): Promise<LedgerAdjustment | undefined> {
  const [row] = await base(tx, mode).where('adjustment.id', id);
  return row === undefined ? undefined : toAdjustment(row);
}

export async function approveLedgerAdjustment(
  tx: Tx,
  act: Act,
  adjustment: LedgerAdjustment,
  secondPerson: SecondPerson,
): Promise<LedgerAdjustment> {
  await tx('ledger_adjustments').where({ id: adjustment.id }).update({
    approved_by: act.actor.userId,
    approved_at: act.now,
    second_person: secondPerson,
  });
  await recordAudit(tx, act, {
    objectType: 'ledger_adjustment',
    objectId: adjustment.id,
    seq: 2,
    event: 'approved',
    from: 'pending',
    to: 'approved',
    ...(secondPerson === 'single_person' ? { changes: { secondPerson } } : {}),
  });
  return { ...adjustment, approvedBy: act.actor.userId, approvedAt: act.now, secondPerson };
}

/** Ends an entry that nobody wants: nothing was posted and nothing will be. `act` names the decision. */
export async function rejectLedgerAdjustment(
  tx: Tx,
  act: Act,
  adjustment: LedgerAdjustment,
  reason: string,
): Promise<LedgerAdjustment> {
  await tx('ledger_adjustments').where({ id: adjustment.id }).update({
    rejected_by: act.actor.userId,
    rejected_at: act.now,
    rejection_reason: reason,
  });
  await recordAudit(tx, act, {
    objectType: 'ledger_adjustment',
    objectId: adjustment.id,
    seq: 2,
    event: 'rejected',
    from: 'pending',
    to: 'rejected',
    changes: { reason },
  });
  return { ...adjustment, rejectedBy: act.actor.userId, rejectedAt: act.now, rejectionReason: reason };
}

/**
 * Which program carries the line of a debt given up? That of the newest line that took something from this affiliate. Code:
 * `resource.not_found` when there is none.
 */
export async function findDebtProgram(
  tx: Tx,
  of: { readonly mode: Mode; readonly affiliateId: string; readonly currency: CurrencyCode },
): Promise<string> {
  const row = await tx('commissions')
    .where({ mode: of.mode, affiliate_id: of.affiliateId, currency: of.currency })
    .orderByRaw('(amount_minor < 0) desc, created_at desc, id desc')
    .first<{ program_id: string } | undefined>('program_id');
  if (row === undefined) throw new DomainError('resource.not_found');
  return row.program_id;
}
