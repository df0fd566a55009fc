// Rows 1 to 4 of performance.md: a click that is committed before its 302, against bare Koa that only answers, and against a peer that sends one
// INSERT per click; Node's CPU for it, and that of all processes; and one click alone against one prepared INSERT. Postgres runs with its real
// settings.
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { newId } from '../platform/newId.js';
import { type BenchDatabase, inBenchDatabase } from './database.js';
import { getRequest, loadHttp } from './httpLoad.js';
import type { Bench, Measured } from './measure.js';
import { cpuMsOf } from './processes.js';

const rounds = 3;
const secondsPerRun = 8;
/**
 * So many are under way at once at the pace that is measured: 35,000 a second, 8 ms each. A hundred connections all wait for the same commit
 * while Node stands idle; that is measured beside it (`clickHundred`).
 */
const connections = 300;
const fewConnections = 100;
/** A server that has run for a while writes into WAL files that it recycles. A new one makes each of them first, twice a second at this pace. */
const walFiles = 60;
const linkCount = 50;
const idleSeconds = 2;
const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0';

interface Run {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** Node's. */
  readonly cpuMicros: number;
  /** The server's, Postgres's and the load generator's together: what the machine spends on one answer. */
  readonly allMicros: number;
}

export const clickBench: Bench = {
  names: ['click', 'clickHundred', 'clickPeer', 'clickTail', 'clickCpu', 'clickAllCpu', 'clickIdle'],
  what: 'a click committed, then 302, against bare Koa with a router and against one INSERT per click; the first with a hundred connections too; its p99; CPU per click of Node, and of all processes; one click alone against one INSERT',
  takes: '3 minutes',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const settings = { min_wal_size: `${walFiles * 16}MB` };
  return inBenchDatabase((database) => measureAll(database, say), settings);
}

