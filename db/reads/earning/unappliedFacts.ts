import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** As workflows/contract.ts names it; this layer does not know the workflows. */
export interface UnappliedFact {
  readonly kind: 'lead' | 'sale' | 'refund' | 'dispute' | 'check' | 'decision';
  readonly id: string;
}

/** What is stored for this referral and has no outcome yet? Oldest first (temporal.md 3.5). Parked rows wait for something else. */
export async function listUnappliedFacts(
  tx: ReadTx | Tx,
  of: { readonly referralId: string; readonly workflowId: string },
  limit = 50,
): Promise<readonly UnappliedFact[]> {
  const { rows } = await tx.raw<{ rows: { kind: UnappliedFact['kind']; id: string; at: Instant }[] }>(
    `
    (select 'lead' as kind, id, created_at as at from leads
     where referral_id = :referralId and processed_at is null)
    union all
    (select 'sale', id, created_at from sales
     where referral_id = :referralId and processed_at is null and parked_code is null)
    union all
    (select 'refund', id, created_at from refunds
     where referral_id = :referralId and processed_at is null and parked_code is null)
    union all
    (select 'dispute', id, created_at from disputes
     where referral_id = :referralId and processed_at is null and parked_code is null)
    union all
    (select 'check', id, updated_at from checks
     where referral_id = :referralId and processed_at is null and pending_verdict is not null)
    union all
    (select 'decision', id, created_at from decisions
     where workflow_id = :workflowId and state = 'open')
    order by at, id limit :limit`,
    { ...of, limit },
  );
  return rows.map(({ kind, id }) => ({ kind, id }));
}
