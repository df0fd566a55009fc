import { getSettings } from '../../../db/access/settings.js';
import { mailOneTimeLink } from '../../../db/access/inviteMail.js';
import { insertUser, lockUser, updateUser, type User } from '../../../db/access/user.js';
import { ensureLogin, getWorkspace } from '../../../db/access/workspace.js';
import { lockAffiliate } from '../../../db/affiliate/affiliate.js';
import type { Tx } from '../../../db/transaction.js';
import { type Contact, findContact } from '../../../db/tracking/contact.js';
import type { Act } from '../../../domain/act.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import { DomainError } from '../../../domain/errors.js';
import { emailKey } from '../../../domain/tracking/contactKey.js';
import { invalid } from '../../problems.js';

/**
 * Ties an affiliate's API user to a person: their login opens this affiliate's record in the portal, and no other (LED-13). Who was tied before
 * loses a login that came with the tie, unless they are the affiliate itself or another of its API users is theirs. Safe to repeat.
 *
 * Codes: `access.not_enabled` (the portal is off), `affiliate.affiliate_not_active`, and field errors of `contactId`.
 */
export async function tieContact(
  tx: Tx,
  act: Act,
  key: {
    readonly affiliateId: string | null;
    readonly contactId: string | null;
    readonly previousContactId: string | null;
    readonly publicUrl: string;
  },
): Promise<void> {
  const affiliate = key.affiliateId === null ? undefined : await lockAffiliate(tx, key.affiliateId);
  if (affiliate === undefined) {
    if (key.contactId === null) return;
    throw invalid({
      pointer: '#/contactId',
      code: 'not_allowed_here',
      detail: 'Only for an affiliate’s key: the contact’s login opens that affiliate’s portal.',
    });
  }
  const contact = key.contactId === null ? undefined : await findContact(tx, key.contactId);
  if (key.previousContactId !== null && contact?.id !== key.previousContactId)
    await untie(tx, act, affiliate, key.previousContactId);
  if (contact !== undefined) await letIn(tx, act, affiliate, contact, key.publicUrl);
}

async function letIn(tx: Tx, act: Act, affiliate: Affiliate, contact: Contact, publicUrl: string): Promise<void> {
  if (contact.email === null)
    throw invalid({
      pointer: '#/contactId',
      code: 'required',
      detail: 'The contact has no e-mail, and cannot sign in without one.',
    });
  const known = await findOf(tx, affiliate, contact.email);
  if (known !== undefined && known.status !== 'disabled') return;
  const { settings } = await getSettings(tx);
  if (!settings.affiliates.portalEnabled) throw new DomainError('access.not_enabled', { capability: 'portal' });
  if (affiliate.status !== 'approved')
    throw new DomainError('affiliate.affiliate_not_active', { affiliateStatus: affiliate.status });
  const user =
    known === undefined
      ? await insertUser(tx, act, {
          id: act.newId('user'),
          loginId: await ensureLogin(tx, act.newId, contact.email),
          audience: 'affiliate',
          name: contact.name ?? affiliate.name,
          email: contact.email,
          roleIds: [],
          rights: ['view', 'manage'],
          affiliateId: affiliate.id,
          status: 'invited',
        })
      : await updateUser(tx, act, known, 'invited', { status: 'invited', rights: ['view', 'manage'] });
  await mailOneTimeLink(tx, act, act.newId, {
    kind: 'invite',
    to: user.email,
    loginId: user.loginId,
    userId: user.id,
    workspaceName: (await getWorkspace(tx)).name,
    publicUrl,
  });
}

async function untie(tx: Tx, act: Act, affiliate: Affiliate, contactId: string): Promise<void> {
  const contact = await findContact(tx, contactId);
  if (contact === undefined || contact.email === null || contact.id === affiliate.contactId) return;
  const others = await tx('api_keys')
    .where({ affiliate_id: affiliate.id, contact_id: contact.id })
    .whereNull('revoked_at')
    .count<{ count: string }[]>('* as count');
  // The key at hand still names its contact here: one more means another key does.
  if (Number(others[0]?.count ?? 0) > 1) return;
  const user = await findOf(tx, affiliate, contact.email);
  if (user !== undefined && user.status !== 'disabled')
    await updateUser(tx, act, user, 'disabled', { status: 'disabled' });
}

/** The login of this address in this affiliate's portal, locked. */
async function findOf(tx: Tx, affiliate: Affiliate, email: string): Promise<User | undefined> {
  const rows = await tx('users')
    .where({ affiliate_id: affiliate.id, audience: 'affiliate' })
    .orderBy('created_at')
    .select<{ readonly id: string; readonly email: string }[]>('id', 'email');
  const row = rows.find((one) => emailKey(one.email) === emailKey(email));
  return row === undefined ? undefined : lockUser(tx, row.id);
}
