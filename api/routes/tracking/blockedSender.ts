import type { Context } from 'koa';
import { getSettings } from '../../../db/access/settings.js';
import { readWorkspace, type ReadTx, type Tx } from '../../../db/transaction.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import { isListed } from '../../auth.js';
import type { ApiDeps } from '../../deps.js';

/**
 * Is the caller's address one that staff have blocked (screens.md 3.14)? Asked of what anybody can send: forms, applications, scripts, pixels.
 * Such a call is answered as ever, so that its sender learns nothing, and kept as `spam`. Signed calls and keys are a merchant's own servers:
 * those end with their key.
 */
export async function isBlockedIn(
  tx: ReadTx | Tx,
  deps: Pick<ApiDeps, 'clientAddress'>,
  koa: Pick<Context, 'req'>,
): Promise<boolean> {
  const { blockedAddresses } = (await getSettings(tx)).settings.leads;
  return blockedAddresses.length > 0 && isListed(deps.clientAddress(koa.req), blockedAddresses);
}

/** The same where no transaction is open yet. */
export function isBlockedSender(
  deps: Pick<ApiDeps, 'clientAddress' | 'db'>,
  koa: Pick<Context, 'req'>,
  workspaceId: WorkspaceId,
): Promise<boolean> {
  return readWorkspace(deps.db, workspaceId, (tx) => isBlockedIn(tx, deps, koa));
}
