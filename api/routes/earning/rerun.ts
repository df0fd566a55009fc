import { getSaleView } from '../../../db/reads/earning/saleList.js';
import { DomainError } from '../../../domain/errors.js';
import { workflowIds } from '../../../workflows/contract.js';
import { decide } from '../../decide.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { presentSale, saleParams, type SaleReply, saleWire } from '../../schemas/earning/sale.js';
import { decisionBody, reasonOf } from '../../schemas/wire.js';

/** Judges a sale once more: what was rejected comes back, what earned nothing for a cause that is repaired earns now (COM-07, BEY-13). */
const rerun = defineRoute({
  method: 'POST',
  path: '/v1/sales/:saleId/rerun',
  summary: 'Judge again: reinstates rejected commissions, never a second record',
  permission: 'commission.decide',
  params: saleParams,
  body: decisionBody,
  reply: saleWire,
  refuses: ['resource.not_found', 'sale.transition_not_allowed', 'commission.commission_paid'],
  async handle(ctx, deps) {
    const id = ctx.params.saleId;
    const scope = ctx.scopeFor('sale.read');
    const { sale } = await ctx.read((tx) => getSaleView(tx, scope, ctx.mode, id));
    if (sale.referralId === null)
      throw new DomainError('sale.transition_not_allowed', { currentStatus: sale.status, reasonCode: 'no_touch' });
    const ref = { workspaceId: ctx.workspaceId, referralId: sale.referralId };
    return decide<unknown, unknown, unknown, SaleReply>(
      ctx as RouteContext<unknown, unknown, unknown, SaleReply>,
      deps,
      {
        verb: 'reinstate',
        objectType: 'sales',
        objectId: id,
        workflowType: 'referral',
        workflowId: workflowIds.referral(ref),
        signal: 'reinstate',
        input: ref,
        reason: reasonOf(ctx.body),
        check: async (tx) => {
          await getSaleView(tx, scope, ctx.mode, id);
        },
        present: async (tx) => presentSale(await getSaleView(tx, scope, ctx.mode, id), []),
      },
    );
  },
});

export const rerunRoutes: readonly Route[] = [rerun];
