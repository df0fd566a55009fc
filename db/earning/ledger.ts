import type { Act, Mode } from '../../domain/act.js';
import {
  accountKinds,
  type AccountRef,
  affiliateAccounts,
  type LineMove,
  type Transfer,
  transfersOf,
} from '../../domain/earning/ledger.js';
import { assertInvariant } from '../../domain/errors.js';
import type { CurrencyCode } from '../../domain/money.js';
import { run } from '../pipeline.js';
import { insertSet, insertSetLater } from '../setInsert.js';
import type { ReadTx, Tx } from '../transaction.js';

interface AccountRow {
  readonly id: string;
  readonly kind: string;
  readonly owner_id: string;
  readonly currency: string;
}

function keyOf(account: AccountRef, currency: CurrencyCode): string {
  return `${currency}/${account.kind}/${account.ownerId}`;
}

/** Finds the accounts, opens those used for the first time; answers their ids by `currency/kind/owner`. */
async function openAccounts(
  tx: Tx,
  act: Act,
  wanted: readonly { readonly account: AccountRef; readonly currency: CurrencyCode }[],
): Promise<ReadonlyMap<string, string>> {
  const unique = new Map(wanted.map((one) => [keyOf(one.account, one.currency), one]));
  // Sorted, so that two transactions that open the same accounts wait for each other in one order.
  const ordered = [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  const find = async (): Promise<Map<string, string>> => {
    // Joined with arrays: as a list of thousands of rows it took Postgres seconds to plan, the statement itself milliseconds.
    const rows = await run<AccountRow>(
      tx,
      `select account.id, account.kind, account.owner_id, account.currency
       from unnest($2::text[], $3::text[], $4::text[]) as wanted (currency, kind, owner_id)
       join ledger_accounts as account
         on account.mode = $1 and account.currency = wanted.currency and account.kind = wanted.kind and account.owner_id = wanted.owner_id`,
      [
        act.mode,
        ordered.map(({ currency }) => currency),
        ordered.map(({ account }) => account.kind),
        ordered.map(({ account }) => account.ownerId),
      ],
    );
    return idsByKey(rows);
  };
  const found = await find();
  const missing = ordered.filter(({ account, currency }) => !found.has(keyOf(account, currency)));
  if (missing.length === 0) return found;
  const opened = await insertSet<keyof typeof accountColumns, AccountRow>(
    tx,
    'ledger_accounts',
    accountColumns,
    missing.map(({ account, currency }) => ({
      id: act.newId('ledgerAccount'),
      mode: act.mode,
      currency,
      kind: account.kind,
      owner_id: account.ownerId,
      normal_side: accountKinds[account.kind].side,
      floored: accountKinds[account.kind].floored,
    })),
    {
      onConflict: 'on conflict (workspace_id, mode, currency, kind, owner_id) where archived_as is null do nothing',
      returning: ['id', 'kind', 'owner_id', 'currency'],
    },
  );
  if (opened.length < missing.length) return find(); // another transaction opened some of them meanwhile
  return new Map([...found, ...idsByKey(opened)]);
}

const accountColumns = {
  id: 'text',
  mode: 'text',
  currency: 'text',
  kind: 'text',
  owner_id: 'text',
  normal_side: 'text',
  floored: 'boolean',
} as const;

function idsByKey(rows: readonly AccountRow[]): Map<string, string> {
  return new Map(rows.map((row) => [`${row.currency}/${row.kind}/${row.owner_id}`, row.id]));
}

/** One account, opened when it is used for the first time; answers its id. */
export async function openAccount(tx: Tx, act: Act, account: AccountRef, currency: CurrencyCode): Promise<string> {
  const id = (await openAccounts(tx, act, [{ account, currency }])).get(keyOf(account, currency));
  assertInvariant(id !== undefined, 'an account is open once it was asked for', { kind: account.kind });
  return id;
}

/** The balances of floored accounts, locked until the end of the transaction. Once per transaction, with all accounts (money.md 9). */
export async function lockBalances(
  tx: Tx,
  act: Act,
  currency: CurrencyCode,
  accounts: readonly AccountRef[],
): Promise<(account: AccountRef) => bigint> {
  const wanted = accounts.map((account) => ({ account, currency }));
  return lockOpened(tx, currency, accounts, await openAccounts(tx, act, wanted));
}

async function lockOpened(
  tx: Tx,
  currency: CurrencyCode,
  accounts: readonly AccountRef[],
  ids: ReadonlyMap<string, string>,
): Promise<(account: AccountRef) => bigint> {
  const rows = await run<{ account_id: string; balance_minor: bigint }>(
    tx,
    'select account_id, balance_minor from lock_balances($1::text[])',
    [accounts.flatMap((account) => ids.get(keyOf(account, currency)) ?? [])],
  );
  const balances = new Map(rows.map((row) => [row.account_id, row.balance_minor]));
  return (account) => {
    const balance = balances.get(ids.get(keyOf(account, currency)) ?? '');
    assertInvariant(balance !== undefined, 'a balance is read only after its lock', { kind: account.kind });
    return balance;
  };
}

/**
 * Posts transfers, each once: a used key is an invariant broken, because the row it belongs to says whether it was posted. Transfers
 * without postings are left out (a refund step of zero posts nothing). Answers the ids. Codes: ledger.insufficient_balance.
 */
export async function postTransfers(tx: Tx, act: Act, transfers: readonly Transfer[]): Promise<readonly string[]> {
  const posted = transfers.filter((transfer) => transfer.postings.length > 0);
  if (posted.length === 0) return [];
  return post(tx, act, posted, await openAccounts(tx, act, posted.flatMap(accountsOf)));
}

function accountsOf(transfer: Transfer): readonly { readonly account: AccountRef; readonly currency: CurrencyCode }[] {
  return transfer.postings.flatMap((posting) => [
    { account: posting.debit, currency: posting.amount.currency },
    { account: posting.credit, currency: posting.amount.currency },
  ]);
}

async function post(
  tx: Tx,
  act: Act,
  posted: readonly Transfer[],
  accounts: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const idOf = (account: AccountRef, currency: CurrencyCode): string => {
    const id = accounts.get(keyOf(account, currency));
    assertInvariant(id !== undefined, 'an account is open before it is posted to', { kind: account.kind });
    return id;
  };
  const rows = posted.map((transfer) => ({ transfer, id: act.newId('transfer') }));
  const corrected = await correctedIds(
    tx,
    act.mode,
    rows.map(({ transfer }) => transfer),
  );
  insertSetLater(
    tx,
    'ledger_transfers',
    transferColumns,
    rows.map(({ transfer, id }) => ({
      id,
      mode: act.mode,
      kind: transfer.kind,
      cause_type: transfer.cause.type,
      cause_id: transfer.cause.id,
      corrects_transfer_id: transfer.correctsKey === null ? null : (corrected.get(transfer.correctsKey) ?? null),
      idempotency_key: transfer.key,
      posting_count: transfer.postings.length,
      effective_at: transfer.effectiveAt ?? act.now,
    })),
  );
  insertSetLater(
    tx,
    'ledger_postings',
    postingColumns,
    rows.flatMap(({ transfer, id }) =>
      transfer.postings.map((posting, index) => ({
        transfer_id: id,
        line: index + 1,
        mode: act.mode,
        currency: posting.amount.currency,
        debit_account_id: idOf(posting.debit, posting.amount.currency),
        credit_account_id: idOf(posting.credit, posting.amount.currency),
        amount_minor: posting.amount.minor,
      })),
    ),
  );
  return rows.map(({ id }) => id);
}

const transferColumns = {
  id: 'text',
  mode: 'text',
  kind: 'text',
  cause_type: 'text',
  cause_id: 'text',
  corrects_transfer_id: 'text',
  idempotency_key: 'text',
  posting_count: 'smallint',
  effective_at: 'timestamptz',
} as const;

const postingColumns = {
  transfer_id: 'text',
  line: 'smallint',
  mode: 'text',
  currency: 'text',
  debit_account_id: 'text',
  credit_account_id: 'text',
  amount_minor: 'bigint',
} as const;

/**
 * Posts moves of lines: locks the balances of everyone whose split depends on them, once and together, computes, posts (money.md 9).
 * All moves are of one currency. Answers the transfers' ids.
 */
export async function postMoves(tx: Tx, act: Act, moves: readonly LineMove[]): Promise<readonly string[]> {
  const [first] = moves;
  if (first === undefined) return [];
  const { currency } = first.amount;
  const splitting = [...new Set(moves.filter((line) => line.move.type !== 'plain').map((line) => line.affiliateId))];
  const owners = splitting.map((id) => ({ id, ...affiliateAccounts(id) }));
  const split = owners.flatMap(({ payable, receivable }) => [payable, receivable]);
  const named = moves.flatMap(({ move }) => [
    ...('debit' in move ? [move.debit] : []),
    ...('credit' in move ? [move.credit] : []),
  ]);
  const ids = await openAccounts(
    tx,
    act,
    [...split, ...named].map((account) => ({ account, currency })),
  );
  const balanceOf = split.length === 0 ? () => 0n : await lockOpened(tx, currency, split, ids);
  const balances = new Map(
    owners.map(({ id, payable, receivable }) => [
      id,
      { payable: balanceOf(payable), receivable: balanceOf(receivable) },
    ]),
  );
  const posted = transfersOf(moves, balances).filter((transfer) => transfer.postings.length > 0);
  return posted.length === 0 ? [] : post(tx, act, posted, ids);
}

async function correctedIds(tx: Tx, mode: Mode, transfers: readonly Transfer[]): Promise<ReadonlyMap<string, string>> {
  const keys = transfers.flatMap((transfer) => (transfer.correctsKey === null ? [] : [transfer.correctsKey]));
  if (keys.length === 0) return new Map();
  const rows = await tx('ledger_transfers')
    .select<{ id: string; idempotency_key: string }[]>('id', 'idempotency_key')
    .where({ mode })
    .whereIn('idempotency_key', keys);
  const found = new Map(rows.map((row) => [row.idempotency_key, row.id]));
  assertInvariant(
    keys.every((key) => found.has(key)),
    'a correction names a transfer that exists',
    { keys },
  );
  return found;
}

/** Net balance per kind and owner, debit minus credit, in minor units. */
export async function listBalances(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly currency: CurrencyCode },
): Promise<readonly { readonly kind: string; readonly ownerId: string; readonly netDebit: bigint }[]> {
  const { rows } = await tx.raw<{ rows: { kind: string; owner_id: string; net: bigint }[] }>(
    `select account.kind, account.owner_id,
            coalesce(sum(case when posting.debit_account_id = account.id then posting.amount_minor else -posting.amount_minor end), 0)::bigint as net
     from ledger_accounts as account
     left join ledger_postings as posting
       on posting.workspace_id = account.workspace_id and account.id in (posting.debit_account_id, posting.credit_account_id)
     where account.mode = :mode and account.currency = :currency
     group by account.kind, account.owner_id
     order by account.kind, account.owner_id`,
    of,
  );
  return rows.map((row) => ({ kind: row.kind, ownerId: row.owner_id, netDebit: row.net }));
}
