import { listPlannedRunsOf } from '../../db/payout/payoutMethod.js';
import { lockRun } from '../../db/payout/payoutRun.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { replanRun } from './payout.js';

/**
 * A method that is not used any more, or in another way, changes the plans that pay by it: each is made anew, and an approval of it is void
 * (features.md 2.10, BEY-03). What is being planned or sent is judged right before it is sent (money.md 7.1). The affiliate is locked; locks the
 * runs.
 */
export async function replanForMethods(tx: Tx, act: Act, methodIds: readonly string[]): Promise<void> {
  for (const runId of await listPlannedRunsOf(tx, methodIds)) {
    const run = await lockRun(tx, runId);
    if (run?.status === 'planned' || run?.status === 'approved') await replanRun(tx, act, run);
  }
}
