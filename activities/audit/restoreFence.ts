import { findHead } from '../../db/audit/chain.js';
import type { Db } from '../../db/connection.js';
import { raiseFence } from '../../db/payout/restoreFence.js';
import { inWorkspace } from '../../db/transaction.js';
import type { WorkspaceId } from '../../domain/ids.js';
import type { HeadKeeper } from '../../platform/headKeeper.js';
import type { Logger } from '../../platform/logger.js';

/**
 * A database set back behind a head that was signed outside it has forgotten payments that the gateways have made: payouts freeze before
 * anything is sent (money.md 10). At every boot, idempotent; a person unfreezes once the gateways are reconciled. Answers whom it froze.
 */
export async function raiseRestoreFence(deps: {
  readonly db: Db;
  readonly keeper: HeadKeeper;
  readonly logger: Logger;
  readonly workspaces: readonly WorkspaceId[];
}): Promise<readonly WorkspaceId[]> {
  const frozen: WorkspaceId[] = [];
  for (const workspaceId of deps.workspaces) {
    const { heads } = await deps.keeper.list(workspaceId);
    const kept = heads.at(-1);
    if (kept === undefined) continue;
    const isBehind = await inWorkspace(deps.db, workspaceId, async (tx) => {
      const head = await findHead(tx);
      if (head !== undefined && head.sequence >= BigInt(kept.sequence)) return false;
      return raiseFence(
        tx,
        `the audit trail was set back: a head of ${kept.at} (leaf ${kept.sequence}) is ahead of the database`,
      );
    });
    if (!isBehind) continue;
    deps.logger.error({ workspaceId, keptSequence: kept.sequence }, 'database set back, payouts frozen');
    frozen.push(workspaceId);
  }
  return frozen;
}
