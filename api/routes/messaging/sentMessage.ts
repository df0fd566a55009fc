import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { requireReferral } from '../../../db/reads/earning/referralList.js';
import { listSentMessages } from '../../../db/reads/messaging/sentMessages.js';
import { defineRoute, type Route } from '../../route.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import { referralParams } from '../../schemas/earning/referral.js';
import { presentSentMessage, sentMessageList, sentMessageQuery } from '../../schemas/messaging/sentMessage.js';

function searchOf({ q }: { readonly q?: string }): { readonly q?: string } {
  return q === undefined ? {} : { q };
}

/** Mails and notices that were sent because of a referral (screens.md 4). */
const ofReferral = defineRoute({
  method: 'GET',
  path: '/v1/referrals/:referralId/messages',
  summary: 'Mails and notices sent because of this referral',
  permission: 'referral.read',
  params: referralParams,
  query: sentMessageQuery,
  reply: sentMessageList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const referral = await requireReferral(tx, ctx, ctx.params.referralId);
      // An affiliate's own key reads what the affiliate itself was told, never what staff were.
      const own = ctx.scope.kind === 'affiliate' ? await findAffiliate(tx, ctx.scope.affiliateId) : undefined;
      const of = own === undefined ? {} : { affiliate: own };
      const messages = await listSentMessages(tx, { referralId: referral.id, ...of, ...searchOf(ctx.query) }, page);
      return ctx.list(
        messages,
        page,
        (message) => presentSentMessage(message, own !== undefined || ctx.can('pii.read')),
        ({ createdAt, id }) => ({ value: createdAt, id }),
      );
    });
  },
});

/** What one affiliate was told, newest first (screens.md 3.5). */
const ofAffiliate = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/messages',
  summary: 'Mails to the affiliate’s address and notices in its portal',
  permission: 'affiliate.read',
  params: affiliateParams,
  query: sentMessageQuery,
  reply: sentMessageList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const affiliate = await requireAffiliateInScope(tx, await findAffiliate(tx, ctx.params.affiliateId), ctx.scope);
      const messages = await listSentMessages(tx, { affiliate, ...searchOf(ctx.query) }, page);
      return ctx.list(
        messages,
        page,
        (message) => presentSentMessage(message, ctx.can('pii.read')),
        ({ createdAt, id }) => ({ value: createdAt, id }),
      );
    });
  },
});

export const sentMessageRoutes: readonly Route[] = [ofReferral, ofAffiliate];
