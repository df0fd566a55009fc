import { postTransfers } from '../../db/earning/ledger.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { account, affiliateAccounts } from '../../domain/earning/ledger.js';
import type { AffiliateId, CommissionId, ProgramId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';

/** An approved line of an affiliate with its posting: money that a payout can take. For tests that begin there. */
export async function insertApprovedMoney(
  tx: Tx,
  act: Act,
  of: {
    readonly affiliateId: AffiliateId;
    readonly programId: ProgramId;
    readonly minor: bigint;
    readonly currency?: string;
  },
): Promise<CommissionId> {
  const id = act.newId('commission');
  const currency = (of.currency ?? 'USD') as CurrencyCode;
  await tx('commissions').insert({
    id,
    mode: act.mode,
    kind: 'bonus',
    affiliate_id: of.affiliateId,
    program_id: of.programId,
    cause_type: 'commission',
    cause_id: id,
    currency,
    exact_numerator: of.minor.toString(),
    exact_denominator: '1',
    amount_minor: of.minor,
    status: 'approved',
    eligible_at: act.now,
    approved_at: act.now,
  });
  await postTransfers(tx, act, [
    {
      kind: 'commission.accrued',
      key: `test/${id}`,
      cause: { type: 'commission', id },
      correctsKey: null,
      effectiveAt: null,
      postings: [
        {
          debit: account('commission_expense', of.programId),
          credit: affiliateAccounts(of.affiliateId).payable,
          amount: { minor: of.minor, currency },
        },
      ],
    },
  ]);
  return id;
}
