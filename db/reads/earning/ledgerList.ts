import type { Mode } from '../../../domain/act.js';
import { assertInvariant } from '../../../domain/errors.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { listNamedIds } from '../namedIds.js';

export interface AccountView {
  readonly id: string;
  readonly kind: string;
  readonly ownerId: string;
  readonly currency: CurrencyCode;
  readonly normalSide: 'debit' | 'credit';
  /** On its normal side, in minor units. */
  readonly balance: bigint;
}

interface AccountRow {
  readonly id: string;
  readonly kind: string;
  readonly owner_id: string;
  readonly currency: CurrencyCode;
  readonly normal_side: 'debit' | 'credit';
  readonly net_debit: bigint;
}

export interface PostingView {
  readonly id: string;
  readonly transferId: string;
  readonly kind: string;
  readonly line: number;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amount: bigint;
  readonly currency: CurrencyCode;
  readonly causeType: string;
  readonly causeId: string;
  readonly correctsTransferId: string | null;
  readonly effectiveAt: Instant;
  readonly recordedAt: Instant;
  readonly mode: Mode;
}

interface PostingRow {
  readonly id: string;
  readonly transfer_id: string;
  readonly kind: string;
  readonly line: number;
  readonly debit_account_id: string;
  readonly credit_account_id: string;
  readonly amount_minor: bigint;
  readonly currency: CurrencyCode;
  readonly cause_type: string;
  readonly cause_id: string;
  readonly corrects_transfer_id: string | null;
  readonly effective_at: Instant;
  readonly recorded_at: Instant;
  readonly mode: Mode;
}

// Balances are summed from the postings: floored accounts have a row that says the same (I4), free ones have none on purpose.
const netDebit = `coalesce((
  select sum(case when posting.debit_account_id = account.id then posting.amount_minor else -posting.amount_minor end)
  from ledger_postings as posting
  join ledger_transfers as transfer on transfer.workspace_id = posting.workspace_id and transfer.id = posting.transfer_id
  where posting.workspace_id = account.workspace_id and account.id in (posting.debit_account_id, posting.credit_account_id)
    and (:asOf::timestamptz is null or transfer.recorded_at <= :asOf::timestamptz)), 0)::bigint`;

function toAccount(row: AccountRow): AccountView {
  return {
    id: row.id,
    kind: row.kind,
    ownerId: row.owner_id,
    currency: row.currency,
    normalSide: row.normal_side,
    balance: row.normal_side === 'debit' ? row.net_debit : -row.net_debit,
  };
}

export interface AccountFilter {
  readonly kind?: readonly string[] | undefined;
  readonly ownerId?: readonly string[] | undefined;
  readonly currency?: readonly string[] | undefined;
  readonly q?: string | undefined;
}

/** Which accounts are there, and what is on them? Staff only: the caller holds ledger.read over the whole workspace. */
export async function listAccounts(
  tx: ReadTx,
  of: { readonly mode: Mode; readonly filter: AccountFilter; readonly asOf: Instant | null },
  page: Page,
): Promise<readonly AccountView[]> {
  const query = tx('ledger_accounts as account')
    .where('account.mode', of.mode)
    .select('account.*', tx.raw(`${netDebit} as net_debit`, { asOf: of.asOf }));
  if (of.filter.kind !== undefined) query.whereIn('account.kind', [...of.filter.kind]);
  if (of.filter.ownerId !== undefined) query.whereIn('account.owner_id', [...of.filter.ownerId]);
  if (of.filter.currency !== undefined) query.whereIn('account.currency', [...of.filter.currency]);
  if (of.filter.q !== undefined) {
    const { q } = of.filter;
    const ids = await listNamedIds(tx, of.mode, q);
    query.where((where) => {
      where
        .whereIn('account.owner_id', [...ids])
        .orWhere('account.id', q)
        .orWhereRaw(`strpos(account.kind, replace(lower(:q), ' ', '_')) > 0`, { q });
    });
  }
  const rows = (await keyset(query, page, { id: 'account.id' }, 'account.id')) as AccountRow[];
  return rows.map(toAccount);
}

export async function findAccount(
  tx: ReadTx,
  of: { readonly mode: Mode; readonly id: string; readonly asOf: Instant | null },
): Promise<AccountView | undefined> {
  const [row] = (await tx('ledger_accounts as account')
    .where({ 'account.mode': of.mode, 'account.id': of.id })
    .select('account.*', tx.raw(`${netDebit} as net_debit`, { asOf: of.asOf }))) as AccountRow[];
  return row === undefined ? undefined : toAccount(row);
}

export interface PostingFilter {
  readonly transferId?: readonly string[] | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly causeType?: readonly string[] | undefined;
  readonly causeId?: readonly string[] | undefined;
  readonly accountId?: readonly string[] | undefined;
  readonly q?: string | undefined;
  readonly recordedAt?: InstantBounds | undefined;
  readonly effectiveAt?: InstantBounds | undefined;
}

type InstantBounds = { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant };

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

