import type { Mode } from '../../../domain/act.js';
import type { AffiliateId, CommissionId, ReferralId } from '../../../domain/ids.js';
import type { MailedCommission } from '../../../domain/messaging/commissionMail.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

export interface ListedCommission extends MailedCommission {
  readonly id: CommissionId;
  readonly affiliateId: AffiliateId;
  readonly referralId: ReferralId | null;
}

// What does a message say of these commissions: the named ones, or the newest of an affiliate that still stand? Oldest first.
export async function listMailedCommissions(
  tx: ReadTx | Tx,
  mode: Mode,
  of: { readonly ids: readonly string[] } | { readonly affiliateId: string; readonly newest: number },
): Promise<readonly ListedCommission[]> {
  const query = tx('commissions as commission')
    .join('programs as program', (on) =>
      on.on('program.workspace_id', 'commission.workspace_id').andOn('program.id', 'commission.program_id'),
    )
    .where('commission.mode', mode)
    .orderBy('commission.created_at', 'desc')
    .orderBy('commission.id', 'desc');
  if ('ids' in of) query.whereIn('commission.id', [...of.ids]);
  else
    query
      .where({ 'commission.affiliate_id': of.affiliateId })
      .whereIn('commission.status', ['pending', 'approved', 'paid'])
      .limit(of.newest);
  const rows = await query.select<
    {
      id: CommissionId;
      affiliate_id: AffiliateId;
      referral_id: ReferralId | null;
      minor: bigint;
      currency: CurrencyCode;
      created_at: Instant;
      program_name: string;
    }[]
  >(
    'commission.id',
    'commission.affiliate_id',
    'commission.referral_id',
    tx.raw('commission.amount_minor - commission.reversed_minor as minor'),
    'commission.currency',
    'commission.created_at',
    'program.name as program_name',
  );
  return rows
    .map((row) => ({
      id: row.id,
      affiliateId: row.affiliate_id,
      referralId: row.referral_id,
      amount: row.minor,
      currency: row.currency,
      createdAt: row.created_at,
      programName: row.program_name,
    }))
    .toReversed();
}
