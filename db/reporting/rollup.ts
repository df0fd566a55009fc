import type { Instant } from '../../domain/time.js';
import type { Tx } from '../transaction.js';

// Figures by day, kept beside the facts (performance.md 7 and 8): the triggers of the facts leave `rollup_deltas`, and the relay's step
// folds these and the clicks since the last time into the days. What is not folded yet is added by whoever reads
// (db/reads/reporting/rollup.ts), so a figure is exact at every instant; folding only makes it cheap.

const counts = [
  'clicks',
  'valid_clicks',
  'visits',
  'leads',
  'unique_leads',
  'accepted_leads',
  'referrals',
  'sales',
  'refunded_sales',
] as const;
const amounts = ['captured_minor', 'refunded_minor', 'earned_minor', 'paid_minor'] as const;
export const measures = [...counts, ...amounts] as const;
export type Measure = (typeof measures)[number];

/** A table of facts and what a row of it counts for. The same as the triggers say; a test compares the two under shuffled events. */
export interface CountedTable {
  readonly from: string;
  readonly affiliate: string;
  readonly program: string;
  readonly link: string;
  readonly at: string;
  readonly currency: string;
  readonly where: string;
  readonly measures: Readonly<Partial<Record<Measure, string>>>;
}

/** Conditions of each figure; `api/routes/reporting/console.ts` names the list query that says the same. */
export const countedTables: readonly CountedTable[] = [
  {
    from: 'clicks',
    affiliate: 'clicks.affiliate_id',
    program: 'clicks.program_id',
    link: 'clicks.link_id',
    at: 'clicks.created_at',
    currency: `''`,
    where: 'clicks.mode = :mode',
    measures: { clicks: '1', valid_clicks: `(clicks.credit <> 'filtered' and not clicks.suspect)::int` },
  },
  {
    // A visit has no affiliate of its own: its link's.
    from: 'visits join links on links.workspace_id = visits.workspace_id and links.id = visits.link_id',
    affiliate: 'links.affiliate_id',
    program: 'links.program_id',
    link: 'visits.link_id',
    at: 'visits.created_at',
    currency: `''`,
    where: 'visits.mode = :mode',
    measures: { visits: '(not visits.suspect)::int' },
  },
  {
    from: 'leads',
    affiliate: 'leads.affiliate_id',
    program: 'leads.program_id',
    link: 'leads.link_id',
    at: 'leads.created_at',
    currency: `''`,
    where: 'leads.mode = :mode',
    measures: {
      leads: '1',
      unique_leads: 'leads.is_unique::int',
      accepted_leads: `(leads.verdict in ('accepted', 'converted'))::int`,
    },
  },
  {
    from: 'referrals',
    affiliate: 'referrals.affiliate_id',
    program: 'referrals.program_id',
    link: `''`,
    at: 'referrals.created_at',
    currency: `''`,
    where: `referrals.mode = :mode and referrals.status in ('pending', 'approved', 'rejected')`,
    measures: { referrals: '1' },
  },
  {
    from: 'sales',
    affiliate: 'sales.affiliate_id',
    program: 'sales.program_id',
    link: 'sales.link_id',
    at: 'sales.occurred_at',
    currency: 'sales.currency',
    where: `sales.mode = :mode and sales.status <> 'declined'`,
    measures: {
      sales: '1',
      refunded_sales: '(sales.refunded_minor > 0)::int',
      captured_minor: 'sales.captured_minor',
      refunded_minor: 'sales.refunded_minor',
    },
  },
  {
    from: 'commissions',
    affiliate: 'commissions.affiliate_id',
    program: 'commissions.program_id',
    link: `''`,
    at: 'commissions.created_at',
    currency: 'commissions.currency',
    where: `commissions.mode = :mode and commissions.status <> 'rejected'`,
    measures: {
      earned_minor: 'commissions.amount_minor - commissions.reversed_minor',
      paid_minor: `case when commissions.status = 'paid' then commissions.amount_minor - commissions.reversed_minor else 0 end`,
    },
  },
];

export interface RollupHead {
  readonly timeZone: string;
  readonly clicksUntil: Instant;
  readonly markAt: Instant | null;
}

interface HeadRow {
  readonly time_zone: string;
  readonly clicks_until: Instant;
  readonly mark_at: Instant | null;
}

/**
 * How far the days are; `none`: nothing was folded yet; `busy`: another process is at it, or a late click is being written. Held until the
 * transaction ends: one step at a time in a workspace.
 */
export async function lockRollupHead(tx: Tx): Promise<RollupHead | 'none' | 'busy'> {
  // Work in the background: on a busy machine a page may take longer than anybody would wait for an answer, and must not start over for ever.
  await tx.raw(`set local statement_timeout = '1min'`);
  const row = await tx('rollup_heads')
    .forUpdate()
    .skipLocked()
    .first<HeadRow | undefined>('time_zone', 'clicks_until', 'mark_at');
  if (row !== undefined) return { timeZone: row.time_zone, clicksUntil: row.clicks_until, markAt: row.mark_at };
  const present = await tx('rollup_heads').first<object | undefined>('time_zone');
  return present === undefined ? 'none' : 'busy';
}

