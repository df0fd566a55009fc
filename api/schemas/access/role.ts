import { z } from 'zod';
import {
  type Permission,
  permissionAreas,
  presetIds,
  presets,
  type PresetId,
} from '../../../domain/access/permission.js';

export const roleWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('role'),
    name: z.string(),
    preset: z.boolean(),
    permissions: z.array(z.string()),
    reach: z.enum(['workspace', 'assigned']),
    limited: z.boolean(),
  })
  .openapi('Role');

export const matrixWire = z
  .strictObject({
    object: z.literal('permission_matrix'),
    areas: z.array(z.strictObject({ area: z.string(), permissions: z.array(z.string()) })),
    roles: z.array(roleWire),
  })
  .openapi('PermissionMatrix');

export function presentRole(id: PresetId): z.output<typeof roleWire> {
  const preset = presets[id];
  const held: readonly Permission[] = preset.permissions;
  return {
    id,
    object: 'role',
    name: preset.name,
    preset: true,
    permissions: [...held],
    reach: preset.reach,
    limited: preset.limited,
  };
}

export function presentMatrix(): z.output<typeof matrixWire> {
  return {
    object: 'permission_matrix',
    areas: Object.entries(permissionAreas).map(([area, permissions]) => ({ area, permissions: [...permissions] })),
    roles: presetIds.map(presentRole),
  };
}
