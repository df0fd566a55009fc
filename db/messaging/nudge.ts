import type { Instant } from '../../domain/time.js';
import type { Unapplied } from '../reads/messaging/unapplied.js';
import type { Tx } from '../transaction.js';

/**
 * Remembers on the rows themselves that they were nudged, so that the next nudge comes later. A row that somebody has locked is being worked
 * on and is left out. Answers those it marked. No version and no audit entry: a nudge changes nothing.
 */
export async function markNudged(tx: Tx, now: Instant, late: readonly Unapplied[]): Promise<readonly Unapplied[]> {
  const marked: Unapplied[] = [];
  for (const table of new Set(late.map((row) => row.table))) {
    const rows = late.filter((row) => row.table === table);
    const { rows: written } = await tx.raw<{ rows: { id: string }[] }>(
      `with free as (
         select wanted.id, wanted.since from unnest(cast(:ids as text[]), cast(:sinces as timestamptz[])) as wanted (id, since)
         join ${table} as held on held.id = wanted.id
         order by wanted.id for no key update of held skip locked)
       update ${table} as target set nudged_at = cast(:now as timestamptz),
         nudges = case when target.nudged_at is null or target.nudged_at < free.since then 1 else target.nudges + 1 end
       from free where target.id = free.id
       returning target.id`,
      { ids: rows.map((row) => row.id), sinces: rows.map((row) => row.since), now },
    );
    const ids = new Set(written.map((row) => row.id));
    marked.push(...rows.filter((row) => ids.has(row.id)));
  }
  return marked;
}
