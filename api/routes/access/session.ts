import { z } from 'zod';
import { choosePassword, renewPasswordLink } from '../../../activities/reseller/customerAccount.js';
import {
  endSession,
  endSessions,
  findLogin,
  findLoginById,
  listMemberships,
  listSessions,
  markEmailVerified,
  markSteppedUp,
  type Membership,
  type SessionSummary,
  setPassword,
} from '../../../db/access/login.js';
import { getSettings } from '../../../db/access/settings.js';
import { mailOneTimeLink } from '../../../db/access/inviteMail.js';
import { findOneTimeToken, type OneTimeToken, takeOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { findSecondFactor } from '../../../db/access/secondFactor.js';
import { lockUser, updateUser } from '../../../db/access/user.js';
import { getWorkspace } from '../../../db/access/workspace.js';
import { findCustomerToken, listCustomerAccountsOfEmail } from '../../../db/directory.js';
import { readLaunch } from '../../../db/reads/reporting/consoleFacts.js';
import { inWorkspace, notify } from '../../../db/transaction.js';
import { passwordProblem } from '../../../domain/access/login.js';
import type { OneTimeKind } from '../../../domain/access/session.js';
import type { Act } from '../../../domain/act.js';
import { dateIn } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import type { LoginId, UserId, WorkspaceId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { hashToken, randomToken } from '../../../platform/secrets.js';
import type { Caller } from '../../auth.js';
import { challengeFor, checkCode, checkPassword, tooBusy } from '../../credentials.js';
import { invalid } from '../../problems.js';
import type { ApiDeps } from '../../deps.js';
import { definePublicRoute, defineRoute, type Route } from '../../route.js';
import type { PublicContext } from '../../routeContext.js';
import {
  acceptInviteBody,
  emailBody,
  loginBody,
  meWire,
  newPasswordBody,
  oneTimeBody,
  ownSessionWire,
  passwordBody,
  presentMe,
  presentOwnSession,
  receivedWire,
  sessionWire,
  signInWire,
  stepUpBody,
  switchBody,
} from '../../schemas/access/session.js';
import { idWire, listOf, noContent } from '../../schemas/wire.js';
import { clearSessionCookie, clearViewCookie, sessionAnswer, startSession } from '../../signIn.js';
import { confirmAffiliateAddress } from '../affiliate/addressVerification.js';
import { confirmNewEmail, tellOldAddress } from './loginEmail.js';

type AnyPublic = PublicContext<unknown, unknown, unknown>;
const used = (): DomainError => new DomainError('access.token_used_or_expired');

/** The token, if it is of one of these kinds and can still be used; 410 otherwise, whatever is wrong with it (F4). */
async function getToken(deps: ApiDeps, text: string, ...kinds: readonly OneTimeKind[]): Promise<OneTimeToken> {
  const token = await findOneTimeToken(deps.db, text);
  if (token === undefined || !token.isUsable || !kinds.includes(token.kind)) throw used();
  return token;
}

async function getMembership(deps: ApiDeps, loginId: LoginId, userId: UserId): Promise<Membership> {
  const memberships = await listMemberships(deps.db, loginId);
  const membership = memberships.find((candidate) => candidate.userId === userId);
  if (membership === undefined || membership.status === 'disabled') throw used();
  return membership;
}

/** 422 `weak_password`, with why. */
function requireStrong(password: string, personal: readonly string[]): void {
  const problem = passwordProblem(password, personal);
  if (problem === undefined) return;
  const detail = {
    too_short: 'At least 12 characters.',
    too_long: 'At most 256 characters.',
    common: 'This one is among those that are guessed first.',
  }[problem];
  throw new DomainError('access.weak_password', { detail });
}

async function hashPassword(deps: ApiDeps, password: string): Promise<string> {
  try {
    return await deps.passwords.hash(password);
  } catch (error) {
    throw tooBusy(error);
  }
}

/** The act of a person who has no session yet, in their own workspace. */
function ownAct(deps: ApiDeps, ctx: AnyPublic, workspaceId: WorkspaceId, userId: UserId, now: Instant): Act {
  return {
    workspaceId,
    mode: 'live',
    now,
    actor: { type: 'user', id: userId, userId },
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: ctx.requestId,
    newId: deps.newId,
  };
}

const oneTime = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/one-time',
  summary: 'Sign in by a one-time link',
  body: oneTimeBody,
  reply: signInWire,
  refuses: ['access.token_used_or_expired'],
  async handle(ctx, deps) {
    const token = await getToken(deps, ctx.body.token, 'sign_in');
    const membership = await getMembership(deps, token.loginId, token.userId);
    if (membership.status !== 'active') throw used();
    if (!(await takeOneTimeToken(deps.db, token.id))) throw used();
    await markEmailVerified(deps.db, token.loginId);
    return signInAs(deps, ctx, token.loginId, membership);
  },
});

