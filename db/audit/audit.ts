import type { Act } from '../../domain/act.js';
import type { AuditEntryId } from '../../domain/ids.js';
import { insertSet, type SetColumnType } from '../setInsert.js';
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
  const rows = entries.map((entry) => rowOf(act, entry));
  await tx('audit_entries').insert(rows);
  return rows.map((row) => row.id);
}

/** The same for many entries of different causes, as the click step has them: one statement, one array per column. */
export async function recordAuditSet(
  tx: Tx,
  of: readonly { readonly act: Act; readonly entry: AuditEntry }[],
): Promise<void> {
  await insertSet(
    tx,
    'audit_entries',
    columnTypes,
    of.map(({ act, entry }) => rowOf(act, entry)),
  );
}

const columnTypes = {
  id: 'text',
  mode: 'text',
  object_type: 'text',
  object_id: 'text',
  seq: 'integer',
  from_status: 'text',
  to_status: 'text',
  event: 'text',
  actor_type: 'text',
  actor_id: 'text',
  actor_user_id: 'text',
  reason_code: 'text',
  cause_type: 'text',
  cause_id: 'text',
  changes: 'jsonb',
  request_id: 'text',
  workflow_id: 'text',
  run_id: 'text',
  activity_id: 'text',
  at: 'timestamptz',
} as const satisfies Readonly<Record<keyof ReturnType<typeof rowOf>, SetColumnType>>;

function rowOf(act: Act, entry: AuditEntry) {
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
    changes: JSON.stringify(entry.changes ?? {}),
    request_id: act.requestId,
    workflow_id: act.origin?.workflowId ?? null,
    run_id: act.origin?.runId ?? null,
    activity_id: act.origin?.activityId ?? null,
    at: act.now,
  };
}
