import { listOwnRecruits } from '../../../db/reads/affiliate/ownRecruits.js';
import { sum } from '../../../domain/money.js';
import { defineRoute, type Route } from '../../route.js';
import { ownRecruitList, presentOwnRecruit } from '../../schemas/affiliate/ownRecruit.js';
import { portalRefusals, requireOwn } from './ownRecord.js';

const recruits = defineRoute({
  method: 'GET',
  path: '/v1/me/recruits',
  summary: 'How many affiliates were recruited, and what they earned the recruiter; nothing of their customers',
  permission: 'me.read',
  reply: ownRecruitList,
  refuses: portalRefusals,
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const { affiliate } = await requireOwn(tx, ctx, now);
      const rows = await listOwnRecruits(tx, affiliate.id, ctx.mode);
      const earned = rows.flatMap((row) => row.earned);
      const currencies = [...new Set(earned.map(({ currency }) => currency))].sort();
      const active = rows.filter((row) => row.active).length;
      return {
        data: rows.map(presentOwnRecruit),
        nextCursor: null,
        counts: { total: rows.length, byStatus: { active, inactive: rows.length - active } },
        sums: currencies.map((currency) =>
          sum(
            currency,
            earned.filter((amount) => amount.currency === currency),
          ),
        ),
      };
    }),
});

/** The recruiter's view (api.md 17). */
export const ownRecruitRoutes: readonly Route[] = [recruits];
