// Row 8 of performance.md: what it costs to keep the figures by day current, beside inserting the same clicks as the redirect does, in group
// commits. The usual case: many clicks of an affiliate on a day. The worst: no two of one affiliate on the same day, so that a day holds as many
// rows as there were clicks. CPU of all processes of Postgres and of Node, and the days are counted again from the rows.
import knexFactory, { type Knex } from 'knex';
import { foldRollups } from '../activities/reporting/rollup.js';
import { connect, connectEdge, type Db, type EdgeDb } from '../db/connection.js';
import { type NewClick, recordClicks } from '../db/tracking/click.js';
import type { WorkspaceId } from '../domain/ids.js';
import { createLogger } from '../platform/logger.js';
import { newId } from '../platform/newId.js';
import { inBenchDatabase } from './database.js';
import type { Bench, Measured } from './measure.js';
import { cpuMsOf } from './processes.js';

const rounds = 3;
const days = 30;
/** What the redirect commits at once when many come at once: the cheapest insert there is. */
const batch = 1_000;

interface Case {
  readonly name: 'rollups' | 'rollupsWorst';
  readonly affiliates: number;
  readonly clicks: number;
}

const usual: Case = { name: 'rollups', affiliates: 200, clicks: 200_000 };
const worst: Case = { name: 'rollupsWorst', affiliates: 20_000, clicks: 60_000 };

export const rollupsBench: Bench = {
  names: [usual.name, worst.name],
  what: 'folding clicks into the figures by day, against inserting the same clicks: many of an affiliate a day, and one',
  takes: '2 minutes',
  run,
};

interface Server {
  readonly pid: number;
  readonly owner: Knex;
  readonly db: Db;
  readonly edgeDb: EdgeDb;
}

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  return inBenchDatabase(async (database) => {
    const owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
    const options = { url: database.appUrl, poolSize: 1, applicationName: 'bench' };
    const [db, edgeDb] = [connect(options), connectEdge(options)];
    database.closing.push(
      () => edgeDb.end(),
      () => db.destroy(),
      () => owner.destroy(),
    );
    const server: Server = { pid: database.pid, owner, db, edgeDb };
    return [await measure(server, usual, say), await measure(server, worst, say)];
  });
}

/** Each round in a workspace of its own, so that every round writes its days for the first time. */
async function measure(server: Server, size: Case, say: (line: string) => void): Promise<Measured> {
  const pairs: { readonly ours: number; readonly theirs: number }[] = [];
  const notes = [
    `${size.clicks} clicks of ${size.affiliates} affiliates over ${days} days, ${(size.clicks / size.affiliates / days).toFixed(1)} of an affiliate a day; unit: CPU of Postgres and Node per click`,
    `theirs: the redirect's own statement, ${batch} clicks a commit; ours: the relay's step until nothing is left, indexes, activity of each affiliate and all`,
  ];
  for (let round = 1; round <= rounds; round += 1) {
    const workspaceId = await makeWorkspace(server.owner);
    // The step builds the days of what is there, nothing, and sets its mark.
    for (let pass = 0; pass < 3; pass += 1) await fold(server.db, workspaceId);
    const clicks = makeClicks(workspaceId, size);
    const inserted = await taking(server.pid, async () => {
      for (let from = 0; from < clicks.length; from += batch)
        await recordClicks(server.edgeDb, clicks.slice(from, from + batch));
    });
    await spread(server.owner, workspaceId);
    const folded = await taking(server.pid, async () => {
      while (await fold(server.db, workspaceId));
    });
    await requireSameFigures(server.owner, workspaceId, size.clicks);
    const perClick = (cpuMs: number): number => (cpuMs * 1_000) / size.clicks;
    pairs.push({ ours: perClick(folded.cpuMs), theirs: perClick(inserted.cpuMs) });
    notes.push(
      `round ${round}: inserted in ${inserted.seconds.toFixed(1)} s, folded in ${folded.seconds.toFixed(1)} s, CPU ${perClick(inserted.cpuMs).toFixed(1)} and ${perClick(folded.cpuMs).toFixed(1)} us a click`,
    );
    say(`${size.name} ${notes.at(-1) ?? ''}`);
  }
  return {
    name: size.name,
    against: 'inserting the same clicks',
    unit: 'us of CPU a click',
    goal: '<= 0.50',
    rounds: pairs,
    notes,
  };
}

