import type { Db } from '../../db/connection.js';
import { getSettings } from '../../db/access/settings.js';
import { foldClicks, foldDeltas, hasRollupWork, lockRollupHead, rebuildRollups } from '../../db/reporting/rollup.js';
import { inWorkspace } from '../../db/transaction.js';
import type { WorkspaceId } from '../../domain/ids.js';
import type { Logger } from '../../platform/logger.js';

/**
 * Deltas and clicks of one transaction: short locks, and a pass of a big workspace leaves room for the others. A page writes a row per
 * affiliate and day whatever it counted, so larger ones cost less a click (bench/results/rollups.json). At load 20 one took up to 5 s, of the
 * minute that the step has.
 */
const deltasPerStep = 2_000;
const clicksPerStep = 20_000;

/**
 * The relay's step that keeps the figures by day: folds what was committed since the last time, workspace by workspace. Answers whether
 * there is more. Safe to run in any number of processes and at any time: readers add what is not folded yet.
 */
export async function foldRollups(
  deps: { readonly db: Db; readonly logger: Logger },
  workspaces: readonly WorkspaceId[],
): Promise<boolean> {
  let isMore = false;
  for (const workspaceId of workspaces) isMore = (await foldWorkspace(deps, workspaceId)) || isMore;
  return isMore;
}

async function foldWorkspace(
  { db, logger }: { readonly db: Db; readonly logger: Logger },
  workspaceId: WorkspaceId,
): Promise<boolean> {
  return inWorkspace(db, workspaceId, async (tx) => {
    const { timeZone } = (await getSettings(tx)).settings.general;
    if (!(await hasRollupWork(tx, timeZone))) return false;
    const head = await lockRollupHead(tx);
    if (head === 'busy') return false;
    if (head === 'none' || head.timeZone !== timeZone) {
      await rebuildRollups(tx, timeZone);
      logger.info({ workspaceId, timeZone }, 'rollups rebuilt');
      return true;
    }
    const hasMoreDeltas = (await foldDeltas(tx, timeZone, deltasPerStep)) === deltasPerStep;
    const hasMoreClicks = await foldClicks(tx, head, clicksPerStep);
    return hasMoreDeltas || hasMoreClicks;
  });
}
