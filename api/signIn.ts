import type { Context } from 'koa';
import { recordPortalSignIn, stampFirstLogin } from '../db/affiliate/affiliate.js';
import { findSession } from '../db/directory.js';
import { inWorkspace, readWorkspace } from '../db/transaction.js';
import { rememberDevice } from '../db/tracking/device.js';
import { insertProviderSession, insertSession, type Membership } from '../db/access/login.js';
import { getSettings } from '../db/access/settings.js';
import { sessionEnds, sessionLimits } from '../domain/access/session.js';
import type { Act } from '../domain/act.js';
import { DomainError } from '../domain/errors.js';
import { type LoginId, parseId, type SessionId } from '../domain/ids.js';
import type { Instant } from '../domain/time.js';
import { clockNow } from '../platform/clock.js';
import { hashToken, randomToken } from '../platform/secrets.js';
import { readCookie, sessionCookieName, viewCookieName } from './auth.js';
import { deviceOf } from './device.js';
import type { RequestState } from './requestContext.js';
import type { ApiDeps } from './deps.js';
import { presentSession } from './schemas/access/session.js';
import { clickCookie } from './routes/tracking/click.js';

const longestUserAgent = 300;

/**
 * A new session of a person in one of their memberships, and its cookie; `byProvider` where the workspace's provider let them in, and whether a
 * second factor was shown. `access.token_used_or_expired` when they were removed meanwhile.
 */
export async function startSession(
  deps: ApiDeps,
  koa: Context,
  loginId: LoginId,
  membership: Membership,
  byProvider: { readonly factorShown: boolean } | null = null,
): Promise<{ readonly id: SessionId; readonly csrfToken: string; readonly expiresAt: Instant }> {
  const token = randomToken();
  const session = {
    id: deps.newId('session'),
    csrfToken: randomToken(),
    expiresAt: sessionEnds(membership.audience, clockNow()),
  };
  const row = {
    ...session,
    tokenHash: hashToken(token),
    loginId,
    workspaceId: membership.workspaceId,
    userId: membership.userId,
    audience: membership.audience,
    userAgent: userAgentOf(koa),
  };
  if (byProvider === null) await insertSession(deps.db, row);
  else await insertProviderSession(deps.db, row, byProvider.factorShown);
  if ((await findSession(deps.db, hashToken(token))) === undefined)
    throw new DomainError('access.token_used_or_expired');
  if (membership.audience === 'affiliate' && membership.affiliateId !== null)
    await rememberPortalSignIn(deps, koa, { ...membership, loginId, sessionId: session.id });
  const { publicUrl } = deps.config.http;
  setCookie(deps, koa, sessionCookieName(publicUrl), token, sessionLimits[membership.audience].absoluteMs / 1_000);
  // Whoever signs in is seen as who signed in.
  if (readCookie(koa.req.headers.cookie, viewCookieName(publicUrl)) !== undefined) clearViewCookie(deps, koa);
  return session;
}

export function userAgentOf(koa: Context): string | null {
  return (
    koa
      .get('User-Agent')
      .replaceAll(/\p{Cc}/gu, ' ')
      .slice(0, longestUserAgent) || null
  );
}

/** The answer of a sign-in, with where it leads. */
export async function sessionAnswer(
  deps: ApiDeps,
  membership: Membership,
  session: Awaited<ReturnType<typeof startSession>>,
): Promise<ReturnType<typeof presentSession>> {
  const { settings } = await readWorkspace(deps.db, membership.workspaceId, (tx) => getSettings(tx));
  return presentSession(membership, session, settings);
}

/**
 * An entry of the history (AUD-11); the first time is stamped (PRT-12), and the device kept: what a later referral is compared with: does an
 * affiliate buy by its own link? (FRD-01)
 */
async function rememberPortalSignIn(
  deps: ApiDeps,
  koa: Context,
  of: Membership & { readonly loginId: LoginId; readonly sessionId: SessionId },
): Promise<void> {
  const { affiliateId, loginId, sessionId, userId, workspaceId } = of;
  if (affiliateId === null) return;
  const cookie = readCookie(koa.req.headers.cookie, clickCookie);
  await inWorkspace(deps.db, workspaceId, async (tx, now) => {
    const act: Act = {
      workspaceId,
      mode: 'live',
      now,
      actor: { type: 'user', id: userId, userId },
      cause: null,
      reasonCode: null,
      origin: null,
      requestId: (koa.state as RequestState).requestId,
      newId: deps.newId,
    };
    await rememberDevice(tx, now, {
      affiliateId,
      device: deviceOf(deps, koa),
      visitorClickId: cookie === undefined ? null : (parseId('click', cookie) ?? null),
    });
    await stampFirstLogin(tx, act, affiliateId);
    await recordPortalSignIn(tx, act, { loginId, affiliateId, sessionId });
  });
}

/** HttpOnly, SameSite=Lax, the whole site; Secure and `__Host-` on https (api.md 1.2). */
export function setCookie(deps: ApiDeps, koa: Context, name: string, token: string, lifeSeconds: number): void {
  const secure = deps.config.http.publicUrl.startsWith('https:') ? '; Secure' : '';
  koa.append('Set-Cookie', `${name}=${token}; Path=/; Max-Age=${lifeSeconds}; HttpOnly; SameSite=Lax${secure}`);
}

export function setViewCookie(deps: ApiDeps, koa: Context, token: string, lifeSeconds: number): void {
  setCookie(deps, koa, viewCookieName(deps.config.http.publicUrl), token, lifeSeconds);
}

export function clearViewCookie(deps: ApiDeps, koa: Context): void {
  setCookie(deps, koa, viewCookieName(deps.config.http.publicUrl), '', 0);
}

export function clearSessionCookie(deps: ApiDeps, koa: Context): void {
  setCookie(deps, koa, sessionCookieName(deps.config.http.publicUrl), '', 0);
}
