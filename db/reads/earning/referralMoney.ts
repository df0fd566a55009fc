import type { OpenMoney } from '../../../domain/earning/deadline.js';
import type { Instant } from '../../../domain/time.js';
import { type CurrencyCode, money, type Money } from '../../../domain/money.js';
import { once, run } from '../../pipeline.js';
import type { ReadTx, Tx } from '../../transaction.js';

/**
 * Which of the referral's commissions is there still something to wait for? A hold that ended counts only until it was acted on
 * (`actedOn`): what is left then waits for people.
 */
export function readOpenMoney(
  tx: ReadTx | Tx,
  of: { readonly referralId: string; readonly now: Instant; readonly actedOn: boolean },
): Promise<OpenMoney> {
  return once(tx, ['commissions', 'affiliates'], `open money of ${of.referralId} ${of.actedOn}`, async () => {
    const [row] = await run<{
      next_hold_end: Instant | null;
      has_pending: boolean | null;
      has_held: boolean | null;
      has_unpaid: boolean | null;
      last_changed_at: Instant | null;
    }>(
      tx,
      `select
         min(line.eligible_at) filter (where line.status = 'pending' and not line.on_hold and not line.needs_reviewer
           and affiliate.status = 'approved' and (not $2::boolean or line.eligible_at > $3::timestamptz)) as next_hold_end,
         bool_or(line.status = 'pending') as has_pending,
         bool_or(line.on_hold and line.status in ('pending', 'approved')) as has_held,
         bool_or(line.status = 'approved') as has_unpaid,
         max(line.updated_at) as last_changed_at
       from commissions as line
       join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (line.workspace_id, line.affiliate_id)
       where line.referral_id = $1`,
      [of.referralId, of.actedOn, of.now],
    );
    return {
      nextHoldEnd: row?.next_hold_end ?? null,
      hasPending: row?.has_pending === true,
      hasHeld: row?.has_held === true,
      hasUnpaid: row?.has_unpaid === true,
      lastChangedAt: row?.last_changed_at ?? null,
    };
  });
}

// What have the customers of these referrals paid, less what was given back, in each currency? Without payments that were declined or charged back.
export async function readSalesValues(
  tx: ReadTx,
  referralIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Money[]>> {
  const rows = await run<{ referral_id: string; currency: CurrencyCode; minor: bigint }>(
    tx,
    `select referral_id, currency, sum(captured_minor - refunded_minor)::int8 as minor from sales
     where referral_id = any($1::text[]) and status not in ('declined', 'charged_back')
     group by referral_id, currency order by referral_id, currency`,
    [referralIds],
  );
  const values = new Map<string, readonly Money[]>();
  for (const { referral_id: id, currency, minor } of rows)
    values.set(id, [...(values.get(id) ?? []), money(minor, currency)]);
  return values;
}