function fold(db: Db, workspaceId: WorkspaceId): Promise<boolean> {
  return foldRollups({ db, logger: createLogger({ logLevel: 'error' }) }, [workspaceId]);
}

async function makeWorkspace(owner: Knex): Promise<WorkspaceId> {
  const id = newId('workspace');
  await owner('workspaces').insert({ id, name: 'Bench' });
  await owner('settings').insert({
    workspace_id: id,
    version: 1,
    sections: { general: { timeZone: 'Europe/Warsaw' } },
  });
  return id;
}

/** In the order of time, as clicks come: all affiliates have theirs on each day. */
function makeClicks(workspaceId: WorkspaceId, size: Case): readonly NewClick[] {
  const programId = newId('program');
  const of = Array.from({ length: size.affiliates }, () => ({
    affiliateId: newId('affiliate'),
    linkId: newId('link'),
  }));
  return Array.from({ length: size.clicks }, (_one, index): NewClick => {
    const { affiliateId, linkId } = of[(index * 7_919) % size.affiliates] ?? {
      affiliateId: newId('affiliate'),
      linkId: newId('link'),
    };
    return {
      id: newId('click'),
      workspaceId,
      mode: 'live',
      linkId,
      affiliateId,
      programId,
      previousClickId: null,
      credit: 'credited',
      creditCode: null,
      isSuspect: false,
      subs: null,
      query: null,
      referrer: null,
      windowSeconds: 2_592_000,
      addressHash: null,
      userAgent: null,
    };
  });
}

/** Lays the clicks over the days before now. They are new rows, as they were when they were inserted. */
async function spread(owner: Knex, workspaceId: WorkspaceId): Promise<void> {
  await owner.raw('analyze clicks'); // or rows that Postgres has not counted yet are joined one by one
  await owner.raw(
    `update clicks set created_at = laid.at
     from (select id, now() - interval '2 minutes' - (interval '1 day' * ? * (1 - row_number() over (order by created_at, id)::float8 / count(*) over ())) as at
           from clicks where workspace_id = ?) as laid
     where clicks.workspace_id = ? and clicks.id = laid.id`,
    [days, workspaceId, workspaceId],
  );
  // The mark is a moment after the clicks; the step takes what is older than a minute before it.
  await owner.raw('vacuum (analyze) clicks');
  await owner.raw(
    `update rollup_heads set mark_at = date_trunc('milliseconds', now()), mark_xid = pg_snapshot_xmin(pg_current_snapshot()) where workspace_id = ?`,
    [workspaceId],
  );
}

async function requireSameFigures(owner: Knex, workspaceId: WorkspaceId, clicks: number): Promise<void> {
  for (const table of ['program_days', 'affiliate_days', 'link_days']) {
    const { rows } = await owner.raw<{ rows: { clicks: string }[] }>(
      `select sum(clicks) as clicks from ${table} where workspace_id = ?`,
      [workspaceId],
    );
    if (Number(rows[0]?.clicks) !== clicks) throw new Error(`${table} counts ${rows[0]?.clicks} of ${clicks} clicks`);
  }
}

/** What some work takes on the clock and of the processors: this process and every process of the server. */
async function taking(
  serverPid: number,
  work: () => Promise<unknown>,
): Promise<{ readonly seconds: number; readonly cpuMs: number }> {
  const server = cpuMsOf(serverPid);
  const node = process.cpuUsage();
  const from = performance.now();
  await work();
  const { user, system } = process.cpuUsage(node);
  return { seconds: (performance.now() - from) / 1_000, cpuMs: cpuMsOf(serverPid) - server + (user + system) / 1_000 };
}
