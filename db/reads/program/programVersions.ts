import type { ProgramId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { listUserNames } from '../../access/userName.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export interface ProgramVersion {
  /** Of the history's entry. */
  readonly id: string;
  readonly version: number;
  readonly event: string;
  readonly by: { readonly type: string; readonly id: string | null; readonly name: string | null };
  readonly at: Instant;
  readonly reasonCode: string | null;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

interface Row {
  readonly id: string;
  readonly seq: number;
  readonly event: string;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly actor_type: string;
  readonly actor_id: string | null;
  readonly actor_user_id: string | null;
  readonly reason_code: string | null;
  readonly changes: Readonly<Record<string, unknown>>;
  readonly at: Instant;
}

// What changed in this program, version by version: who, before, after?
export async function listProgramVersions(
  tx: ReadTx,
  programId: ProgramId,
  page: Page,
): Promise<readonly ProgramVersion[]> {
  const query = tx('audit_entries')
    .where({ object_type: 'program', object_id: programId })
    .select<Row[]>(
      'id',
      'seq',
      'event',
      'from_status',
      'to_status',
      'actor_type',
      'actor_id',
      'actor_user_id',
      'reason_code',
      'changes',
      'at',
    );
  const rows = await keyset(query, page, { version: 'seq' });
  const names = await listUserNames(
    tx,
    rows.flatMap((row) => row.actor_user_id ?? row.actor_id ?? []),
  );
  return rows.map((row) => {
    const { before, after, ...rest } = row.changes;
    const isMove = row.from_status !== row.to_status;
    return {
      id: row.id,
      version: row.seq,
      event: row.event,
      by: { type: row.actor_type, id: row.actor_id, name: names.get(row.actor_user_id ?? row.actor_id ?? '') ?? null },
      at: row.at,
      reasonCode: row.reason_code,
      before: { ...(isMove && row.from_status !== null ? { status: row.from_status } : {}), ...asRecord(before) },
      after: { ...(isMove ? { status: row.to_status } : {}), ...asRecord(after), ...rest },
    };
  });
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