async function measureAll(database: BenchDatabase, say: (line: string) => void): Promise<readonly Measured[]> {
  const { ownerUrl, appUrl, closing } = database;
  const servers: Server[] = [];
  try {
    const owner = knexFactory({ client: 'pg', connection: ownerUrl, pool: { min: 0, max: 2 } });
    closing.push(() => owner.destroy());
    const slugs = await makeLinks(owner);
    const bare = await startServer('bare', '');
    const ours = await startServer('ours', appUrl);
    const insert = await startServer('insert', ownerUrl);
    const peer = await startServer('peer', ownerUrl);
    servers.push(bare, ours, insert, peer);

    const admin = knexFactory({ client: 'pg', connection: database.adminUrl, pool: { min: 0, max: 1 } });
    closing.push(() => admin.destroy());
    for (let file = 0; file < walFiles; file += 1)
      await admin.raw("select pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()");
    await admin.raw('checkpoint');

    let acknowledged = 0;
    const measure = async (server: Server, seconds: number, count = connections) => {
      const measuredRun = await load(server, database.pid, slugs, seconds, count);
      if (server !== bare) acknowledged += measuredRun.answered;
      return measuredRun;
    };
    const before = await countClicks(owner);
    for (const server of [bare, ours, peer]) await measure(server, 3); // warm: the first seconds compile
    const pairs: { readonly ours: Run; readonly theirs: Run }[] = [];
    const hundreds: { readonly ours: Run; readonly theirs: Run }[] = [];
    const peers: { readonly ours: Run; readonly theirs: Run }[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      await admin.raw('checkpoint');
      const theirs = await measure(bare, secondsPerRun);
      const own = await measure(ours, secondsPerRun);
      const theirsOfFew = await measure(bare, secondsPerRun, fewConnections);
      const ownOfFew = await measure(ours, secondsPerRun, fewConnections);
      const asPeer = await measure(peer, secondsPerRun);
      pairs.push({ theirs, ours: own });
      hundreds.push({ theirs: theirsOfFew, ours: ownOfFew });
      peers.push({ theirs: asPeer, ours: own });
      say(`round ${round}: bare ${inWords(theirs)}, ours ${inWords(own)}, peer ${inWords(asPeer)}`);
      say(`  with ${fewConnections} connections: bare ${inWords(theirsOfFew)}, ours ${inWords(ownOfFew)}`);
    }
    const stored = (await countClicks(owner)) - before;
    if (stored < acknowledged) throw new Error(`${acknowledged} clicks were answered, ${stored} are stored`);
    const idle = await idleRounds(ours, insert, slugs[0] ?? '');
    const work = `${secondsPerRun} s a run, ${linkCount} links of 2 workspaces, half with cookie and query; server, Postgres and load on one machine; WAL files recycled; ${stored} rows for ${acknowledged} answers`;
    const setting = `${connections} connections, ${work}`;
    const few = `${fewConnections} connections, ${work}`;
    return [
      measured('click', 'bare Koa', 'requests/s', '>= 0.80', pairs, (one) => one.perSecond, setting),
      measured('clickHundred', 'bare Koa', 'requests/s', '>= 0.80', hundreds, (one) => one.perSecond, few),
      measured(
        'clickPeer',
        'one INSERT per click',
        'requests/s',
        '>= 2.00',
        peers,
        (one) => one.perSecond,
        `the peer: Koa with a router, one unprepared INSERT of the same row without its details and without a look-up of the link, committed by itself, through a pool of 10 connections; ${setting}`,
      ),
      measured('clickTail', "bare Koa's p99", 'ms', '<= 1.5', pairs, (one) => one.p99Ms, setting),
      measured('clickCpu', "bare Koa's CPU", 'us/request', '<= 1.1', pairs, (one) => one.cpuMicros, setting),
      measured(
        'clickAllCpu',
        "bare Koa's CPU with its load",
        'us/request',
        '<= 1.25',
        pairs,
        (one) => one.allMicros,
        `server, Postgres and load generator together: 1.25 is 0.80 of the requests where two cores do all of it; ${setting}`,
      ),
      {
        name: 'clickIdle',
        against: 'one prepared INSERT',
        unit: 'ms, p50',
        goal: '<= 1.3',
        rounds: idle,
        notes: [`Koa and one prepared INSERT, then 302, against ours; one connection, ${idleSeconds} s each`],
      },
    ];
  } finally {
    for (const server of servers) server.process.disconnect();
  }
}

function measured(
  name: string,
  against: string,
  unit: string,
  goal: string,
  pairs: readonly { readonly ours: Run; readonly theirs: Run }[],
  of: (run: Run) => number,
  note: string,
): Measured {
  return {
    name,
    against,
    unit,
    goal,
    rounds: pairs.map(({ ours, theirs }) => ({ ours: of(ours), theirs: of(theirs) })),
    notes: [note],
  };
}

interface Server {
  readonly process: ChildProcess;
  readonly port: number;
}

