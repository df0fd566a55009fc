import { lockEndedLines } from '../../db/earning/commission.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor, systemActor } from '../../domain/act.js';
import type { Commission } from '../../domain/earning/commission.js';
import { takeOff } from './ledger.js';

/**
 * Ends what a terminated affiliate still had open of a referral (ruling 39, AFF-09): pending lines are rejected with `affiliate_terminated`,
 * approved ones are reversed as `forfeited` where fraud or staff said so, and else are paid. What is on its way to the gateway is out. Safe to
 * repeat. The caller holds the referral's lock.
 */
export async function endLinesOf(tx: Tx, act: Act, referralId: string): Promise<void> {
  const bySystem = actFor(act, { actor: systemActor, cause: null });
  await endLines(tx, bySystem, await lockEndedLines(tx, { referralId }));
}

/** The same for locked lines of one mode. */
export async function endLines(tx: Tx, act: Act, lines: readonly Commission[]): Promise<void> {
  const pending = lines.filter((line) => line.status === 'pending');
  if (pending.length > 0)
    await takeOff(tx, actFor(act, { reasonCode: 'affiliate_terminated' }), pending, {
      wanted: (line) => (line.amount > 0n ? line.amount : 0n),
      reasonCode: 'affiliate_terminated',
      effectiveAt: null,
      includesCharges: true,
    });
  const approved = lines.filter((line) => line.status === 'approved');
  if (approved.length > 0)
    await takeOff(tx, actFor(act, { reasonCode: 'forfeited' }), approved, {
      wanted: (line) => line.amount,
      reasonCode: 'forfeited',
      effectiveAt: null,
      leavesSent: true,
    });
}
