import type { Mode } from '../../../domain/act.js';
import { dateIn, startOfDay } from '../../../domain/calendar.js';
import { addMs, type Instant, type LocalDate } from '../../../domain/time.js';
import { contribution, countedTables, type Measure } from '../../reporting/rollup.js';
import type { ReadTx } from '../../transaction.js';

// Where do figures of some days come from? From the days kept beside the facts, with what is not folded yet; or from the facts themselves
// where nothing is kept, or where the range is not cut at the kept days. Both give the same rows (test/db/reporting/rollup.test.ts).

export interface ActivitySpan {
  readonly mode: Mode;
  readonly from: Instant;
  readonly until: Instant;
  /** Only what is credited to these affiliates; null: everything. */
  readonly affiliateIds: readonly string[] | null;
  /** Only what belongs to these programs; left out: everything. */
  readonly programIds?: readonly string[] | null | undefined;
}

/** By what the rows of `happened` can be grouped beside day and currency. */
type Grain = 'program' | 'affiliate' | 'link';

export interface Happened {
  /** A select with `day`, `affiliate_id`, `program_id`, `link_id` (as far as the grain has them), `currency` and the wanted measures. */
  readonly sql: string;
  readonly bindings: Readonly<Record<string, unknown>>;
}

interface HeadRow {
  readonly time_zone: string;
  readonly clicks_until: Instant;
}

/** The head of the kept days when the span can be read from them; `zone`: the days are shown, so they have to be those of this zone. */
async function findUsableHead(tx: ReadTx, span: ActivitySpan, zone: string | null): Promise<HeadRow | undefined> {
  const head = await tx('rollup_heads').first<HeadRow | undefined>('time_zone', 'clicks_until');
  if (head === undefined || (zone !== null && zone !== head.time_zone)) return undefined;
  const isEdge = (at: Instant): boolean => startOfDay(head.time_zone, dateIn(head.time_zone, at)) === at;
  return isEdge(span.from) && isEdge(span.until) ? head : undefined;
}

/**
 * The figures of a span by the finest of grain, day and currency that its reader groups by. `affiliateIds` and `programIds` stand in the
 * bindings as text arrays or null.
 */
export async function readHappened(
  tx: ReadTx,
  span: ActivitySpan,
  options: { readonly grain: Grain; readonly wanted: readonly Measure[]; readonly zone?: string },
): Promise<Happened> {
  const { wanted } = options;
  const head = await findUsableHead(tx, span, options.zone ?? null);
  const zone = options.zone ?? head?.time_zone ?? 'UTC';
  const list = (ids: readonly string[] | null | undefined): string[] | null =>
    ids === null || ids === undefined ? null : [...ids];
  const bindings = {
    mode: span.mode,
    from: span.from,
    until: span.until,
    zone,
    affiliateIds: list(span.affiliateIds),
    programIds: list(span.programIds),
  };
  const ofAffiliates = (column: string): string =>
    bindings.affiliateIds === null ? '' : ` and ${column} = any(cast(:affiliateIds as text[]))`;
  const ofPrograms = (column: string): string =>
    bindings.programIds === null ? '' : ` and ${column} = any(cast(:programIds as text[]))`;
  const fromRows = (from: string, only?: 'clicks'): readonly string[] =>
    countedTables
      .filter((table) => only === undefined || table.from === only)
      .filter((table) => wanted.some((name) => table.measures[name] !== undefined))
      .map((table) => {
        const when = `${table.at} >= cast(:${from} as timestamptz) and ${table.at} < cast(:until as timestamptz)`;
        const rows = contribution(table, {
          wanted,
          when: when + ofAffiliates(table.affiliate) + ofPrograms(table.program),
          columns: ['affiliate_id', 'program_id', 'link_id', 'currency', 'at'],
        });
        return `select (at at time zone :zone)::date as day, affiliate_id, program_id, link_id, currency, ${wanted.join(', ')} from (${rows}) as counted`;
      });
  if (head === undefined) return { sql: fromRows('from').join('\nunion all '), bindings };
  const grain = options.grain === 'program' && bindings.affiliateIds !== null ? 'affiliate' : options.grain;
  const days = `mode = :mode and day between cast(:fromDay as date) and cast(:toDay as date)`;
  const counted = head.clicks_until > span.from ? head.clicks_until : span.from;
  return {
    sql: [
      `${keptDays(grain, wanted)} where ${days}${ofAffiliates('affiliate_id')}${ofPrograms('program_id')}`,
      `select (at at time zone :zone)::date, affiliate_id, program_id, link_id, currency, ${wanted.join(', ')}
       from rollup_deltas
       where mode = :mode and at >= cast(:from as timestamptz) and at < cast(:until as timestamptz)${ofAffiliates('affiliate_id')}${ofPrograms('program_id')}`,
      ...(counted < span.until ? fromRows('countedUntil', 'clicks') : []),
    ].join('\nunion all '),
    bindings: { ...bindings, ...daysOf(head.time_zone, span), countedUntil: counted },
  };
}

function keptDays(grain: Grain, wanted: readonly Measure[]): string {
  const figures = wanted.map((name) => `${name}::bigint`).join(', ');
  switch (grain) {
    case 'program':
      return `select day, '' as affiliate_id, program_id, '' as link_id, currency, ${figures} from program_days`;
    case 'affiliate':
      return `select day, affiliate_id, program_id, '' as link_id, currency, ${figures} from affiliate_days`;
    case 'link':
      return `select day, affiliate_id, program_id, link_id, currency, ${figures} from link_days`;
    default:
      return grain satisfies never;
  }
}

function daysOf(zone: string, span: Pick<ActivitySpan, 'from' | 'until'>): { fromDay: LocalDate; toDay: LocalDate } {
  return { fromDay: dateIn(zone, span.from), toDay: dateIn(zone, addMs(span.until, -1)) };
}

/** `sum(clicks)::int as clicks, …` of the wanted measures; amounts stay bigint. */
export function sumsOf(wanted: readonly Measure[]): string {
  return wanted
    .map((name) => `coalesce(sum(${name}), 0)::${name.endsWith('_minor') ? 'bigint' : 'int'} as ${name}`)
    .join(', ');
}
