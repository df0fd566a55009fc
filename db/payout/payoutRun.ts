import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { PayoutRunId, WorkspaceId } from '../../domain/ids.js';
import {
  everybody,
  type PayoutRun,
  type PayoutRunEvent,
  type PayoutRunStatus,
  payoutRunTransitions,
  type PlannedRow,
  type RunFilter,
  type RunProof,
  type SecondPerson,
} from '../../domain/payout/payoutRun.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import { readPlanHash } from '../reads/payout/planHash.js';
import { insertSet } from '../setInsert.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface PayoutRunRow {
  readonly id: PayoutRunId;
  readonly workspace_id: WorkspaceId;
  readonly mode: Mode;
  readonly status: PayoutRunStatus;
  readonly paused: boolean;
  readonly workflow_id: string;
  readonly schedule_id: string | null;
  readonly period: string | null;
  readonly currencies: string[];
  readonly filter: Partial<RunFilter>;
  readonly excluded_affiliate_ids: string[];
  readonly cut_off_at: Instant;
  readonly pay_at: Instant | null;
  readonly note: string | null;
  readonly plan_version: number;
  readonly plan_cursor: string | null;
  readonly plan_hash: string | null;
  readonly proof: RunProof[] | null;
  readonly created_by_type: string;
  readonly created_by: string | null;
  readonly created_by_user: string | null;
  readonly editors: string[];
  readonly approved_by: string | null;
  readonly approved_at: Instant | null;
  readonly second_person: SecondPerson | null;
  readonly executed_at: Instant | null;
  readonly completed_at: Instant | null;
  readonly parked_at: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function toRun(row: PayoutRunRow): PayoutRun {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    mode: row.mode,
    status: row.status,
    paused: row.paused,
    workflowId: row.workflow_id,
    scheduleId: row.schedule_id,
    period: row.period,
    currencies: row.currencies,
    filter: { ...everybody, ...row.filter },
    excludedAffiliateIds: row.excluded_affiliate_ids,
    cutOffAt: row.cut_off_at,
    payAt: row.pay_at,
    note: row.note,
    planVersion: row.plan_version,
    planCursor: row.plan_cursor,
    planHash: row.plan_hash,
    proof: row.proof,
    createdByType: row.created_by_type,
    createdBy: row.created_by,
    createdByUser: row.created_by_user,
    editors: row.editors,
    approvedBy: row.approved_by,
    approvedAt: row.approved_at,
    secondPerson: row.second_person,
    executedAt: row.executed_at,
    completedAt: row.completed_at,
    parkedAt: row.parked_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export interface NewRun {
  readonly id: PayoutRunId;
  readonly workflowId: string;
  readonly scheduleId: string | null;
  readonly period: string | null;
  readonly currencies: readonly string[];
  readonly filter: RunFilter;
  readonly excludedAffiliateIds: readonly string[];
  readonly cutOffAt: Instant;
  readonly payAt: Instant | null;
  readonly note: string | null;
}

/** Starts a run in `planning`. Undefined when its period has one already (`findRunByPeriod` gives it). */
export async function insertRun(tx: Tx, act: Act, run: NewRun): Promise<PayoutRun | undefined> {
  const [row] = await tx('payout_runs')
    .insert({
      id: run.id,
      mode: act.mode,
      status: 'planning',
      workflow_id: run.workflowId,
      schedule_id: run.scheduleId,
      period: run.period,
      currencies: [...run.currencies],
      filter: JSON.stringify(run.filter),
      excluded_affiliate_ids: [...run.excludedAffiliateIds],
      cut_off_at: run.cutOffAt,
      pay_at: run.payAt,
      note: run.note,
      created_by_type: act.actor.type,
      created_by: act.actor.id,
      created_by_user: act.actor.userId,
      created_at: act.now,
      updated_at: act.now,
    })
    .onConflict()
    .ignore()
    .returning<PayoutRunRow[]>('*');
  if (row === undefined) return undefined;
  await recordAudit(tx, act, { objectType: 'payout_run', objectId: run.id, seq: 1, event: 'started', to: 'planning' });
  return toRun(row);
}

export async function findRunByPeriod(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly scheduleId: string | null; readonly period: string },
): Promise<PayoutRun | undefined> {
  const row = await tx('payout_runs')
    .where({ mode: of.mode, period: of.period })
    .whereRaw(`coalesce(schedule_id, '') = ?`, [of.scheduleId ?? ''])
    .first<PayoutRunRow | undefined>();
  return row === undefined ? undefined : toRun(row);
}

export async function findRun(tx: ReadTx | Tx, id: string): Promise<PayoutRun | undefined> {
  const row = await tx('payout_runs').where({ id }).first<PayoutRunRow | undefined>();
  return row === undefined ? undefined : toRun(row);
}

