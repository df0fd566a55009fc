import { z } from 'zod';
import type { Caller } from '../../auth.js';
import type { Membership, SessionSummary } from '../../../db/access/login.js';
import { findRole } from '../../../domain/access/permission.js';
import type { Settings } from '../../../domain/access/settings.js';
import { needsSecondFactor } from '../../../domain/access/session.js';
import type { SessionId } from '../../../domain/ids.js';
import type { Instant, LocalDate } from '../../../domain/time.js';
import { dateWire, emailWire, fieldIssue, idWire, instantWire, namedWire } from '../wire.js';

const audienceWire = z.enum(['staff', 'affiliate', 'reseller']);

/** Taken as it is, to the last character: trimming or normalising a password would change it. */
export const passwordField = z.string().min(1).max(1_024);
export const tokenField = z.string().regex(/^[A-Za-z0-9_-]{20,100}$/);

export const oneTimeBody = z.strictObject({ token: tokenField });
export const loginBody = z.strictObject({ email: emailWire, password: passwordField });
export const acceptInviteBody = z.strictObject({ token: tokenField, password: passwordField.exactOptional() });
export const emailBody = z.strictObject({ email: emailWire });
export const receivedWire = z.strictObject({ status: z.literal('received') });
export const newPasswordBody = z.strictObject({ token: tokenField, password: passwordField });
export const passwordBody = z.strictObject({ password: passwordField });
/** Six digits, or a recovery code as it was shown. */
export const codeField = z.string().min(6).max(40);
export const codeBody = z.strictObject({ code: codeField });
export const challengeBody = z.strictObject({ challenge: z.string().min(20).max(2_000), code: codeField });
/** One of the two; a person with a second factor is asked for a code. */
export const stepUpBody = z
  .strictObject({ password: passwordField.exactOptional(), code: codeField.exactOptional() })
  .check((context) => {
    const { password, code } = context.value;
    if (password === undefined && code === undefined)
      context.issues.push({ ...fieldIssue('required', 'A password or a code.', ['password']), input: context.value });
    if (password !== undefined && code !== undefined)
      context.issues.push({
        ...fieldIssue('not_allowed_here', 'Either a password or a code.', ['code']),
        input: context.value,
      });
  });
export const switchBody = z.strictObject({ membershipId: idWire('user') });

export const personWire = z.strictObject({
  id: idWire('user'),
  name: z.string(),
  email: z.string(),
  roleIds: z.array(z.string()),
});

/** Answer of a sign-in (api.md 5). */
export const sessionWire = z
  .strictObject({
    id: idWire('session'),
    object: z.literal('session'),
    audience: audienceWire,
    user: personWire,
    workspace: namedWire,
    csrfToken: z.string(),
    homePath: z.string(),
    expiresAt: instantWire,
  })
  .openapi('Session');

/** The password or link was right; a code of the second factor is still asked for. */
export const challengeWire = z
  .strictObject({ next: z.literal('totp'), challenge: z.string() })
  .openapi('SignInChallenge');
export const signInWire = z.union([sessionWire, challengeWire]);

/** Shown once, while a second factor is being set up. */
export const totpDraftWire = z
  .strictObject({ object: z.literal('totp_draft'), secret: z.string(), address: z.string(), qrSvg: z.string() })
  .openapi('TotpDraft');
export const recoveryCodesWire = z
  .strictObject({ object: z.literal('recovery_codes'), codes: z.array(z.string()) })
  .openapi('RecoveryCodes');

/** One of a person's own sessions. */
export const ownSessionWire = z.strictObject({
  id: idWire('session'),
  object: z.literal('session'),
  audience: audienceWire,
  workspaceId: idWire('workspace'),
  viewedAffiliateId: idWire('affiliate').nullable().meta({ description: 'Whose portal is looked at.' }),
  userAgent: z.string().nullable(),
  isCurrent: z.boolean(),
  lastSeenAt: instantWire,
  createdAt: instantWire,
  expiresAt: instantWire,
});

export function presentOwnSession(session: SessionSummary, currentId: string): z.output<typeof ownSessionWire> {
  const { viewedAffiliateId, lastSeenAt, createdAt, expiresAt, ...of } = session;
  return {
    id: of.id,
    object: 'session',
    audience: of.audience,
    workspaceId: of.workspaceId,
    viewedAffiliateId,
    userAgent: of.userAgent,
    isCurrent: of.id === currentId,
    lastSeenAt,
    createdAt,
    expiresAt,
  };
}

export const membershipWire = z.strictObject({
  id: idWire('user'),
  audience: audienceWire,
  workspace: namedWire,
  affiliateId: idWire('affiliate').nullable(),
});