const acceptInvite = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/accept-invite',
  summary: 'Accept an invitation and sign in',
  body: acceptInviteBody,
  reply: signInWire,
  refuses: ['access.token_used_or_expired', 'access.weak_password'],
  async handle(ctx, deps) {
    const token = await getToken(deps, ctx.body.token, 'invite');
    const membership = await getMembership(deps, token.loginId, token.userId);
    const { password } = ctx.body;
    if (password === undefined && membership.audience === 'staff')
      throw invalid({ pointer: '#/password', code: 'required', detail: 'Choose a password.' });
    if (password !== undefined) requireStrong(password, [membership.email, membership.name]);
    const hash = password === undefined ? undefined : await hashPassword(deps, password);
    await inWorkspace(deps.db, token.workspaceId, async (tx, now) => {
      const user = await lockUser(tx, token.userId);
      if (user === undefined || user.status === 'disabled' || !(await takeOneTimeToken(tx, token.id))) throw used();
      if (hash !== undefined) {
        await setPassword(tx, token.loginId, hash);
        // As with any other new password: whoever was on this login before may not be who chose it.
        await endSessions(tx, token.loginId);
      }
      await markEmailVerified(tx, token.loginId);
      if (user.status === 'invited') {
        const act = ownAct(deps, ctx, token.workspaceId, token.userId, now);
        await updateUser(tx, act, user, 'accepted', { status: 'active' });
      }
    });
    return signInAs(deps, ctx, token.loginId, membership);
  },
});

/** A session, or a challenge where the login has a second factor: a password or a link alone is then not enough (api.md 5). */
async function signInAs(deps: ApiDeps, ctx: AnyPublic, loginId: LoginId, membership: Membership) {
  const challenge = await challengeFor(deps, loginId, membership.userId);
  if (challenge !== undefined) return { next: 'totp' as const, challenge };
  return sessionAnswer(deps, membership, await startSession(deps, ctx.koa, loginId, membership));
}

const login = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/login',
  summary: 'Sign in by password',
  body: loginBody,
  reply: signInWire,
  refuses: ['access.invalid_credentials', 'access.too_many_attempts'],
  async handle(ctx, deps) {
    const loginId = await checkPassword(deps, ctx, ctx.body.email, ctx.body.password);
    const memberships = (await listMemberships(deps.db, loginId)).filter((one) => one.status === 'active');
    const membership = memberships.find((one) => one.audience === 'staff') ?? memberships[0];
    if (membership === undefined) throw new DomainError('access.invalid_credentials');
    return signInAs(deps, ctx, loginId, membership);
  },
});

/** Mails a link to the first active membership that fits; says nothing about whether there is one. */
async function mailLinkTo(
  deps: ApiDeps,
  ctx: AnyPublic,
  email: string,
  kind: 'reset' | 'sign_in',
  fits: (membership: Membership) => boolean,
): Promise<void> {
  const found = await findLogin(deps.db, email);
  const memberships = found === undefined ? [] : await listMemberships(deps.db, found.id);
  const membership = memberships.find((one) => one.status === 'active' && fits(one));
  if (found === undefined || membership === undefined) return;
  await inWorkspace(deps.db, membership.workspaceId, (tx, now) =>
    mailOneTimeLink(tx, ownAct(deps, ctx, membership.workspaceId, membership.userId, now), deps.newId, {
      kind,
      to: email,
      loginId: found.id,
      userId: membership.userId,
      workspaceName: membership.workspaceName,
      publicUrl: deps.config.http.publicUrl,
    }),
  );
  await notify(deps.db, 'outbox', '');
}