export async function lockRun(tx: Tx, id: string): Promise<PayoutRun | undefined> {
  const row = await tx('payout_runs').where({ id }).forNoKeyUpdate().first<PayoutRunRow | undefined>();
  return row === undefined ? undefined : toRun(row);
}

/** The run cannot move until the transaction ends, but others may hold it like this at the same time: pages of its plan do. */
export async function holdRun(tx: Tx, id: string): Promise<PayoutRun | undefined> {
  const row = await tx('payout_runs').where({ id }).forShare().first<PayoutRunRow | undefined>();
  return row === undefined ? undefined : toRun(row);
}

export interface RunPatch {
  readonly paused?: boolean;
  readonly planCursor?: string | null;
  readonly planVersion?: number;
  readonly planHash?: string | null;
  readonly proof?: readonly RunProof[] | null;
  readonly excludedAffiliateIds?: readonly string[];
  readonly editors?: readonly string[];
  readonly approvedBy?: string | null;
  readonly approvedAt?: Instant | null;
  readonly secondPerson?: SecondPerson | null;
  readonly executedAt?: Instant | null;
  readonly completedAt?: Instant | null;
  readonly parkedAt?: Instant | null;
}

function columnsOf(patch: RunPatch): Record<string, unknown> {
  const columns: Record<string, unknown> = {
    paused: patch.paused,
    plan_cursor: patch.planCursor,
    plan_version: patch.planVersion,
    plan_hash: patch.planHash,
    proof: patch.proof === undefined ? undefined : JSON.stringify(patch.proof),
    excluded_affiliate_ids: patch.excludedAffiliateIds && [...patch.excludedAffiliateIds],
    editors: patch.editors && [...patch.editors],
    approved_by: patch.approvedBy,
    approved_at: patch.approvedAt,
    second_person: patch.secondPerson,
    executed_at: patch.executedAt,
    completed_at: patch.completedAt,
    parked_at: patch.parkedAt,
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
}

/** A move of the table, or an act that keeps the status (`paused`, `resumed`, `excluded`): row and history together. */
export async function moveRun(
  tx: Tx,
  act: Act,
  run: PayoutRun,
  event: PayoutRunEvent | 'paused' | 'resumed',
  patch: RunPatch = {},
  changes: Readonly<Record<string, unknown>> = {},
): Promise<PayoutRun> {
  const isFlag = event === 'paused' || event === 'resumed';
  const to = isFlag ? run.status : nextStatus(payoutRunTransitions, run.status, event);
  assertInvariant(to !== undefined, 'a run moves along its table', { runId: run.id, from: run.status, event });
  const version = run.version + 1;
  const [row] = await tx('payout_runs')
    .where({ id: run.id, version: run.version })
    .update({ ...columnsOf(patch), status: to, version, updated_at: act.now })
    .returning<PayoutRunRow[]>('*');
  assertInvariant(row !== undefined, 'a run is moved under its lock', { runId: run.id });
  await recordAudit(tx, act, {
    objectType: 'payout_run',
    objectId: run.id,
    seq: version,
    event,
    from: run.status,
    to,
    changes,
  });
  return toRun(row);
}

/** Where planning stands; no act of anybody, so no history. */
export async function saveProgress(
  tx: Tx,
  id: string,
  patch: Pick<RunPatch, 'planCursor' | 'planVersion' | 'parkedAt'>,
): Promise<void> {
  await tx('payout_runs').where({ id }).update(columnsOf(patch));
}

/** The preview's rows of one page: everybody exactly once per currency (BEY-03). */
export async function insertRunRows(
  tx: Tx,
  run: Pick<PayoutRun, 'id' | 'planVersion'>,
  rows: readonly (PlannedRow & { readonly payoutId: string | null })[],
): Promise<void> {
  await insertSet(
    tx,
    'payout_run_rows',
    rowColumns,
    rows.map((row) => ({
      run_id: run.id,
      plan_version: run.planVersion,
      affiliate_id: row.affiliateId,
      currency: row.currency,
      outcome: row.outcome,
      payout_id: row.payoutId,
      owed_minor: row.owedMinor.toString(),
      gross_minor: row.grossMinor.toString(),
      corrections_minor: row.correctionsMinor.toString(),
      carried_minor: row.carriedMinor.toString(),
      net_minor: row.netMinor.toString(),
      commission_count: row.commissionCount,
      reasons: JSON.stringify(row.reasons),
      oddities: `{${row.oddities.join(',')}}`, // codes of ours
      stays_behind: JSON.stringify(row.staysBehind),
    })),
  );
}

const rowColumns = {
  run_id: 'text',
  plan_version: 'integer',
  affiliate_id: 'text',
  currency: 'text',
  outcome: 'text',
  payout_id: 'text',
  owed_minor: 'bigint',
  gross_minor: 'bigint',
  corrections_minor: 'bigint',
  carried_minor: 'bigint',
  net_minor: 'bigint',
  commission_count: 'integer',
  reasons: 'jsonb',
  oddities: 'text[]',
  stays_behind: 'jsonb',
} as const;

/** The control totals and the hash of a finished plan: what an approval is for, to the line. */
export async function sealPlan(
  tx: Tx,
  run: PayoutRun,
): Promise<{ readonly hash: string; readonly paid: number; readonly proof: readonly RunProof[] }> {
  const sealed = await readPlanHash(tx, { runId: run.id, planVersion: run.planVersion });
  const { rows: totals } = await tx.raw<{
    rows: { currency: string; payable: bigint; reserved: bigint; lines: bigint; listed: bigint; held: bigint }[];
  }>(
    `with mine as (
       select payout.id, payout.currency, payout.amount_minor
       from payout_run_rows as row
       join payouts as payout on payout.id = row.payout_id and payout.status = 'draft'
       where row.run_id = :runId and row.plan_version = :planVersion
     ),
     written as (
       select mine.currency, sum(line.amount_minor)::bigint as lines
       from mine
       join payout_lines as line on line.payout_id = mine.id and line.released_at is null
       group by mine.currency
     ),
     held as (
       select mine.currency, sum(balance.balance_minor)::bigint as held
       from mine
       join ledger_accounts as account
         on account.kind = 'payout_open' and account.owner_id = mine.id and account.mode = :mode and account.currency = mine.currency
       join account_balances as balance on balance.account_id = account.id
       group by mine.currency
     ),
     planned as (
       select mine.currency, sum(mine.amount_minor)::bigint as reserved, coalesce(min(written.lines), 0) as lines, coalesce(min(held.held), 0) as held
       from mine
       left join written using (currency)
       left join held using (currency)
       group by mine.currency
     ),
     listed as (
       select currency, (coalesce(sum(net_minor) filter (where outcome = 'paid'), 0))::bigint as listed
       from payout_run_rows where run_id = :runId and plan_version = :planVersion group by currency
     ),
     payable as (
       select account.currency,
              sum(case account.kind when 'affiliate_payable' then balance.balance_minor else -balance.balance_minor end)::bigint as payable
       from ledger_accounts as account
       join account_balances as balance on balance.account_id = account.id
       where account.kind in ('affiliate_payable', 'affiliate_receivable') and account.mode = :mode
       group by account.currency
     )
     select listed.currency, coalesce(payable.payable, 0) as payable, coalesce(planned.reserved, 0) as reserved,
            coalesce(planned.lines, 0) as lines, listed.listed, coalesce(planned.held, 0) as held
     from listed
     left join planned using (currency)
     left join payable using (currency)
     order by listed.currency`,
    { runId: run.id, planVersion: run.planVersion, mode: run.mode },
  );
  return {
    hash: sealed.hash,
    paid: sealed.paid,
    proof: totals.map((total) => ({
      currency: total.currency,
      payableBefore: (total.payable + total.reserved).toString(),
      payableAfter: total.payable.toString(),
      linesEqualTotals:
        total.lines === total.reserved && total.listed === total.reserved && total.held === total.reserved,
    })),
  };
}

/** What still has to end before the run can: drafts and pending payouts that belong to it. */
export async function countOpenPayouts(tx: ReadTx | Tx, runId: string): Promise<number> {
  const { rows } = await tx.raw<{ rows: { open: number }[] }>(
    `select count(*)::int as open from payouts where run_id = :runId and status in ('draft', 'pending')`,
    { runId },
  );
  return rows[0]?.open ?? 0;
}

/**
 * Compares run, payouts, commissions and ledger (temporal.md 5.1). Answers what does not fit: empty is right.
 */
export async function findRunDifferences(tx: ReadTx | Tx, run: PayoutRun): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { finding: string }[] }>(
    `with mine as (select * from payouts where run_id = :runId and status in ('paid', 'cancelled'))
     select 'lines/' || mine.id as finding
     from mine
     left join payout_lines as line on line.payout_id = mine.id and line.released_at is null
     group by mine.id, mine.status, mine.amount_minor
     having coalesce(sum(line.amount_minor), 0) <> case mine.status when 'paid' then mine.amount_minor else 0 end
     union all
     select 'commission/' || commission.id
     from mine
     join payout_lines as line on line.payout_id = mine.id and line.released_at is null
     join commissions as commission on commission.id = line.commission_id
     where mine.status = 'paid' and commission.status <> 'paid'
     union all
     select 'held/' || mine.id
     from mine
     join ledger_accounts as account on account.kind = 'payout_open' and account.owner_id = mine.id and account.mode = :mode
     join account_balances as balance on balance.account_id = account.id
     where balance.balance_minor <> 0`,
    { runId: run.id, mode: run.mode },
  );
  return rows.map((row) => row.finding);
}
