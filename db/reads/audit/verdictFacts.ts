import type { BookFact, EntryFact, MessageFact, VerdictFacts } from '../../../domain/audit/verdict.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import type { ReadTx, Tx } from '../../transaction.js';

/**
 * What does Postgres say about the run of a recorded history? Entries that name the run, the object's statuses by seq, every fact and
 * decision a message could name, the transfers beside commission entries, the row as it stands.
 */
export async function readVerdictFacts(
  tx: ReadTx | Tx,
  workspaceId: WorkspaceId,
  history: {
    readonly workflowType: string;
    readonly workflowId: string;
    readonly runId: string;
    readonly objectId: string;
    readonly firstEventAt: string;
  },
): Promise<VerdictFacts> {
  const entries = await tx('audit_entries').where({ run_id: history.runId }).orderBy('at').orderBy('id').select<
    {
      object_type: string;
      object_id: string;
      seq: number;
      to_status: string | null;
      event: string;
      activity_id: string | null;
      cause_id: string | null;
      commit_id: string | null;
    }[]
  >('object_type', 'object_id', 'seq', 'to_status', 'event', 'activity_id', 'cause_id', 'commit_id');
  const own = await tx('audit_entries')
    .where({ object_id: history.objectId })
    .whereNotNull('to_status')
    .select<{ seq: number; to_status: string }[]>('seq', 'to_status');
  const newest = await tx('audit_entries')
    .where({ object_id: history.objectId })
    .orderBy('seq', 'desc')
    .first<{ seq: number } | undefined>('seq');
  const later = await tx('histories')
    .where({ object_id: history.objectId })
    .where('first_event_at', '>', history.firstEventAt)
    .first<{ id: string } | undefined>('id');
  const facts: EntryFact[] = entries.map((entry) => ({
    objectId: entry.object_id,
    seq: entry.seq,
    to: entry.to_status,
    event: entry.event,
    activityId: entry.activity_id,
    causeId: entry.cause_id,
    commitId: entry.commit_id,
  }));
  return {
    workspaceId,
    objectId: history.objectId,
    workflowId: history.workflowId,
    entries: facts,
    statusAt: new Map(own.map((entry) => [entry.seq, entry.to_status])),
    newestSeq: newest?.seq ?? 0,
    messages: await readMessages(tx, history),
    books: await readBooks(
      tx,
      entries
        .filter((entry) => entry.object_type === 'commission')
        .map((entry) => ({ id: entry.object_id, event: entry.event, commitId: entry.commit_id })),
    ),
    row: await readRow(tx, history),
    isLastRun: later === undefined,
  };
}

async function readMessages(
  tx: ReadTx | Tx,
  history: { readonly workflowId: string; readonly objectId: string },
): Promise<ReadonlyMap<string, MessageFact>> {
  // After a merge a fact stands at the root: whoever belongs to the journey is asked, whichever run heard of it.
  const { rows } = await tx.raw<{
    rows: { id: string; verb: string | null; object_id: string | null; claimed_by: string | null }[];
  }>(
    `with journey as (
       select :objectId as id
       union select root.merged_into_id from referrals as root where root.id = :objectId and root.merged_into_id is not null
       union select merged.id from referrals as merged
         where merged.merged_into_id in (select :objectId union select own.merged_into_id from referrals as own where own.id = :objectId)
     )
     select id, verb, object_id, case when via = 'temporal' then actor_user_id end as claimed_by from decisions where workflow_id = :workflowId
     union all select id, null, id, null from journey
     union all select id, null, referral_id, null from leads where referral_id in (select id from journey)
     union all select id, null, referral_id, null from sales where referral_id in (select id from journey)
     union all select id, null, referral_id, null from refunds where referral_id in (select id from journey)
     union all select id, null, referral_id, null from disputes where referral_id in (select id from journey)
     union all select id, null, referral_id, null from checks where referral_id in (select id from journey)
     union all select id, null, payout_id, null from gateway_events where payout_id = :objectId
     union all select distinct payout.id, null, commission.referral_id, null
       from payouts as payout
       join payout_lines as line on (line.workspace_id, line.payout_id) = (payout.workspace_id, payout.id)
       join commissions as commission on (commission.workspace_id, commission.id) = (line.workspace_id, line.commission_id)
       where commission.referral_id in (select id from journey)`,
    { workflowId: history.workflowId, objectId: history.objectId },
  );
  return new Map(
    rows.map((row) => [row.id, { id: row.id, verb: row.verb, objectId: row.object_id, by: row.claimed_by }]),
  );
}

