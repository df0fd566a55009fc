import { z } from 'zod';
import {
  deleteRole,
  findRoles,
  insertRole,
  listRoleHolders,
  listRoles,
  lockRole,
  type Role,
  type RoleBody,
  updateRole,
} from '../../../db/access/role.js';
import type { Tx } from '../../../db/transaction.js';
import {
  isPortalPermission,
  isPresetId,
  mayAssignedReachHold,
  notGrantable,
  type Permission,
  permissions,
  type Reach,
} from '../../../domain/access/permission.js';
import { DomainError } from '../../../domain/errors.js';
import type { Caller } from '../../auth.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  matrixWire,
  newRoleBody,
  presentMatrix,
  presentPreset,
  presentRole,
  presentRoles,
  rolePatch,
  roleWire,
} from '../../schemas/access/role.js';
import { listOf, noContent } from '../../schemas/wire.js';

const roleParams = z.strictObject({ roleId: z.string().max(100) });
const notFound = (): DomainError => new DomainError('resource.not_found');

/** The rights in the order of the matrix, once each. The portal's are for affiliates only. */
function ticked(wanted: readonly string[], reach: Reach): readonly Permission[] {
  const refuse = (index: number, detail: string): void => {
    if (index >= 0) throw invalid({ pointer: `#/permissions/${index}`, code: 'not_allowed_here', detail });
  };
  refuse(
    wanted.findIndex((one) => isPortalPermission(one as Permission)),
    'No right of staff.',
  );
  if (reach === 'assigned')
    refuse(
      wanted.findIndex((one) => !mayAssignedReachHold(one as Permission)),
      'Its rows are not one affiliate’s each: only a role that reaches the whole workspace can hold it.',
    );
  return permissions.filter((permission) => wanted.includes(permission));
}

/** Nobody grants what they do not hold (api.md 2): neither by making a role nor by adding to one. */
function requireHeld(caller: Caller, role: RoleBody): void {
  const missing = notGrantable(caller.grant, role);
  if (missing !== undefined) throw new DomainError('access.permission_missing', { missingPermission: missing });
}

async function lockOwnRole(tx: Tx, id: string): Promise<Role> {
  if (isPresetId(id))
    throw new DomainError('access.not_enabled', { detail: 'Presets are fixed: make a copy with other ticks.' });
  const role = await lockRole(tx, id);
  if (role === undefined) throw notFound();
  return role;
}

const matrix = defineRoute({
  method: 'GET',
  path: '/v1/permissions',
  summary: 'The permission matrix',
  permission: 'user.read',
  reply: matrixWire,
  refuses: [],
  handle: (ctx) => ctx.read(async (tx) => presentMatrix(await listRoles(tx))),
});

const list = defineRoute({
  method: 'GET',
  path: '/v1/roles',
  summary: 'Preset roles, then the workspace’s own',
  permission: 'user.read',
  reply: listOf(roleWire),
  refuses: [],
  handle: (ctx) => ctx.read(async (tx) => ({ data: presentRoles(await listRoles(tx)), nextCursor: null })),
});

const getOne = defineRoute({
  method: 'GET',
  path: '/v1/roles/:roleId',
  summary: 'One role with its permissions',
  permission: 'user.read',
  params: roleParams,
  reply: roleWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const { roleId } = ctx.params;
      if (isPresetId(roleId)) return presentPreset(roleId);
      const [role] = await findRoles(tx, [roleId]);
      if (role === undefined) throw notFound();
      return presentRole(role);
    }),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/roles',
  summary: 'A role of the workspace’s own: usually a copy of a preset with other ticks',
  permission: 'role.write',
  stepUp: true,
  body: newRoleBody,
  reply: roleWire,
  status: 201,
  refuses: ['access.permission_missing', 'resource.already_exists'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const { name, reach, limited } = ctx.body;
      const body: RoleBody = { name, reach, limited, permissions: ticked(ctx.body.permissions, reach) };
      requireHeld(ctx.caller, body);
      const role = await insertRole(tx, act, deps.newId('role'), body);
      return answer(presentRole(role), { location: `/v1/roles/${role.id}` });
    }),
});

const patch = defineRoute({
  method: 'PATCH',
  path: '/v1/roles/:roleId',
  summary: 'Other ticks: they count at once for everybody who holds the role',
  permission: 'role.write',
  stepUp: true,
  params: roleParams,
  body: rolePatch,
  reply: roleWire,
  refuses: [
    'resource.not_found',
    'access.permission_missing',
    'access.not_enabled',
    'resource.already_exists',
    'request.version_mismatch',
  ],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const role = await lockOwnRole(tx, ctx.params.roleId);
      ctx.requireVersion(role.version);
      const { name = role.name, reach = role.reach, limited = role.limited } = ctx.body;
      const held = ticked(ctx.body.permissions ?? role.permissions, reach);
      const next: RoleBody = { name, reach, limited, permissions: held };
      requireHeld(ctx.caller, next);
      return presentRole(await updateRole(tx, act, role, next));
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/roles/:roleId',
  summary: 'Delete a role that nobody holds',
  permission: 'role.write',
  stepUp: true,
  params: roleParams,
  reply: noContent,
  refuses: ['resource.not_found', 'resource.in_use', 'access.not_enabled', 'request.version_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const role = await lockOwnRole(tx, ctx.params.roleId);
      ctx.requireVersion(role.version);
      const usedBy = await listRoleHolders(tx, role.id);
      if (usedBy.length > 0)
        throw new DomainError('resource.in_use', {
          usedBy: [...usedBy],
          detail: `${usedBy.length} people or keys still hold it.`,
        });
      await deleteRole(tx, act, role);
      return undefined;
    }),
});

export const roleRoutes: readonly Route[] = [matrix, list, getOne, create, patch, remove];
