import type { Mode } from '../../../domain/act.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

/** One station of a cent, from the click to the payment. */
export interface TraceStep {
  readonly type: string;
  readonly id: string;
  readonly at: Instant | null;
  readonly amount: { readonly minor: bigint; readonly currency: CurrencyCode } | null;
  readonly status: string | null;
}

interface StepRow {
  readonly type: string;
  readonly id: string;
  readonly at: Instant | null;
  readonly minor: bigint | null;
  readonly currency: CurrencyCode | null;
  readonly status: string | null;
}

/**
 * The chain of everything that belongs to one commission, payout, sale, refund, transfer or posting (money.md 3.1, "explain a cent"):
 * click → referral → lead or sale → commission → transfers → payout → attempt. Undefined: no such object in this mode.
 */
export async function traceMoney(tx: ReadTx, mode: Mode, objectId: string): Promise<readonly TraceStep[] | undefined> {
  const transferId = objectId.split('.')[0] ?? objectId;
  const { rows: lines } = await tx.raw<{ rows: { id: string }[] }>(
    `select line.id from commissions as line
     where line.mode = :mode and (line.id = :id or line.sale_id = :id or line.cause_id = :id
       or line.id in (select commission_id from payout_lines where payout_id = :id)
       or line.id in (select origin.origin_commission_id from commissions as origin where origin.id = :id)
       or line.id in (select split_part(transfer.idempotency_key, '/', 2) from ledger_transfers as transfer where transfer.id = :transferId)
       or line.id in (select split_part(transfer.idempotency_key, '/', 3) from ledger_transfers as transfer where transfer.id = :transferId)
       or line.cause_id in (select split_part(transfer.idempotency_key, '/', 2) from ledger_transfers as transfer
                            where transfer.id = :transferId and transfer.idempotency_key like '%/accrue')
       or line.id in (select placed.commission_id from payout_lines as placed
                      join ledger_transfers as transfer on transfer.workspace_id = placed.workspace_id and transfer.cause_id = placed.payout_id
                      where transfer.id = :transferId))`,
    { mode, id: objectId, transferId },
  );
  if (lines.length === 0) return undefined;
  const { rows } = await tx.raw<{ rows: StepRow[] }>(
    `with recursive above as (
       select id, origin_commission_id from commissions where id = any (:ids::text[])
       union
       select origin.id, origin.origin_commission_id from above join commissions as origin on origin.id = above.origin_commission_id),
     chained as (
       select id from above
       union
       select below.id from chained join commissions as below on below.origin_commission_id = chained.id),
     line as (select * from commissions where id in (select id from chained)),
     placed as (select * from payout_lines where commission_id in (select id from line))
     select * from (
       select 1 as step, 'click' as type, touch.source_id as id, touch.occurred_at as at, null::bigint as minor, null::text as currency,
              touch.affiliate_id as status
       from touches as touch where touch.kind = 'click' and touch.referral_id in (select referral_id from line)
       union all
       select 2, 'referral', referral.id, referral.created_at, null, null, referral.status
       from referrals as referral where referral.id in (select referral_id from line)
       union all
       select 3, 'sale', sale.id, sale.occurred_at, sale.captured_minor, sale.currency, sale.status
       from sales as sale where sale.id in (select sale_id from line)
       union all
       select 3, 'lead', lead.id, lead.occurred_at, null, null, lead.verdict
       from leads as lead where lead.id in (select lead_id from line)
       union all
       select 4, 'refund', refund.id, refund.occurred_at, refund.applied_minor, refund.currency, refund.outcome
       from refunds as refund where refund.sale_id in (select sale_id from line)
       union all
       select 5, 'commission', line.id, line.created_at, line.amount_minor, line.currency, line.status from line
       union all
       select 6, 'transfer', transfer.id, transfer.recorded_at,
              (select sum(posting.amount_minor)::bigint from ledger_postings as posting
               where posting.workspace_id = transfer.workspace_id and posting.transfer_id = transfer.id),
              (select min(posting.currency) from ledger_postings as posting
               where posting.workspace_id = transfer.workspace_id and posting.transfer_id = transfer.id), transfer.kind
       from ledger_transfers as transfer
       where split_part(transfer.idempotency_key, '/', 2) in (select id from line)
          or split_part(transfer.idempotency_key, '/', 3) in (select id from line)
          or transfer.idempotency_key in (select 'commission/' || line.cause_id || '/' || line.level || '/' || line.affiliate_id || '/accrue' from line)
          or transfer.cause_id in (select payout_id from placed)
          or transfer.cause_id in (select attempt.id from payout_attempts as attempt where attempt.payout_id in (select payout_id from placed))
       union all
       select 7, 'payout', payout.id, payout.created_at, payout.amount_minor, payout.currency, payout.status
       from payouts as payout where payout.id in (select payout_id from placed)
       union all
       select 8, 'payout_attempt', attempt.id, attempt.created_at, attempt.amount_minor, attempt.currency, attempt.state
       from payout_attempts as attempt where attempt.payout_id in (select payout_id from placed)) as chain
     order by step, at, id`,
    { ids: lines.map((line) => line.id) },
  );
  return rows.map((row) => ({
    type: row.type,
    id: row.id,
    at: row.at,
    amount: row.minor === null || row.currency === null ? null : { minor: row.minor, currency: row.currency },
    status: row.status,
  }));
}
