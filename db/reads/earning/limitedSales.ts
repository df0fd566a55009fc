import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

export interface LimitedSale {
  readonly saleId: string;
  readonly occurredAt: Instant;
  readonly maxMonths: number | null;
  readonly maxPayments: number | null;
}

// Which later sales of this referral earned under a rule that ends after some months or payments? Oldest first.
export async function findLimitedSales(
  tx: ReadTx | Tx,
  of: { readonly referralId: string; readonly after: Instant },
): Promise<readonly LimitedSale[]> {
  const { rows } = await tx.raw<{
    rows: { sale_id: string; occurred_at: Instant; max_months: number | null; max_payments: number | null }[];
  }>(
    `select distinct sale.id as sale_id, sale.occurred_at,
            (version.body -> 'limits' ->> 'maxMonths')::int as max_months,
            (version.body -> 'limits' ->> 'maxPayments')::int as max_payments
     from commissions as line
     join sales as sale on sale.workspace_id = line.workspace_id and sale.id = line.sale_id
     join commission_rule_versions as version
       on version.workspace_id = line.workspace_id and version.rule_id = line.rule_id and version.version = line.rule_version
     where line.referral_id = :referralId and line.kind = 'earned' and line.level = 1 and line.status <> 'rejected'
       and sale.occurred_at > :after
       and (version.body -> 'limits' ->> 'maxMonths' is not null or version.body -> 'limits' ->> 'maxPayments' is not null)
     order by sale.occurred_at, sale.id`,
    of,
  );
  return rows.map((row) => ({
    saleId: row.sale_id,
    occurredAt: row.occurred_at,
    maxMonths: row.max_months,
    maxPayments: row.max_payments,
  }));
}
