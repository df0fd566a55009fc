import type { Mode } from '../../../domain/act.js';
import type { InstantRange } from '../../../domain/calendar.js';
import type { ReadTx } from '../../transaction.js';

/** What one affiliate brought in a range, over all programs. Refunds as of now, of the sales of the range. */
export interface AffiliateMetrics {
  readonly clicks: number;
  readonly leads: number;
  readonly accepted: number;
  readonly sales: number;
  readonly refunds: number;
  /** Open flags, of itself and of its referrals. */
  readonly flags: number;
  /** The newest verdict of each threshold that holds: any of them below → `below`; null without one (PRG-18). */
  readonly standard: 'met' | 'below' | null;
}

// What did this affiliate bring, and of what quality (FRD-05)? A click that was filtered or is suspect is none.
export async function readAffiliateMetrics(
  tx: ReadTx,
  of: { readonly affiliateId: string; readonly mode: Mode; readonly range: InstantRange },
): Promise<AffiliateMetrics> {
  const { rows } = await tx.raw<{ rows: AffiliateMetrics[] }>(
    `select
       (select count(*)::int from clicks where affiliate_id = :affiliateId and mode = :mode and credit <> 'filtered' and not suspect
          and created_at >= :from and created_at < :until) as clicks,
       (select count(*)::int from leads where affiliate_id = :affiliateId and mode = :mode
          and occurred_at >= :from and occurred_at < :until) as leads,
       (select count(*)::int from leads where affiliate_id = :affiliateId and mode = :mode and verdict in ('accepted', 'converted')
          and occurred_at >= :from and occurred_at < :until) as accepted,
       (select count(*)::int from sales where affiliate_id = :affiliateId and mode = :mode and status <> 'declined'
          and occurred_at >= :from and occurred_at < :until) as sales,
       (select count(*)::int from sales where affiliate_id = :affiliateId and mode = :mode and refunded_minor > 0
          and occurred_at >= :from and occurred_at < :until) as refunds,
       (select count(*)::int from risk_flags as flag
        left join referrals as referral on referral.workspace_id = flag.workspace_id and referral.id = flag.referral_id
        where flag.affiliate_id = :affiliateId and flag.dismissed_at is null
          and (flag.referral_id is null or referral.mode = :mode)) as flags,
       (select case when bool_or(newest.outcome = 'below') then 'below' when count(*) > 0 then 'met' end
        from program_standards as standard
        cross join lateral jsonb_to_recordset(standard.thresholds) as threshold (metric text, period text)
        join lateral (
          select result.outcome from standard_results as result
          where result.workspace_id = standard.workspace_id and result.affiliate_id = :affiliateId and result.program_id = standard.program_id
            and result.metric = threshold.metric and result.period = threshold.period
          order by result.period_from desc limit 1) as newest on true) as standard`,
    { affiliateId: of.affiliateId, mode: of.mode, from: of.range.from, until: of.range.until },
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a select without a table answers one row');
  return row;
}
