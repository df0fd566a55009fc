import { mailOneTimeLink } from '../../db/access/inviteMail.js';
import type { OfferedEmail } from '../../db/access/oneTimeToken.js';
import { insertUser, lockUser, type User } from '../../db/access/user.js';
import { ensureLogin, getWorkspace } from '../../db/access/workspace.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import type { Affiliate } from '../../domain/affiliate/affiliate.js';
import { DomainError } from '../../domain/errors.js';
import { type AffiliateId, parseId } from '../../domain/ids.js';

/**
 * The person that a token of this address belongs to. One that has to be made is shut out and without a right: a link that shows whose an
 * address is opens no portal, and the approval lets in as if nobody had asked (activities/affiliate/onboard.ts).
 */
async function personOf(tx: Tx, act: Act, affiliate: Affiliate): Promise<Pick<User, 'id' | 'loginId'>> {
  const row = await tx('users')
    .where({ affiliate_id: affiliate.id, audience: 'affiliate' })
    .whereRaw('lower(email) = lower(?)', [affiliate.email])
    .orderBy(['created_at', 'id'])
    .first<{ readonly id: string } | undefined>('id');
  const known = row === undefined ? undefined : await lockUser(tx, row.id);
  return (
    known ??
    insertUser(tx, act, {
      id: act.newId('user'),
      loginId: await ensureLogin(tx, act.newId, affiliate.email),
      audience: 'affiliate',
      name: affiliate.name,
      email: affiliate.email,
      roleIds: [],
      rights: [],
      affiliateId: affiliate.id,
      status: 'disabled',
    })
  );
}

/**
 * Mails a link that confirms the affiliate's address (api.md 7.1); an older one stops working. False, and no mail, where it is confirmed already.
 * Refuses with `affiliate.transition_not_allowed` where nothing follows from it any more.
 */
export async function requestVerification(tx: Tx, act: Act, affiliate: Affiliate, publicUrl: string): Promise<boolean> {
  if (affiliate.status === 'declined' || affiliate.status === 'terminated')
    throw new DomainError('affiliate.transition_not_allowed', {
      currentStatus: affiliate.status,
      allowedActions: [],
    });
  if (affiliate.emailVerifiedAt !== null) return false;
  const person = await personOf(tx, act, affiliate);
  await mailOneTimeLink(tx, act, act.newId, {
    kind: 'verify_email',
    to: affiliate.email,
    loginId: person.loginId,
    userId: person.id,
    workspaceName: (await getWorkspace(tx)).name,
    publicUrl,
    offer: { email: affiliate.email, askedFor: affiliate.id },
  });
  return true;
}

/** The affiliate whose address the link confirms; undefined where it changes that of a login. */
export function affiliateOf(offer: OfferedEmail): AffiliateId | undefined {
  return parseId('affiliate', offer.askedFor);
}
