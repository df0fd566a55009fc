import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

// Which aggregates still have something to wait for, so that a wiped or older store of Temporal gets their workflows back? (temporal.md 4.5)

export interface Unfinished {
  readonly id: string;
  readonly workflowType: 'referral' | 'payout' | 'payoutRun' | 'bulkOperation';
  readonly workflowId: string;
  /** Set: the end of a tracking referral's window, before which its run has nothing to do. */
  readonly startAt: Instant | null;
}

interface UnfinishedRow {
  readonly id: string;
  readonly workflow_id: string;
  readonly start_at: Instant | null;
}

const queries: Readonly<Record<Unfinished['workflowType'], string>> = {
  // Facts and decisions without outcome are the sweep's: it finds them within a minute, whatever their referral's status.
  referral: `
    select referrals.id, 'referral/' || referrals.workspace_id || '/' || referrals.id as workflow_id,
      case when referrals.status = 'tracking' then referrals.window_ends_at end as start_at
    from referrals
    where referrals.id > :after and (referrals.status in ('tracking', 'pending')
      or exists (select from commissions
                 where (commissions.workspace_id, commissions.referral_id) = (referrals.workspace_id, referrals.id)
                   and commissions.status in ('pending', 'approved')))
    order by referrals.id limit :limit`,
  payoutRun: `
    select payout_runs.id, payout_runs.workflow_id, null::timestamptz as start_at from payout_runs
    where payout_runs.id > :after and payout_runs.status not in ('completed', 'cancelled')
    order by payout_runs.id limit :limit`,
  payout: `
    select payouts.id, 'payout/' || payouts.workspace_id || '/' || payouts.id as workflow_id, null::timestamptz as start_at
    from payouts where payouts.id > :after and payouts.status = 'pending'
    order by payouts.id limit :limit`,
  bulkOperation: `
    select operations.id, 'bulkOperation/' || operations.workspace_id || '/' || operations.id as workflow_id,
      null::timestamptz as start_at
    from operations where operations.id > :after and operations.status in ('queued', 'running')
    order by operations.id limit :limit`,
};

export const unfinishedTypes = Object.keys(queries) as readonly Unfinished['workflowType'][];

/** A page of one type, in order of their ids; begin with `after` ''. */
export async function listUnfinished(
  tx: ReadTx,
  workflowType: Unfinished['workflowType'],
  after: string,
  limit: number,
): Promise<readonly Unfinished[]> {
  const { rows } = await tx.raw<{ rows: UnfinishedRow[] }>(queries[workflowType], { after, limit });
  return rows.map((row) => ({ id: row.id, workflowType, workflowId: row.workflow_id, startAt: row.start_at }));
}
