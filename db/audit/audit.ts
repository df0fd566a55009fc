import type { Act } from '../../domain/act.js';
import type { AuditEntryId } from '../../domain/ids.js';
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

/** Writes the history of what this transaction does: the only one there is (decisions 6). The same cause twice is refused by its key. */
export async function recordAudit(
  tx: Tx,
  act: Act,
  ...entries: readonly AuditEntry[]
): Promise<readonly AuditEntryId[]> {
  if (entries.length === 0) return [];
  const rows = entries.map((entry) => ({
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
    changes: JSON.stringify(entry.changes ?? {}),
    request_id: act.requestId,
    workflow_id: act.origin?.workflowId ?? null,
    run_id: act.origin?.runId ?? null,
    activity_id: act.origin?.activityId ?? null,
    at: act.now,
  }));
  await tx('audit_entries').insert(rows);
  return rows.map((row) => row.id);
}
