import { followMove } from '../../../activities/affiliate/move.js';
import { listUserNames } from '../../../db/access/userName.js';
import { getSettings } from '../../../db/access/settings.js';
import { findAffiliate, lockAffiliate, moveAffiliate } from '../../../db/affiliate/affiliate.js';
import { type Breach, insertBreach, listBreaches } from '../../../db/affiliate/breach.js';
import { insertEmailsOnce } from '../../../db/messaging/email.js';
import { insertNoticesOnce } from '../../../db/messaging/notice.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import type { Tx } from '../../../db/transaction.js';
import { affiliateActions, type Affiliate, decideAffiliateMove } from '../../../domain/affiliate/affiliate.js';
import { breachText, moveOf } from '../../../domain/affiliate/breach.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  breachBody,
  breachList,
  breachParams,
  breachQuery,
  breachWire,
  presentBreach,
} from '../../schemas/affiliate/breach.js';
import { decideHere } from '../program/directDecision.js';

const list = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/breaches',
  permission: 'affiliate.read',
  params: breachParams,
  query: breachQuery,
  reply: breachList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const { id } = await requireAffiliateInScope(tx, await findAffiliate(tx, ctx.params.affiliateId), ctx.scope);
      const breaches = await listBreaches(tx, id, page);
      const names = await listUserNames(
        tx,
        breaches.flatMap((breach) => breach.by.id ?? []),
      );
      return ctx.list(
        breaches,
        page,
        (breach) => presentBreach(breach, names),
        (breach) => ({ value: breach.createdAt, id: breach.id }),
      );
    });
  },
});

/** Tells the affiliate which policy it was, once per breach. A switch turns the mail off; the entry in the portal remains (SET-07). */
async function tell(tx: Tx, act: Act, affiliate: Affiliate, breach: Breach): Promise<void> {
  const event = moveOf(breach.action)?.event;
  const text = {
    onceKey: `affiliate_breach/${breach.id}`,
    kind: 'policy_breach',
    ...breachText(affiliate.language, breach),
  };
  await insertNoticesOnce(tx, act, [{ ...text, to: { affiliateId: affiliate.id } }]);
  const { settings } = await getSettings(tx);
  if (event !== undefined && settings.notifications[`affiliate.${event}`] === false) return;
  await insertEmailsOnce(tx, act, [{ ...text, recipient: affiliate.email }], 2);
}

/**
 * A breach with what follows (PRG-19): a warning, or the suspension or termination that its own route would make, with the policy as its
 * reason. Those two ask for the rights of their routes as well.
 */
const create = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/breaches',
  summary: 'Record a breach of a policy, and warn, suspend or terminate for it',
  permission: 'affiliate.write',
  params: breachParams,
  body: breachBody,
  reply: breachWire,
  status: 201,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'access.permission_missing',
    'access.step_up_required',
    'affiliate.already_decided',
    'affiliate.transition_not_allowed',
  ],
  handle: (ctx, { config }) =>
    ctx.write(
      async (tx, act) => {
        const { policy, evidence, action } = ctx.body;
        const move = moveOf(action);
        if (move !== undefined && !ctx.can('status.change'))
          throw new DomainError('access.permission_missing', { missingPermission: 'status.change' });
        if (action === 'termination' && !ctx.caller.isSteppedUp) throw new DomainError('access.step_up_required');
        const found = await lockAffiliate(tx, ctx.params.affiliateId);
        const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
        const breach = await insertBreach(tx, act, {
          id: act.newId('breach'),
          affiliateId: affiliate.id,
          policy,
          evidence,
          action,
        });
        if (move !== undefined) {
          const effect = await decideHere(ctx, tx, act, {
            verb: move.verb,
            objectType: 'affiliate',
            objectId: affiliate.id,
            decided: decideAffiliateMove(affiliate, move.event, []),
            allowedActions: affiliateActions(affiliate.status),
            reason: { reasonCode: 'staff_decision', note: `Breach of: ${policy}`, publicReason: policy },
            params: { breachId: breach.id },
          });
          const moved = await moveAffiliate(tx, effect, affiliate, move.event, {
            statusReason: `Breach of: ${policy}`,
            ...(action === 'termination' ? { approvedMoney: 'pay' as const } : {}),
          });
          await followMove(tx, effect, moved, move.event, {
            publicUrl: config.http.publicUrl,
            publicReason: policy,
          });
        }
        await tell(tx, act, affiliate, breach);
        const names = await listUserNames(
          tx,
          [breach.by.id].flatMap((id) => id ?? []),
        );
        return answer(presentBreach(breach, names), { location: `/v1/affiliates/${affiliate.id}/breaches` });
      },
      { wake: true },
    ),
});

export const breachRoutes: readonly Route[] = [list, create];
