import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { Id } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { AffiliateFilter } from '../reads/affiliate/affiliateList.js';
import { keyset, type Page } from '../reads/keyset.js';
import type { ReadTx, Tx } from '../transaction.js';

export type SegmentId = Id<'segment'>;

/** A kept filter of the affiliate list (AFF-21): who is in it is asked anew each time. */
export interface Segment {
  readonly id: SegmentId;
  readonly name: string;
  readonly filter: AffiliateFilter;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

interface SegmentRow {
  readonly id: SegmentId;
  readonly name: string;
  readonly filter: AffiliateFilter;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function toSegment({ created_at: createdAt, updated_at: updatedAt, id, name, filter, version }: SegmentRow): Segment {
  return { id, name, filter, version, createdAt, updatedAt };
}

export async function findSegment(tx: ReadTx | Tx, id: string): Promise<Segment | undefined> {
  const row = await tx('segments').where({ id }).first<SegmentRow | undefined>();
  return row === undefined ? undefined : toSegment(row);
}

export async function lockSegment(tx: Tx, id: string): Promise<Segment | undefined> {
  const row = await tx('segments').where({ id }).forUpdate().first<SegmentRow | undefined>();
  return row === undefined ? undefined : toSegment(row);
}

// Which segments are there?
export async function listSegments(
  tx: ReadTx,
  filter: { readonly q?: string | undefined },
  page: Page,
): Promise<readonly Segment[]> {
  const query = tx('segments');
  if (filter.q !== undefined) query.whereRaw('(strpos(lower(name), lower(:q)) > 0 or id = :q)', { q: filter.q });
  const rows: readonly SegmentRow[] = await keyset(query, page, { createdAt: 'created_at', name: 'name' });
  return rows.map(toSegment);
}

/** Writes the segment and its audit entry. Refuses with `resource.already_exists` for a name in use. */
export async function insertSegment(
  tx: Tx,
  act: Act,
  { id, name, filter }: Pick<Segment, 'id' | 'name' | 'filter'>,
): Promise<Segment> {
  const [row] = await tx('segments')
    .insert({ id, name, filter: JSON.stringify(filter), created_at: act.now, updated_at: act.now })
    .returning<SegmentRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  const after = { name, filter };
  await recordAudit(tx, act, { objectType: 'segment', objectId: id, seq: 1, event: 'created', changes: { after } });
  return toSegment(row);
}

/** Refuses with `resource.already_exists` for a name in use. */
export async function updateSegment(
  tx: Tx,
  act: Act,
  segment: Segment,
  change: { readonly name?: string; readonly filter?: AffiliateFilter },
): Promise<Segment> {
  const { name = segment.name, filter = segment.filter } = change;
  const [row] = await tx('segments')
    .where({ id: segment.id })
    .update({ name, filter: JSON.stringify(filter), version: segment.version + 1, updated_at: act.now })
    .returning<SegmentRow[]>('*');
  assertInvariant(row !== undefined, 'a locked segment is there', { segmentId: segment.id });
  await recordAudit(tx, act, {
    objectType: 'segment',
    objectId: segment.id,
    seq: segment.version + 1,
    event: 'edited',
    changes: { before: { name: segment.name, filter: segment.filter }, after: { name, filter } },
  });
  return toSegment(row);
}

/** The caller has seen that nothing waits for it. */
export async function deleteSegment(tx: Tx, act: Act, segment: Segment): Promise<void> {
  await tx('segments').where({ id: segment.id }).delete();
  await recordAudit(tx, act, {
    objectType: 'segment',
    objectId: segment.id,
    seq: segment.version + 1,
    event: 'deleted',
  });
}
