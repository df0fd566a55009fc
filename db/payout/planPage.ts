import type { Instant } from '../../domain/time.js';
import type { PayoutRun, PlanRange } from '../../domain/payout/payoutRun.js';
import { insertSet } from '../setInsert.js';
import type { Tx } from '../transaction.js';

// The pages of a plan under way (docs/decisions/0540). A page is whoever's transaction holds its row; it is planned when that one commits.

type PlanOf = Pick<PayoutRun, 'id' | 'planVersion'>;

export interface PlanPage extends PlanRange {
  readonly page: number;
}

/** Needs the run's lock: a plan is cut once. */
export async function insertPlanPages(tx: Tx, run: PlanOf, ranges: readonly PlanRange[]): Promise<void> {
  await insertSet(
    tx,
    'payout_run_pages',
    { run_id: 'text', plan_version: 'integer', page: 'integer', after_id: 'text', until_id: 'text' },
    ranges.map((range, index) => ({
      run_id: run.id,
      plan_version: run.planVersion,
      page: index + 1,
      after_id: range.after,
      until_id: range.until,
    })),
  );
}

/** How many pages the plan was cut into (none: not yet), and how many of them are still to be planned or under way. */
export async function countPlanPages(tx: Tx, run: PlanOf): Promise<{ readonly cut: number; readonly open: number }> {
  const { rows } = await tx.raw<{ rows: { cut: number; open: number }[] }>(
    `select count(*)::int as cut, (count(*) filter (where planned_at is null))::int as open
     from payout_run_pages where run_id = :id and plan_version = :planVersion`,
    { id: run.id, planVersion: run.planVersion },
  );
  return rows[0] ?? { cut: 0, open: 0 };
}

/**
 * The first page that nobody has planned or is planning, locked. It begins no earlier than the run's cursor: a worker of the version before
 * pages, still at work during an upgrade, moves that. `wait`: one that somebody is planning will do, once they let go of it.
 */
export async function takePlanPage(
  tx: Tx,
  run: Pick<PayoutRun, 'id' | 'planVersion' | 'planCursor'>,
  options: { readonly wait: boolean } = { wait: false },
): Promise<PlanPage | undefined> {
  const { rows } = await tx.raw<{ rows: PlanPage[] }>(
    `select page, greatest(after_id, :cursor) as after, until_id as until
     from payout_run_pages
     where run_id = :id and plan_version = :planVersion and planned_at is null
     order by page
     limit 1
     for no key update ${options.wait ? '' : 'skip locked'}`,
    { id: run.id, planVersion: run.planVersion, cursor: run.planCursor ?? '' },
  );
  return rows[0];
}

/** The page is planned, or planned as far as `after`. Needs its lock. */
export async function savePlanPage(
  tx: Tx,
  run: PlanOf,
  page: number,
  state: { readonly plannedAt: Instant } | { readonly after: string },
): Promise<void> {
  await tx('payout_run_pages')
    .where({ run_id: run.id, plan_version: run.planVersion, page })
    .update('after' in state ? { after_id: state.after } : { planned_at: state.plannedAt });
}
