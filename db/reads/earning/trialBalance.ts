import type { Mode } from '../../../domain/act.js';
import type { CurrencyCode } from '../../../domain/money.js';
import { addMs, type Instant } from '../../../domain/time.js';
import { readOpenTransactions } from '../../openTransactions.js';
import type { ReadTx } from '../../transaction.js';

export interface TrialBalance {
  readonly rows: readonly {
    readonly kind: string;
    readonly ownerId: string | null;
    readonly debit: bigint | null;
    readonly credit: bigint | null;
  }[];
  readonly totalDebit: bigint;
  readonly totalCredit: bigint;
}

/**
 * Do all debits equal all credits, and where do they stand (api.md 11)? A row is the net balance of a kind or an account on one side; zero
 * rows are left out. `asOf` null: everything that is committed.
 */
export async function readTrialBalance(
  tx: ReadTx,
  of: {
    readonly mode: Mode;
    readonly currency: CurrencyCode;
    readonly asOf: Instant | null;
    /** Only what happened by then; null: whenever it did. Of a closed period these figures stand for good (I17). */
    readonly effectiveThrough: Instant | null;
    readonly groupBy: 'kind' | 'account';
  },
): Promise<TrialBalance> {
  const { rows } = await tx.raw<{ rows: { kind: string; owner_id: string | null; net: bigint }[] }>(
    `with side as (
       select posting.debit_account_id as account_id, posting.amount_minor as net, posting.transfer_id, posting.workspace_id
       from ledger_postings as posting where posting.mode = :mode and posting.currency = :currency
       union all
       select posting.credit_account_id, -posting.amount_minor, posting.transfer_id, posting.workspace_id
       from ledger_postings as posting where posting.mode = :mode and posting.currency = :currency)
     select account.kind, case when :byAccount then account.owner_id end as owner_id, sum(side.net)::bigint as net
     from side
     join ledger_accounts as account on account.workspace_id = side.workspace_id and account.id = side.account_id
     join ledger_transfers as transfer on transfer.workspace_id = side.workspace_id and transfer.id = side.transfer_id
     where (:asOf::timestamptz is null or transfer.recorded_at <= :asOf::timestamptz)
       and (:through::timestamptz is null or transfer.effective_at <= :through::timestamptz)
     group by 1, 2
     having sum(side.net) <> 0
     order by 1, 2`,
    {
      mode: of.mode,
      currency: of.currency,
      asOf: of.asOf,
      through: of.effectiveThrough,
      byAccount: of.groupBy === 'account',
    },
  );
  const shown = rows.map((row) => ({
    kind: row.kind,
    ownerId: row.owner_id,
    debit: row.net > 0n ? row.net : null,
    credit: row.net < 0n ? -row.net : null,
  }));
  return {
    rows: shown,
    totalDebit: shown.reduce((total, row) => total + (row.debit ?? 0n), 0n),
    totalCredit: shown.reduce((total, row) => total + (row.credit ?? 0n), 0n),
  };
}

/** As-of figures: at least 10 s old and before the start of the oldest transaction still open, which may commit later (money.md 9). */
export async function newestAsOf(tx: ReadTx): Promise<Instant> {
  const { now, oldestStart } = await readOpenTransactions(tx);
  const settled = addMs(now, -10_000);
  return oldestStart === null || settled < oldestStart ? settled : addMs(oldestStart, -1);
}
