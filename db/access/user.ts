import type { Act } from '../../domain/act.js';
import type { Audience } from '../../domain/access/session.js';
import type { AffiliateId, LoginId, UserId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keyset, type Page } from '../reads/keyset.js';
import { know, once, run } from '../pipeline.js';
import type { ReadTx, Tx } from '../transaction.js';

export type UserStatus = 'invited' | 'active' | 'disabled';

/** A person's membership of this workspace. */
export interface User {
  readonly id: UserId;
  readonly loginId: LoginId;
  readonly audience: Audience;
  readonly name: string;
  readonly email: string;
  readonly roleIds: readonly string[];
  readonly rights: readonly string[];
  readonly affiliateId: AffiliateId | null;
  readonly status: UserStatus;
  readonly isInstanceAdmin: boolean;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

interface UserRow {
  readonly id: UserId;
  readonly login_id: LoginId;
  readonly audience: Audience;
  readonly name: string;
  readonly email: string;
  readonly role_ids: string[];
  readonly rights: string[];
  readonly affiliate_id: AffiliateId | null;
  readonly status: UserStatus;
  readonly is_instance_admin: boolean;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function toUser(row: UserRow): User {
  return {
    id: row.id,
    loginId: row.login_id,
    audience: row.audience,
    name: row.name,
    email: row.email,
    roleIds: row.role_ids,
    rights: row.rights,
    affiliateId: row.affiliate_id,
    status: row.status,
    isInstanceAdmin: row.is_instance_admin,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export interface NewUser {
  readonly id: UserId;
  readonly loginId: LoginId;
  readonly audience: Audience;
  readonly name: string;
  readonly email: string;
  readonly roleIds: readonly string[];
  readonly rights?: readonly string[];
  readonly affiliateId?: AffiliateId;
  readonly status: UserStatus;
  readonly isInstanceAdmin?: boolean;
}

/** `resource.already_exists` (email) when the person is in already. */
export async function insertUser(tx: Tx, act: Act, user: NewUser): Promise<User> {
  const [row] = await tx('users')
    .insert({
      id: user.id,
      login_id: user.loginId,
      audience: user.audience,
      name: user.name,
      email: user.email,
      role_ids: [...user.roleIds],
      rights: [...(user.rights ?? [])],
      affiliate_id: user.affiliateId ?? null,
      status: user.status,
      is_instance_admin: user.isInstanceAdmin ?? false,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<UserRow[]>('*');
  await recordAudit(tx, act, {
    objectType: 'user',
    objectId: user.id,
    seq: 1,
    event: user.status === 'invited' ? 'invited' : 'created',
    to: user.status,
    changes: { audience: user.audience, roleIds: user.roleIds, affiliateId: user.affiliateId ?? null },
  });
  return toUser(row as UserRow);
}

export function findUser(tx: ReadTx | Tx, id: string): Promise<User | undefined> {
  return once(tx, ['users'], `user ${id}`, async () => {
    const [row] = await run<UserRow>(tx, 'select * from users where id = $1', [id]);
    return row === undefined ? undefined : toUser(row);
  });
}

/** Whoever decided, asked for before the decision was read: `findUser` then has him. */
export async function askUserOfDecision(tx: ReadTx | Tx, decisionId: string): Promise<void> {
  const [row] = await run<UserRow>(
    tx,
    'select * from users where id = (select actor_user_id from decisions where id = $1)',
    [decisionId],
  );
  if (row !== undefined) know(tx, ['users'], `user ${row.id}`, toUser(row));
}

/** Is this login a member already, as one of that audience? */
export async function findUserByLogin(
  tx: ReadTx | Tx,
  loginId: LoginId,
  audience: Audience,
): Promise<User | undefined> {
  const row = await tx('users').where({ login_id: loginId, audience }).first<UserRow | undefined>('*');
  return row === undefined ? undefined : toUser(row);
}

export async function lockUser(tx: Tx, id: string): Promise<User | undefined> {
  const row = await tx('users').where({ id }).forNoKeyUpdate().first<UserRow | undefined>('*');
  return row === undefined ? undefined : toUser(row);
}

export interface UserChange {
  readonly name?: string;
  readonly email?: string;
  readonly roleIds?: readonly string[];
  readonly rights?: readonly string[];
  readonly status?: UserStatus;
}

/** Changes a person under the lock of `lockUser`; `event` names it in the history. */
export async function updateUser(tx: Tx, act: Act, user: User, event: string, change: UserChange): Promise<User> {
  const [row] = await tx('users')
    .where({ id: user.id })
    .update({
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.email === undefined ? {} : { email: change.email }),
      ...(change.roleIds === undefined ? {} : { role_ids: [...change.roleIds] }),
      ...(change.rights === undefined ? {} : { rights: [...change.rights] }),
      ...(change.status === undefined ? {} : { status: change.status }),
      version: user.version + 1,
      updated_at: act.now,
    })
    .returning<UserRow[]>('*');
  await recordAudit(tx, act, {
    objectType: 'user',
    objectId: user.id,
    seq: user.version + 1,
    event,
    from: user.status,
    to: change.status ?? user.status,
    changes: {
      ...(change.name === undefined ? {} : { nameChanged: true }),
      ...(change.email === undefined ? {} : { emailChanged: true }),
      ...(change.roleIds === undefined ? {} : { roleIds: { from: user.roleIds, to: change.roleIds } }),
      ...(change.rights === undefined ? {} : { rights: { from: user.rights, to: change.rights } }),
    },
  });
  return toUser(row as UserRow);
}

/** Who belongs to this workspace? Removed people only when asked for by status. */
export async function listUsers(
  tx: ReadTx,
  page: Page,
  filter: {
    readonly status?: readonly string[];
    readonly audience?: readonly string[];
    readonly roleId?: readonly string[];
    readonly q?: string;
  },
): Promise<readonly User[]> {
  const query = keyset(tx('users'), page, { createdAt: 'created_at', name: 'name', email: 'email' });
  query.whereIn('status', filter.status ?? ['invited', 'active']);
  if (filter.audience !== undefined) query.whereIn('audience', filter.audience);
  if (filter.roleId !== undefined) query.whereRaw('role_ids && ?::text[]', [[...filter.roleId]]);
  if (filter.q !== undefined) {
    const literal = `%${filter.q.replaceAll(/[\\%_]/g, '\\$&')}%`;
    query.whereRaw('(name ilike :literal or email ilike :literal or id = :q)', { literal, q: filter.q });
  }
  const rows = await query.select<UserRow[]>('*');
  return rows.map(toUser);
}

/**
 * Whoever may take an owner away waits here for the others who do, before it locks a person: two owners who remove each other at once would both
 * see one left.
 */
export async function lockOwners(tx: Tx): Promise<void> {
  await tx.raw(
    `select pg_advisory_xact_lock(hashtextextended('owners/' || current_setting('tributary.workspace_id'), 0))`,
  );
}

/** How many active staff hold one of these roles: nobody may remove the last owner; four eyes counts approvers. */
export async function countActiveWithRoles(
  tx: ReadTx | Tx,
  roleIds: readonly string[],
  except?: string,
): Promise<number> {
  const query = tx('users')
    .where({ audience: 'staff', status: 'active' })
    .whereRaw('role_ids && ?::text[]', [[...roleIds]]);
  if (except !== undefined) query.whereNot({ id: except });
  const row = await query.first<{ count: bigint } | undefined>(tx.raw('count(*) as count'));
  return Number(row?.count ?? 0n);
}

/** Replaces the affiliates and resellers a person looks after. */
export async function replaceAssignments(
  tx: Tx,
  userId: UserId,
  objectType: 'affiliate' | 'reseller',
  objectIds: readonly string[],
): Promise<void> {
  await tx('user_assignments').where({ user_id: userId, object_type: objectType }).delete();
  if (objectIds.length === 0) return;
  await tx('user_assignments').insert(
    objectIds.map((objectId) => ({ user_id: userId, object_type: objectType, object_id: objectId })),
  );
}

export interface Assignments {
  readonly affiliateIds: readonly string[];
  readonly resellerIds: readonly string[];
}

export async function listAssignments(
  tx: ReadTx | Tx,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, Assignments>> {
  const rows = await tx('user_assignments')
    .whereIn('user_id', [...userIds])
    .orderBy('object_id')
    .select<{ user_id: string; object_type: string; object_id: string }[]>('user_id', 'object_type', 'object_id');
  return new Map(
    userIds.map((userId) => {
      const own = rows.filter((row) => row.user_id === userId);
      const of = (type: string) => own.filter((row) => row.object_type === type).map((row) => row.object_id);
      return [userId, { affiliateIds: of('affiliate'), resellerIds: of('reseller') }];
    }),
  );
}