const signInLink = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/sign-in-link',
  summary: 'Mail a one-time link to a portal login',
  body: emailBody,
  reply: receivedWire,
  status: 202,
  refuses: ['request.rate_limited'],
  async handle(ctx, deps) {
    await mailLinkTo(deps, ctx, ctx.body.email, 'sign_in', (one) => one.audience !== 'staff');
    return { status: 'received' as const };
  },
});

const passwordReset = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/password-reset',
  summary: 'Mail a link to choose a new password',
  body: emailBody,
  reply: receivedWire,
  status: 202,
  refuses: ['request.rate_limited'],
  async handle(ctx, deps) {
    await mailLinkTo(deps, ctx, ctx.body.email, 'reset', () => true);
    await mailCustomers(deps, ctx, ctx.body.email);
    return { status: 'received' as const };
  },
});

const confirmReset = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/password-reset/confirm',
  summary: 'Choose a new password; ends all sessions',
  body: newPasswordBody,
  reply: noContent,
  refuses: ['access.token_used_or_expired', 'access.weak_password'],
  async handle(ctx, deps) {
    const ofCustomer = await findCustomerToken(deps.db, hashToken(ctx.body.token));
    if (ofCustomer !== undefined) return confirmOfCustomer(ctx, deps, ofCustomer);
    const token = await getToken(deps, ctx.body.token, 'reset');
    const membership = await getMembership(deps, token.loginId, token.userId);
    requireStrong(ctx.body.password, [membership.email, membership.name]);
    const hash = await hashPassword(deps, ctx.body.password);
    await inWorkspace(deps.db, token.workspaceId, async (tx, now) => {
      const user = await lockUser(tx, token.userId);
      if (user === undefined || user.status === 'disabled' || !(await takeOneTimeToken(tx, token.id))) throw used();
      await setPassword(tx, token.loginId, hash);
      await endSessions(tx, token.loginId);
      await updateUser(tx, ownAct(deps, ctx, token.workspaceId, token.userId, now), user, 'passwordChanged', {});
    });
    return undefined;
  },
});

/** A new link for each account of a customer under this address: the first one lasts 24 hours, and nobody else can give them another. */
async function mailCustomers(deps: ApiDeps, ctx: AnyPublic, email: string): Promise<void> {
  const accounts = await listCustomerAccountsOfEmail(deps.db, email);
  const language = ctx.koa.acceptsLanguages('en', 'de') === 'de' ? 'de' : 'en';
  for (const { workspaceId, customerAccountId, mode } of accounts)
    await inWorkspace(deps.db, workspaceId, async (tx, now) => {
      await renewPasswordLink(
        tx,
        { ...visitorAct(deps, ctx, workspaceId, now), mode },
        {
          customerAccountId,
          language,
          token: randomToken(),
          linkBase: deps.config.http.publicUrl,
        },
      );
    });
  if (accounts.length > 0) await notify(deps.db, 'outbox', '');
}

/** Who comes by a link and has no login of ours. */
function visitorAct(deps: ApiDeps, ctx: AnyPublic, workspaceId: WorkspaceId, now: Instant): Act {
  return {
    workspaceId,
    mode: 'live',
    now,
    actor: { type: 'visitor', id: null, userId: null },
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: ctx.requestId,
    newId: deps.newId,
  };
}

/** The customer of a merchant, whose account a lead opened: no login of ours, a password of that account (LED-12). */
async function confirmOfCustomer(
  ctx: PublicContext<unknown, unknown, { readonly token: string; readonly password: string }>,
  deps: ApiDeps,
  { workspaceId, isUsable }: { readonly workspaceId: WorkspaceId; readonly isUsable: boolean },
): Promise<undefined> {
  if (!isUsable) throw used();
  requireStrong(ctx.body.password, []);
  const hash = await hashPassword(deps, ctx.body.password);
  await inWorkspace(deps.db, workspaceId, async (tx, now) => {
    if (!(await choosePassword(tx, visitorAct(deps, ctx, workspaceId, now), ctx.body.token, hash))) throw used();
  });
  return undefined;
}

