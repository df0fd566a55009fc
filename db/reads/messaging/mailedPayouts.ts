import type { Mode } from '../../../domain/act.js';
import type { AffiliateId, PayoutId } from '../../../domain/ids.js';
import type { MailedPayout } from '../../../domain/messaging/payoutMail.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { ReadTx, Tx } from '../../transaction.js';

export interface ListedPayout extends MailedPayout {
  readonly id: PayoutId;
  readonly affiliateId: AffiliateId;
  /** What it pays for. */
  readonly commissionIds: readonly string[];
}

interface Row {
  readonly id: PayoutId;
  readonly affiliate_id: AffiliateId;
  readonly minor: bigint;
  readonly currency: CurrencyCode;
  readonly on: string;
  readonly reference: string | null;
  readonly commission_ids: string[];
}

// What does a message say of these payouts? Oldest first; drafts are left out, as affiliates do not see those (PRT-17).
export async function listMailedPayouts(
  tx: ReadTx | Tx,
  mode: Mode,
  ids: readonly string[],
): Promise<readonly ListedPayout[]> {
  const { rows } = await tx.raw<{ rows: Row[] }>(
    `select payout.id, payout.affiliate_id, payout.amount_minor as minor, payout.currency, payout.reference,
       to_char(coalesce(payout.paid_on, cast(payout.created_at as date)), 'YYYY-MM-DD') as on,
       array(select line.commission_id from payout_lines as line
             where line.workspace_id = payout.workspace_id and line.payout_id = payout.id and line.released_at is null
             order by line.commission_id) as commission_ids
     from payouts as payout
     where payout.mode = :mode and payout.status <> 'draft' and payout.id = any(cast(:ids as text[]))
     order by payout.created_at, payout.id`,
    { mode, ids: [...ids] },
  );
  return rows.map((row) => ({
    id: row.id,
    affiliateId: row.affiliate_id,
    amount: { minor: row.minor, currency: row.currency },
    on: row.on,
    reference: row.reference,
    commissionIds: row.commission_ids,
  }));
}