/** Is there anything that a step would do? Cheap: asked of every workspace all the time. */
export async function hasRollupWork(tx: Tx, timeZone: string): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: { wanted: boolean }[] }>(
    `select head.workspace_id is null or head.time_zone <> :timeZone
            or exists (select from rollup_deltas)
            or exists (select from clicks where created_at >= head.clicks_until) as wanted
     from (select 1) as one left join rollup_heads as head on true`,
    { timeZone },
  );
  return rows[0]?.wanted === true;
}

const sums = measures.map((name) => `sum(${name}) as ${name}`).join(', ');
const columnsOf = (...own: readonly string[]): string => [...own, ...measures].join(', ');

function addInto(table: string, keys: readonly string[], where: string): string {
  return `insert into ${table} (${columnsOf(...keys)})
    select ${[...keys, ...measures.map((name) => `sum(${name})`)].join(', ')}
    from summed where ${where}
    group by ${keys.join(', ')}
    on conflict on constraint ${table}_pkey do update
    set ${measures.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(', ')}`;
}

/** Adds `summed` (a CTE with the keys, the measures, `click_at` and `fact_at`) to the days and to the newest activity of each affiliate. */
const intoDays = `
  programs as (${addInto('program_days', ['mode', 'program_id', 'currency', 'day'], 'true')}),
  affiliates as (${addInto('affiliate_days', ['mode', 'affiliate_id', 'program_id', 'currency', 'day'], `affiliate_id <> ''`)}),
  of_links as (${addInto('link_days', ['mode', 'link_id', 'affiliate_id', 'program_id', 'currency', 'day'], `link_id <> ''`)}),
  activity as (
    insert into affiliate_last_activity (mode, affiliate_id, last_click_at, last_fact_at)
    select mode, affiliate_id, max(click_at), max(fact_at) from summed
    where affiliate_id <> ''
    group by mode, affiliate_id
    having max(click_at) is not null or max(fact_at) is not null
    on conflict on constraint affiliate_last_activity_pkey do update
    set last_click_at = greatest(affiliate_last_activity.last_click_at, excluded.last_click_at),
        last_fact_at = greatest(affiliate_last_activity.last_fact_at, excluded.last_fact_at))`;
const keyColumns = 'mode, affiliate_id, program_id, link_id';
const dayOf = (at: string): string => `(${at} at time zone cast(:timeZone as text))::date`;

/** Facts of one table as rows of `happened`. */
export function contribution(
  table: CountedTable,
  options: { readonly wanted: readonly Measure[]; readonly when: string; readonly columns: readonly string[] },
): string {
  const own: Readonly<Record<string, string>> = {
    mode: `cast(:mode as text)`,
    affiliate_id: `coalesce(${table.affiliate}, '')`,
    program_id: `coalesce(${table.program}, '')`,
    link_id: `coalesce(${table.link}, '')`,
    currency: table.currency,
    at: table.at,
  };
  const columns = options.columns.map((name) => `${own[name] ?? 'null'} as ${name}`);
  return `select ${[...columns, ...options.wanted.map((name) => `(${table.measures[name] ?? '0'})::bigint as ${name}`)].join(', ')}
    from ${table.from} where ${table.where} and ${options.when}`;
}

/**
 * Throws the days away and counts leads, sales, commissions, referrals and visits from their rows: the first time, and after the workspace
 * moved to another zone. One statement: what is committed after its snapshot leaves deltas of its own. Clicks follow by `foldClicks`.
 */
export async function rebuildRollups(tx: Tx, timeZone: string): Promise<void> {
  await tx.raw(`set local statement_timeout = '10min'`);
  await tx('rollup_heads')
    .insert({ time_zone: timeZone, clicks_until: firstClick })
    .onConflict('workspace_id')
    .merge(['time_zone', 'clicks_until']);
  for (const table of ['program_days', 'affiliate_days', 'link_days', 'affiliate_last_activity'])
    await tx.raw(`delete from ${table}`);
  const facts = countedTables.filter((table) => table.from !== 'clicks');
  const happened = (['live', 'test'] as const).flatMap((mode) =>
    facts.map((table) =>
      contribution(table, {
        wanted: measures,
        when: 'true',
        columns: ['mode', 'affiliate_id', 'program_id', 'link_id', 'at', 'currency'],
      }).replaceAll(':mode', `'${mode}'`),
    ),
  );
  await tx.raw(
    `with gone as (delete from rollup_deltas returning 1),
     happened as (${happened.join('\nunion all ')}),
     summed as (
       select ${keyColumns}, ${dayOf('at')} as day, currency, ${sums}, null::timestamptz as click_at,
              max(at) filter (where leads > 0 or sales > 0) as fact_at
       from happened group by ${keyColumns}, day, currency),
     ${intoDays}
     select count(*) from gone`,
    { timeZone },
  );
}

/** Older than any click. */
const firstClick = '2000-01-01T00:00:00.000Z' as Instant;

/**
 * Takes deltas, at most `limit`, into the days. Answers how many there were. An array, not `in`: the table is empty when it is analyzed, so
 * the plan for `in` was two nested scans, whatever waits there.
 */