/** Moves of a commission that post; the others (held, released) do not. */
const posting = [
  'accrued',
  'approved',
  'rejected',
  'reversed',
  'reinstated',
  'approvalWithdrawn',
  'reduced',
  'clawedBack',
];

async function readBooks(
  tx: ReadTx | Tx,
  entries: readonly { readonly id: string; readonly event: string; readonly commitId: string | null }[],
): Promise<readonly BookFact[]> {
  const wanted = entries.filter((entry) => posting.includes(entry.event));
  if (wanted.length === 0) return [];
  const ids = [...new Set(wanted.map((entry) => entry.id))];
  const commitIds = [...new Set(wanted.flatMap((entry) => (entry.commitId === null ? [] : [entry.commitId])))];
  const { rows: transfers } = await tx.raw<{ rows: { commit_id: string; transfers: number }[] }>(
    `select commit_id, count(*)::int as transfers from ledger_transfers where commit_id = any (:commitIds::uuid[]) group by commit_id`,
    { commitIds },
  );
  const { rows: lines } = await tx.raw<{
    rows: { id: string; line: string; net: string; is_charge: boolean; accrues: boolean; booked: string | null }[];
  }>(
    `select commission.id, commission.amount_minor::text as line,
            (commission.amount_minor - commission.reversed_minor)::text as net,
            commission.amount_minor < 0 as is_charge, commission.accrues,
            (select sum(posting.amount_minor)::text
             from ledger_transfers as transfer
             join ledger_postings as posting on (posting.workspace_id, posting.transfer_id) = (transfer.workspace_id, transfer.id)
             where transfer.workspace_id = commission.workspace_id and transfer.mode = commission.mode
               and transfer.idempotency_key = case commission.kind
                 when 'earned' then 'commission/' || commission.cause_id || '/' || commission.level || '/' || commission.affiliate_id || '/accrue'
                 else 'commission/' || commission.id || '/accrued/1' end) as booked
     from commissions as commission
     where commission.id = any (:ids::text[])`,
    { ids },
  );
  const transfersOf = new Map(transfers.map((row) => [row.commit_id, row.transfers]));
  const lineOf = new Map(lines.map((row) => [row.id, row]));
  return wanted.flatMap((entry): BookFact[] => {
    const line = lineOf.get(entry.id);
    const isAccrual = entry.event === 'accrued' && line?.accrues === true && !line.is_charge;
    const moved = transfersOf.get(entry.commitId ?? '') ?? 0;
    // Nothing is posted for a line that a refund emptied, nor for a negative entry before it is approved (money.md 5).
    const isSilent = line?.net === '0' || (line?.is_charge === true && entry.event !== 'approved');
    if (moved === 0 && isSilent) return [];
    return [
      {
        commissionId: entry.id,
        event: entry.event,
        commitId: entry.commitId,
        transfers: moved,
        bookedMinor: isAccrual ? (line.booked ?? '0') : null,
        lineMinor: isAccrual ? line.line : null,
      },
    ];
  });
}

async function readRow(
  tx: ReadTx | Tx,
  history: { readonly workflowType: string; readonly objectId: string },
): Promise<VerdictFacts['row']> {
  const table = (
    { referral: 'referrals', payout: 'payouts', payoutRun: 'payout_runs' } as Readonly<Record<string, string>>
  )[history.workflowType];
  if (table === undefined) return null;
  const row = await tx(table)
    .where({ id: history.objectId })
    .first<{ version: number; status: string } | undefined>('version', 'status');
  return row ?? null;
}
