import { z } from 'zod';
import { type PresetId, presetIds } from '../../../domain/access/permission.js';
import { defineRoute, type Route } from '../../route.js';
import { matrixWire, presentMatrix, presentRole, roleWire } from '../../schemas/access/role.js';
import { listOf } from '../../schemas/wire.js';

const matrix = defineRoute({
  method: 'GET',
  path: '/v1/permissions',
  summary: 'The permission matrix',
  permission: 'user.read',
  reply: matrixWire,
  refuses: [],
  handle: () => Promise.resolve(presentMatrix()),
});

const listRoles = defineRoute({
  method: 'GET',
  path: '/v1/roles',
  summary: 'Preset roles',
  permission: 'user.read',
  reply: listOf(roleWire),
  refuses: [],
  handle: () => Promise.resolve({ data: presetIds.map(presentRole), nextCursor: null }),
});

const getRole = defineRoute({
  method: 'GET',
  path: '/v1/roles/:roleId',
  summary: 'One role with its permissions',
  permission: 'user.read',
  params: z.strictObject({ roleId: z.enum(presetIds as readonly [PresetId, ...PresetId[]]) }),
  reply: roleWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => Promise.resolve(presentRole(ctx.params.roleId)),
});

export const roleRoutes: readonly Route[] = [matrix, listRoles, getRole];
