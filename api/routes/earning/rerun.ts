import { getSaleView } from '../../../db/reads/earning/saleList.js';
import { DomainError, type DomainErrorCode } from '../../../domain/errors.js';
import { workflowIds } from '../../../workflows/contract.js';
import { decide } from '../../decide.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { presentSale, saleParams, type SaleReply, saleWire } from '../../schemas/earning/sale.js';
import { decisionBody, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';
import { saleActions } from './sale.js';

interface Verb {
  readonly path: 'rerun' | 'reject';
  readonly signal: 'reinstate' | 'reject';
  readonly summary: string;
  readonly isNegative: boolean;
  readonly refuses: readonly DomainErrorCode[];
}

const verbs: readonly Verb[] = [
  /** Judges a sale once more: what was rejected comes back, what earned nothing for a cause that is repaired earns now (COM-07, BEY-13). */
  {
    path: 'rerun',
    signal: 'reinstate',
    summary: 'Judge again: reinstates rejected commissions, never a second record',
    isNegative: false,
    refuses: [],
  },
  /** Rejects what it earned on every level at once, or nothing (COM-15). */
  {
    path: 'reject',
    signal: 'reject',
    summary: 'Reject what the sale earned, on every level',
    isNegative: true,
    refuses: ['sale.already_decided', 'commission.in_open_payout', 'commission.commission_blocked'],
  },
];

function saleDecision({ path, signal, summary, isNegative, refuses }: Verb): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/sales/:saleId/${path}`,
    summary,
    permission: 'commission.decide',
    params: saleParams,
    body: isNegative ? negativeDecisionBody : decisionBody,
    reply: saleWire,
    refuses: [
      'resource.not_found',
      'sale.transition_not_allowed',
      'commission.commission_paid',
      'access.over_limit',
      ...refuses,
    ],
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
          verb: signal,
          objectType: 'sales',
          objectId: id,
          workflowType: 'referral',
          workflowId: workflowIds.referral(ref),
          signal,
          input: ref,
          reason: reasonOf(ctx.body),
          check: async (tx) => {
            await getSaleView(tx, scope, ctx.mode, id);
          },
          present: async (tx) => {
            const view = await getSaleView(tx, scope, ctx.mode, id);
            return presentSale(view, saleActions(ctx, view));
          },
        },
      );
    },
  });
}

export const rerunRoutes: readonly Route[] = verbs.map(saleDecision);
