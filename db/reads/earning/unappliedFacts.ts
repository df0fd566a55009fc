import type { Instant } from '../../../domain/time.js';
import { once, run } from '../../pipeline.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** As workflows/contract.ts names it; this layer does not know the workflows. */
export interface UnappliedFact {
  readonly kind: 'lead' | 'sale' | 'refund' | 'dispute' | 'check' | 'decision';
  readonly id: string;
}

/** What is stored for this referral and has no outcome yet? Oldest first (temporal.md 3.5). Parked rows wait for something else. */
export function listUnappliedFacts(
  tx: ReadTx | Tx,
  of: { readonly referralId: string; readonly workflowId: string },
  limit = 50,
): Promise<readonly UnappliedFact[]> {
  return once(tx, factTables, `unapplied facts of ${of.referralId} ${of.workflowId} ${limit}`, async () => {
    const rows = await run<{ kind: UnappliedFact['kind']; id: string; at: Instant }>(
      tx,
      `(select 'lead' as kind, id, created_at as at from leads
       where referral_id = $1 and processed_at is null)
      union all
      (select 'sale', id, created_at from sales
       where referral_id = $1 and processed_at is null and parked_code is null)
      union all
      (select 'refund', id, created_at from refunds
       where referral_id = $1 and processed_at is null and parked_code is null)
      union all
      (select 'dispute', id, created_at from disputes
       where referral_id = $1 and processed_at is null and parked_code is null)
      union all
      (select 'check', id, updated_at from checks
       where referral_id = $1 and processed_at is null and pending_verdict is not null)
      union all
      (select 'decision', id, created_at from decisions
       where workflow_id = $2 and state = 'open')
      order by at, id limit $3`,
      [of.referralId, of.workflowId, limit],
    );
    return rows.map(({ kind, id }) => ({ kind, id }));
  });
}

const factTables = ['leads', 'sales', 'refunds', 'disputes', 'checks', 'decisions'];
