import type { ReadTx } from '../../transaction.js';
import { listAffiliateFigures, noFigures } from '../reporting/affiliateFigures.js';
import type { ActivitySpan } from '../reporting/rollup.js';

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

type Standing = Pick<AffiliateMetrics, 'flags' | 'standard'>;

// What stands against these affiliates as of now (FRD-05)?
async function listStandings(
  tx: ReadTx,
  of: { readonly affiliateIds: readonly string[]; readonly mode: ActivitySpan['mode'] },
): Promise<ReadonlyMap<string, Standing>> {
  const { rows } = await tx.raw<{ rows: (Standing & { id: string })[] }>(
    `select affiliate.id,
       (select count(*)::int from risk_flags as flag
        left join referrals as referral on referral.workspace_id = flag.workspace_id and referral.id = flag.referral_id
        where flag.affiliate_id = affiliate.id and flag.dismissed_at is null
          and (flag.referral_id is null or referral.mode = :mode)) as flags,
       (select case when bool_or(newest.outcome = 'below') then 'below' when count(*) > 0 then 'met' end
        from program_standards as standard
        cross join lateral jsonb_to_recordset(standard.thresholds) as threshold (metric text, period text)
        join lateral (
          select result.outcome from standard_results as result
          where result.workspace_id = standard.workspace_id and result.affiliate_id = affiliate.id and result.program_id = standard.program_id
            and result.metric = threshold.metric and result.period = threshold.period
          order by result.period_from desc limit 1) as newest on true) as standard
     from unnest(cast(:ids as text[])) as affiliate (id)`,
    { mode: of.mode, ids: [...of.affiliateIds] },
  );
  return new Map(rows.map(({ id, flags, standard }) => [id, { flags, standard }]));
}

/** What these affiliates brought, and of what quality (FRD-05). A click that was filtered or is suspect is none. */
export async function listAffiliateMetrics(
  tx: ReadTx,
  span: ActivitySpan & { readonly affiliateIds: readonly string[] },
): Promise<ReadonlyMap<string, AffiliateMetrics>> {
  const figures = await listAffiliateFigures(tx, span);
  const standings = await listStandings(tx, span);
  return new Map(
    span.affiliateIds.map((id) => {
      const { validClicks, leads, acceptedLeads, sales, refundedSales } = figures.get(id) ?? noFigures;
      const { flags, standard } = standings.get(id) ?? { flags: 0, standard: null };
      const metrics = {
        leads,
        sales,
        flags,
        standard,
        clicks: validClicks,
        accepted: acceptedLeads,
        refunds: refundedSales,
      };
      return [id, metrics];
    }),
  );
}

/** The same of one; as the report `quality` has it (RPT-11). */
export async function readAffiliateMetrics(
  tx: ReadTx,
  of: {
    readonly affiliateId: string;
    readonly mode: ActivitySpan['mode'];
    readonly range: Pick<ActivitySpan, 'from' | 'until'>;
  },
): Promise<AffiliateMetrics> {
  const found = await listAffiliateMetrics(tx, { mode: of.mode, ...of.range, affiliateIds: [of.affiliateId] });
  const metrics = found.get(of.affiliateId);
  if (metrics === undefined) throw new Error('one affiliate has one row of figures');
  return metrics;
}