function postings(tx: ReadTx, mode: Mode) {
  return tx
    .from(
      tx('ledger_postings as posting')
        .join('ledger_transfers as transfer', (on) =>
          on.on('transfer.workspace_id', 'posting.workspace_id').andOn('transfer.id', 'posting.transfer_id'),
        )
        .where('posting.mode', mode)
        // Archived test money has postings for good and accounts that nobody sees (TST-07). Live money has none of them.
        .whereRaw(
          `(posting.mode = 'live' or exists (
             select from ledger_accounts as account
             where account.workspace_id = posting.workspace_id and account.id = posting.debit_account_id))`,
        )
        .select(
          tx.raw(`transfer.id || '.' || posting.line as id`),
          'posting.transfer_id',
          'posting.line',
          'posting.debit_account_id',
          'posting.credit_account_id',
          'posting.amount_minor',
          'posting.currency',
          'posting.mode',
          'transfer.kind',
          'transfer.cause_type',
          'transfer.cause_id',
          'transfer.corrects_transfer_id',
          'transfer.effective_at',
          'transfer.recorded_at',
        )
        .as('posting'),
    )
    .select('posting.*');
}

function toPosting(row: PostingRow): PostingView {
  return {
    id: row.id,
    transferId: row.transfer_id,
    kind: row.kind,
    line: row.line,
    debitAccountId: row.debit_account_id,
    creditAccountId: row.credit_account_id,
    amount: row.amount_minor,
    currency: row.currency,
    causeType: row.cause_type,
    causeId: row.cause_id,
    correctsTransferId: row.corrects_transfer_id,
    effectiveAt: row.effective_at,
    recordedAt: row.recorded_at,
    mode: row.mode,
  };
}

/** Which postings, by this filter, newest first? */
export async function listPostings(
  tx: ReadTx,
  of: { readonly mode: Mode; readonly filter: PostingFilter },
  page: Page,
): Promise<readonly PostingView[]> {
  const query = postings(tx, of.mode);
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('transfer_id', of.filter.transferId);
  among('kind', of.filter.kind);
  among('cause_type', of.filter.causeType);
  among('cause_id', of.filter.causeId);
  if (of.filter.accountId !== undefined)
    query.whereRaw('(debit_account_id = any (:ids::text[]) or credit_account_id = any (:ids::text[]))', {
      ids: [...of.filter.accountId],
    });
  if (of.filter.q !== undefined) {
    const { q } = of.filter;
    // A posting's own id is its transfer's with the line behind it.
    const ids = [...(await listNamedIds(tx, of.mode, q)), q.replace(/\.\d+$/, '')];
    const accounts = await tx('ledger_accounts')
      .where('mode', of.mode)
      .where((where) => {
        where.whereIn('owner_id', ids).orWhere('id', q);
      })
      .select<{ id: string }[]>('id');
    // All lines of each transfer that concerns them; one index per arm.
    query.whereRaw(
      `transfer_id in (
         select id from ledger_transfers where id = any (:ids::text[])
         union select id from ledger_transfers where cause_id = any (:ids::text[])
         union select transfer_id from ledger_postings where debit_account_id = any (:accounts::text[])
         union select transfer_id from ledger_postings where credit_account_id = any (:accounts::text[]))`,
      { ids, accounts: accounts.map(({ id }) => id) },
    );
  }
  for (const [bound, operator] of Object.entries(comparison)) {
    const recorded = of.filter.recordedAt?.[bound as keyof typeof comparison];
    if (recorded !== undefined) query.where('recorded_at', operator, recorded);
    const effective = of.filter.effectiveAt?.[bound as keyof typeof comparison];
    if (effective !== undefined) query.where('effective_at', operator, effective);
  }
  const rows = (await keyset(query, page, { recordedAt: 'recorded_at' }, 'id')) as PostingRow[];
  return rows.map(toPosting);
}

export async function findPosting(tx: ReadTx, mode: Mode, id: string): Promise<PostingView | undefined> {
  const [row] = (await postings(tx, mode).where('posting.id', id)) as PostingRow[];
  return row === undefined ? undefined : toPosting(row);
}

/** What was on an account after each of these postings of it, on its normal side, by the order in which they were recorded. */
export async function readRunningBalances(
  tx: ReadTx,
  account: Pick<AccountView, 'id' | 'normalSide'>,
  postingIds: readonly string[],
): Promise<(postingId: string) => bigint> {
  const { rows } = await tx.raw<{ rows: { id: string; net_debit: bigint }[] }>(
    `select id, net_debit from (
       select line.id, (sum(line.net) over (order by line.recorded_at, line.id))::bigint as net_debit
       from (
         select transfer.id || '.' || posting.line as id, transfer.recorded_at,
                case when posting.debit_account_id = :accountId then posting.amount_minor else -posting.amount_minor end as net
         from ledger_postings as posting
         join ledger_transfers as transfer on transfer.workspace_id = posting.workspace_id and transfer.id = posting.transfer_id
         where posting.debit_account_id = :accountId or posting.credit_account_id = :accountId
       ) as line
     ) as after where id = any(cast(:postingIds as text[]))`,
    { accountId: account.id, postingIds: [...postingIds] },
  );
  const after = new Map(rows.map((row) => [row.id, row.net_debit]));
  return (postingId) => {
    const net = after.get(postingId);
    assertInvariant(net !== undefined, 'a posting of an account is among those that are summed', { postingId });
    return account.normalSide === 'debit' ? net : -net;
  };
}
