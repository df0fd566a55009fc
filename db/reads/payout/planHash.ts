import { assertInvariant } from '../../../domain/errors.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** What is an approval for, to the line? The hash of a plan's rows and of where each payout goes, and how many are paid by it. */
export async function readPlanHash(
  tx: ReadTx | Tx,
  of: { readonly runId: string; readonly planVersion: number },
): Promise<{ readonly hash: string; readonly paid: number }> {
  const { rows } = await tx.raw<{ rows: { hash: string; paid: number }[] }>(
    `select 'sha256:' || encode(sha256(convert_to(coalesce(string_agg(
              concat_ws('|', row.affiliate_id, row.currency, row.outcome, row.payout_id, row.owed_minor, row.net_minor, row.commission_count,
                        row.reasons::text, payout.method_id, payout.method_version, payout.method_fingerprint, payout.amount_minor),
              E'\\n' order by row.affiliate_id, row.currency), '') || E'\\n' || :runId || '/' || :planVersion::text, 'UTF8')), 'hex') as hash,
            (count(*) filter (where row.outcome = 'paid'))::int as paid
     from payout_run_rows as row
     left join payouts as payout on payout.id = row.payout_id
     where row.run_id = :runId and row.plan_version = :planVersion`,
    of,
  );
  const [sealed] = rows;
  assertInvariant(sealed !== undefined, 'a plan has a hash', { runId: of.runId });
  return sealed;
}