/** Who am I, and what may I do (api.md 5)? Drives menus and buttons; the server judges each call again. */
export const meWire = z
  .strictObject({
    object: z.literal('me'),
    type: z.enum(['user', 'api_key']),
    user: personWire.nullable(),
    key: z.strictObject({ id: idWire('apiKey'), affiliateId: idWire('affiliate').nullable() }).nullable(),
    workspace: namedWire,
    /** The day, in the workspace's zone, of its first program; before there is one, of the workspace itself. */
    launchedOn: dateWire,
    audience: audienceWire,
    mode: z.enum(['live', 'test']),
    roles: z.array(namedWire),
    permissions: z.array(z.string()),
    steppedUp: z.boolean(),
    secondFactor: z
      .strictObject({
        enrolled: z.boolean(),
        required: z.boolean(),
        recoveryCodesLeft: z.int().nullable(),
        isOwn: z
          .boolean()
          .meta({ description: 'False: it guards more than this session reaches, and stays as it is.' }),
      })
      .nullable(),
    byProvider: z
      .boolean()
      .meta({ description: 'Signed in through the company’s provider: nothing beside this workspace.' }),
    csrfToken: z.string().nullable(),
    features: z.record(z.string(), z.unknown()),
    homePath: z.string(),
    viewing: z
      .strictObject({ affiliate: namedWire, until: instantWire })
      .nullable()
      .meta({ description: 'Staff who look at the portal of this affiliate, and until when.' }),
    memberships: z.array(membershipWire),
  })
  .openapi('Me');

/** Where signing in leads, by role; the workspace says which page of its surface (PRT-11). */
function homePathOf(audience: Membership['audience'], settings: Settings): string {
  switch (audience) {
    case 'staff':
      return settings.general.consoleHome === 'home' ? '/' : `/${settings.general.consoleHome}`;
    case 'affiliate':
      return settings.affiliates.portalHome === 'home' ? '/portal' : `/portal/${settings.affiliates.portalHome}`;
    case 'reseller':
      return '/reseller';
    default:
      return audience satisfies never;
  }
}

export function presentSession(
  membership: Membership,
  session: { readonly id: SessionId; readonly csrfToken: string; readonly expiresAt: Instant },
  settings: Settings,
): z.output<typeof sessionWire> {
  return {
    id: session.id,
    object: 'session',
    audience: membership.audience,
    user: { id: membership.userId, name: membership.name, email: membership.email, roleIds: [...membership.roleIds] },
    workspace: { id: membership.workspaceId, name: membership.workspaceName },
    csrfToken: session.csrfToken,
    homePath: homePathOf(membership.audience, settings),
    expiresAt: session.expiresAt,
  };
}

function isOwnOf(session: { readonly userId: string }, membership: Membership): boolean {
  return membership.userId === session.userId;
}

export function presentMe(
  caller: Caller,
  workspace: { readonly id: string; readonly name: string; readonly features: Readonly<Record<string, unknown>> },
  memberships: readonly Membership[],
  recoveryCodesLeft: number | null,
  settings: Settings,
  launchedOn: LocalDate,
): z.output<typeof meWire> {
  const { session, key } = caller;
  const custom = session?.customRoles ?? key?.customRoles ?? [];
  const view = session?.view ?? null;
  const roleIds = view !== null ? [] : (session?.roleIds ?? key?.creatorRoleIds ?? []);
  return {
    object: 'me',
    type: session === null ? 'api_key' : 'user',
    user:
      session === null
        ? null
        : { id: session.userId, name: session.userName, email: session.userEmail, roleIds: [...roleIds] },
    key: key === null ? null : { id: key.keyId, affiliateId: key.affiliateId },
    workspace: { id: workspace.id, name: workspace.name },
    launchedOn,
    audience: caller.audience,
    mode: caller.mode,
    roles: roleIds.map((id) => ({ id, name: findRole(id, custom)?.name ?? id })),
    permissions: [...caller.grant.permissions].sort(),
    steppedUp: caller.isSteppedUp,
    secondFactor:
      session === null || view !== null
        ? null
        : {
            enrolled: session.hasTotp,
            // Whoever showed one at the company's provider is not asked to set up another.
            required:
              needsSecondFactor(session.audience, session.roleIds, session.totpRequiredFor) &&
              (session.hasTotp || !session.factorShown),
            recoveryCodesLeft,
            isOwn:
              !session.byProvider || memberships.every((one) => isOwnOf(session, one) || one.status === 'disabled'),
          },
    byProvider: session?.byProvider === true,
    csrfToken: session?.csrfToken ?? null,
    features: { ...workspace.features },
    homePath: homePathOf(caller.audience, settings),
    viewing:
      session === null || view === null
        ? null
        : { affiliate: { id: view.affiliateId, name: view.affiliateName }, until: session.expiresAt },
    memberships: memberships
      .filter((one) => one.status === 'active' && (session?.byProvider !== true || isOwnOf(session, one)))
      .map((membership) => ({
        id: membership.userId,
        audience: membership.audience,
        workspace: { id: membership.workspaceId, name: membership.workspaceName },
        affiliateId: membership.affiliateId,
      })),
  };
}
