import type { ReadTx } from '../../transaction.js';

// Which of these closed runs are neither archived nor waiting for it? (temporal.md 10.1)

export interface ClosedRun {
  readonly workflowId: string;
  readonly runId: string;
}

/** A referral that expired without lead, sale or decision leaves its row, not a history. */
export async function listMissingExports(tx: ReadTx, runs: readonly ClosedRun[]): Promise<readonly ClosedRun[]> {
  const { rows } = await tx.raw<{ rows: { workflow_id: string; run_id: string }[] }>(
    `select run.workflow_id, run.run_id
     from unnest(cast(:workflowIds as text[]), cast(:runIds as text[])) as run (workflow_id, run_id)
     where not exists (select from histories where histories.run_id = run.run_id)
       and not exists (select from outbox where outbox.lane = 'workflow' and outbox.sent_at is null and outbox.dead_at is null
                       and outbox.topic = 'history.export' and outbox.payload ->> 'runId' = run.run_id)
       and not exists (
         select from referrals where run.workflow_id = 'referral/' || referrals.workspace_id || '/' || referrals.id
           and referrals.id = split_part(run.workflow_id, '/', 3)
           and referrals.status = 'expired' and referrals.lead_at is null and referrals.sale_at is null
           and not exists (select from decisions where decisions.object_id = referrals.id))
     order by run.run_id`,
    { workflowIds: runs.map((run) => run.workflowId), runIds: runs.map((run) => run.runId) },
  );
  return rows.map((row) => ({ workflowId: row.workflow_id, runId: row.run_id }));
}

/** Which of these workflows did a purge of test data end (TST-07)? Nobody has to look into them. */
export async function listPurgedWorkflows(tx: ReadTx, workflowIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tx('outbox')
    .where({ topic: 'end' })
    .whereIn('ordering_key', [...workflowIds])
    .select<{ ordering_key: string }[]>('ordering_key');
  return new Set(rows.map((row) => row.ordering_key));
}
