import type { Act } from '../../domain/act.js';
import type { AuditEntryId } from '../../domain/ids.js';
import { enqueueCallsOut } from '../messaging/callsOut.js';
import { hold } from '../pipeline.js';
import type { HeldRows } from '../roundTrip.js';
import type { Tx } from '../transaction.js';

export interface AuditEntry {
  readonly objectType: string;
  readonly objectId: string;
  /** The object's version after this act: its row carries the same number. */
  readonly seq: number;
  readonly event: string;
  readonly from?: string | null;
  readonly to?: string | null;
  readonly reasonCode?: string | null;
  /** What changed. No personal value in clear: name the field, not its content (architecture.md 8). */
  readonly changes?: Readonly<Record<string, unknown>>;
}

const heldEntries: HeldRows = {
  table: 'audit_entries',
  insert: `insert into audit_entries (id, mode, object_type, object_id, seq, from_status, to_status, event, actor_type, actor_id,
      actor_user_id, reason_code, cause_type, cause_id, changes, request_id, workflow_id, run_id, activity_id, at)
    select id, mode, object_type, object_id, seq, from_status, to_status, event, actor_type, actor_id,
      actor_user_id, reason_code, cause_type, cause_id, changes, request_id, workflow_id, run_id, activity_id, at
    from jsonb_to_recordset($1::jsonb) as entry (id text, mode text, object_type text, object_id text, seq integer, from_status text,
      to_status text, event text, actor_type text, actor_id text, actor_user_id text, reason_code text, cause_type text, cause_id text,
      changes jsonb, request_id text, workflow_id text, run_id text, activity_id text, at timestamptz)`,
};

/**
 * Writes the history of what this transaction does: the only one there is (decisions 6). The same cause twice is refused by its key. All
 * entries of a transaction are written by one statement, before something reads the table or with the COMMIT. What others asked to be told
 * of goes out with it.
 */
export function recordAudit(tx: Tx, act: Act, ...entries: readonly AuditEntry[]): Promise<readonly AuditEntryId[]> {
  const rows = entries.map((entry) => rowOf(act, entry));
  hold(tx, heldEntries, rows);
  enqueueCallsOut(tx, rows);
  return Promise.resolve(rows.map((row) => row.id));
}

/** The same for many entries of different causes, as the click step has them. */
export function recordAuditSet(
  tx: Tx,
  of: readonly { readonly act: Act; readonly entry: AuditEntry }[],
): Promise<void> {
  const rows = of.map(({ act, entry }) => rowOf(act, entry));
  hold(tx, heldEntries, rows);
  enqueueCallsOut(tx, rows);
  return Promise.resolve();
}

function rowOf(act: Act, entry: AuditEntry) {
  const { viewedAffiliateId } = act.actor;
  return {
    id: act.newId('auditEntry'),
    mode: act.mode,
    object_type: entry.objectType,
    object_id: entry.objectId,
    seq: entry.seq,
    from_status: entry.from ?? null,
    to_status: entry.to ?? null,
    event: entry.event,
    actor_type: act.actor.type,
    actor_id: act.actor.id,
    actor_user_id: act.actor.userId,
    reason_code: entry.reasonCode ?? act.reasonCode,
    cause_type: act.cause?.type ?? null,
    cause_id: act.cause?.id ?? null,
    changes: { ...entry.changes, ...(viewedAffiliateId === undefined ? {} : { viewedAffiliateId }) },
    request_id: act.requestId,
    workflow_id: act.origin?.workflowId ?? null,
    run_id: act.origin?.runId ?? null,
    activity_id: act.origin?.activityId ?? null,
    at: act.now,
  };
}
