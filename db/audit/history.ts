import type { Act } from '../../domain/act.js';
import type { HistoryId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { ReadTx, Tx } from '../transaction.js';

/** A closed run's history as it was recorded: JSON, gzipped; the hash is of the uncompressed bytes, because gzip differs between versions. */
export interface StoredHistory {
  readonly id: HistoryId;
  readonly workflowType: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly objectId: string;
  readonly buildId: string | null;
  readonly eventCount: number;
  readonly firstEventAt: Instant;
  readonly lastEventAt: Instant;
  readonly closeStatus: string;
  readonly sha256: string;
  /** SHA-256 of each event, one after the other: names the event that was altered. */
  readonly eventHashes: Buffer;
  readonly createdAt: Instant;
}

interface HistoryRow {
  readonly id: string;
  readonly workflow_type: string;
  readonly workflow_id: string;
  readonly run_id: string;
  readonly object_id: string;
  readonly build_id: string | null;
  readonly event_count: number;
  readonly first_event_at: Instant;
  readonly last_event_at: Instant;
  readonly close_status: string;
  readonly sha256: Buffer;
  readonly event_hashes: Buffer;
  readonly bytes: Buffer;
  readonly created_at: Instant;
}

const head = [
  'id',
  'workflow_type',
  'workflow_id',
  'run_id',
  'object_id',
  'build_id',
  'event_count',
  'first_event_at',
  'last_event_at',
  'close_status',
  'sha256',
  'event_hashes',
  'created_at',
] as const;

function toHistory(row: Omit<HistoryRow, 'bytes'>): StoredHistory {
  return {
    id: row.id as HistoryId,
    workflowType: row.workflow_type,
    workflowId: row.workflow_id,
    runId: row.run_id,
    objectId: row.object_id,
    buildId: row.build_id,
    eventCount: row.event_count,
    firstEventAt: row.first_event_at,
    lastEventAt: row.last_event_at,
    closeStatus: row.close_status,
    sha256: row.sha256.toString('hex'),
    eventHashes: row.event_hashes,
    createdAt: row.created_at,
  };
}

/** Stores a run once; a second delivery of its export finds it and does nothing. True when it was stored now. */
export async function storeHistory(
  tx: Tx,
  act: Act,
  history: Omit<StoredHistory, 'id' | 'createdAt'> & { readonly gzipped: Buffer },
): Promise<boolean> {
  const inserted = await tx('histories')
    .insert({
      id: act.newId('history'),
      workflow_type: history.workflowType,
      workflow_id: history.workflowId,
      run_id: history.runId,
      object_id: history.objectId,
      build_id: history.buildId,
      event_count: history.eventCount,
      first_event_at: history.firstEventAt,
      last_event_at: history.lastEventAt,
      close_status: history.closeStatus,
      sha256: Buffer.from(history.sha256, 'hex'),
      event_hashes: history.eventHashes,
      bytes: history.gzipped,
    })
    .onConflict(['workspace_id', 'run_id'])
    .ignore()
    .returning('id');
  return inserted.length === 1;
}

export async function findHistory(tx: ReadTx | Tx, id: string): Promise<StoredHistory | undefined> {
  const row = await tx('histories')
    .where({ id })
    .first<HistoryRow | undefined>(...head);
  return row === undefined ? undefined : toHistory(row);
}

/** The archived runs of one object, oldest first: the chapters of a referral. */
export async function listHistoriesOf(tx: ReadTx | Tx, objectId: string): Promise<readonly StoredHistory[]> {
  const rows = await tx('histories')
    .where({ object_id: objectId })
    .orderBy('first_event_at')
    .orderBy('id')
    .select<HistoryRow[]>(...head);
  return rows.map(toHistory);
}

export async function findHistoryBytes(tx: ReadTx | Tx, id: string): Promise<Buffer | undefined> {
  const row = await tx('histories').where({ id }).first<{ bytes: Buffer } | undefined>('bytes');
  return row?.bytes;
}