export async function foldDeltas(tx: Tx, timeZone: string, limit: number): Promise<number> {
  const { rows } = await tx.raw<{ rows: { taken: number; left: readonly { mode: string; affiliate_id: string }[] }[] }>(
    `with taken as (
       delete from rollup_deltas
       where id = any (array(select id from rollup_deltas limit :limit))
       returning *),
     summed as (
       select ${keyColumns}, ${dayOf('at')} as day, currency, ${sums},
              max(last_at) filter (where clicks > 0) as click_at,
              max(last_at) filter (where leads > 0 or sales > 0) as fact_at
       from taken group by ${keyColumns}, day, currency),
     ${intoDays}
     select (select count(*)::int from taken) as taken,
            (select coalesce(jsonb_agg(distinct jsonb_build_object('mode', mode, 'affiliate_id', affiliate_id)), '[]')
             from taken where leaves and affiliate_id <> '') as left`,
    { timeZone, limit },
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a select without a table answers one row');
  if (row.left.length > 0) await readLastFactsAgain(tx, row.left);
  return row.taken;
}

/** A lead or sale that left an affiliate may have been its newest: the next one is found in the rows. */
async function readLastFactsAgain(
  tx: Tx,
  affiliates: readonly { readonly mode: string; readonly affiliate_id: string }[],
): Promise<void> {
  await tx.raw(
    `update affiliate_last_activity as activity
     set last_fact_at = greatest(
           (select max(leads.created_at) from leads where leads.affiliate_id = activity.affiliate_id and leads.mode = activity.mode),
           (select max(sales.occurred_at) from sales
            where sales.affiliate_id = activity.affiliate_id and sales.mode = activity.mode and sales.status <> 'declined'))
     from unnest(cast(:modes as text[]), cast(:ids as text[])) as wanted (mode, affiliate_id)
     where activity.mode = wanted.mode and activity.affiliate_id = wanted.affiliate_id`,
    { modes: affiliates.map(({ mode }) => mode), ids: affiliates.map(({ affiliate_id }) => affiliate_id) },
  );
}

/** The trigger of a later click than this tells of it; see the migration. */
const lateAfterMs = 60_000;

/**
 * Takes the next clicks into the days, at most about `limit`. No click before `clicks_until` may still be on its way: that is known once
 * every transaction that ran at `mark_at` has ended, and a click that says it is older than a minute tells of itself. Answers whether there
 * are more to take at once.
 */
export async function foldClicks(tx: Tx, head: RollupHead, limit: number): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: { until: Instant | null; is_due: boolean }[] }>(
    `select mark_at - :lateAfterMs * interval '1 millisecond' as until,
            coalesce(mark_xid <= pg_snapshot_xmin(pg_current_snapshot()), false) as is_due
     from rollup_heads`,
    { lateAfterMs },
  );
  const [mark] = rows;
  const isMore =
    mark?.is_due === true && mark.until !== null && mark.until > head.clicksUntil
      ? await countClicks(tx, head, mark.until, limit)
      : false;
  // A mark of a restored database counts transactions that this server never had: it is set anew.
  if (!isMore)
    await tx.raw(
      `update rollup_heads
       set mark_at = date_trunc('milliseconds', now()), mark_xid = pg_snapshot_xmax(pg_current_snapshot()), folded_at = date_trunc('milliseconds', now())
       where mark_xid is null or mark_xid <= pg_snapshot_xmin(pg_current_snapshot()) or mark_xid > pg_snapshot_xmax(pg_current_snapshot())`,
    );
  return isMore;
}

async function countClicks(tx: Tx, head: RollupHead, target: Instant, limit: number): Promise<boolean> {
  const range = { from: head.clicksUntil, target };
  // Up to the click after the last one of this page; more than a page within one millisecond are taken together. By time alone, as the index
  // is: with the id behind it Postgres sorted all that is left for each page.
  const { rows } = await tx.raw<{ rows: { until: Instant | null }[] }>(
    `select case when created_at = cast(:from as timestamptz) then created_at + interval '1 millisecond' else created_at end as until
     from clicks where created_at >= :from and created_at < :target
     order by created_at offset :limit limit 1`,
    { ...range, limit },
  );
  const until = rows[0]?.until ?? target;
  await tx.raw(
    `with summed as (
       select ${keyColumns}, ${dayOf('created_at')} as day, '' as currency,
              ${measures
                .map((name) =>
                  name === 'clicks'
                    ? 'count(*)'
                    : name === 'valid_clicks'
                      ? `count(*) filter (where credit <> 'filtered' and not suspect)`
                      : '0',
                )
                .map((sql, index) => `${sql} as ${measures[index] ?? ''}`)
                .join(', ')},
              max(created_at) as click_at, null::timestamptz as fact_at
       from clicks where created_at >= :from and created_at < :until
       group by ${keyColumns}, day),
     ${intoDays}
     select 1`,
    { timeZone: head.timeZone, from: range.from, until },
  );
  await tx('rollup_heads').update({ clicks_until: until });
  return rows.length > 0;
}
