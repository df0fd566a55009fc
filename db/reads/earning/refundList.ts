import type { Scope } from '../../../domain/access/permission.js';
import type { Refund } from '../../../domain/earning/refund.js';
import { type RefundRow, toRefund } from '../../earning/refund.js';
import type { ReadTx } from '../../transaction.js';
import { scopeToAffiliates } from './affiliateRows.js';

/** What was refunded of a sale, oldest first? */
export async function listRefunds(tx: ReadTx, scope: Scope, saleId: string): Promise<readonly Refund[]> {
  const query = tx('refunds as refund')
    .join('sales as sale', (on) => on.on('sale.workspace_id', 'refund.workspace_id').andOn('sale.id', 'refund.sale_id'))
    .where('refund.sale_id', saleId)
    .orderBy('refund.created_at')
    .orderBy('refund.id');
  scopeToAffiliates(query, scope, 'sale');
  const rows = (await query.select('refund.*')) as RefundRow[];
  return rows.map(toRefund);
}
