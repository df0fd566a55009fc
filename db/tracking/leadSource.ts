import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { LeadSourceId, UserId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** Where leads come from, with who gets them (LED-01). No states: row and wire are enough. */
export interface LeadSource {
  readonly id: LeadSourceId;
  readonly name: string;
  readonly department: string | null;
  readonly assigneeId: UserId | null;
  /** Who accepts a lead of this source; null: as its program says. */
  readonly leadAcceptance: 'automatic' | 'manual' | null;
  /** False: no lead comes in by it any more. */
  readonly active: boolean;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface LeadSourceRow {
  readonly id: LeadSourceId;
  readonly name: string;
  readonly department: string | null;
  readonly assignee_id: UserId | null;
  readonly lead_acceptance: LeadSource['leadAcceptance'];
  readonly active: boolean;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toLeadSource(row: LeadSourceRow): LeadSource {
  return {
    id: row.id,
    name: row.name,
    department: row.department,
    assigneeId: row.assignee_id,
    leadAcceptance: row.lead_acceptance,
    active: row.active,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewLeadSource = Omit<LeadSource, 'version' | 'createdAt' | 'updatedAt'>;
export type LeadSourceChange = Partial<Omit<NewLeadSource, 'id'>>;

export async function findLeadSource(tx: ReadTx | Tx, id: string): Promise<LeadSource | undefined> {
  const row = await tx('lead_sources').where({ id }).whereNull('deleted_at').first<LeadSourceRow | undefined>();
  return row === undefined ? undefined : toLeadSource(row);
}

export async function lockLeadSource(tx: Tx, id: string): Promise<LeadSource | undefined> {
  const row = await tx('lead_sources')
    .where({ id })
    .whereNull('deleted_at')
    .forNoKeyUpdate()
    .first<LeadSourceRow | undefined>();
  return row === undefined ? undefined : toLeadSource(row);
}

/** Writes the source and its audit entry. Refuses with `resource.already_exists` for a name in use. */
export async function insertLeadSource(tx: Tx, act: Act, source: NewLeadSource): Promise<LeadSource> {
  const [row] = await tx('lead_sources')
    .insert({ ...columnsOf(source), id: source.id, created_at: act.now, updated_at: act.now })
    .returning<LeadSourceRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'lead_source',
    objectId: source.id,
    seq: 1,
    event: 'created',
    changes: { after: columnsOf(source) },
  });
  return toLeadSource(row);
}

export async function updateLeadSource(
  tx: Tx,
  act: Act,
  source: LeadSource,
  change: LeadSourceChange,
): Promise<LeadSource> {
  const before = columnsOf(source);
  const after = columnsOf(change);
  const names = Object.keys(after).filter((name) => after[name] !== before[name]);
  if (names.length === 0) return source;
  const [row] = await tx('lead_sources')
    .where({ id: source.id })
    .update({ ...after, version: source.version + 1, updated_at: act.now })
    .returning<LeadSourceRow[]>('*');
  assertInvariant(row !== undefined, 'a locked source is there', { sourceId: source.id });
  const pick = (from: Readonly<Record<string, unknown>>) => Object.fromEntries(names.map((name) => [name, from[name]]));
  await recordAudit(tx, act, {
    objectType: 'lead_source',
    objectId: source.id,
    seq: source.version + 1,
    event: 'edited',
    changes: { before: pick(before), after: pick(after) },
  });
  return toLeadSource(row);
}

/** Takes the source off the lists; its leads keep naming it. The caller has seen that nothing uses it. */
export async function deleteLeadSource(tx: Tx, act: Act, source: LeadSource): Promise<void> {
  await tx('lead_sources')
    .where({ id: source.id })
    .update({ deleted_at: act.now, active: false, version: source.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'lead_source',
    objectId: source.id,
    seq: source.version + 1,
    event: 'deleted',
  });
}

/** Keys and forms that name the source: as long as there are any, it stays (LED-05). */
export async function leadSourceUses(tx: ReadTx | Tx, sourceId: string): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `
    select id from api_keys where lead_source_id = :sourceId and revoked_at is null
    union all
    select id from lead_forms where lead_source_id = :sourceId and deleted_at is null
    limit 20`,
    { sourceId },
  );
  return rows.map((row) => row.id);
}

function columnsOf(source: LeadSourceChange): Readonly<Record<string, unknown>> {
  const pairs: readonly (readonly [string, unknown])[] = [
    ['name', source.name],
    ['department', source.department],
    ['assignee_id', source.assigneeId],
    ['lead_acceptance', source.leadAcceptance],
    ['active', source.active],
  ];
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}
