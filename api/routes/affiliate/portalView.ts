import { insertPortalView } from '../../../db/access/login.js';
import { getSettings } from '../../../db/access/settings.js';
import { getWorkspace } from '../../../db/access/workspace.js';
import { findUser } from '../../../db/access/user.js';
import { lockAffiliate, recordPortalView } from '../../../db/affiliate/affiliate.js';
import { insertNoticesOnce } from '../../../db/messaging/notice.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { inWorkspace } from '../../../db/transaction.js';
import { portalViewMs } from '../../../domain/access/session.js';
import { portalViewText } from '../../../domain/affiliate/portalView.js';
import { DomainError } from '../../../domain/errors.js';
import type { UserId } from '../../../domain/ids.js';
import { addMs } from '../../../domain/time.js';
import { hashToken, randomToken } from '../../../platform/secrets.js';
import type { Caller } from '../../auth.js';
import { defineRoute, type Route } from '../../route.js';
import { presentSession, sessionWire } from '../../schemas/access/session.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import { impersonateBody } from '../../schemas/affiliate/portalView.js';
import { setViewCookie, userAgentOf } from '../../signIn.js';

/** What the view hangs on. A key for some addresses only opens none: the cookie would go on at any address. */
function openerOf({ session, key }: Caller) {
  if (session !== null) return session.sessionId;
  if (key !== null && !key.ipRestricted) return key.keyId;
  throw new DomainError('access.ip_not_allowed', { detail: 'A key for some addresses only opens no session.' });
}

const impersonate = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/impersonate',
  summary: 'Look at the portal of an affiliate, for 30 minutes and without a change; it is told who and why',
  permission: 'affiliate.impersonate',
  stepUp: true,
  params: affiliateParams,
  body: impersonateBody,
  reply: sessionWire,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'access.not_enabled',
    'access.step_up_required',
    'access.ip_not_allowed',
  ],
  async handle(ctx, deps) {
    const { reason } = ctx.body;
    const userId = ctx.actor.userId as UserId;
    const openedBy = openerOf(ctx.caller);
    const token = randomToken();
    const opened = await inWorkspace(deps.db, ctx.workspaceId, async (tx, now) => {
      const act = ctx.act(now);
      const found = await lockAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      const { settings } = await getSettings(tx);
      if (!settings.affiliates.portalEnabled) throw new DomainError('access.not_enabled', { capability: 'portal' });
      const user = await findUser(tx, userId);
      const view = { id: deps.newId('session'), csrfToken: randomToken() };
      const expiresAt = await insertPortalView(tx, {
        ...view,
        tokenHash: hashToken(token),
        workspaceId: ctx.workspaceId,
        userId,
        affiliateId: affiliate.id,
        openedBy,
        userAgent: userAgentOf(ctx.koa),
        expiresAt: addMs(now, portalViewMs),
      });
      if (user === undefined || expiresAt === undefined) throw new DomainError('resource.not_found');
      await recordPortalView(tx, act, affiliate, { sessionId: view.id, until: expiresAt, reason });
      const text = portalViewText(affiliate.language, { person: user.name, reason });
      await insertNoticesOnce(tx, { ...act, mode: 'live' }, [
        { ...text, to: { affiliateId: affiliate.id }, onceKey: `portal_view/${view.id}`, kind: 'portal_view' },
      ]);
      const { name: workspaceName } = await getWorkspace(tx);
      const membership = {
        id: user.id,
        userId: user.id,
        workspaceId: ctx.workspaceId,
        workspaceName,
        audience: 'affiliate' as const,
        status: 'active' as const,
        name: user.name,
        email: user.email,
        roleIds: [],
        rights: ['view'],
        affiliateId: affiliate.id,
        isInstanceAdmin: false,
      };
      return presentSession(membership, { ...view, expiresAt }, settings);
    });
    setViewCookie(deps, ctx.koa, token, portalViewMs / 1_000);
    return opened;
  },
});

export const portalViewRoutes: readonly Route[] = [impersonate];
