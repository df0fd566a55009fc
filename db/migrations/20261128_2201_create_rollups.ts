import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Why: figures by affiliate, program, link and day without reading every row (performance.md 7 and 8). Leads, sales, commissions, referrals
// and visits say in the same transaction what they change (`rollup_deltas`, only ever inserted: nobody waits for anybody); a step of the
// relay folds that into the days. Clicks have no trigger on their way in but one for late ones: the step counts them from the rows. New
// tables; the triggers lock each table for an instant. Nothing is filled here: the step does it, and until then reports read the rows.
// Reversible.

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
];
const amounts = ['captured_minor', 'refunded_minor', 'earned_minor', 'paid_minor'];
const measures = [...counts, ...amounts];
const measureColumns = [
  ...counts.map((name) => `${name} integer not null default 0`),
  ...amounts.map((name) => `${name} bigint not null default 0`),
].join(',\n      ');

/** What a row of a table counts for, as a select over `counted`. A quarter of an hour is the finest edge that a day has in any zone. */
interface Counted {
  readonly from: string;
  readonly link: string;
  readonly affiliate: string;
  readonly program: string;
  readonly at: string;
  readonly currency: string;
  readonly measures: Readonly<Record<string, string>>;
  /** The instant that counts as activity of the affiliate; null: it is none. */
  readonly activity: string;
  readonly where: string;
  /** Columns whose change changes the count; none: the row never changes. */
  readonly watched: readonly string[];
  /** In an update: did the old row's activity leave its affiliate? */
  readonly leaves: string;
}

const tables: Readonly<Record<string, Counted>> = {
  visits: {
    from: 'join links as link on link.workspace_id = counted.workspace_id and link.id = counted.link_id',
    link: 'counted.link_id',
    affiliate: 'link.affiliate_id',
    program: 'link.program_id',
    at: 'counted.created_at',
    currency: `''`,
    measures: { visits: '1' },
    activity: 'null',
    where: 'true',
    watched: [],
    leaves: 'false',
  },
  leads: {
    from: '',
    link: 'counted.link_id',
    affiliate: 'counted.affiliate_id',
    program: 'counted.program_id',
    at: 'counted.created_at',
    currency: `''`,
    measures: {
      leads: '1',
      unique_leads: 'counted.is_unique::int',
      accepted_leads: `(counted.verdict in ('accepted', 'converted'))::int`,
    },
    activity: 'counted.created_at',
    where: 'true',
    watched: ['verdict', 'is_unique', 'affiliate_id', 'program_id', 'link_id'],
    leaves: 'old.affiliate_id is distinct from new.affiliate_id',
  },
  referrals: {
    from: '',
    link: `''`,
    affiliate: 'counted.affiliate_id',
    program: 'counted.program_id',
    at: 'counted.created_at',
    currency: `''`,
    measures: { referrals: '1' },
    activity: 'null',
    where: `counted.status in ('pending', 'approved', 'rejected')`,
    watched: ['status', 'affiliate_id', 'program_id'],
    leaves: 'false',
  },
  sales: {
    from: '',
    link: 'counted.link_id',
    affiliate: 'counted.affiliate_id',
    program: 'counted.program_id',
    at: 'counted.occurred_at',
    currency: 'counted.currency',
    measures: {
      sales: '1',
      refunded_sales: '(counted.refunded_minor > 0)::int',
      captured_minor: 'counted.captured_minor',
      refunded_minor: 'counted.refunded_minor',
    },
    activity: 'counted.occurred_at',
    where: `counted.status <> 'declined'`,
    watched: [
      'status',
      'captured_minor',
      'refunded_minor',
      'occurred_at',
      'currency',
      'affiliate_id',
      'program_id',
      'link_id',
    ],
    leaves: `(old.affiliate_id, old.occurred_at, old.status = 'declined') is distinct from (new.affiliate_id, new.occurred_at, new.status = 'declined')`,
  },
  commissions: {
    from: '',
    link: `''`,
    affiliate: 'counted.affiliate_id',
    program: 'counted.program_id',
    at: 'counted.created_at',
    currency: 'counted.currency',
    measures: {
      earned_minor: 'counted.amount_minor - counted.reversed_minor',
      paid_minor: `case when counted.status = 'paid' then counted.amount_minor - counted.reversed_minor else 0 end`,
    },
    activity: 'null',
    where: `counted.status <> 'rejected'`,
    watched: ['status', 'amount_minor', 'reversed_minor', 'affiliate_id', 'program_id', 'currency'],
    leaves: 'false',
  },
};

