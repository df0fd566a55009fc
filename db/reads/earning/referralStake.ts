import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** How much money hangs on a decision? Per currency: what the referral's open commissions, or one of them, come to. */
export async function readStake(
  tx: ReadTx | Tx,
  of: { readonly referralId: string; readonly commissionId: string | null },
): Promise<readonly Money[]> {
  const { rows } = await tx.raw<{ rows: { currency: CurrencyCode; minor: bigint }[] }>(
    `select currency, sum(amount_minor - reversed_minor)::bigint as minor from commissions
     where referral_id = :referralId and (:commissionId::text is null or id = :commissionId)
       and (:commissionId::text is not null or status = 'pending')
     group by currency order by currency`,
    of,
  );
  return rows;
}
