import { getSaleView } from '../../../db/reads/earning/saleList.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import { presentSale, saleCreate, saleWire } from '../../schemas/earning/sale.js';
import { sourceOf } from './fact.js';
import { releaseWith } from './paymentIntake.js';
import { ownOf, saleActions, takeInSale } from './sale.js';

const report = defineRoute({
  method: 'POST',
  path: '/v1/sales',
  permission: 'sale.write',
  body: saleCreate,
  reply: saleWire,
  status: 202,
  refuses: ['resource.already_exists', 'sale.lines_do_not_sum', 'sale.currency_mismatch'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { sale, isNew } = await takeInSale(tx, act, ctx.body, {
          source: sourceOf(ctx.scope, ctx.body.source),
          channel: act.actor.type === 'user' ? 'manual' : 'api',
        });
        // Who also sends Stripe's events may have told of a refund before this sale was known (api.md 4.2).
        if (isNew) await releaseWith(tx, act, sale.externalId);
        const view = isNew
          ? { sale, commissionIds: [], hasOpenLines: false, campaign: null, ad: null }
          : await getSaleView(tx, { kind: 'workspace' }, ctx.mode, sale.id);
        return answer(presentSale(view, saleActions(ctx, view), ownOf(ctx)), {
          status: isNew ? 202 : 200,
          location: `/v1/sales/${sale.id}`,
        });
      },
      { wake: true },
    ),
});

export const saleReportRoutes: readonly Route[] = [report];
