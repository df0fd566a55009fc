import { getSettings } from '../../../db/access/settings.js';
import { getWorkspace, updateWorkspace } from '../../../db/access/workspace.js';
import { listWorkspaces } from '../../../db/directory.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { defineRoute, type Route } from '../../route.js';
import { presentWorkspace, workspaceEntryWire, workspacePatch, workspaceWire } from '../../schemas/access/workspace.js';
import { listOf } from '../../schemas/wire.js';

async function present(tx: ReadTx | Tx) {
  return presentWorkspace(await getWorkspace(tx), await getSettings(tx));
}

const getOne = defineRoute({
  method: 'GET',
  path: '/v1/workspace',
  summary: 'The workspace of this credential',
  permission: 'any',
  reply: workspaceWire,
  refuses: [],
  handle: (ctx) => ctx.read(present),
});

const patch = defineRoute({
  method: 'PATCH',
  path: '/v1/workspace',
  summary: 'Change name, branding, features',
  permission: 'settings.write',
  body: workspacePatch,
  reply: workspaceWire,
  refuses: ['request.version_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const before = await getWorkspace(tx);
      ctx.requireVersion(before.version);
      const { name, resellerLabel, branding, features } = ctx.body;
      await updateWorkspace(tx, act, {
        ...(name === undefined ? {} : { name }),
        ...(resellerLabel === undefined ? {} : { resellerLabel }),
        ...(branding === undefined ? {} : { branding: { ...before.branding, ...branding } }),
        ...(features === undefined ? {} : { features: { ...before.features, ...features } }),
      });
      return present(tx);
    }),
});

const listAll = defineRoute({
  method: 'GET',
  path: '/v1/workspaces',
  summary: 'The merchants of this installation',
  permission: 'instance.admin',
  reply: listOf(workspaceEntryWire),
  refuses: [],
  async handle(_ctx, deps) {
    const workspaces = await listWorkspaces(deps.db);
    return { data: workspaces.map(({ id, name }) => ({ id, object: 'workspace' as const, name })), nextCursor: null };
  },
});

export const workspaceRoutes: readonly Route[] = [getOne, patch, listAll];
