import type { ReadTx } from '../../transaction.js';
import { type ActivitySpan, readHappened, sumsOf } from './rollup.js';

export interface FunnelRow {
  /** Null: what belongs to no link, or to no program. */
  readonly key: string | null;
  readonly title: string | null;
  readonly clicks: number;
  readonly visits: number;
  readonly leads: number;
  readonly sales: number;
}
export type FunnelBy = 'link' | 'program';
const steps = ['clicks', 'visits', 'leads', 'sales'] as const;
export type FunnelStep = (typeof steps)[number];

// How far did visitors get, by link or by program (RPT-09)? What no link brought stands in a row of its own; so rows sum to all.
export async function listFunnel(
  tx: ReadTx,
  span: ActivitySpan,
  of: {
    readonly by: FunnelBy;
    readonly sort: FunnelStep;
    readonly descending: boolean;
    readonly limit: number;
    readonly after: { readonly value: string | number | null; readonly id: string } | null;
  },
): Promise<readonly FunnelRow[]> {
  // The days by link leave out what has none; its row is what the rest of the program's days are.
  const byLink = await readHappened(tx, span, { grain: of.by, wanted: steps });
  const key = `${of.by}_id`;
  const rest =
    of.by === 'program'
      ? ''
      : `union all select '' as key, ${steps.map((step) => `everything.${step} - linked.${step} as ${step}`).join(', ')}
         from (select ${sumsOf(steps)} from (${(await readHappened(tx, span, { grain: 'program', wanted: steps })).sql}) as happened) as everything,
              (select ${sumsOf(steps)} from keyed) as linked`;
  const title = of.by === 'link' ? 'links.slug' : 'programs.name';
  const direction = of.descending ? 'desc' : 'asc';
  const { rows } = await tx.raw<{ rows: FunnelRow[] }>(
    `with keyed as (
       select ${key} as key, ${sumsOf(steps)} from (${byLink.sql}) as happened
       ${of.by === 'link' ? `where link_id <> ''` : ''} group by ${key}),
     counted as (select key, ${steps.join(', ')} from keyed ${rest})
     select nullif(counted.key, '') as key, ${title} as title, ${steps.map((step) => `counted.${step}`).join(', ')}
     from counted left join ${of.by}s on ${of.by}s.id = counted.key
     where (${steps.map((step) => `counted.${step} <> 0`).join(' or ')})
       ${of.after === null ? '' : `and (counted.${of.sort}, counted.key) ${of.descending ? '<' : '>'} (cast(:afterValue as int), :afterKey)`}
     order by counted.${of.sort} ${direction}, counted.key ${direction}
     limit :limit`,
    {
      ...byLink.bindings,
      limit: of.limit + 1,
      ...(of.after === null ? {} : { afterValue: of.after.value, afterKey: of.after.id }),
    },
  );
  return rows;
}

/** All rows together. */
export async function sumFunnel(tx: ReadTx, span: ActivitySpan): Promise<Omit<FunnelRow, 'key' | 'title'>> {
  const happened = await readHappened(tx, span, { grain: 'program', wanted: steps });
  const { rows } = await tx.raw<{ rows: Omit<FunnelRow, 'key' | 'title'>[] }>(
    `select ${sumsOf(steps)} from (${happened.sql}) as happened`,
    happened.bindings,
  );
  return rows[0] ?? { clicks: 0, visits: 0, leads: 0, sales: 0 };
}
