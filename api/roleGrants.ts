import { lockRolesInUse } from '../db/access/role.js';
import type { Tx } from '../db/transaction.js';
import { findRole, notGrantable } from '../domain/access/permission.js';
import { DomainError } from '../domain/errors.js';
import type { Caller } from './auth.js';
import { invalid } from './problems.js';

/**
 * Nobody grants what they do not hold (api.md 2), neither to a person nor to a group of the provider; a role of the workspace's own that is not
 * there is 422. `pointerOf` says where the role of that index stands in the body. Codes: `access.permission_missing`.
 */
export async function requireMayGrant(
  tx: Tx,
  caller: Caller,
  roleIds: readonly string[],
  pointerOf: (index: number) => string = (index) => `#/roleIds/${index}`,
): Promise<void> {
  const custom = await lockRolesInUse(tx, roleIds);
  roleIds.forEach((roleId, index) => {
    const role = findRole(roleId, custom);
    if (role === undefined)
      throw invalid({ pointer: pointerOf(index), code: 'not_found', detail: 'There is no such role.' });
    const missing = notGrantable(caller.grant, role);
    if (missing !== undefined) throw new DomainError('access.permission_missing', { missingPermission: missing });
  });
}