const verifyEmail = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/verify-email',
  summary: 'Confirm an e-mail address',
  body: oneTimeBody,
  reply: noContent,
  refuses: ['access.token_used_or_expired'],
  async handle(ctx, deps) {
    const token = await getToken(deps, ctx.body.token, 'verify_email');
    const actOf = (now: Instant) => ownAct(deps, ctx, token.workspaceId, token.userId, now);
    if ((await confirmAffiliateAddress(deps, token, actOf)) || (await confirmNewEmail(deps, token, actOf))) {
      await notify(deps.db, 'outbox', '');
      return undefined;
    }
    if (!(await takeOneTimeToken(deps.db, token.id))) throw used();
    await markEmailVerified(deps.db, token.loginId);
    return undefined;
  },
});

/** The session of a `session` route: the kernel has refused everybody else. */
function sessionOf(caller: Caller): NonNullable<Caller['session']> {
  if (caller.session === null) throw new DomainError('access.unauthenticated');
  return caller.session;
}

const me = defineRoute({
  method: 'GET',
  path: '/v1/me',
  summary: 'Who am I, and what may I do?',
  permission: 'any',
  reply: meWire,
  refuses: [],
  async handle(ctx, deps) {
    const { session } = ctx.caller;
    // A look at a portal leads nowhere else.
    const memberships =
      session === null || session.view !== null ? [] : await listMemberships(deps.db, session.loginId);
    const factor = session?.hasTotp === true ? await findSecondFactor(deps.db, session.loginId) : undefined;
    const { workspace, settings, launchedAt } = await ctx.read(async (tx) => ({
      workspace: await getWorkspace(tx),
      settings: (await getSettings(tx)).settings,
      launchedAt: await readLaunch(tx),
    }));
    const launchedOn = dateIn(settings.general.timeZone, launchedAt);
    return presentMe(ctx.caller, workspace, memberships, factor?.recoveryLeft ?? null, settings, launchedOn);
  },
});

const switchMembership = defineRoute({
  method: 'POST',
  path: '/v1/auth/switch',
  summary: 'Go on in another workspace or record of this login',
  permission: 'session',
  body: switchBody,
  reply: sessionWire,
  refuses: ['resource.not_found'],
  async handle(ctx, deps) {
    const session = sessionOf(ctx.caller);
    const memberships = await listMemberships(deps.db, session.loginId);
    const membership = memberships.find((one) => one.userId === ctx.body.membershipId && one.status === 'active');
    if (membership === undefined) throw new DomainError('resource.not_found');
    const started = await startSession(deps, ctx.koa, session.loginId, membership);
    await endSession(deps.db, session.loginId, session.sessionId);
    return sessionAnswer(deps, membership, started);
  },
});

/** A code where there is a second factor (BEY-35): a password that somebody watched is then not enough. */
async function proveAnew(
  deps: ApiDeps,
  ctx: Pick<AnyPublic, 'koa'>,
  session: NonNullable<Caller['session']>,
  given: { readonly password?: string; readonly code?: string },
): Promise<void> {
  if (given.code !== undefined) return checkCode(deps, ctx, session.loginId, given.code);
  const own = session.hasTotp ? undefined : await findLoginById(deps.db, session.loginId);
  if (own === undefined || given.password === undefined)
    throw new DomainError('access.invalid_credentials', {
      needs: 'code',
      detail: 'This needs a code of the second factor.',
    });
  await checkPassword(deps, ctx, own.email, given.password);
}

const stepUp = defineRoute({
  method: 'POST',
  path: '/v1/auth/step-up',
  summary: 'Confirm with the password, or a code of the second factor, that it is you',
  permission: 'session',
  body: stepUpBody,
  reply: noContent,
  refuses: ['access.invalid_credentials', 'access.too_many_attempts'],
  async handle(ctx, deps) {
    const session = sessionOf(ctx.caller);
    await proveAnew(deps, ctx, session, ctx.body);
    await markSteppedUp(deps.db, session.sessionId);
    return undefined;
  },
});

