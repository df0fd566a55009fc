import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { isAffiliateInScope, requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import {
  type ActivityKind,
  activityKinds,
  listAffiliateActivity,
} from '../../../db/reads/affiliate/affiliateTimeline.js';
import type { ReadTx } from '../../../db/transaction.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import { DomainError } from '../../../domain/errors.js';
import { boundsOf } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import { activityList, activityQuery, presentActivity, rightToSee } from '../../schemas/affiliate/timeline.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'scopeFor'>;

/** What this reader may see of this affiliate, by the rights and rows of each kind. */
async function kindsSeen(ctx: Asking, tx: ReadTx, affiliate: Affiliate): Promise<readonly ActivityKind[]> {
  const seen: ActivityKind[] = [];
  for (const kind of activityKinds) {
    const right = rightToSee[kind];
    if (ctx.can(right) && (await isAffiliateInScope(tx, affiliate, ctx.scopeFor(right)))) seen.push(kind);
  }
  return seen;
}

const timeline = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/timeline',
  summary: 'What happened to an affiliate: sign-ins, status, links, payouts and what else is its own, by whom and why',
  permission: 'affiliate.read',
  params: affiliateParams,
  query: activityQuery,
  reply: activityList,
  refuses: ['resource.not_found', 'access.not_in_scope', 'access.permission_missing'],
  handle(ctx) {
    const { kind: asked } = ctx.query;
    const hidden = asked?.find((kind) => !ctx.can(rightToSee[kind]));
    if (hidden !== undefined)
      throw new DomainError('access.permission_missing', { missingPermission: rightToSee[hidden] });
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const found = await findAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      const kinds = (await kindsSeen(ctx, tx, affiliate)).filter((kind) => asked?.includes(kind) !== false);
      const { id: affiliateId } = affiliate;
      const filter = {
        affiliateId,
        mode: ctx.mode,
        kinds,
        q: ctx.query.q,
        createdAt: boundsOf(ctx.query, 'createdAt'),
      };
      const entries = kinds.length === 0 ? [] : await listAffiliateActivity(tx, filter, page);
      const isAffiliate = ctx.scope.kind === 'affiliate';
      return ctx.list(
        entries,
        page,
        (entry) => presentActivity(entry, isAffiliate),
        ({ at, id }) => ({ value: at, id }),
      );
    });
  },
});

/** The activity log of one affiliate (AUD-11, api.md 7.1). */
export const affiliateTimelineRoutes: readonly Route[] = [timeline];