async function startServer(kind: 'bare' | 'insert' | 'peer' | 'ours', databaseUrl: string): Promise<Server> {
  const child = fork(path.join(import.meta.dirname, 'clickServer.ts'), [kind, databaseUrl], {
    execArgv: ['--import', 'tsx'],
  });
  const { port } = await answerOf<{ port: number }>(child);
  return { process: child, port };
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`the server ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

async function cpuOf(server: Server): Promise<number> {
  const answer = answerOf<{ cpu: NodeJS.CpuUsage }>(server.process);
  server.process.send('cpu');
  const { cpu } = await answer;
  return cpu.user + cpu.system;
}

function inWords({ perSecond, p99Ms, cpuMicros, allMicros }: Run): string {
  return `${perSecond.toFixed(0)}/s p99 ${p99Ms.toFixed(1)} ms ${cpuMicros.toFixed(1)} us, all ${allMicros.toFixed(1)} us`;
}

async function load(
  server: Server,
  postgresPid: number,
  slugs: readonly string[],
  seconds: number,
  connectionCount: number,
): Promise<Run & { readonly answered: number }> {
  const cpuBefore = await cpuOf(server);
  const othersBefore = othersCpu(postgresPid);
  const result = await loadHttp({
    port: server.port,
    connections: connectionCount,
    until: { seconds },
    status: 302,
    requests: requestsTo(slugs),
  });
  const cpu = (await cpuOf(server)) - cpuBefore;
  const others = othersCpu(postgresPid) - othersBefore;
  const { answered, perSecond, p99Ms } = result;
  return { perSecond, p99Ms, cpuMicros: cpu / answered, allMicros: (cpu + others) / answered, answered };
}

/** Microseconds of Postgres with its children and of this process, which is the load generator. */
function othersCpu(postgresPid: number): number {
  const { user, system } = process.cpuUsage();
  return cpuMsOf(postgresPid) * 1_000 + user + system;
}

function requestsTo(slugs: readonly string[]): readonly Buffer[] {
  return slugs.map((slug, index) =>
    index % 2 === 0
      ? getRequest(`/r/${slug}`, { 'user-agent': agent })
      : getRequest(`/r/${slug}?sid=kw${index}&utm_source=news`, {
          'user-agent': agent,
          cookie: `trb_click=${newId('click')}`,
        }),
  );
}

/** One click alone: ours beside the obvious way, Koa with one prepared INSERT, both over one connection. */
async function idleRounds(ours: Server, insert: Server, slug: string): Promise<Measured['rounds']> {
  const p50 = async ({ port }: Server) => {
    const requests = requestsTo([slug]);
    return (await loadHttp({ port, connections: 1, until: { seconds: idleSeconds }, status: 302, requests })).p50Ms;
  };
  for (const server of [insert, ours]) await p50(server); // warm
  const pairs: { ours: number; theirs: number }[] = [];
  for (let round = 1; round <= rounds; round += 1) pairs.push({ theirs: await p50(insert), ours: await p50(ours) });
  return pairs;
}

async function countClicks(owner: Knex): Promise<number> {
  const row = await owner('clicks').count<{ count: string }[]>();
  return Number(row[0]?.count ?? 0);
}

async function makeLinks(owner: Knex): Promise<readonly string[]> {
  const slugs: string[] = [];
  for (const workspace of ['workspace', 'workspace'] as const) {
    const workspaceId = newId(workspace);
    const [programId, contactId, affiliateId] = [newId('program'), newId('contact'), newId('affiliate')];
    await owner('workspaces').insert({ id: workspaceId, name: 'Bench' });
    await owner('settings').insert({ workspace_id: workspaceId, version: 1, sections: '{}' });
    await owner('programs').insert({
      workspace_id: workspaceId,
      id: programId,
      name: 'Bench',
      slug: programId.slice(4),
      status: 'active',
      currency: 'USD',
      destination_hosts: ['shop.example'],
    });
    await owner('contacts').insert({
      workspace_id: workspaceId,
      id: contactId,
      email: 'a@b.example',
      email_key: 'a@b.example',
    });
    await owner('affiliates').insert({
      workspace_id: workspaceId,
      id: affiliateId,
      contact_id: contactId,
      name: 'Ada',
      email: 'a@b.example',
      status: 'approved',
    });
    await owner('enrolments').insert({
      workspace_id: workspaceId,
      id: newId('enrolment'),
      affiliate_id: affiliateId,
      program_id: programId,
      status: 'active',
      joined_at: new Date(),
    });
    for (let index = 0; index < linkCount / 2; index += 1) {
      const id = newId('link');
      slugs.push(id.slice(4));
      await owner('links').insert({
        workspace_id: workspaceId,
        id,
        affiliate_id: affiliateId,
        program_id: programId,
        slug: id.slice(4),
        destination_url: 'https://shop.example/pricing',
        status: 'active',
      });
    }
  }
  return slugs;
}
