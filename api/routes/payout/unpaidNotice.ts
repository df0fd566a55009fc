import { askUnpaid } from '../../../db/payout/unpaidNotice.js';
import { countUnpaid } from '../../../db/reads/payout/payoutRunPreview.js';
import { findRunView } from '../../../db/reads/payout/payoutRunView.js';
import { DomainError } from '../../../domain/errors.js';
import { defineRoute, type Route } from '../../route.js';
import { payoutRunParams, unpaidBody, unpaidWire } from '../../schemas/payout/payoutRun.js';

/** The request that a fixed plan sends by itself, by hand: for whoever got an address since, or was left out before there was one (PAY-16). */
const notifyUnpaid = defineRoute({
  method: 'POST',
  path: '/v1/payout-runs/:runId/notify-unpaid',
  permission: 'payout.prepare',
  params: payoutRunParams,
  body: unpaidBody,
  reply: unpaidWire,
  status: 202,
  refuses: ['resource.not_found', 'payout_run.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { runId } = ctx.params;
        const run = await findRunView(tx, ctx.mode, runId);
        if (run === undefined) throw new DomainError('resource.not_found');
        if (run.status === 'planning' || run.status === 'cancelled')
          throw new DomainError('payout_run.transition_not_allowed', { currentStatus: run.status, allowedActions: [] });
        return {
          object: 'payout_run_notification' as const,
          runId: run.id,
          notPaid: await countUnpaid(tx, { runId: run.id, planVersion: run.planVersion }),
          ...(await askUnpaid(tx, act, run)),
        };
      },
      { wake: true },
    ),
});

export const unpaidNoticeRoutes: readonly Route[] = [notifyUnpaid];
