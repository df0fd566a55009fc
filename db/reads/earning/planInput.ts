import { standingOf } from '../../../domain/earning/commission.js';
import type { AffiliateId } from '../../../domain/ids.js';
import type { ChainMember } from '../../../domain/program/commissionPlan.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** What a referral earned before this event: for limits in payments and months (RUL-04). Rejected and reversed ones do not count. */
export async function findEarnedBefore(
  tx: ReadTx | Tx,
  referralId: string | null,
): Promise<{ readonly payments: number; readonly firstAt: Instant | null }> {
  if (referralId === null) return { payments: 0, firstAt: null };
  const { rows } = await tx.raw<{ rows: { payments: number; first_at: Instant | null }[] }>(
    `select count(distinct commission.sale_id)::int as payments, min(sale.occurred_at) as first_at
     from commissions as commission
     join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id
     where commission.referral_id = :referralId and commission.kind = 'earned' and commission.level = 1
       and commission.status not in ('rejected', 'reversed')`,
    { referralId },
  );
  return { payments: rows[0]?.payments ?? 0, firstAt: rows[0]?.first_at ?? null };
}

/**
 * Who may earn on a sale that this affiliate is credited for: it and the recruiters above, as many levels as the program has, each with
 * what its status means for a new commission (money.md 5).
 */
export async function readEarningChain(
  tx: ReadTx | Tx,
  of: { readonly affiliateId: string; readonly programId: string; readonly levels: number },
): Promise<readonly ChainMember[]> {
  const { rows } = await tx.raw<{
    rows: { level: number; id: string; group_id: string | null; status: string; enrolment: string | null }[];
  }>(
    `with recursive chain as (
       select affiliate.workspace_id, affiliate.id, affiliate.group_id, affiliate.status, affiliate.recruiter_id, 1 as level
       from affiliates as affiliate where affiliate.id = :affiliateId
       union all
       select recruiter.workspace_id, recruiter.id, recruiter.group_id, recruiter.status, recruiter.recruiter_id, chain.level + 1
       from chain join affiliates as recruiter on recruiter.workspace_id = chain.workspace_id and recruiter.id = chain.recruiter_id
       where chain.level < :levels)
     select chain.level, chain.id, chain.group_id, chain.status,
            (select enrolment.status from enrolments as enrolment
             where enrolment.workspace_id = chain.workspace_id and enrolment.affiliate_id = chain.id
               and enrolment.program_id = :programId and enrolment.status <> 'ended' limit 1) as enrolment
     from chain order by chain.level`,
    of,
  );
  return rows.map((row) => ({
    level: row.level,
    affiliateId: row.id as AffiliateId,
    groupId: row.group_id,
    standing: standingOf(row),
  }));
}
