import type { Mode } from '../../domain/act.js';
import type { AffiliateId, PayoutId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import { connectableGateways } from '../../domain/payout/gateway.js';
import type { PayoutStatus } from '../../domain/payout/payout.js';
import type { Instant } from '../../domain/time.js';
import type { ReadTx, Tx } from '../transaction.js';
import type { StatementScope } from './reconciliation.js';

// A database that was set back has forgotten payments (money.md 10): what its gateways have to tell before anything is sent again.

/** Since when this workspace waits for its gateways' lists; null: nothing was set back, or everything was told. */
export async function readRestoredAt(tx: ReadTx | Tx): Promise<Instant | null> {
  const row = await tx('workspaces').first<{ restored_at: Instant | null } | undefined>('restored_at');
  return row?.restored_at ?? null;
}

/** Raises the fence with a new epoch and freezes payouts, once: answers whether it did. A freeze by hand keeps its day and reason. */
export async function raiseFence(tx: Tx, reason: string): Promise<boolean> {
  const updated = await tx('workspaces')
    .whereNull('restored_at')
    .update({
      restored_at: tx.raw('now()'),
      restore_epoch: tx.raw('restore_epoch + 1'),
      payouts_frozen_at: tx.raw('coalesce(payouts_frozen_at, now())'),
      payouts_frozen_reason: tx.raw('coalesce(payouts_frozen_reason, ?)', [reason]),
    });
  return updated > 0;
}

export async function lowerFence(tx: Tx): Promise<void> {
  await tx('workspaces').update({ restored_at: null });
}

/** What keeps the fence up at one gateway. */
export interface FenceGap {
  readonly gateway: string;
  readonly mode: Mode;
  /** Until when its list has been read; null: never. */
  readonly readUntil: Instant | null;
  /** Payments there that fit none of ours, and what else nobody has settled. */
  readonly openDifferences: number;
}

/** Of these classes a person says what each is before anything is sent again; the others explain themselves with time. */
const unexplained = ['duplicate', 'missing_here', 'amount', 'currency', 'unknown_reference'];

/**
 * Gateways through which money went or is to go, whose list was not read since the restore or holds something unexplained. A provider's
 * account serves no test figures, and who pays by hand gives no list.
 */
export async function listFenceGaps(tx: ReadTx | Tx, restoredAt: Instant): Promise<readonly FenceGap[]> {
  const { rows } = await tx.raw<{ rows: FenceGap[] }>(
    `with used as (${usedGateways}),
     newest as (
       select used.gateway, used.mode, used.currency, statement.id, statement.closed_at
       from used
       left join lateral (
         select statement.id, statement.closed_at
         from gateway_statements as statement
         where statement.gateway = used.gateway and statement.mode = used.mode and statement.currency = used.currency
         order by statement.closed_at desc, statement.id desc
         limit 1
       ) as statement on true
     )
     select newest.gateway, newest.mode,
            case when bool_and(newest.closed_at is not null) then min(newest.closed_at) end as "readUntil",
            coalesce(sum(item.open), 0)::int as "openDifferences"
     from newest
     left join lateral (
       select count(*)::int as open
       from reconciliation_items as item
       where item.statement_id = newest.id and item.class = any(:unexplained::text[]) and item.resolution is null
     ) as item on true
     where not (newest.mode = 'test' and newest.gateway = any(:connectable::text[]))
     group by newest.gateway, newest.mode
     having not bool_and(newest.closed_at is not null and newest.closed_at > :restoredAt) or sum(item.open) > 0
     order by newest.gateway, newest.mode`,
    { restoredAt, unexplained, connectable: [...connectableGateways] },
  );
  return rows;
}

/** Gateway, mode and currency of money that went or is to go. */
const usedGateways = `
  select account.owner_id as gateway, account.mode, account.currency
  from ledger_accounts as account
  where account.kind = 'cash' and account.owner_id <> 'manual'
  union
  select payout.gateway, payout.mode, payout.currency
  from payouts as payout
  where payout.status in ('draft', 'pending') and payout.execution = 'gateway'`;

/** The same for one gateway: after a restore its list is read in each of these, whether or not the books hold money there. */
export async function listFenced(
  tx: ReadTx | Tx,
  gateway: string,
): Promise<readonly { readonly mode: Mode; readonly currency: CurrencyCode }[]> {
  const { rows } = await tx.raw<{ rows: { mode: Mode; currency: CurrencyCode }[] }>(
    `select used.mode, used.currency from (${usedGateways}) as used where used.gateway = :gateway order by used.mode, used.currency`,
    { gateway },
  );
  return rows;
}

/** A payout that a lost attempt may belong to, as it stands in the database that was set back. */
export interface Recoverable {
  readonly id: PayoutId;
  readonly affiliateId: AffiliateId;
  readonly runId: string | null;
  readonly status: PayoutStatus;
  readonly currency: CurrencyCode;
  readonly amountMinor: bigint;
  readonly onHold: boolean;
  /** Of its newest attempt that is known; 0: none. */
  readonly number: number;
}

/** Payouts of a gateway that are not settled: only these can have been sent without our knowing. */
export async function listRecoverable(tx: ReadTx | Tx, scope: StatementScope): Promise<readonly Recoverable[]> {
  const { rows } = await tx.raw<{ rows: Recoverable[] }>(
    `select payout.id, payout.affiliate_id as "affiliateId", payout.run_id as "runId", payout.status, payout.currency,
            payout.amount_minor as "amountMinor", payout.on_hold as "onHold", coalesce(newest.number, 0) as number
     from payouts as payout
     left join lateral (
       select max(attempt.number) as number from payout_attempts as attempt where attempt.payout_id = payout.id
     ) as newest on true
     where payout.gateway = :gateway and payout.mode = :mode and payout.execution = 'gateway' and payout.status in ('draft', 'pending')
     order by payout.id`,
    { gateway: scope.gateway, mode: scope.mode },
  );
  return rows;
}

/** Which of these references or provider's ids an attempt has already. */
export async function listKnown(
  tx: ReadTx | Tx,
  gateway: string,
  names: { readonly references: readonly string[]; readonly providerIds: readonly string[] },
): Promise<{ readonly references: ReadonlySet<string>; readonly providerIds: ReadonlySet<string> }> {
  const { rows } = await tx.raw<{ rows: { id: string; provider_id: string | null }[] }>(
    `select id, provider_id from payout_attempts where gateway = :gateway and id = any(:references::text[])
     union
     select id, provider_id from payout_attempts where gateway = :gateway and provider_id = any(:providerIds::text[])`,
    { gateway, references: [...names.references], providerIds: [...names.providerIds] },
  );
  return {
    references: new Set(rows.map((row) => row.id)),
    providerIds: new Set(rows.flatMap((row) => row.provider_id ?? [])),
  };
}

/** The locks that come before those of payouts (money.md 9), for many at once: affiliates and runs, each by id. */
export async function lockPayeesAndRuns(
  tx: Tx,
  of: { readonly affiliateIds: readonly string[]; readonly runIds: readonly string[] },
): Promise<void> {
  for (const [table, ids] of [
    ['affiliates', of.affiliateIds],
    ['payout_runs', of.runIds],
  ] as const)
    await tx(table)
      .whereIn('id', [...new Set(ids)])
      .orderBy('id')
      .forNoKeyUpdate()
      .select('id');
}
