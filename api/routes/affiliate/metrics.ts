import { getSettings } from '../../../db/access/settings.js';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { readAffiliateMetrics } from '../../../db/reads/affiliate/affiliateMetrics.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { daysRange } from '../../../domain/calendar.js';
import { defineRoute, type Route } from '../../route.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import {
  affiliateMetricsQuery,
  affiliateMetricsWire,
  presentAffiliateMetrics,
} from '../../schemas/affiliate/metrics.js';
import { daysAsked } from '../reporting/ownReport.js';

/** The quality of one affiliate in figures (FRD-05): accepted of all leads, refunded sales, sales per click, open flags, its standard. */
const metrics = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/metrics',
  summary: 'What the affiliate brought and of what quality, by days of the workspace’s zone',
  permission: 'report.read',
  params: affiliateParams,
  query: affiliateMetricsQuery,
  reply: affiliateMetricsWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const affiliate = await requireAffiliateInScope(tx, await findAffiliate(tx, ctx.params.affiliateId), ctx.scope);
      const { timeZone } = (await getSettings(tx)).settings.general;
      const days = daysAsked(ctx.query, timeZone, now);
      const found = await readAffiliateMetrics(tx, {
        affiliateId: affiliate.id,
        mode: ctx.mode,
        range: daysRange(timeZone, days.from, days.to),
      });
      return presentAffiliateMetrics(found, { affiliateId: affiliate.id, ...days, timeZone });
    }),
});

export const affiliateMetricsRoutes: readonly Route[] = [metrics];
