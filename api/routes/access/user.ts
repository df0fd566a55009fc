import { z } from 'zod';
import { mailOneTimeLink } from '../../../db/access/inviteMail.js';
import { endSessions, listMemberships } from '../../../db/access/login.js';
import { removeSecondFactor } from '../../../db/access/secondFactor.js';
import { releaseSubject } from '../../../db/access/signInProvider.js';
import {
  countActiveWithRoles,
  findUser,
  findUserByLogin,
  insertUser,
  listAssignments,
  listUsers,
  lockOwners,
  lockUser,
  replaceAssignments,
  updateUser,
  type User,
} from '../../../db/access/user.js';
import { ensureLogin, getWorkspace } from '../../../db/access/workspace.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import { anyOf, anyText, listQuery } from '../../lists.js';
import { answer } from '../../answer.js';
import type { ApiDeps } from '../../deps.js';
import { requireMayGrant } from '../../roleGrants.js';
import { defineRoute, type Route } from '../../route.js';
import { inviteBody, presentUser, userPatch, userWire } from '../../schemas/access/user.js';
import { idWire, listOf, noContent } from '../../schemas/wire.js';

const userParams = z.strictObject({ userId: idWire('user') });

async function present(tx: ReadTx | Tx, user: User) {
  const assignments = await listAssignments(tx, [user.id]);
  return presentUser(user, assignments.get(user.id));
}

/** A workspace without an owner could never get one again. */
async function requireAnotherOwner(tx: Tx, user: User, roleIdsAfter: readonly string[]): Promise<void> {
  const losesOwner = user.roleIds.includes('owner') && user.status === 'active' && !roleIdsAfter.includes('owner');
  if (losesOwner && (await countActiveWithRoles(tx, ['owner'], user.id)) === 0)
    throw new DomainError('resource.in_use', { usedBy: ['last_owner'], detail: 'The last owner stays.' });
}

async function lockMember(tx: Tx, userId: string): Promise<User> {
  const user = await lockUser(tx, userId);
  if (user === undefined || user.status === 'disabled') throw new DomainError('resource.not_found');
  return user;
}

async function mailInvite(tx: Tx, act: Act, deps: ApiDeps, user: User): Promise<void> {
  const workspace = await getWorkspace(tx);
  await mailOneTimeLink(tx, act, deps.newId, {
    kind: 'invite',
    to: user.email,
    loginId: user.loginId,
    userId: user.id,
    workspaceName: workspace.name,
    publicUrl: deps.config.http.publicUrl,
  });
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/users',
  summary: 'People of this workspace',
  permission: 'user.read',
  query: listQuery(
    {
      status: anyOf(['invited', 'active', 'disabled']),
      audience: anyOf(['staff', 'affiliate', 'reseller']),
      roleId: anyText(),
    },
    { sort: ['createdAt', 'name', 'email'], q: true },
  ),
  reply: listOf(userWire),
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const page = ctx.page(ctx.query);
      const { status, audience, roleId, q } = ctx.query;
      const users = await listUsers(tx, page, {
        ...(status === undefined ? {} : { status }),
        ...(audience === undefined ? {} : { audience }),
        ...(roleId === undefined ? {} : { roleId }),
        ...(q === undefined ? {} : { q }),
      });
      const assignments = await listAssignments(
        tx,
        users.map((user) => user.id),
      );
      return ctx.list(
        users,
        page,
        (user) => presentUser(user, assignments.get(user.id)),
        (user) => ({
          value: page.sort === 'name' ? user.name : page.sort === 'email' ? user.email : user.createdAt,
          id: user.id,
        }),
      );
    }),
});

const getOne = defineRoute({
  method: 'GET',
  path: '/v1/users/:userId',
  summary: 'One person',
  permission: 'user.read',
  params: userParams,
  reply: userWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const user = await findUser(tx, ctx.params.userId);
      if (user === undefined || user.status === 'disabled') throw new DomainError('resource.not_found');
      return present(tx, user);
    }),
});

const invite = defineRoute({
  method: 'POST',
  path: '/v1/users',
  summary: 'Invite somebody by mail',
  permission: 'user.write',
  body: inviteBody,
  reply: userWire,
  status: 201,
  refuses: ['access.permission_missing', 'resource.already_exists'],
  handle: (ctx, deps) =>
    ctx.write(
      async (tx, act) => {
        const { email, name, roleIds, affiliateIds, resellerIds } = ctx.body;
        await requireMayGrant(tx, ctx.caller, roleIds);
        const loginId = await ensureLogin(tx, deps.newId, email);
        const before = await findUserByLogin(tx, loginId, 'staff');
        if (before !== undefined && before.status !== 'disabled')
          throw new DomainError('resource.already_exists', { field: 'email', existingId: before.id });
        const user =
          before === undefined
            ? await insertUser(tx, act, {
                id: deps.newId('user'),
                loginId,
                audience: 'staff',
                name,
                email,
                roleIds,
                status: 'invited',
              })
            : await updateUser(tx, act, before, 'invited', { name, roleIds, status: 'invited' });
        // Whoever comes back may be somebody else at the company's provider by now (docs/decisions/1160).
        if (before !== undefined) await releaseSubject(tx, before.id);
        await replaceAssignments(tx, user.id, 'affiliate', affiliateIds);
        await replaceAssignments(tx, user.id, 'reseller', resellerIds);
        await mailInvite(tx, act, deps, user);
        return answer(await present(tx, user), { location: `/v1/users/${user.id}` });
      },
      { wake: true },
    ),
});

