import { findAffiliateByEmail, lockAffiliate, updateAffiliate } from '../../../db/affiliate/affiliate.js';
import {
  changeLoginEmail,
  endSessions,
  findLogin,
  findLoginById,
  listMemberships,
  type Membership,
} from '../../../db/access/login.js';
import { mailOneTimeLink } from '../../../db/access/inviteMail.js';
import { findOfferedEmail, type OneTimeToken, takeOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { lockUser, updateUser } from '../../../db/access/user.js';
import { getWorkspace } from '../../../db/access/workspace.js';
import { insertEmail } from '../../../db/messaging/email.js';
import { inWorkspace, type Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import type { SessionId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { ApiDeps } from '../../deps.js';
import { defineRoute, type Route } from '../../route.js';
import { emailBody, receivedWire } from '../../schemas/access/session.js';

// Another address for a login (PRT-06). It changes when the mail to the new one was opened: a typing error must not lock anybody out.

const changeEmail = defineRoute({
  method: 'POST',
  path: '/v1/auth/email',
  summary: 'Sign in by another address, once the mail to it was opened; other sessions end, the old address is told',
  permission: 'session',
  stepUp: true,
  body: emailBody,
  reply: receivedWire,
  status: 202,
  refuses: ['access.step_up_required'],
  handle: (ctx, deps) =>
    ctx.write(
      async (tx, act) => {
        const { session } = ctx.caller;
        if (session === null) throw new DomainError('access.unauthenticated');
        const { email } = ctx.body;
        const own = await findLoginById(tx, session.loginId);
        if (own === undefined) throw new DomainError('access.unauthenticated');
        const { name: workspaceName } = await getWorkspace(tx);
        await endSessions(tx, session.loginId, { except: session.sessionId });
        if (email === own.email) return { status: 'received' as const };
        // The same answer for an address that has a login already: it says nothing about other people (api.md 5). No mail goes there.
        const isFree = (await findLogin(tx, email)) === undefined;
        if (isFree)
          await mailOneTimeLink(tx, act, deps.newId, {
            kind: 'verify_email',
            to: email,
            loginId: session.loginId,
            userId: session.userId,
            workspaceName,
            publicUrl: deps.config.http.publicUrl,
            offer: { email, askedFor: session.sessionId },
          });
        await tellOldAddress(tx, act, own.email, workspaceName, 'asked');
        const user = await lockUser(tx, session.userId);
        if (user !== undefined) await updateUser(tx, act, user, 'emailChangeAsked', {});
        return { status: 'received' as const };
      },
      { wake: true },
    ),
});

const words = {
  password: {
    subject: 'Your password was changed',
    body: 'Somebody who is signed in as you chose a new password. All other sessions have ended.',
  },
  asked: {
    subject: 'Your sign-in address is about to change',
    body: 'Somebody who is signed in as you asked to sign in by another address from now on. It changes when the mail to that address is opened.',
  },
  changed: {
    subject: 'Your sign-in address was changed',
    body: 'You sign in by another address from now on. This one opens nothing any more.',
  },
} as const;

/** The old mailbox hears of it while its owner can still say no. */
export async function tellOldAddress(
  tx: Tx,
  act: Act,
  to: string,
  workspaceName: string,
  what: keyof typeof words,
): Promise<void> {
  const { subject, body } = words[what];
  await insertEmail(tx, act, {
    kind: `login_${what}`,
    recipient: to,
    subject: `${subject} (${workspaceName})`,
    body: `${body}\n\nIf it was not you, choose a new password at once and tell us.`,
    links: [],
  });
}

/**
 * What opening the mail does: the login gets the address, the person and the affiliate's record of it too, sessions but the one that asked
 * end. False when the link is a plain one, which only verifies. Codes: `access.token_used_or_expired`, also when somebody has the address by now.
 */
export async function confirmNewEmail(
  deps: ApiDeps,
  token: OneTimeToken,
  actOf: (now: Instant) => Act,
): Promise<boolean> {
  const offer = await findOfferedEmail(deps.db, token.id);
  if (offer === undefined) return false;
  const memberships = await listMemberships(deps.db, token.loginId);
  await inWorkspace(deps.db, token.workspaceId, async (tx, now) => {
    if (!(await takeOneTimeToken(tx, token.id))) throw new DomainError('access.token_used_or_expired');
    const old = await changeLoginEmail(tx, token.loginId, offer.email);
    if (old === undefined) throw new DomainError('access.token_used_or_expired');
    await endSessions(tx, token.loginId, { except: offer.askedFor as SessionId });
    const act = actOf(now);
    for (const one of memberships)
      if (one.workspaceId === token.workspaceId) await moveMembership(tx, act, one, old, offer.email);
    const name = memberships.find((one) => one.workspaceId === token.workspaceId)?.workspaceName ?? '';
    await tellOldAddress(tx, act, old, name, 'changed');
  });
  // In other workspaces the address is only shown: each of them is a transaction of its own.
  for (const one of memberships.filter(({ workspaceId }) => workspaceId !== token.workspaceId))
    await inWorkspace(deps.db, one.workspaceId, (tx, now) =>
      moveMembership(tx, { ...actOf(now), workspaceId: one.workspaceId }, one, one.email, offer.email),
    );
  return true;
}

async function moveMembership(tx: Tx, act: Act, membership: Membership, old: string, email: string): Promise<void> {
  if (membership.affiliateId !== null) {
    const affiliate = await lockAffiliate(tx, membership.affiliateId);
    // Another record may have the address: the login moves all the same, and staff see both.
    const isTaken = (await findAffiliateByEmail(tx, email)) !== undefined;
    if (affiliate !== undefined && !isTaken && affiliate.email.toLowerCase() === old.toLowerCase())
      await updateAffiliate(tx, act, affiliate, { email, emailVerifiedAt: act.now });
  }
  const user = await lockUser(tx, membership.userId);
  if (user !== undefined) await updateUser(tx, act, user, 'emailChanged', { email });
}

/** The address of a login (api.md 5). */
export const loginEmailRoutes: readonly Route[] = [changeEmail];
