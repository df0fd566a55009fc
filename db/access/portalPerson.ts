import type { Act } from '../../domain/act.js';
import type { Affiliate } from '../../domain/affiliate/affiliate.js';
import type { AffiliateId, UserId } from '../../domain/ids.js';
import { DomainError } from '../../domain/errors.js';
import { insertEmail } from '../messaging/email.js';
import type { ReadTx, Tx } from '../transaction.js';
import { mailOneTimeLink } from './inviteMail.js';
import { endSessions } from './login.js';
import { insertUser, lockUser, updateUser, type User } from './user.js';
import { ensureLogin, getWorkspace } from './workspace.js';

/** What somebody may do in an affiliate's portal: a viewer reads only (screens.md 2). */
export type PortalRight = 'view' | 'manage';

/** Somebody of an affiliate: with a login to its portal, or known by name and address only (api.md 8). */
export interface PortalPerson {
  readonly id: UserId;
  readonly name: string;
  readonly email: string;
  readonly status: User['status'];
  readonly rights: PortalRight;
  /** The login of the affiliate's own address. */
  readonly isOwn: boolean;
  readonly version: number;
  readonly createdAt: User['createdAt'];
  readonly updatedAt: User['updatedAt'];
}

type PersonRow = Pick<User, 'id' | 'name' | 'email' | 'status' | 'rights' | 'version' | 'createdAt' | 'updatedAt'>;

export function toPortalPerson(user: PersonRow, affiliate: Affiliate): PortalPerson {
  const { id, name, email, status, version, createdAt, updatedAt } = user;
  return {
    id,
    name,
    email,
    status,
    rights: user.rights.includes('manage') ? 'manage' : 'view',
    isOwn: email.toLowerCase() === affiliate.email.toLowerCase(),
    version,
    createdAt,
    updatedAt,
  };
}

const rightsOf = (right: PortalRight): readonly string[] => (right === 'manage' ? ['view', 'manage'] : ['view']);

/** Who was taken off the list has no right left; who has no access keeps the right that access would give. */
export async function listPortalPeople(tx: ReadTx | Tx, affiliate: Affiliate): Promise<readonly PortalPerson[]> {
  const rows = await tx('users')
    .where({ affiliate_id: affiliate.id, audience: 'affiliate' })
    .whereRaw(`not (status = 'disabled' and rights = '{}')`)
    .orderBy(['created_at', 'id'])
    .select<PersonRow[]>({
      id: 'id',
      name: 'name',
      email: 'email',
      status: 'status',
      rights: 'rights',
      version: 'version',
      createdAt: 'created_at',
      updatedAt: 'updated_at',
    });
  return rows.map((row) => toPortalPerson(row, affiliate));
}

/** Somebody of this affiliate under the lock; everybody else is not found. */
export async function lockPortalUser(tx: Tx, affiliateId: AffiliateId, id: string): Promise<User> {
  const user = await lockUser(tx, id);
  const isTheirs = user?.audience === 'affiliate' && user.affiliateId === affiliateId;
  if (!isTheirs || (user.status === 'disabled' && user.rights.length === 0))
    throw new DomainError('resource.not_found');
  return user;
}

/** `resource.already_exists` when this address is one of the affiliate's people already. */
export async function addPortalPerson(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  person: { readonly name: string; readonly email: string; readonly right: PortalRight; readonly access: boolean },
  publicUrl: string,
): Promise<User> {
  const { name, email, right, access } = person;
  const loginId = await ensureLogin(tx, act.newId, email);
  const row = await tx('users')
    .where({ affiliate_id: affiliate.id, audience: 'affiliate', login_id: loginId })
    .first<{ readonly id: string } | undefined>('id');
  const before = row === undefined ? undefined : await lockUser(tx, row.id);
  if (before !== undefined && !(before.status === 'disabled' && before.rights.length === 0))
    throw new DomainError('resource.already_exists', { field: 'email', existingId: before.id });
  const status = access ? ('invited' as const) : ('disabled' as const);
  const user =
    before === undefined
      ? await insertUser(tx, act, {
          id: act.newId('user'),
          loginId,
          audience: 'affiliate',
          name,
          email,
          roleIds: [],
          rights: rightsOf(right),
          affiliateId: affiliate.id,
          status,
        })
      : await updateUser(tx, act, before, status === 'invited' ? 'invited' : 'changed', {
          name,
          rights: rightsOf(right),
          status,
        });
  if (access) await letIn(tx, act, affiliate, user, publicUrl);
  return user;
}

/** Gives or takes access and rights. Access off ends their sessions at once; on again invites anew. */
export async function changePortalPerson(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  user: User,
  change: { readonly name?: string; readonly right?: PortalRight; readonly access?: boolean },
  publicUrl: string,
): Promise<User> {
  const hadAccess = user.status !== 'disabled';
  const access = change.access ?? hadAccess;
  const after = await updateUser(tx, act, user, access && !hadAccess ? 'invited' : 'changed', {
    ...(change.name === undefined ? {} : { name: change.name }),
    ...(change.right === undefined ? {} : { rights: rightsOf(change.right) }),
    ...(access === hadAccess ? {} : { status: access ? ('invited' as const) : ('disabled' as const) }),
  });
  if (hadAccess && !access) await endSessions(tx, user.loginId, { userId: user.id });
  if (access && !hadAccess) await letIn(tx, act, affiliate, after, publicUrl);
  return after;
}

export async function removePortalPerson(tx: Tx, act: Act, user: User): Promise<void> {
  await updateUser(tx, act, user, 'removed', { status: 'disabled', rights: [] });
  await endSessions(tx, user.loginId, { userId: user.id });
}

/** The invitation, and a word to the affiliate's own address: whoever can sign in there can see its money (T3). */
async function letIn(tx: Tx, act: Act, affiliate: Affiliate, user: User, publicUrl: string): Promise<void> {
  const { name: workspaceName } = await getWorkspace(tx);
  await mailOneTimeLink(tx, act, act.newId, {
    kind: 'invite',
    to: user.email,
    loginId: user.loginId,
    userId: user.id,
    workspaceName,
    publicUrl,
  });
  if (user.email.toLowerCase() === affiliate.email.toLowerCase()) return;
  const german = affiliate.language === 'de';
  await insertEmail(tx, act, {
    kind: 'portal_person_added',
    recipient: affiliate.email,
    subject: german ? 'Jemand wurde in Ihr Portal eingeladen' : 'Somebody was invited to your portal',
    body: (german
      ? [
          `Guten Tag ${affiliate.name},`,
          `${user.name} (${user.email}) wurde in Ihr Portal eingeladen.`,
          'Wenn Sie das nicht wollten, nehmen Sie den Zugang im Profil zurück und sagen Sie es uns.',
        ]
      : [
          `Hello ${affiliate.name},`,
          `${user.name} (${user.email}) was invited to your portal.`,
          'If you did not want this, take the access back in your profile and tell us.',
        ]
    ).join('\n\n'),
    links: [],
  });
}
