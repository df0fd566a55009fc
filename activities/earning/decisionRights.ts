import { findRoles } from '../../db/access/role.js';
import { getSettings } from '../../db/access/settings.js';
import { findUser } from '../../db/access/user.js';
import type { DecisionRecord } from '../../db/audit/decision.js';
import { readRaiseChain } from '../../db/earning/commission.js';
import { readStake } from '../../db/reads/earning/referralStake.js';
import { listHolders } from '../../db/reads/payout/payoutControls.js';
import type { Tx } from '../../db/transaction.js';
import { can, grantOf, type Permission } from '../../domain/access/permission.js';
import { manualEntryLimit, reviewLimit } from '../../domain/access/settings.js';
import type { Mode } from '../../domain/act.js';
import { type Refused, refused } from '../../domain/decided.js';
import { type Commission, isRaiseByHand, raisedAmount, standingAmount } from '../../domain/earning/commission.js';
import type { Money } from '../../domain/money.js';
import { type Approver, type FourEyes, judgeFourEyes } from '../../domain/payout/payoutRun.js';

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
  return refuseOverLimit(tx, await readStake(tx, stake));
}

async function refuseOverLimit(tx: Tx, sums: readonly Money[]): Promise<Refused | undefined> {
  const { settings } = await getSettings(tx);
  const isOver = sums.some(
    ({ minor, currency }) => (minor < 0n ? -minor : minor) > reviewLimit(settings, currency).minor,
  );
  return isOver ? refused('access.over_limit') : undefined;
}

/** An entry by hand has no workflow that would ask: may this person decide on so much? Refuses with `access.over_limit`. */
export async function refuseLargeEntry(tx: Tx, line: Commission, userId: string | null): Promise<Refused | undefined> {
  const user = userId === null ? undefined : await findUser(tx, userId);
  if (user === undefined) return undefined;
  const custom = await findRoles(tx, user.roleIds);
  const grant = grantOf(user.roleIds, { instanceAdmin: user.isInstanceAdmin === true, custom });
  if (!grant.limited.has('commission.decide')) return undefined;
  return refuseOverLimit(tx, [{ minor: await enteredMinor(tx, line), currency: line.currency }]);
}

/** Who decides on a line, and how they came. */
export type LineApprover = Pick<Approver, 'userId' | 'isKey' | 'steppedUp'>;

/** Of an act that approves nothing: nobody has to be a second person. */
export const noApprover: LineApprover = { userId: null, isKey: false, steppedUp: false };

export function approverIn({ actor, steppedUp }: Pick<DecisionRecord, 'actor' | 'steppedUp'>): LineApprover {
  return { userId: actor.userId, isKey: actor.type === 'api_key', steppedUp };
}

/** More than one person may enter by hand without a second one (setting `commissions.manualEntryLimit`). */
export async function isLargeEntry(tx: Tx, amount: Money): Promise<boolean> {
  const { settings } = await getSettings(tx);
  return (amount.minor < 0n ? -amount.minor : amount.minor) > manualEntryLimit(settings, amount.currency).minor;
}

/**
 * What stands of an entry by hand. A raise counts with the others of its line and with raises of those: many small ones, beside or on top of each
 * other, would pass any limit (BEY-04).
 */
async function enteredMinor(tx: Tx, line: Commission): Promise<bigint> {
  return isRaiseByHand(line) ? raisedAmount(await readRaiseChain(tx, line.id)) : standingAmount(line);
}

/** Would a raise that was rejected be, beside those that stand in its chain, more than one person may enter? */
export async function isLargeRaise(tx: Tx, line: Commission): Promise<boolean> {
  if (!isRaiseByHand(line)) return false;
  const others = (await readRaiseChain(tx, line.id)).filter((one) => one.id !== line.id);
  return isLargeEntry(tx, { minor: raisedAmount(others) + standingAmount(line), currency: line.currency });
}

/**
 * May who wants to approve this line do it alone? Above the limit its maker needs a second person; the only one with the right, a step-up
 * (api.md 1.2, BEY-04). Codes: access.own_work, access.step_up_required.
 */
export async function judgeEntry(tx: Tx, mode: Mode, line: Commission, by: LineApprover): Promise<FourEyes> {
  const isOwn = line.createdBy !== null && line.createdBy === by.userId;
  const isAsked = isOwn && (await isLargeEntry(tx, { minor: await enteredMinor(tx, line), currency: line.currency }));
  if (!isAsked) return { ok: true, secondPerson: 'other_person' };
  const { settings } = await getSettings(tx);
  const holders = await listHolders(tx, 'commission.decide');
  return judgeFourEyes(
    { createdByUser: line.createdBy, editors: [] },
    {
      ...by,
      others: holders.filter((one) => one !== by.userId).length,
      isSecondRequired: settings.payouts.secondPerson === 'required',
      mode,
    },
  );
}
