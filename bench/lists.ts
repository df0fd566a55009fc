// The first page of every list over 100,000 rows each: the demo year copied many times. No list may read its whole table (performance.md, Reads),
// and none may take more than twice what its own statements take when a plain client sends them.
import path from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { makeDemo } from '../bin/demo.js';
import { loadConfig } from '../platform/config.js';
import { LiveStack } from '../test/support/liveStack.js';
import { ensureWebPages } from '../test/support/webPages.js';
import { copied, copyRows } from './copies.js';
import { getRequest, loadHttp } from './httpLoad.js';
import { recordStatements, Replay, statementLog } from './statements.js';
import type { Bench, Measured } from './measure.js';
import { measurePages, pageNames, signIn } from './pages.js';

const rowsWanted = 100_000;
/** Three rounds of all lists stay below the 1,200 requests a minute of a session. */
const requests = 40;
/** Ours and theirs take turns in pieces of this many: what else the machine does meets both. */
const pieces = 5;
/** Of each list before the rounds, as many as a session may ask in a minute: code that has just started is still being compiled. */
const warmUps = 130;
const rateWindowMs = 60_000;
const rounds = 3;
/** What a person does not notice, for the slowest of twenty. */
const budgetMs = 100;

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

interface Page {
  readonly table: string;
  readonly list: string;
  /** The list's first fifty. */
  readonly path: string;
}

export const listsBench: Bench = {
  names: ['lists', 'listsSql', ...pageNames],
  what: 'the first page of each list over 100,000 rows: p95 in ms; p50 against its own statements sent by a plain client, the worst list; cold loads of console, portal and the longest list',
  takes: '3 minutes, most of it to fill the database',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  ensureWebPages();
  const stack = await LiveStack.start({
    env: { NODE_ENV: 'development', LOG_LEVEL: 'warn' },
    postgres: statementLog,
  });
  const owner = knexFactory({ client: 'pg', connection: stack.ownerUrl, pool: { min: 0, max: 1 } });
  const recorded: { readonly page: Page; readonly replay: Replay }[] = [];
  try {
    await makeDemo(loadConfig(stack.environment));
    // It would take up the copies as if they were business: their due dates, and audit entries under the ids that are copied next.
    await stack.kill('worker-0');
    for (const [table, columns] of Object.entries(copied))
      say(`${table}: ${await copyRows(owner, table, columns, rowsWanted)} rows`);
    await owner.raw('vacuum (analyze)'); // or autovacuum, which comes within a minute, is measured with the rounds
    const cookie = await signIn(stack.baseUrl, stack.signInLink);
    const server = { adminUrl: stack.adminUrl, postgresDir: path.join(stack.dataDir, 'postgres') };
    const plain = { connectionString: stack.appUrl, options: '-c role=tributary_app' };
    const pages: readonly Page[] = lists.map(([table, list]) => ({
      table,
      list,
      path: `${list}${list.includes('?') ? '&' : '?'}limit=50`,
    }));
    for (const page of pages) {
      await readPage(stack, cookie, page.path); // plans and caches
      const statements = await recordStatements(server, () => readPage(stack, cookie, page.path));
      recorded.push({ page, replay: await Replay.open(plain, statements) });
    }
    for (const { page, replay } of recorded) {
      await replay.run(warmUps);
      await measure(stack, cookie, page.path, warmUps);
    }
    await new Promise((resolve) => setTimeout(resolve, rateWindowMs - (Date.now() % rateWindowMs))); // the session's next minute
    const p95s: { ours: number; theirs: number }[] = [];
    const worst: { ours: number; theirs: number }[] = [];
    const p95Notes = [
      `${requests} requests each, one after the other, limit 50, by the owner's session; theirs is the budget`,
    ];
    const notes = [
      'p50 of the whole request over HTTP against its read: one transaction, its statements prepared and sent one after the other; the worst list of each round',
    ];
    for (let round = 1; round <= rounds; round += 1) {
      const figures: { readonly list: string; readonly ours: number; readonly theirs: number }[] = [];
      for (const { page, replay } of recorded) {
        const bare: number[] = [];
        const whole: number[] = [];
        let scans = 0;
        for (let piece = 0; piece < pieces; piece += 1) {
          bare.push(...(await replay.run(requests / pieces)));
          const scansBefore = await wholeReads(owner, page.table);
          whole.push(...(await measure(stack, cookie, page.path, requests / pieces)));
          scans += (await wholeReads(owner, page.table)) - scansBefore;
        }
        const [p50, p95] = [percentile(whole, 0.5), percentile(whole, 0.95)];
        figures.push({ list: page.list, ours: p50, theirs: percentile(bare, 0.5) });
        if (round > 1) continue;
        p95s.push({ ours: p95, theirs: budgetMs });
        p95Notes.push(
          `${page.list}: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, whole reads of ${page.table}: ${scans}`,
        );
        say(p95Notes.at(-1) ?? '');
      }
      const [slowest] = figures.toSorted((a, b) => b.ours / b.theirs - a.ours / a.theirs);
      if (slowest === undefined) throw new Error('no list was read');
      worst.push(slowest);
      notes.push(
        `round ${round}: ${figures.map(({ list, ours, theirs }) => `${list} ${ours.toFixed(1)} of ${theirs.toFixed(1)} ms`).join(', ')}`,
      );
      say(notes.at(-1) ?? '');
    }
    return [
      { name: 'lists', against: `a p95 of ${budgetMs} ms`, unit: 'ms', goal: '<= 1.00', rounds: p95s, notes: p95Notes },
      { name: 'listsSql', against: 'its own statements', unit: 'ms, p50', goal: '<= 2.00', rounds: worst, notes },
      ...(await measurePages(stack, say)),
    ];
  } finally {
    for (const { replay } of recorded) await replay.close();
    await owner.destroy();
    await stack.stop();
  }
}

async function wholeReads(owner: Knex, table: string): Promise<number> {
  await owner.raw('select pg_stat_clear_snapshot()');
  const { rows } = await owner.raw<{ rows: { scans: string }[] }>(
    'select seq_scan as scans from pg_stat_user_tables where relname = ?',
    [table],
  );
  return Number(rows[0]?.scans ?? 0);
}

async function readPage(stack: LiveStack, cookie: string, page: string): Promise<void> {
  const answer = await fetch(`${stack.baseUrl}${page}`, { headers: { cookie } });
  const body = (await answer.json()) as { readonly data?: readonly unknown[] };
  if (answer.status !== 200 || body.data?.length !== 50) throw new Error(`${page} answered ${answer.status}`);
}

async function measure(stack: LiveStack, cookie: string, page: string, answers: number): Promise<readonly number[]> {
  const { latenciesMs } = await loadHttp({
    port: Number(new URL(stack.baseUrl).port),
    connections: 1,
    until: { answers },
    status: 200,
    requests: [getRequest(page, { host: new URL(stack.environment['PUBLIC_URL'] ?? stack.baseUrl).host, cookie })],
  });
  return latenciesMs;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