const logout = defineRoute({
  method: 'POST',
  path: '/v1/auth/logout',
  summary: 'End this session',
  permission: 'session',
  reply: noContent,
  refuses: [],
  async handle(ctx, deps) {
    const session = sessionOf(ctx.caller);
    await endSession(deps.db, session.loginId, session.sessionId);
    // Whoever ends a look at a portal goes on with the session of their own.
    if (session.view === null) clearSessionCookie(deps, ctx.koa);
    else clearViewCookie(deps, ctx.koa);
    return undefined;
  },
});

const changePassword = defineRoute({
  method: 'POST',
  path: '/v1/auth/password',
  summary: 'Choose another password; other sessions end',
  permission: 'session',
  stepUp: true,
  body: passwordBody,
  reply: noContent,
  refuses: ['access.weak_password', 'access.step_up_required'],
  async handle(ctx, deps) {
    const session = sessionOf(ctx.caller);
    requireStrong(ctx.body.password, [session.userEmail, session.userName]);
    const hash = await hashPassword(deps, ctx.body.password);
    return ctx.write(
      async (tx, act) => {
        await setPassword(tx, session.loginId, hash);
        await endSessions(tx, session.loginId, { except: session.sessionId });
        const user = await lockUser(tx, session.userId);
        if (user !== undefined) await updateUser(tx, act, user, 'passwordChanged', {});
        const { name } = await getWorkspace(tx);
        await tellOldAddress(tx, act, session.userEmail, name, 'password');
        return undefined;
      },
      { wake: true },
    );
  },
});

/** The sessions of a login; a session by a provider knows only those of staff of its workspace (docs/decisions/1160). */
async function listReached(deps: ApiDeps, session: NonNullable<Caller['session']>): Promise<readonly SessionSummary[]> {
  const sessions = await listSessions(deps.db, session.loginId);
  if (!session.byProvider) return sessions;
  return sessions.filter(
    (one) => one.workspaceId === session.workspaceId && (one.audience === 'staff' || one.viewedAffiliateId !== null),
  );
}

const ownSessions = defineRoute({
  method: 'GET',
  path: '/v1/sessions',
  summary: 'Where am I signed in?',
  permission: 'session',
  reply: listOf(ownSessionWire),
  refuses: [],
  async handle(ctx, deps) {
    const session = sessionOf(ctx.caller);
    const sessions = await listReached(deps, session);
    return { data: sessions.map((one) => presentOwnSession(one, session.sessionId)), nextCursor: null };
  },
});

const ownSession = defineRoute({
  method: 'GET',
  path: '/v1/sessions/:sessionId',
  summary: 'One of my sessions',
  permission: 'session',
  params: z.strictObject({ sessionId: idWire('session') }),
  reply: ownSessionWire,
  refuses: ['resource.not_found'],
  async handle(ctx, deps) {
    const session = sessionOf(ctx.caller);
    const sessions = await listReached(deps, session);
    const found = sessions.find((one) => one.id === ctx.params.sessionId);
    if (found === undefined) throw new DomainError('resource.not_found');
    return presentOwnSession(found, session.sessionId);
  },
});

const endOwnSession = defineRoute({
  method: 'DELETE',
  path: '/v1/sessions/:sessionId',
  summary: 'End one of my sessions',
  permission: 'session',
  params: z.strictObject({ sessionId: idWire('session') }),
  reply: noContent,
  refuses: ['resource.not_found'],
  async handle(ctx, deps) {
    const session = sessionOf(ctx.caller);
    const isReached = (await listReached(deps, session)).some((one) => one.id === ctx.params.sessionId);
    if (!isReached || !(await endSession(deps.db, session.loginId, ctx.params.sessionId)))
      throw new DomainError('resource.not_found');
    if (ctx.params.sessionId === session.sessionId) clearSessionCookie(deps, ctx.koa);
    return undefined;
  },
});

export const sessionRoutes: readonly Route[] = [
  oneTime,
  acceptInvite,
  login,
  signInLink,
  passwordReset,
  confirmReset,
  verifyEmail,
  me,
  switchMembership,
  stepUp,
  logout,
  changePassword,
  ownSessions,
  ownSession,
  endOwnSession,
];