const clicks: Counted = {
  from: '',
  link: 'counted.link_id',
  affiliate: 'counted.affiliate_id',
  program: 'counted.program_id',
  at: 'counted.created_at',
  currency: `''`,
  measures: { clicks: '1', valid_clicks: `(counted.credit <> 'filtered' and not counted.suspect)::int` },
  activity: 'counted.created_at',
  where: 'true',
  watched: ['suspect'],
  leaves: 'false',
};

const keys = ['workspace_id', 'mode', 'affiliate_id', 'program_id', 'link_id', 'at', 'currency'];

/** Writes what the rows of `source` count for, added or taken away, a row per key. */
function note(table: Counted, source: string, sign: '' | '-', leaves: string): string {
  return `
    insert into rollup_deltas (${[...keys, ...measures, 'last_at', 'leaves'].join(', ')})
    select counted.workspace_id, counted.mode, coalesce(${table.affiliate}, ''), coalesce(${table.program}, ''),
           coalesce(${table.link}, ''), date_bin('15 minutes', ${table.at}, timestamptz '2000-01-01 00:00:00+00'), ${table.currency},
           ${measures.map((name) => `${sign}coalesce(sum(${table.measures[name] ?? '0'}), 0)`).join(', ')},
           ${sign === '-' ? 'null' : `max(cast(${table.activity} as timestamptz))`}, ${leaves}
    from ${source} as counted ${table.from}
    where ${table.where}
    group by 1, 2, 3, 4, 5, 6, 7;`;
}

const changed = (table: Counted): string =>
  table.watched.map((column) => `old.${column} is distinct from new.${column}`).join(' or ');

