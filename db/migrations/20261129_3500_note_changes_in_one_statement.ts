import type { Knex } from 'knex';

// Why: a lifecycle of a referral wrote 21 rows of `rollup_deltas` by as many statements, a tenth of what it costs Postgres (performance.md 5
// and 8), and half of them took away what the next one added. A change that counts nothing no longer calls the trigger, one that counts writes
// both sides in one statement, and a delta has no foreign key of its workspace: like a click it is counted, not followed, and the row it is
// about has one. No table is rewritten; triggers are exchanged under a lock of an instant. Reversible.

/** What a row counts for and when a change of it counts; the rest is the same for all (20261128_2201_create_rollups). */
interface Counted {
  readonly link: string;
  readonly at: string;
  readonly currency: string;
  readonly measures: Readonly<Record<string, string>>;
  readonly activity: string;
  readonly where: string;
  /** Columns whose change is looked at. */
  readonly watched: readonly string[];
  /** Of a watched column, what is counted of it: a change that leaves all of these as they are counts nothing. */
  readonly counts: Readonly<Record<string, readonly string[]>>;
  readonly leaves: string;
}

const tables: Readonly<Record<string, Counted>> = {
  leads: {
    link: 'counted.link_id',
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
    counts: { verdict: [`counted.verdict in ('accepted', 'converted')`] },
    leaves: 'old.affiliate_id is distinct from new.affiliate_id',
  },
  referrals: {
    link: `''`,
    at: 'counted.created_at',
    currency: `''`,
    measures: { referrals: '1' },
    activity: 'null',
    where: `counted.status in ('pending', 'approved', 'rejected')`,
    watched: ['status', 'affiliate_id', 'program_id'],
    counts: { status: [`counted.status in ('pending', 'approved', 'rejected')`] },
    leaves: 'false',
  },
  sales: {
    link: 'counted.link_id',
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
    counts: { status: [`counted.status = 'declined'`] },
    leaves: `(old.affiliate_id, old.occurred_at, old.status = 'declined') is distinct from (new.affiliate_id, new.occurred_at, new.status = 'declined')`,
  },
  commissions: {
    link: `''`,
    at: 'counted.created_at',
    currency: 'counted.currency',
    measures: {
      earned_minor: 'counted.amount_minor - counted.reversed_minor',
      paid_minor: `case when counted.status = 'paid' then counted.amount_minor - counted.reversed_minor else 0 end`,
    },
    activity: 'null',
    where: `counted.status <> 'rejected'`,
    watched: ['status', 'amount_minor', 'reversed_minor', 'affiliate_id', 'program_id', 'currency'],
    counts: { status: [`counted.status = 'rejected'`, `counted.status = 'paid'`] },
    leaves: 'false',
  },
};

const measures = [
  'clicks',
  'valid_clicks',
  'visits',
  'leads',
  'unique_leads',
  'accepted_leads',
  'referrals',
  'sales',
  'refunded_sales',
  'captured_minor',
  'refunded_minor',
  'earned_minor',
  'paid_minor',
];
const keys = ['workspace_id', 'mode', 'affiliate_id', 'program_id', 'link_id', 'at', 'currency'];
const head = `language plpgsql security definer set search_path = public, pg_temp`;

/** What one side of a change counts for, added or taken away. */
function side(table: Counted, row: 'old' | 'new', grouped: boolean): string {
  const sign = row === 'old' ? '-' : '';
  const sum = (measure: string): string => (grouped ? `sum(${measure})` : measure);
  return `
      select counted.workspace_id, counted.mode, coalesce(counted.affiliate_id, ''), coalesce(counted.program_id, ''),
             coalesce(${table.link}, ''), date_bin('15 minutes', ${table.at}, timestamptz '2000-01-01 00:00:00+00'), ${table.currency},
             ${measures.map((name) => `${sign}coalesce(${sum(table.measures[name] ?? '0')}, 0)`).join(', ')},
             ${row === 'old' ? 'cast(null as timestamptz)' : grouped ? `max(cast(${table.activity} as timestamptz))` : `cast(${table.activity} as timestamptz)`},
             ${row === 'old' ? table.leaves : 'false'}
      from (select ${row}.*) as counted
      where ${table.where}${grouped ? ' group by 1, 2, 3, 4, 5, 6, 7' : ''}`;
}

const into = `insert into rollup_deltas (${[...keys, ...measures, 'last_at', 'leaves'].join(', ')})`;

async function exchange(
  knex: Knex,
  name: string,
  table: Counted,
  body: string,
  when: readonly string[],
): Promise<void> {
  await knex.raw(`create or replace function note_change_of_${name}() returns trigger ${head} as $$
    begin
      ${body}
      return null;
    end $$`);
  await knex.raw(`drop trigger rollup_changed on ${name}`);
  await knex.raw(
    `create trigger rollup_changed after update of ${table.watched.join(', ')} on ${name} for each row
     when (${when.join(' or ')}) execute function note_change_of_${name}()`,
  );
}

const differs = (text: string): string =>
  `(${text.replaceAll('counted.', 'old.')}) is distinct from (${text.replaceAll('counted.', 'new.')})`;

export async function up(knex: Knex): Promise<void> {
  for (const [name, table] of Object.entries(tables))
    await exchange(
      knex,
      name,
      table,
      `${into} ${side(table, 'old', false)} union all ${side(table, 'new', false)};`,
      table.watched.flatMap((column) => (table.counts[column] ?? [`counted.${column}`]).map(differs)),
    );
  await knex.raw('alter table rollup_deltas drop constraint rollup_deltas_workspace_id_fkey');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    'alter table rollup_deltas add constraint rollup_deltas_workspace_id_fkey foreign key (workspace_id) references workspaces',
  );
  for (const [name, table] of Object.entries(tables))
    await exchange(
      knex,
      name,
      table,
      `${into} ${side(table, 'old', true)}; ${into} ${side(table, 'new', true)};`,
      table.watched.map((column) => differs(`counted.${column}`)),
    );
}
