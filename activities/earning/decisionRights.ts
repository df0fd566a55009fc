import { findRoles } from '../../db/access/role.js';
import { getSettings } from '../../db/access/settings.js';
import { findUser } from '../../db/access/user.js';
import type { DecisionRecord } from '../../db/audit/decision.js';
import { readStake } from '../../db/reads/earning/referralStake.js';
import type { Tx } from '../../db/transaction.js';
import { can, grantOf, type Permission } from '../../domain/access/permission.js';
import { reviewLimit } from '../../domain/access/settings.js';
import { type Refused, refused } from '../../domain/decided.js';

/**
 * May who decided still decide this, and so much? The endpoint has looked already; a decision sent by hand is looked at here only, and its
 * `by` is a claim (temporal.md 3.7). Refuses with `access.permission_missing` and `access.over_limit`.
 */
export async function refuseWithoutRight(
  tx: Tx,
  decision: DecisionRecord,
  needed: readonly Permission[],
  stake: { readonly referralId: string; readonly commissionId: string | null },
): Promise<Refused | undefined> {
  if (decision.via === 'system') return undefined;
  const userId = decision.actor.userId;
  const user = userId === null ? undefined : await findUser(tx, userId);
  const isStaff = user?.audience === 'staff' && user.status === 'active';
  const roleIds = isStaff ? user.roleIds : [];
  const custom = await findRoles(tx, roleIds);
  const grant = grantOf(roleIds, { instanceAdmin: user?.isInstanceAdmin === true, custom });
  const missing = needed.find((permission) => !can(grant, permission));
  if (missing !== undefined) return refused('access.permission_missing', { missingPermission: missing });
  if (!needed.some((permission) => grant.limited.has(permission))) return undefined;
  const { settings } = await getSettings(tx);
  const sums = await readStake(tx, stake);
  const isOver = sums.some((sum) => sum.minor > reviewLimit(settings, sum.currency).minor);
  return isOver ? refused('access.over_limit') : undefined;
}
