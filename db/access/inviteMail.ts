import type { Act } from '../../domain/act.js';
import type { OneTimeKind } from '../../domain/access/session.js';
import type { LoginId, NewId, UserId } from '../../domain/ids.js';
import { insertEmail } from '../messaging/email.js';
import type { Tx } from '../transaction.js';
import { insertOneTimeToken, type OfferedEmail, offerEmail, voidOneTimeTokens } from './oneTimeToken.js';

const texts: Readonly<
  Record<OneTimeKind, { readonly page: string; readonly subject: string; readonly lead: string; readonly life: string }>
> = {
  invite: {
    page: 'welcome',
    subject: 'You are invited',
    lead: 'You were invited. Open this page to accept and to choose a password:',
    life: '24 hours',
  },
  sign_in: { page: 'welcome', subject: 'Your sign-in link', lead: 'Open this page to sign in:', life: '30 minutes' },
  reset: {
    page: 'set-password',
    subject: 'Choose a new password',
    lead: 'Somebody asked for a new password for this address. If it was you, open this page:',
    life: '24 hours',
  },
  verify_email: {
    page: 'verify-email',
    subject: 'Confirm your address',
    lead: 'Open this page to confirm your e-mail address:',
    life: '24 hours',
  },
};

/** Mails a one-time link; older links of that kind stop working. Links come from PUBLIC_URL, never from a request. */
export async function mailOneTimeLink(
  tx: Tx,
  act: Act,
  newId: NewId,
  mail: {
    readonly kind: OneTimeKind;
    readonly to: string;
    readonly loginId: LoginId;
    readonly userId: UserId;
    readonly workspaceName: string;
    readonly publicUrl: string;
    /** Of `verify_email`: which address opening it confirms, and for whom. */
    readonly offer?: OfferedEmail;
  },
): Promise<void> {
  await voidOneTimeTokens(tx, mail.loginId, mail.kind);
  const token = await insertOneTimeToken(tx, newId, act.now, {
    kind: mail.kind,
    loginId: mail.loginId,
    workspaceId: act.workspaceId,
    userId: mail.userId,
  });
  if (mail.offer !== undefined) await offerEmail(tx, token, mail.offer);
  const { page, subject, lead, life } = texts[mail.kind];
  const link = `${mail.publicUrl}/${page}/${token}`;
  await insertEmail(tx, act, {
    kind: mail.kind,
    recipient: mail.to,
    subject: `${subject} (${mail.workspaceName})`,
    body: `${lead}\n\n${link}\n\nThe link works once, for ${life}.`,
    links: [link],
  });
}
