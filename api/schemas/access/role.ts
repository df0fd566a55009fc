import { z } from 'zod';
import type { Role } from '../../../db/access/role.js';
import {
  mayAssignedReachHold,
  permissionAreas,
  permissions,
  presetIds,
  presets,
  type PresetId,
} from '../../../domain/access/permission.js';
import { instantWire, nameText } from '../wire.js';

export const roleWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('role'),
    name: z.string(),
    preset: z.boolean(),
    permissions: z.array(z.string()),
    reach: z.enum(['workspace', 'assigned']),
    limited: z.boolean(),
    /** `no_permissions`: who holds only this role can do nothing (ROL-08). */
    warnings: z.array(z.enum(['no_permissions'])),
    /** Presets are part of the program and have no version. */
    version: z.int().nullable(),
    createdAt: instantWire.nullable(),
    updatedAt: instantWire.nullable(),
  })
  .openapi('Role');

export const matrixWire = z
  .strictObject({
    object: z.literal('permission_matrix'),
    areas: z.array(z.strictObject({ area: z.string(), permissions: z.array(z.string()) })),
    /** Rights that a role with reach `assigned` cannot hold: their rows are not one affiliate's each (ROL-03). */
    wholeWorkspaceOnly: z.array(z.string()),
    roles: z.array(roleWire),
  })
  .openapi('PermissionMatrix');

const fields = {
  name: nameText,
  permissions: z.array(z.enum(permissions as readonly [string, ...string[]])).max(200),
  /** `assigned`: only affiliates, leads and resellers that are assigned to the person. */
  reach: z.enum(['workspace', 'assigned']),
  /** Decisions only up to the setting `reviewLimit`. */
  limited: z.boolean(),
};

export const newRoleBody = z.strictObject({
  ...fields,
  reach: fields.reach.default('workspace'),
  limited: fields.limited.default(false),
});
export const rolePatch = z.strictObject(fields).partial();

export function presentPreset(id: PresetId): z.output<typeof roleWire> {
  const { name, permissions: held, reach, limited } = presets[id];
  return {
    id,
    object: 'role',
    name,
    preset: true,
    permissions: [...held],
    reach,
    limited,
    warnings: [],
    version: null,
    createdAt: null,
    updatedAt: null,
  };
}

export function presentRole(role: Role): z.output<typeof roleWire> {
  return {
    id: role.id,
    object: 'role',
    name: role.name,
    preset: false,
    permissions: [...role.permissions],
    reach: role.reach,
    limited: role.limited,
    warnings: role.permissions.length === 0 ? ['no_permissions'] : [],
    version: role.version,
    createdAt: role.createdAt,
    updatedAt: role.updatedAt,
  };
}

export function presentRoles(custom: readonly Role[]): z.output<typeof roleWire>[] {
  return [...presetIds.map(presentPreset), ...custom.map(presentRole)];
}

export function presentMatrix(custom: readonly Role[]): z.output<typeof matrixWire> {
  return {
    object: 'permission_matrix',
    areas: Object.entries(permissionAreas).map(([area, held]) => ({ area, permissions: [...held] })),
    wholeWorkspaceOnly: permissions.filter((permission) => !mayAssignedReachHold(permission)),
    roles: presentRoles(custom),
  };
}
