// The first page of every list over 100,000 rows each: the demo year copied many times. No list may read its whole table (performance.md, Reads).
import knexFactory, { type Knex } from 'knex';
import { makeDemo } from '../bin/demo.js';
import { loadConfig } from '../platform/config.js';
import { LiveStack } from '../test/support/liveStack.js';
import type { Bench, Measured } from './measure.js';

const rowsWanted = 100_000;
const requests = 40;
/** What a person does not notice, for the slowest of twenty. */
const budgetMs = 100;

/** What is copied, and the columns that get an id of their own in each copy; all others go on naming what they named. */
const copied: Readonly<Record<string, readonly string[]>> = {
  contacts: ['id'],
  affiliates: ['id'],
  links: ['id'],
  clicks: ['id', 'visitor_id'],
  referrals: ['id', 'contact_id', 'visitor_id'],
  leads: ['id'],
  sales: ['id'],
  commissions: ['id', 'cause_id'],
  payouts: ['id'],
  audit_entries: ['id', 'object_id', 'cause_id'],
};
/** Texts that are unique beside the ids. */
const unique: readonly string[] = ['email', 'email_key', 'slug', 'external_id', 'customer_external_id', 'phone_key'];

const lists: readonly (readonly [table: string, path: string])[] = [
  ['affiliates', '/v1/affiliates'],
  ['links', '/v1/links'],
  ['clicks', '/v1/clicks'],
  ['leads', '/v1/leads'],
  ['sales', '/v1/sales'],
  ['referrals', '/v1/referrals?status=pending,approved,rejected'],
  ['commissions', '/v1/commissions'],
  ['payouts', '/v1/payouts'],
  ['audit_entries', '/v1/audit-entries'],
];

export const listsBench: Bench = {
  names: ['lists'],
  what: 'the first page of each list over 100,000 rows, p95 in ms',
  takes: '3 minutes',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const stack = await LiveStack.start({ env: { NODE_ENV: 'development', LOG_LEVEL: 'warn' } });
  const owner = knexFactory({ client: 'pg', connection: stack.ownerUrl, pool: { min: 0, max: 1 } });
  try {
    await makeDemo(loadConfig(stack.environment));
    // It would take up the copies as if they were business: their due dates, and audit entries under the ids that are copied next.
    await stack.kill('worker-0');
    for (const [table, columns] of Object.entries(copied)) say(`${table}: ${await copy(owner, table, columns)} rows`);
    await owner.raw('analyze');
    const cookie = await signIn(stack);
    const rounds: { ours: number; theirs: number }[] = [];
    const notes = [
      `${requests} requests each, one after the other, limit 50, by the owner's session; theirs is the budget`,
    ];
    for (const [table, path] of lists) {
      const scansBefore = await wholeReads(owner, table);
      const times = await measure(stack, cookie, path);
      const scans = (await wholeReads(owner, table)) - scansBefore;
      const [p50, p95] = [percentile(times, 0.5), percentile(times, 0.95)];
      rounds.push({ ours: p95, theirs: budgetMs });
      notes.push(`${path}: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, whole reads of ${table}: ${scans}`);
      say(notes.at(-1) ?? '');
    }
    return [{ name: 'lists', against: `a p95 of ${budgetMs} ms`, unit: 'ms', goal: '<= 1.00', rounds, notes }];
  } finally {
    await owner.destroy();
    await stack.stop();
  }
}

/** Copies a table's rows until it holds enough; ids keep their prefix and time. */
async function copy(owner: Knex, table: string, ids: readonly string[]): Promise<number> {
  const { rows: columns } = await owner.raw<{ rows: { name: string }[] }>(
    `select column_name as name from information_schema.columns
     where table_schema = 'public' and table_name = ? and is_generated = 'NEVER' and is_identity = 'NO'`,
    [table],
  );
  const names = columns.map(({ name }) => name);
  const value = (name: string): string => {
    if (ids.includes(name)) return `left(${name}, strpos(${name}, '_') + 10) || left(md5(${name} || copy.number), 16)`;
    if (unique.includes(name)) return `${name} || '.' || copy.number`;
    // Their runs are not copied: a payout by hand has none.
    if (table === 'payouts' && name === 'run_id') return 'null';
    return name;
  };
  const count = async (): Promise<number> => {
    const { rows } = await owner.raw<{ rows: { count: string }[] }>(`select count(*) as count from ${table}`);
    return Number(rows[0]?.count ?? 0);
  };
  const had = await count();
  const copies = Math.ceil(rowsWanted / had) - 1;
  // The copies are rows to be listed, not business that happened.
  await owner.raw(`alter table ${table} disable trigger user`);
  await owner.raw(
    `insert into ${table} (${names.join(', ')})
     select ${names.map(value).join(', ')} from ${table} cross join generate_series(1, ?) as copy (number)`,
    [copies],
  );
  await owner.raw(`alter table ${table} enable trigger user`);
  return count();
}

async function wholeReads(owner: Knex, table: string): Promise<number> {
  await owner.raw('select pg_stat_clear_snapshot()');
  const { rows } = await owner.raw<{ rows: { scans: string }[] }>(
    'select seq_scan as scans from pg_stat_user_tables where relname = ?',
    [table],
  );
  return Number(rows[0]?.scans ?? 0);
}

async function measure(stack: LiveStack, cookie: string, path: string): Promise<readonly number[]> {
  const times: number[] = [];
  for (let request = 0; request < requests; request += 1) {
    const began = performance.now();
    const answer = await fetch(`${stack.baseUrl}${path}${path.includes('?') ? '&' : '?'}limit=50`, {
      headers: { cookie },
    });
    const body = (await answer.json()) as { readonly data?: readonly unknown[] };
    if (answer.status !== 200 || body.data?.length !== 50) throw new Error(`${path} answered ${answer.status}`);
    times.push(performance.now() - began);
  }
  return times.toSorted((a, b) => a - b);
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function signIn(stack: LiveStack): Promise<string> {
  const answer = await fetch(`${stack.baseUrl}/v1/auth/one-time`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: stack.signInLink.split('/welcome/')[1] }),
  });
  if (answer.status !== 200) throw new Error(`the owner could not sign in: ${answer.status}`);
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}
