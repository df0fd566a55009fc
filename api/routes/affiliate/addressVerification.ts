import { z } from 'zod';
import { affiliateOf, requestVerification } from '../../../activities/affiliate/addressVerification.js';
import { findLoginById, markEmailVerified } from '../../../db/access/login.js';
import { findOfferedEmail, type OneTimeToken, takeOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { lockAffiliate } from '../../../db/affiliate/affiliate.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { inWorkspace } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import type { Instant } from '../../../domain/time.js';
import type { ApiDeps } from '../../deps.js';
import { defineRoute, type Route } from '../../route.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import { confirmAddress } from './apply.js';

const verificationWire = z.strictObject({
  status: z
    .enum(['received', 'verified'])
    .meta({ description: '`verified`: the address is confirmed already, and no mail was sent.' }),
});

const request = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/request-verification',
  summary: 'Mail a link that confirms the affiliate’s address, 24 h; the older link stops working',
  permission: 'affiliate.write',
  params: affiliateParams,
  reply: verificationWire,
  status: 202,
  refuses: ['resource.not_found', 'access.not_in_scope', 'affiliate.transition_not_allowed'],
  handle: (ctx, { config }) =>
    ctx.write(
      async (tx, act) => {
        const found = await lockAffiliate(tx, ctx.params.affiliateId);
        const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
        const isMailed = await requestVerification(tx, act, affiliate, config.http.publicUrl);
        return { status: isMailed ? ('received' as const) : ('verified' as const) };
      },
      { wake: true },
    ),
});

/**
 * What opening that mail does: the address is shown to be theirs, and what waited for nothing else goes on. False when the link is of another
 * kind. Refuses with `access.token_used_or_expired`, also where the affiliate has another address by now.
 */
export async function confirmAffiliateAddress(
  deps: ApiDeps,
  token: OneTimeToken,
  actOf: (now: Instant) => Act,
): Promise<boolean> {
  const offer = await findOfferedEmail(deps.db, token.id);
  const affiliateId = offer === undefined ? undefined : affiliateOf(offer);
  if (offer === undefined || affiliateId === undefined) return false;
  await inWorkspace(deps.db, token.workspaceId, async (tx, now) => {
    const affiliate = await lockAffiliate(tx, affiliateId);
    const isTheirs = affiliate?.email === offer.email;
    if (!isTheirs || !(await takeOneTimeToken(tx, token.id))) throw new DomainError('access.token_used_or_expired');
    await confirmAddress(tx, actOf(now), deps.config, affiliateId);
  });
  const login = await findLoginById(deps.db, token.loginId);
  if (login?.email === offer.email) await markEmailVerified(deps.db, token.loginId);
  return true;
}

export const addressVerificationRoutes: readonly Route[] = [request];
