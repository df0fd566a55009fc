import { z } from 'zod';
import type { AffiliateMetrics } from '../../../db/reads/affiliate/affiliateMetrics.js';
import { millionths } from '../../../domain/money.js';
import type { LocalDate } from '../../../domain/time.js';
import { dateWire } from '../wire.js';

export const affiliateMetricsQuery = z.strictObject({ from: dateWire.exactOptional(), to: dateWire.exactOptional() });

/** The columns of the report `quality` (api.md 13) for one affiliate; shares in millionths, null where there is nothing to share. */
export const affiliateMetricsWire = z
  .strictObject({
    object: z.literal('affiliate_metrics'),
    affiliateId: z.string(),
    from: dateWire,
    to: dateWire,
    timeZone: z.string(),
    clicks: z.int(),
    leads: z.int(),
    accepted: z.int(),
    acceptRate: z.int().nullable(),
    sales: z.int(),
    refunds: z.int(),
    refundShare: z.int().nullable(),
    /** Sales per click. */
    conversionRate: z.int().nullable(),
    flags: z.int(),
    standard: z.enum(['met', 'below']).nullable(),
  })
  .openapi('AffiliateMetrics');

function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Number(millionths({ numerator: BigInt(part), denominator: BigInt(whole) }));
}

export function presentAffiliateMetrics(
  metrics: AffiliateMetrics,
  of: { readonly affiliateId: string; readonly from: LocalDate; readonly to: LocalDate; readonly timeZone: string },
): z.output<typeof affiliateMetricsWire> {
  return {
    object: 'affiliate_metrics',
    affiliateId: of.affiliateId,
    from: of.from,
    to: of.to,
    timeZone: of.timeZone,
    clicks: metrics.clicks,
    leads: metrics.leads,
    accepted: metrics.accepted,
    acceptRate: shareOf(metrics.accepted, metrics.leads),
    sales: metrics.sales,
    refunds: metrics.refunds,
    refundShare: shareOf(metrics.refunds, metrics.sales),
    conversionRate: shareOf(metrics.sales, metrics.clicks),
    flags: metrics.flags,
    standard: metrics.standard,
  };
}
