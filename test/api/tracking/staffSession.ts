import { insertOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { inWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { browserOf, type Portal } from '../affiliate/portalWorld.js';
import type { EarningWorld } from '../earning/earningWorld.js';

/** The owner in a browser: a session by a one-time link, with its cookie and CSRF token. */
export async function signInBySession(world: EarningWorld): Promise<Pick<Portal, 'call'>> {
  const { api, ws } = world;
  const token = await inWorkspace(api.db, ws.id, (tx, now) =>
    insertOneTimeToken(tx, newId, now, {
      kind: 'sign_in',
      loginId: ws.owner.loginId,
      workspaceId: ws.id,
      userId: ws.owner.id,
    }),
  );
  return browserOf(world, await api.as(null, '/v1/auth/one-time', { body: { token } }));
}
