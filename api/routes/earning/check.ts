import { answerCheck } from '../../../activities/earning/check.js';
import { takeReferral } from '../../../activities/earning/referral.js';
import { recordDirectDecision } from '../../../db/audit/directDecision.js';
import { getReferralView, requireReferral } from '../../../db/reads/earning/referralList.js';
import { DomainError } from '../../../domain/errors.js';
import { defineRoute, type Route } from '../../route.js';
import { checkBody, checkParams, referralWire } from '../../schemas/earning/referral.js';
import { reasonOf } from '../../schemas/wire.js';
import { presentFor } from './referral.js';

/** A person's answer to a check: a row that the workflow reads, so one transaction, and the workflow is told. */
const answerByHand = defineRoute({
  method: 'POST',
  path: '/v1/referrals/:referralId/checks/:checkId',
  permission: 'check.write',
  params: checkParams,
  body: checkBody,
  reply: referralWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'check.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { status, evidence } = ctx.body;
        if (status === 'waived' && !ctx.can('check.waive'))
          throw new DomainError('access.permission_missing', { missingPermission: 'check.waive' });
        await requireReferral(tx, ctx, ctx.params.referralId);
        const referral = await takeReferral(tx, ctx.params.referralId);
        if (referral === undefined) throw new DomainError('resource.not_found');
        const reason = reasonOf(ctx.body);
        const mine = await recordDirectDecision(tx, act, {
          verb: status,
          objectType: 'check',
          objectId: ctx.params.checkId,
          ...reason,
          steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
        });
        await answerCheck(tx, mine, referral, ctx.params.checkId, { status, reasonCode: reason.reasonCode, evidence });
        return presentFor(ctx, await getReferralView(tx, referral.id), act.now);
      },
      { wake: true },
    ),
});

export const checkRoutes: readonly Route[] = [answerByHand];
