import type { Act } from '../../domain/act.js';
import type { OperationId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

// Test data put away for good (TST-07).

/** What a purge archived, by table. */
export type ArchivedCounts = Readonly<Record<string, number>>;

/**
 * Archives the test facts that are there: they are hidden from the application in every statement, their natural keys are free, their ledger
 * accounts are put aside with all postings, their workflows are ended through the outbox. `noLaterThan` null: all of them. Repeating archives
 * what came since. Answers rows by table.
 */
export async function archiveTestData(
  tx: Tx,
  operationId: OperationId,
  noLaterThan: Instant | null,
): Promise<ArchivedCounts> {
  const { rows } = await tx.raw<{ rows: { what: string; how_many: bigint }[] }>(
    'select what, how_many from archive_test_data(:mode, :noLaterThan)',
    { mode: `archived:${operationId}`, noLaterThan: noLaterThan ?? 'infinity' },
  );
  return Object.fromEntries(rows.map((row) => [row.what, Number(row.how_many)]));
}

/** Is a purge under way? There is one at a time: the second would find nothing. */
export async function findRunningPurge(tx: Tx, kind: string): Promise<OperationId | undefined> {
  const row = await tx('operations')
    .where({ kind })
    .whereIn('status', ['queued', 'running'])
    .first<{ id: OperationId } | undefined>('id');
  return row?.id;
}

/** What the first pass left on the job, in the transaction that archived. */
export interface FirstPass {
  readonly at: Instant;
  /** Postgres's number of its transaction. */
  readonly transaction: string;
  readonly archived: ArchivedCounts;
}

/** Null: nothing has been archived yet. */
export async function findFirstPass(tx: ReadTx | Tx, operationId: OperationId): Promise<FirstPass | null> {
  const row = await tx('operations')
    .where({ id: operationId })
    .first<{ result: { firstPass: FirstPass } | null } | undefined>('result');
  return row?.result?.firstPass ?? null;
}

export async function keepFirstPass(tx: Tx, operationId: OperationId, archived: ArchivedCounts): Promise<void> {
  await tx.raw(
    `update operations set result = jsonb_build_object('firstPass', jsonb_build_object(
       'at', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'transaction', pg_current_xact_id()::text,
       'archived', cast(:archived as jsonb)))
     where id = :operationId`,
    { operationId, archived: JSON.stringify(archived) },
  );
}

/** Has everything ended that wrote while the first pass ran and saw test facts as they were before it? */
export async function haveWritersEnded(tx: ReadTx | Tx, { transaction }: FirstPass): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: { ended: boolean }[] }>(
    'select pg_snapshot_xmin(pg_current_snapshot()) > cast(:transaction as xid8) as ended',
    { transaction },
  );
  return rows[0]?.ended === true;
}

/** One entry of the audit trail: who put away how much of what. */
export async function recordPurge(tx: Tx, act: Act, operationId: OperationId, archived: ArchivedCounts): Promise<void> {
  await recordAudit(tx, act, {
    objectType: 'operation',
    objectId: operationId,
    seq: 1,
    event: 'testDataPurged',
    changes: { archived },
  });
}
