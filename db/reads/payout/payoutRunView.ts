import type { Knex } from 'knex';
import type { Mode } from '../../../domain/act.js';
import type { PayoutRunId } from '../../../domain/ids.js';
import type { PayoutRunStatus, RunFilter, RunProof, SecondPerson } from '../../../domain/payout/payoutRun.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

// How far is a run, and what keeps it open?

export interface RunView {
  readonly id: PayoutRunId;
  readonly mode: Mode;
  readonly status: PayoutRunStatus;
  readonly paused: boolean;
  readonly workflowId: string;
  readonly scheduleId: string | null;
  readonly period: string | null;
  readonly currencies: readonly string[];
  /** As it was asked for; a run of a version before may lack a part. */
  readonly filter: Partial<RunFilter>;
  readonly excludedAffiliateIds: readonly string[];
  readonly cutOffAt: Instant;
  readonly payAt: Instant | null;
  readonly note: string | null;
  readonly planVersion: number;
  readonly planHash: string | null;
  readonly proof: readonly RunProof[] | null;
  readonly createdByType: string;
  readonly createdByUser: string | null;
  readonly editors: readonly string[];
  readonly approvedBy: string | null;
  readonly approvedAt: Instant | null;
  readonly secondPerson: SecondPerson | null;
  readonly executedAt: Instant | null;
  readonly completedAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

const columns = {
  id: 'id',
  mode: 'mode',
  status: 'status',
  paused: 'paused',
  workflowId: 'workflow_id',
  scheduleId: 'schedule_id',
  period: 'period',
  currencies: 'currencies',
  filter: 'filter',
  excludedAffiliateIds: 'excluded_affiliate_ids',
  cutOffAt: 'cut_off_at',
  payAt: 'pay_at',
  note: 'note',
  planVersion: 'plan_version',
  planHash: 'plan_hash',
  proof: 'proof',
  createdByType: 'created_by_type',
  createdByUser: 'created_by_user',
  editors: 'editors',
  approvedBy: 'approved_by',
  approvedAt: 'approved_at',
  secondPerson: 'second_person',
  executedAt: 'executed_at',
  completedAt: 'completed_at',
  version: 'version',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} as const;

export async function findRunView(tx: ReadTx | Tx, mode: Mode, id: string): Promise<RunView | undefined> {
  return tx('payout_runs')
    .where({ id, mode })
    .first<RunView | undefined>(columns as never);
}

const comparisons = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

export async function listRunViews(
  tx: ReadTx,
  of: {
    readonly mode: Mode;
    readonly statuses: readonly string[] | undefined;
    readonly q?: string | undefined;
    readonly createdAt: { readonly [K in keyof typeof comparisons]?: Instant };
  },
  page: Page,
): Promise<readonly RunView[]> {
  const query: Knex.QueryBuilder = tx('payout_runs').where({ mode: of.mode });
  if (of.statuses !== undefined) query.whereIn('status', [...of.statuses]);
  if (of.q !== undefined)
    query.whereRaw(
      `(id = :q or strpos(lower(coalesce(note, '')), lower(:q)) > 0 or strpos(lower(coalesce(period, '')), lower(:q)) > 0)`,
      { q: of.q },
    );
  for (const bound of ['gte', 'gt', 'lte', 'lt'] as const) {
    const at = of.createdAt[bound];
    if (at !== undefined) query.where('created_at', comparisons[bound], at);
  }
  return keyset(query, page, { createdAt: 'created_at' }).select(columns as never) as unknown as Promise<RunView[]>;
}

export interface RunProgress {
  readonly draft: number;
  readonly pending: number;
  readonly paid: number;
  readonly cancelled: number;
  /** Payouts that keep the run open and need somebody: id and what is wrong. */
  readonly problems: readonly { readonly payoutId: string; readonly problem: string }[];
}

export async function readRunProgress(tx: ReadTx | Tx, runId: string): Promise<RunProgress> {
  const { rows: counts } = await tx.raw<{ rows: { status: string; count: number }[] }>(
    `select payout.status, count(*)::int as count
     from payouts as payout
     join payout_runs as run on run.id = payout.run_id
     where payout.run_id = :runId
       and (payout.status <> 'cancelled' or exists (
         select from payout_run_rows as row
         where row.run_id = run.id and row.plan_version = run.plan_version and row.payout_id = payout.id))
     group by payout.status`,
    { runId },
  );
  const { rows: problems } = await tx.raw<{ rows: { id: string; state: string }[] }>(
    `select payout.id, attempt.state
     from payouts as payout
     join lateral (
       select state from payout_attempts where payout_id = payout.id order by number desc limit 1
     ) as attempt on attempt.state in ('refused', 'unknown', 'returned')
     where payout.run_id = :runId and payout.status = 'pending'
     order by payout.id
     limit 100`,
    { runId },
  );
  const count = (status: string): number => counts.find((row) => row.status === status)?.count ?? 0;
  return {
    draft: count('draft'),
    pending: count('pending'),
    paid: count('paid'),
    cancelled: count('cancelled'),
    problems: problems.map((row) => ({
      payoutId: row.id,
      problem: row.state === 'refused' ? 'failed' : row.state,
    })),
  };
}