/** Above tables and workspaces: whoever writes a fact has no right to write a figure. */
const head = `language plpgsql security definer set search_path = public, pg_temp`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table rollup_heads (
      ${workspaceColumn},
      time_zone text not null,
      clicks_until timestamptz(3) not null,
      mark_at timestamptz(3),
      mark_xid xid8,
      folded_at timestamptz(3),
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint rollup_heads_pkey primary key (workspace_id)
    )`);
  await knex.raw(`comment on column rollup_heads.time_zone is 'the zone in which the days are cut'`);
  await knex.raw(
    `comment on column rollup_heads.clicks_until is 'clicks before it are in the days (or in a delta); later ones are read from the rows'`,
  );
  await knex.raw(
    `comment on column rollup_heads.mark_xid is 'the first transaction that had not begun at mark_at: once all before it have ended, no earlier click is still to come'`,
  );
  await isolate(knex, 'rollup_heads');

  // No foreign key to affiliates or programs: a delta is counted, not followed, and a click's ids have none either.
  await knex.raw(`
    create table rollup_deltas (
      ${workspaceColumn},
      id uuid not null default gen_random_uuid(),
      mode text not null,
      affiliate_id text not null,
      program_id text not null,
      link_id text not null,
      at timestamptz(3) not null,
      currency text not null,
      ${measureColumns},
      last_at timestamptz(3),
      leaves boolean not null default false,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint rollup_deltas_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column rollup_deltas.leaves is 'the newest activity of the affiliate may have gone with it: it is read again from the rows'`,
  );
  await isolate(knex, 'rollup_deltas', 'select, delete');

  for (const [table, key] of [
    ['program_days', ['mode', 'program_id', 'currency', 'day']],
    ['affiliate_days', ['mode', 'affiliate_id', 'program_id', 'currency', 'day']],
    ['link_days', ['mode', 'link_id', 'affiliate_id', 'program_id', 'currency', 'day']],
  ] as const) {
    const columns = key.map((name) => `${name} ${name === 'day' ? 'date' : 'text'} not null`).join(',\n      ');
    await knex.raw(`
      create table ${table} (
        ${workspaceColumn},
        ${columns},
        ${measureColumns},
        created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
        constraint ${table}_pkey primary key (workspace_id, ${key.join(', ')})
      )`);
    await knex.raw(`create index ${table}_by_day on ${table} (workspace_id, mode, day)`);
    await knex.raw(`comment on index ${table}_by_day is 'reports and Home: the days of a range'`);
    await isolate(knex, table);
  }
  await knex.raw(`
    create table affiliate_last_activity (
      ${workspaceColumn},
      mode text not null,
      affiliate_id text not null,
      last_click_at timestamptz(3),
      last_fact_at timestamptz(3),
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint affiliate_last_activity_pkey primary key (workspace_id, mode, affiliate_id)
    )`);
  await knex.raw(
    `comment on column affiliate_last_activity.last_fact_at is 'newest lead or sale; a click never leaves its affiliate, these may'`,
  );
  await isolate(knex, 'affiliate_last_activity');

  for (const [table, counted] of Object.entries(tables)) {
    await knex.raw(`
      create function note_${table}() returns trigger ${head} as $$
      begin
        if tg_op = 'INSERT' then ${note(counted, 'added', '', 'false')}
        elsif tg_op = 'DELETE' then ${note(counted, 'removed', '-', String(counted.activity !== 'null'))}
        end if;
        return null;
      end $$`);
    await knex.raw(
      `create trigger rollup_added after insert on ${table} referencing new table as added for each statement execute function note_${table}()`,
    );
    await knex.raw(
      `create trigger rollup_removed after delete on ${table} referencing old table as removed for each statement execute function note_${table}()`,
    );
    if (counted.watched.length === 0) continue;
    await knex.raw(`
      create function note_change_of_${table}() returns trigger ${head} as $$
      begin
        ${note(counted, '(select old.*)', '-', counted.leaves)}
        ${note(counted, '(select new.*)', '', 'false')}
        return null;
      end $$`);
    await knex.raw(
      `create trigger rollup_changed after update of ${counted.watched.join(', ')} on ${table} for each row
       when (${changed(counted)}) execute function note_change_of_${table}()`,
    );
  }

  // A click later than a minute, or one that changes, has to know whether its time is counted already: it holds the head, so that the step
  // waits for it and it for the step. All other clicks pass by without a call.
  const headOf = (row: string): string =>
    `select clicks_until into counted_until from rollup_heads where workspace_id = ${row}.workspace_id for share;`;
  await knex.raw(`
    create function note_late_click() returns trigger ${head} as $$
    declare counted_until timestamptz;
    begin
      if tg_op <> 'INSERT' then
        ${headOf('old')}
        if old.created_at < counted_until then ${note(clicks, '(select old.*)', '-', `tg_op = 'DELETE'`)}
        end if;
      end if;
      if tg_op <> 'DELETE' then
        ${headOf('new')}
        if new.created_at < counted_until then ${note(clicks, '(select new.*)', '', 'false')}
        end if;
      end if;
      return null;
    end $$`);
  await knex.raw(
    `create trigger rollup_added after insert on clicks for each row
     when (new.created_at < clock_timestamp() - interval '1 minute') execute function note_late_click()`,
  );
  await knex.raw(
    `create trigger rollup_changed after update of suspect on clicks for each row
     when (old.suspect is distinct from new.suspect) execute function note_late_click()`,
  );
  await knex.raw(
    `create trigger rollup_removed after delete on clicks for each row execute function note_late_click()`,
  );

  await knex.raw(
    `create index leads_of_affiliate on leads (workspace_id, affiliate_id, created_at) where affiliate_id is not null`,
  );
  await knex.raw(`comment on index leads_of_affiliate is 'the newest lead of an affiliate whose newest one left it'`);
  await knex.raw(
    `create index sales_of_affiliate on sales (workspace_id, affiliate_id, occurred_at) where affiliate_id is not null`,
  );
  await knex.raw(`comment on index sales_of_affiliate is 'the newest sale of an affiliate; its refunded ones'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index leads_of_affiliate, sales_of_affiliate`);
  for (const table of [...Object.keys(tables), 'clicks'])
    for (const trigger of ['rollup_added', 'rollup_changed', 'rollup_removed'])
      await knex.raw(`drop trigger if exists ${trigger} on ${table}`);
  for (const table of Object.keys(tables))
    await knex.raw(`drop function if exists note_${table}(), note_change_of_${table}()`);
  await knex.raw(`drop function if exists note_late_click()`);
  await dropTables(knex, [
    'rollup_heads',
    'rollup_deltas',
    'program_days',
    'affiliate_days',
    'link_days',
    'affiliate_last_activity',
  ]);
}