const patch = defineRoute({
  method: 'PATCH',
  path: '/v1/users/:userId',
  summary: 'Change name, roles, assigned affiliates and resellers',
  permission: 'user.write',
  params: userParams,
  body: userPatch,
  reply: userWire,
  refuses: ['resource.not_found', 'access.permission_missing', 'resource.in_use', 'request.version_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      if (ctx.body.roleIds !== undefined) await lockOwners(tx);
      const user = await lockMember(tx, ctx.params.userId);
      ctx.requireVersion(user.version);
      const { name, roleIds, affiliateIds, resellerIds } = ctx.body;
      if (roleIds !== undefined) {
        // Taking a role away needs the right to give it: an admin must not unseat an owner.
        const changed = [...roleIds, ...user.roleIds].filter(
          (id) => roleIds.includes(id) !== user.roleIds.includes(id),
        );
        await requireMayGrant(tx, ctx.caller, changed);
        await requireAnotherOwner(tx, user, roleIds);
      }
      const after = await updateUser(tx, act, user, 'changed', {
        ...(name === undefined ? {} : { name }),
        ...(roleIds === undefined ? {} : { roleIds }),
      });
      if (affiliateIds !== undefined) await replaceAssignments(tx, user.id, 'affiliate', affiliateIds);
      if (resellerIds !== undefined) await replaceAssignments(tx, user.id, 'reseller', resellerIds);
      return present(tx, after);
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/users/:userId',
  summary: 'Remove access now: sessions and keys of this person stop working',
  permission: 'user.write',
  params: userParams,
  reply: noContent,
  refuses: ['resource.not_found', 'access.permission_missing', 'resource.in_use'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await lockOwners(tx);
      const user = await lockMember(tx, ctx.params.userId);
      await requireMayGrant(tx, ctx.caller, user.roleIds);
      await requireAnotherOwner(tx, user, []);
      await updateUser(tx, act, user, 'removed', { status: 'disabled' });
      await endSessions(tx, user.loginId, { userId: user.id });
      return undefined;
    }),
});

const received = z.strictObject({ status: z.literal('received') });

const inviteAgain = defineRoute({
  method: 'POST',
  path: '/v1/users/:userId/invite',
  summary: 'Mail the invitation again; the older link stops working',
  permission: 'user.write',
  stepUp: true,
  params: userParams,
  reply: received,
  status: 202,
  refuses: ['resource.not_found'],
  handle: (ctx, deps) =>
    ctx.write(
      async (tx, act) => {
        await mailInvite(tx, act, deps, await lockMember(tx, ctx.params.userId));
        return { status: 'received' as const };
      },
      { wake: true },
    ),
});

const endUserSessions = defineRoute({
  method: 'POST',
  path: '/v1/users/:userId/end-sessions',
  summary: 'End all sessions of this person now',
  permission: 'user.write',
  stepUp: true,
  params: userParams,
  reply: noContent,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const user = await lockMember(tx, ctx.params.userId);
      await endSessions(tx, user.loginId, { userId: user.id });
      await updateUser(tx, act, user, 'sessionsEnded', {});
      return undefined;
    }),
});

const resetTotp = defineRoute({
  method: 'POST',
  path: '/v1/users/:userId/reset-totp',
  summary: 'Take the second factor of this person away: the phone is lost. Their sessions end',
  permission: 'user.write',
  stepUp: true,
  params: userParams,
  reply: noContent,
  refuses: ['resource.not_found', 'access.permission_missing', 'resource.in_use'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const user = await lockMember(tx, ctx.params.userId);
      // It weakens their sign-in: only who could also give them their roles, and not for a login that guards another workspace too.
      await requireMayGrant(tx, ctx.caller, user.roleIds);
      const memberships = await listMemberships(deps.db, user.loginId);
      if (memberships.some((one) => one.workspaceId !== ctx.workspaceId && one.status === 'active'))
        throw new DomainError('resource.in_use', {
          usedBy: ['other_workspace'],
          detail: 'This login guards another workspace as well: they can use a recovery code.',
        });
      await removeSecondFactor(tx, user.loginId);
      await endSessions(tx, user.loginId, { userId: user.id });
      await updateUser(tx, act, user, 'secondFactorReset', {});
      return undefined;
    }),
});

export const userRoutes: readonly Route[] = [
  list,
  getOne,
  invite,
  patch,
  remove,
  inviteAgain,
  endUserSessions,
  resetTotp,
];
