import { lockInstallation } from '../../../db/access/firstOwner.js';
import { getSettings } from '../../../db/access/settings.js';
import { createWorkspace, getWorkspace, updateWorkspace } from '../../../db/access/workspace.js';
import { recordAudit } from '../../../db/audit/audit.js';
import { hasPicture } from '../../../db/tracking/media.js';
import { listWorkspaces } from '../../../db/directory.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  presentWorkspace,
  workspaceCreate,
  workspaceEntryWire,
  workspacePatch,
  workspaceWire,
} from '../../schemas/access/workspace.js';
import { listOf } from '../../schemas/wire.js';
import { fieldRefusal } from '../program/directDecision.js';
import { publicOrigin } from '../tracking/linkOrigin.js';
import type { Config } from '../../../platform/config.js';

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

const picturePath = /^\/t\/media\/([0-9a-f]{64})\.[a-z]+$/;

/** A page shows pictures of its own origin only: another one would learn who is here, and when (docs/decisions/0252). */
async function requireOwnPicture(tx: Tx, config: Config, logoUrl: string): Promise<void> {
  const { origin, pathname } = new URL(logoUrl);
  const own = [new URL(config.http.publicUrl).origin, await publicOrigin(tx, config)];
  const sha256 = picturePath.exec(pathname)?.[1];
  if (sha256 === undefined || !own.includes(origin) || !(await hasPicture(tx, sha256)))
    throw fieldRefusal('branding/logoUrl', 'not_found', 'A picture of your own library: upload it there first.');
}

const patch = defineRoute({
  method: 'PATCH',
  path: '/v1/workspace',
  summary: 'Change name, branding, features',
  permission: 'settings.write',
  body: workspacePatch,
  reply: workspaceWire,
  refuses: ['request.version_mismatch'],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const before = await getWorkspace(tx);
      ctx.requireVersion(before.version);
      const { name, resellerLabel, branding, features } = ctx.body;
      const logoUrl = branding?.logoUrl ?? null;
      if (logoUrl !== null && logoUrl !== before.branding['logoUrl']) await requireOwnPicture(tx, config, logoUrl);
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

const create = defineRoute({
  method: 'POST',
  path: '/v1/workspaces',
  summary: 'A further merchant; mails its owner an invitation',
  permission: 'instance.admin',
  body: workspaceCreate,
  reply: workspaceEntryWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx, deps) =>
    ctx.write(
      async (tx, act) => {
        const { name, ownerEmail } = ctx.body;
        await lockInstallation(tx);
        const known = (await listWorkspaces(deps.db)).find((one) => one.name.toLowerCase() === name.toLowerCase());
        if (known !== undefined)
          throw new DomainError('resource.already_exists', { field: 'name', existingId: known.id });
        // A workspace is a transaction of its own: this one sees only the caller's. Were it lost after that commit, the repeat would
        // find the name taken, with the id of what is there.
        const { workspaceId } = await createWorkspace(
          deps.db,
          deps.newId,
          {
            name,
            owner: { name: ownerEmail, email: ownerEmail },
            isFirst: false,
            ownerStatus: 'invited',
            invitedFrom: deps.config.http.publicUrl,
          },
          { actor: act.actor, requestId: act.requestId },
        );
        await recordAudit(tx, act, {
          objectType: 'workspace',
          objectId: workspaceId,
          seq: 1,
          event: 'created',
          changes: { name },
        });
        return answer({ id: workspaceId, object: 'workspace' as const, name }, { location: '/v1/workspaces' });
      },
      { wake: true },
    ),
});

export const workspaceRoutes: readonly Route[] = [getOne, patch, listAll, create];
